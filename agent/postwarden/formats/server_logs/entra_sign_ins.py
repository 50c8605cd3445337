"""Sign-ins of Entra ID: exported JSON of Graph's `signIn`, and what diagnostic settings write about users.

The properties are those of Microsoft's page "signIn resource type" and, in `properties` of a record, those of "Sign-in
logs in Azure Monitor". A sign-in whose error code is not 0 was not let in, also where only a second factor was missing.
Sign-ins of applications on their own are none of a person's.
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

#: Records of diagnostic settings that are sign-ins of users.
_OF_USERS = frozenset({"signinlogs", "noninteractiveusersigninlogs"})
#: Ways in that the user agent does not name: old protocols, which know no second factor.
_MODERN = frozenset({"", "browser", "mobile apps and desktop clients"})
_SUCCESS = frozenset({"0", "success"})


class _Status(Struct, frozen=True, kw_only=True, rename="camel"):
    error_code: int | None = None
    failure_reason: str | None = None


class _SignIn(Struct, frozen=True, kw_only=True, rename="camel"):
    created_date_time: str | None = None
    user_principal_name: str | None = None
    user_id: str | None = None
    app_id: str | None = None
    ip_address: str | None = None
    user_agent: str | None = None
    client_app_used: str | None = None
    correlation_id: str | None = None
    session_id: str | None = None
    authentication_protocol: str | None = None
    service_principal_id: str | None = None
    status: _Status | None = None


class _Record(Struct, frozen=True, kw_only=True):
    """The envelope of diagnostic settings, its names in lower case, since some collectors write them so."""

    category: str
    properties: _SignIn
    time: str | None = None
    resulttype: str | int | None = None
    resultdescription: str | None = None
    correlationid: str | None = None
    calleripaddress: str | None = None


def open_log(about: About, state: bytes) -> ObjectDecoder:
    """Raises ConfigError where an option is given: there are none."""
    options_of("entra_sign_ins", about.options, NoOptions)
    return ObjectDecoder(reader(decode_sign_in), state)


def decode_sign_in(found: object, at: int) -> Access | str | None:
    """One sign-in as an event; why it cannot be read; None for what is no user's sign-in."""
    try:
        if isinstance(found, dict) and isinstance(found.get("properties"), dict):
            if str(found.get("category") or "").lower() not in _OF_USERS:
                return None
            record = msgspec.convert({str(key).lower(): value for key, value in found.items()}, _Record)
            return _access(record.properties, at, record)
        return _access(msgspec.convert(found, _SignIn), at, None)
    except msgspec.ValidationError as exc:
        return f"it has another form: {exc}"


def _access(one: _SignIn, at: int, record: _Record | None) -> Access | str | None:
    name = one.user_principal_name or one.user_id
    if not name and one.service_principal_id:
        return None
    time = utc_time(one.created_date_time or (record.time if record else None) or "")
    code, words = _outcome(one, record)
    if not name or time is None or code is None:
        missing = "user" if not name else "time" if time is None else "outcome"
        return f"it names no {missing}"
    entered = code.lower() in _SUCCESS
    return Access(
        at=at,
        time=time,
        stage="whole" if entered else "refused",
        protocol="sign_in",
        name=encodable(name),
        address=address_of(one.ip_address or (record.calleripaddress if record else None) or ""),
        client=_client(one),
        application=_text(one.app_id),
        session=_text(one.session_id or one.correlation_id or (record.correlationid if record else None)),
        method=None if one.authentication_protocol == "none" else _text(one.authentication_protocol),
        reason=None if entered else encodable(f"{code} {words or ''}".strip()),
    )


def _outcome(one: _SignIn, record: _Record | None) -> tuple[str | None, str | None]:
    """The error code and its words: the sign-in's own, else the envelope's."""
    if one.status is not None and one.status.error_code is not None:
        return str(one.status.error_code), one.status.failure_reason
    if record is not None and record.resulttype is not None:
        return str(record.resulttype), record.resultdescription
    return None, None


def _client(one: _SignIn) -> str | None:
    """The user agent; the old protocol beside it, where it is one."""
    used = one.client_app_used or ""
    if not one.user_agent:
        return _text(used)
    return encodable(one.user_agent if used.lower() in _MODERN else f"{one.user_agent} ({used})")


def _text(text: str | None) -> str | None:
    return encodable(text) if text else None
