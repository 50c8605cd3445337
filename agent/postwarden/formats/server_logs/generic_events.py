"""The event that the fields of one line make, by the administrator's description."""

import re
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

from postwarden.formats.server_logs.endpoints import endpoint
from postwarden.formats.server_logs.generic_options import (
    ADDRESSES,
    FLAGS,
    LISTS,
    NO_INTEREST,
    NUMBERS,
    TEXTS,
    TIMES,
    Choice,
    Described,
    choices_of,
)
from postwarden.formats.server_logs.generic_times import time_reader, to_utc
from postwarden.formats.server_logs.line_walk import Told
from postwarden.model.encoding import encodable
from postwarden.model.event import Access, Event, Transfer

#: What logs write for nothing.
_NOTHING = frozenset({"", "-"})
_FLAGS = {
    "true": True,
    "yes": True,
    "1": True,
    "on": True,
    "false": False,
    "no": False,
    "0": False,
    "off": False,
}
_BETWEEN = re.compile(r"[\s;,]+")

#: What a line says under a name, a column or a path; None where it says nothing.
Look = Callable[[str], str | None]


class _Unread(Exception):
    """A value is not of its form."""


class EventMaker:
    """Makes events of one description; `last` is the time of the latest line, for hours that come twice."""

    def __init__(self, described: Described, zone: ZoneInfo, last: int) -> None:
        self.last = last
        self.doubtful: list[tuple[int, str]] = []
        self._event = described.event
        self._zone = zone
        self._read_time = time_reader(described.time_format)
        self._constants = {
            name: word for name, word in choices_of(described).items() if isinstance(word, str)
        }
        self._choices = {name: one for name, one in choices_of(described).items() if isinstance(one, Choice)}
        self._folded = {
            name: {value.casefold(): word for value, word in one.values.items()}
            for name, one in self._choices.items()
        }

    def make(self, at: int, targets: frozenset[str], look: Look, field: Look) -> Event | Told:
        """The event of a line: `look` gives what it says for a target, `field` what it says in a field of a choice."""
        try:
            made: dict[str, Any] = dict(self._constants)
            for name, choice in self._choices.items():
                word = self._folded[name].get((field(choice.field) or "").casefold())
                if word is None or word == NO_INTEREST:
                    return Told.UNREAD if word is None else Told.PASSED
                made[name] = word
            given = {
                name: text for name in targets if (text := look(name)) is not None and text not in _NOTHING
            }
            if "time" not in given:
                return Told.UNREAD
            made |= self._values(at, given)
        except _Unread:
            return Told.UNREAD
        if self._event == "transfer":
            return Transfer(at=at, **({"sender": "", "recipients": ()} | made))
        return Access(at=at, **made) if "name" in made else Told.PASSED

    def _values(self, at: int, given: dict[str, str]) -> dict[str, Any]:
        kind, made = self._event, dict[str, Any]()
        for name, text in given.items():
            if name in TEXTS[kind]:
                made[name] = encodable(text)
            elif name in NUMBERS[kind]:
                made[name] = _number(text)
            elif name in LISTS[kind]:
                made[name] = tuple(encodable(one) for one in _BETWEEN.split(text) if one)
            elif name in FLAGS[kind]:
                made[name] = _flag(text)
        for name in TIMES[kind]:
            if name in given:
                made[name] = self._time(at, given[name])
        for name in ADDRESSES[kind]:
            if name in given:
                address, port = _endpoint(given[name])
                made[name] = address
                if name == "address" and kind == "access" and port is not None:
                    made.setdefault("port", port)
        if kind == "transfer":
            made["sender"] = made.get("sender", "").removeprefix("<").removesuffix(">")
        self.last = max(self.last, made["time"])
        return made

    def _time(self, at: int, text: str) -> int:
        found = self._read_time(text)
        told = to_utc(found, self._zone, self.last) if found is not None else None
        if told is None:
            raise _Unread
        time, doubt = told
        if doubt:
            self.doubtful.append((at, doubt))
        return time


def _number(text: str) -> int:
    if len(text) > 15 or not (text.isascii() and text.isdecimal()):
        raise _Unread
    return int(text)


def _flag(text: str) -> bool:
    flag = _FLAGS.get(text.lower())
    if flag is None:
        raise _Unread
    return flag


def _endpoint(text: str) -> tuple[str, int | None]:
    found = endpoint(text)
    if found is None:
        raise _Unread
    return found
