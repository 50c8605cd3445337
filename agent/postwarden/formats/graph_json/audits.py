"""Directory audits: who consented, and who added a key, a role or an owner, and when."""

import json
import re
from collections.abc import Iterator
from datetime import datetime

from msgspec import Struct

from postwarden.formats import json_text
from postwarden.formats.json_text import JsonError
from postwarden.model.application import Dated
from postwarden.model.encoding import encodable
from postwarden.model.moment import parse

CONSENT = "Consent to application"
GRANT = "Add delegated permission grant"
ROLE = "Add app role assignment to service principal"
PRINCIPAL = "Add service principal"
CREDENTIALS = "Add service principal credentials"
REGISTRATION_CREDENTIALS = "Update application \N{EN DASH} Certificates and secrets management"
PRINCIPAL_OWNER = "Add owner to service principal"
REGISTRATION_OWNER = "Add owner to application"
#: What is asked for, in the words of Entra's audit log; one of them stands there with a space at its end.
ACTIVITIES = (
    CONSENT,
    GRANT,
    ROLE,
    PRINCIPAL,
    CREDENTIALS,
    f"{REGISTRATION_CREDENTIALS} ",
    PRINCIPAL_OWNER,
    REGISTRATION_OWNER,
)

_MAX_DETAIL = 600
_PRINCIPAL_ID = re.compile(r"\bPrincipalId: ?([0-9A-Za-z-]{1,64})")
_KEY_ID = re.compile(r"\bKeyIdentifier=([^,\]\s]{1,100})")
#: Properties that name the application whose state is changed, not what it was given.
_CLIENTS = ("ServicePrincipal.ObjectID", "Application.ObjectID")
_QUIET = (
    "TargetId.",
    "Included Updated",
    "ConsentContext.Tags",
    "ServicePrincipal.",
    "Application.",
    "User.",
)


class _Property(Struct, frozen=True, kw_only=True, rename="camel"):
    display_name: str | None = None
    old_value: str | None = None
    new_value: str | None = None


class _Target(Struct, frozen=True, kw_only=True, rename="camel"):
    id: str | None = None
    type: str | None = None
    modified_properties: tuple[_Property, ...] | None = None


class _Actor(Struct, frozen=True, kw_only=True, rename="camel"):
    id: str | None = None
    display_name: str | None = None
    user_principal_name: str | None = None
    service_principal_id: str | None = None


class _Initiator(Struct, frozen=True, kw_only=True):
    app: _Actor | None = None
    user: _Actor | None = None


class _Audit(Struct, frozen=True, kw_only=True, rename="camel"):
    id: str
    activity_date_time: str
    activity_display_name: str
    initiated_by: _Initiator | None = None
    result: str | None = None
    target_resources: tuple[_Target, ...] | None = None


class Audit(Struct, frozen=True, kw_only=True):
    """One thing that was done. `subject` is the object id of the application's service principal or registration.

    `keys` are ids of credentials that were not there before; `person` is whom the consent or the ownership is for,
    None where it is not told; `for_everybody` whether a consent is for everybody. Only what is said to have failed has
    not `succeeded`: what timed out, or ended in a way that is not known, may have happened.
    """

    id: str
    happened: datetime
    activity: str
    author: str | None
    succeeded: bool
    subject: str
    person: str | None
    for_everybody: bool
    keys: tuple[str, ...]
    detail: str

    @property
    def dated(self) -> Dated:
        return Dated(time=self.happened, origin="audit_log")


def read_audit(raw: bytes) -> Audit:
    """Raises JsonError where it is no audit, or has no time."""
    found = json_text.item(raw, _Audit)
    try:
        happened = parse(found.activity_date_time)
    except ValueError as exc:
        raise JsonError("an audit has no time that can be read") from exc
    activity = found.activity_display_name.strip()
    targets = found.target_resources or ()
    values = {
        one.display_name or "": _text(one.new_value)
        for target in targets
        for one in target.modified_properties or ()
    }
    subject = _subject(activity, targets, values)
    user = next((one for one in targets if (one.type or "").casefold() == "user"), None)
    permissions = values.get("ConsentAction.Permissions", "")
    by = found.initiated_by or _Initiator()
    kind = values.get("DelegatedPermissionGrant.ConsentType", "")
    everybody = kind == "AllPrincipals" or "ConsentType: AllPrincipals" in permissions
    person = user.id if user is not None else values.get("User.ObjectID") or None
    if activity == CONSENT:
        named = _PRINCIPAL_ID.findall(permissions)
        person = named[-1] if named else None
        if person is None and not everybody and by.user is not None:
            person = by.user.id
    return Audit(
        id=encodable(found.id),
        happened=happened,
        activity=encodable(activity),
        author=_author(by),
        succeeded=found.result != "failure",
        subject=subject.id or "" if subject is not None else "",
        person=person,
        for_everybody=everybody,
        keys=tuple(_new_keys(targets)),
        detail=encodable(_detail(activity, values))[:_MAX_DETAIL],
    )


def _subject(activity: str, targets: tuple[_Target, ...], values: dict[str, str]) -> _Target | None:
    """The application that was given something: of two service principals not the resource, which may be first."""
    wanted = next((values[name] for name in _CLIENTS if values.get(name)), "")
    named = next((one for one in targets if wanted and one.id == wanted), None)
    if named is not None or wanted:
        return named or _Target(id=wanted)
    principals = [
        one for one in targets if (one.type or "").casefold() in {"serviceprincipal", "application"}
    ]
    if activity in {ROLE, GRANT}:
        return principals[-1] if principals else None
    return next(iter(principals), None)


def _new_keys(targets: tuple[_Target, ...]) -> Iterator[str]:
    for target in targets:
        for one in target.modified_properties or ():
            if one.display_name == "KeyDescription":
                before = set(_KEY_ID.findall(one.old_value or ""))
                yield from (key for key in _KEY_ID.findall(one.new_value or "") if key not in before)


def _author(by: _Initiator) -> str | None:
    for actor in (by.user, by.app):
        if actor is not None:
            name = actor.user_principal_name or actor.display_name or actor.id or actor.service_principal_id
            if name:
                return encodable(name)
    return None


def _detail(activity: str, values: dict[str, str]) -> str:
    told = [f"{name}: {value}" for name, value in values.items() if value and not name.startswith(_QUIET)]
    return "; ".join((activity, *told))


def _text(value: str | None) -> str:
    """A value of the log, which writes most of them as JSON within JSON."""
    if value and value.startswith('"'):
        try:
            found = json.loads(value)
        except (ValueError, RecursionError):
            return value
        return found if isinstance(found, str) else value
    return value or ""
