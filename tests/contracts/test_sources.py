"""What every kind of source keeps to, whatever the server does."""

import base64
import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from postwarden.config.settings import SourceEntry, decode
from postwarden.connectors import KINDS, Source, open_source
from postwarden.history.history import open_history
from postwarden.model.account import Account
from postwarden.model.reading import SAME_GRADE, CheckDone, Gap, Grade, Observed
from postwarden.pipeline.collect import Reading, collect_account, collect_source
from postwarden.pipeline.reading_logs import memory_of
from tests.contracts.conftest import lines, misbehaving
from tests.google_key import google_key

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ALICE = Account(key="login:alice", login="alice", addresses=("alice@example.org",))
BOB = Account(key="login:bob", login="bob", addresses=("bob@example.org",))

#: A secret that must never show in what a source says.
PASSWORD = "correct horse battery staple"


def graph_options(url: str, _: Path) -> dict[str, Any]:
    login = {"client_id": "auditor", "secret": {"file": "secret"}}
    urls = {"login": url, "graph": url, "exchange": url}
    return {"tenant": "example.org", "login": login, "urls": urls, "timeout": 2}


def google_options(url: str, folder: Path) -> dict[str, Any]:
    path = folder / "key.json"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(google_key())
    login = {"key": {"file": "key.json"}, "admin": "admin@example.org"}
    urls = {"token": f"{url}/token", "admin": url, "gmail": url}
    return {"login": login, "urls": urls, "timeout": 2}


def keycloak_options(url: str, _: Path) -> dict[str, Any]:
    login = {"client_id": "auditor", "secret": {"file": "secret"}}
    return {"url": url, "realm": "example", "login": login, "timeout": 2}


#: Those that are spoken to over https and in JSON; where they would wait, no time passes.
CLOUD: dict[str, Callable[[str, Path], dict[str, Any]]] = {
    "graph": graph_options,
    "google": google_options,
    "keycloak": keycloak_options,
}


def source(kind: str, port: int, folder: Path, **options: Any) -> Source:
    secret = folder / "secret"
    if not secret.exists():
        secret.touch(mode=0o600)
        secret.write_text(PASSWORD + "\n")
    config = decode(b"", folder / "agent.toml")
    if kind == "ews":
        ews: dict[str, Any] = {
            "url": f"https://127.0.0.1:{port}/EWS/Exchange.asmx",
            "access": "impersonation",
            "timeout": 2,
            "login": {"mechanism": "basic", "user": "auditor", "secret": {"file": "secret"}},
            **options,
        }
        return open_source(SourceEntry(name="here", kind=kind, options=ews), 0, config, lambda: NOW)
    if kind in CLOUD:
        made = open_source(
            SourceEntry(
                name="here",
                kind=kind,
                options={**CLOUD[kind](f"https://127.0.0.1:{port}", folder), **options},
            ),
            0,
            config,
            lambda: NOW,
        )
        made.pause.sleep = lambda _: None  # type: ignore[attr-defined]  # only some kinds wait
        return made
    entry = SourceEntry(
        name="here",
        kind=kind,
        options={
            "host": "127.0.0.1",
            "port": port,
            "tls": "none",
            "timeout": 2,
            "login": {"user": "{login}*auditor", "secret": {"file": "secret"}},
            **options,
        },
    )
    return open_source(entry, 0, config, lambda: NOW)


def read(kind: str, port: int, folder: Path, account: Account = ALICE, **options: Any) -> Reading:
    return collect_account(account, [source(kind, port, folder, **options)], lambda *_: None, None)


def imap(
    answer: Callable[[str, str, str], bytes | None], *, stop_at: str | None = None
) -> Callable[..., None]:
    """An IMAP server; `answer(tag, command, rest)` overrides what it says, None means the ordinary."""

    def serve(peer: socket.socket) -> None:
        peer.sendall(b"* OK ready\r\n")
        tag = ""
        for line in lines(peer):
            words = line.decode().split(" ", 2)
            if len(words) < 2:
                peer.sendall(f"{tag} OK logged in\r\n".encode())
                continue
            tag, command, rest = words[0], words[1].upper(), (words[2:] or [""])[0]
            if command == stop_at:
                return
            said = answer(tag, command, rest)
            peer.sendall(said if said is not None else ordinary(tag, command, rest))
            if command == "LOGOUT":
                return

    return serve


def ordinary(tag: str, command: str, rest: str) -> bytes:
    untagged = {
        "CAPABILITY": b"* CAPABILITY IMAP4rev1 AUTH=PLAIN ACL\r\n",
        "LIST": b'* LIST (\\HasNoChildren) "/" INBOX\r\n',
        "LSUB": b'* LSUB () "/" INBOX\r\n',
        "EXAMINE": b"* 0 EXISTS\r\n* OK [UIDVALIDITY 1] ok\r\n",
        "MYRIGHTS": b"* MYRIGHTS INBOX lra\r\n",
        "GETACL": b"* ACL INBOX alice lrwstipekxa bob lr\r\n",
        "LOGOUT": b"* BYE\r\n",
    }
    if command == "AUTHENTICATE":
        return b"+ \r\n"
    return untagged.get(command, b"") + f"{tag} OK done\r\n".encode()


def sieve(answer: Callable[[bytes], bytes | None]) -> Callable[..., None]:
    """A ManageSieve server with one script, `main`."""

    def serve(peer: socket.socket) -> None:
        peer.sendall(b'"IMPLEMENTATION" "x"\r\n"SASL" "PLAIN"\r\nOK "ready"\r\n')
        for line in lines(peer):
            said = answer(line)
            if said is None:
                said = {
                    b"LISTSCRIPTS": b'"main" ACTIVE\r\nOK\r\n',
                    b"GETSCRIPT": b"{7}\r\nkeep;\r\n\r\nOK\r\n",
                }.get(line.split(b" ")[0], b"OK\r\n")
            peer.sendall(said)
            if line == b"LOGOUT" or not said:
                return

    return serve


def drip(peer: socket.socket) -> None:
    """A byte every half second, then the end."""
    for _ in range(8):
        peer.sendall(b"x")
        time.sleep(0.5)


def flood(peer: socket.socket) -> None:
    """100 MB without a line's end."""
    block = b"x" * 1_000_000
    for _ in range(100):
        peer.sendall(block)


def flood_lines(peer: socket.socket) -> None:
    """100 MB of short lines."""
    block = b"* OK nothing to see\r\n" * 50_000
    for _ in range(100):
        peer.sendall(block)


def flood_sieve_lines(peer: socket.socket) -> None:
    """100 MB of capabilities."""
    block = b'"X" "y"\r\n' * 100_000
    for _ in range(110):
        peer.sendall(block)


def silent(peer: socket.socket) -> None:
    """Accepts, and says nothing."""
    peer.recv(1)


def hang_up(peer: socket.socket) -> None:
    """Accepts, and closes."""


def web_server(peer: socket.socket) -> None:
    peer.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")


CHECKS = {
    "imap": {"folders", "folder_acl"},
    "managesieve": {"sieve_scripts"},
    "ews": {
        "folders", "folder_permissions", "inbox_rules", "rule_items", "delegates", "automatic_replies", "add_ins",
        "recipients",
    },
    "graph": {
        "grants", "inbox_rules", "mailbox_settings", "app_passwords", "hidden_rules", "mailbox_forwarding",
        "mailbox_permissions",
    },
    "google": {
        "grants", "forwarding", "filters", "send_as", "delegates", "protocols", "app_passwords",
    },
    "keycloak": {"grants", "offline_sessions"},
}  # fmt: skip
#: What Graph shows to nobody, whatever the server does.
UNSHOWN = {"app_passwords", "hidden_rules", "mailbox_forwarding", "mailbox_permissions"}

#: Those that are connected to.
BY_NETWORK = tuple(CHECKS)

#: Those that are logged in to for each account, over lines of text.
BY_LINES = ("imap", "managesieve")


def told(kind: str, reading: Reading) -> list[Gap]:
    """The gaps that the server is to blame for."""
    return [gap for gap in reading.gaps if kind != "graph" or gap.check not in UNSHOWN]


@pytest.mark.parametrize("kind", BY_NETWORK)
@pytest.mark.parametrize(
    "behaviour",
    [drip, flood, flood_lines, flood_sieve_lines, silent, hang_up, web_server],
    ids=lambda b: b.__name__,
)
def test_a_server_that_does_not_speak_the_protocol_is_a_gap(
    kind: str, behaviour: Callable[[socket.socket], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a server does instead of greeting costs one gap for each check, and little time."""
    started = time.monotonic()
    with misbehaving(behaviour) as server:
        reading = read(kind, server.port, tmp_path)
    assert {gap.check for gap in reading.gaps} == CHECKS[kind]
    assert all(gap.reason in {"unreachable", "malformed"} for gap in told(kind, reading))
    assert all(gap.hint for gap in reading.gaps)
    assert reading.incomplete
    assert reading.evidence == ()
    assert time.monotonic() - started < 40


@pytest.mark.parametrize("kind", BY_NETWORK)
def test_an_unreachable_host_is_a_gap_with_the_place(kind: str, tmp_path: Path) -> None:
    """A port that nobody listens on gives a gap that names host and port."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    reading = read(kind, port, tmp_path)
    assert {gap.reason for gap in told(kind, reading)} == {"unreachable"}
    assert all(f"127.0.0.1:{port}" in gap.message for gap in told(kind, reading))


@pytest.mark.parametrize("kind", BY_LINES)
def test_a_refused_credential_ends_the_sweep(kind: str, tmp_path: Path) -> None:
    """After the first refusal no other account is tried, and the password is in no message."""
    if kind == "imap":

        def refuse(peer: socket.socket) -> None:
            peer.sendall(b"* OK ready\r\n")
            tag = b""
            for line in lines(peer):
                if b" " not in line:
                    peer.sendall(tag + b" NO [AUTHENTICATIONFAILED] no " + line + b"\r\n")
                    continue
                tag = line.split(b" ")[0]
                said = {
                    b"AUTHENTICATE": b"+ \r\n",
                    b"CAPABILITY": b"* CAPABILITY IMAP4rev1\r\n" + tag + b" OK done\r\n",
                }
                peer.sendall(said.get(line.split(b" ")[1], tag + b" OK done\r\n"))

        behaviour = refuse
    else:
        behaviour = sieve(
            lambda line: b'NO "no ' + line[-30:-1] + b'"\r\n' if line.startswith(b"AUTH") else None
        )
    with misbehaving(behaviour) as server:
        one = source(kind, server.port, tmp_path)
        first = collect_account(ALICE, [one], lambda *_: None, None)
        second = collect_account(BOB, [one], lambda *_: None, None)
        assert server.connections == 1, [*first.gaps, *second.gaps]
    assert {gap.reason for gap in (*first.gaps, *second.gaps)} == {"refused"}
    said = " ".join(gap.message for gap in (*first.gaps, *second.gaps))
    assert "not tried" in said
    assert PASSWORD not in said
    assert base64.b64encode(f"\0alice*auditor\0{PASSWORD}".encode()).decode()[:20] not in said


@pytest.mark.parametrize(
    "stop_at", ["CAPABILITY", "AUTHENTICATE", "LIST", "EXAMINE", "LSUB", "MYRIGHTS", "GETACL"]
)
def test_an_imap_server_that_closes_in_the_middle_is_a_gap_for_what_is_missing(
    stop_at: str, tmp_path: Path
) -> None:
    """What was read before the break stays, and what was not is a gap, never clean."""
    with misbehaving(imap(lambda *_: None, stop_at=stop_at)) as server:
        reading = read("imap", server.port, tmp_path)
    statuses = {row.check: row.status for row in reading.coverage}
    assert statuses["folder_acl"] == "gap"
    assert statuses["folders"] == ("read" if stop_at == "GETACL" else "gap")


def _acl(text: bytes) -> Callable[[str, str, str], bytes | None]:
    return lambda tag, command, _: (
        b"* ACL " + text + b"\r\n" + tag.encode() + b" OK done\r\n" if command == "GETACL" else None
    )


@pytest.mark.parametrize(
    "text",
    [
        b"Sent bob lrswipkxtea",
        b"INBOX",
        b"INBOX bob",
        b"INBOX bob lr Sent",
        b"INBOX bob lrswipkxtea",
        b"INBOX (nested) lr",
        b"",
    ],
)
def test_access_lists_of_somebody_else_or_of_no_form_are_not_evidence(text: bytes, tmp_path: Path) -> None:
    """An answer about another folder, of another user's inbox, or without a form is a gap and no delegation."""
    with misbehaving(imap(_acl(text))) as server:
        reading = read("imap", server.port, tmp_path)
    kinds = [type(item).__name__ for item in reading.evidence]
    if text == b"INBOX":
        assert "Delegation" not in kinds  # an empty list is an answer
        return
    assert "Delegation" not in kinds
    assert {gap.check for gap in reading.gaps} == {"folder_acl"}


def test_an_imap_server_without_acl_is_not_supported_and_not_incomplete(tmp_path: Path) -> None:
    """Where the server has no ACL extension, that is said, and the audit is still complete."""

    def without(tag: str, command: str, _: str) -> bytes | None:
        return (
            b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n%s OK done\r\n" % tag.encode()
            if command == "CAPABILITY"
            else None
        )

    with misbehaving(imap(without)) as server:
        reading = read("imap", server.port, tmp_path)
    assert {row.check: row.status for row in reading.coverage} == {
        "folders": "read",
        "folder_acl": "not_supported",
    }
    assert not reading.incomplete


def test_starttls_is_not_skipped_where_the_server_does_not_offer_it(tmp_path: Path) -> None:
    """Without STARTTLS nothing is sent that could be read on the way."""
    heard: list[bytes] = []

    def listen(peer: socket.socket) -> None:
        peer.sendall(b"* OK ready\r\n")
        for line in lines(peer):
            heard.append(line)
            peer.sendall(b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n" + line.split(b" ")[0] + b" OK done\r\n")

    with misbehaving(listen) as server:
        reading = read("imap", server.port, tmp_path, tls="starttls")
    assert {gap.reason for gap in reading.gaps} == {"unreachable"}
    assert "STARTTLS" in reading.gaps[0].message
    assert all(line.split(b" ")[1] in {b"CAPABILITY", b"LOGOUT"} for line in heard)


@pytest.mark.parametrize("kind", BY_LINES)
def test_cleartext_to_another_host_is_refused_unless_named(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A password goes in cleartext only to loopback, or to the host that the configuration names for it."""
    monkeypatch.setattr("postwarden.connectors.wire.Wire.peer_is_loopback", property(lambda _: False))
    behaviour = imap(lambda *_: None) if kind == "imap" else sieve(lambda _: None)
    with misbehaving(behaviour) as server:
        refused = read(kind, server.port, tmp_path)
        allowed = read(kind, server.port, tmp_path, cleartext_to="127.0.0.1")
    assert {gap.reason for gap in refused.gaps} == {"forbidden"}
    assert "cleartext_to" in str(refused.gaps[0].hint)
    assert allowed.gaps == ()


@pytest.mark.parametrize(
    ("cleartext_to", "tls", "value"),
    [(None, "implicit", "tls"), (None, "none", "loopback"), ("127.0.0.1", "none", "cleartext")],
)
def test_a_source_says_how_it_is_reached(
    cleartext_to: str | None, tls: str, value: str, tmp_path: Path
) -> None:
    """The transport is evidence in the source's own scope."""
    items = list(source("imap", 1, tmp_path, tls=tls, cleartext_to=cleartext_to).read_source())
    settings = [item.evidence for item in items if isinstance(item, Observed)]
    assert [getattr(setting, "value", None) for setting in settings] == [value]
    assert any(isinstance(item, CheckDone) for item in items)


@pytest.mark.parametrize(
    "answer",
    [
        b"{104857600}\r\n",
        b"{99999999999}\r\n",
        b'"unfinished',
        b"{5}\r\nab",
        b"nonsense without form\r\nOK\r\n",
        b"OK\r\n",
        b'"one"\r\n"two"\r\nOK\r\n',
        b"",
    ],
)
def test_a_script_that_does_not_come_whole_is_a_gap(answer: bytes, tmp_path: Path) -> None:
    """A script announced as 100 MB, cut off, or answered with nonsense leaves a gap and no mail flow."""
    with misbehaving(sieve(lambda line: answer if line.startswith(b"GETSCRIPT") else None)) as server:
        reading = read("managesieve", server.port, tmp_path)
    assert [gap.check for gap in reading.gaps] == ["sieve_scripts"]
    assert reading.evidence == ()
    assert reading.incomplete


@pytest.mark.parametrize(
    "listing",
    [
        b'"a" ACTIVE\r\n"b" ACTIVE\r\nOK\r\n',
        b'"a"\r\n"a"\r\nOK\r\n',
        b'"a" SOMETHING\r\nOK\r\n',
        b'"a" "b" "c"\r\nOK\r\n',
    ],
)
def test_a_listing_that_contradicts_itself_is_a_gap(listing: bytes, tmp_path: Path) -> None:
    """Two active scripts, or one name twice, is no answer to build on."""
    with misbehaving(sieve(lambda line: listing if line == b"LISTSCRIPTS" else None)) as server:
        reading = read("managesieve", server.port, tmp_path)
    assert [gap.reason for gap in reading.gaps] == ["malformed"]


@pytest.mark.parametrize("literal", [b"{%d}", b"{%d+}"])
def test_names_and_scripts_come_in_every_form_of_string(literal: bytes, tmp_path: Path) -> None:
    """Quoted names with quotes, literals of both forms, and 8-bit names all arrive as they are."""
    name = 'the "main" \\ one ü'.encode()
    asked: list[bytes] = []

    def answer(line: bytes) -> bytes | None:
        if line == b"LISTSCRIPTS":
            return literal % len(name) + b"\r\n" + name + b" ACTIVE\r\nOK\r\n"
        if line.startswith(b"GETSCRIPT"):
            asked.append(line)
            return literal % 5 + b"\r\nkeep;\r\nOK\r\n"
        return None

    with misbehaving(sieve(answer)) as server:
        reading = read("managesieve", server.port, tmp_path)
    assert reading.gaps == ()
    assert [getattr(flow, "name", None) for flow in reading.evidence] == [name.decode()]
    assert asked == [b'GETSCRIPT "the \\"main\\" \\\\ one ' + "ü".encode() + b'"']


def test_terminal_escapes_in_names_stay_data(tmp_path: Path) -> None:
    """A script whose name holds escapes and line ends is a gap of its own, and the others are read."""

    def answer(line: bytes) -> bytes | None:
        if line == b"LISTSCRIPTS":
            return b'{9}\r\nx\r\nLOGOUT\r\n"good" ACTIVE\r\nOK\r\n'
        return None

    with misbehaving(sieve(answer)) as server:
        reading = read("managesieve", server.port, tmp_path)
    assert [getattr(flow, "name", None) for flow in reading.evidence] == ["good"]
    assert [gap.reason for gap in reading.gaps] == ["forbidden"]


def test_the_pipeline_does_not_believe_a_source_that_says_nothing(tmp_path: Path) -> None:
    """A connector that ends without a word about a check leaves a gap, not a clean account."""

    class Mute:
        name = "mute"
        checks: tuple[str, ...] = ("folders",)
        source_checks: tuple[str, ...] = ()
        grade: Grade = "observed live"
        grades: Mapping[str, Grade] = SAME_GRADE
        connections = 1

        def prepare(self, accounts: object) -> None: ...

        def read_source(self) -> Iterator[Gap]:
            return iter(())

        def read_account(self, account: Account) -> Iterator[Gap]:
            return iter(())

    reading = collect_account(ALICE, [Mute()], lambda *_: None, None)
    assert [row.status for row in reading.coverage] == ["gap"]
    assert reading.gaps
    assert reading.incomplete


def drop(folder: Path, **options: Any) -> Source:
    entry = SourceEntry(name="here", kind="drop_folder", options={"path": "drop", **options})
    return open_source(entry, 0, decode(b"", folder / "agent.toml"), lambda: NOW)


def test_every_kind_is_here() -> None:
    """A kind that is added keeps to all of this, over a network or from a folder."""
    assert set(KINDS) == {*BY_NETWORK, "drop_folder", "log_files"}


@pytest.mark.parametrize("recall", [False, True])
def test_a_log_source_says_how_each_of_its_checks_ended(tmp_path: Path, *, recall: bool) -> None:
    """Without a history every check is a gap with a hint; with one that is empty, none is clean for want of words."""
    raw = b'[[source]]\nname = "log"\nkind = "log_files"\nfiles = ["missing.log"]\nformat = "dovecot"\nservers = ["imap"]\n'
    config = decode(raw, tmp_path / "agent.toml")
    memory: dict[str, Any] = {"log": {}}
    if recall:
        memory = memory_of(config, tmp_path, lambda: NOW, lambda: 0.0)
        open_history(tmp_path, create=True).close()
    (entry,) = config.sources
    source = open_source(entry, 0, config, lambda: NOW, memory)
    reading = collect_account(ALICE, [source], lambda _source, _check: None, None)
    own = collect_source(source, lambda _source, _check: None, None)
    assert {row.check for row in reading.coverage} == set(source.checks)
    assert {row.check for row in own.coverage} == set(source.source_checks)
    assert all(gap.hint and "bug" not in gap.hint for gap in (*reading.gaps, *own.gaps))
    if not recall:
        assert all(row.status == "gap" for row in (*reading.coverage, *own.coverage))
    else:
        assert "nobody has read this log yet" in {gap.message for gap in own.gaps}


@pytest.mark.parametrize(
    "broken", ["missing", "a file", "a link", "the account's is a link", "others write it", "done is a file"]
)
def test_a_folder_that_cannot_be_used_is_a_gap(broken: str, tmp_path: Path) -> None:
    """Whatever is wrong with a drop folder costs one gap for each check, with a hint, and nothing is evidence."""
    place = tmp_path / "drop"
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "alice").mkdir(parents=True)
    (elsewhere / "alice" / "a.forward").write_text("a@elsewhere.example\n")
    os.utime(elsewhere / "alice" / "a.forward", (NOW.timestamp() - 60, NOW.timestamp() - 60))
    if broken == "a file":
        place.touch()
    elif broken == "a link":
        place.symlink_to(elsewhere)
    elif broken != "missing":
        place.mkdir()
    if broken == "the account's is a link":
        (place / "alice").symlink_to(elsewhere / "alice")
    elif broken == "others write it":
        place.chmod(0o777)
    elif broken == "done is a file":
        (place / "done").touch()
    one = drop(tmp_path)
    reading = collect_account(ALICE, [one], lambda *_: None, None)
    assert {row.check: row.status for row in reading.coverage} == dict.fromkeys(one.checks, "gap")
    assert all(gap.hint for gap in reading.gaps)
    assert reading.incomplete
    assert reading.evidence == ()


@pytest.mark.parametrize("accounts", ["all", "present"])
def test_an_empty_folder_is_a_gap_where_every_account_must_have_something(
    accounts: str, tmp_path: Path
) -> None:
    """Without anything dropped an account is not clean, unless the configuration says that it need not be there."""
    (tmp_path / "drop").mkdir()
    reading = collect_account(ALICE, [drop(tmp_path, accounts=accounts)], lambda *_: None, None)
    assert reading.incomplete is (accounts == "all")
    assert not any(row.status == "read" for row in reading.coverage)
