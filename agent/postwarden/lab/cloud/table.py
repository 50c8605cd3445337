"""Rows with ids, in order, with indexes and a memory of changes: what listings, filters and delta answers come from.

Pages are read from a place, not counted from the start: a row keeps its place while others come and go, so that a
listing that is read while it changes is complete and without repeats, and costs what its pages hold.
"""

from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from itertools import islice
from threading import RLock
from typing import Generic, TypeVar

Row = TypeVar("Row")
#: The value that an index finds a row by; None leaves the row out.
IndexKey = Callable[[Row], Hashable | None]


class Table(Generic[Row]):
    """Rows of one kind; safe to use from many threads."""

    def __init__(self, key: Callable[[Row], str], **indexes: IndexKey[Row]) -> None:
        """`key` gives a row's id; each index, by its name, what rows are found by beside it."""
        self._key = key
        self._indexes: Mapping[str, IndexKey[Row]] = indexes
        self._lock = RLock()
        self._rows: list[Row | None] = []
        self._places: dict[str, int] = {}
        self._found: dict[str, dict[Hashable, list[int]]] = {name: {} for name in indexes}
        self._log: list[str] = []

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[Row]:
        with self._lock:
            rows = [row for row in self._rows if row is not None]
        return iter(rows)

    def __contains__(self, identity: str) -> bool:
        return identity in self._places

    def get(self, identity: str) -> Row | None:
        with self._lock:
            place = self._places.get(identity)
            return None if place is None else self._rows[place]

    def fill(self, row: Row) -> None:
        """Add a row that was always there: no change is remembered."""
        with self._lock:
            self._add(row)

    def put(self, row: Row) -> None:
        """Add a row, or change the one with its id, which then is the last."""
        with self._lock:
            self.remove(self._key(row), remember=False)
            self._add(row)
            self._log.append(self._key(row))

    def remove(self, identity: str, *, remember: bool = True) -> None:
        """Take the row with this id away, if there is one."""
        with self._lock:
            place = self._places.pop(identity, None)
            if place is None:
                return
            row = self._rows[place]
            assert row is not None
            for name, index in self._indexes.items():
                found = index(row)
                if found is not None:
                    self._found[name][found].remove(place)
            self._rows[place] = None
            if remember:
                self._log.append(identity)

    def page(
        self, start: int, size: int, *, index: str = "", value: Hashable = None
    ) -> tuple[list[Row], int | None]:
        """Up to `size` rows from place `start` on, and the place to go on from, None at the end.

        With `index`, only rows that it finds by `value`.
        """
        with self._lock:
            places: Iterable[int] = range(start, len(self._rows))
            if index:
                found = self._found[index].get(value, [])
                # Places only grow, so that a list of them is sorted.
                places = islice(found, bisect_left(found, start), None)
            rows: list[Row] = []
            for place in places:
                row = self._rows[place]
                if row is None:
                    continue
                if len(rows) == size:
                    return rows, place
                rows.append(row)
            return rows, None

    def count(self, index: str, value: Hashable) -> int:
        """How many rows the index finds by `value`."""
        with self._lock:
            return len(self._found[index].get(value, ()))

    @property
    def now(self) -> int:
        """A mark that `changes` counts from."""
        with self._lock:
            return len(self._log)

    def changes(self, mark: int, end: int | None = None) -> list[tuple[str, Row | None]]:
        """Ids that changed between two marks, each once in the order of its last change, with the row as it is now.

        The row is None where it is gone.
        """
        with self._lock:
            last = dict.fromkeys(reversed(self._log[mark:end]))
            return [(identity, self.get(identity)) for identity in reversed(last)]

    def _add(self, row: Row) -> None:
        identity = self._key(row)
        place = len(self._rows)
        self._rows.append(row)
        self._places[identity] = place
        for name, index in self._indexes.items():
            found = index(row)
            if found is not None:
                self._found[name].setdefault(found, []).append(place)
