"""Histories of a few weeks whose lines come in any order that the bound of the log's delay allows."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from random import Random

import msgspec
from msgspec.structs import replace

from postwarden.access.addresses import Address
from postwarden.access.distances import Countries
from postwarden.access.facts import NOTHING, Facts
from postwarden.access.hosting import HostingNetwork, HostingTable
from postwarden.access.networks import Database, Networks
from postwarden.access.prefixes import Prefixes
from postwarden.config.settings import Config
from postwarden.detect.access.account import State
from postwarden.detect.access.entry import Answer
from postwarden.history.history import History
from postwarden.history.standing import UNMEASURED
from postwarden.model.arrival import Batch, Cursor
from postwarden.model.event import Access
from postwarden.model.window import Window
from postwarden.pipeline.scoring import Scoring
from postwarden.pipeline.sessions_told import Telling

LONG = os.environ.get("POSTWARDEN_LONG")
#: A Monday, 2025-01-06, in milliseconds; hours and minutes are milliseconds too.
BEGIN = 1_736_121_600_000
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
DAYS = 18
SOURCE = "imap-log"
OFFICE, SERVER, LINE = "198.51.100.5", "203.0.113.200", "203.0.113.40"

_SYSTEMS = {
    ip_network("198.51.100.0/24"): Facts(country="JP", asn=64501, name="Works Line"),
    ip_network("192.0.2.0/24"): Facts(country="JP", asn=64500, name="Cable"),
    ip_network("203.0.113.0/26"): Facts(country="JP", asn=64510, name="Minami Net"),
    ip_network("203.0.113.192/26"): Facts(country="NL", asn=64513, name="Polder Hosting"),
}


@dataclass(frozen=True)
class Line:
    """One session: its beginning, and how many milliseconds later it ends, if that is told."""

    event: Access
    lasts: int | None


def _find(address: Address) -> Facts:
    return next((facts for network, facts in _SYSTEMS.items() if address in network), NOTHING)


def scoring(folder: Path) -> Scoring:
    found = Database(find=_find, description="a test's own")
    table = HostingTable(systems={64513: HostingNetwork("Polder Hosting", "hosting")}, prefixes=Prefixes())
    config = Config(path=folder / "agent.toml")
    telling = Telling(config, (), Networks(hosting=table, country=found, network=found), frozenset())
    return Scoring(folder, config, Countries({}), telling)


def sessions(seed: int) -> list[Line]:
    """Two people at work and at home, and from the second week on a stranger in one or both accounts."""
    chance = Random(seed)
    lines: list[Line] = []

    def use(day: int, hour: float, name: str, address: str, client: str | None) -> None:
        number = len(lines)
        time = BEGIN + day * DAY + int(hour * HOUR) + chance.randrange(10 * MINUTE) // 1000 * 1000
        lines.append(
            Line(
                Access(
                    at=number, time=time, stage="refused" if chance.random() < 0.03 else "begun", protocol="imap",
                    name=name, address=address, client=client, session=f"s{number}",
                ),
                chance.choice((None, MINUTE, 30 * MINUTE)),
            )
        )  # fmt: skip

    for name, home in (("alice", "192.0.2.10"), ("bob", "192.0.2.99")):
        for day in range(DAYS):
            for hour in range(9, 17, 2):
                if day % 7 < 5:
                    use(day, hour, name, OFFICE, "Thunderbird/140")
            use(day, 20, name, home, "Apple-iPhone15C2/2203.20")
        for day in range(8, DAYS, chance.randrange(1, 4)):
            stranger = SERVER if name == "alice" else chance.choice((SERVER, LINE))
            for hour in range(2):
                use(day, 10.2 + hour * chance.random() * 4, name, stranger, chance.choice(("python", None)))
    return sorted(lines, key=lambda line: line.event.time)


def turns(seed: int) -> list[int]:
    """When one looks: every few minutes or not for a day; the last time everything is final."""
    chance, now = Random(seed), BEGIN + 12 * HOUR
    times = []
    while now < BEGIN + (DAYS + 1) * DAY:
        now += chance.choice((7 * MINUTE, 40 * MINUTE, 5 * HOUR, 26 * HOUR))
        times.append(now)
    return [*times, now + 3 * DAY]


def arrivals(lines: Sequence[Line], times: Sequence[int], seed: int) -> list[list[Access]]:
    """What each turn finds that was not there before: each line before it is final, in any order."""
    chance = Random(seed)
    found: list[list[Access]] = [[] for _ in times]
    for line in lines:
        first = _turn(line.event.time, times, chance)
        found[first].append(line.event)
        if line.lasts is not None and line.event.stage == "begun":
            end = line.event.time + line.lasts
            # An end is in the same log, and behind its beginning.
            found[max(first, _turn(end, times, chance))].append(
                Access(
                    at=line.event.at + 100_000, time=end, stage="ended", protocol="imap", name=line.event.name,
                    address=line.event.address, session=line.event.session, bytes_out=1000,
                )
            )  # fmt: skip
    for events in found:
        chance.shuffle(events)
        # Ends without a beginning are another story: see history.
        events.sort(key=lambda event: event.stage == "ended")
    return found


def _turn(time: int, times: Sequence[int], chance: Random) -> int:
    first = next(number for number, now in enumerate(times) if now >= time)
    last = first
    # Nothing is known of a log's delay before its first line.
    while first and last + 1 < len(times) and times[last] - UNMEASURED < time:
        last += 1
    return chance.randint(first, last)


def store(history: History, events: Sequence[Access], now: int, source: str = SOURCE) -> None:
    """Takes in some lines; none of them is called fresh, so that the bound of their delay stays an hour."""
    batch = Batch(
        source=source, cursor=Cursor(head=b"head"), events=list(events), unread=[], doubtful=[], passed=0,
        lines=len(events),
    )  # fmt: skip
    with history.writing() as storing:
        history.store(storing, [(batch, 30 * MINUTE, True)], now)


def known(scored: Scoring) -> tuple[list[Window], dict[str, State]]:
    """All windows, and what is remembered of each account, without the numbers that sessions have in this history."""
    shown = [replace(one, cited=()) for one in scored.scorer.windows()]
    states = {}
    for name, state in scored.scorer.accounts.items():
        own = msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=State)
        for stay in own.stays.values():
            stay.rows = []
        for window in own.windows:
            window.rows = []
        states[name] = own
    return sorted(shown, key=lambda one: (one.account, one.subject)), states


def answers(scored: Scoring) -> Iterator[Answer]:
    """The owner calls the first window theirs for three days, and every other one a stranger's."""
    for number, window in enumerate(scored.scorer.windows()):
        time = window.opened + DAY
        yield Answer(
            account=window.account, subject=window.subject, verdict="not_mine" if number else "yours", time=time,
            until=None if number else time + 3 * DAY,
        )  # fmt: skip
