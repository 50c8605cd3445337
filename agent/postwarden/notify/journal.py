"""journald's native protocol (systemd, docs/JOURNAL_NATIVE_PROTOCOL.md): one entry with fields, over a datagram.

A field is `NAME=value` and a line feed; a value with line feeds is NAME, a line feed, its length in 64 bits with the
lowest byte first, the value and a line feed. What does not fit into a datagram goes into a sealed memory file whose
descriptor is sent in an empty one. Where there is no journal, the same fields go to the log on stderr.
"""

import array
import errno
import fcntl
import os
import socket
import struct
from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta

from postwarden import logs
from postwarden.config.settings import Section
from postwarden.errors import NotifyError
from postwarden.logs.escaping import clean
from postwarden.model.finding import Level
from postwarden.notify.notice import Change, Notice

#: MESSAGE_ID of each change, for good; docs/alarms.md has them too.
MESSAGE_IDS: Mapping[Change, str] = {
    "opened": "5d0c9f8a8f1c4d5fb0c0f3f7b6f3a101",
    "changed": "8b9a1a4f6f5e4b6c9a2d54c8d1c5e202",
    "resolved": "c2f1d6e37a884e0d8f3b7a10e4d96303",
    "acknowledged": "e41b7d52c0964f7ea6d58c2f9b03a404",
    "reopened": "1f6e83ba94d74c21b3c79d40a5e2f505",
}
#: Priority of syslog by level, for a finding that stands open.
PRIORITIES: Mapping[Level, int] = {"critical": 2, "high": 3, "medium": 4, "low": 5, "informational": 6}
#: Of one that does not any more.
QUIET = 5

#: Seconds that a journal which is slow to take entries is waited for.
PATIENCE = 5.0
_TOO_LARGE = {errno.EMSGSIZE, errno.ENOBUFS}
_SEALS = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE


class Options(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`socket` is where journald listens."""

    socket: Annotated[str, Meta(min_length=1)] = "/run/systemd/journal/socket"


class JournalNotifier:
    """One entry for each notice."""

    def __init__(self, options: Options) -> None:
        self._path = options.socket

    def send(self, notice: Notice) -> None:
        fields = entry(notice)
        try:
            self._send(encode(fields))
        except (FileNotFoundError, ConnectionRefusedError):
            given = {key.lower(): value for key, value in fields.items()}
            logs.get("alarm").warning(given.pop("message"), **given)
        except OSError as exc:
            raise NotifyError(
                f"the journal at {self._path} did not take an entry: {exc.strerror or exc}"
            ) from exc

    def _send(self, content: bytes) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
            out.settimeout(PATIENCE)
            try:
                out.sendto(content, self._path)
            except OSError as exc:
                if exc.errno not in _TOO_LARGE:
                    raise
                self._send_file(out, content)

    def _send_file(self, out: socket.socket, content: bytes) -> None:
        file = os.memfd_create("postwarden", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            with open(file, "wb", closefd=False) as stream:
                stream.write(content)
            fcntl.fcntl(file, fcntl.F_ADD_SEALS, _SEALS)
            passed = array.array("i", [file])
            out.sendmsg([], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, passed)], 0, self._path)
        finally:
            os.close(file)


def entry(notice: Notice) -> dict[str, str]:
    """The fields of a notice, as docs/alarms.md describes them."""
    finding = notice.finding
    stands = notice.change in {"opened", "changed", "reopened"}
    fields = {
        "MESSAGE": notice.line,
        "MESSAGE_ID": MESSAGE_IDS[notice.change],
        "PRIORITY": str(PRIORITIES[finding.level] if stands else QUIET),
        "SYSLOG_IDENTIFIER": "postwarden",
        "POSTWARDEN_CHANGE": notice.change,
        "POSTWARDEN_FINDING": finding.id,
        "POSTWARDEN_RULE": finding.name,
        "POSTWARDEN_LEVEL": finding.level,
        "POSTWARDEN_ACCOUNT": notice.account,
        "POSTWARDEN_KEY": notice.key,
        "POSTWARDEN_LEDGER": notice.ledger,
        "POSTWARDEN_RECORD": str(notice.record),
        "POSTWARDEN_ACTOR": notice.actor,
    }
    told = {name: clean(value) for name, value in fields.items()}
    if finding.why:
        told["POSTWARDEN_WHY"] = "\n".join(clean(sentence) for sentence in finding.why)
    return told


def encode(fields: Mapping[str, str]) -> bytes:
    """The fields as one entry."""
    parts = []
    for name, value in fields.items():
        raw = value.encode("utf-8", "backslashreplace")
        if b"\n" in raw:
            parts.append(name.encode() + b"\n" + struct.pack("<Q", len(raw)) + raw + b"\n")
        else:
            parts.append(name.encode() + b"=" + raw + b"\n")
    return b"".join(parts)
