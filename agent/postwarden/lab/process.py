"""One server of the lab as a child process that never outlives us."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from postwarden.errors import LabError
from postwarden.lab.ports import HOST, Endpoints, wait_until_free

#: Runs its arguments and ends them when standard input closes, which happens however we come to our end.
_KEEPER = """
exec 3<&0
"$@" </dev/null 3<&- & server=$!
{ cat >/dev/null; kill -TERM $server 2>/dev/null; } <&3 &
wait $server
"""
_START_SECONDS = 20
_STOP_SECONDS = 5
_LOG_LINES = 12


class ServerProcess:
    """A running server, in a process group of its own."""

    def __init__(self, command: Sequence[str], *, output: Path, ports: Endpoints) -> None:
        """Start `command`, which stays in the foreground and listens on `ports`; its output goes to a file.

        The ports are given back when it is stopped.
        """
        self._output = output
        self._ports = ports
        self._stopped = False
        with output.open("ab") as file:
            self._keeper = subprocess.Popen(  # noqa: S603 (a list, from our own modules)
                ["/bin/sh", "-c", _KEEPER, "sh", *command],
                stdin=subprocess.PIPE,
                stdout=file,
                stderr=file,
                cwd=output.parent,
                start_new_session=True,
            )

    def wait_until_ready(
        self, greetings: Mapping[int, bytes], *, log: Path | None = None, hint: str | None = None
    ) -> None:
        """Return once every port of `greetings` answers with a line that holds its bytes.

        Otherwise the server is stopped and LabError raised, with the last lines of its output and its `log`.
        """
        try:
            trouble = self._wait(greetings)
        except BaseException:
            self.stop()
            raise
        if trouble is not None:
            self.stop()
            lines = [line for path in (self._output, log) if path is not None for line in _last_lines(path)]
            raise LabError(f"the mail server {trouble}:\n" + ("\n".join(lines) or "it wrote nothing"), hint)

    def _wait(self, greetings: Mapping[int, bytes]) -> str | None:
        """Wait for all greetings; what went wrong, or None."""
        end = time.monotonic() + _START_SECONDS
        for port, expected in greetings.items():
            while not _greets(port, expected):
                if self._keeper.poll() is not None:
                    return "ended while starting"
                if time.monotonic() > end:
                    return f"does not answer on port {port}"
                time.sleep(0.01)
        return None

    def stop(self) -> None:
        """Stop the server and everything it started, and wait until its ports are free; harmless when repeated."""
        if self._stopped:
            return
        self._stopped = True
        if self._keeper.stdin is not None:
            self._keeper.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self._keeper.wait(_STOP_SECONDS)
        with suppress(ProcessLookupError):
            os.killpg(self._keeper.pid, signal.SIGKILL)
        self._keeper.wait()
        try:
            wait_until_free(self._ports.all())
        finally:
            self._ports.give_back()


def _greets(port: int, expected: bytes) -> bool:
    try:
        with (
            socket.create_connection((HOST, port), timeout=5) as connection,
            connection.makefile("rb") as lines,
        ):
            return expected in lines.readline()
    except OSError:
        return False


def _last_lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="backslashreplace").splitlines()[-_LOG_LINES:]
    except FileNotFoundError:
        return []
