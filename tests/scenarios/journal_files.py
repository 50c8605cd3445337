"""A journal for one test: what is sent to its socket becomes a real journal file, which journalctl reads."""

import os
import shutil
import socket
import subprocess
import threading
from pathlib import Path

REMOTE = Path("/lib/systemd/systemd-journal-remote")
BOOT = "0123456789abcdef0123456789abcdef"


class JournalFiles:
    """Listens on `socket`; `programs` has a journalctl that looks at these files alone."""

    def __init__(self, folder: Path) -> None:
        self.socket, self.programs, self._files = folder / "socket", folder / "bin", folder / "files"
        self.programs.mkdir(parents=True)
        self._files.mkdir()
        program = self.programs / "journalctl"
        program.write_text(f'#!/bin/sh\nexec {shutil.which("journalctl")} --directory={self._files} "$@"\n')
        program.chmod(0o755)
        self._entries: list[bytes] = []
        self._server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._server.bind(str(self.socket))
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def write(self) -> int:
        """Writes the entries so far as journald would, with the sender's user id; how many they are."""
        export = b"\n".join(
            f"__REALTIME_TIMESTAMP={1795000000000000 + index}\n__MONOTONIC_TIMESTAMP={index + 1}\n"
            f"_BOOT_ID={BOOT}\n_UID={os.geteuid()}\n".encode()
            + entry
            for index, entry in enumerate(self._entries)
        )
        source = self._files.parent / "export"
        source.write_bytes(export + b"\n")
        file = self._files / "test.journal"
        file.unlink(missing_ok=True)
        subprocess.run([str(REMOTE), "-o", str(file), str(source)], check=True, capture_output=True)
        return len(self._entries)

    def close(self) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.sendto(b"end", str(self.socket))
        self._thread.join()
        self._server.close()

    def _listen(self) -> None:
        while (content := self._server.recv(1_000_000)) != b"end":
            self._entries.append(content)
