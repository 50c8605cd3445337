"""Commits of the ledger, against a loop that does the same durable steps and nothing else.

The steps: write and fdatasync the lines; write and fsync a file as long as the checkpoint, and rename it; fsync the
folder. Beside it stands the bare loop of write and fdatasync, which leaves nothing that anybody could verify.
`python -m tests.bench.ledger_append [--quick | --profile]` shows the rates, or where the time of a commit goes.
"""

import cProfile
import os
import pstats
import sys
import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from tests.bench.long_ledger import commit, make, one_record
from tests.bench.measure import Ratio, compare

RUNS = 40
GROUPS = (1, 10, 100, 1000)
#: The issue asks for at least half of the speed of the same durable steps.
TARGET = 2.0


def ratios(runs: int = RUNS) -> Iterator[Ratio]:
    pattern = one_record()
    records = [pattern % number for number in range(max(GROUPS))]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ledger = make(folder, 1)
        length = (folder / "ledger" / "checkpoint").stat().st_size
        plain = folder / "plain"
        plain.mkdir()
        for size in GROUPS:
            group = records[:size]
            work = f"one commit of {size} record{'s' if size > 1 else ''}"
            ours = partial(commit, ledger, group)
            same = partial(_same_steps, plain, group, length)
            yield compare(work, ours, "the same durable steps", same, runs=runs, per="commit", target=TARGET)
            bare = partial(_append, plain, group)
            yield compare(work, ours, "write and fdatasync alone", bare, runs=runs, per="commit")


def profile(size: int) -> None:
    """Where the time of commits of one size goes."""
    pattern = one_record()
    group = [pattern % number for number in range(size)]
    with tempfile.TemporaryDirectory() as name:
        ledger = make(Path(name), 1)
        profiler = cProfile.Profile()
        profiler.enable()
        for _ in range(50):
            commit(ledger, group)
        profiler.disable()
    pstats.Stats(profiler).sort_stats("cumulative").print_stats(25)


def _same_steps(folder: Path, lines: Sequence[bytes], length: int) -> None:
    _append(folder, lines)
    new = os.open(folder / "checkpoint.tmp", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    os.write(new, b"x" * length)
    os.fsync(new)
    os.close(new)
    (folder / "checkpoint.tmp").rename(folder / "checkpoint")
    whole = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(whole)
    os.close(whole)


def _append(folder: Path, lines: Sequence[bytes]) -> None:
    records = os.open(folder / "records", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.write(records, b"".join(line + b"\n" for line in lines))
    os.fdatasync(records)
    os.close(records)


if __name__ == "__main__":
    if "--profile" in sys.argv:
        for each in GROUPS:
            profile(each)
    else:
        from tests.bench.__main__ import show

        show(ratios(10 if "--quick" in sys.argv else RUNS))
