"""Which IMAP commands leave this host: the tables of the RFCs, sent through the real transport."""

import imaplib
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from postwarden.connectors.imap_commands import ALLOWED
from postwarden.connectors.imap_session import _GuardedImap
from postwarden.errors import ConnectorError
from tests.unit.connectors.servers import Far, wired

PASSES, REFUSED = True, False

#: Every client command by the RFC that defines it, with arguments as its examples have them.
#: What passes reads, or opens and closes a session; what is refused changes a mailbox, or is not needed.
TABLE: list[tuple[str, str, bool]] = [
    # RFC 3501, section 6 (and RFC 9051, which renames nothing of it)
    ("3501", "CAPABILITY", PASSES),
    ("3501", "NOOP", PASSES),
    ("3501", "LOGOUT", PASSES),
    ("3501", "STARTTLS", PASSES),
    ("3501", "AUTHENTICATE PLAIN", PASSES),
    ("3501", 'LOGIN "alice" "secret"', PASSES),
    ("3501", "SELECT INBOX", REFUSED),  # takes \\Recent away from the owner's client
    ("3501", "EXAMINE INBOX", PASSES),
    ("3501", "CREATE Old", REFUSED),
    ("3501", "DELETE Old", REFUSED),
    ("3501", "RENAME Old New", REFUSED),
    ("3501", "SUBSCRIBE Old", REFUSED),
    ("3501", "UNSUBSCRIBE Old", REFUSED),
    ("3501", 'LIST "" "*"', PASSES),
    ("3501", 'LSUB "" "*"', PASSES),
    ("3501", "STATUS INBOX (MESSAGES)", REFUSED),
    ("3501", "APPEND INBOX (\\Seen) {310}", REFUSED),
    ("3501", "CHECK", REFUSED),
    ("3501", "CLOSE", REFUSED),  # removes what is marked as deleted
    ("3501", "EXPUNGE", REFUSED),
    ("3501", "SEARCH ALL", REFUSED),
    ("3501", "FETCH 1 BODY[]", REFUSED),  # sets \\Seen
    ("3501", "FETCH 1 BODY.PEEK[]", REFUSED),
    ("3501", "STORE 1 +FLAGS (\\Deleted)", REFUSED),
    ("3501", "COPY 1 Old", REFUSED),
    ("3501", "UID STORE 1 +FLAGS (\\Deleted)", REFUSED),
    ("3501", "UID COPY 1 Old", REFUSED),
    ("3501", "UID FETCH 1 BODY[]", REFUSED),
    ("3501", "UID SEARCH ALL", REFUSED),
    ("3501", "XFOO", REFUSED),
    # what RFC 1730 and before had
    ("1730", "FIND ALL.MAILBOXES *", REFUSED),
    ("1730", "PARTIAL 1 BODY[] 1 1024", REFUSED),
    ("1176", "BBOARD news", REFUSED),
    # RFC 2086 and 4314: access control lists
    ("4314", "SETACL INBOX bob lrswipkxtea", REFUSED),
    ("4314", "DELETEACL INBOX bob", REFUSED),
    ("4314", "GETACL INBOX", PASSES),
    ("4314", "LISTRIGHTS INBOX bob", REFUSED),
    ("4314", "MYRIGHTS INBOX", PASSES),
    # RFC 2087 and 9208: quota
    ("2087", 'SETQUOTA "" (STORAGE 512)', REFUSED),
    ("2087", 'GETQUOTA ""', REFUSED),
    ("2087", "GETQUOTAROOT INBOX", REFUSED),
    # RFC 2177: IDLE; its end is a line of its own
    ("2177", "IDLE", REFUSED),
    # RFC 2193: referrals
    ("2193", 'RLIST "" "*"', REFUSED),
    ("2193", 'RLSUB "" "*"', REFUSED),
    ("2342", "NAMESPACE", PASSES),
    ("2971", 'ID ("name" "postwarden")', PASSES),
    ("3502", "APPEND INBOX {3} {4}", REFUSED),
    ("3516", "UID FETCH 1 BINARY[1]", REFUSED),
    ("3691", "UNSELECT", REFUSED),
    ("4315", "UID EXPUNGE 1:3", REFUSED),
    ("4466", "EXAMINE INBOX (CONDSTORE)", PASSES),
    ("4467", "RESETKEY INBOX INTERNAL", REFUSED),
    ("4467", 'GENURLAUTH "imap://x" INTERNAL', REFUSED),
    ("4467", 'URLFETCH "imap://x"', REFUSED),
    ("4469", 'APPEND INBOX CATENATE (URL "imap://x")', REFUSED),
    ("4551", "STORE 1 (UNCHANGEDSINCE 5) FLAGS (\\Deleted)", REFUSED),
    ("4731", "SEARCH RETURN (SAVE) ALL", REFUSED),
    ("4978", "COMPRESS DEFLATE", REFUSED),  # what follows could not be read by the guard
    ("5161", "ENABLE CONDSTORE", REFUSED),
    ("5255", "LANGUAGE DE", REFUSED),
    ("5255", 'COMPARATOR "i;ascii-casemap"', REFUSED),
    ("5256", "SORT (DATE) UTF-8 ALL", REFUSED),
    ("5256", "THREAD REFERENCES UTF-8 ALL", REFUSED),
    ("5256", "UID SORT (DATE) UTF-8 ALL", REFUSED),
    ("5257", 'STORE 1 ANNOTATION ("/comment" ("value.priv" "x"))', REFUSED),
    ("5258", 'LIST (SUBSCRIBED) "" "*" RETURN (CHILDREN)', PASSES),
    ("5259", 'CONVERT 1 ("text/plain") BINARY[1]', REFUSED),
    ("5259", 'UID CONVERT 1 ("text/plain") BINARY[1]', REFUSED),
    ("5259", 'CONVERSIONS "image/gif" "image/jpeg"', REFUSED),
    ("5267", 'CANCELUPDATE "A1"', REFUSED),
    ("5464", 'GETMETADATA "" /shared/comment', REFUSED),
    ("5464", 'SETMETADATA INBOX (/private/comment "x")', REFUSED),
    ("draft", 'SETANNOTATION INBOX "/comment" ("value.priv" "x")', REFUSED),
    ("draft", 'GETANNOTATION INBOX "/comment" "value.priv"', REFUSED),
    ("5465", "NOTIFY SET (SELECTED (MessageNew))", REFUSED),
    ("5466", 'SETMETADATA "" (/private/filters/values/x "ALL")', REFUSED),
    ("6154", "CREATE Old (USE (\\Trash))", REFUSED),
    ("6785", 'SETMETADATA INBOX (/shared/imapsieve/script "x")', REFUSED),
    ("6851", "MOVE 1 Old", REFUSED),
    ("6851", "UID MOVE 1 Old", REFUSED),
    ("6855", "ENABLE UTF8=ACCEPT", REFUSED),
    ("6855", "APPEND INBOX UTF8 (~{310}", REFUSED),
    ("7377", 'ESEARCH IN (MAILBOXES "x") ALL', REFUSED),
    ("7162", "SELECT INBOX (QRESYNC (1 2))", REFUSED),
    ("8437", "UNAUTHENTICATE", REFUSED),
    ("8440", 'LIST "" "*" RETURN (MYRIGHTS)', PASSES),
    ("8508", "REPLACE 1 INBOX {310}", REFUSED),
    ("8508", "UID REPLACE 1 INBOX {310}", REFUSED),
    ("9698", "GETJMAPACCESS", REFUSED),
    # vendors' own
    ("none", 'XLIST "" "*"', REFUSED),
    ("none", "XFER INBOX other.example", REFUSED),
    ("none", "LOCALDELETE Old", REFUSED),
    ("none", "UNDUMP Old", REFUSED),
    ("none", "PROXYAUTH bob", REFUSED),
    ("none", "XAPPLEPUSHSERVICE aps-version 2", REFUSED),
]


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[_GuardedImap, Far]]:
    """The program's IMAP transport, greeted, with nothing heard yet at the other end."""
    monkeypatch.setattr("imaplib.random.randint", lambda *_: 4096)
    with wired(monkeypatch) as (wire, far):
        tag: bytes = imaplib.Int2AP(4096) + b"0"
        far.say(b"* OK ready\r\n* CAPABILITY IMAP4rev1\r\n" + tag + b" OK done\r\n")
        imap = _GuardedImap(wire)
        assert far.heard() == tag + b" CAPABILITY\r\n"
        yield imap, far


@pytest.mark.parametrize(("rfc", "command", "passes"), TABLE, ids=str)
@pytest.mark.parametrize("spelling", [str, str.lower, str.swapcase], ids=["as is", "lower", "swapped"])
def test_only_what_reads_leaves_this_host(
    rfc: str,
    command: str,
    passes: bool,
    spelling: Callable[[str], str],
    connection: tuple[_GuardedImap, Far],
) -> None:
    """Of every command that an RFC defines, in any case, only those that read arrive; of others not one byte."""
    imap, far = connection
    name, space, rest = command.partition(" ")
    data = f"A1 {spelling(name)}{space}{rest}\r\n".encode()
    if passes:
        imap.send(data)
        assert far.heard() == data
        return
    with pytest.raises(ConnectorError, match="refused to send") as caught:
        imap.send(data)
    assert caught.value.reason == "forbidden"
    assert far.heard() == b""


def test_the_table_covers_what_is_allowed() -> None:
    """Each command that may pass is one that the table of the RFCs lets pass."""
    assert {command.split()[0] for _, command, passes in TABLE if passes} == ALLOWED
    assert not {command.split()[0] for _, command, passes in TABLE if not passes} & ALLOWED


TRICKS = [
    b"A1 NOOP\r\nA2 DELETE Old\r\n",
    b"A1 NOOP\nA2 DELETE Old\r\n",
    b"A1 NOOP\rA2 DELETE Old\r\n",
    b"A1 NOOP\r\n\r\n",
    b"\r\nA1 NOOP\r\n",
    b"A1 NOOP\n",
    b"A1 NOOP\r",
    b"A1 NOOP",
    b"A1 NOOP \r\n \r\n",
    b"A1\tDELETE Old\r\n",
    b"A1 \tDELETE Old\r\n",
    b"A1  DELETE Old\r\n",
    b" A1 DELETE Old\r\n",
    b"A1 NOOP\tDELETE Old\r\n",
    b"A1 LIST {3}\r\n",
    b"A1 LIST {3+}\r\n",
    b"A1 LIST ~{3}\r\n",
    b"A1 LIST {3}\r\nabc\r\n",
    b"A1 GETACL {12+}\r\nx\r\nA2 DELETE Old\r\n",
    b"A1 LOGIN {5}\r\n",
    b"A1 NO\x00OP\r\n",
    b"A1 NOOP\x00\r\nA2 DELETE x\r\n",
    b"+ NOOP\r\n",
    b"* NOOP\r\n",
    b"A1 UID\r\n",
    b"A1 UID NOOP\r\n",
    b"A1 NOOPDELETE Old\r\n",
    b"A1 X-NOOP\r\n",
    b"A1\r\nNOOP\r\n",
    b"DONE\r\n",
    b"dGVzdA==\r\n",
    b"\r\n",
    b"",
]


@pytest.mark.parametrize("data", TRICKS, ids=repr)
def test_no_trick_smuggles_a_second_command(data: bytes, connection: tuple[_GuardedImap, Far]) -> None:
    """Two commands, bare line ends, tabs, literals and what belongs into no command are refused whole."""
    imap, far = connection
    with pytest.raises(ConnectorError, match="refused to send"):
        imap.send(data)
    assert far.heard() == b""


def test_an_answer_passes_within_authenticate_and_nothing_else(connection: tuple[_GuardedImap, Far]) -> None:
    """While AUTHENTICATE runs, base64 and its cancellation pass, but no command that is not allowed."""
    imap, far = connection
    with pytest.raises(ConnectorError):
        imap.send(b"dGVzdA==")
    imap.send(b"A1 AUTHENTICATE PLAIN\r\n")
    for data in (b"AGFsaWNlAHNlY3JldA==", b"\r\n", b"*\r\n", b""):
        imap.send(data)
    assert far.heard() == b"A1 AUTHENTICATE PLAIN\r\nAGFsaWNlAHNlY3JldA==\r\n*\r\n"
    for trick in (
        b"A2 DELETE Old\r\n", b"AAAA\r\nA2 DELETE Old\r\n", b"AAAA\r\n\r\n", b"AAAA A2\r\n", b"AA{3}\r\n", b"\n", b"AA\n",
        b"A2 IDLE\r\n", b"A2\tDELETE\r\n",
    ):  # fmt: skip
        with pytest.raises(ConnectorError):
            imap.send(trick)
    assert far.heard() == b""


def test_the_state_of_authenticate_ends_with_the_next_command(connection: tuple[_GuardedImap, Far]) -> None:
    """After another command, a bare answer is refused again."""
    imap, far = connection
    imap.send(b"A1 AUTHENTICATE PLAIN\r\n")
    imap.send(b"A2 NOOP\r\n")
    far.heard()
    with pytest.raises(ConnectorError):
        imap.send(b"dGVzdA==\r\n")
    assert far.heard() == b""


CALLS: list[tuple[str, tuple[Any, ...]]] = [
    ("append", ("INBOX", None, None, b"x")), ("check", ()), ("close", ()), ("copy", ("1", "Old")), ("create", ("Old",)),
    ("delete", ("Old",)), ("deleteacl", ("INBOX", "bob")), ("enable", ("CONDSTORE",)), ("expunge", ()),
    ("fetch", ("1", "(FLAGS)")), ("getannotation", ("INBOX", "a", "b")), ("getquota", ("",)), ("getquotaroot", ("INBOX",)),
    ("partial", ("1", "BODY[]", "1", "2")), ("proxyauth", ("bob",)), ("rename", ("Old", "New")), ("search", (None, "ALL")),
    ("select", ()), ("setacl", ("INBOX", "bob", "lr")), ("setannotation", ("INBOX", "a", "b")), ("setquota", ("", "(x 1)")),
    ("sort", ("DATE", "UTF-8", "ALL")), ("status", ("INBOX", "(MESSAGES)")), ("store", ("1", "+FLAGS", "\\Deleted")),
    ("subscribe", ("Old",)), ("thread", ("REFERENCES", "UTF-8", "ALL")), ("uid", ("STORE", "1", "+FLAGS", "\\Deleted")),
    ("unselect", ()), ("unsubscribe", ("Old",)), ("xatom", ("DELETE", "Old")),
]  # fmt: skip


@pytest.mark.parametrize(("method", "arguments"), CALLS, ids=lambda one: one if isinstance(one, str) else "")
@pytest.mark.parametrize("state", ["AUTH", "SELECTED"])
def test_no_method_of_the_library_changes_a_mailbox(
    method: str, arguments: tuple[Any, ...], state: str, connection: tuple[_GuardedImap, Far]
) -> None:
    """Whatever the library offers, called in the state that it needs, sends nothing that changes a mailbox."""
    imap, far = connection
    imap.state = state
    imap.capabilities = ("IMAP4REV1", "ENABLE")
    with suppress(imaplib.IMAP4.error), pytest.raises(ConnectorError, match="refused to send"):
        getattr(imap, method)(*arguments)
    assert far.heard() == b""


def test_a_refused_secret_is_not_repeated(connection: tuple[_GuardedImap, Far]) -> None:
    """Bytes that are refused may hold a password, so the message does not show them."""
    imap, far = connection
    imap.state = "NONAUTH"
    with pytest.raises(ConnectorError) as caught:
        imap.login("alice", "correct horse\r\nA2 DELETE Old")
    assert "horse" not in str(caught.value) + str(caught.value.hint)
    assert far.heard() == b""


def test_the_transport_keeps_no_log(
    connection: tuple[_GuardedImap, Far], capsys: pytest.CaptureFixture[str]
) -> None:
    """The library's own log would keep passwords, so nothing is logged at any level."""
    imap, _ = connection
    imap.debug = 5
    imap.send(b"A1 NOOP\r\n")
    imap._mesg("secret")
    imap.print_log()
    assert capsys.readouterr() == ("", "")
