"""Time stamps are asked for, verified against the configured roots, and agree with OpenSSL's reading of them."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from postwarden.errors import NotifyError
from postwarden.witness.peers import Authority
from postwarden.witness.timestamp import check_stamp, stamp

TEXT = b"postwarden/a.example\n5\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
CONFIG = """\
[tsa]
default_tsa = a
[a]
dir = .
serial = serial
signer_cert = tsa.pem
signer_key = tsa.key
{certs}
default_policy = 1.2.3.4.1
digests = sha256
signer_digest = sha256
accuracy = secs:1
"""
EXTENSIONS = """\
basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=critical,timeStamping
"""

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")


def openssl(folder: Path, *arguments: str, given: bytes | None = None) -> bytes:
    done = subprocess.run(["openssl", *arguments], cwd=folder, input=given, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def make_authority(folder: Path, *, certs: str = "") -> None:
    """A root, and the key and certificate of a time stamping authority below it."""
    folder.mkdir()
    subject = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl(folder, "req", "-x509", *subject, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=root")
    openssl(folder, "req", "-new", *subject, "-keyout", "tsa.key", "-out", "tsa.csr", "-subj", "/CN=tsa")
    (folder / "ext").write_text(EXTENSIONS)
    openssl(
        folder, "x509", "-req", "-in", "tsa.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
        "-extfile", "ext", "-out", "tsa.pem",
    )  # fmt: skip
    (folder / "serial").write_text("01\n")
    (folder / "tsa.cnf").write_text(CONFIG.format(certs=certs))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("authority") / "tsa"
    make_authority(made)
    return made


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[[bytes], tuple[int, str, bytes]]], str]]:
    """Serves what a function answers, on a port of its own."""
    running: list[tuple[HTTPServer, Thread]] = []

    def begin(answer: Callable[[bytes], tuple[int, str, bytes]]) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                status, kind, body = answer(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        server = HTTPServer(("127.0.0.1", 0), Handler)
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        running.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}/"

    yield begin
    for server, thread in running:
        server.shutdown()
        thread.join()
        server.server_close()


Serve = Callable[[Callable[[bytes], tuple[int, str, bytes]]], str]


def answering(folder: Path, *, query: bytes | None = None) -> Callable[[bytes], tuple[int, str, bytes]]:
    """What an authority answers; with `query`, to that one whatever it was asked."""

    def answer(asked: bytes) -> tuple[int, str, bytes]:
        (folder / "query").write_bytes(query or asked)
        openssl(folder, "ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query", "-out", "reply")
        return 200, "application/timestamp-reply", (folder / "reply").read_bytes()

    return answer


def test_a_checkpoint_is_stamped(folder: Path, serve: Serve) -> None:
    """The stamp verifies, has a time of now, and OpenSSL says so too."""
    made = stamp(Authority(serve(answering(folder)), folder / "ca.pem"), TEXT)
    assert made.time is not None
    assert abs((folder / "reply").stat().st_mtime - made.time.timestamp()) < 60
    (folder / "token").write_bytes(made.token)
    (folder / "text").write_bytes(TEXT)
    said = openssl(folder, "ts", "-verify", "-in", "token", "-data", "text", "-CAfile", "ca.pem")
    assert b"Verification: OK" in said
    assert check_stamp(made.token, TEXT, folder / "ca.pem").time == made.time


def test_a_kept_stamp_over_another_text_is_refused(folder: Path, serve: Serve) -> None:
    """A stamp is not taken for one over another checkpoint."""
    made = stamp(Authority(serve(answering(folder)), folder / "ca.pem"), TEXT)
    with pytest.raises(NotifyError, match="does not verify"):
        check_stamp(made.token, TEXT.replace(b"5", b"6", 1), folder / "ca.pem")


def test_a_stamp_of_another_authority_is_refused(folder: Path, tmp_path: Path, serve: Serve) -> None:
    """A stamp whose certificate does not lead to a configured root is refused."""
    make_authority(tmp_path / "other")
    with pytest.raises(NotifyError, match="does not verify"):
        stamp(Authority(serve(answering(folder)), tmp_path / "other" / "ca.pem"), TEXT)


def test_an_old_answer_is_refused(folder: Path, serve: Serve) -> None:
    """An answer to an earlier question, replayed, is refused by its nonce."""
    asked: list[bytes] = []

    def keeping(query: bytes) -> tuple[int, str, bytes]:
        asked.append(query)
        return answering(folder)(query)

    stamp(Authority(serve(keeping), folder / "ca.pem"), TEXT)
    with pytest.raises(NotifyError, match="does not verify"):
        stamp(Authority(serve(answering(folder, query=asked[0])), folder / "ca.pem"), TEXT)


def test_certificates_out_of_order_do_not_lose_the_stamp(tmp_path: Path, serve: Serve) -> None:
    """A stamp whose certificates are not in DER's order is kept whatever becomes of it, and OpenSSL verifies it."""
    folder = tmp_path / "tsa"
    make_authority(folder, certs="certs = ca.pem")
    made = stamp(Authority(serve(answering(folder)), folder / "ca.pem"), TEXT)
    assert (made.time is None) == (made.unread is not None)
    (folder / "token").write_bytes(made.token)
    (folder / "text").write_bytes(TEXT)
    said = openssl(folder, "ts", "-verify", "-in", "token", "-data", "text", "-CAfile", "ca.pem")
    assert b"Verification: OK" in said


@pytest.mark.parametrize("body", [b"", b"\x30\x03\x02\x01\x00", b"nothing of the kind"])
def test_an_answer_that_cannot_be_read_is_kept_and_said(folder: Path, serve: Serve, body: bytes) -> None:
    """What the library cannot read is given back as it is, with the reason, and without a time."""
    url = serve(lambda _: (200, "application/timestamp-reply", body))
    made = stamp(Authority(url, folder / "ca.pem"), TEXT)
    assert (made.token, made.time) == (body, None)
    assert made.unread is not None


@pytest.mark.parametrize(("status", "kind"), [(500, "application/timestamp-reply"), (200, "text/html")])
def test_another_answer_is_an_error(folder: Path, serve: Serve, status: int, kind: str) -> None:
    """What does not say that it is a time stamp is none."""
    url = serve(lambda _: (status, kind, b"x"))
    with pytest.raises(NotifyError, match="not a time stamp"):
        stamp(Authority(url, folder / "ca.pem"), TEXT)


def test_roots_that_cannot_be_read_are_told(folder: Path, tmp_path: Path) -> None:
    """A file of roots that is missing or holds none is an error that names it."""
    (tmp_path / "empty.pem").write_bytes(b"")
    for name in ("missing.pem", "empty.pem"):
        with pytest.raises(NotifyError, match=name):
            stamp(Authority("http://127.0.0.1:9", tmp_path / name), TEXT)
    assert folder.is_dir()
