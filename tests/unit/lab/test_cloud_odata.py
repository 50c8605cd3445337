"""Filters and selections as Microsoft Graph takes them, and requests that it does not."""

from typing import Any

import pytest

from postwarden.lab.cloud.odata import read_filter, selected
from postwarden.lab.cloud.routing import Answer, Operation, Refused, Router, options_of, size

EVERY = frozenset({"eq", "ge", "le", "gt", "lt", "startswith", "in"})
ALLOWED = {"name": EVERY, "time": EVERY, "kind": frozenset({"eq"})}
ROWS: list[dict[str, Any]] = [
    {"name": "Ada", "time": "2026-01-01T00:00:00Z", "kind": "a"},
    {"name": "O'Neil", "time": "2026-02-01T00:00:00Z", "kind": "b"},
    {"name": None, "time": "2026-03-01T00:00:00Z", "kind": "a"},
]


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("name eq 'Ada'", [0]),
        ("name eq 'O''Neil'", [1]),
        ("time ge 2026-02-01T00:00:00Z", [1, 2]),
        ("time gt 2026-02-01T00:00:00.000Z", [2]),
        ("time lt 2026-02-01T00:00:00Z and kind eq 'a'", [0]),
        ("kind eq 'a' and (name eq 'Ada' or time ge 2026-03-01T00:00:00Z)", [0, 2]),
        ("kind eq 'b' or kind eq 'a'", [0, 1, 2]),
        ("startswith(name,'O')", [1]),
        ("name in ('Ada','O''Neil')", [0, 1]),
        ("(kind eq 'a')", [0, 2]),
    ],
)
def test_what_a_filter_takes(text: str, places: list[int]) -> None:
    """Comparisons, `and` before `or`, brackets and quoted quotes."""
    found = read_filter(text, ALLOWED)
    assert [place for place, row in enumerate(ROWS) if found.takes(row)] == places


def test_what_must_be_equal_is_told() -> None:
    """An index can find what a filter asks to be equal, but not where there is another way."""
    assert read_filter("kind eq 'a' and name eq 'x'", ALLOWED).equal == (("kind", "a"), ("name", "x"))
    assert read_filter("kind eq 'a' or name eq 'x'", ALLOWED).equal == ()
    assert read_filter("time ge 2026-01-01T00:00:00Z", ALLOWED).equal == ()


@pytest.mark.parametrize(
    "text",
    [
        "", "name", "name eq", "name eq Ada", "name eq 'Ada", "name eq 'a' and", "name eq 'a' kind eq 'b'",
        "(name eq 'a'", "name eq 'a')", "name ne 'a'", "kind ge 'a'", "colour eq 'red'", "name eq 5", "name in ()",
        "contains(name,'a')", "name eq 'a';", "not name eq 'a'",
    ],
)  # fmt: skip
def test_what_no_filter_is(text: str) -> None:
    """What cannot be read, or compares what cannot be compared, is refused as a client's mistake."""
    with pytest.raises(Refused) as caught:
        read_filter(text, ALLOWED)
    assert caught.value.status == 400
    assert caught.value.problem


@pytest.mark.parametrize("text", ["", "id,shoeSize", "id,id", "*"])
def test_what_cannot_be_selected(text: str) -> None:
    """Unknown properties and repeated ones are refused."""
    with pytest.raises(Refused):
        selected(text, frozenset({"id", "name"}))
    assert selected("id, name", frozenset({"id", "name"})) == ("id", "name")


def nothing(_: Any) -> Answer:
    return Answer(200)


LIST = Operation("list", "GET", "/v1/things", nothing, frozenset({"top"}))
ONE = Operation("one", "GET", "/v1/things/{id}", nothing)


def test_a_request_finds_its_operation() -> None:
    """By method and path, with what the path names."""
    router = Router((LIST, ONE))
    assert router.find("GET", "/v1/things") == (LIST, {})
    assert router.find("GET", "/v1/things/a%20b") == (ONE, {"id": "a b"})


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/thing", 404),
        ("GET", "/v1/things/a/b", 404),
        ("GET", "/v1/things/", 404),
        ("PUT", "/v1/things", 405),
    ],
)
def test_a_request_for_nothing(method: str, path: str, status: int) -> None:
    """What is not there is 404, and what cannot be done with it 405."""
    with pytest.raises(Refused) as caught:
        Router((LIST, ONE)).find(method, path)
    assert (caught.value.status, bool(caught.value.problem)) == (status, True)


@pytest.mark.parametrize("query", ["top=1&top=2", "colour=red", "top", "top=%ff"])
def test_options_that_nobody_knows(query: str) -> None:
    """Unknown, repeated and unreadable options are refused."""
    with pytest.raises(Refused):
        options_of(query, LIST)
    assert options_of("top=5", LIST) == {"top": "5"}
    assert options_of("", LIST) == {}


@pytest.mark.parametrize("text", ["0", "-1", "1000", "x", "", "5.0"])
def test_page_sizes_have_bounds(text: str) -> None:
    """A size is a number from one to the largest."""
    with pytest.raises(Refused):
        size(text, 999, "$top")
    assert size("999", 999, "$top") == 999
