"""One connection to a server that may be hostile."""

import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from postwarden.connectors.wire import BUDGET, LIFETIME, Wire, connect, context
from postwarden.errors import ConfigError, ConnectorError
from tests.unit.connectors.servers import wired


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.time = 1000.0

    def __call__(self) -> float:
        return self.time


def test_lines_and_bytes_come_as_they_were_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines keep their ends, whatever the pieces in which they arrive, and literals are counted in bytes."""
    with wired(monkeypatch) as (wire, far):
        far.say(b"* OK\r\n{3}\r\na\nb\xff tail\nlast\r\n")
        assert wire.readline() == b"* OK\r\n"
        assert wire.readline() == b"{3}\r\n"
        assert wire.read(3) == b"a\nb"
        assert wire.read(0) == b""
        assert wire.readline() == b"\xff tail\n"
        assert wire.readline() == b"last\r\n"


def test_a_line_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line of just the limit passes, one byte more is malformed, with or without its end."""
    with wired(monkeypatch) as (wire, far):
        far.say(b"x" * 9 + b"\n" + b"y" * 10 + b"\n")
        assert wire.readline(10) == b"x" * 9 + b"\n"
        with pytest.raises(ConnectorError, match="a line of more than 10 bytes") as caught:
            wire.readline(10)
        assert caught.value.reason == "malformed"
    with wired(monkeypatch) as (wire, far):
        far.say(b"z" * 10)
        with pytest.raises(ConnectorError, match="a line of more than 10 bytes"):
            wire.readline(10)


def test_a_connection_brings_no_more_than_its_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the server sends is counted over the whole connection, and beyond the budget nothing is read."""
    with wired(monkeypatch, budget=20) as (wire, far):
        far.say(b"12345678\n" * 2 + b"12345678\n")
        assert wire.readline() + wire.readline() == b"12345678\n" * 2
        with pytest.raises(ConnectorError, match="more than this connection may bring") as caught:
            wire.readline()
        assert caught.value.reason == "malformed"


def test_an_announced_size_is_refused_before_anything_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A literal of more than the budget costs no memory and no waiting."""
    with wired(monkeypatch, budget=100) as (wire, far):
        far.say(b"0123456789")
        assert wire.read(4) == b"0123"
        with pytest.raises(ConnectorError, match="announced 97 bytes"):
            wire.read(97)
        assert wire.read(6) == b"456789"
        with pytest.raises(ConnectorError, match=f"announced {10**15} bytes"):
            wire.read(10**15)


def test_a_connection_lives_no_longer_than_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that drips is left when the time is over, even if each byte came soon enough."""
    clock = Clock()
    with wired(monkeypatch, lifetime=60.0, clock=clock) as (wire, far):
        for _ in range(6):
            far.say(b"x")
            assert wire.read(1) == b"x"
            clock.time += 10
        far.say(b"x")
        for use in (
            lambda: wire.read(1),
            lambda: wire.send(b"x"),
            lambda: wire.start_tls(ssl.create_default_context()),
        ):
            with pytest.raises(ConnectorError, match="took too long for one account") as caught:
                use()
            assert caught.value.reason == "unreachable"
        assert far.heard() == b""


def test_one_wait_is_no_longer_than_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """A silent server costs the time limit of one wait, or what is left of the connection's life if that is less."""
    clock = Clock()
    with wired(monkeypatch, lifetime=60.0, timeout=20.0, clock=clock) as (wire, far):
        far.say(b"ab")
        wire.read(1)
        assert wire._socket.gettimeout() == 20.0
        clock.time += 59.99
        wire.send(b"x")
        assert wire._socket.gettimeout() == pytest.approx(0.01, abs=0.001)
        with pytest.raises(ConnectorError, match="stalled") as caught:
            wire.read(2)
        assert caught.value.reason == "unreachable"


def test_the_usual_bounds_are_set() -> None:
    """An audit of one account is bounded to two minutes and 32 MB a connection."""
    assert LIFETIME == 120.0
    assert BUDGET == 32 * 1024 * 1024


def test_a_server_that_hangs_up_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    """The end in the middle of an answer is told with host and port."""
    with wired(monkeypatch) as (wire, far):
        far.say(b"* OK")
        far.end.close()
        with pytest.raises(ConnectorError, match=r"mail\.example\.org:993 closed the connection") as caught:
            wire.readline()
        assert caught.value.reason == "unreachable"
        with pytest.raises(ConnectorError, match="broke off"):
            wire.send(b"x" * 100)


def test_what_came_before_tls_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes that stood in the buffer when TLS starts are not protected, and are never read as an answer."""
    with wired(monkeypatch) as (wire, far):
        far.say(b"OK begin\r\n* injected\r\n")
        assert wire.readline() == b"OK begin\r\n"

        class Wrapping(ssl.SSLContext):
            def wrap_socket(self, sock: socket.socket, *_: object, **__: object) -> ssl.SSLSocket:
                return sock  # type: ignore[return-value]  # a stand-in

        wire.start_tls(Wrapping(ssl.PROTOCOL_TLS_CLIENT))
        far.say(b"after\r\n")
        assert wire.readline() == b"after\r\n"


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (ssl.SSLError(1, "WRONG_VERSION_NUMBER"), "TLS with mail.example.org:993 failed"),
        (ConnectionResetError(104, "Connection reset by peer"), "connection reset by peer"),
        (TimeoutError("timed out"), "no answer in time"),
        (ssl.SSLEOFError(8, "EOF occurred"), "failed"),
    ],
)
def test_tls_that_fails_is_told_with_what_to_check(
    fault: OSError, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever goes wrong in the handshake is an error of ours that names the server and the option."""

    class Failing(ssl.SSLContext):
        def wrap_socket(self, *_: object, **__: object) -> ssl.SSLSocket:
            raise fault

    with wired(monkeypatch) as (wire, _):
        with pytest.raises(ConnectorError, match=words) as caught:
            wire.start_tls(Failing(ssl.PROTOCOL_TLS_CLIENT))
        assert caught.value.reason == "unreachable"
        assert "tls" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (ConnectionRefusedError(111, "Connection refused"), "connection refused"),
        (TimeoutError("timed out"), "no answer in time"),
        (socket.gaierror(-2, "Name or service not known"), "name or service not known"),
        (OSError(101, "Network is unreachable"), "network is unreachable"),
        (UnicodeError("label empty or too long"), ""),
        (OverflowError("port must be 0-65535"), ""),
    ],
    ids=lambda one: type(one).__name__,
)
def test_a_host_that_cannot_be_reached_is_told_with_its_place(
    fault: Exception, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever keeps a connection from being made is an error of ours with host and port."""

    def refuse(*_: object) -> socket.socket:
        raise fault

    monkeypatch.setattr(socket, "create_connection", refuse)
    with pytest.raises(
        ConnectorError, match=rf"mail\.example\.org:993 cannot be reached: .*{words}"
    ) as caught:
        Wire("mail.example.org", 993, timeout=5)
    assert caught.value.reason == "unreachable"
    assert caught.value.hint


@pytest.mark.parametrize(
    ("peer", "loopback"),
    [
        ("127.0.0.1", True), ("127.8.9.1", True), ("::1", True), ("::ffff:127.0.0.1", True), ("192.0.2.1", False),
        ("::ffff:192.0.2.1", False), ("fe80::1%eth0", False), ("0.0.0.0", False), ("2001:db8::1", False),
    ],
)  # fmt: skip
def test_loopback_is_told_by_the_peers_address(
    peer: str,
    loopback: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whether cleartext stays on this host is decided by where the connection went, not by its name."""

    class Peer:
        def getpeername(self) -> tuple[str, int]:
            return peer, 993

    with wired(monkeypatch) as (wire, _):
        monkeypatch.setattr(wire, "_socket", Peer())
        assert wire.peer_is_loopback is loopback


def connecting(monkeypatch: pytest.MonkeyPatch, peer: Callable[[], tuple[str, int]]) -> list[str]:
    """Connections go to `peer`; what happens to the socket is noted."""
    done: list[str] = []

    class Socket:
        def getpeername(self) -> tuple[str, int]:
            return peer()

        def close(self) -> None:
            done.append("closed")

    monkeypatch.setattr(socket, "create_connection", lambda *_: Socket())
    return done


@pytest.mark.parametrize("named", [None, "other.example.org", "192.0.2.1"])
def test_cleartext_leaves_this_host_only_by_name(named: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without TLS a stranger's host is refused and the connection closed, unless exactly it is named."""
    done = connecting(monkeypatch, lambda: ("192.0.2.1", 143))
    made = ssl.create_default_context()
    with pytest.raises(ConnectorError, match="would show the password to the network") as caught:
        connect("mail.example.org", 143, tls="none", cleartext_to=named, timeout=5, ssl_context=made)
    assert caught.value.reason == "forbidden"
    assert 'cleartext_to = "mail.example.org"' in str(caught.value.hint)
    assert done == ["closed"]
    connect("mail.example.org", 143, tls="none", cleartext_to="mail.example.org", timeout=5, ssl_context=made)
    assert done == ["closed"]


def test_a_peer_that_is_gone_at_once_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that resets the connection before its address is looked at costs a gap, no bug of ours."""

    def gone() -> tuple[str, int]:
        raise OSError(107, "Transport endpoint is not connected")

    connecting(monkeypatch, gone)
    with pytest.raises(ConnectorError) as caught:
        connect(
            "localhost",
            143,
            tls="none",
            cleartext_to=None,
            timeout=5,
            ssl_context=ssl.create_default_context(),
        )
    assert caught.value.reason == "unreachable"


def test_certificates_and_names_are_always_verified(tmp_path: Path) -> None:
    """Nothing turns verification off, and old versions of TLS are not spoken."""
    made = context(None)
    assert made.verify_mode is ssl.CERT_REQUIRED
    assert made.check_hostname
    assert made.minimum_version >= ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize(
    "content",
    [None, b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"],
)
def test_a_ca_file_that_cannot_be_used_is_a_mistake_in_the_configuration(
    content: bytes | None, tmp_path: Path
) -> None:
    """A missing, empty or broken file is named with its key."""
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=str(path)) as caught:
        context(str(path))
    assert caught.value.key == "ca_file"
    assert "PEM" in str(caught.value.hint)
