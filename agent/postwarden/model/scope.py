"""What a statement is about."""

from typing import Literal

from msgspec import Struct

ScopeKind = Literal["account", "source", "organisation", "agent"]


class Scope(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, order=True):
    """An account (by its key), a source (by its name), the organisation, or the agent itself."""

    kind: ScopeKind
    key: str


def account_scope(key: str) -> Scope:
    return Scope(kind="account", key=key)


def source_scope(name: str) -> Scope:
    return Scope(kind="source", key=name)


def agent_scope(origin: str) -> Scope:
    """The agent itself, by the name of its ledger."""
    return Scope(kind="agent", key=origin)
