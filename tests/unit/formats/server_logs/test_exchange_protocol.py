"""Exchange's protocol logs of IMAP4 and POP3."""

from collections.abc import Callable
from pathlib import Path

import pytest

from postwarden.errors import ConfigError
from postwarden.formats.server_logs import About, open_log
from postwarden.formats.server_logs.exchange_protocol import MAX_SESSIONS
from postwarden.model.event import Access
from tests.log_samples import accesses, decode, sample

FORMAT = "exchange_protocol"


def test_a_log_in_and_its_end_are_two_events_of_one_session() -> None:
    """The end has the bytes of all commands since the log-in."""
    begun, ended = [
        one for one in accesses(decode(FORMAT, sample("exchange_imap/imap4.log"))) if one.name == "sales"
    ]
    assert (begun.stage, begun.identity, begun.method, begun.encrypted) == (
        "begun",
        "EXAMPLE\\bob",
        "PLAIN",
        True,
    )
    assert (ended.stage, ended.session, ended.identity) == ("ended", begun.session, "EXAMPLE\\bob")
    assert (ended.bytes_in, ended.bytes_out) == (15 + 30 + 9, 306 + 90210 + 84)
    assert ended.ended == 1795420804100


def test_a_log_in_has_all_that_the_line_tells() -> None:
    """Account, endpoints and time are those of the line."""
    content = sample("exchange_imap/imap4.log")
    assert accesses(decode(FORMAT, content))[0] == Access(
        at=content.index(b"2026-11-23T08:00:00.300Z"),
        time=1795420800300,
        stage="begun",
        protocol="imap",
        name="alice",
        address="203.0.113.7",
        port=50001,
        server="192.0.2.10",
        session="00000000000000A1@203.0.113.7:50001",
        encrypted=True,
    )


def test_the_total_of_a_session_handed_on_is_that_of_its_end() -> None:
    """A front end that hands a session on writes only at the end how much went through."""
    (ended,) = [
        one
        for one in accesses(decode(FORMAT, sample("exchange_imap/imap4.log")))
        if (one.name, one.stage) == ("alice", "ended")
    ]
    assert (ended.bytes_in, ended.bytes_out) == (611, 45800)


def test_refusals_are_told_where_they_have_a_name() -> None:
    """A name in the parameters will do; without any, and for a line cut short, there is no event."""
    decoded = decode(FORMAT, sample("exchange_imap/imap4.log"))
    refused = [one for one in accesses(decoded) if one.stage == "refused"]
    assert [(one.name, one.address, one.reason) for one in refused] == [
        ("carol@example.org", "203.0.113.66", "a2 NO LOGIN failed.")
    ]
    assert len(decoded.unread) == 1


def test_exchanges_own_probes_are_passed_over() -> None:
    """The mailboxes with which Exchange watches itself make no events from the server itself."""
    found = accesses(decode(FORMAT, sample("exchange_imap/imap4.log")))
    assert not [one for one in found if one.name.startswith("HealthMailbox")]
    abroad = b"2026-11-23T08:20:05.100Z,A3,1,192.0.2.10:993,203.0.113.5:22219,HealthMailboxab28d88,1,7,9,login,x *****,R=ok,\n"
    assert [one.name for one in accesses(decode(FORMAT, abroad))] == ["HealthMailboxab28d88"]


def test_a_posted_log_is_read() -> None:
    """A refusal at a shared mailbox names who tried and which mailbox."""
    (found,) = accesses(decode(FORMAT, sample("exchange_imap/posted.log")))
    assert (found.stage, found.identity, found.name) == ("refused", "domain\\user", "sharedmailbox")
    assert found.reason == "AuthFailed:LogonDenied,User: domain\\user\\sharedmailbox"


def test_pop3_is_told_by_its_commands() -> None:
    """POP3 logs in with `pass`, and sums what it fetched."""
    begun, ended, refused = accesses(decode(FORMAT, sample("exchange_imap/pop3.log")))
    assert (begun.protocol, begun.stage, begun.encrypted) == ("pop3", "begun", None)
    assert (ended.bytes_in, ended.bytes_out) == (6, 20000)
    assert (refused.stage, refused.reason) == (
        "refused",
        "-ERR Logon failure: unknown user name or bad password.",
    )


def test_published_refusals_are_read(shared: Callable[[str], Path]) -> None:
    """Every line of CrowdSec's samples of Exchange's IMAP4 is a refusal of its account."""
    for name, lines in (("exchange-imap-bf", 7), ("exchange-imap-logs", 1)):
        content = (shared(f"data/crowdsec-hub/{name}") / f"{name}.log").read_bytes()
        decoded = decode(FORMAT, content)
        assert [(one.stage, one.name, one.address) for one in accesses(decoded)] == [
            ("refused", "testuser", "192.168.9.212")
        ] * lines
        assert not decoded.unread


@pytest.mark.parametrize(
    ("user", "identity", "name"),
    [
        ("alice", None, "alice"),
        ("EXAMPLE\\alice", None, "EXAMPLE\\alice"),
        ("alice@example.org", None, "alice@example.org"),
        ("EXAMPLE\\alice\\sales", "EXAMPLE\\alice", "sales"),
        ("EXAMPLE/alice/sales", "EXAMPLE/alice", "sales"),
        ("alice@example.org\\sales@example.org", "alice@example.org", "sales@example.org"),
        ("EXAMPLE\\\\alice", None, "EXAMPLE\\\\alice"),
        ("alice@example.org\\", None, "alice@example.org\\"),
    ],
)
def test_who_logged_in_is_told_from_the_mailbox(user: str, identity: str | None, name: str) -> None:
    """Somebody who opens another's mailbox writes both names."""
    line = (
        f"2026-11-23T08:20:05.100Z,A3,1,192.0.2.10:993,203.0.113.5:22219,{user},1,7,9,login,x *****,R=ok,\n"
    )
    (found,) = accesses(decode(FORMAT, line.encode()))
    assert (found.identity, found.name) == (identity, name)


def test_a_name_cannot_pass_for_an_outcome() -> None:
    """What somebody writes for a name stands inside of quotes, and does not let them in."""
    context = '"Msg=""User: x;R=OK;"";R=""a NO LOGIN failed."""'
    line = (
        f"2026-11-23T08:20:05.100Z,A3,1,192.0.2.10:993,203.0.113.5:22219,x,1,7,9,login,x *****,{context},\n"
    )
    assert [one.stage for one in accesses(decode(FORMAT, line.encode()))] == ["refused"]


def test_a_session_ends_once() -> None:
    """A second end of a session is the end of nothing that was let in."""
    content = sample("exchange_imap/pop3.log")
    again = (
        content
        + b"2026-11-23T08:00:02.000Z,0000000000000001,4,192.0.2.10:110,203.0.113.9:61000,dave,0,0,0,CloseSession,,\n"
    )
    assert [one.stage for one in accesses(decode(FORMAT, again))].count("ended") == 1


def test_a_session_from_the_file_before_ends() -> None:
    """Where bytes went through, somebody was let in; where none did, the end of a refused session says nothing."""
    lines = sample("exchange_imap/imap4.log").splitlines(keepends=True)
    (ended,) = accesses(decode(FORMAT, b"".join(lines[:5]) + lines[14]))
    assert (ended.stage, ended.protocol, ended.name, ended.bytes_out) == ("ended", "imap", "alice", 45800)
    assert decode(FORMAT, b"".join(lines[:5]) + lines[13]).events == []
    assert decode(FORMAT, b"".join(lines[:5]) + lines[14].replace(b",alice,", b",,")).events == []


def test_sessions_under_way_are_bounded() -> None:
    """After too many log-ins the oldest session is forgotten, and the latest still ends."""
    line = "2026-11-23T08:00:00.300Z,{0:x},2,192.0.2.10:993,203.0.113.7:50001,a{0},1,4,2,{1},{2},\n"
    count = MAX_SESSIONS + 10
    begun = "".join(line.format(one, "login,a *****", "R=ok") for one in range(count))
    ends = "".join(line.format(one, "CloseSession,", "").replace(",4,2,", ",0,0,") for one in (0, count - 1))
    decoder = open_log(FORMAT, About())
    decoder.decode(begun.encode(), 0)
    assert [one.name for one in accesses(decoder.decode(ends.encode(), 0))] == [f"a{count - 1}"]
    assert len(decoder.state()) < 100 * count


def test_options_are_refused() -> None:
    """The format has no options."""
    with pytest.raises(ConfigError, match="unknown field"):
        open_log(FORMAT, About(options={"x": 1}))
