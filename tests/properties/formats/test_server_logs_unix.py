"""Logs of Unix mail servers, whatever is in them."""

import os
import time
from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postwarden.formats.server_logs import MAX_LINE, About, Decoded, open_log
from postwarden.model.encoding import encode
from postwarden.model.event import Access, Act, Event, Transfer

EXAMPLES = 3000 if os.environ.get("POSTWARDEN_LONG") else 200
counted = settings(max_examples=EXAMPLES)

FORMATS = ["dovecot", "postfix", "exim", "cyrus", "roundcube"]
ZEROS = "in=1 out=2 deleted=0 expunged=0 trashed=0 hdr_count=0 hdr_bytes=0 body_count=0 body_bytes=0"
#: 23 November 2026.
MODIFIED = 1_795_443_581_000

HOSTILE = st.sampled_from(
    [
        "a>, method=PLAIN, rip=6.6.6.6, lip=1.2.3.4, TLS, session=<x",
        "a, rip=6.6.6.6",
        "bob,6.6.6.6,<x>): unknown user",
        "a)<1><x>: Info: Disconnected: Logged out in=1 out=2",
        "a>, auth_user=<root",
        "to=<b@x.example>, status=sent (ok)",
        "%u %{user} \\",
        "été",
        "\ud800",
        "[6.6.6.6]:25: SASL LOGIN authentication failed",
        "x => y@x.example R=a T=b",
    ]
)
NAMES = (
    HOSTILE | st.text(st.characters(exclude_characters="\n"), max_size=8) | st.sampled_from(["alice", "bob"])
)
ADDRESSES = st.sampled_from(["192.0.2.1", "2001:db8::1", "203.0.113.77"])
STAMPS = st.sampled_from(
    [
        "Nov 23 10:00:00",
        "Nov  3 10:00:01",
        "Dec 31 23:59:59",
        "Jan  1 00:00:00",
        "Feb 29 12:00:00",
        "2026-11-23T10:00:00.123456+01:00",
        "2026-11-23T10:00:00Z",
        "2026-10-25T02:30:00",
        "2026-11-23 10:00:00",
        "99 xx",
    ]
)
QUEUES = st.sampled_from(["4F8CA1B", "E7A9728A5DD"])
EXIM_QUEUES = st.sampled_from(["1xVVTs-0008MR-1p", "1xVVTt-0008MX-00"])
FRAMES = {
    "dovecot": st.sampled_from(["", "mail dovecot: ", "mail dovecot[7]: ", "mail postfix/smtpd[7]: "]),
    "postfix": st.sampled_from(
        [
            "mail postfix/smtpd[7]: ",
            "mail postfix/cleanup[7]: ",
            "mail postfix/qmgr[7]: ",
            "mail postfix/smtp[7]: ",
            "mail postfix/virtual[7]: ",
            "mail postfix/submission/smtpd[7]: ",
            "mail dovecot: ",
            "",
        ]
    ),
    "exim": st.sampled_from(["", "mail exim[7]: 2026-11-23 10:00:00 ", "mail dovecot: "]),
    "cyrus": st.sampled_from(
        ["mail cyrus/imap[7]: ", "mail imaps: ", "mail cyrus/sieve: ", "mail dovecot: "]
    ),
    "roundcube": st.just("]: "),
}
MESSAGES = {
    "dovecot": st.one_of(
        st.builds(
            "{2}-login: {3}{4}: user=<{0}>, method=PLAIN, rip={1}, lip=198.51.100.7, mpid=7, TLS, session=<s{5}>".format,
            NAMES,
            ADDRESSES,
            st.sampled_from(["imap", "pop3", "managesieve"]),
            st.sampled_from(["", "Info: "]),
            st.sampled_from(
                [
                    "Login",
                    "Logged in",
                    "Disconnected: Connection closed (auth failed, 2 attempts in 6 secs)",
                    "Aborted login (no auth attempts in 2 secs)",
                ]
            ),
            st.integers(0, 3),
        ),
        st.builds(
            "auth: passwd-file({0},{1},<s{2}>): {3}".format,
            NAMES,
            ADDRESSES,
            st.integers(0, 3),
            st.sampled_from(["unknown user", "Password mismatch", "unknown user (given password: x)"]),
        ),
        st.builds("auth: Master user logging in as {0}".format, NAMES),
        st.builds(
            "imap({0})<7><s{1}>: {2}".format,
            NAMES,
            st.integers(0, 3),
            st.sampled_from(
                [
                    f"Disconnected: Logged out {ZEROS}",
                    "Disconnected: Logged out",
                    "copy from INBOX: box=A, uid=7, msgid=<a@x>, size=9, subject=x, uid=8",
                    "Mailbox created: A",
                ]
            ),
        ),
        st.builds(
            'stats: Info: {{"event":"mail_opened","fields":{{"user":{0},"uid":7,"session":"s1"}}}}'.format,
            NAMES.map(lambda name: msgspec.json.encode(name.encode("utf-8", "replace").decode()).decode()),
        ),
    ),
    "postfix": st.one_of(
        st.builds(
            "{0}: client=h[{1}]:99, sasl_method=PLAIN, sasl_username={2}".format, QUEUES, ADDRESSES, NAMES
        ),
        st.builds(
            "warning: h[{0}]: SASL LOGIN authentication failed: x, sasl_username={1}".format, ADDRESSES, NAMES
        ),
        st.builds("{0}: message-id={1}".format, QUEUES, NAMES),
        st.builds("{0}: from=<{1}>, size=9, nrcpt=1 (queue active)".format, QUEUES, NAMES),
        st.builds(
            "{0}: to=<{1}>, orig_to=<{2}>, relay=h[{3}]:25, delay=1, dsn=2.0.0, status={4} ({1})".format,
            QUEUES,
            NAMES,
            NAMES,
            ADDRESSES,
            st.sampled_from(["sent", "deferred", "bounced", "x"]),
        ),
        st.builds("{0}: removed".format, QUEUES),
    ),
    "exim": st.one_of(
        st.builds(
            "{0} <= {1} H=h (x) [{2}]:9 P=esmtpsa A=l:{1} S=9 id={1}".format, EXIM_QUEUES, NAMES, ADDRESSES
        ),
        st.builds(
            '{0} {1} {2} <{3}> R=r T=t H=h [{4}]:25 C="250 {2}"'.format,
            EXIM_QUEUES,
            st.sampled_from(["=>", "->", "**", "=="]),
            NAMES,
            NAMES,
            ADDRESSES,
        ),
        st.builds("{0} Completed".format, EXIM_QUEUES),
        st.builds("l authenticator failed for h (x) [{0}]:9: 535 x (set_id={1})".format, ADDRESSES, NAMES),
    ),
    "cyrus": st.one_of(
        st.builds(
            "login: h [{0}] {1} plaintext+TLS User logged in SESSIONID=<s{2}>".format,
            ADDRESSES,
            NAMES,
            st.integers(0, 2),
        ),
        st.builds("badlogin: h [{0}] PLAIN ({1}) [SASL(-13): x: {1}]".format, ADDRESSES, NAMES),
        st.builds("badlogin: h [{0}] plaintext {1} SASL(-13): x".format, ADDRESSES, NAMES),
        st.builds(
            "auditlog: {0} sessionid=<s{1}> mailbox=<user.a> uid=<1> messageid=<{2}> size=<9> bytes_in=<7>".format,
            st.sampled_from(["traffic", "append", "expunge", "modseq"]),
            st.integers(0, 2),
            NAMES,
        ),
    ),
    "roundcube": st.one_of(
        st.builds("<s> Successful login for {0} (ID: 7) from {1} in session s".format, NAMES, ADDRESSES),
        st.builds(
            "Failed login for {0} from {1}(X-Forwarded-For: {0}, {1}) in session s (error: 0)".format,
            NAMES,
            ADDRESSES,
        ),
    ),
}


def lines(name: str) -> st.SearchStrategy[bytes]:
    """Lines of a format, nearly so, or of anything."""
    stamps = st.just("[23-Nov-2026 10:00:00 +0100") if name == "roundcube" else STAMPS.map("{} ".format)
    made = st.builds("{}{}{}".format, stamps, FRAMES[name], MESSAGES[name]).map(
        lambda text: text.encode("utf-8", "surrogatepass").replace(b"\n", b" ")
    )
    broken = st.tuples(made, st.integers(0, 120), st.binary(max_size=3)).map(
        lambda parts: (parts[0][: parts[1]] + parts[2] + parts[0][parts[1] :]).replace(b"\n", b"")
    )
    return made | broken | st.binary(max_size=60).map(lambda raw: raw.replace(b"\n", b""))


def read(name: str, raw: bytes) -> Decoded:
    return open_log(name, About(zone="Europe/Berlin", modified=MODIFIED)).decode(raw, 0)


def in_portions(
    name: str, portions: Sequence[bytes]
) -> tuple[list[Event], list[tuple[int, bytes]], int, list[tuple[int, str]]]:
    """The lines in portions, with another process after each."""
    about = About(zone="Europe/Berlin", modified=MODIFIED)
    state, at, passed = b"", 0, 0
    events: list[Event] = []
    unread: list[tuple[int, bytes]] = []
    doubtful: list[tuple[int, str]] = []
    for portion in portions:
        log = open_log(name, about, state)
        found = log.decode(portion, at)
        events += found.events
        unread += found.unread
        doubtful += found.doubtful
        passed += found.passed
        at += len(portion)
        state = log.state()
        assert len(state) < 1_000_000
    return events, unread, passed, doubtful


@pytest.mark.parametrize("name", FORMATS)
@counted
@given(raw=st.binary(max_size=300))
def test_any_bytes_are_read_without_an_error(name: str, raw: bytes) -> None:
    """Whatever stands in a log, reading ends, and each line is accounted for."""
    found = read(name, raw)
    assert found.lines == raw.count(b"\n") + (not raw.endswith(b"\n") and bool(raw))
    assert len(found.unread) + found.passed <= found.lines


@pytest.mark.parametrize("name", FORMATS)
@counted
@given(data=st.data())
def test_portions_and_restarts_change_nothing(name: str, data: st.DataObject) -> None:
    """The same lines in other portions, each in a new process, give the same events, doubts and counts."""
    rows = [line + b"\n" for line in data.draw(st.lists(lines(name), max_size=8))]
    whole = read(name, b"".join(rows))
    assert in_portions(name, rows) == (whole.events, whole.unread, whole.passed, whole.doubtful)


@pytest.mark.parametrize("name", FORMATS)
@counted
@given(data=st.data())
def test_no_event_is_invented(name: str, data: st.DataObject) -> None:
    """Each event begins at a line, and its name, address and session are in the lines."""
    rows = data.draw(st.lists(lines(name), max_size=6))
    raw = b"".join(row + b"\n" for row in rows)
    begins = {0} | {place + 1 for place, byte in enumerate(raw) if byte == 0x0A}
    text = raw.decode("utf-8", "backslashreplace")
    found = read(name, raw)
    for event in found.events:
        assert event.at in begins
        encode(event)
        for told in words(event):
            assert told in text or msgspec.json.encode(told).decode()[1:-1] in text
    own = [event.at for event in found.events]
    assert len(set(own)) + len(found.unread) + found.passed <= found.lines
    assert not set(own) & {place for place, _ in found.unread}


def words(event: Event) -> list[str]:
    """What an event has from its lines, word for word."""
    if isinstance(event, Transfer):
        found = [event.sender, *event.recipients, event.message_id, event.name, event.address, event.queue]
    elif isinstance(event, Access):
        found = [event.name, event.address, event.session, event.identity, event.server, event.forwarded]
    else:
        assert isinstance(event, Act)
        found = [event.name, event.session, event.folder, event.address, event.message_id]
    return [word for word in found if word]


@pytest.mark.parametrize("name", FORMATS)
def test_a_line_without_an_end_is_not_read(name: str) -> None:
    """A line that is longer than any server writes is unread, and only its beginning is kept."""
    found = read(name, b"2026-11-23T10:00:00Z mail dovecot: " + b"x" * MAX_LINE + b"\n")
    ((at, kept),) = found.unread
    assert (at, len(kept), found.events) == (0, 1024, [])


@pytest.mark.parametrize(
    ("name", "head", "fragment"),
    [
        ("dovecot", "2026-11-23T10:00:00Z imap-login: Info: ", "auth failed, 1 attempts "),
        ("dovecot", "2026-11-23T10:00:00Z imap-login: Info: Login: user=<", ">, auth_user=<"),
        ("dovecot", "2026-11-23T10:00:00Z auth: Info: pam(a,192.0.2.1): ", " (given password: "),
        ("postfix", "2026-11-23T10:00:00Z mail postfix/smtp[7]: 4F8CA1: to=<", ">, relay="),
        ("exim", "2026-11-23 10:00:00 1xVVTs-0008MR-1p => ", ' <"'),
        ("exim", "2026-11-23 10:00:00 1xVVTs-0008MR-1p <= a@x.example", " X="),
        ("cyrus", "2026-11-23T10:00:00Z mail imap[7]: auditlog: append ", "a"),
        ("cyrus", "2026-11-23T10:00:00Z mail imap[7]: badlogin: h [192.0.2.1] PLAIN (", ") ["),
        ("roundcube", "[23-Nov-2026 10:00:00 +0100]: Failed login for ", " in session "),
    ],
)
def test_no_line_takes_long(name: str, head: str, fragment: str) -> None:
    """A long line that repeats what a pattern looks for is read, or not, in little time."""
    raw = (head + fragment * (60_000 // len(fragment)) + "\n").encode()
    begun = time.process_time()
    read(name, raw)
    assert time.process_time() - begun < 1
