"""Dovecot 2.3's log of log-ins and ends of sessions, in its own file or through a syslog.

The lines are those that Debian 12's Dovecot 2.3.19 wrote when it was used with these outcomes: `Login`,
`Disconnected` with its counters, the password check's own line and `Disconnected … (auth failed, …)` for a refusal,
`(no auth attempts …)` for who only looked, the lines about a master user and about starting up. `Inactivity` and
`Connection reset by peer` are from its source, and so is POP3's.
"""

from base64 import b64encode
from functools import lru_cache
from ipaddress import ip_address
from random import Random
from typing import Literal

from postwarden.lab.logs.happenings import Happening, Refusal, Scan, Session, Start
from postwarden.lab.logs.journal import Journal
from postwarden.lab.logs.moments import iso_local, syslog_local
from postwarden.lab.logs.plan import Plan
from postwarden.lab.logs.truth import Book

SERVER = "10.20.0.5"
SERVER_V6 = "fd20::5"
HOST = "mail"

_STARTING = "Dovecot v2.3.19.1 (9b53102964) starting up for imap, pop3 (core dumps disabled)"
_NO_HANDSHAKE = "SSL_accept() failed: error:0A0000F4:SSL routines::unexpected message"
#: By what was tried: why it ended, and what is told of TLS.
_SCANS = {
    "silent": ("Connection closed", ""),
    "words": ("Too many invalid commands", ""),
    "handshake": (f"Connection closed: {_NO_HANDSHAKE}", f"TLS handshaking: {_NO_HANDSHAKE}, "),
}
_CIPHER = "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)"


class Dovecot:
    """Writes sessions and refusals; `syslog` says which way its lines go."""

    def __init__(
        self, plan: Plan, journal: Journal, book: Book, log: Literal["dovecot", "dovecot_syslog"]
    ) -> None:
        self.journal = journal
        self._tallies = book.accounts(log)
        self._rng = Random(f"{plan.seed} {log}")
        self._zone = plan.zone
        self._syslog = log == "dovecot_syslog"
        self._full = plan.login_format == "full"

    def take(self, happening: Happening) -> None:
        """Write what this product says about it, if anything."""
        if isinstance(happening, Session):
            self._session(happening)
        elif isinstance(happening, Refusal):
            self._refusal(happening)
        elif isinstance(happening, Scan):
            self._scan(happening)
        elif isinstance(happening, Start):
            self._add(happening.time, "master", _STARTING)

    def _session(self, one: Session) -> None:
        pid = 1000 + int(self._rng.random() * 31_000)
        session = session_id(one.begin, one.port, one.address)
        tally = self._tallies[one.name]
        if one.identity is not None:
            self._add(one.begin, "auth", f"Master user logging in as {one.name}")
        if self._add(one.begin, f"{one.protocol}-login", self._login(one, pid, session)):
            tally.begun += 1
        if one.closing == "cut":
            return
        ends = f"Disconnected: {self._reason(one)} {_counters(one)}"
        if self._add(one.end, f"{one.protocol}({one.name})<{pid}><{session}>", ends):
            tally.ended += 1

    def _login(self, one: Session, pid: int, session: str) -> str:
        who = one.identity or one.name
        local = one.address == "127.0.0.1"
        lip = _server(one.address)
        if self._full:
            tls = "secured" if local else f"TLS, {_CIPHER}"
            return (
                f"Login: user=<{one.name}>, auth_user=<{who}>, orig_user=<{who}>, method=PLAIN, rip={one.address}, "
                f"rport={one.port}, lip={lip}, mpid={pid}, {tls}, session=<{session}>"
            )
        tls = "secured" if local else "TLS"
        return f"Login: user=<{one.name}>, method=PLAIN, rip={one.address}, lip={lip}, mpid={pid}, {tls}, session=<{session}>"

    def _reason(self, one: Session) -> str:
        match one.closing:
            case "idle":
                waited = min(one.end - one.begin, 1_740_000) / 1000
                return (
                    f"Connection closed (IDLE running for 0.001 + waiting input for {waited:.3f} secs, 0.001 in locks, "
                    "2 B in + 10 B out, state=wait-input)"
                )
            case "finished":
                return f"Connection closed (UID FETCH finished {self._rng.random() * 20:.3f} secs ago)"
            case "inactive":
                return "Inactivity - no input for 1800 secs"
            case "reset":
                return "Connection closed: read(size=1024) failed: Connection reset by peer"
            case _:
                return "Logged out"

    def _refusal(self, one: Refusal) -> None:
        session = session_id(one.begin, one.port, one.address)
        why = "Password mismatch" if one.known else "unknown user"
        for n in range(one.attempts):
            self._add(
                one.begin + 300 + n * 4000,
                "auth",
                f"passwd-file({one.name},{one.address},<{session}>): {why}",
            )
        local = one.address == "127.0.0.1"
        lip = _server(one.address)
        names = f"user=<{one.name}>"
        tls, port = "secured" if local else "TLS: Connection closed", ""
        if self._full:
            names += f", auth_user=<{one.name}>, orig_user=<{one.name}>"
            port = f"rport={one.port}, "
            tls += "" if local else f", {_CIPHER}"
        text = (
            f"Disconnected: Connection closed (auth failed, {one.attempts} attempts in {(one.end - one.begin) // 1000} secs): {names}, "
            f"method=PLAIN, rip={one.address}, {port}lip={lip}, {tls}, session=<{session}>"
        )
        if self._add(one.end, "imap-login", text):
            tally = self._tallies[one.name]
            tally.refused += 1
            tally.attempts += one.attempts

    def _scan(self, one: Scan) -> None:
        why, tls = _SCANS[one.kind]
        port = f"rport={one.port}, " if self._full else ""
        text = (
            f"Disconnected: {why} (no auth attempts in 0 secs): user=<>, rip={one.address}, {port}lip={_server(one.address)}, "
            f"{tls}session=<{session_id(one.time, one.port, one.address)}>"
        )
        self._add(one.time, "imap-login", text)

    def _add(self, time: int, process: str, text: str) -> bool:
        if self._syslog:
            return self.journal.add(
                time, f"{syslog_local(time, self._zone)} {HOST} dovecot: {process}: {text}"
            )
        return self.journal.add(time, f"{iso_local(time, self._zone)} {process}: Info: {text}")


def _server(address: str) -> str:
    """The address of ours that somebody at `address` connected to."""
    if address == "127.0.0.1":
        return address
    return SERVER_V6 if ":" in address else SERVER


def _counters(one: Session) -> str:
    if one.protocol == "pop3":
        return f"top=0/0, retr={one.bodies}/{one.body_bytes}, del={one.deleted}/{one.bodies}, size={one.body_bytes}"
    return (
        f"in={one.bytes_in} out={one.bytes_out} deleted={one.deleted} expunged={one.expunged} trashed=0 hdr_count={one.headers} "
        f"hdr_bytes={one.header_bytes} body_count={one.bodies} body_bytes={one.body_bytes}"
    )


def session_id(begin: int, port: int, address: str) -> str:
    """A session id as Dovecot makes it: 48 bits of microseconds and the client's port, little end first, and its address."""
    micros = begin * 1000 + port % 997
    raw = (micros & 0xFFFF_FFFF_FFFF).to_bytes(6, "little") + port.to_bytes(2, "little") + _packed(address)
    return b64encode(raw).decode()


@lru_cache(maxsize=8192)
def _packed(address: str) -> bytes:
    return ip_address(address).packed
