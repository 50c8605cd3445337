"""The evaluation itself: what counts as found and as false, on judges that are known to be perfect, blind or loud."""

from collections.abc import Mapping, Sequence
from functools import cache, partial

import pytest

from postwarden.access.networks import Place
from postwarden.detect.access.entry import Answer, End, Entry
from postwarden.lab.logs import FAMILIES
from postwarden.model.window import Reason, Window
from tests.quality.access import scorer
from tests.quality.access.baselines import BASELINES, Freeman, Rated, Sticky
from tests.quality.access.judge import Make
from tests.quality.access.measure import difference, rate, shares
from tests.quality.access.operators import Operators
from tests.quality.access.run import Outcome, evaluate, limit_for, rate_all, sticky, windows_at
from tests.quality.access.watch import Truth, Watch
from tests.quality.access.world import VIEWS, View, World, organisation, steps

DAY_MS = 86_400_000


def window(entry: Entry, *, cited: Sequence[int], opened: int | None = None) -> Window:
    return Window(
        account=entry.account,
        subject=str(cited[0]),
        opened=entry.time if opened is None else opened,
        first=entry.time,
        last=entry.time,
        sessions=len(cited),
        weight=30,
        reasons=(Reason(sign="test", weight=30, words="test"),),
        cited=tuple(cited),
    )


class Blind:
    """Never alarms."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []

    def take(self, entry: Entry) -> tuple[Window, ...]:
        return ()

    def end(self, end: End) -> None:
        pass

    def answer(self, answer: Answer) -> None:
        self.answers.append(answer)


class Perfect(Blind):
    """Opens a window for each intruder's first session, and for nothing else."""

    def __init__(self) -> None:
        super().__init__()
        self._rows = intruders_rows()
        self._known: set[str] = set()

    def take(self, entry: Entry) -> tuple[Window, ...]:
        who = self._rows.get(entry.row)
        if who is None or who in self._known:
            return ()
        self._known.add(who)
        return (window(entry, cited=(entry.row,)),)


class Loud(Blind):
    """Opens a window for each account, network and day in which somebody is let in."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: set[tuple[str, str, int]] = set()

    def take(self, entry: Entry) -> tuple[Window, ...]:
        day = entry.account, entry.place.prefix if entry.place else "", entry.time // DAY_MS
        if entry.refused or day in self._seen:
            return ()
        self._seen.add(day)
        return (window(entry, cited=(entry.row,)),)


class Hoarder(Blind):
    """Opens one window for each account with its first session, and cites everything from then on."""

    def __init__(self) -> None:
        super().__init__()
        self._open: dict[str, tuple[int, list[int]]] = {}

    def take(self, entry: Entry) -> tuple[Window, ...]:
        if entry.refused:
            return ()
        opened, rows = self._open.setdefault(entry.account, (entry.time, []))
        if len(rows) > 1 and entry.row not in intruders_rows():
            return ()
        rows.append(entry.row)
        return (window(entry, cited=rows, opened=opened),)


def in_both(judges: Mapping[str, Make]) -> dict[View, Mapping[str, Make]]:
    return dict.fromkeys(VIEWS, judges)


@cache
def small() -> World:
    """A small organisation with an intruder of each family."""
    return organisation("development harness", people=14, days=100, each=1, uncovered=False)


@cache
def intruders_rows() -> dict[int, str]:
    return {
        entry.row: step.intruder
        for step in steps(small())
        if isinstance(entry := step.exchange, Entry) and step.intruder is not None and not entry.refused
    }


@cache
def outcome() -> Outcome:
    return evaluate(small(), in_both({"perfect": Perfect, "blind": Blind, "loud": Loud, "hoarder": Hoarder}))


def counted(judge: str) -> tuple[int, int, float]:
    mine = [one for one in outcome().quiet if one.judge == judge]
    return sum(one.windows for one in mine), sum(one.false for one in mine), sum(one.years for one in mine)


def test_every_family_is_there_in_both_views() -> None:
    """Each intrusion is looked for in each view, with the family that was asked for."""
    for view in VIEWS:
        assert sorted(one.family for one in outcome().found if one.view == view) == sorted(FAMILIES)


def test_a_perfect_detector_finds_all_at_once_and_is_never_wrong() -> None:
    """An oracle has every intruder within a minute, and no false window."""
    assert all(one.days["perfect"] is not None and one.days["perfect"] < 1e-3 for one in outcome().found)
    windows, false, _ = counted("perfect")
    assert (windows, false) == (2 * len(FAMILIES), 0)


def test_a_detector_that_never_alarms_finds_nothing() -> None:
    """It has no window, and none of the intruders."""
    assert {one.days["blind"] for one in outcome().found} == {None}
    assert counted("blind")[:2] == (0, 0)


def test_a_loud_detector_finds_all_and_pays_for_it() -> None:
    """A window for every account, network and day has nearly everybody, and more than a hundred false ones a year."""
    assert shares(outcome().found, "loud").ever > 0.9
    _, false, years = counted("loud")
    assert rate(false, years).low > 100


def test_a_window_that_was_open_before_the_entry_does_not_count() -> None:
    """It is false though it cites the intruder's sessions later, and the intruder is not found by it."""
    late = [one for one in outcome().found if one.days["hoarder"] is not None]
    assert late == []
    assert all("hoarder" in one.swallowed for one in outcome().found)
    windows, false, _ = counted("hoarder")
    assert windows == false > 0


def test_the_same_compared_with_itself_is_no_difference() -> None:
    """The interval of a judge against itself holds zero, and that of the perfect against the blind is above it."""
    found = outcome().found
    same = difference(found, "loud", "loud", 7)
    assert same is not None
    assert same.low <= 0 <= same.high
    better = difference(found, "perfect", "blind", 7)
    assert better is not None
    assert better.low > 0
    assert difference([], "perfect", "blind", 7) is None


def test_the_interval_of_a_count_is_the_exact_one() -> None:
    """It is that of the tables for Poisson counts: 10 events give 4.80 to 18.39, none gives 0 to 3.69."""
    ten, none = rate(10, 1), rate(0, 1)
    assert (ten.low, ten.high) == pytest.approx((4.7954, 18.3904), abs=1e-3)
    assert (none.value, none.low, none.high) == pytest.approx((0, 0, 3.6889), abs=1e-3)


def test_people_are_late_and_seldom_wrong() -> None:
    """Answers come between two hours and two weeks after a window is shown, and say mostly what is true."""
    for intruder, truth in ((True, "not_mine"), (False, "yours")):
        right = asked = 0
        for n in range(40):
            people = Operators(f"organisation {n}")
            for day in range(50):
                one = Entry(row=day, account="a", time=day * DAY_MS, source="s", protocol="imap")
                people.ask(window(one, cited=(day,)), one.time)
            while people.next_due < float("inf"):
                due, account, subject, luck = people.next_question()
                said = people.says(account, subject, due, luck, intruder=intruder)
                late = due - int(subject) * DAY_MS
                assert 2 * 3_600_000 - 1 <= late <= 14 * DAY_MS
                asked, right = asked + 1, right + (said.verdict == truth)
        assert 40 * 50 * 0.6 < asked < 40 * 50
        assert 0.9 < right / asked < 1


def test_answers_reach_the_detector_in_the_order_of_time() -> None:
    """Each answer is given before the first entry behind it."""
    judge = Loud()
    watch = Watch(judge, Operators("people"), Truth())
    for day in range(200):
        watch.take(Entry(row=day, account="a", time=day * DAY_MS, source="s", protocol="imap"))
        assert all(one.time <= day * DAY_MS for one in judge.answers)
    assert len(judge.answers) > 50
    assert [one.time for one in judge.answers] == sorted(one.time for one in judge.answers)


def test_a_baselines_window_is_sticky_until_it_is_the_owners() -> None:
    """One account and network have one window; after "yours" there may be another, after "not mine" there is none."""

    def at(day: int) -> Entry:
        return Entry(row=day, account="a", time=day * DAY_MS, source="s", protocol="imap")

    judge = Sticky(lambda _entry: Rated("AS1", 50.0), 10.0, "odd")
    first = judge.take(at(1))[0]
    assert judge.take(at(2))[0].cited == (1, 2)
    judge.answer(Answer(account="a", subject=first.subject, verdict="not_mine", time=2 * DAY_MS))
    assert judge.take(at(3))[0].subject == first.subject
    judge.answer(Answer(account="a", subject=first.subject, verdict="yours", time=3 * DAY_MS))
    assert judge.take(at(4))[0].subject != first.subject


def test_freeman_rates_a_colleagues_network_higher_than_ones_own() -> None:
    """Where an account was always in one network and appears in that of many others, its score is far higher."""
    freeman = Freeman()

    def rated(account: str, number: int, day: int) -> float | None:
        place = Place(
            address_class="public",
            place=f"28.{number}.0.1",
            prefix=f"28.{number}.0.0/24",
            country="DE",
            asn=number,
        )
        entry = Entry(row=day, account=account, time=day * DAY_MS, source="s", protocol="imap", place=place)
        found = freeman(entry)
        return found.score if found is not None else None

    for day in range(50):
        for colleague in "bcdef":
            rated(colleague, 2, day)
        home = rated("a", 1, day)
    there = rated("a", 2, 51)
    assert home is not None
    assert there is not None
    assert home < 0
    assert there > 5


def test_baselines_are_set_to_the_wanted_rate_of_alarms() -> None:
    """With the limit that is chosen a baseline opens as many windows as wanted, and hardly more."""
    null = organisation("development null", people=8, days=80, each=0, uncovered=False)
    ratings = rate_all(null, {})
    for name in BASELINES:
        rated = ratings.beginnings["dovecot"][name]
        limit = limit_for(5, [("people", rated)])
        assert 5 <= windows_at(limit, "people", rated) <= 6
        ran = evaluate(null, in_both({}), in_both({name: partial(sticky, name, limit)}))
        assert 4 <= next(one.windows for one in ran.quiet if one.view == "dovecot") <= 7


def test_the_detector_keeps_generous_floors() -> None:
    """In a small organisation it finds most intruders from hosting within a week, and more than half of all."""
    ran = evaluate(small(), in_both({scorer.NAME: scorer.make}))
    hosting = [one for one in ran.found if one.family in {"foreign_hosting", "hosting_inside"}]
    assert shares(hosting, scorer.NAME).week >= 0.5
    assert shares(ran.found, scorer.NAME).ever >= 0.5
    false, years = sum(one.false for one in ran.quiet), sum(one.years for one in ran.quiet)
    assert rate(false, years).low < 5
