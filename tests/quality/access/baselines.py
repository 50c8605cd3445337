"""What the detector has to beat: "new country", "new network", and the formula of Freeman et al. (2016), plainly.

All three look at stays as the detector does: what one account does from one place, with one client and protocol and
without a pause longer than two hours, is rated once. Each has sticky alarms: one window for an account and a network,
until somebody answers "yours". None of them has anything else of the detector's.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from zlib import crc32

from postwarden.access.networks import Place
from postwarden.detect.access.entry import Answer, End, Entry
from postwarden.model.window import Reason, Window

DAY_MS = 86_400_000
STAY_MS = 7_200_000
#: How many rows a window cites.
CITED = 50
#: After so many days a history counts as long.
LONG_DAYS = 60


@dataclass(frozen=True, slots=True)
class Rated:
    """The beginning of a stay: in which network, and how odd it is; None where it is not odd at all."""

    network: str
    score: float | None


#: Rates the beginning of a stay; None for one that has no place.
Rate = Callable[[Entry], Rated | None]


class Stays:
    """Tells the beginnings of stays from what continues them: the baselines are given nothing else."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, str, str | None, str], int] = {}

    def begins(self, entry: Entry) -> bool:
        """Whether a stay begins with this entry; not with a refusal, and not where no place is told."""
        place = entry.place
        if place is None or entry.refused:
            return False
        key = entry.account, place.place, entry.family, entry.protocol
        last = self._last.get(key)
        self._last[key] = entry.time
        return last is None or entry.time - last > STAY_MS


def network_of(place: Place) -> str:
    """The network that a place is in: its number, or the first bits where no number is known."""
    return f"AS{place.asn}" if place.asn is not None else place.prefix


def _country_of(place: Place) -> str | None:
    return place.country


class FirstSeen:
    """Whatever an account has not been in before is odd, and the odder the longer its history, up to 60 days.

    These rules have no threshold of their own. To compare them at a given rate of alarms, those beyond 60 days of
    history are thinned by chance, the same one in every run: the score is the days of history, at most 60, and below
    the point a number drawn for the account and the value.
    """

    def __init__(self, value_of: Callable[[Place], str | None]) -> None:
        self._value_of = value_of
        self._since: dict[str, int] = {}
        self._seen: dict[str, set[str]] = defaultdict(set)

    def __call__(self, entry: Entry) -> Rated | None:
        place = entry.place
        if place is None:
            return None
        account, network = entry.account, network_of(place)
        since = self._since.setdefault(account, entry.time)
        value = self._value_of(place)
        if value is None or value in self._seen[account]:
            return Rated(network, None)
        self._seen[account].add(value)
        days = min((entry.time - since) / DAY_MS, LONG_DAYS)
        return Rated(network, math.floor(days) + crc32(f"{account} {value}".encode()) / 2**32)


def new_country() -> FirstSeen:
    """Each country that an account has not been used from."""
    return FirstSeen(_country_of)


def new_network() -> FirstSeen:
    """Each autonomous system that an account has not been used from."""
    return FirstSeen(network_of)


#: The weights of address, network and country in Freeman's back-off, as in the authors' successors' published code.
_ADDRESS, _NETWORK, _COUNTRY = 0.6, 0.3, 0.1


class _Counts:
    """How often stays were at an address, in a network, in a country, and with a client family."""

    __slots__ = ("clients", "countries", "networks", "places", "total")

    def __init__(self) -> None:
        self.total = 0
        self.places: Counter[str] = Counter()
        self.networks: Counter[str] = Counter()
        self.countries: Counter[str | None] = Counter()
        self.clients: Counter[str] = Counter()

    def add(self, entry: Entry, place: Place, network: str) -> None:
        self.total += 1
        self.places[place.place] += 1
        self.networks[network] += 1
        self.countries[place.country] += 1
        if entry.family is not None:
            self.clients[entry.family] += 1


class Freeman:
    """S(x) = Π p(x)/p(x|u) · p(u|A)/p(u|L), in decibans: D. Freeman et al., "Who Are You? A Statistical Approach to
    Measuring User Authenticity", NDSS 2016, doi 10.14722/ndss.2016.23240.

    The features are the address, which backs off to the network and the country, and the client family where it is
    told. p(x) is the organisation's own; every attempt is taken for honest before it is rated, p(A|x) = 1. Smoothing
    is that of S. Wiefling et al.'s published code (doi 10.1145/3546069): a value seen c times in N has the
    probability c/N · (1 - 1/(N + 1)), one never seen 1/(N + 1); where nothing of a feature is known of the account,
    its own probability is a quarter of the least. Every stay is learnt.
    """

    def __init__(self) -> None:
        self._all = _Counts()
        self._accounts: dict[str, _Counts] = defaultdict(_Counts)

    def __call__(self, entry: Entry) -> Rated | None:
        place = entry.place
        if place is None:
            return None
        network, own = network_of(place), self._accounts[entry.account]
        score = self._score(entry, place, network, own) if own.total else None
        own.add(entry, place, network)
        self._all.add(entry, place, network)
        return Rated(network, score)

    def _score(self, entry: Entry, place: Place, network: str, own: _Counts) -> float:
        everybody = self._all
        least = 0.25 / (everybody.total + 1)
        here = everybody.places[place.place]
        in_network, in_country = everybody.networks[network], everybody.countries[place.country]
        # The probability of the address once its network, or its country, is given.
        given_network, given_country = _smooth(here, in_network), _smooth(here, in_country)
        seen = (
            _ADDRESS * _smooth(here, everybody.total)
            + _NETWORK * _smooth(in_network, everybody.total) * given_network
            + _COUNTRY * _smooth(in_country, everybody.total) * given_country
        )
        by_owner = (
            _ADDRESS * own.places[place.place]
            + _NETWORK * own.networks[network] * given_network
            + _COUNTRY * own.countries[place.country] * given_country
        ) / own.total
        ratio = seen / (by_owner or least)
        if entry.family is not None:
            family = _smooth(everybody.clients[entry.family], everybody.total)
            ratio *= family / (own.clients[entry.family] / own.total or least)
        share = own.total / everybody.total
        return 10 * math.log10(ratio / len(self._accounts) / share)


def _smooth(count: int, total: int) -> float:
    return count / total * (1 - 1 / (total + 1)) if count else 1 / (total + 1)


class Sticky:
    """Windows from ratings: an account's stays in a network from one that is odd enough on, until somebody says yours.

    With `not_mine` the window stays open for good, as it does without an answer.
    """

    def __init__(self, rate: Rate, limit: float, sign: str) -> None:
        self._rate = rate
        self._limit = limit
        self._sign = sign
        self._open: dict[tuple[str, str], Window] = {}

    def take(self, entry: Entry) -> tuple[Window, ...]:
        """The window of this entry's account and network, where there is one or one opens."""
        rated = self._rate(entry)
        if rated is None:
            return ()
        key = entry.account, rated.network
        known = self._open.get(key)
        if known is None:
            if rated.score is None or rated.score < self._limit:
                return ()
            window = self._opened(entry, rated.network, round(rated.score))
        elif len(known.cited) < CITED:
            window = _grown(known, entry)
        else:
            return ()
        self._open[key] = window
        return (window,)

    def end(self, end: End) -> None:
        """Ends tell the baselines nothing."""

    def answer(self, answer: Answer) -> None:
        """A window that is the owner's is closed."""
        if answer.verdict == "yours":
            for key, window in self._open.items():
                if (window.account, window.subject) == (answer.account, answer.subject):
                    del self._open[key]
                    return

    def _opened(self, entry: Entry, network: str, weight: int) -> Window:
        return Window(
            account=entry.account,
            subject=str(entry.row),
            opened=entry.time,
            first=entry.time,
            last=entry.time,
            sessions=1,
            weight=weight,
            reasons=(Reason(sign=self._sign, weight=weight, words=f"{self._sign}: {network}"),),
            networks=(network,),
            cited=(entry.row,),
        )


def _grown(window: Window, entry: Entry) -> Window:
    return Window(
        account=window.account,
        subject=window.subject,
        opened=window.opened,
        first=window.first,
        last=entry.time,
        sessions=window.sessions + 1,
        weight=window.weight,
        reasons=window.reasons,
        networks=window.networks,
        cited=(*window.cited, entry.row),
    )


#: The baselines by name.
BASELINES: dict[str, Callable[[], Rate]] = {
    "new country": new_country,
    "new network": new_network,
    "Freeman 2016": Freeman,
}
