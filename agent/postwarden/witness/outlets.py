"""Places on this host, or near it, that a checkpoint is put: the journal, syslog, a file, a program.

Each function takes a whole checkpoint note and raises NotifyError where the place does not take it.
"""

import os
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from postwarden.errors import LedgerError, NotifyError
from postwarden.ledger import files
from postwarden.ledger.cosignature import read_text
from postwarden.ledger.note import encode_base64, parse_note
from postwarden.logs import journald

#: MESSAGE_ID of a checkpoint in the journal, for good; docs/ledger.md has it too.
MESSAGE_ID = "3f0a7c1d92b84e56a0d17be84c6f5906"
#: Seconds that a syslog server, and a program, may take.
PATIENCE, PROGRAM_TIME = 5.0, 30.0
#: What a program gets of our environment: our own secrets and credentials are none of its business.
PASSED_ON = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ")
#: Facility daemon, level notice.
_PRIORITY = 3 * 8 + 5
#: A log line takes the short signatures alone: an ML-DSA-44 one fills a datagram.
_SHORT = 72


def journal_entry(note: bytes) -> dict[str, str]:
    """The fields of a checkpoint's entry in the journal."""
    origin, position = read_text(parse_note(note).text)
    return {
        "MESSAGE": f"checkpoint of {origin}: {position.size} records, root {encode_base64(position.root)}",
        "MESSAGE_ID": MESSAGE_ID,
        "PRIORITY": "5",
        "SYSLOG_IDENTIFIER": "postwarden",
        "POSTWARDEN_ORIGIN": origin,
        "POSTWARDEN_SIZE": str(position.size),
        "POSTWARDEN_ROOT": encode_base64(position.root),
        "POSTWARDEN_CHECKPOINT": note.decode(),
    }


def to_journal(note: bytes, path: str) -> None:
    """One entry to the journal that listens at `path`."""
    try:
        journald.send(journal_entry(note), path)
    except OSError as exc:
        raise NotifyError(
            f"the journal at {path} did not take the checkpoint: {exc.strerror or exc}",
            "is journald running? [ledger.checkpoints] log can be syslog or none",
        ) from exc


def syslog_line(note: bytes) -> str:
    """A checkpoint on one line: origin, size, root, and each short signature of the log's own."""
    parsed = parse_note(note)
    origin, position = read_text(parsed.text)
    signatures = [
        encode_base64(each.identifier + each.value)
        for each in parsed.signatures
        if each.name == origin and len(each.value) <= _SHORT
    ]
    return " ".join(["checkpoint", origin, str(position.size), encode_base64(position.root), *signatures])


def to_syslog(note: bytes, address: str) -> None:
    """One line to a socket's path, or to `udp://HOST:PORT` or `tcp://HOST:PORT`."""
    content = f"<{_PRIORITY}>postwarden: {syslog_line(note)}".encode()
    try:
        if address.startswith("/"):
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
                out.settimeout(PATIENCE)
                out.sendto(content, address)
            return
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port or 514
        if parts.scheme == "tcp":
            with socket.create_connection((host, port), timeout=PATIENCE) as out:
                out.sendall(content + b"\n")
            return
        family, kind, protocol, _, target = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind, protocol) as out:
            out.settimeout(PATIENCE)
            out.sendto(content, target)
    except (OSError, ValueError) as exc:
        raise NotifyError(f"syslog at {address} did not take the checkpoint: {exc}") from exc


def to_file(note: bytes, path: Path) -> None:
    """Replace the file in one step; it is on its disk on return."""
    try:
        with files.folder(path.parent) as folder:
            files.store(folder, path.name, [note])
    except (OSError, LedgerError) as exc:
        raise NotifyError(
            f"the checkpoint was not written to {path}: {exc}", "check its folder, and who may write there"
        ) from exc


def to_command(
    note: bytes,
    command: Sequence[str],
    *,
    environment: Mapping[str, str] = os.environ,
    limit: float = PROGRAM_TIME,
) -> None:
    """Give the note to a program's standard input; no shell takes part, and what it prints is not read."""
    try:
        process = subprocess.Popen(  # noqa: S603 - a program that the trusted configuration names
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={name: environment[name] for name in PASSED_ON if name in environment},
            start_new_session=True,
        )
    except OSError as exc:
        raise NotifyError(f"{command[0]} cannot be started: {exc.strerror}") from exc
    with process:
        try:
            process.communicate(note, timeout=limit)
        except subprocess.TimeoutExpired as exc:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise NotifyError(f"{command[0]} took longer than {limit:g} s for the checkpoint") from exc
    if process.returncode:
        raise NotifyError(f"{command[0]} ended with status {process.returncode}", "see what it logs itself")
