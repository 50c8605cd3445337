"""Opening a long ledger to append, against opening an empty one: the target is one second more.

To open is: read the certificates, catch up with the checkpoint, commit one record. With the hint that the state
store keeps, the last segment is read; without it, everything. `python -m tests.bench.ledger_open [--quick]` shows both.
"""

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from postwarden.ledger.segments import Edge
from postwarden.ledger.store import open_ledger
from tests.bench.long_ledger import RECORDS, commit, make, one_record
from tests.bench.measure import Ratio

RUNS = 7


def ratios(records: int = RECORDS) -> Iterator[Ratio]:
    with tempfile.TemporaryDirectory() as name:
        long, empty = Path(name) / "long", Path(name) / "empty"
        for folder, count in ((long, records), (empty, 1)):
            folder.mkdir()
            make(folder, count)
        hint = _hint(long)
        with_hint, without, nothing = [], [], []
        for _ in range(RUNS):
            nothing.append(_open(empty, None))
            with_hint.append(_open(long, hint))
            without.append(_open(long, None))
        more = f"seconds more to open {records:,} records than none"
        yield _ratio(f"{more}, with the state store's hint", with_hint, nothing, target=1.0)
        yield _ratio(f"{more}, without it: all are read", without, nothing)


def _ratio(work: str, ours: list[float], empty: list[float], target: float | None = None) -> Ratio:
    values = tuple(mine - other for mine, other in zip(ours, empty, strict=True))
    return Ratio(work, "a second", values, median(ours), "opening", target)


def _hint(folder: Path) -> Edge:
    ledger = open_ledger(folder / "ledger", folder / "private")
    return commit(ledger, [])


def _open(folder: Path, hint: Edge | None) -> float:
    begin = time.perf_counter()
    ledger = open_ledger(folder / "ledger", folder / "private", hint=lambda: hint)
    commit(ledger, [one_record() % 0])
    return time.perf_counter() - begin


if __name__ == "__main__":
    from tests.bench.__main__ import show

    show(ratios(100_000 if "--quick" in sys.argv else RECORDS))
