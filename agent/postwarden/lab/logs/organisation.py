"""Everything that happens to the servers of an organisation, day by day in order."""

from collections.abc import Iterator
from itertools import chain
from random import Random

from msgspec.structs import replace

from postwarden.lab.logs import outside, services
from postwarden.lab.logs.changes import changes
from postwarden.lab.logs.extras import copies, extras
from postwarden.lab.logs.habits import day_of
from postwarden.lab.logs.happenings import Happening, Refusal, Session, Start
from postwarden.lab.logs.intruder import Intruder
from postwarden.lab.logs.journal import Timeline
from postwarden.lab.logs.lively import Lively
from postwarden.lab.logs.plan import DAY_MS, Plan
from postwarden.lab.logs.presence import present
from postwarden.lab.logs.staff import staff

_PARTNERS = (
    "orders@aster-retail.example",
    "y.ota@kisen.example",
    "l.holm@nordhavn-yards.example",
    "audit@hansen-audit.example",
)

#: How long the servers are down when they lost power.
_DOWN_MS = 260_000


def happenings(plan: Plan) -> Iterator[Happening]:
    """What happens within a plan's days, in the order of time; no file is written.

    Every call gives the same. Memory is for a few days of it.
    """
    for day, found in Organisation(plan).days():
        if day >= plan.begin.toordinal():
            yield from found


class Organisation:
    """The organisation of a plan. Accounts: people, shared mailboxes, machines, and the monitoring's own."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._people = staff(plan)
        by_name = {one.name: one for one in self._people}
        self._changes = changes(plan) if plan.ordinary == "lively" else None
        #: Who keeps each shared mailbox open, and since which day.
        self._members = {
            name: [(0, by_name[one]) for one in services.members(plan, name)] for name in plan.shared
        }
        for joining in () if self._changes is None else self._changes.joinings:
            self._members[joining.mailbox].append((joining.begins, by_name[joining.name]))
        self._accounts = plan.people + plan.shared + plan.devices
        self._cuts = _power_cuts(plan)

    def days(self) -> Iterator[tuple[int, list[Happening]]]:
        """Each day in UTC (`date.toordinal`) with what began on it, in order; from the day before the logs begin,
        since what began then may end in them.
        """
        first = self._plan.begin.toordinal() - 1
        last = first + self._plan.days
        line: Timeline[Happening] = Timeline()
        intruders = [Intruder(self._plan, one) for one in self._plan.intrusions]
        # A local day lies within three days in UTC, and none of those before `first` is asked for.
        for local in range(first - 1, last + 2):
            for happening in self._local_day(local):
                line.add(_when(happening), happening)
            if local >= first:
                for happening in self._utc_day(local):
                    line.add(_when(happening), happening)
                midnight = self._begin(local + 1)
                for intruder in intruders:
                    for happening in intruder.before(midnight):
                        line.add(_when(happening), happening)
            if first <= local - 1 <= last:
                yield local - 1, [self._cut(one) for time, one in line.take(local - 1) if self._up(time)]
            else:
                line.take(local - 1)

    def _local_day(self, ordinal: int) -> Iterator[Happening]:
        plan = self._plan
        accounts = self._accounts_on(ordinal)

        def somebody(rng: Random) -> str:
            return rng.choice(accounts) if rng.random() < 0.6 else rng.choice(_PARTNERS)

        for one in self._people:
            if not one.active(ordinal):
                continue
            if not isinstance(one, Lively):
                yield from day_of(one, ordinal, one.day(ordinal), plan.seed, somebody)
                continue
            for spell in one.spells(ordinal):
                rows = chain(
                    day_of(one, ordinal, spell.day, plan.seed, somebody), extras(one, ordinal, spell.day)
                )
                yield from present(one, rows, ordinal, spell)
        for name in plan.shared:
            members = [one for begins, one in self._members[name] if begins <= ordinal]
            yield from services.shared(plan, name, members, ordinal)
        for n, name in enumerate(plan.devices):
            owner = self._people[n % len(self._people)]
            yield from services.machine(plan, name, ordinal, owner, plan.people)

    def _utc_day(self, ordinal: int) -> Iterator[Happening]:
        rng = Random(f"{self._plan.seed} servers {ordinal}")
        begin = self._begin(ordinal)
        yield from services.probes(begin, rng)
        accounts = self._accounts_on(ordinal)
        yield from services.backups(accounts, begin, rng)
        yield from outside.guesses(accounts, begin, rng)
        yield from (
            Start(time=cut + _DOWN_MS) for cut in self._cuts if begin <= cut + _DOWN_MS < begin + DAY_MS
        )
        yield from outside.letters(accounts, 3.0, begin, rng)
        copying = None if self._changes is None else self._changes.copying
        if copying is not None and copying.day == ordinal:
            yield from copies(copying, accounts, begin)

    def _begin(self, ordinal: int) -> int:
        """When a day in UTC begins."""
        return (ordinal - self._plan.begin.toordinal()) * DAY_MS + self._plan.first_ms

    def _accounts_on(self, ordinal: int) -> tuple[str, ...]:
        """The accounts that there are on a day."""
        if self._changes is None:
            return self._accounts
        people = tuple(one.name for one in self._people if one.exists(ordinal))
        return people + self._plan.shared + self._plan.devices

    def _up(self, time: int) -> bool:
        """Whether the servers have power."""
        return not any(cut <= time < cut + _DOWN_MS for cut in self._cuts)

    def _cut(self, one: Happening) -> Happening:
        """The same, unless the server lost power while it lasted."""
        if isinstance(one, Session):
            for cut in self._cuts:
                if one.begin < cut <= one.end:
                    return replace(one, end=cut, closing="cut")
        return one


def _power_cuts(plan: Plan) -> tuple[int, ...]:
    """When the mail server lost power: about twice a year."""
    rng = Random(f"{plan.seed} power")
    return tuple(
        sorted(plan.first_ms + int(rng.random() * plan.days * DAY_MS) for _ in range(round(plan.days / 180)))
    )


def _when(one: Happening) -> int:
    return one.begin if isinstance(one, Session | Refusal) else one.time
