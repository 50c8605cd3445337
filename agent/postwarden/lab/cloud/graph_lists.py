"""Microsoft Graph's lists: pages with links, and the changes since a list was read.

A link carries the options that it was asked with, and a cursor that holds for these alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from postwarden.lab.cloud.cursors import BadCursor, Cursors
from postwarden.lab.cloud.graph_shapes import Shape, shaped
from postwarden.lab.cloud.odata import Filter, read_filter, selected
from postwarden.lab.cloud.routing import Answer, Call, Refused, bad, size
from postwarden.lab.cloud.table import Table

Row = TypeVar("Row")

LIST_OPTIONS = frozenset({"$select", "$top", "$filter", "$skiptoken"})
DELTA_OPTIONS = frozenset({"$select", "$top", "$skiptoken", "$deltatoken"})
#: The largest page of directory objects, and the usual one (Graph's page "Paging").
LARGEST, USUAL = 999, 100


@dataclass(frozen=True)
class Listing(Generic[Row]):
    """One collection: its rows, their shape, what is shown where nothing is selected, and what can be compared."""

    table: Table[Row]
    shape: Shape
    default: tuple[str, ...]
    comparable: Mapping[str, frozenset[str]]
    context: str
    indexes: frozenset[str] = frozenset()


class Pages:
    """Writes the pages of one Graph server; `origin` is how its links begin."""

    def __init__(self, cursors: Cursors) -> None:
        self.origin = ""
        self._cursors = cursors

    def listed(self, call: Call, listing: Listing[Row]) -> Answer:
        """One page of a collection."""
        names, wanted = self._asked(call, listing)
        top = size(call.query["$top"], LARGEST, "$top") if "$top" in call.query else USUAL
        start = self._place(call)
        index, value = _indexed(wanted, listing)
        rows, following = listing.table.page(start, top, index=index, value=value)
        found = [row for row in rows if wanted is None or wanted.takes(_Properties(row, listing.shape))]
        lead = {} if following is None else {"@odata.nextLink": self._link(call, following)}
        return self._answer(call, listing.context, [shaped(row, listing.shape, names) for row in found], lead)

    def sequence(
        self, call: Call, rows: Sequence[Row], listing: Listing[Row], *, largest: int, usual: int
    ) -> Answer:
        """One page of rows that are few enough to be looked through."""
        names, wanted = self._asked(call, listing)
        top = size(call.query["$top"], largest, "$top") if "$top" in call.query else usual
        start = self._place(call)
        found = [row for row in rows if wanted is None or wanted.takes(_Properties(row, listing.shape))]
        page = [shaped(row, listing.shape, names) for row in found[start : start + top]]
        lead = {"@odata.nextLink": self._link(call, start + top)} if start + top < len(found) else {}
        return self._answer(call, listing.context, page, lead)

    def changed(self, call: Call, listing: Listing[Row]) -> Answer:
        """A page of everything at first, then of what changed since (Graph's page "Use delta query")."""
        names, _ = self._asked(call, listing)
        top = size(call.query["$top"], LARGEST, "$top") if "$top" in call.query else USUAL
        if call.query.get("$deltatoken") == "latest":
            lead = {"@odata.deltaLink": self._delta_link(call, listing.table.now)}
            return self._answer(call, listing.context, [], lead)
        if "$deltatoken" in call.query:
            (mark,) = self._values(call, "$deltatoken")
            return self._since(call, listing, names, int(mark), 0, listing.table.now, top)
        if "$skiptoken" in call.query:
            kind, mark, place, end = self._values(call, "$skiptoken")
            if kind == "since":
                return self._since(call, listing, names, int(mark), int(place), int(end), top)
            start, began = int(place), int(mark)
        else:
            start, began = 0, listing.table.now
        rows, following = listing.table.page(start, top)
        shown = [shaped(row, listing.shape, names) for row in rows]
        if following is None:
            lead = {"@odata.deltaLink": self._delta_link(call, began)}
        else:
            lead = {"@odata.nextLink": self._link(call, "all", began, following, 0)}
        return self._answer(call, listing.context, shown, lead)

    def _since(
        self,
        call: Call,
        listing: Listing[Row],
        names: tuple[str, ...],
        mark: int,
        place: int,
        end: int,
        top: int,
    ) -> Answer:
        changes = listing.table.changes(mark, end)
        shown = [
            {"id": identity, "@removed": {"reason": "deleted"}}
            if row is None
            else shaped(row, listing.shape, names)
            for identity, row in changes[place : place + top]
        ]
        if place + top < len(changes):
            lead = {"@odata.nextLink": self._link(call, "since", mark, place + top, end)}
        else:
            lead = {"@odata.deltaLink": self._delta_link(call, end)}
        return self._answer(call, listing.context, shown, lead)

    def _asked(self, call: Call, listing: Listing[Row]) -> tuple[tuple[str, ...], Filter | None]:
        select, text = call.query.get("$select"), call.query.get("$filter")
        names = listing.default if select is None else selected(select, frozenset(listing.shape))
        return names, None if text is None else read_filter(text, listing.comparable)

    def _place(self, call: Call) -> int:
        if "$skiptoken" not in call.query:
            return 0
        (place,) = self._values(call, "$skiptoken")
        return int(place)

    def _values(self, call: Call, option: str) -> list[int | str]:
        try:
            return self._cursors.read(_purpose(call, option), call.query[option])
        except BadCursor as wrong:
            if wrong.expired:
                raise Refused(410, "syncStateNotFound", "The sync state generation is not found.") from wrong
            raise bad(f"{option} is none that was given out for this request") from wrong

    def _link(self, call: Call, *values: int | str) -> str:
        cursor = self._cursors.make(_purpose(call, "$skiptoken"), values, call.now)
        return self._written(call, {**_kept(call), "$skiptoken": cursor})

    def _delta_link(self, call: Call, mark: int) -> str:
        cursor = self._cursors.make(_purpose(call, "$deltatoken"), (mark,), call.now)
        return self._written(call, {**_kept(call), "$deltatoken": cursor})

    def _written(self, call: Call, options: Mapping[str, str]) -> str:
        query = "&".join(f"{name}={quote(value, safe='')}" for name, value in options.items())
        return f"{self.origin}{call.path}?{query}"

    def context(self, call: Call, name: str) -> dict[str, str]:
        """The member that says what an answer is about."""
        version = call.path.split("/")[1]
        return {"@odata.context": f"{self.origin}/{version}/$metadata#{name}"}

    def _answer(
        self, call: Call, context: str, items: list[dict[str, Any]], lead: Mapping[str, str]
    ) -> Answer:
        named = context.format(**call.params)
        return Answer(200, {**self.context(call, named), **lead, "value": items})


def _kept(call: Call) -> dict[str, str]:
    """The options that a link carries on."""
    return {name: value for name, value in call.query.items() if name not in {"$skiptoken", "$deltatoken"}}


def _purpose(call: Call, option: str) -> str:
    return "|".join((call.path, option, *(f"{name}={value}" for name, value in sorted(_kept(call).items()))))


def _indexed(wanted: Filter | None, listing: Listing[Row]) -> tuple[str, str | None]:
    """The index that finds what the filter asks to be equal, if one does."""
    for name, value in wanted.equal if wanted else ():
        if name in listing.indexes and (name, value) != ("consentType", "Principal"):
            return name, value
    return "", None


class _Properties(Mapping[str, Any]):
    """A row's properties, made when a filter asks for them."""

    def __init__(self, row: Any, shape: Shape) -> None:
        self._row = row
        self._shape = shape

    def __getitem__(self, name: str) -> Any:
        return self._shape[name](self._row)

    def __iter__(self) -> Any:
        return iter(self._shape)

    def __len__(self) -> int:
        return len(self._shape)
