"""The witness's service answers as C2SP's text says, and bears strangers."""

import http.client
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from postwarden.errors import ConfigError, LedgerError
from postwarden.lab import certificates
from postwarden.ledger import files
from postwarden.ledger.cosignature import find_cosignature
from postwarden.witness import service
from postwarden.witness.client import cosigned_by
from postwarden.witness.keeping import Keeping, log_name
from postwarden.witness.peers import Witness
from postwarden.witness.service import Service, tls_context
from postwarden.witness.submission import MAX_SUBMISSION, encode_submission
from tests.unit.witness.conftest import NOW, ORIGIN, Log, Running


def ask(
    witness: Running, method: str, path: str, body: bytes | None = None, **headers: str
) -> tuple[int, str, bytes]:
    connection = http.client.HTTPConnection(urlsplit(witness.url).netloc, timeout=10)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.headers["Content-Type"], answer.read()
    finally:
        connection.close()


def submission(log: Log, old: int = 0) -> bytes:
    newest = log.newest()
    return encode_submission(old, newest.proof(old, newest.position.size), newest.note)


def test_the_answers_are_those_of_the_specification(witness: Running, log: Log) -> None:
    """Success, an unknown log, a wrong key, a wrong size, a wrong proof and nonsense each have their status."""
    status, _, line = ask(witness, "POST", "/add-checkpoint", submission(log))
    assert (status, line[:4]) == (200, "— ".encode())
    assert ask(witness, "POST", "/add-checkpoint", submission(Log(origin="z").grow(1)))[0] == 404
    assert ask(witness, "POST", "/add-checkpoint", submission(Log(seed=3).grow(6)))[0] == 403
    assert ask(witness, "POST", "/add-checkpoint", submission(log)) == (409, "text/x.tlog.size", b"5\n")
    fork = Log().grow(7, "x")
    assert ask(witness, "POST", "/add-checkpoint", submission(fork, 5))[0] == 422
    assert ask(witness, "POST", "/add-checkpoint", b"old 9\n\n" + log.newest().note)[0] == 400
    assert ask(witness, "POST", "/add-checkpoint", b"nonsense")[0] == 400


def test_the_newest_checkpoint_is_given(witness: Running, log: Log) -> None:
    """Anybody can read the newest cosigned checkpoint of a log, by its origin's digest."""
    path = f"/{log_name(ORIGIN)}/checkpoint"
    assert ask(witness, "GET", path)[0] == 404
    ask(witness, "POST", "/add-checkpoint", submission(log))
    status, _, content = ask(witness, "GET", path)
    assert (status, find_cosignature(content, witness.keeping.key)) == (200, NOW)


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/"), ("GET", "/../key"), ("GET", "/x/checkpoint"), ("POST", "/"), ("POST", "/add-checkpoint/")],
)
def test_there_is_nothing_else(witness: Running, method: str, path: str) -> None:
    """No other address answers anything."""
    assert ask(witness, method, path, b"" if method == "POST" else None)[0] == 404


@pytest.mark.parametrize(
    ("length", "status"), [("", 411), ("-1", 411), ("+5", 411), (str(MAX_SUBMISSION + 1), 413)]
)
def test_a_length_is_needed_and_bounded(witness: Running, length: str, status: int) -> None:
    """A body without a length, or with one beyond any submission's, is refused before it is read."""
    with socket.create_connection(("127.0.0.1", urlsplit(witness.url).port or 0), timeout=10) as out:
        head = f"Content-Length: {length}\r\n" if length else ""
        out.sendall(f"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\n{head}\r\n".encode())
        assert out.recv(12) == f"HTTP/1.0 {status}".encode()


def test_a_disk_that_fails_is_the_witness_problem(
    witness: Running, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the witness cannot keep a checkpoint, there is no cosignature, and the caller is not blamed."""

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "pwrite", fail)
    assert ask(witness, "POST", "/add-checkpoint", submission(log))[0] == 500
    monkeypatch.undo()
    assert ask(witness, "POST", "/add-checkpoint", submission(log))[0] == 200


def test_who_says_nothing_is_cut_off(
    keeping: Keeping, log: Log, monkeypatch: pytest.MonkeyPatch, serve: Callable[[Keeping], Running]
) -> None:
    """A caller that drips loses its connection, and others are served meanwhile."""
    monkeypatch.setattr(service, "LIFETIME", 0.2)
    witness = serve(keeping)
    with socket.create_connection(("127.0.0.1", urlsplit(witness.url).port or 0), timeout=5) as out:
        out.sendall(b"POST /add-checkpoint HTTP/1.1\r\n")
        assert ask(witness, "POST", "/add-checkpoint", submission(log))[0] == 200
        assert out.recv(1) == b""


def test_connections_are_bounded(keeping: Keeping, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond its number of connections the witness hangs up, and serves again when one has ended."""
    monkeypatch.setattr(service, "MOST", 1)
    with Service(("127.0.0.1", 0), keeping) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            port = running.server_address[1]
            witness = Running(keeping, f"http://127.0.0.1:{port}")
            with socket.create_connection(("127.0.0.1", port), timeout=10) as first:
                first.sendall(b"POST")
                with socket.create_connection(("127.0.0.1", port), timeout=10) as second:
                    assert second.recv(1) == b""
            while True:
                try:
                    assert ask(witness, "POST", "/add-checkpoint", submission(log))[0] == 200
                    break
                except (http.client.HTTPException, ConnectionError):
                    continue
        finally:
            running.shutdown()
            thread.join()


@pytest.fixture
def tls(tmp_path: Path) -> certificates.Certificates:
    (tmp_path / "tls").mkdir()
    return certificates.make(tmp_path / "tls")


@pytest.fixture
def secured(keeping: Keeping, tls: certificates.Certificates) -> Iterator[Witness]:
    """A witness over TLS, for somebody who trusts its authority."""
    context = tls_context(tls.certificate_file, tls.key_file)
    with Service(("127.0.0.1", 0), keeping, context) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield Witness(f"https://localhost:{running.server_address[1]}", keeping.key, tls.ca_file)
        finally:
            running.shutdown()
            thread.join()


def test_it_serves_tls(secured: Witness, log: Log) -> None:
    """Over TLS a checkpoint is cosigned for whoever trusts the authority, and for nobody else."""
    assert find_cosignature(cosigned_by(secured, log.newest), secured.key) == NOW
    with pytest.raises(Exception, match="certificate verify failed"):
        cosigned_by(Witness(secured.url, secured.key), log.newest)


def test_a_caller_without_tls_does_no_harm(secured: Witness, log: Log) -> None:
    """Cleartext to the secured port is no answer, and the next caller is served."""
    with socket.create_connection(("127.0.0.1", urlsplit(secured.url).port or 0), timeout=10) as out:
        out.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert not out.recv(100).startswith(b"HTTP")
    assert cosigned_by(secured, log.newest)


def test_what_cannot_be_used_is_said_at_the_start(keeping: Keeping, tmp_path: Path) -> None:
    """A certificate that is missing, and an address that is taken, are errors that say so."""
    with pytest.raises(ConfigError, match="cannot be used"):
        tls_context(tmp_path / "no.pem", tmp_path / "no.key")
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(LedgerError, match="listened on"):
        Service(("127.0.0.1", taken.getsockname()[1]), keeping)
    assert ssl.OPENSSL_VERSION
