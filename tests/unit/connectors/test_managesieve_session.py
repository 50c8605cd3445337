"""Which ManageSieve commands leave this host, and what is made of answers."""

import ssl
from collections.abc import Iterator

import pytest

from postwarden.connectors import managesieve_session
from postwarden.connectors.managesieve_session import ALLOWED, Session, check_command
from postwarden.errors import ConnectorError
from postwarden.model.evidence import MailFlow
from tests.unit.connectors.conftest import Read
from tests.unit.connectors.servers import GREETING, Far, SieveServer, wired

#: All commands of RFC 5804 section 2, with arguments, and whether they may pass.
TABLE: list[tuple[bytes, tuple[bytes, ...], bool]] = [
    (b"AUTHENTICATE", (b"PLAIN", b"AGFsaWNlAHNlY3JldA=="), True),
    (b"STARTTLS", (), True),
    (b"LOGOUT", (), True),
    (b"CAPABILITY", (), True),
    (b"HAVESPACE", (b"main", b"999999"), False),
    (b"PUTSCRIPT", (b"main", b"keep;"), False),
    (b"LISTSCRIPTS", (), True),
    (b"SETACTIVE", (b"main",), False),
    (b"SETACTIVE", (b"",), False),
    (b"GETSCRIPT", (b"main",), True),
    (b"DELETESCRIPT", (b"main",), False),
    (b"RENAMESCRIPT", (b"main", b"old"), False),
    (b"CHECKSCRIPT", (b"keep;",), False),
    (b"NOOP", (b"tag",), True),
    (b"UNAUTHENTICATE", (), False),
    (b"XFOO", (), False),
]


def session(wire: object, monkeypatch: pytest.MonkeyPatch) -> Session:
    monkeypatch.setattr(managesieve_session, "connect", lambda *_, **__: wire)
    return Session(
        "mail.example.org",
        4190,
        tls="implicit",
        cleartext_to=None,
        timeout=5,
        context=ssl.create_default_context(),
    )


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Session, Far]]:
    """A session on a socket pair, greeted, that has said nothing yet."""
    with wired(monkeypatch) as (wire, far):
        far.say(GREETING)
        yield session(wire, monkeypatch), far


@pytest.mark.parametrize(("command", "arguments", "passes"), TABLE, ids=str)
def test_only_what_reads_leaves_this_host(
    command: bytes,
    arguments: tuple[bytes, ...],
    passes: bool,
    connection: tuple[Session, Far],
) -> None:
    """Of every command of RFC 5804 only those that read arrive; of others not one byte."""
    made, far = connection
    if passes:
        made._send(command, *arguments)
        assert far.heard() == command + b"".join(b' "%s"' % one for one in arguments) + b"\r\n"
        return
    with pytest.raises(ConnectorError, match=f"refused to send {command.decode()}") as caught:
        made._send(command, *arguments)
    assert caught.value.reason == "forbidden"
    assert far.heard() == b""


def test_the_table_covers_what_is_allowed() -> None:
    """Each command that may pass is one that RFC 5804's table lets pass."""
    assert {command.decode() for command, _, passes in TABLE if passes} == ALLOWED


@pytest.mark.parametrize(
    "data",
    [
        b'NOOP\r\nDELETESCRIPT "main"\r\n',
        b'GETSCRIPT "x"\r\nDELETESCRIPT "main"\r\n',
        b"GETSCRIPT {4}\r\nmain\r\n",
        b"GETSCRIPT {4+}\r\nmain\r\n",
        b'PUTSCRIPT "main" {5+}\r\nkeep;\r\n',
        b"noop\r\n",
        b'setactive ""\r\n',
        b"NOOP\n",
        b"NOOP\r",
        b"NOOP",
        b"NOOP \r\n",
        b" NOOP\r\n",
        b"NOOP\tDELETESCRIPT\r\n",
        b"NOOP DELETESCRIPT\r\n",
        b'NOOP "a\nDELETESCRIPT "b"\r\n',
        b'NOOP "a\r\nDELETESCRIPT "b"\r\n',
        b'NOOP "a\0"\r\n',
        b'NOOP "a"b"\r\n',
        b'NOOP "a\\"\r\n',
        b'NOOP "a\\n"\r\n',
        b'NOOP  "a"\r\n',
        b"\r\n",
        b"",
    ],
    ids=repr,
)
def test_no_trick_smuggles_a_second_command(data: bytes) -> None:
    """Two commands, literals, other case and bare line ends are no plain command, and are refused."""
    with pytest.raises(ConnectorError, match="refused to send"):
        check_command(data)


@pytest.mark.parametrize("name", [b'a" DELETESCRIPT "b', b"a\\", b'"', b'\\"'])
def test_a_scripts_name_is_quoted(name: bytes, connection: tuple[Session, Far]) -> None:
    """Quotes and backslashes in a name that the server gave cannot end the argument."""
    made, far = connection
    made._send(b"GETSCRIPT", name)
    said = far.heard()
    assert said.startswith(b'GETSCRIPT "')
    assert said.endswith(b'"\r\n')
    check_command(said)


@pytest.mark.parametrize("name", [b'a"\r\nDELETESCRIPT "main', b"a\nb", b"a\0b", b"a\r"])
def test_a_scripts_name_that_would_end_the_line_is_not_sent(
    name: bytes, connection: tuple[Session, Far]
) -> None:
    """A name with a line end cannot become a second command."""
    made, far = connection
    with pytest.raises(ConnectorError):
        made.script(name)
    assert far.heard() == b""


def test_a_script_that_cannot_be_asked_for_leaves_a_gap_that_is_not_called_our_bug(read_sieve: Read) -> None:
    """A server that lists a name with a line end is told as the server's fault, and the others are read."""
    reading = read_sieve({"LISTSCRIPTS": b'{3}\r\na\nb\r\n"main" ACTIVE\r\nOK\r\n'})
    assert [item.name for item in reading.evidence if isinstance(item, MailFlow)] == ["main"]
    (gap,) = reading.gaps
    assert "bug" not in str(gap.hint)


@pytest.mark.parametrize(
    ("listed", "wanted"),
    [
        (b"OK\r\n", []),
        (b'"main" ACTIVE\r\nOK\r\n', [("main", True)]),
        (b'"main" active\r\n"old"\r\nOK "done"\r\n', [("main", True), ("old", False)]),
        (b"{4}\r\nmain ACTIVE\r\nOK\r\n", [("main", True)]),
        (b"{4+}\r\nmain\r\nOK\r\n", [("main", False)]),
        (b'"a\\"b\\\\" ACTIVE\r\nOK\r\n', [('a"b\\', True)]),
        (b'"OK"\r\nOK\r\n', [("OK", False)]),
        (b'"caf\xc3\xa9"\r\n"caf\xe9"\r\nOK\r\n', [("caf\u00e9", False), ("caf\\xe9", False)]),
    ],
    ids=["none", "one", "two", "literal", "non-synchronising", "quoted", "named OK", "bytes"],
)
def test_scripts_are_listed_as_they_are_named(
    listed: bytes, wanted: list[tuple[str, bool]], read_sieve: Read
) -> None:
    """Names come as strings or literals, with any bytes, and one of them may be active."""
    reading = read_sieve({"LISTSCRIPTS": listed})
    flows = [item for item in reading.evidence if isinstance(item, MailFlow)]
    assert [(flow.name, flow.enabled) for flow in flows] == wanted
    assert not reading.incomplete


@pytest.mark.parametrize(
    "listed",
    [
        b'"main" ACTIVE\r\n"old" ACTIVE\r\nOK\r\n',
        b'"main"\r\n"main"\r\nOK\r\n',
        b'"main" PASSIVE\r\nOK\r\n',
        b'"main" ACTIVE "x"\r\nOK\r\n',
        b"\r\nOK\r\n",
        b'"main\r\nOK\r\n',
        b'"main" ACTIVE\nOK\r\n',
        b"{99999999999}\r\nOK\r\n",
        b"{4194305}\r\nOK\r\n",
        b'NO "nothing for you"\r\n',
        b"",
    ],
    ids=[
        "two active",
        "twice",
        "passive",
        "three words",
        "empty",
        "open quote",
        "bare lf",
        "digits",
        "literal",
        "no",
        "closed",
    ],
)
def test_a_list_of_no_form_is_a_gap(listed: bytes, read_sieve: Read) -> None:
    """An answer that RFC 5804 does not allow is never taken for an account without scripts."""
    reading = read_sieve({"LISTSCRIPTS": listed})
    assert reading.evidence == ()
    assert reading.incomplete
    assert all(gap.hint for gap in reading.gaps)


def test_more_scripts_than_a_person_has_are_a_gap(read_sieve: Read) -> None:
    """A server that lists thousands of scripts costs one gap."""
    listed = b"".join(b'"%d"\r\n' % number for number in range(1001)) + b"OK\r\n"
    (gap,) = read_sieve({"LISTSCRIPTS": listed}).gaps
    assert "1001 scripts" in gap.message


def test_a_script_that_is_refused_leaves_the_others(read_sieve: Read) -> None:
    """One script that the server keeps back is a gap that names it."""
    reading = read_sieve({"GETSCRIPT": b'NO (NONEXISTENT) "gone"\r\n'})
    assert [gap.part for gap in reading.gaps] == ["script main", "script old"]
    assert {gap.message for gap in reading.gaps} == {"the server refused GETSCRIPT (NONEXISTENT): gone"}


def test_the_scripts_of_somebody_else_are_no_evidence(read_sieve: Read) -> None:
    """A server that ignores whom we act for is noticed by the owner that it names."""
    reading = read_sieve({"CAPABILITY": b'"OWNER" "auditor"\r\nOK\r\n'})
    assert reading.evidence == ()
    (gap,) = reading.gaps
    assert "scripts of auditor" in gap.message


def test_the_text_of_a_refusal_is_bounded(read_sieve: Read) -> None:
    """A server's words go into a gap as far as a sentence goes."""
    reading = read_sieve({"LISTSCRIPTS": b'NO "' + b"x" * 60_000 + b'"\r\n'})
    assert len(reading.gaps[0].message) < 600


def test_what_came_before_tls_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Capabilities are asked for anew after STARTTLS: those before it came from anybody."""
    server = SieveServer({"STARTTLS": b'OK\r\n"SASL" "INJECTED"\r\nOK\r\n'})
    monkeypatch.setattr(managesieve_session, "connect", lambda *_, **__: server)

    def start_tls(_: object) -> None:
        server.said[:] = b'"SASL" "PLAIN"\r\nOK\r\n'

    monkeypatch.setattr(server, "start_tls", start_tls)
    made = Session(
        "mail.example.org",
        4190,
        tls="starttls",
        cleartext_to=None,
        timeout=5,
        context=ssl.create_default_context(),
    )
    assert made.capabilities == {"SASL": "PLAIN"}


def test_starttls_is_not_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that no longer offers STARTTLS gets no password in cleartext."""
    server = SieveServer({}, greeting=b'"SASL" "PLAIN"\r\nOK\r\n')
    monkeypatch.setattr(managesieve_session, "connect", lambda *_, **__: server)
    with pytest.raises(ConnectorError, match="does not offer STARTTLS"):
        Session(
            "mail.example.org",
            4190,
            tls="starttls",
            cleartext_to=None,
            timeout=5,
            context=ssl.create_default_context(),
        )
    assert server.commands == []
