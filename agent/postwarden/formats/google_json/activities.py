"""Activities of Google's Reports: who let an application in, and which ones an administrator let in for everybody."""

from datetime import datetime

from msgspec import Struct

from postwarden.formats import json_text
from postwarden.formats.asked import Asked
from postwarden.formats.json_text import JsonError
from postwarden.model.application import Dated
from postwarden.model.encoding import encodable
from postwarden.model.moment import parse
from postwarden.model.reading import Gap

AUTHORIZE, REVOKE, ACTIVITY = "authorize", "revoke", "activity"
DOMAIN_AUTHORIZE, DOMAIN_REMOVE = "AUTHORIZE_API_CLIENT_ACCESS", "REMOVE_API_CLIENT_ACCESS"
#: Every one of these is about a client.
_OURS = frozenset({AUTHORIZE, REVOKE, ACTIVITY, DOMAIN_AUTHORIZE, DOMAIN_REMOVE})


class _Value(Struct, frozen=True, kw_only=True, rename="camel"):
    name: str | None = None
    value: str | None = None
    multi_value: tuple[str, ...] | None = None


class _Event(Struct, frozen=True, kw_only=True):
    name: str | None = None
    parameters: tuple[_Value, ...] | None = None


class _Actor(Struct, frozen=True, kw_only=True, rename="camel"):
    email: str | None = None
    profile_id: str | None = None
    key: str | None = None


class _Id(Struct, frozen=True, kw_only=True, rename="camel"):
    time: str


class _Named(Struct, frozen=True, kw_only=True, rename="camel"):
    time: str
    unique_qualifier: str


class _Identified(Struct, frozen=True, kw_only=True):
    id: _Named


class _Activity(Struct, frozen=True, kw_only=True):
    id: _Id
    actor: _Actor | None = None
    events: tuple[_Event, ...] | None = None


class Event(Struct, frozen=True, kw_only=True):
    """One thing that happened to the client `client`; `person` is the id of the one who did it, `author` the address."""

    happened: datetime
    name: str
    person: str
    author: str
    client: str
    client_name: str
    scopes: tuple[str, ...]

    @property
    def dated(self) -> Dated:
        return Dated(time=self.happened, origin="audit_log")


def activity_id(raw: bytes) -> str:
    """What tells an activity from every other one of its application; raises JsonError where it has nothing."""
    found = json_text.item(raw, _Identified).id
    return f"{found.time} {found.unique_qualifier}"


def read_events(raw: bytes) -> tuple[Event, ...]:
    """The events of one activity that name a client; raises JsonError where it is none, or has no time.

    Those that should and do not are told by `unread_events`.
    """
    found = json_text.item(raw, _Activity)
    try:
        happened = parse(found.id.time)
    except ValueError as exc:
        raise JsonError("an activity has no time that can be read") from exc
    actor = found.actor or _Actor()
    events = []
    for event in found.events or ():
        told = _parameters(event)
        client = _client(told)
        if event.name and client:
            events.append(
                Event(
                    happened=happened,
                    name=encodable(event.name),
                    person=encodable(actor.profile_id or ""),
                    author=encodable((actor.email or actor.key or "").lower()),
                    client=encodable(client),
                    client_name=encodable(_text(told, "app_name")),
                    scopes=_scopes(told),
                )
            )
    return tuple(events)


def unread_events(raw: bytes) -> tuple[str, ...]:
    """The names of one activity's events that are about a client, and name it in no way that is known; raises JsonError."""
    found = json_text.item(raw, _Activity)
    return tuple(
        event.name for event in found.events or () if event.name in _OURS and not _client(_parameters(event))
    )


def unread_gap(name: str, count: int, asked: Asked) -> Gap:
    """What is not known because of `count` events of this name that do not say which client they are about."""
    return asked.gap(
        "unsupported",
        f"{count} of these events name their client in a way that is not known",
        part=name,
        hint="look at the log in Google's administrator console, under Reporting, Audit and investigation",
    )


def _parameters(event: _Event) -> dict[str, _Value]:
    return {(one.name or "").casefold(): one for one in event.parameters or ()}


def _client(told: dict[str, _Value]) -> str:
    return _text(told, "client_id") or _text(told, "api_client_name")


def _text(told: dict[str, _Value], name: str) -> str:
    found = told.get(name)
    return (found.value or "").strip() if found is not None else ""


def _scopes(told: dict[str, _Value]) -> tuple[str, ...]:
    """Scopes as a list, or as one text with commas or spaces between them."""
    for name in ("scope", "api_scopes"):
        found = told.get(name)
        if found is not None:
            values = (*(found.multi_value or ()), found.value or "")
            words = [word for value in values for word in value.replace(",", " ").split()]
            return tuple(dict.fromkeys(encodable(word) for word in words))
    return ()
