"""Judging exported material without connecting to anything."""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime

from msgspec import Struct

from postwarden.model.account import Account
from postwarden.model.evidence import Evidence
from postwarden.model.finding import CheckRef
from postwarden.model.reading import CheckDone, Gap, Item, Observed
from postwarden.model.scope import account_scope

#: Files beyond this are no exported rules or scripts.
MAX_BYTES = 64 * 1024 * 1024

SOURCE = "inspect"

_NUMBER = re.compile(r"\d+")


class Material(Struct, frozen=True, kw_only=True):
    """What one file said."""

    evidence: tuple[Evidence, ...]
    gaps: tuple[Gap, ...]

    @property
    def complete(self) -> frozenset[CheckRef]:
        """Exported material never proves that something is gone."""
        return frozenset()


def read_material(raw: bytes, *, name: str, kind: str, account: Account, observed: datetime) -> Material:
    """Decodes a file of one kind; a script in a file counts as active."""
    evidence: list[Evidence] = []
    gaps: list[Gap] = []
    for item in _items(raw, name=name, kind=kind, account=account, observed=observed):
        if isinstance(item, Observed):
            evidence.append(item.evidence)
        elif isinstance(item, Gap):
            gaps.append(item)
        else:
            assert isinstance(item, CheckDone)
    return Material(evidence=tuple(evidence), gaps=tuple(gaps))


def _items(raw: bytes, *, name: str, kind: str, account: Account, observed: datetime) -> Iterator[Item]:
    """The kind's decoder over the file; each is loaded when a file needs it, for their parsers are heavy."""
    scope = account_scope(account.key)
    match kind:
        case "sieve":
            from postwarden.formats import sieve

            return sieve.decode(
                raw,
                name=name,
                active=True,
                scope=scope,
                source=SOURCE,
                check="sieve_scripts",
                observed=observed,
            )
        case "forward":
            from postwarden.formats import forward_file

            return forward_file.decode(
                raw, account, name=name, scope=scope, source=SOURCE, check="forward_files", observed=observed
            )
        case "ews":
            from postwarden.formats import ews_xml

            return ews_xml.decode(raw, account, scope=scope, source=SOURCE, observed=observed)
        case "exchange-rule":
            from postwarden.formats import exchange_rule_file

            return exchange_rule_file.decode(
                raw, name=name, scope=scope, source=SOURCE, check="rule_items", observed=observed
            )
        case _:
            raise AssertionError(f"a kind without a decoder: {kind}")


def shapes(gaps: Sequence[Gap]) -> dict[str, int]:
    """How often each shape of thing was not understood: the messages without their numbers."""
    counted: dict[str, int] = {}
    for gap in gaps:
        shape = _NUMBER.sub("#", gap.message)
        counted[shape] = counted.get(shape, 0) + 1
    return counted
