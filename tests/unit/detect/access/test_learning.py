"""Nothing under suspicion is learnt, however patient somebody is; everything else goes on being learnt."""

import pytest

from postwarden.detect.access.settings import DAY
from tests.unit.detect.access.lives import (
    BEFORE,
    HOME,
    HOTEL,
    LINE,
    OFFICE,
    PHONE,
    SERVER_HERE,
    Life,
    at,
    place,
    signs,
)


@pytest.fixture
def life() -> Life:
    """Alice's, with 14 weeks of habits."""
    made = Life()
    made.work(range(BEFORE))
    return made


def test_what_a_window_holds_never_becomes_a_habit(life: Life) -> None:
    """A server that comes every day for half a year is as strange at the end as at the beginning."""
    life.work(range(BEFORE, BEFORE + 180))
    for day in range(BEFORE, BEFORE + 180):
        life.use(at(day, 10), SERVER_HERE, family="Python")
        life.use(at(day, 11), SERVER_HERE, family="Python")
    scorer = life.scorer()
    (window,) = scorer.windows()
    habits = scorer.accounts["alice"].habits
    assert habits is not None
    assert "AS64514" not in habits.networks
    assert SERVER_HERE.place not in habits.places
    assert "Python" not in habits.families
    assert (window.sessions, window.last) == (360, at(BEFORE + 179, 11))


def test_a_stranger_who_stays_while_the_owner_is_away_is_not_learnt(life: Life) -> None:
    """After the window the owner goes on leave: for weeks nobody else is in, as if the account had moved."""
    life.stay(BEFORE, 8.5, 17, OFFICE)
    life.stay(BEFORE, 10, 12, SERVER_HERE, family="Python")
    for day in range(BEFORE + 1, BEFORE + 30):
        life.stay(day, 9, 16, SERVER_HERE, family="Python")
    scorer = life.scorer()
    (window,) = scorer.windows()
    assert window.last > at(BEFORE + 28, 0)
    habits = scorer.accounts["alice"].habits
    assert habits is not None
    assert "AS64514" not in habits.networks
    assert "Python" not in habits.families


@pytest.mark.parametrize("every", [7, 5, 9])
def test_slow_poisoning_is_found_before_it_is_a_habit(every: int) -> None:
    """One short session a week at first, then more, from a dwelling's line while the owner works."""
    life = Life()
    life.work(range(BEFORE + 200))
    days = [*range(BEFORE + 1, BEFORE + 90, every), *range(BEFORE + 90, BEFORE + 200, 2)]
    for day in days:
        # On weekdays, in the middle of the owner's day.
        life.stay(day - max(0, day % 7 - 4), 11, 11.8, LINE, every=0.3)
    scorer = life.scorer()
    (window,) = scorer.windows()
    assert "together" in signs(window)
    assert window.opened < at(BEFORE + 90, 0)
    habits = scorer.accounts["alice"].habits
    assert habits is not None
    assert "AS64510" not in habits.networks


def test_poisoning_that_comes_at_lunch_at_the_office_is_no_habit_before_its_trial_ends() -> None:
    """Three weekly sessions are too few to be learnt, whatever comes of them."""
    life = Life()
    life.work(range(BEFORE + 22))
    for day in (BEFORE + 1, BEFORE + 8, BEFORE + 15):
        life.use(at(day, 12.2), LINE)
    habits = life.scorer().accounts["alice"].habits
    assert habits is not None
    assert "AS64510" not in habits.networks


def test_a_false_window_stops_no_learning_elsewhere(life: Life) -> None:
    """A wrongly suspected week leaves the other networks of the account to be learnt: a new home becomes one."""
    life.use(at(BEFORE, 10), SERVER_HERE, family="Python")
    life.work(range(BEFORE, BEFORE + 60), home=HOTEL)
    scorer = life.scorer()
    habits = scorer.accounts["alice"].habits
    assert habits is not None
    assert "AS64511" in habits.networks
    assert habits.networks["AS64501"].last > at(BEFORE + 50, 0)
    assert len(list(scorer.windows())) == 1


def test_a_session_from_home_in_a_window_is_not_taken_from_the_habits(life: Life) -> None:
    """What was a habit before the window stays one."""
    life.stay(BEFORE, 9, 12, OFFICE)
    life.stay(BEFORE, 10, 11, SERVER_HERE, family="Python")
    life.work(range(BEFORE + 1, BEFORE + 10))
    scorer = life.scorer()
    habits = scorer.accounts["alice"].habits
    assert habits is not None
    assert {"AS64500", "AS64501"} <= habits.networks.keys()
    (window,) = scorer.windows()
    assert window.networks == ("Kita Hosting",)


def test_a_new_network_is_a_habit_after_some_days_of_moving_there(life: Life) -> None:
    """A new home, and nobody in the old one: learnt within days, and nothing is said."""
    life.work(range(BEFORE, BEFORE + 14), home=LINE)
    scorer = life.scorer()
    assert list(scorer.windows()) == []
    habits = scorer.accounts["alice"].habits
    assert habits is not None
    assert "AS64510" in habits.networks


def test_refused_log_ins_teach_nothing(life: Life) -> None:
    """Somebody who guesses every day is no part of anybody's habits."""
    for day in range(BEFORE):
        life.use(at(day, 4), SERVER_HERE, refused=True, family="Python")
    habits = life.scorer().accounts["alice"].habits
    assert habits is not None
    assert "AS64514" not in habits.networks
    assert "Python" not in habits.families


def test_another_intruder_from_home_networks_is_not_hidden_by_a_window(life: Life) -> None:
    """Two strangers at the same time are at least one window, which names both networks."""
    life.stay(BEFORE, 8.5, 17, OFFICE)
    life.stay(BEFORE, 10, 12, SERVER_HERE, family="Python")
    other = place("203.0.113.201", "NL", 64513, "Polder Hosting", hosting="hosting")
    life.stay(BEFORE, 11, 12, other, family="Go")
    windows = life.windows()
    assert windows
    assert {"Kita Hosting", "Polder Hosting"} <= {name for one in windows for name in one.networks}


def test_counts_fade() -> None:
    """What was used long ago counts little beside what is used now."""
    life = Life()
    life.work(range(60))
    for day in range(60, 500):
        life.stay(day, 19, 22, HOME, family=PHONE, every=1)
    habits = life.scorer().accounts["alice"].habits
    assert habits is not None
    assert habits.networks["AS64501"].days * 5 < habits.networks["AS64500"].days
    assert habits.since == min(item.time for item in life.items)
    assert habits.last > at(498, 0)
    assert habits.epoch <= at(500, 0) + DAY
