"""What tests of log readers look at: events as what they tell, lines with their places."""

from collections.abc import Iterator, Sequence
from datetime import datetime

import msgspec

from postwarden.model.event import Event


def told(events: Sequence[Event]) -> list[dict[str, object]]:
    """The events as what they tell, without their places and what they leave at its default."""
    rows: list[dict[str, object]] = []
    for event in events:
        row = msgspec.to_builtins(event)
        defaults = dict(
            zip(
                event.__struct_fields__[-len(event.__struct_defaults__) :],
                event.__struct_defaults__,
                strict=True,
            )
        )
        rows.append(
            {
                key: value
                for key, value in row.items()
                if key != "at" and (key not in defaults or value != defaults[key])
            }
        )
    return rows


def milliseconds(text: str) -> int:
    """A time in ISO form with its zone, as events have it."""
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def at(raw: bytes, place: int) -> bytes:
    """The line that begins at a place."""
    assert place == 0 or raw[place - 1 : place] == b"\n"
    return raw[place : raw.index(b"\n", place)]


def lines_of(raw: bytes) -> Iterator[tuple[int, bytes]]:
    """The lines with their line feeds, and where each begins."""
    place = 0
    for line in raw.splitlines(keepends=True):
        yield place, line
        place += len(line)
