"""Telling systemd how the service is: sd_notify(3), in the few lines that it takes."""

import os
import socket
import time


def tell(*lines: str) -> None:
    """Sends `KEY=value` lines to whoever started us; without NOTIFY_SOCKET nobody wants to know.

    Raises OSError where the socket does not take them.
    """
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
        # A leading @ is a name in the abstract namespace.
        out.connect("\0" + address[1:] if address.startswith("@") else address)
        # Without waiting: whoever does not listen must not hold up the daemon.
        out.send("\n".join(lines).encode("utf-8", "backslashreplace"), socket.MSG_DONTWAIT)


def watchdog_seconds() -> float | None:
    """How often systemd wants to hear from us, or None where it does not watch."""
    given = os.environ.get("WATCHDOG_USEC", "")
    wanted = os.environ.get("WATCHDOG_PID", "")
    if not given.isdecimal() or (wanted and wanted != str(os.getpid())):
        return None
    return int(given) / 1e6 or None


def reloading() -> None:
    """Says that the configuration is being read anew; READY=1 ends it."""
    tell("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")
