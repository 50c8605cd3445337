"""`python -m tests.scenarios.clocked_daemon AGENT_TOML OFFSET`: the daemon by a clock that a test sets.

The file OFFSET holds the seconds by which the time of day is off; the steady clock is the machine's.
"""

import sys
import uuid
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from postwarden import logs
from postwarden.cli import complain
from postwarden.cli.exits import NOT_SOUND, USAGE
from postwarden.cli.operator import open_recorder
from postwarden.daemon.clock import Clock
from postwarden.daemon.service import Service
from postwarden.errors import LedgerUnsound, PostwardenError


class SetClock(Clock):
    """Reads from a file how wrong it is."""

    def __init__(self, offset: Path) -> None:
        self._offset = offset

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=float(self._offset.read_text()))


def main() -> int:
    logs.configure(json=True)
    clock = SetClock(Path(sys.argv[2]))
    try:
        opened = partial(open_recorder, run=uuid.uuid4().hex, wait=4.0, clock=clock.now)
        Service(Path(sys.argv[1]), opened, clock).run()
    except PostwardenError as exc:
        complain(exc)
        return NOT_SOUND if isinstance(exc, LedgerUnsound) else USAGE
    return 0


if __name__ == "__main__":
    sys.exit(main())
