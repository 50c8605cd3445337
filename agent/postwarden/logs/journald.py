"""journald's native protocol (systemd, docs/JOURNAL_NATIVE_PROTOCOL.md): one entry with fields, over a datagram.

A field is `NAME=value` and a line feed; a value with line feeds is NAME, a line feed, its length in 64 bits with the
lowest byte first, the value and a line feed. What does not fit into a datagram goes into a sealed memory file whose
descriptor is sent in an empty one.
"""

import array
import errno
import fcntl
import os
import socket
import struct
from collections.abc import Mapping

#: Where journald listens.
SOCKET = "/run/systemd/journal/socket"
#: Seconds that a journal which is slow to take entries is waited for.
PATIENCE = 5.0
_TOO_LARGE = {errno.EMSGSIZE, errno.ENOBUFS}
_SEALS = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE


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


def send(fields: Mapping[str, str], path: str = SOCKET) -> None:
    """One entry to the journal that listens at `path`; OSError as the system gives it."""
    content = encode(fields)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
        out.settimeout(PATIENCE)
        try:
            out.sendto(content, path)
        except OSError as exc:
            if exc.errno not in _TOO_LARGE:
                raise
            _send_file(out, content, path)


def _send_file(out: socket.socket, content: bytes, path: str) -> None:
    file = os.memfd_create("postwarden", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        with open(file, "wb", closefd=False) as stream:
            stream.write(content)
        fcntl.fcntl(file, fcntl.F_ADD_SEALS, _SEALS)
        passed = array.array("i", [file])
        out.sendmsg([], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, passed)], 0, path)
    finally:
        os.close(file)
