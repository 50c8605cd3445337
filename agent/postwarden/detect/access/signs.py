"""Signs that need no statistics: each is a fact about a session that hardly ever comes from the owner.

Their weights are judgements, not measurements; the table of measured quality in the docs shows what they do together.
"""

from collections.abc import Callable
from itertools import pairwise
from statistics import median
from typing import TypeVar

from msgspec import Struct, field

from postwarden.access.networks import Place
from postwarden.detect.access.account import State
from postwarden.detect.access.crowd import Crowd
from postwarden.detect.access.entry import Entry
from postwarden.detect.access.habits import Habits
from postwarden.detect.access.settings import DAY, HOUR
from postwarden.detect.access.stay import Stay
from postwarden.detect.access.weighing import moves_alike

_T = TypeVar("_T")

#: The shortest time in hours in which somebody gets from one place to another; None where that is not known, 0 for neighbours.
Hours = Callable[[Place, Place], float | None]

SPRAYED, FORCED, SEVERAL, ASLEEP, LEGACY, MASS = 22, 10, 8, 6, 6, 8
OCCASION, TOKEN, TOKEN_FAR, DEVICE_CODE, POLLS = 8, 12, 20, 18, 6
#: Enough by itself, also where everything else is as it always was.
DEPARTED = 60

#: Accounts that were tried from one place, and tries on one account, that are more than somebody's slips.
SPRAY, FORCE = 5, 10
#: Tries count for so long; other accounts from an address, and what changed at an account, too.
TRIES_FOR, OTHERS_FOR, OCCASION_FOR, TOKEN_FOR = 7 * DAY, 7 * DAY, DAY, 12 * HOUR
#: Accounts that enter from one address that is new to all of them.
TOGETHER = 3
#: Bytes of a stay that are a synchronisation of a mailbox.
MAILBOX = 30_000_000
#: Protocols that take a password and know no second factor, and those that people use where they can choose.
_LEGACY = frozenset({"imap", "pop3", "submission"})
_MODERN = frozenset({"owa", "mapi", "rest", "ews", "activesync", "sign_in"})
OLD_FAMILY = "old protocol through Entra"
#: As a client's family is called for a sign-in in which somebody types a code that another device shows (RFC 8628).
DEVICE = "device code"
DEVICE_CODE_METHOD = "deviceCode"
#: Places of which tries are remembered, and accounts at each: whoever guesses from everywhere fills no memory.
MOST_PLACES, MOST_ACCOUNTS = 50_000, 1_000


class Field(Struct):
    """What the last days showed of all accounts: tries at places, by account their number and last time; and which accounts
    entered for the first time from where, and when.
    """

    tries: dict[str, dict[str, tuple[int, int]]] = field(default_factory=dict)
    entered: dict[str, dict[str, int]] = field(default_factory=dict)

    def tried(self, entry: Entry) -> None:
        """A log-in was refused."""
        if entry.place is None:
            return
        for where in (entry.place.place, entry.place.prefix):
            tries = _kept(self.tries, where)
            count, last = tries.pop(entry.account, (0, 0))
            if entry.time - last > TRIES_FOR:
                count = 0
            tries[entry.account] = count + entry.attempts, entry.time
            if len(tries) > MOST_ACCOUNTS:
                del tries[next(iter(tries))]

    def accounts_tried(self, where: str, time: int) -> int:
        tries = self.tries.get(where, {})
        return sum(1 for _, last in tries.values() if time - last <= TRIES_FOR)

    def tries_on(self, where: str, account: str, time: int) -> int:
        count, last = self.tries.get(where, {}).get(account, (0, 0))
        return count if time - last <= TRIES_FOR else 0

    def enter(self, where: str, account: str, time: int) -> int:
        """An account enters from a place that is new to it; how many did lately, with this one."""
        accounts = _kept(self.entered, where)
        accounts.setdefault(account, time)
        if len(accounts) > MOST_ACCOUNTS:
            del accounts[next(iter(accounts))]
        return sum(1 for since in accounts.values() if time - since <= OTHERS_FOR)


def _kept(known: dict[str, dict[str, _T]], where: str) -> dict[str, _T]:
    """What is known of a place, as the latest of all; what was used longest ago goes where there are too many."""
    one = known[where] = known.pop(where, {})
    if len(known) > MOST_PLACES:
        del known[next(iter(known))]
    return one


def at_begin(
    entry: Entry,
    place: Place | None,
    stay: Stay,
    state: State,
    habits: Habits,
    field: Field,
    crowd: Crowd,
    hours: Hours,
) -> None:
    """Writes what is seen at the beginning of a stay into its `novelty` and `conduct`."""
    time = entry.time
    new = stay.level is not None
    if place is not None and new and sum(stay.novelty.values()) > 0:
        _tries(stay, state, field, place, time)
        others = field.enter(place.place, state.name, time)
        if (
            others >= TOGETHER
            and crowd.count("place", place.place) < 2
            and others < max(10, crowd.accounts // 10)
        ):
            stay.say(
                "several",
                SEVERAL,
                f"{others} accounts have this address since a few days, and none had it before",
            )
        if state.seen_place is not None and stay.level in {"country", "network"}:
            stay.far = too_far(state.seen_place, state.seen_time, place, time, hours)
    if new and habits.stays and habits.last and time - habits.last > 60 * DAY:
        stay.say("asleep", ASLEEP, f"nobody had used the account for {(time - habits.last) // DAY} days")
    if new and (since := state.occasion(time, OCCASION_FOR)) is not None:
        stay.say("occasion", OCCASION, f"{since} within a day before")
    if state.departed is not None and time >= state.departed:
        stay.say("departed", DEPARTED, "its owner has left the organisation")
    _protocol(entry, stay, habits)
    _token(entry, stay, state)


def _tries(stay: Stay, state: State, field: Field, place: Place, time: int) -> None:
    sprayed = max(field.accounts_tried(place.place, time), field.accounts_tried(place.prefix, time))
    if sprayed >= SPRAY:
        stay.say(
            "sprayed", SPRAYED, f"passwords of {sprayed} accounts were tried from there in the days before"
        )
        return
    forced = field.tries_on(place.prefix, state.name, time)
    if forced >= FORCE:
        stay.say("forced", FORCED, f"{forced} wrong passwords came from there before the right one")


def too_far(one: Place, at: int, other: Place, then: int, hours: Hours) -> str | None:
    """In words, why nobody who was at one place could be at the other; None where they could, or where that is not known."""
    needed, took = hours(one, other), abs(then - at)
    if needed is None or took / HOUR >= needed:
        return None
    return (
        f"{took // 60_000} minutes lie between this and a session from {_named(one)}: the way takes {needed:.1f} hours at"
        " least"
    )


def _protocol(entry: Entry, stay: Stay, habits: Habits) -> None:
    fresh = stay.protocol not in habits.protocols
    if fresh and stay.protocol in _LEGACY and not _MODERN.isdisjoint(habits.protocols):
        stay.say("legacy", LEGACY, f"{stay.protocol} takes a password alone, and the account never used it")
    if stay.family == OLD_FAMILY and habits.stays and OLD_FAMILY not in habits.families:
        stay.say("legacy", LEGACY, "an old protocol that takes a password alone, for the first time")
    if entry.method == DEVICE_CODE_METHOD:
        stay.device_code = DEVICE
    if stay.device_code and DEVICE not in habits.families:
        stay.say("device_code", DEVICE_CODE, "the sign-in was by device code, for the first time")


def _token(entry: Entry, stay: Stay, state: State) -> None:
    if entry.token is None or stay.network is None:
        return
    known = state.tokens.get(entry.token)
    if (
        known is not None
        and known[0] != stay.network
        and entry.time - known[2] <= TOKEN_FOR
        and stay.level is not None
    ):
        far = known[1] is not None and stay.country is not None and known[1] != stay.country
        stay.say("token", TOKEN_FAR if far else TOKEN, "one sign-in was used from two networks")
    if len(state.tokens) >= 32:
        del state.tokens[min(state.tokens, key=lambda one: (state.tokens[one][2], one))]
    state.tokens[entry.token] = stay.network, stay.country, entry.time


def later(stay: Stay, crowd: Crowd, account: str) -> None:
    """What only shows after a while."""
    if stay.level is None:
        return
    if "several" in stay.conduct and moves_alike(stay, crowd, account):
        del stay.conduct["several"]
    if stay.bytes_out >= MAILBOX:
        stay.say("mass", MASS, f"{stay.bytes_out // 1_000_000} MB were fetched from there")
    if stay.between >= 3 and _polls(stay.beginnings):
        every = median(b - a for a, b in pairwise(stay.beginnings))
        stay.say("polls", POLLS, f"a program asks from there every {every / 60_000:.0f} minutes")


def _polls(beginnings: list[int]) -> bool:
    """Whether sessions begin by the clock."""
    if len(beginnings) < 6:
        return False
    gaps = [b - a for a, b in pairwise(beginnings)]
    middle = median(gaps)
    return middle >= 60_000 and sum(abs(gap - middle) <= 0.1 * middle for gap in gaps) >= 0.8 * len(gaps)


def _named(place: Place) -> str:
    return " ".join(one for one in (place.country, place.network or place.prefix) if one)
