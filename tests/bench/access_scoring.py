"""Scoring of a whole history, against decoding and reading the same rows in the same process.

`python -m tests.bench.access_scoring --sessions 10000000 --accounts 10000` fills one (2 GB, in some minutes) and tells what both took, how much
memory the process had at most, what an account's state weighs, and what one new session costs. `--profile` shows where
the time of scoring goes. Addresses are looked up in a function instead of a database.
"""

import argparse
import cProfile
import ipaddress
import json
import pstats
import resource
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from postwarden.access.addresses import Address
from postwarden.access.facts import NOTHING, Facts
from postwarden.access.hosting import HostingTable
from postwarden.access.networks import Database, Networks
from postwarden.access.prefixes import Prefixes
from postwarden.config.settings import Config
from postwarden.detect.access.entry import Entry
from postwarden.history import replay
from postwarden.history.history import FILE, History, open_history
from postwarden.history.interning import mapped
from postwarden.history.kept import open_kept
from postwarden.history.schema import SCHEMA
from postwarden.history.standing import BUCKETS, Standing
from postwarden.history.storing import INSERT_ACCESS, INSERT_ENDING
from postwarden.model.arrival import Batch, Cursor
from postwarden.model.event import Access
from postwarden.pipeline.places import open_countries
from postwarden.pipeline.scoring import Scoring
from postwarden.pipeline.sessions_told import Telling
from tests.bench.measure import Ratio

SESSIONS, ACCOUNTS, DAYS = 500_000, 500, 400
#: Seconds for ten million sessions of ten thousand accounts, as the issue has it.
GOAL, GOAL_SESSIONS = 60.0, 10_000_000
#: Sessions of a visit in the middle: three of five sessions come from where the one before them came.
VISIT = (1, 2, 2, 3, 4)
#: Colleagues of one office; addresses that a carrier has; days after which a provider gives another address.
OFFICE, CARRIER, LEASE = 50, 5_000, 30
#: Single new sessions of which the middle cost is told.
SINGLE = 21

_BEGUN = int(datetime(2025, 9, 29, tzinfo=UTC).timestamp() * 1000)
_HOUR, _DAY = 3_600_000, 86_400_000
#: How much is done in each hour of a day of work, and of rest.
_WORK = (1, 1, 1, 1, 1, 2, 6, 14, 24, 28, 28, 26, 18, 24, 26, 26, 24, 18, 10, 8, 8, 7, 4, 2)
_REST = (1, 1, 1, 1, 1, 1, 2, 3, 5, 6, 6, 6, 6, 6, 6, 6, 6, 6, 7, 8, 8, 7, 4, 2)
_CLIENTS = ("Thunderbird/140.3", "Microsoft Outlook 16.0", "K-9 Mail 9.0", "Apple-iPhone15C2/2203.20")
_TEXTS = ("dovecot", "begun", "refused", "ended", "whole", "imap", "PLAIN", *_CLIENTS)
_OFFICES, _HOMES, _CARRIER, _AWAY = (int(ipaddress.ip_address(one)) for one in ("20.0.0.0", "30.0.0.0", "40.0.0.0", "50.0.0.0"))  # fmt: skip

Row = tuple[Any, ...]


def ratios() -> Iterator[Ratio]:
    with TemporaryDirectory() as name:
        folder = Path(name)
        fill(folder, SESSIONS, ACCOUNTS)
        told = measured(folder)
        yield Ratio(
            f"scoring of {SESSIONS} sessions of {ACCOUNTS} accounts",
            "decoding and reading their rows",
            values=(told["scoring"] / told["reading"],),
            seconds=told["scoring"] / SESSIONS,
            per="session",
        )
        goal = GOAL * SESSIONS / GOAL_SESSIONS
        yield Ratio(
            f"scoring of {SESSIONS} sessions of {ACCOUNTS} accounts",
            f"{goal:.0f} s",
            values=(told["scoring"] / goal,),
            target=1,
        )


def measured(folder: Path) -> dict[str, Any]:
    """What a process of its own measures on a history."""
    command = [sys.executable, "-m", "tests.bench.access_scoring", "--folder", str(folder), "--measure"]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(answer.stdout)
    return found


def fill(folder: Path, sessions: int, accounts: int) -> None:
    """A history of so many sessions, in the real schema, in the order of their times, and each with its end."""
    base = sqlite3.connect(folder / FILE, isolation_level=None)
    for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -262144"):
        base.execute(f"PRAGMA {pragma}").fetchall()
    indexes = [one for one in SCHEMA if one.startswith("CREATE INDEX")]
    for statement in SCHEMA:
        if statement not in indexes:
            base.execute(statement)
    base.execute("BEGIN")
    names = [f"user{number}@kitano-works.example" for number in range(accounts)]
    base.executemany("INSERT INTO text VALUES (?, ?)", list(enumerate((*_TEXTS, *names), 1)))
    addresses: dict[int, int] = {}
    rows: list[Row] = []
    for number, row in enumerate(_sessions(sessions, accounts, addresses), 1):
        rows.append((number, *row))
        if len(rows) == 50_000:
            _write(base, rows)
            rows.clear()
    _write(base, rows)
    base.executemany(
        "INSERT INTO address VALUES (?, ?, ?)",
        [
            (number, mapped(ipaddress.IPv4Address(one)), str(ipaddress.IPv4Address(one)))
            for one, number in addresses.items()
        ],
    )
    for statement in indexes:
        base.execute(statement)
    # All of it came at once: its lines are not late.
    standing = Standing(
        events=sessions, first=_BEGUN, latest=_BEGUN + DAYS * _DAY, delays=(sessions,) + (0,) * (BUCKETS - 1)
    )
    base.execute("INSERT INTO source VALUES (1, ?)", (msgspec.msgpack.encode(standing),))
    base.execute("COMMIT")
    base.execute("PRAGMA journal_mode = WAL").fetchall()
    base.close()


def _write(base: sqlite3.Connection, rows: Sequence[Row]) -> None:
    base.executemany(INSERT_ACCESS, rows)
    # Ends come in the order of their times too.
    ends = sorted(
        (
            (
                row[0],
                1,
                0,
                row[4],
                row[5] + row[0] % 89_000,
                "Logged out",
                None,
                900,
                row[0] % 900_000,
                *(0,) * 6,
            )
            for row in rows
        ),
        key=lambda one: (one[4], one[0]),
    )
    base.executemany(INSERT_ENDING, ends)


def _sessions(sessions: int, accounts: int, addresses: dict[int, int]) -> Iterator[Row]:
    """Rows of `access` without their numbers; `addresses` gets the numbers of those that occur."""
    chance = Random(6)
    week = [share for day in range(7) for share in (_WORK if day < 5 else _REST)]
    scale = sessions / (sum(week[hour % 168] for hour in range(DAYS * 24)))
    first = len(_TEXTS) + 1
    made, due = 0, 0.0
    for hour in range(DAYS * 24):
        due += week[hour % 168] * scale
        begun = _BEGUN + hour * _HOUR
        visits: list[tuple[int, int, int, int]] = []
        while made < due and made < sessions:
            account = chance.randrange(accounts)
            address, client = _where(account, hour, chance)
            time = begun + chance.randrange(_HOUR)
            for _ in range(min(chance.choice(VISIT), sessions - made)):
                visits.append((time, account, address, client))
                time = min(time + chance.randrange(60_000, 1_200_000), begun + _HOUR - 1)
                made += 1
        visits.sort()
        for number, (time, account, address, client) in enumerate(visits, made - len(visits)):
            place = addresses.setdefault(address, len(addresses) + 1)
            yield (
                1, 1, number, begun // _DAY, time, 3 if number % 97 == 0 else 2, 6, first + account, place,
                1024 + number % 60_000, None, None, client, None, f"{number:012x}", None, 7, 1, 1, None,
            )  # fmt: skip


def _where(account: int, hour: int, chance: Random) -> tuple[int, int]:
    """An address and a client: the office's by day, a home's with a lease, a carrier's, seldom somewhere else."""
    day, drawn = hour // 24, chance.random()
    desk, phone = 8 + account % 2, 10 + account % 2
    if drawn < 0.003:
        return _AWAY + (account * 7 + day // 5) % 60_000, desk
    if drawn < 0.2:
        return _CARRIER + (account * 31 + day * 17 + hour % 24 // 6) % CARRIER, phone
    if day % 7 < 5 and 7 <= hour % 24 < 18 and account % 5:
        return _OFFICES + account // OFFICE, desk
    return _HOMES + account * 16 + (day + account) // LEASE % 16, desk if drawn < 0.6 else phone


def _find(address: Address) -> Facts:
    """Providers of the addresses above: offices, four of homes, a carrier, and some abroad."""
    number = int(address)
    kind = number >> 24
    if kind == _OFFICES >> 24:
        return Facts(country="JP", asn=64_500 + (number & 0xFF) % 8, name="Works Line")
    if kind == _HOMES >> 24:
        return Facts(country="JP", asn=64_520 + (number >> 4) % 4, name="Home Cable")
    if kind == _CARRIER >> 24:
        return Facts(country="JP", asn=64_530, name="Keitai")
    if kind == _AWAY >> 24:
        return Facts(country=("JP", "US", "DE")[number % 3], asn=64_540 + number % 20, name="Elsewhere")
    return NOTHING


def _scoring(folder: Path) -> Scoring:
    found = Database(find=_find, description="made up")
    networks = Networks(hosting=HostingTable(systems={}, prefixes=Prefixes()), country=found, network=found)
    config = Config(path=folder / "agent.toml")
    return Scoring(folder, config, open_countries(), Telling(config, (), networks, frozenset()))


def measure(folder: Path) -> dict[str, Any]:
    """Seconds of reading and of scoring, the most memory in bytes, and what else is told."""
    with open_history(folder, create=True) as history:
        marks = replay.last(history.base)
        begin, processor = time.perf_counter(), time.process_time()
        for _ in replay.began(history.base, 0, marks.access, by_time=True):
            pass
        for _ in replay.ended(history.base, 0, marks.ending, by_time=True):
            pass
        reading, processor = time.perf_counter() - begin, time.process_time() - processor
        scoring = _scoring(folder)
        now = _BEGUN + DAYS * _DAY + _HOUR
        begin, used = time.perf_counter(), time.process_time()
        turn = scoring.turn(history, now, anew=True)
        seconds, used = time.perf_counter() - begin, time.process_time() - used
        with open_kept(folder) as kept:
            count, total = kept.size()
            common = len(kept.meta()["common"])
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        return {
            "processor": (processor, used), "sessions": marks.access, "reading": reading, "scoring": seconds, "peak": peak, "windows": len(turn.windows),
            "accounts": count, "state": total / max(count, 1), "common": common, "one": _one(history, scoring, now),
            "take": _take(scoring, now + _DAY),
        }  # fmt: skip


def _one(history: History, scoring: Scoring, now: int) -> float:
    """Seconds of a turn with one new session, in the middle."""
    seconds = []
    for number in range(SINGLE):
        moment = now + number * 5_000
        event = Access(
            at=number, time=moment, stage="begun", protocol="imap", name=f"user{number}@kitano-works.example",
            address=str(ipaddress.IPv4Address(_HOMES + number * 16)), client=_CLIENTS[0], session=f"one{number}",
        )  # fmt: skip
        batch = Batch(
            source="dovecot", cursor=Cursor(head=b"one", key=0), events=[event], unread=[], doubtful=[], passed=0, lines=1
        )  # fmt: skip
        with history.writing() as storing:
            history.store(storing, [(batch, 1_800_000, True)], moment)
        begin = time.perf_counter()
        scoring.turn(history, moment)
        seconds.append(time.perf_counter() - begin)
    return median(seconds)


def _take(scoring: Scoring, now: int) -> float:
    """Seconds of judging one session alone, over an hour of sessions."""
    chance, networks = (
        Random(7),
        Networks(hosting=HostingTable(systems={}, prefixes=Prefixes()), country=None, network=None),
    )
    names = list(scoring.scorer.accounts)
    entries = [
        Entry(
            row=number, account=chance.choice(names), time=now + number * 300, source="dovecot", protocol="imap",
            address="30.0.0.1", place=networks.locate("30.0.0.1"), family="Thunderbird", session=f"take{number}",
        )
        for number in range(12_000)
    ]  # fmt: skip
    begin = time.perf_counter()
    for entry in entries:
        scoring.scorer.take(entry)
    return (time.perf_counter() - begin) / len(entries)


def profile(folder: Path) -> None:
    """Shows where the time of scoring goes."""
    with open_history(folder, create=True) as history, cProfile.Profile() as found:
        _scoring(folder).turn(history, _BEGUN + DAYS * _DAY + _HOUR, anew=True)
    pstats.Stats(found).sort_stats("tottime").print_stats(18)


def main() -> None:
    parser = argparse.ArgumentParser(description="What scoring a history of many sessions takes.")
    parser.add_argument("--sessions", type=int, default=SESSIONS)
    parser.add_argument("--accounts", type=int, default=ACCOUNTS)
    parser.add_argument("--folder", type=Path, help="where the history is, or is made and kept")
    parser.add_argument("--measure", action="store_true", help="measure in this process, as JSON")
    parser.add_argument("--profile", action="store_true", help="show where the time goes")
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(measure(given.folder)))
        return
    with nullcontext(given.folder) if given.folder else TemporaryDirectory() as name:
        folder = Path(name)
        folder.mkdir(mode=0o700, exist_ok=True)
        if not (folder / FILE).exists():
            fill(folder, given.sessions, given.accounts)
        if given.profile:
            profile(folder)
            return
        told = measured(folder)
    print(
        f"{told['sessions']} sessions of {told['accounts']} accounts: reading {told['reading']:.1f} s, scoring {told['scoring']:.1f} s"
        f" ({told['scoring'] / told['reading']:.2f} times), at most {told['peak'] / 1e6:.0f} MB"
    )
    print(
        f"{told['windows']} windows; {told['state']:.0f} bytes of state an account, {told['common']} in common"
    )
    print("seconds of a processor: reading {:.1f}, scoring {:.1f}".format(*told["processor"]))
    print(f"one new session: a turn {told['one'] * 1e3:.1f} ms, judging alone {told['take'] * 1e6:.1f} us")


if __name__ == "__main__":
    main()
