"""Rows with places, indexes and a memory of changes; cursors that can only be handed back."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postwarden.lab.cloud.cursors import BadCursor, Cursors
from postwarden.lab.cloud.table import Table

NOW = datetime(2026, 11, 22, tzinfo=UTC)


@dataclass(frozen=True)
class Thing:
    id: str
    colour: str | None = None


def table(*things: Thing) -> Table[Thing]:
    made: Table[Thing] = Table(lambda row: row.id, colour=lambda row: row.colour)
    for thing in things:
        made.fill(thing)
    return made


def whole(made: Table[Thing], size: int, **index: str) -> list[str]:
    found: list[str] = []
    place: int | None = 0
    while place is not None:
        rows, place = made.page(place, size, **index)
        found += [row.id for row in rows]
    return found


@given(st.lists(st.sampled_from("abcdefgh"), max_size=30), st.integers(1, 5))
def test_pages_have_each_row_once(names: list[str], size: int) -> None:
    """However rows were put and taken, the pages have those that are there, once each."""
    made, there = table(), set()
    for place, name in enumerate(names):
        if place % 3 == 2:
            made.remove(name)
            there.discard(name)
        else:
            made.put(Thing(name, "red" if place % 2 else None))
            there.add(name)
    found = whole(made, size)
    assert Counter(found) == Counter(there)
    assert len(made) == len(there)
    red = {row.id for row in made if row.colour == "red"}
    assert Counter(whole(made, size, index="colour", value="red")) == Counter(red)
    assert made.count("colour", "red") == len(red)


def test_a_page_in_the_middle_of_changes() -> None:
    """Rows that go before the place do not move the rest."""
    made = table(*(Thing(name) for name in "abcdef"))
    rows, place = made.page(0, 3)
    assert place is not None
    made.remove("a")
    made.remove("d")
    made.put(Thing("g"))
    rest, end = made.page(place, 9)
    assert [row.id for row in (*rows, *rest)] == ["a", "b", "c", "e", "f", "g"]
    assert end is None


def test_changes_since_a_mark() -> None:
    """Each id comes once, as it is now; what was filled at the start never changed."""
    made = table(Thing("a"), Thing("b"))
    assert made.changes(0) == []
    mark = made.now
    made.put(Thing("a", "red"))
    made.put(Thing("c"))
    made.put(Thing("a", "blue"))
    made.remove("b")
    made.remove("nobody")
    assert made.changes(mark) == [("c", Thing("c")), ("a", Thing("a", "blue")), ("b", None)]
    assert made.changes(made.now) == []


def test_a_cursor_comes_back() -> None:
    """What went into a cursor comes out, for the same purpose."""
    cursors = Cursors()
    made = cursors.make("users", (7, "since"), NOW)
    assert cursors.read("users", made) == [7, "since"]
    assert cursors.make("users", (7, "since"), NOW) != made
    assert "since" not in made


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[:-1],
        lambda text: ("B" if text[0] == "A" else "A") + text[1:],
        lambda _: "",
        lambda _: "ü",
    ],
)
def test_a_changed_cursor_is_none(change: object) -> None:
    """Nobody can make one up."""
    assert callable(change)
    cursors = Cursors()
    made = cursors.make("users", (7,), NOW)
    with pytest.raises(BadCursor):
        cursors.read("users", change(made))
    with pytest.raises(BadCursor):
        cursors.read("grants", made)
    with pytest.raises(BadCursor):
        Cursors().read("users", made)


def test_cursors_end() -> None:
    """Those that were made before a moment can be ended."""
    cursors = Cursors()
    old, new = cursors.make("users", (1,), NOW), cursors.make("users", (2,), NOW + timedelta(seconds=1))
    cursors.expire_all(NOW + timedelta(seconds=1))
    with pytest.raises(BadCursor) as caught:
        cursors.read("users", old)
    assert caught.value.expired
    assert cursors.read("users", new) == [2]
