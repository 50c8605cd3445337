"""What somebody says about a window: `yours` teaches exactly what it holds, until it ends; `not_mine` is for good."""

import pytest

from postwarden.detect.access.entry import Answer
from postwarden.model.window import Window
from tests.unit.detect.access.lives import BEFORE, LINE, OFFICE, SERVER, SERVER_HERE, Life, at


def visited(life: Life, day: int, where: object = SERVER_HERE) -> None:
    """Somebody comes from a server while the owner works."""
    life.stay(day, 8.5, 17, OFFICE)
    life.stay(day, 10, 11, where, family="Python")  # type: ignore[arg-type]  # a place


@pytest.fixture
def life() -> Life:
    """Alice's, with 14 weeks of habits, and a window on the day after."""
    made = Life()
    made.work(range(BEFORE))
    visited(made, BEFORE)
    return made


@pytest.fixture
def window(life: Life) -> Window:
    (one,) = life.windows()
    assert one.verdict is None
    return one


def test_what_the_owner_calls_theirs_is_no_window_from_then_on(life: Life, window: Window) -> None:
    """The same network and client, a month later."""
    life.answer(window, "yours", at(BEFORE + 1, 0))
    for day in range(BEFORE + 30, BEFORE + 35):
        visited(life, day)
    (same,) = life.windows()
    assert (same.verdict, same.sessions, same.last) == ("yours", window.sessions, window.last)


def test_it_teaches_nothing_else(life: Life, window: Window) -> None:
    """Another new network is a new window."""
    life.answer(window, "yours", at(BEFORE + 1, 0))
    visited(life, BEFORE + 2, SERVER)
    first, second = life.windows()
    assert (first.subject, first.verdict) == (window.subject, "yours")
    assert (second.networks, second.verdict) == (("Polder Hosting",), None)


def test_nothing_but_the_windows_values_are_learnt(life: Life, window: Window) -> None:
    """Of networks, places and clients exactly those of the cited sessions are new among the habits."""
    before = life.scorer(at(BEFORE + 2, 0)).accounts["alice"].habits
    life.answer(window, "yours", at(BEFORE + 1, 0))
    after = life.scorer(at(BEFORE + 2, 0)).accounts["alice"].habits
    assert before is not None
    assert after is not None
    assert after.networks.keys() - before.networks.keys() == {"AS64514"}
    assert after.places.keys() - before.places.keys() == {SERVER_HERE.place}
    assert after.families.keys() - before.families.keys() == {"Python"}
    assert after.countries.keys() == before.countries.keys()
    assert before.networks.keys() <= after.networks.keys()


def test_when_the_answer_ends_it_is_suspect_again(life: Life, window: Window) -> None:
    """The window is open as before, and a session from there is one of it."""
    life.answer(window, "yours", at(BEFORE + 1, 0), until=at(BEFORE + 10, 0))
    visited(life, BEFORE + 5)
    (during,) = life.windows(until=at(BEFORE + 8, 0))
    assert (during.verdict, during.sessions) == ("yours", window.sessions)
    visited(life, BEFORE + 12)
    (after,) = life.windows()
    assert after.verdict is None
    assert after.subject == window.subject
    assert after.sessions > window.sessions
    assert after.last >= at(BEFORE + 12, 10)


def test_what_was_a_habit_before_stays_one_when_an_answer_ends() -> None:
    """The owner's own program from a server was called theirs for a week: the program is no stranger's afterwards."""
    life = Life()
    life.work(range(BEFORE + 30))
    life.stay(BEFORE, 10, 11, SERVER_HERE)
    life.stay(BEFORE, 10, 11, SERVER_HERE, family="Python")
    (window,) = life.windows()
    life.answer(window, "yours", at(BEFORE + 1, 0), until=at(BEFORE + 8, 0))
    scorer = life.scorer()
    (same,) = scorer.windows()
    assert (same.verdict, same.sessions) == (None, window.sessions)
    habits = scorer.accounts["alice"].habits
    assert habits is not None
    assert "Thunderbird" in habits.families
    assert "Python" not in habits.families
    assert "AS64501" in habits.networks
    assert "AS64514" not in habits.networks


def test_what_is_not_the_owners_stays_out_for_good(life: Life, window: Window) -> None:
    """Also half a year later the same network joins the window and is not learnt."""
    life.answer(window, "not_mine", at(BEFORE + 1, 0))
    for day in range(BEFORE + 170, BEFORE + 190):
        visited(life, day)
    scorer = life.scorer()
    (same,) = scorer.windows()
    assert (same.subject, same.verdict) == (window.subject, "not_mine")
    assert same.sessions > window.sessions
    habits = scorer.accounts["alice"].habits
    assert habits is not None
    assert "AS64514" not in habits.networks


def test_a_later_yours_does_not_undo_it(life: Life, window: Window) -> None:
    """Somebody who holds the account would say so too."""
    life.answer(window, "not_mine", at(BEFORE + 1, 0))
    life.answer(window, "yours", at(BEFORE + 2, 0))
    visited(life, BEFORE + 3)
    (same,) = life.windows()
    assert same.verdict == "not_mine"
    assert same.sessions > window.sessions


def test_not_mine_after_yours_holds(life: Life, window: Window) -> None:
    """Who first thought that it was theirs may find out; what was taught is taken back."""
    life.answer(window, "yours", at(BEFORE + 1, 0))
    life.answer(window, "not_mine", at(BEFORE + 2, 0))
    visited(life, BEFORE + 3)
    scorer = life.scorer()
    (same,) = scorer.windows()
    assert same.verdict == "not_mine"
    assert same.sessions > window.sessions
    habits = scorer.accounts["alice"].habits
    assert habits is not None
    assert "AS64514" not in habits.networks
    assert "Python" not in habits.families


def test_an_answer_about_no_window_teaches_nothing(life: Life, window: Window) -> None:
    """Of another account, or of a window that never was."""
    taught = life.scorer()
    taught.answer(Answer(account="alice", subject="log none", verdict="yours", time=at(BEFORE + 3, 0)))
    taught.answer(Answer(account="bob", subject=window.subject, verdict="yours", time=at(BEFORE + 3, 0)))
    habits = taught.accounts["alice"].habits
    assert habits is not None
    assert "AS64514" not in habits.networks
    assert [one.verdict for one in taught.windows()] == [None]


def test_an_open_window_goes_on_without_an_answer(life: Life, window: Window) -> None:
    """Nothing but an answer teaches: forty days later it is the same window, larger."""
    for day in range(BEFORE + 20, BEFORE + 60, 20):
        visited(life, day)
    (same,) = life.windows()
    assert (same.subject, same.first) == (window.subject, window.first)
    assert same.sessions > window.sessions


def test_a_line_that_is_answered_for_is_one_among_others(life: Life, window: Window) -> None:
    """The owner's word for the server says nothing about somebody at a dwelling's line."""
    life.answer(window, "yours", at(BEFORE + 1, 0))
    life.intrude(LINE, day=BEFORE + 7)
    assert [one.networks for one in life.windows()] == [("Kita Hosting",), ("Minami Net",)]
