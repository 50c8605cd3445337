"""Connections that belong together."""

from typing import Any

from postwarden.access.visits import visits
from postwarden.model.session import Session

MINUTE = 60_000


def session(minute: int, **more: Any) -> Session:
    given = {
        "row": minute, "source": "log", "stage": "begun", "protocol": "imap", "name": "alice", "begun": minute * MINUTE,
        "ended": None, "end": "open", "address": "192.0.2.1", "client": "Thunderbird/128.1",
    }  # fmt: skip
    return Session(**(given | more))  # type: ignore[arg-type]  # fields of a session


def test_connections_within_minutes_are_one_visit() -> None:
    """In any order, also with a newer version of the client; a pause begins another."""
    found = list(visits([session(12), session(0), session(5, client="Thunderbird/128.2"), session(30)]))
    assert [(one.begun // MINUTE, one.last // MINUTE, one.sessions) for one in found] == [
        (0, 12, 3),
        (30, 30, 1),
    ]


def test_other_accounts_addresses_clients_and_protocols_are_other_visits() -> None:
    """What does not belong together is counted by itself, and refused tries are no visit."""
    found = list(
        visits(
            [
                session(0),
                session(1, name="bob"),
                session(2, address="192.0.2.2"),
                session(3, client="python-requests/2"),
                session(4, protocol="pop3"),
                session(5, end="refused"),
            ]
        )
    )
    assert len(found) == 5
    assert {one.sessions for one in found} == {1}
