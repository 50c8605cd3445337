"""Sign-ins of Google Workspace: exported activities of the application `login`, as the Reports API gives them.

Events and parameters are those of Google's page "Login Audit Activity Events". A successful log-in is a whole session: the
log has neither session ids nor user agents, so a log-out cannot be joined to it, and challenges are part of the log-in
that they belong to.
"""

import msgspec
from msgspec import Struct

from postwarden.formats.server_logs import About
from postwarden.formats.server_logs.endpoints import address_of
from postwarden.formats.server_logs.iso_times import utc_time
from postwarden.formats.server_logs.json_objects import ObjectDecoder, reader
from postwarden.formats.server_logs.option_types import NoOptions, options_of
from postwarden.model.encoding import encodable
from postwarden.model.event import Access
from postwarden.model.reading import Grade

GRADE: Grade = "checked against the published schema"
#: An export may be one array in one line.
LONGEST_LINE = 64 * 1024 * 1024
#: Exports begin with the newest.
IN_ORDER = False

#: Decisive events; an activity that has both was let in.
_SUCCESS, _FAILURE = "login_success", "login_failure"


class _Parameter(Struct, frozen=True, kw_only=True, rename="camel"):
    name: str | None = None
    value: str | None = None
    multi_value: tuple[str, ...] | None = None


class _Event(Struct, frozen=True, kw_only=True):
    name: str | None = None
    parameters: tuple[_Parameter, ...] | None = None


class _Application(Struct, frozen=True, kw_only=True, rename="camel"):
    oauth_client_id: str | None = None


class _Actor(Struct, frozen=True, kw_only=True, rename="camel"):
    email: str | None = None
    profile_id: str | None = None
    application_info: _Application | None = None


class _Id(Struct, frozen=True, kw_only=True, rename="camel"):
    time: str | None = None
    application_name: str | None = None


class _Activity(Struct, frozen=True, kw_only=True, rename="camel"):
    id: _Id
    actor: _Actor | None = None
    ip_address: str | None = None
    events: tuple[_Event, ...] | None = None


def open_log(about: About, state: bytes) -> ObjectDecoder:
    """Raises ConfigError where an option is given: there are none."""
    options_of("google_sign_ins", about.options, NoOptions)
    return ObjectDecoder(reader(decode_sign_in), state)


def decode_sign_in(found: object, at: int) -> Access | str | None:
    """One activity as an event; why it cannot be read; None for what is neither a log-in nor a refused one."""
    try:
        activity = msgspec.convert(found, _Activity)
    except msgspec.ValidationError as exc:
        return f"it has another form: {exc}"
    if activity.id.application_name not in {None, "login"}:
        return None
    if activity.events is None:
        return "it has no events"
    decisive = {one.name: one for one in reversed(activity.events) if one.name in {_SUCCESS, _FAILURE}}
    event = decisive.get(_SUCCESS) or decisive.get(_FAILURE)
    return _access(activity, event, at) if event is not None else None


def _access(activity: _Activity, event: _Event, at: int) -> Access | str:
    actor = activity.actor or _Actor()
    told = {one.name: one.value or " ".join(one.multi_value or ()) for one in event.parameters or ()}
    name = actor.email or told.get("affected_email_address") or actor.profile_id
    time = utc_time(activity.id.time or "")
    if not name or time is None:
        return f"it names no {'time' if name else 'user'}"
    refused = event.name == _FAILURE
    application = actor.application_info.oauth_client_id if actor.application_info else None
    return Access(
        at=at,
        time=time,
        stage="refused" if refused else "whole",
        protocol="sign_in",
        name=encodable(name),
        address=address_of(activity.ip_address or ""),
        application=_text(application),
        method=_text(told.get("login_type")),
        reason=encodable(told.get("login_failure_type") or _FAILURE) if refused else None,
    )


def _text(text: str | None) -> str | None:
    return encodable(text) if text else None
