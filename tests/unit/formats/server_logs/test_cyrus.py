"""Logs of Cyrus imapd, with its audit log."""

from collections import Counter
from pathlib import Path

import pytest

from postwarden.errors import ConfigError
from postwarden.formats.server_logs import About, Decoded, grade_of, open_log
from postwarden.model.event import Access, Act
from tests.unit.formats.server_logs.told import milliseconds, told

SAMPLE = Path(__file__).parents[3] / "samples" / "logs" / "cyrus" / "audited.log"
SESSION = "cyrus-1795446021-1976-1-5860007672551110609"


def read(raw: bytes, **options: object) -> Decoded:
    about = About(modified=milliseconds("2026-11-23T15:30:00+00:00"), options=options)
    return open_log("cyrus", about).decode(raw, 0)


@pytest.fixture(scope="module")
def sample() -> Decoded:
    return read(SAMPLE.read_bytes())


def test_the_sample_is_read_to_the_last_line(sample: Decoded) -> None:
    """No line of a real log is unread, and none has a time that is in doubt."""
    assert (sample.unread, sample.doubtful) == ([], [])
    assert grade_of("cyrus") == "observed live"


def test_a_session_has_a_beginning_and_an_end(sample: Decoded) -> None:
    """The log-in names account and address, the audit log the bytes, and the session joins them."""
    begun, ended = (
        event for event in sample.events if isinstance(event, Access) and event.session == SESSION
    )
    assert told([begun, ended]) == [
        {
            "kind": "access",
            "time": milliseconds("2026-11-23T15:00:21+00:00"),
            "stage": "begun",
            "protocol": "imap",
            "name": "alice",
            "address": "127.0.0.1",
            "session": SESSION,
            "method": "plaintext",
            "encrypted": False,
        },
        {
            "kind": "access",
            "time": milliseconds("2026-11-23T15:00:21+00:00"),
            "stage": "ended",
            "protocol": "imap",
            "name": "alice",
            "session": SESSION,
            "bytes_in": 338,
            "bytes_out": 2990,
        },
    ]


def test_who_logged_in_and_who_did_not(sample: Decoded) -> None:
    """Log-ins, ends and refusals of the sample; a name that looks like an answer stays a name."""
    assert Counter(
        (one.stage, one.protocol, one.name) for one in sample.events if isinstance(one, Access)
    ) == {
        ("begun", "imap", "alice"): 4,
        ("ended", "imap", "alice"): 4,
        ("begun", "managesieve", "alice"): 1,
        ("refused", "imap", "alice"): 2,
        ("refused", "imap", "nobody"): 1,
        ("refused", "imap", "alice@mail.kitano-works.example"): 1,
        ("refused", "imap", "x] SASL(-13): [6.6.6.6] bob"): 1,
        ("refused", "managesieve", ""): 1,
    }
    assert {one.address for one in sample.events if isinstance(one, Access) and one.stage != "ended"} == {
        "127.0.0.1"
    }
    assert [one.encrypted for one in sample.events if isinstance(one, Access) and one.method == "plaintext"][
        -1
    ]


def test_what_a_session_did(sample: Decoded) -> None:
    """A message stored, marked as read and expunged, and a right given to somebody else."""
    acts = [event for event in sample.events if isinstance(event, Act)]
    assert [(act.deed, act.uid, act.size) for act in acts if act.uid] == [
        ("saved", 1, 67),
        ("flagged", 1, None),
        ("flagged", 1, None),
        ("flagged", 1, None),
        ("expunged", 1, 67),
    ]
    assert "touched oldflags=<> sysflags=<SE>" in {act.detail for act in acts}
    assert any(act.detail is not None and "bob\tlrs" in act.detail for act in acts)
    assert {act.name for act in acts} == {"alice"}


def test_an_older_versions_words() -> None:
    """Cyrus 2.x writes no brackets around the name and no session."""
    raw = (
        b"Nov 23 10:00:00 mail imaps[7]: badlogin: host.example [192.0.2.1] plaintext bob SASL(-13): authentication failure: x\n"
        b"Nov 23 10:00:01 mail imaps[7]: login: host.example [192.0.2.1] bob plaintext+TLS User logged in\n"
    )
    refused, begun = told(read(raw).events)
    assert (refused["name"], refused["reason"]) == ("bob", "SASL(-13): authentication failure: x")
    assert (begun["name"], begun["encrypted"], begun.get("session")) == ("bob", True, None)


def test_a_failure_before_a_name_was_told() -> None:
    """Where no name was told the failure has the address alone."""
    raw = b"Nov 23 10:00:00 mail imap[7]: badlogin: h [192.0.2.1] PLAIN (-notset-) [SASL(-13): user not found: x]\n"
    (refused,) = told(read(raw).events)
    assert (refused["name"], refused["address"]) == ("", "192.0.2.1")


def test_ends_are_told_where_the_server_audits() -> None:
    """Without the audit log the format does not tell when sessions end."""
    assert not open_log("cyrus", About()).ends
    assert open_log("cyrus", About(options={"auditlog": True})).ends


def test_sessions_are_remembered_up_to_a_bound() -> None:
    """Sessions that never end do not fill the memory."""
    line = "Nov 23 10:00:00 mail imap[7]: login: h [192.0.2.1] bob PLAIN User logged in SESSIONID=<s{0}>\n"
    log = open_log("cyrus", About(modified=milliseconds("2026-11-23T15:00:00+00:00")))
    log.decode("".join(line.format(number) for number in range(9000)).encode(), 0)
    assert len(log.state()) < 100_000


def test_wrong_options_are_named() -> None:
    """An option that the format does not have is an error of the configuration."""
    with pytest.raises(ConfigError):
        open_log("cyrus", About(options={"colour": "red"}))
