"""A local program, started for each notice with the notice as JSON on its standard input; no shell takes part."""

import os
import selectors
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from typing import Annotated

from msgspec import Meta

from postwarden.config.settings import Section
from postwarden.errors import ConfigError, NotifyError
from postwarden.logs import redacted
from postwarden.model.encoding import encode
from postwarden.notify.notice import Notice

#: Bytes that a program may print, the last of them that we keep, and characters of those that a failure tells.
MAX_OUTPUT, KEPT, TOLD = 1024 * 1024, 4_096, 300
#: What a program gets of our environment: our own secrets and credentials are none of its business.
PASSED_ON = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ")


class Options(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`command` is a program and its arguments, `timeout` the seconds that it may take."""

    command: Annotated[tuple[str, ...], Meta(min_length=1)]
    timeout: Annotated[int, Meta(ge=1, le=600)] = 30


class CommandNotifier:
    """Runs the program; it took the notice if it ends with status 0."""

    def __init__(self, options: Options) -> None:
        program = options.command[0]
        if not program.startswith("/"):
            raise ConfigError(
                f"{program!r} is no absolute path", "name the program with its folder", key="command[0]"
            )
        if shutil.which(program) is None:
            raise ConfigError(
                f"{program} is not there or cannot be run by you",
                "install it, or name another",
                key="command[0]",
            )
        self._command, self._timeout = options.command, options.timeout

    def send(self, notice: Notice) -> None:
        # A file in memory, not a pipe: a program that does not read its input cannot hold us up.
        with open(os.memfd_create("postwarden", os.MFD_CLOEXEC), "w+b") as given:  # noqa: PTH123 - it is no path
            given.write(encode(notice) + b"\n")
            given.seek(0)
            try:
                # The arguments come from a trusted configuration, and no shell is involved.
                process = subprocess.Popen(  # noqa: S603 - the administrator's own command, without a shell
                    self._command,
                    stdin=given,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    cwd="/",
                    env={name: os.environ[name] for name in PASSED_ON if name in os.environ},
                    start_new_session=True,
                )
            except OSError as exc:
                raise NotifyError(f"{self._command[0]} cannot be started: {exc.strerror}") from exc
            with process:
                problem, output = _watch(process, time.monotonic() + self._timeout)
        if problem is None and process.returncode < 0:
            problem = f"was ended by {signal.Signals(-process.returncode).name}"
        elif problem is None and process.returncode:
            problem = f"ended with status {process.returncode}"
        if problem is not None:
            # Cut only after secrets were taken out: a piece of one might not be known.
            said = redacted(" ".join(output.decode("utf-8", "backslashreplace").split()))[-TOLD:]
            raise NotifyError(f"{self._command[0]} {problem}" + (f": {said}" if said else ""))


def _watch(process: subprocess.Popen[bytes], deadline: float) -> tuple[str | None, bytes]:
    """Waits for the end of the program; what it left running in the background goes on, unless it had to be killed."""
    assert process.stdout is not None
    output, total = b"", 0
    ended = os.pidfd_open(process.pid)
    try:
        with selectors.DefaultSelector() as waiting:
            waiting.register(ended, selectors.EVENT_READ)
            waiting.register(process.stdout, selectors.EVENT_READ)
            while True:
                left = deadline - time.monotonic()
                if left <= 0:
                    return _kill(process, "took too long"), output
                ready = {key.fd for key, _ in waiting.select(left)}
                if process.stdout.fileno() in ready:
                    chunk = os.read(process.stdout.fileno(), 65_536)
                    if not chunk:
                        waiting.unregister(process.stdout)
                    output, total = (output + chunk)[-KEPT:], total + len(chunk)
                    if total > MAX_OUTPUT:
                        return _kill(process, f"printed more than {MAX_OUTPUT} bytes"), output
                elif ended in ready:
                    process.wait()
                    return None, output
    finally:
        os.close(ended)


def _kill(process: subprocess.Popen[bytes], problem: str) -> str:
    """Ends the program with all that it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return problem
