"""Findings, standings and records for one account."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from postwarden.findings.store import StateStore
from postwarden.model import moment
from postwarden.model.encoding import encode
from postwarden.model.finding import CheckRef, Fact, Finding
from postwarden.model.finding_id import finding_id
from postwarden.model.record import Envelope, Record
from postwarden.model.scope import Scope, account_scope
from postwarden.model.standing import Acknowledgement, Standing

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ALICE = account_scope("login:alice")
SCRIPTS = CheckRef(source="sieve", check="sieve_scripts")
FOLDERS = CheckRef(source="imap", check="folders")
RULE = "8a857a7e-c13c-45c1-a0ca-541aa0637660"
OTHER_RULE = "1fe284e1-2af5-4481-a7dd-b5b0a3e2412c"


def later(days: int) -> datetime:
    return NOW + timedelta(days=days)


def envelope(time: datetime = NOW) -> Envelope:
    return {"time": moment.text(time), "run": "run-1", "actor": "uid 0 (root)", "agent": "postwarden/0"}


def finding(
    name: str = "main",
    *,
    target: str = "eve@evil.example",
    scope: Scope = ALICE,
    rule: str = RULE,
    **fields: Any,
) -> Finding:
    subject = ("sieve_script", name)
    return Finding(
        id=finding_id(rule, scope, subject), rule=rule, scope=scope, subject=subject,
        **{"name": "external_redirect", "title": "T", "level": "high", "checks": (SCRIPTS,),
           "facts": (Fact(name="target", values=(target,)),), **fields},
    )  # fmt: skip


def standing(of: Finding, status: Any = "open", *, until: datetime | None = None) -> Standing:
    given = (
        Acknowledgement(actor="a", reason="r", time=NOW, until=until) if status == "acknowledged" else None
    )
    return Standing(finding=of, status=status, first_seen=NOW, since=NOW, acknowledgement=given)


class Ledgerlike:
    """Records in memory, offered to a state store as a ledger offers them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: list[bytes] = []
        self.blobs: dict[str, bytes] = {}
        self.read: list[int] = []

    def add(self, *records: Record) -> "Ledgerlike":
        self.lines += [encode(record) for record in records]
        return self

    def root(self, size: int | None = None) -> bytes:
        return sha256(b"\n".join(self.lines[:size])).digest()

    def records(self, start: int) -> Iterable[tuple[int, bytes]]:
        self.read.append(start)
        return list(enumerate(self.lines))[start:]

    def catch_up(self, store: StateStore) -> StateStore:
        store.catch_up(
            len(self.lines), self.root(), self.records, lambda: iter(self.blobs.items()), self.blobs.get
        )
        return store

    def store(self) -> StateStore:
        return self.catch_up(StateStore(self.path))


@pytest.fixture
def ledger(tmp_path: Path) -> Ledgerlike:
    """An empty ledger, and a place for its state store."""
    return Ledgerlike(tmp_path / "state.sqlite")
