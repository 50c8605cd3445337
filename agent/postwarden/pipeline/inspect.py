"""Judging exported material without connecting to anything."""

import re
from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from postwarden.formats.exported import decode
from postwarden.model.account import Account
from postwarden.model.evidence import Evidence
from postwarden.model.finding import CheckRef
from postwarden.model.reading import CheckDone, Gap, Observed
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
    scope = account_scope(account.key)
    for item in decode(raw, account, kind=kind, name=name, scope=scope, source=SOURCE, observed=observed):
        if isinstance(item, Observed):
            evidence.append(item.evidence)
        elif isinstance(item, Gap):
            gaps.append(item)
        else:
            assert isinstance(item, CheckDone)
    return Material(evidence=tuple(evidence), gaps=tuple(gaps))


def shapes(gaps: Sequence[Gap]) -> dict[str, int]:
    """How often each shape of thing was not understood: the messages without their numbers."""
    counted: dict[str, int] = {}
    for gap in gaps:
        shape = _NUMBER.sub("#", gap.message)
        counted[shape] = counted.get(shape, 0) + 1
    return counted
