"""How far the daemon is behind a log that somebody writes: from the moment a line is in the file to the one its row can be read.

A line's row can be read as soon as the history's cursor, which is committed with the rows, is behind the line.
`python -m tests.bench.followed_log` shows median and maximum for each rate.
"""

import os
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from postwarden.daemon.service import LISTEN
from postwarden.history.history import open_history
from postwarden.history.reading import Reading, Wanted
from postwarden.lab.logs import write
from tests.bench import stub_daemon
from tests.bench.history_store import LOGIN_ELEMENTS, PLAN
from tests.bench.measure import Ratio

#: Lines a second, and for how many seconds.
RATES, SECONDS = (1_000, 5_000, 20_000), 20
#: So often a second lines are appended and the history is asked.
BEATS = 100
#: Seconds until the last line must be stored.
PATIENCE = 60.0

_NAME = "mail"
_SOURCE = """
[[source]]
name = "{name}"
kind = "log_files"
files = ["logs/dovecot.log"]
format = "dovecot"
zone = "{zone}"
format_options = {{ login_elements = "{elements}" }}
"""


@dataclass(frozen=True)
class Lag:
    """Seconds behind, for each hundredth of a second's lines; `processor` is the daemon's share of a core meanwhile."""

    rate: int
    seconds: tuple[float, ...]
    processor: float


def ratios() -> Iterator[Ratio]:
    for lag in lags():
        yield Ratio(
            f"lag behind a log that gets {lag.rate} lines a second ({lag.processor:.0%} of a core, all there in the end)",
            "the time between two looks",
            values=tuple(one / LISTEN for one in lag.seconds),
            seconds=median(lag.seconds),
            per="line",
        )


def lags() -> Iterator[Lag]:
    with TemporaryDirectory() as name:
        (file,) = write(PLAN, Path(name)).of("dovecot")
        lines = file.path.read_bytes().splitlines(keepends=True)
    for rate in RATES:
        with TemporaryDirectory() as name:
            yield _lag(Path(name), lines[: rate * SECONDS], rate)


def _lag(folder: Path, lines: list[bytes], rate: int) -> Lag:
    assert len(lines) == rate * SECONDS
    (folder / "logs").mkdir()
    log = folder / "logs" / "dovecot.log"
    log.touch()
    more = _SOURCE.format(name=_NAME, zone=PLAN.zone, elements=LOGIN_ELEMENTS)
    with (
        _daemon(stub_daemon.write(folder, 1, more=more)) as process,
        open_history(folder / "state", create=True) as history,
    ):
        _wait_for_a_look(history.read)
        before = _processor_seconds(process)
        begin = time.perf_counter()
        seconds = tuple(_written(log, lines, rate, history.read))
        spent = (_processor_seconds(process) - before) / (time.perf_counter() - begin)
        _check(history.read, lines)
    return Lag(rate=rate, seconds=seconds, processor=spent)


def _written(log: Path, lines: list[bytes], rate: int, reading: Reading) -> Iterator[float]:
    """Appends the lines, each beat's at its time, and gives for each how long it took until they were stored."""
    step = rate // BEATS
    #: Where the file ended, and when, for what is not stored yet.
    waiting: deque[tuple[int, float]] = deque()
    end = 0
    begin = time.perf_counter()
    with log.open("ab", buffering=0) as file:
        for beat, first in enumerate(range(0, len(lines), step)):
            time.sleep(max(0.0, begin + beat / BEATS - time.perf_counter()))
            end += file.write(b"".join(lines[first : first + step]))
            waiting.append((end, time.perf_counter()))
            yield from _stored(waiting, reading)
    given_up = time.perf_counter() + PATIENCE
    while waiting:
        assert time.perf_counter() < given_up, f"{len(waiting)} pieces were not stored in {PATIENCE:.0f} s"
        time.sleep(1 / BEATS)
        yield from _stored(waiting, reading)


def _stored(waiting: deque[tuple[int, float]], reading: Reading) -> Iterator[float]:
    offset = max((one.offset for one in reading.cursors(_NAME)), default=0)
    now = time.perf_counter()
    while waiting and waiting[0][0] <= offset:
        yield now - waiting.popleft()[1]


def _check(reading: Reading, lines: list[bytes]) -> None:
    """Every line is there, once: log-ins and ends are as many as the lines that tell them."""
    standing = reading.sources()[_NAME]
    assert (standing.lines, standing.unread) == (len(lines), 0)
    begun = ended = 0
    for session in reading.sessions(Wanted(sources=(_NAME,), refused=False)):
        begun += session.begun is not None
        ended += session.ended is not None
    assert begun == sum(b"-login: Info: Login: " in line for line in lines)
    assert ended == sum(b">: Info: Disconnected: " in line for line in lines)


@contextmanager
def _daemon(path: Path) -> "Iterator[subprocess.Popen[bytes]]":
    command = [sys.executable, "-m", "tests.bench.stub_daemon", str(path)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.terminate()


def _wait_for_a_look(reading: Reading) -> None:
    given_up = time.perf_counter() + PATIENCE
    while _NAME not in reading.sources():
        assert time.perf_counter() < given_up, f"the daemon looked at no log in {PATIENCE:.0f} s"
        time.sleep(1 / BEATS)


def _processor_seconds(process: "subprocess.Popen[bytes]") -> float:
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Median and maximum for each rate."""
    for lag in lags():
        print(
            f"{lag.rate:6} lines/s: median {median(lag.seconds):.2f} s, most {max(lag.seconds):.2f} s, behind for"
            f" {lag.rate * SECONDS} lines; {lag.processor:.0%} of a core",
            flush=True,
        )


if __name__ == "__main__":
    main()
