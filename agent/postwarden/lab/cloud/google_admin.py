"""Google's Directory and Reports interfaces in the lab, as their discovery documents have them.

Both work only for a token that acts as an administrator.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from postwarden.lab.cloud.cursors import BadCursor, Cursors
from postwarden.lab.cloud.google_state import Activity, AppPassword, GoogleState, Token, User, activity_days
from postwarden.lab.cloud.moments import google_time
from postwarden.lab.cloud.organisation import number
from postwarden.lab.cloud.routing import Answer, Call, Operation, Refused, bad, size

_SCOPE = "https://www.googleapis.com/auth/"
_USERS = frozenset({f"{_SCOPE}admin.directory.user.readonly", f"{_SCOPE}admin.directory.user"})
_SECURITY = frozenset({f"{_SCOPE}admin.directory.user.security"})
_REPORTS = frozenset({f"{_SCOPE}admin.reports.audit.readonly"})
_USER_OPTIONS = frozenset(
    {
        "customer",
        "domain",
        "maxResults",
        "pageToken",
        "projection",
        "orderBy",
        "sortOrder",
        "showDeleted",
        "viewType",
    }
)
_REPORT_OPTIONS = frozenset({"maxResults", "pageToken", "startTime", "endTime", "eventName", "customerId"})
#: The applications whose activities the lab keeps.
_APPLICATIONS = {"token", "admin", "login"}
#: The type of their events.
_TYPES = {"token": "auth", "admin": "DOMAIN_SETTINGS", "login": "login"}


class GoogleAdmin:
    """Answers from the state; `operations` is all that can be asked."""

    def __init__(self, state: GoogleState, cursors: Cursors) -> None:
        self._state = state
        self._cursors = cursors
        directory = "/admin/directory/v1/users"
        self.operations = (
            Operation("users", "GET", directory, self._users, _USER_OPTIONS, _USERS),
            Operation("tokens", "GET", f"{directory}/{{user}}/tokens", self._tokens, frozenset(), _SECURITY),
            Operation(
                "app_passwords", "GET", f"{directory}/{{user}}/asps", self._asps, frozenset(), _SECURITY
            ),
            Operation(
                "activities",
                "GET",
                "/admin/reports/v1/activity/users/{user}/applications/{application}",
                self._activities,
                _REPORT_OPTIONS,
                _REPORTS,
            ),
        )

    def _users(self, call: Call) -> Answer:
        self._check_administrator(call)
        query = call.query
        if ("customer" in query) == ("domain" in query):
            raise bad("users are listed of a customer or of a domain")
        if query.get("customer", "my_customer") not in {"my_customer", self._state.customer_id}:
            raise Refused(400, "badRequest", "Bad Request", problem="another customer")
        if query.get("domain", self._state.domain) != self._state.domain:
            raise Refused(404, "notFound", "Domain not found.")
        if query.get("projection", "basic") not in {"basic", "full"}:
            raise bad(f"projection={query['projection']}")
        limit = size(query["maxResults"], 500, "maxResults") if "maxResults" in query else 100
        rows, following = self._state.users.page(self._place(call), limit)
        value: dict[str, Any] = {
            "kind": "admin#directory#users",
            "etag": _etag("users", call.path),
            "users": [self._user(row) for row in rows],
        }
        if following is not None:
            value["nextPageToken"] = self._cursors.make(_purpose(call), (following,), call.now)
        return Answer(200, value)

    def _user(self, row: User) -> dict[str, Any]:
        made: dict[str, Any] = {
            "kind": "admin#directory#user",
            "id": row.id,
            "etag": _etag("user", row.id),
            "primaryEmail": row.email,
            "name": {"givenName": row.name, "familyName": "", "fullName": row.name},
            "isAdmin": row.admin,
            "isDelegatedAdmin": False,
            "lastLoginTime": "2026-01-02T03:04:05.000Z",
            "creationTime": "2021-01-02T03:04:05.000Z",
            "agreedToTerms": True,
            "suspended": row.suspended,
            "archived": False,
            "emails": [
                {"address": address, "primary": place == 0} for place, address in enumerate(row.addresses)
            ],
            "customerId": self._state.customer_id,
            "orgUnitPath": "/",
            "isMailboxSetup": True,
            "isEnrolledIn2Sv": True,
            "isEnforcedIn2Sv": False,
            "includeInGlobalAddressList": True,
        }
        if row.addresses[1:]:
            made["aliases"] = list(row.addresses[1:])
        if row.suspended:
            made["suspensionReason"] = "ADMIN"
        return made

    def _tokens(self, call: Call) -> Answer:
        self._check_administrator(call)
        user = self._known(call)
        rows, _ = self._state.tokens.page(0, 100_000, index="user", value=user.id)
        value: dict[str, Any] = {"kind": "admin#directory#tokenList", "etag": _etag("tokens", user.id)}
        if rows:
            value["items"] = [_token(row) for row in rows]
        return Answer(200, value)

    def _asps(self, call: Call) -> Answer:
        self._check_administrator(call)
        user = self._known(call)
        rows = [one for one in self._state.app_passwords if one.user == user.id]
        value: dict[str, Any] = {"kind": "admin#directory#aspList", "etag": _etag("asps", user.id)}
        if rows:
            value["items"] = [_asp(row) for row in rows]
        return Answer(200, value)

    def _activities(self, call: Call) -> Answer:
        self._check_administrator(call)
        application = call.params["application"]
        if application not in _APPLICATIONS:
            raise Refused(
                400, "invalid", f"Invalid value for: {application}", problem=f"the application {application}"
            )
        query = call.query
        limit = size(query["maxResults"], 1000, "maxResults") if "maxResults" in query else 1000
        rows = [
            one
            for one in self._wanted(call, application)
            if "eventName" not in query or one.name == query["eventName"]
        ]
        start = self._place(call)
        value: dict[str, Any] = {
            "kind": "admin#reports#activities",
            "etag": _etag("activities", application),
        }
        page = rows[start : start + limit]
        if page:
            value["items"] = [self._activity(one) for one in page]
        if start + limit < len(rows):
            value["nextPageToken"] = self._cursors.make(_purpose(call), (start + limit,), call.now)
        return Answer(200, value)

    def _wanted(self, call: Call, application: str) -> list[Activity]:
        """The application's activities of the user or of all, in the time that is asked for."""
        first = _moment(call.query.get("startTime"), "startTime")
        last = _moment(call.query.get("endTime"), "endTime")
        if first and last and first > last:
            raise bad("startTime is after endTime")
        user = None if call.params["user"] == "all" else self._known(call)
        return [
            one
            for one in activity_days(self._state, call.now)
            if one.application == application
            and (user is None or one.actor.id == user.id)
            and (first is None or one.time >= first)
            and (last is None or one.time <= last)
        ]

    def _activity(self, one: Activity) -> dict[str, Any]:
        return {
            "kind": "admin#reports#activity",
            "id": {
                "time": google_time(one.time),
                "uniqueQualifier": f"-{number(18, one.actor.id, one.name, one.time.isoformat(), str(one.parameters), one.address)}",
                "applicationName": one.application,
                "customerId": self._state.customer_id,
            },
            "etag": _etag("activity", one.time.isoformat()),
            "actor": {"callerType": "USER", "email": one.actor.email, "profileId": one.actor.id},
            "ipAddress": one.address,
            "events": [
                {
                    "type": _TYPES[one.application],
                    "name": one.name,
                    "parameters": [_parameter(name, value) for name, value in one.parameters.items()],
                }
            ],
        }

    def _check_administrator(self, call: Call) -> None:
        assert call.bearer is not None
        user = self._state.user(call.bearer.subject) if call.bearer.subject else None
        if user is None or not user.admin:
            raise Refused(403, "forbidden", "Not Authorized to access this resource/api")

    def _known(self, call: Call) -> User:
        user = self._state.user(call.params["user"])
        if user is None:
            raise Refused(404, "notFound", "Resource Not Found: userKey")
        return user

    def _place(self, call: Call) -> int:
        if "pageToken" not in call.query:
            return 0
        try:
            (place,) = self._cursors.read(_purpose(call), call.query["pageToken"])
        except BadCursor as wrong:
            if wrong.expired:
                raise Refused(410, "updatedMinTooLongAgo", "The page token is too old.") from wrong
            raise bad("pageToken is none that was given out for this request") from wrong
        return int(place)


def _token(row: Token) -> dict[str, Any]:
    return {
        "kind": "admin#directory#token",
        "etag": _etag("token", row.id),
        "clientId": row.client.id,
        "displayText": row.client.name,
        "anonymous": False,
        "nativeApp": row.client.native,
        "userKey": row.user,
        "scopes": list(row.scopes),
    }


def _asp(row: AppPassword) -> dict[str, Any]:
    return {
        "kind": "admin#directory#asp",
        "etag": _etag("asp", str(row.code)),
        "codeId": row.code,
        "name": row.name,
        "creationTime": str(int(row.created.timestamp())),
        "lastTimeUsed": str(int(row.used.timestamp())) if row.used else "0",
        "userKey": row.user,
    }


def _parameter(name: str, value: str | tuple[str, ...]) -> dict[str, Any]:
    """One parameter in the member that its type has ("OAuth Token Audit Activity Events", "Login Audit Activity Events")."""
    if name == "is_suspicious":
        return {"name": name, "boolValue": value == "true"}
    if name == "num_response_bytes":
        return {"name": name, "intValue": value}
    if isinstance(value, str):
        return {"name": name, "value": value}
    if name != "scope_data":
        return {"name": name, "multiValue": list(value)}
    return {
        "name": name,
        "multiMessageValue": [
            {
                "parameter": [
                    {"name": "scope_name", "value": scope},
                    {"name": "product_bucket", "multiValue": ["GMAIL" if "mail" in scope else "OTHER"]},
                ]
            }
            for scope in value
        ],
    }


def _purpose(call: Call) -> str:
    """A page token goes with the request that it was given for."""
    kept: Mapping[str, str] = {name: value for name, value in call.query.items() if name != "pageToken"}
    return "|".join((call.path, *(f"{name}={value}" for name, value in sorted(kept.items()))))


def _moment(text: str | None, name: str) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as exc:
        raise bad(f"{name}={text} is no time") from exc
    if moment.tzinfo is None:
        raise bad(f"{name}={text} has no zone")
    return moment.astimezone(UTC)


def _etag(*names: str) -> str:
    return f'"{number(20, "etag", *names)}"'
