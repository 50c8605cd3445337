"""All that the state store derives from the ledger, to be carried past records that are removed, and taken in again."""

import sqlite3
from collections.abc import Callable, Iterator

import msgspec

from postwarden.findings.delivered import Delivered
from postwarden.findings.held import Held
from postwarden.findings.own_sessions import OwnSessions
from postwarden.findings.sweeps import Sweeps
from postwarden.model.account import Account
from postwarden.model.record import (
    CarriedAnswer,
    CarriedFinding,
    CarriedList,
    ConfigurationChanged,
    FindingAnswered,
    HistoryDay,
    StateCarried,
)
from postwarden.model.standing import Standing

#: A field of `StateCarried` or `CarriedList` and a value for it; of a field that is a tuple, one item.
Part = tuple[str, object]

_STANDING = msgspec.json.Decoder(Standing)
_ACCOUNT = msgspec.json.Decoder(Account)
_ANSWER = msgspec.json.Decoder(FindingAnswered)
_DAY = msgspec.json.Decoder(HistoryDay)
_CONFIGURATION = msgspec.json.Decoder(ConfigurationChanged)
_LIST = msgspec.json.Decoder(CarriedList)


def carry(base: sqlite3.Connection) -> Iterator[Part]:
    """Everything that is derived, in an order that is always the same."""
    for key, standing in base.execute("SELECT id, standing FROM finding ORDER BY id").fetchall():
        rows = base.execute("SELECT record FROM history WHERE id = ? ORDER BY record", (key,))
        records = tuple(index for (index,) in rows)
        yield "findings", CarriedFinding(standing=_STANDING.decode(standing), records=records)
    for index, answer in base.execute("SELECT record, answer FROM answer ORDER BY record"):
        yield "answers", CarriedAnswer(record=index, answer=_ANSWER.decode(answer))
    for (account,) in base.execute("SELECT account FROM account ORDER BY key"):
        yield "accounts", _ACCOUNT.decode(account)
    for (record,) in base.execute("SELECT record FROM configuration"):
        yield "configuration", _CONFIGURATION.decode(record)
    for (record,) in base.execute("SELECT record FROM history_day ORDER BY day"):
        yield "history_days", _DAY.decode(record)
    for (before,) in base.execute("SELECT max(before) FROM history_pruned HAVING max(before) IS NOT NULL"):
        yield "history_pruned", before
    for sweep in Sweeps(base).carried():
        yield "sweeps", sweep
    for grants in Held(base).carried():
        yield "grants", grants
    for notifier in Delivered(base).carried():
        yield "notifiers", notifier
    for session in OwnSessions(base).of_all():
        yield "sessions", session


def restore(
    base: sqlite3.Connection, record: StateCarried, interval: int, content_of: Callable[[str], bytes | None]
) -> None:
    """Takes in a part; `interval` is that of the sweeps, in microseconds, `content_of` gives a blob, if it is there."""
    for one in record.findings:
        finding = one.standing.finding
        base.execute(
            "INSERT OR REPLACE INTO finding VALUES (?, ?, ?, ?, ?)",
            (
                finding.id, finding.scope.kind, finding.scope.key, one.standing.status,
                msgspec.json.encode(one.standing),
            ),
        )  # fmt: skip
        base.executemany(
            "INSERT OR IGNORE INTO history VALUES (?, ?)", ((finding.id, index) for index in one.records)
        )
    for answer in record.answers:
        base.execute("INSERT INTO answer VALUES (?, ?)", (answer.record, msgspec.json.encode(answer.answer)))
    if record.configuration is not None:
        base.execute("INSERT INTO configuration VALUES (?)", (msgspec.json.encode(record.configuration),))
    for day in record.history_days:
        base.execute("INSERT OR REPLACE INTO history_day VALUES (?, ?)", (day.day, msgspec.json.encode(day)))
    if record.history_pruned is not None:
        base.execute("INSERT INTO history_pruned VALUES (?)", (record.history_pruned,))
    Delivered(base).restore(record.notifiers)
    content = content_of(record.listed) if record.listed is not None else None
    if content is not None:
        _restore_list(base, _LIST.decode(content), interval)


def _restore_list(base: sqlite3.Connection, listed: CarriedList, interval: int) -> None:
    for account in listed.accounts:
        base.execute(
            "INSERT OR REPLACE INTO account VALUES (?, ?)", (account.key, msgspec.json.encode(account))
        )
    Sweeps(base).restore(listed.sweeps, interval)
    Held(base).restore(listed.grants)
    OwnSessions(base).add(listed.sessions)
