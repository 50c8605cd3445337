"""Questions to a history of many sessions, each asked by a new process of a file that is in nobody's memory.

`python -m tests.bench.history_lookup --sessions 50000000` fills one (9 GB, in 10 to 15 minutes) and tells what each
question took. It is filled in bulk, its indexes made at the end; the sessions of every address are spread over
all of the 400 days, which is the worst for a disk: nearly every row of an answer is in another page.
"""

import argparse
import ipaddress
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate, islice
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from postwarden.history.history import FILE, open_history
from postwarden.history.interning import mapped
from postwarden.history.reading import Wanted
from postwarden.history.schema import SCHEMA
from postwarden.history.storing import INSERT_ACCESS, INSERT_ENDING
from tests.bench.measure import Ratio

SESSIONS = 1_000_000
NAMES, ADDRESSES, DAYS = 500, 60_000, 400
#: Sessions of the one address and of the other.
RARE, COMMON = 10, 50_000
#: Addresses that everybody comes from: offices, a gateway, a provider's NAT.
EVERYBODY = 20
#: One session of so many came through the webmail, whose own address is the last one.
FORWARDED = 50
RUNS = 3
#: Seconds for one address, as the issue has it.
GOAL = 5.0

_BEGUN = int(datetime(2025, 9, 28, tzinfo=UTC).timestamp() * 1000)
_DAY = 86_400_000
_ROWS = 50_000

#: A row of a table, as its insertion takes it.
Row = tuple[Any, ...]
_RARE, _COMMON = ipaddress.ip_address("203.0.113.10"), ipaddress.ip_address("198.51.100.50")
_SEEN_TWICE = "INSERT OR IGNORE INTO first_seen VALUES (?, ?, ?, ?)"
_CLIENTS = ("Thunderbird/140.3", "Outlook/16.0", "Apple Mail/18", "K-9/9.0", "mutt/2.2", "MailMate/2.0")
#: The client that only two of the names have.
_SELDOM = "bulk-fetch/0.9"


@dataclass(frozen=True)
class Question:
    words: str
    wanted: Wanted
    goal: float | None = None


QUESTIONS = (
    Question(f"an address with {RARE} sessions", Wanted(networks=(ipaddress.ip_network(_RARE),)), goal=GOAL),
    Question(
        f"an address with {COMMON} sessions, the first of them",
        Wanted(networks=(ipaddress.ip_network(_COMMON),), most=1),
        goal=GOAL,
    ),
    Question(
        f"an address with {COMMON} sessions, all of them",
        Wanted(networks=(ipaddress.ip_network(_COMMON),)),
        goal=GOAL,
    ),
    Question("a /20 network", Wanted(networks=(ipaddress.ip_network("10.20.16.0/20"),))),
    Question("a /16 network", Wanted(networks=(ipaddress.ip_network("10.200.0.0/16"),))),
    Question("a client that two names have", Wanted(client="BULK-fetch")),
)


def ratios() -> Iterator[Ratio]:
    with TemporaryDirectory() as name:
        folder = Path(name)
        fill(folder, SESSIONS)
        for question in QUESTIONS:
            if question.goal is not None:
                found, times = ask(folder, question)
                yield Ratio(
                    f"look-up of {question.words} ({found} found) over {SESSIONS} sessions",
                    f"{question.goal:.0f} s",
                    values=tuple(one / question.goal for one in times),
                    seconds=median(times),
                    target=1,
                )


def fill(folder: Path, sessions: int) -> None:
    """A history of so many sessions, in the real schema, on the disk."""
    base = sqlite3.connect(folder / FILE, isolation_level=None)
    for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -262144"):
        base.execute(f"PRAGMA {pragma}").fetchall()
    indexes = [one for one in SCHEMA if one.startswith("CREATE INDEX")]
    for statement in SCHEMA:
        if statement not in indexes:
            base.execute(statement)
    base.execute("BEGIN")
    texts = _texts(base)
    owners = _addresses(base)
    rows = _rows(sessions, texts, owners)
    while portion := list(islice(rows, _ROWS)):
        base.executemany(INSERT_ACCESS, portion)
        base.executemany(INSERT_ENDING, [_ending(row) for row in portion if row[0] % 33])
        seen = {
            (row[8], kind, value): row[5]
            for row in reversed(portion)
            for kind, value in (("address", row[9]), ("client", row[13]), ("protocol", row[7]))
        }
        base.executemany(_SEEN_TWICE, [(*key, time) for key, time in seen.items()])
    for statement in indexes:
        base.execute(statement)
    base.execute("COMMIT")
    base.execute("PRAGMA journal_mode = WAL").fetchall()
    base.close()


def _texts(base: sqlite3.Connection) -> dict[str, int]:
    names = [f"user{number}@kitano-works.example" for number in range(NAMES)]
    words = ["dovecot", "begun", "refused", "ended", "whole", "imap", "PLAIN", _SELDOM, *_CLIENTS, *names]
    base.executemany("INSERT INTO text VALUES (?, ?)", list(enumerate(words, 1)))
    return {word: number for number, word in enumerate(words, 1)}


def _addresses(base: sqlite3.Connection) -> list[int]:
    """The numbers of the names that come from the addresses, 0 for everybody; the address's own number is one more.

    The last three are the rare one, the common one and the webmail.
    """
    chance = Random(2)
    shown = [
        *(ipaddress.ip_address(0x0A000000 + number) for number in chance.sample(range(1 << 24), ADDRESSES)),
        _RARE,
        _COMMON,
        ipaddress.ip_address("192.0.2.1"),
    ]
    base.executemany(
        "INSERT INTO address VALUES (?, ?, ?)",
        [(number, mapped(one), str(one)) for number, one in enumerate(shown, 1)],
    )
    return [0] * EVERYBODY + [1 + chance.randrange(NAMES) for _ in shown[EVERYBODY:]]


def _rows(sessions: int, texts: dict[str, int], owners: list[int]) -> Iterator[Row]:
    """Rows of `access` in the order of their times: addresses in Zipf shares, the two special ones anywhere."""
    chance = Random(3)
    shares = list(accumulate(1 / rank for rank in range(1, ADDRESSES + 1)))
    places = range(1, ADDRESSES + 1)
    special = dict.fromkeys(chance.sample(range(sessions), RARE + COMMON), ADDRESSES + 2)
    special.update(dict.fromkeys(list(special)[:RARE], ADDRESSES + 1))
    first_name = texts["user0@kitano-works.example"] - 1
    own_clients = [texts[client] for client in _CLIENTS]
    dovecot, begun, refused = texts["dovecot"], texts["begun"], texts["refused"]
    imap, plain, seldom = texts["imap"], texts["PLAIN"], texts[_SELDOM]
    webmail = ADDRESSES + 3
    step = DAYS * _DAY / sessions
    for start in range(0, sessions, _ROWS):
        picked = chance.choices(places, cum_weights=shares, k=min(_ROWS, sessions - start))
        for number, usual in enumerate(picked, start):
            place = special.get(number, usual)
            moment = _BEGUN + int(number * step)
            owner = owners[place - 1] or 1 + number * 7919 % NAMES
            client = seldom if owner <= 2 and number % 3 == 0 else own_clients[(owner + number % 2) % 6]
            through = number % FORWARDED == 0
            yield (
                number + 1, dovecot, 1 + moment // _DAY, number * 330 % 200_000_000, moment // _DAY, moment,
                refused if number % 97 == 0 else begun, imap, first_name + owner, webmail if through else place,
                1024 + number % 60_000, webmail, place if through else None, client, None, f"{number:012x}AbCd",
                None, plain, 1, 1, None,
            )  # fmt: skip


def _ending(row: Row) -> Row:
    number, _, content, at, day, moment, *_ = row
    return (
        number, content, at + 150, day, moment + number % 90_000, "Logged out", None, number % 4_000, number % 900_000,
        number % 7, number % 80_000, number % 30, number % 20_000, 0, 0,
    )  # fmt: skip


def ask(folder: Path, question: Question) -> tuple[int, tuple[float, ...]]:
    """How many sessions are found and the seconds of each run."""
    found = 0
    times: list[float] = []
    for _ in range(RUNS):
        let_go(folder / FILE)
        command = [sys.executable, "-m", "tests.bench.history_lookup", "--folder", str(folder)]
        answer = subprocess.run(
            [*command, "--ask", str(QUESTIONS.index(question))], check=True, capture_output=True, text=True
        )
        count, seconds = answer.stdout.split()
        found, times = int(count), [*times, float(seconds)]
    return found, tuple(times)


def let_go(path: Path) -> None:
    """Asks the kernel to keep nothing of the file in memory; the disk's own memory is not in our hands."""
    number = os.open(path, os.O_RDONLY)
    os.fsync(number)
    os.posix_fadvise(number, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(number)


def _answer(folder: Path, question: Question) -> None:
    """Prints how many sessions were found, and in how many seconds from opening the history."""
    begin = time.perf_counter()
    with open_history(folder) as history:
        found = sum(1 for _ in history.read.sessions(question.wanted))
    print(found, time.perf_counter() - begin)


def main() -> None:
    parser = argparse.ArgumentParser(description="What questions to a history of many sessions take.")
    parser.add_argument("--sessions", type=int, default=SESSIONS)
    parser.add_argument("--folder", type=Path, help="where the history is, or is made and kept")
    parser.add_argument("--ask", type=int, help="ask this question once, in this process")
    given = parser.parse_args()
    if given.ask is not None:
        _answer(given.folder, QUESTIONS[given.ask])
        return
    folder = given.folder or Path(f"/tmp/postwarden-lookup-{os.getpid()}")
    folder.mkdir(mode=0o700, exist_ok=True)
    try:
        if not (folder / FILE).exists():
            begin = time.perf_counter()
            fill(folder, given.sessions)
            size = (folder / FILE).stat().st_size
            print(
                f"{given.sessions} sessions in {time.perf_counter() - begin:.0f} s, {size / 1e9:.2f} GB,"
                f" {size / given.sessions:.0f} bytes a session",
                flush=True,
            )
        for question in QUESTIONS:
            found, times = ask(folder, question)
            print(
                f"{median(times):8.3f} s ({min(times):.3f} to {max(times):.3f}) {question.words}: {found} sessions",
                flush=True,
            )
    finally:
        if given.folder is None:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
