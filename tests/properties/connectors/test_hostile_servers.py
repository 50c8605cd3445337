"""Whatever a server answers, an audit goes on: what was not understood is a gap."""

import os
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from unittest import mock

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from postwarden.config.settings import SourceEntry, decode
from postwarden.connectors import open_source
from postwarden.ledger.record import record_form
from postwarden.model.account import Account
from postwarden.model.encoding import encode
from postwarden.pipeline.collect import Reading, collect_account
from tests.unit.connectors.servers import IMAP, SIEVE, Answering, ImapServer, SieveServer

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ALICE = Account(key="login:alice", login="alice", addresses=("alice@example.org",))
TLS = ssl.create_default_context()
SECRET = "correct horse battery staple"

LONG = os.environ.get("POSTWARDEN_LONG")
SEED = int(os.environ.get("POSTWARDEN_SEED", "20261123"))
print(f"hostile servers: seed {SEED}")
counted = settings(
    max_examples=3000 if LONG else 300,
    suppress_health_check=[HealthCheck.large_base_example],
)

tokens = st.sampled_from(
    [
        b"* ", b"%s ", b"+ ", b"OK", b"NO", b"BAD", b"BYE", b"\r\n", b"\n", b" ", b"(", b")", b"[", b"]", b"<", b'"', b"\\", b"NIL",
        b"INBOX", b"%f", b"5", b"{3}\r\n", b"{999999999}\r\n", b"{" + b"9" * 4400 + b"}\r\n", b"9" * 4400, b"&2AA-", b"&-", b"&AA",
        b"alice", b"lr", b"ACL", b"LIST", b"LSUB", b"CAPABILITY", b"NAMESPACE", b"MYRIGHTS", b"\xff", b"\x00", b"\x1b", b"OK done\r\n",
        b"ACTIVE", b'"main"', b"{7}\r\nkeep;\r\n", b"OK\r\n", b'NO "no"\r\n',
    ]
)  # fmt: skip
soups = st.lists(tokens | st.binary(max_size=3), max_size=14).map(b"".join)


@st.composite
def spoiled(draw: st.DrawFn, answer: bytes) -> bytes:
    """The answer with a piece cut out, doubled or replaced; often with its sound end."""
    start = draw(st.integers(0, len(answer)))
    end = draw(st.integers(start, len(answer)))
    made = answer[:start] + draw(soups | st.just(answer[start:end] * 2)) + answer[end:]
    return made + draw(st.sampled_from([b"", b"\r\n%s OK done\r\n", b"\r\nOK\r\n"]))


def spoiling(ordinary: dict[str, bytes]) -> st.SearchStrategy[dict[str, bytes]]:
    """One or two commands that are answered wrongly."""
    one = st.sampled_from(sorted(ordinary)).flatmap(
        lambda command: st.tuples(st.just(command), soups | spoiled(ordinary[command]))
    )
    return st.lists(one, min_size=1, max_size=2).map(dict)


@contextmanager
def connecting(to: Callable[..., Answering]) -> Iterator[None]:
    with (
        mock.patch("postwarden.connectors.imap_session.connect", side_effect=to),
        mock.patch("postwarden.connectors.managesieve_session.connect", side_effect=to),
        mock.patch("postwarden.connectors.mail_server.context", return_value=TLS),
        mock.patch.dict(os.environ, POSTWARDEN_TEST=SECRET),
    ):
        yield


def read(kind: str, server: Answering) -> Reading:
    options = {"host": "mail.example.org", "tls": "implicit", "login": {"secret": {"env": "POSTWARDEN_TEST"}}}
    entry = SourceEntry(name="here", kind=kind, options=options)
    with connecting(lambda *_, **__: server):
        source = open_source(entry, 0, decode(b"", Path("/nowhere/agent.toml")), lambda: NOW)
        return collect_account(ALICE, [source], lambda *_: None, None)


def check(reading: Reading, checks: set[str]) -> None:
    assert {row.check for row in reading.coverage} == checks
    for row in reading.coverage:
        assert (row.status == "gap") is any(gap.check == row.check for gap in reading.gaps)
    line = encode((reading.coverage, reading.gaps, reading.evidence, reading.sessions, reading.excess))
    assert SECRET.encode() not in line
    record_form(
        encode({"v": 1, "kind": "x", "time": "2026-11-23T00:00:00.000000Z", "run": "r", "actor": "a", "agent": "p",
                "gaps": [gap.message[:200] for gap in reading.gaps[:3]]})
    )  # fmt: skip


@seed(SEED)
@counted
@given(spoiling(dict(IMAP)), st.just(b"* OK ready\r\n") | soups)
def test_any_imap_server_costs_gaps_at_most(answers: dict[str, bytes], greeting: bytes) -> None:
    """Any answers to any commands give a reading whose every check is read, a gap, or not supported."""
    check(read("imap", ImapServer(answers, greeting)), {"folders", "folder_acl"})


@seed(SEED)
@counted
@given(spoiling(dict(SIEVE)), st.none() | soups)
def test_any_managesieve_server_costs_gaps_at_most(answers: dict[str, bytes], greeting: bytes | None) -> None:
    """The same for ManageSieve, with scripts of any content."""
    server = SieveServer(answers) if greeting is None else SieveServer(answers, greeting)
    check(read("managesieve", server), {"sieve_scripts"})


@given(st.binary(max_size=200))
def test_any_script_is_evidence_or_a_gap(script: bytes) -> None:
    """Whatever bytes a script has, it arrives as they are, and is a mail flow or a gap."""
    reading = read("managesieve", SieveServer({"GETSCRIPT": b"{%d}\r\n%s\r\nOK\r\n" % (len(script), script)}))
    check(reading, {"sieve_scripts"})
    assert len(reading.evidence) + len(reading.gaps) >= 2
