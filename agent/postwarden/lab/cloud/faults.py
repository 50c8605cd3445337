"""Clouds that are busy, broken or hostile: faults on demand, for one host or operation, once, often or now and then.

`REPLIES` are faults of the connection, which only whole requests can meet; `ANSWERS` are faults of what is said, which
parts of a batch can meet too. What a fault answers is ours to make up, except for throttling and errors, whose shapes
are each provider's.
"""

import secrets
from dataclasses import replace
from threading import Lock
from typing import Any
from urllib.parse import parse_qsl

from postwarden.errors import LabError
from postwarden.lab.cloud.answer_faults import ANSWERS
from postwarden.lab.cloud.occasions import Fault
from postwarden.lab.cloud.reply_faults import REPLIES


class Faults:
    """The faults that wait for their requests; each request meets one at most, the oldest first."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._waiting: list[tuple[Fault, int]] = []
        self._aliases: dict[str, str] = {}

    def add(self, name: str, **details: Any) -> None:
        """Let a fault wait; `details` are further fields of Fault. LabError where no fault has this name."""
        if name not in REPLIES and name not in ANSWERS:
            raise LabError(f"there is no fault {name!r}", f"take one of {', '.join((*REPLIES, *ANSWERS))}")
        if details.get("part") and name in REPLIES:
            raise LabError(
                f"{name!r} is a fault of the connection, and a part of a batch has none of its own",
                "let a whole request meet it",
            )
        with self._lock:
            self._waiting.append((Fault(name, **details), 0))

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()

    def alias(self, query: str, word: str) -> str:
        """A cursor that stands for this whole query: a fresh one, or with a word always the same."""
        name = f"again-{word or secrets.token_urlsafe(12)}"
        with self._lock:
            self._aliases[name] = query
        return name

    def meant(self, query: str) -> str:
        """The query that is meant by one that has such a cursor; any other is itself."""
        if "again-" not in query:
            return query
        with self._lock:
            found = [self._aliases[value] for _, value in parse_qsl(query) if value in self._aliases]
        return found[0] if found else query

    @property
    def waiting(self) -> tuple[Fault, ...]:
        """What no request has met yet, or not often enough."""
        with self._lock:
            return tuple(fault for fault, _ in self._waiting)

    def take(self, host: str, kind: str, *, part: bool) -> Fault | None:
        """The fault for this request, if any; counts the request for all of them, and the fault down."""
        met = None
        with self._lock:
            kept = []
            for fault, seen in self._waiting:
                matches = fault.part == part and fault.host in {None, host} and fault.kind in {None, kind}
                now = seen + matches
                if not matches or met is not None or now % fault.every:
                    kept.append((fault, now))
                    continue
                met = fault
                left = None if fault.times is None else fault.times - 1
                if left != 0:
                    kept.append((replace(fault, times=left), now))
            self._waiting = kept
        return met
