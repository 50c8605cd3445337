"""Which records an export is about."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from postwarden.errors import LedgerError
from postwarden.model.scope import Scope

#: The content of a blob, `None` where it was erased.
ContentOf = Callable[[str], bytes | None]
#: The scope of the finding with an id, `None` where there is no such finding.
ScopeOf = Callable[[str], Scope | None]


class Choice(Struct, frozen=True, kw_only=True):
    """Records from `since` to before `until` (as records write times) that concern `account` (a key); None: all."""

    since: str | None = None
    until: str | None = None
    account: str | None = None


class Row(Struct, frozen=True, kw_only=True):
    """What an export says of a record beside the record; `accounts` are keys."""

    index: int
    time: str
    kind: str
    accounts: tuple[str, ...]
    run: str
    actor: str
    agent: str
    line: bytes


def row(index: int, line: bytes, scope_of: ScopeOf, content_of: ContentOf) -> Row:
    """A record and what it is about, also where its kind is of a newer postwarden; LedgerError where it is no object."""
    try:
        fields = _DECODER.decode(line)
    except msgspec.DecodeError as exc:
        raise LedgerError(f"record {index} cannot be read: {exc}", "run postwarden verify") from exc
    return Row(
        index=index,
        time=str(fields.get("time")),
        kind=str(fields.get("kind")),
        accounts=accounts_of(fields, scope_of, content_of),
        run=str(fields.get("run")),
        actor=str(fields.get("actor")),
        agent=str(fields.get("agent")),
        line=line,
    )


def chosen(choice: Choice, one: Row) -> bool:
    """Whether an export is about this record."""
    if choice.since is not None and one.time < choice.since:
        return False
    if choice.until is not None and one.time >= choice.until:
        return False
    return choice.account is None or choice.account in one.accounts


def accounts_of(fields: Mapping[str, Any], scope_of: ScopeOf, content_of: ContentOf) -> tuple[str, ...]:
    """The keys of the accounts that a record concerns, sorted.

    It names them as its scope or among its scopes, which may be in a blob, as its finding's scope, as the account that was seen, or in a list of
    accounts; or it names a finding by its id, whose scope the state store knows.
    """
    scopes = [fields.get("scope"), *_list(fields.get("scopes"))]
    if isinstance(listed := fields.get("listed"), str) and (content := content_of(listed)) is not None:
        scopes += _list(msgspec.json.decode(content))
    finding, account = fields.get("finding"), fields.get("account")
    if isinstance(finding, dict):
        scopes.append(finding.get("scope"))
    keys = {scope["key"] for scope in scopes if isinstance(scope, dict) and scope.get("kind") == "account"}
    keys |= {one for one in _list(fields.get("accounts")) if isinstance(one, str)}
    if isinstance(account, dict):
        keys.add(account.get("key"))
    elif isinstance(account, str):
        keys.add(account)
    if isinstance(identifier := fields.get("id"), str):
        scope = scope_of(identifier)
        if scope is not None and scope.kind == "account":
            keys.add(scope.key)
    return tuple(sorted(key for key in keys if isinstance(key, str)))


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


_DECODER = msgspec.json.Decoder(dict[str, Any])
