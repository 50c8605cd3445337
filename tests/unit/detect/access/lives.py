"""Accounts with habits, from documentation addresses, whose sessions are put to a scorer in the order of their times."""

from collections.abc import Iterable
from random import Random
from typing import Any

from postwarden.access.networks import Place
from postwarden.detect.access.entry import Answer, End, Entry
from postwarden.detect.access.scorer import Scorer, utc_hour
from postwarden.detect.access.settings import DAY, HOUR
from postwarden.model.window import Window

#: A Monday, 2025-01-06; whoever lives here keeps UTC.
BEGIN = 1_736_121_600_000
MINUTE = 60_000
#: Days of habits before something happens: a Monday again.
BEFORE = 98

#: Hours between the countries below, by the shortest way.
_FAR = {("JP", "US"): 9.0, ("JP", "NL"): 10.0, ("NL", "US"): 6.0, ("JP", "RU"): 0.0}

Item = Entry | End | Answer


def place(
    address: str,
    country: str | None = "JP",
    asn: int | None = 64500,
    name: str = "Kitano Cable",
    **fields: Any,
) -> Place:
    """Where an address is; IPv6 is given as its /64."""
    if ":" in address:
        prefix = ":".join(address.split(":")[:3]) + "::/48"
    else:
        prefix = address.rsplit(".", 1)[0] + ".0/24"
    return Place(
        **{"address_class": "public", "place": address, "prefix": prefix, "country": country, "asn": asn, "network": name, **fields}
    )  # fmt: skip


OFFICE = place("198.51.100.5", asn=64501, name="Kitano Works Line")
HOME = place("192.0.2.10")
NEIGHBOUR = place("192.0.2.77")
#: Another provider's line to a dwelling in the same country.
LINE = place("203.0.113.40", asn=64510, name="Minami Net")
HOTEL = place("203.0.113.90", asn=64511, name="Hotel Net")
ABROAD = place("203.0.113.140", "US", 64512, "Prairie Broadband")
SERVER = place("203.0.113.200", "NL", 64513, "Polder Hosting", hosting="hosting")
SERVER_HERE = place("203.0.113.220", "JP", 64514, "Kita Hosting", hosting="hosting")

#: Programs of people who live here.
DESK, PHONE = "Thunderbird", "Apple Mail"


def mobile(number: int) -> Place:
    """One of a carrier's many addresses."""
    return place(
        f"10.64.{number // 250}.{number % 250 + 1}", asn=64502, name="Keitai", address_class="carrier_nat"
    )


def hours(one: Place, other: Place) -> float | None:
    """The least hours between the countries of two places; None where they are the same or neighbours."""
    if one.country is None or other.country is None or one.country == other.country:
        return None
    pair = min(one.country, other.country), max(one.country, other.country)
    return _FAR[pair] or None


def at(day: int, hour: float) -> int:
    """A time, `day` days after the first Monday."""
    return BEGIN + day * DAY + int(hour * HOUR)


class Life:
    """What happens, in any order; `scorer` takes it in the order of its times."""

    def __init__(self, seed: int = 1) -> None:
        self.items: list[Item] = []
        self._chance = Random(seed)
        self._row = 0

    def use(
        self, time: int, where: Place | None, *, account: str = "alice", family: str | None = DESK, protocol: str = "imap",
        bytes_out: int | None = None, **fields: Any
    ) -> Entry:  # fmt: skip
        """One session."""
        self._row += 1
        given = {
            "row": self._row, "account": account, "time": time, "source": "log", "protocol": protocol, "place": where,
            "address": where.place if where is not None else None, "family": family, "session": f"s{self._row}", **fields,
        }  # fmt: skip
        entry = Entry(**given)
        self.items.append(entry)
        if bytes_out is not None:
            self.items.append(
                End(
                    number=self._row, account=account, time=time + 20 * MINUTE, protocol=entry.protocol, place=where,
                    family=family, bytes_out=bytes_out,
                )
            )  # fmt: skip
        return entry

    def stay(
        self, day: int, begin: float, end: float, where: Place | None, *, every: float = 0.5, **fields: Any
    ) -> None:
        """Sessions from an hour of a day to another, about as often as said, as people are."""
        hour = begin + self._chance.random() * every
        while hour < end:
            self.use(at(day, hour), where, **fields)
            hour += every * (0.6 + 0.8 * self._chance.random())

    def work(
        self, days: Iterable[int], *, account: str = "alice", office: Place = OFFICE, home: Place = HOME
    ) -> None:
        """A worker's days: the office on weekdays, a telephone at home in the evening and at weekends."""
        for day in days:
            if day % 7 < 5:
                self.stay(day, 8.5, 17.5, office, account=account)
            self.stay(day, 19, 22, home, account=account, family=PHONE, every=1)

    def intrude(self, where: Place, *, day: int = BEFORE, **fields: Any) -> None:
        """Alice works for five days at the office, and somebody is in from elsewhere for hours of each."""
        for number in range(day, day + 5):
            self.stay(number, 8.5, 17, OFFICE)
            self.stay(number, 10, 13, where, **fields)

    def answer(self, window: Window, verdict: str, time: int, until: int | None = None) -> None:
        self.items.append(
            Answer(account=window.account, subject=window.subject, verdict=verdict, time=time, until=until)  # type: ignore[arg-type]  # one of two words
        )

    def scorer(self, until: int | None = None, *, leaves: int | None = None, **given: Any) -> Scorer:
        """One that took everything in, and then waited for a day; alice's owner `leaves` at a time."""
        scorer = Scorer(**{"hour_of": utc_hour, "hours": hours, **given})
        if leaves is not None:
            scorer.leaves("alice", leaves)
        feed(scorer, self.items)
        scorer.wait(until if until is not None else max(item.time for item in self.items) + DAY)
        return scorer

    def windows(self, **given: Any) -> list[Window]:
        return list(self.scorer(**given).windows())


def feed(scorer: Scorer, items: Iterable[Item]) -> None:
    """Puts everything to a scorer, in the order of the times."""
    for item in sorted(items, key=lambda one: one.time):
        if isinstance(item, Entry):
            scorer.take(item)
        elif isinstance(item, End):
            scorer.end(item)
        else:
            scorer.answer(item)


def signs(window: Window) -> set[str]:
    """What speaks against the owner."""
    return {reason.sign for reason in window.reasons if reason.weight > 0}
