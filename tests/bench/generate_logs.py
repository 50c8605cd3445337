"""The generator of logs, against writing lines that are there already."""

import gzip
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from postwarden.lab.logs import LogFile, Plan, Written, made_up_people, write
from tests.bench.measure import Ratio, compare

RUNS = 3
PLAN = Plan(seed=1, people=made_up_people(100), begin=date(2025, 10, 1), days=14, logs=("dovecot",))


def ratios() -> Iterator[Ratio]:
    with TemporaryDirectory() as name:
        folder = Path(name)
        written = _made(folder / "made")
        lines = sum(file.lines for file in written.files)
        days = [gzip.decompress(_raw(file)).splitlines(keepends=True) for file in written.files]
        yield compare(
            f"{lines} lines of Dovecot of 100 people in {PLAN.days} days, made and compressed",
            lambda: _made(folder / "again"),
            "the same lines in memory, joined and compressed",
            lambda: _written(days),
            runs=RUNS,
            parts=(lines, lines),
            per="line",
        )


def _made(folder: Path) -> Written:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return write(PLAN, folder)


def _raw(file: LogFile) -> bytes:
    raw = file.path.read_bytes()
    return raw if file.path.suffix == ".gz" else gzip.compress(raw, 0)


def _written(days: list[list[bytes]]) -> None:
    for lines in days:
        gzip.compress(b"".join(lines), 3)
