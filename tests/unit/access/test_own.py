"""Which sessions in a log were ours."""

import time
from datetime import UTC, datetime

import pytest

from postwarden.access.own import match
from postwarden.model.reading import OwnSession
from postwarden.model.session import Session

NOW = 1_795_000_000_000


def recorded(seconds: float = 0, port: int = 4711, protocol: str = "imap") -> OwnSession:
    return OwnSession(
        source="imap", protocol=protocol, identity="alice*auditor", account="login:alice", server="h:993",
        local_address="192.0.2.9", local_port=port, opened=datetime.fromtimestamp(NOW / 1000 + seconds, UTC),
    )  # fmt: skip


def seen(
    row: int, seconds: float = 0, port: int | None = 4711, address: str = "192.0.2.9", **more: object
) -> Session:
    given = {
        "row": row, "source": "log", "stage": "begun", "protocol": "imap", "name": "alice", "begun": NOW + int(seconds * 1000),
        "ended": None, "end": "open", "address": address, "port": port, "identity": "auditor",
    }  # fmt: skip
    return Session(**(given | more))  # type: ignore[arg-type]  # fields of a session


@pytest.mark.parametrize(
    ("record", "session", "strength"),
    [
        (recorded(), seen(1, 2), "exact"),
        (recorded(), seen(1, 59), "exact"),
        (recorded(), seen(1, 61), None),
        (recorded(), seen(1, port=4712), None),
        (recorded(), seen(1, 9, address="192.0.2.8"), "weak"),
        (recorded(), seen(1, 11, address="192.0.2.8"), None),
        (recorded(), seen(1, address="203.0.113.1", peer="192.0.2.9"), "exact"),
        (recorded(protocol="managesieve"), seen(1), None),
        (recorded(), seen(1, 9, port=None), "weak"),
        (recorded(), seen(1, 11, port=None), None),
    ],
)
def test_a_session_is_ours_by_address_and_port_or_else_by_time(
    record: OwnSession, session: Session, strength: str | None
) -> None:
    """Where the log has the port it decides; where it has none, seconds do, and that is called weak."""
    found = match([record], [session])
    assert found.explained == ({1: strength} if strength else {})
    assert [one.row for one in found.unexplained] == ([] if strength else [1])


def test_one_record_explains_one_session() -> None:
    """A stolen credential that is used at our own times from our own host still has no record."""
    found = match([recorded(port=1)], [seen(1, 1, port=None), seen(2, 2, port=None)])
    assert found.explained == {1: "weak"}
    assert [one.row for one in found.unexplained] == [2]


def test_the_exact_match_comes_before_the_nearest() -> None:
    """A record that fits exactly is not taken by a session without a port that is nearer in time."""
    found = match([recorded(0, port=5)], [seen(1, 0, port=None), seen(2, 5, port=5)])
    assert found.explained == {2: "exact"}


def test_ten_days_of_a_large_organisation_are_compared_in_no_time() -> None:
    """A service account opens thousands of mailboxes; each record is looked at only near its time."""
    records = [recorded(60 * number, port=number) for number in range(8_000)]
    sessions = [seen(number, 60 * number + 1, port=number) for number in range(8_000)]
    began = time.process_time()
    assert match(records, sessions).unexplained == ()
    assert time.process_time() - began < 3


def test_a_thief_elsewhere_at_our_own_moment_is_not_taken_for_us() -> None:
    """Our own session takes its record exactly, and what comes from another address at that time has none left."""
    found = match([recorded()], [seen(1, 1, address="203.0.113.7", port=9), seen(2, 2)])
    assert found.explained == {2: "exact"}
    assert [one.row for one in found.unexplained] == [1]
