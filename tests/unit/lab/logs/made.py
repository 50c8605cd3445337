"""Small organisations for the tests of the generator, and naive readings of what it wrote."""

import gzip
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import msgspec

from postwarden.lab.logs import Log, Plan, SessionTruth, Written, made_up_people

_TRUTH = msgspec.json.Decoder(SessionTruth)

#: Makes the logs of a plan in a folder of their own.
Make = Callable[[Plan], Written]

#: Over the end of daylight saving in Europe (26 October 2025) and in America (2 November).
AUTUMN = Plan(
    seed=7,
    people=made_up_people(12),
    shared=("reception",),
    devices=("scanner",),
    begin=date(2025, 10, 20),
    days=18,
    truth=True,
)

#: Three people over the begin of daylight saving, where little is enough.
SMALL = Plan(seed=3, people=made_up_people(3), begin=date(2026, 3, 26), days=10)

#: Long enough for holidays, journeys, and what happens once a year.
YEAR = Plan(
    seed=5, people=made_up_people(14), begin=date(2025, 10, 1), days=400, logs=("dovecot",), truth=True
)


def content(path: Path) -> str:
    """What is in a file, unpacked."""
    raw = path.read_bytes()
    return (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode()


def lines(written: Written, log: Log) -> Iterator[str]:
    """Every line of a log from its first file to its last, without headers."""
    for file in written.of(log):
        for line in content(file.path).splitlines():
            if not line.startswith("#"):
                yield line


def truth(written: Written) -> list[SessionTruth]:
    """The rows of `truth.jsonl`."""
    assert written.truth is not None
    with written.truth.open("rb") as rows:
        return [_TRUTH.decode(row) for row in rows]


def between(line: str, before: str, after: str) -> str:
    """What stands between two marks in a line."""
    return line.partition(before)[2].partition(after)[0]
