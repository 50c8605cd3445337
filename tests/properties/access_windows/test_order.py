"""Final windows and habits are the same for any order in which lines came, for any number of turns, and for a replay."""

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from postwarden.detect.access.account import State
from postwarden.detect.access.entry import Answer
from postwarden.history.history import open_history
from postwarden.model.event import Access
from postwarden.model.window import Window
from tests.properties.access_windows import histories

EXAMPLES = 60 if histories.LONG else 6
seeds = st.integers(0, 1 << 30)
Known = tuple[list[Window], dict[str, State]]


def in_turns(seed: int, order: int, *, leave: bool = False, answered: tuple[Answer, ...] = ()) -> Known:
    """Everything in many turns; `leave` ends the process after some of them."""
    lines, times = histories.sessions(seed), histories.turns(order)
    with tempfile.TemporaryDirectory() as name, open_history(Path(name), create=True) as history:
        scored = histories.scoring(Path(name))
        for number, (now, events) in enumerate(
            zip(times, histories.arrivals(lines, times, order), strict=True)
        ):
            histories.store(history, events, now)
            if leave and number % 3 == order % 3:
                scored = histories.scoring(Path(name))
            scored.turn(history, now, [one for one in answered if one.time <= now])
        assert scored.progress is not None
        assert scored.progress.late == 0
        return histories.known(scored)


def at_once(seed: int, order: int, *, answered: tuple[Answer, ...] = ()) -> tuple[Known, tuple[Answer, ...]]:
    """Everything in the order of time, in one turn; and what its owner would answer."""
    lines, times = histories.sessions(seed), histories.turns(order)
    with tempfile.TemporaryDirectory() as name, open_history(Path(name), create=True) as history:
        whole = [event for events in histories.arrivals(lines, [times[-1]], order) for event in events]
        histories.store(history, sorted(whole, key=lambda event: event.time), times[-1])
        scored = histories.scoring(Path(name))
        scored.turn(history, times[-1], answered, anew=True)
        return histories.known(scored), tuple(sorted(histories.answers(scored), key=lambda one: one.time))


@settings(max_examples=EXAMPLES)
@given(seed=seeds, order=seeds)
def test_an_answer_about_a_name_that_no_directory_knows_is_that_names(seed: int, order: int) -> None:
    """Its finding stands at the source whose log has it, and so does the answer: it means the account that has the window."""
    _, said = at_once(seed, order)
    assert said
    at_the_source = tuple(replace(one, account=histories.SOURCE) for one in said)
    answered, _ = at_once(seed, order, answered=at_the_source)
    assert answered == at_once(seed, order, answered=said)[0]
    assert any(window.verdict is not None for window in answered[0])


@settings(max_examples=EXAMPLES)
@given(seed=seeds, order=seeds)
def test_any_order_of_lines_comes_to_the_same(seed: int, order: int) -> None:
    """Lines of which each comes within the bound of its log's delay, in many turns, and a replay of all of them."""
    whole, _ = at_once(seed, order)
    assert whole[0]
    assert in_turns(seed, order) == whole


@settings(max_examples=EXAMPLES)
@given(seed=seeds, order=seeds)
def test_a_restart_in_between_changes_nothing(seed: int, order: int) -> None:
    """What was saved is enough to go on from."""
    assert in_turns(seed, order, leave=True) == in_turns(seed, order)


@settings(max_examples=EXAMPLES)
@given(seed=seeds, order=seeds)
def test_answers_count_from_their_time_on(seed: int, order: int) -> None:
    """Given in between or before a replay, they come to the same."""
    _, answered = at_once(seed, order)
    assert answered
    assert in_turns(seed, order, answered=answered) == at_once(seed, order, answered=answered)[0]


@settings(max_examples=EXAMPLES)
@given(seed=seeds, order=seeds)
def test_lines_that_come_twice_change_nothing(seed: int, order: int) -> None:
    """A second log tells the same sessions: the same windows with the same sessions and bytes."""
    lines, times = histories.sessions(seed), histories.turns(order)
    (whole, _), _ = at_once(seed, order)
    with tempfile.TemporaryDirectory() as name, open_history(Path(name), create=True) as history:
        scored = histories.scoring(Path(name))
        arrivals = histories.arrivals(lines, times, order)
        for now, events in zip(times, arrivals, strict=True):
            histories.store(history, events, now)
            histories.store(history, [one for one in events if one.stage != "ended"], now, source="other-log")
            scored.turn(history, now)
        twice, _ = histories.known(scored)
    assert twice == whole


def test_refusals_of_one_millisecond_are_taken_in(tmp_path: Path) -> None:
    """Somebody who guesses quickly leaves lines that differ in nothing."""
    tries = [
        Access(
            at=number, time=histories.BEGIN, stage="refused", protocol="imap", name="alice", address="203.0.113.9"
        )
        for number in range(3)
    ]  # fmt: skip
    with open_history(tmp_path, create=True) as history:
        scored = histories.scoring(tmp_path)
        histories.store(history, tries, histories.BEGIN + 1000)
        assert scored.turn(history, histories.BEGIN + 1000).windows == ()
        assert scored.turn(history, histories.BEGIN + histories.DAY).scored == 3


def test_a_log_that_is_read_after_the_first_look_is_judged(tmp_path: Path) -> None:
    """Before its first line nothing is final, however old its lines are."""
    now = histories.BEGIN + 30 * histories.DAY
    with open_history(tmp_path, create=True) as history:
        scored = histories.scoring(tmp_path)
        scored.turn(history, now)
        histories.store(history, [line.event for line in histories.sessions(1)], now + 1000)
        assert scored.turn(history, now + 2000).windows
        assert scored.progress is not None
        assert scored.progress.late == 0
