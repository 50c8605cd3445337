"""No bytes that change a mailbox leave this host, whatever the program tries to send."""

import re
from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from postwarden.connectors.imap_commands import Guard
from postwarden.connectors.managesieve_session import Session, check_command
from postwarden.errors import ConnectorError

IMAP_READS = frozenset(
    [
        "AUTHENTICATE",
        "CAPABILITY",
        "EXAMINE",
        "GETACL",
        "ID",
        "LIST",
        "LOGIN",
        "LOGOUT",
        "LSUB",
        "MYRIGHTS",
        "NAMESPACE",
        "NOOP",
        "STARTTLS",
    ]
)
SIEVE_READS = frozenset(
    ["AUTHENTICATE", "CAPABILITY", "GETSCRIPT", "LISTSCRIPTS", "LOGOUT", "NOOP", "STARTTLS"]
)

pieces = st.sampled_from(
    [
        b"A1", b"A2", b" ", b"\t", b"\r\n", b"\n", b"\r", b"{3}", b"{3+}", b"~{3}", b'"', b"\\", b"\0", b"*", b"+", b"=", b"UID ",
        b"NOOP", b"noop", b"AUTHENTICATE", b"PLAIN", b"LOGIN", b"LIST", b"STORE", b"store", b"EXPUNGE", b"DELETE", b"SETACL",
        b"SELECT", b"APPEND", b"IDLE", b"dGVzdA==", b"PUTSCRIPT", b"SETACTIVE", b"DELETESCRIPT", b"GETSCRIPT", b"LISTSCRIPTS",
    ]
)  # fmt: skip
soups = st.lists(pieces | st.binary(max_size=3), max_size=12).map(b"".join)
lines = st.builds(
    lambda tag, space, name, rest, end: tag + space + name + rest + end,
    st.sampled_from([b"A1", b"", b"a", b"A-1"]),
    st.sampled_from([b" ", b"", b"  ", b"\t"]),
    st.sampled_from([b"NOOP", b"store", b"AUTHENTICATE PLAIN", b"LIST", b"DELETE", b"UID"]),
    soups,
    st.sampled_from([b"\r\n", b"\n", b"", b"\r\n\r\n"]),
)


def imap_commands(stream: bytes) -> list[str]:
    """The commands that a server, however lenient, could make out of all bytes that arrived."""
    found = []
    for line in re.split(rb"[\r\n]+", stream):
        words = line.split()
        if len(words) > 1:
            found.append(words[1].decode("latin-1").upper())
    return found


@given(st.lists(soups | lines, max_size=6))
def test_no_sequence_of_sends_holds_a_command_that_changes(sends: list[bytes]) -> None:
    """Of any sequence of sends, what passes is made of commands that read, line by line, without a literal."""
    guard, sent = Guard(), b""
    for data in sends:
        with suppress(ConnectorError):
            guard.check(data)
            sent += data
    assert set(imap_commands(sent)) <= IMAP_READS
    assert not re.search(rb"\{\d+\+?\}[\r\n]", sent)


@given(soups | lines | st.binary())
def test_one_send_is_one_line_at_most(data: bytes) -> None:
    """Nothing passes that holds two lines, in or out of AUTHENTICATE."""
    for opening in (b"", b"A0 AUTHENTICATE PLAIN\r\n"):
        guard = Guard()
        if opening:
            guard.check(opening)
        with suppress(ConnectorError):
            guard.check(data)
            assert data.count(b"\n") <= 1
            assert data.count(b"\r") == data.count(b"\n") == data.count(b"\r\n")
            if b" " in data:
                assert data.split(b" ")[1].strip().decode("ascii").upper() in IMAP_READS
            else:
                assert opening


@given(soups | lines | st.binary())
def test_managesieve_sends_one_command_that_reads(data: bytes) -> None:
    """Whatever passes is one line, with one of the commands that read, and closed strings."""
    with suppress(ConnectorError):
        check_command(data)
        assert data.count(b"\n") == data.count(b"\r") == 1
        assert data.endswith(b"\r\n")
        assert data[:-2].split(b" ")[0].decode("ascii") in SIEVE_READS
        assert b"{" not in data.split(b'"')[0]


class Sent:
    """Takes what a session sends."""

    def __init__(self) -> None:
        self.data = b""

    def send(self, data: bytes) -> None:
        self.data += data


@given(st.binary())
def test_any_scripts_name_is_one_argument(name: bytes) -> None:
    """A name that a server made up arrives as one quoted string, or the command is not sent."""
    session = object.__new__(Session)
    wire = Sent()
    session._wire = wire  # type: ignore[assignment]  # a stand-in that only listens
    try:
        session._send(b"GETSCRIPT", name)
    except ConnectorError:
        assert wire.data == b""
        assert set(name) & set(b"\r\n\0")
    else:
        match = re.fullmatch(rb'GETSCRIPT "(.*)"\r\n', wire.data, re.DOTALL)
        assert match is not None
        assert re.sub(rb"\\(.)", rb"\1", match[1], flags=re.DOTALL) == name
