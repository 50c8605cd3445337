"""Exported material of any kind, by the decoder of its kind; each is loaded when a file needs it."""

from collections.abc import Iterator
from datetime import datetime

from postwarden.model.account import Account
from postwarden.model.reading import Item
from postwarden.model.scope import Scope

FORWARD_FILES, SIEVE_SCRIPTS, RULE_ITEMS = "forward_files", "sieve_scripts", "rule_items"


def decode(
    raw: bytes,
    account: Account,
    *,
    kind: str,
    name: str,
    scope: Scope,
    source: str,
    observed: datetime,
    active: bool = True,
) -> Iterator[Item]:
    """What a file of a kind (`formats.kinds`) says; `active` is whether a script is in force. No bytes raise."""
    match kind:
        case "sieve":
            from postwarden.formats import sieve

            return sieve.decode(
                raw,
                name=name,
                active=active,
                scope=scope,
                source=source,
                check=SIEVE_SCRIPTS,
                observed=observed,
            )
        case "forward":
            from postwarden.formats import forward_file

            return forward_file.decode(
                raw, account, name=name, scope=scope, source=source, check=FORWARD_FILES, observed=observed
            )
        case "ews":
            from postwarden.formats import ews_xml

            return ews_xml.decode(raw, account, scope=scope, source=source, observed=observed)
        case "exchange-rule":
            from postwarden.formats import exchange_rule_file

            return exchange_rule_file.decode(
                raw, name=name, scope=scope, source=source, check=RULE_ITEMS, observed=observed
            )
        case _:
            raise AssertionError(f"a kind without a decoder: {kind}")


def check_of(raw: bytes, kind: str) -> str | None:
    """The check that a file of a kind is about; None for an answer of EWS that is not judged."""
    if kind == "ews":
        from postwarden.formats.ews_xml.decoding import check_of as of_answer

        return of_answer(raw)
    return {"sieve": SIEVE_SCRIPTS, "forward": FORWARD_FILES, "exchange-rule": RULE_ITEMS}[kind]
