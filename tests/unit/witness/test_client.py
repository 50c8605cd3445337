"""The client gets cosignatures, and stops where a witness has seen another ledger than ours."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Event, Thread

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from postwarden.errors import LedgerUnsound, NotifyError
from postwarden.ledger.cosignature import cosign, cosigner_of, find_cosignature
from postwarden.witness import exchange
from postwarden.witness.client import cosigned_by, seen_by
from postwarden.witness.keeping import Keeping
from postwarden.witness.peers import Witness
from tests.unit.witness.conftest import NOW, ORIGIN, Log, Running


def test_a_checkpoint_comes_back_cosigned(witness: Running, log: Log) -> None:
    """What comes back is the checkpoint with the witness's cosignature beneath, each time it has grown."""
    for _ in range(3):
        content = cosigned_by(witness.peer, log.newest)
        assert content.startswith(log.newest().note)
        assert find_cosignature(content, witness.keeping.key) == NOW
        log.grow(4)


def test_a_witness_says_what_it_has_seen(witness: Running, log: Log) -> None:
    """The newest cosigned checkpoint can be read back; before the first there is none."""
    assert seen_by(witness.peer, ORIGIN) is None
    cosigned_by(witness.peer, log.newest)
    seen = seen_by(witness.peer, ORIGIN)
    assert seen is not None
    assert seen[0] == log.position


def test_a_rolled_back_ledger_is_stopped(witness: Running, log: Log) -> None:
    """A ledger that is smaller than what the witness has seen is not sound, and both sizes are named."""
    cosigned_by(witness.peer, log.grow(4).newest)
    with pytest.raises(LedgerUnsound, match=r"seen 9 records .* it has 6") as failure:
        cosigned_by(witness.peer, Log().grow(6).newest)
    assert failure.value.hint is not None
    assert "postwarden ledger succeed --from OLD" in failure.value.hint


@pytest.mark.parametrize("size", [5, 8])
def test_a_rewritten_ledger_is_stopped(witness: Running, log: Log, size: int) -> None:
    """A ledger of the same size or a larger one that does not continue what the witness has seen is not sound."""
    cosigned_by(witness.peer, log.newest)
    with pytest.raises(LedgerUnsound, match="another ledger"):
        cosigned_by(witness.peer, Log().grow(size, "x").newest)


def test_a_write_in_between_is_no_roll_back(witness: Running, log: Log) -> None:
    """A checkpoint that another process wrote and sent meanwhile is sent again, and no roll-back."""
    first = log.newest()
    log.grow(2)
    cosigned_by(witness.peer, log.newest)
    looks = iter([first])
    content = cosigned_by(witness.peer, lambda: next(looks, log.newest()))
    assert content.startswith(log.newest().note)


def test_a_witness_follows_the_keys(witness: Running, log: Log) -> None:
    """A witness that was given the first key follows two changes of it."""
    cosigned_by(witness.peer, log.newest)
    log.grow(2).rotate()
    log.grow(1).rotate()
    log.grow(1)
    assert find_cosignature(cosigned_by(witness.peer, log.newest), witness.keeping.key) == NOW


def test_a_new_witness_starts_from_a_later_key(
    tmp_path: Path, log: Log, serve: Callable[[Keeping], Running]
) -> None:
    """A witness that was given a later key of the ledger takes it from there."""
    log.rotate()
    given = log.key
    log.grow(1).rotate()
    log.grow(1)
    keeping = Keeping(tmp_path / "late", name="c.example/witness", logs=[given], clock=lambda: NOW)
    assert find_cosignature(cosigned_by(serve(keeping).peer, log.newest), keeping.key) == NOW


def test_an_unknown_ledger_is_told_what_to_do(witness: Running) -> None:
    """A witness that was not given our key is an error that says so."""
    with pytest.raises(NotifyError, match="404") as failure:
        cosigned_by(witness.peer, Log(origin="postwarden/z.example").grow(1).newest)
    assert failure.value.hint is not None
    assert "--log" in failure.value.hint


def test_another_key_is_told_what_to_do(witness: Running) -> None:
    """A witness that was given another key for our name is an error that says so."""
    with pytest.raises(NotifyError, match="403"):
        cosigned_by(witness.peer, Log(seed=4).grow(1).newest)


def test_a_cosignature_of_another_is_not_taken(witness: Running, log: Log) -> None:
    """A witness whose key is not the configured one has not cosigned."""
    other = cosigner_of("b.example/witness", Ed25519PrivateKey.from_private_bytes(bytes(32)))
    with pytest.raises(NotifyError, match="not its cosignature"):
        cosigned_by(Witness(witness.url, other), log.newest)
    with pytest.raises(NotifyError, match="no checkpoint that can be verified"):
        seen_by(Witness(witness.url, other), ORIGIN)


def test_a_witness_that_is_away_is_told(log: Log, keeping: Keeping) -> None:
    """A witness that cannot be reached is an error that names it."""
    with pytest.raises(NotifyError, match=r"127\.0\.0\.1:9"):
        cosigned_by(Witness("http://127.0.0.1:9", keeping.key), log.newest)


@pytest.mark.parametrize(
    ("status", "kind", "body"),
    [
        (200, "text/plain", b""),
        (200, "text/plain", b"\xff\xfe"),
        (200, "text/plain", "— b.example/witness AAAA\n".encode()),
        (409, "text/plain", b"7\n"),
        (409, "text/x.tlog.size", b"-7\n"),
        (409, "text/x.tlog.size", b"\xff\n"),
        (409, "text/x.tlog.size", b"3\n"),
        (500, "text/plain", b"\x1b[2J"),
        (302, "text/plain", b""),
        (200, "text/plain", b"x" * 1_000_000),
    ],
)
def test_an_answer_that_makes_no_sense_is_an_error(
    log: Log, keeping: Keeping, status: int, kind: str, body: bytes
) -> None:
    """Whatever a server answers that is no witness's answer, no cosignature comes of it."""
    with answering(status, kind, body) as url, pytest.raises((NotifyError, LedgerUnsound)):
        cosigned_by(Witness(url, keeping.key), log.newest)


@contextmanager
def answering(status: int, kind: str, body: bytes) -> Iterator[str]:
    """A server that answers everything with this."""

    class Strange(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.do_GET()

        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Location", "http://127.0.0.1:9/")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with HTTPServer(("127.0.0.1", 0), Strange) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_an_answer_without_end_is_not_read(log: Log, keeping: Keeping) -> None:
    """Of an answer that is too long no more than that is read."""
    with answering(200, "text/plain", b"x" * 1_000_000) as url, pytest.raises(NotifyError, match="more than"):
        cosigned_by(Witness(url, keeping.key), log.newest)


def test_a_cosignature_over_something_else_is_not_taken(log: Log) -> None:
    """The right witness's cosignature over another checkpoint is none over ours, and no memory of ours."""
    private = Ed25519PrivateKey.from_private_bytes(bytes(32))
    key = cosigner_of("b.example/witness", private)
    line = cosign(Log().grow(6).newest().text, key.name, private, time=NOW)
    with answering(200, "text/plain", line) as url, pytest.raises(NotifyError, match="not its cosignature"):
        cosigned_by(Witness(url, key), log.newest)
    content = log.newest().note + line
    with answering(200, "text/plain", content) as url, pytest.raises(NotifyError, match="can be verified"):
        seen_by(Witness(url, key), ORIGIN)


def test_a_memory_of_another_ledger_is_not_taken(log: Log) -> None:
    """A cosigned checkpoint of another origin is no memory of ours."""
    private = Ed25519PrivateKey.from_private_bytes(bytes(32))
    key = cosigner_of("b.example/witness", private)
    content = log.newest().note + cosign(log.newest().text, key.name, private, time=NOW)
    with answering(200, "text/plain", content) as url, pytest.raises(NotifyError, match="a checkpoint of"):
        seen_by(Witness(url, key), "postwarden/other")


def test_a_server_that_drips_is_left(monkeypatch: pytest.MonkeyPatch, keeping: Keeping) -> None:
    """A server that sends a byte now and then costs no more than a whole answer may take."""
    monkeypatch.setattr(exchange, "LIFETIME", 0.3)
    ended = Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            connection, _ = server.accept()
            with connection, suppress(OSError):
                connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
                while not ended.wait(0.02):
                    connection.sendall(b"x")

        thread = Thread(target=drip)
        thread.start()
        try:
            with pytest.raises(NotifyError, match="took longer"):
                seen_by(Witness(f"http://127.0.0.1:{server.getsockname()[1]}", keeping.key), ORIGIN)
        finally:
            ended.set()
            thread.join()


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9/\u00fc", "http://" + "a" * 70 + ".example", "https://127.0.0.1:9"]
)
def test_an_address_that_cannot_be_asked_is_our_error(url: str, keeping: Keeping) -> None:
    """Whatever is wrong with an address, it is our error."""
    with pytest.raises(NotifyError, match="cannot be asked"):
        seen_by(Witness(url, keeping.key), ORIGIN)
