"""Sign-ins from a service's interface: with the records' own ids, since there is no file that they have places in.

Services tell of a sign-in later than it happened, and sometimes again, changed. So whoever keeps sign-ins asks once
more for the time that the service may still add to (its `LATENESS`), and knows by the id what is there already.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

from msgspec import Struct

from postwarden.connectors.recall import SignInRecall
from postwarden.connectors.rest import checks
from postwarden.errors import ConnectorError, SecretError
from postwarden.formats import json_text
from postwarden.formats.asked import Asked
from postwarden.formats.json_text import JsonError
from postwarden.model.encoding import encodable
from postwarden.model.event import Access
from postwarden.model.reading import Gap, Item

#: Whether the sign-ins are in the history, as far as the service tells them.
SIGN_INS = "sign_ins"


class SignIn(Struct, frozen=True, kw_only=True):
    """A sign-in; `id` is the service's for its record. Of `access`, `at` counts the records of this reading."""

    id: str
    access: Access


class ReadTo(Struct, frozen=True, kw_only=True):
    """All that the service had of the time before `time` has been told: the next reading can begin there."""

    time: datetime


Told = SignIn | ReadTo | Gap

#: One record as an event; why it cannot be read; None for what is no sign-in of a person.
Decode = Callable[[object, int], Access | str | None]
#: The records between two times as they stand, each with its id, or JsonError where it has none. Raises
#: ConnectorError.
Records = Callable[[datetime, datetime], Iterable[tuple[str | JsonError, bytes]]]


@runtime_checkable
class SignInSource(Protocol):
    """A source that tells sign-ins, for whoever keeps them.

    The service keeps them for `sign_ins_kept`, and tells one up to `sign_in_lateness` after it happened.
    `read_sign_ins` gives those from `since` to `until`; what goes wrong is a Gap in the stream, never an exception.
    """

    name: str
    sign_ins_kept: timedelta
    sign_in_lateness: timedelta

    def read_sign_ins(self, since: datetime, until: datetime) -> Iterator[Told]: ...


def unfailing(asked: Asked, read: Callable[[], Iterable[Told]]) -> Iterator[Told]:
    """What is told, and where that breaks off, a gap that says why."""
    try:
        yield from read()
    except (ConnectorError, SecretError) as error:
        yield checks.failed(asked, error)


def recalled(recall: SignInRecall | None, asked: Asked) -> Iterator[Item]:
    """How the check of sign-ins ended, as the history says."""
    if recall is not None:
        yield from recall.of_sign_ins(asked)
        return
    yield asked.gap(
        "unreachable",
        "no sign-ins were read: there is no history",
        hint="postwarden history read, or the daemon, reads them; audit --no-record keeps none",
    )


def told(
    asked: Asked, since: datetime, until: datetime, *, span: timedelta, records: Records, decode: Decode
) -> Iterator[Told]:
    """The sign-ins from `since` to `until` in spans, the oldest first, each followed by how far that is.

    Within a span they come in the service's order; one at its end may come again in the next. What could not be read
    is counted in a gap before the span's end. Raises ConnectorError where a span cannot be read to its end; what came
    of it before is true, and not all.
    """
    at = 0
    begin, until = since.replace(microsecond=0), until.replace(microsecond=0)
    while begin < until:
        end = min(begin + span, until)
        unread, reason = 0, ""
        for identifier, raw in records(begin, end):
            found = str(identifier) if isinstance(identifier, JsonError) else _decoded(raw, at, decode)
            at += 1
            if isinstance(found, Access) and isinstance(identifier, str):
                yield SignIn(id=encodable(identifier), access=found)
            elif isinstance(found, str):
                unread, reason = unread + 1, reason or found
        if unread:
            yield asked.gap(
                "malformed",
                f"{unread} sign-ins of {begin:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC cannot be read: {reason}",
                part="sign-ins",
                hint="look at them in the service's own console, and report the form that they have",
            )
        yield ReadTo(time=end)
        begin = end


def _decoded(raw: bytes, at: int, decode: Decode) -> Access | str | None:
    """What a record tells; one that is no JSON to us does not hide the others."""
    try:
        return decode(json_text.item(raw, object), at)
    except JsonError as exc:
        return str(exc)
