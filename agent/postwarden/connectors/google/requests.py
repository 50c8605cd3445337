"""Everything that is asked of Google: two tables, which the transport enforces, and the rights that they take."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

from postwarden.connectors.rest.allowed import Allowed, Row
from postwarden.formats.google_json.activities import (
    ACTIVITY,
    AUTHORIZE,
    DOMAIN_AUTHORIZE,
    DOMAIN_REMOVE,
    REVOKE,
)

_SCOPE = "https://www.googleapis.com/auth/"
USERS = f"{_SCOPE}admin.directory.user.readonly"
REPORTS = f"{_SCOPE}admin.reports.audit.readonly"
SETTINGS = f"{_SCOPE}gmail.settings.basic"
SECURITY = f"{_SCOPE}admin.directory.user.security"

#: Who we are: *watch* reads no mail and is for the daemon, *incident* is enabled for one case.
Identity = Literal["watch", "incident"]
#: What the identity for a case may have beside it.
INCIDENT = frozenset({f"{_SCOPE}gmail.metadata"})

_PAGES = frozenset({"pageToken", "maxResults"})
_ADMIN, _GMAIL = "/admin", "/gmail/v1/users/{user}/settings/"


class Need(Struct, frozen=True, kw_only=True):
    """A scope that checks need; `could_write` where no smaller one would do."""

    scope: str
    checks: tuple[str, ...]
    could_write: bool = False


#: The table of least rights; the README's is this one.
NEEDS = (
    Need(scope=USERS, checks=("grants", "forwarding", "filters", "send_as", "delegates", "protocols")),
    Need(scope=REPORTS, checks=("grants", "token_audits", "domain_wide", "sign_ins")),
    Need(
        scope=SETTINGS,
        checks=("forwarding", "filters", "send_as", "delegates", "protocols"),
        could_write=True,
    ),
)
TOKEN_NEEDS = (Need(scope=SECURITY, checks=("grants", "app_passwords"), could_write=True),)


def admin_list(origin: str) -> Allowed:
    """What may be asked of Directory and Reports; none of it changes anything."""
    reports = frozenset({"startTime", "eventName"}) | _PAGES
    return Allowed(
        origin,
        (
            Row(
                path=f"{_ADMIN}/directory/v1/users",
                query=frozenset({"customer", "projection", "orderBy"}) | _PAGES,
                needs=USERS,
            ),
            Row(path=f"{_ADMIN}/directory/v1/users/{{user}}/tokens", needs=SECURITY),
            Row(path=f"{_ADMIN}/directory/v1/users/{{user}}/asps", needs=SECURITY),
            Row(
                path=f"{_ADMIN}/reports/v1/activity/users/all/applications/token",
                query=reports,
                needs=REPORTS,
            ),
            Row(
                path=f"{_ADMIN}/reports/v1/activity/users/all/applications/admin",
                query=reports,
                needs=REPORTS,
            ),
            Row(
                path=f"{_ADMIN}/reports/v1/activity/users/all/applications/login",
                query=frozenset({"startTime", "endTime"}) | _PAGES,
                needs=REPORTS,
            ),
        ),
    )


GMAIL_SETTINGS = ("autoForwarding", "forwardingAddresses", "filters", "sendAs", "delegates", "imap", "pop")


def gmail_list(origin: str) -> Allowed:
    """What may be asked of Gmail: seven settings, to be read. The scope could write them; this list cannot."""
    return Allowed(origin, tuple(Row(path=f"{_GMAIL}{one}", needs=SETTINGS) for one in GMAIL_SETTINGS))


def users(customer: str) -> tuple[str, dict[str, str]]:
    return f"{_ADMIN}/directory/v1/users", {"customer": customer, "maxResults": "500"}


def tokens(user: str) -> str:
    return f"{_ADMIN}/directory/v1/users/{user}/tokens"


def app_passwords(user: str) -> str:
    return f"{_ADMIN}/directory/v1/users/{user}/asps"


def setting(user: str, name: str) -> str:
    return f"/gmail/v1/users/{user}/settings/{name}"


_APPLICATIONS: dict[str, str] = {
    AUTHORIZE: "token",
    REVOKE: "token",
    ACTIVITY: "token",
    DOMAIN_AUTHORIZE: "admin",
    DOMAIN_REMOVE: "admin",
}


def activities(name: str, since: datetime) -> tuple[str, dict[str, str]]:
    """Events of one name since then; a page has a thousand."""
    return f"{_ADMIN}/reports/v1/activity/users/all/applications/{_APPLICATIONS[name]}", {
        "eventName": name,
        "startTime": since.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "maxResults": "1000",
    }


def sign_ins(since: datetime, until: datetime) -> tuple[str, dict[str, str]]:
    """Activities of the application `login` from `since` to `until`, both in whole seconds of UTC."""
    return f"{_ADMIN}/reports/v1/activity/users/all/applications/login", {
        "startTime": since.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "endTime": until.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "maxResults": "1000",
    }
