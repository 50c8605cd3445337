"""Verifying a long ledger, against hashing its lines and against `journalctl --verify` on the same records.

Both references read what we read: one hashes each line of the segments in one process, the other checks a journal
that systemd-journal-remote made of the same lines. `python -m tests.bench.ledger_verify [--quick]` shows the rates.
"""

import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

from postwarden.ledger import segments
from postwarden.ledger.scan import Wanted
from postwarden.ledger.segments import Edge
from postwarden.ledger.spread import count_processes, spread
from postwarden.ledger.store import Position
from postwarden.ledger.verify import verify
from tests.bench.long_ledger import RECORDS, make
from tests.bench.measure import NotMeasured, Ratio

RUNS = 5
#: The issue asks for at least 0.6 of the reading's speed and twice the journal's, with no more than 100 MB.
OF_READING, OF_JOURNAL, MEMORY = 1 / 0.6, 1 / 2, 100
_REMOTE = Path("/lib/systemd/systemd-journal-remote")


def ratios(records: int = RECORDS) -> Iterator[Ratio | NotMeasured]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        position = make(folder, records).position()
        ledger = folder / "ledger"
        processes = count_processes(_wanted(records))
        works: dict[str, Callable[[], object]] = {
            "reading": lambda: _hash_lines(ledger),
            "tree": lambda: _tree(ledger, position, processes),
            "tree alone": lambda: _tree(ledger, position, 1),
            "forms": lambda: _whole(ledger),
        }
        journal = _make_journal(ledger, folder / "journal")
        if journal:
            works["journal"] = lambda: _verify_journal(folder / "journal")
        times = _in_turn(works)
        count = f"{records:,} records"
        several = f"the tree over {count}, {processes} processes"
        reading = "reading them and hashing each line"
        yield _ratio(several, times["tree"], reading, times["reading"], records, OF_READING)
        alone = f"the tree over {count}, one process"
        yield _ratio(alone, times["tree alone"], reading, times["reading"], records)
        whole = f"verify with each record's JSON over {count}, {processes} processes"
        yield _ratio(whole, times["forms"], reading, times["reading"], records)
        if journal:
            of = "journalctl --verify on the same records"
            yield _ratio(several, times["tree"], of, times["journal"], records, OF_JOURNAL)
            yield _ratio(alone, times["tree alone"], of, times["journal"], records)
            yield _ratio(whole, times["forms"], of, times["journal"], records)
        else:
            yield NotMeasured("journalctl --verify", f"{_REMOTE} (systemd-journal-remote) is not there")
        peak = _peak_memory(ledger)
        yield Ratio(
            f"the peak of verify's memory over {count}, all processes: {peak:.0f} MB",
            f"{MEMORY} MB",
            (peak / MEMORY,),
            target=1,
        )


def _in_turn(works: dict[str, Callable[[], object]]) -> dict[str, list[float]]:
    """Seconds of each work in each run, all works in turn, so that what else the machine does falls on all."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for run in range(RUNS + 1):
        for name, work in works.items():
            begin = time.perf_counter()
            work()
            if run:  # the first one fills the caches
                times[name].append(time.perf_counter() - begin)
    return times


def _ratio(
    work: str,
    ours: list[float],
    reference: str,
    theirs: list[float],
    records: int,
    target: float | None = None,
) -> Ratio:
    values = tuple(mine / other for mine, other in zip(ours, theirs, strict=True))
    return Ratio(work, reference, values, median(ours) / records, "record", target)


def _wanted(records: int) -> list[Wanted]:
    length = segments.LENGTH
    return [Wanted(first, min(records, first + length), length) for first in range(0, records, length)]


def _tree(ledger: Path, position: Position, processes: int) -> None:
    edge = Edge()
    for scan in spread(ledger, _wanted(position.size), processes=processes):
        edge = segments.follow_scan(edge, scan, scan.size)
    assert edge.position == position


def _whole(ledger: Path) -> None:
    assert verify(ledger).sound


def _hash_lines(ledger: Path) -> None:
    for path in sorted((ledger / "records").iterdir()):
        with path.open("rb") as file:
            for line in file:
                hashlib.sha256(line).digest()


def _make_journal(ledger: Path, journal: Path) -> bool:
    """Makes a journal of the ledger's lines; False where the package for that is not installed."""
    if not _REMOTE.exists() or shutil.which("journalctl") is None:
        return False
    journal.mkdir()
    command = [str(_REMOTE), "--split-mode=none", f"--output={journal}/bench.journal", "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as remote:
        assert remote.stdin is not None
        number = 0
        for path in sorted((ledger / "records").iterdir()):
            with path.open("rb") as file:
                for line in file:
                    number += 1
                    remote.stdin.write(
                        b"__REALTIME_TIMESTAMP=%d\n__MONOTONIC_TIMESTAMP=%d\n"
                        b"_BOOT_ID=0123456789abcdef0123456789abcdef\nMESSAGE=%s\n"
                        % (1_700_000_000_000_000 + number, number, line)
                    )
        remote.stdin.close()
        assert remote.wait() == 0
    return True


def _verify_journal(journal: Path) -> None:
    files = [f"--file={path}" for path in sorted(journal.iterdir())]
    subprocess.run(["journalctl", "--verify", *files], check=True, capture_output=True)


def _peak_memory(ledger: Path) -> float:
    """The most that the command and its processes take, in MB; memory that they share counts once."""
    command = [sys.executable, "-m", "postwarden", "verify", str(ledger)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        peak = 0
        while process.poll() is None:
            peak = max(peak, sum(map(_memory, _family(process.pid))))
            time.sleep(0.05)
    assert process.returncode == 0
    return peak / 1024


def _family(process: int) -> list[int]:
    """A process and everything that comes from it."""
    found = [process]
    for one in found:
        for path in Path(f"/proc/{one}/task").glob("*/children"):
            found += [int(child) for child in path.read_text().split()]
    return found


def _memory(process: int) -> int:
    """The proportional set size in KiB, 0 where the process has just ended."""
    try:
        told = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii")
    except (FileNotFoundError, ProcessLookupError):
        return 0
    match = re.search(r"^Pss:\s+(\d+)", told, re.MULTILINE)
    return int(match[1]) if match else 0


if __name__ == "__main__":
    from tests.bench.__main__ import show

    show(ratios(100_000 if "--quick" in sys.argv else RECORDS))
