"""Sign-ins as Graph's v1.0 lists them: interactive ones only, newest first, and only for tenants with the licence.

Properties are those of Microsoft's page "signIn resource type"; `createdDateTime` can be compared in three ways.
"""

from postwarden.lab.cloud.graph_lists import Listing, Pages
from postwarden.lab.cloud.graph_shapes import Shape
from postwarden.lab.cloud.microsoft_rows import SignIn
from postwarden.lab.cloud.microsoft_state import MicrosoftState
from postwarden.lab.cloud.moments import graph_time
from postwarden.lab.cloud.organisation import guid
from postwarden.lab.cloud.routing import Answer, Call, Refused
from postwarden.lab.cloud.table import Table

#: The largest page, which is also the usual one.
_PAGE = 1000
_EXCHANGE = ("Office 365 Exchange Online", "00000002-0000-0ff1-ce00-000000000000")
_REASONS = {
    0: "Other.",
    50034: "The user account does not exist in the directory.",
    50126: "Error validating credentials due to invalid username or password.",
}

SIGN_IN: Shape = {
    "id": lambda row: row.id,
    "createdDateTime": lambda row: graph_time(row.time),
    "userDisplayName": lambda row: row.user.name,
    "userPrincipalName": lambda row: row.user.upn,
    "userId": lambda row: row.user.id,
    "appId": lambda row: row.application[0],
    "appDisplayName": lambda row: row.application[1],
    "ipAddress": lambda row: row.address,
    "clientAppUsed": lambda row: row.used,
    "correlationId": lambda row: guid("correlation", row.id),
    "conditionalAccessStatus": lambda _: "notApplied",
    "isInteractive": lambda _: True,
    "riskDetail": lambda _: "none",
    "riskLevelAggregated": lambda _: "none",
    "riskLevelDuringSignIn": lambda _: "none",
    "riskState": lambda _: "none",
    "riskEventTypes": lambda _: [],
    "riskEventTypes_v2": lambda _: [],
    "resourceDisplayName": lambda _: _EXCHANGE[0],
    "resourceId": lambda _: _EXCHANGE[1],
    "userAgent": lambda row: row.agent,
    "status": lambda row: {
        "errorCode": row.error,
        "failureReason": _REASONS.get(row.error, "Other."),
        "additionalDetails": None,
    },
    "deviceDetail": lambda _: {
        "deviceId": "",
        "displayName": "",
        "operatingSystem": "",
        "browser": "",
        "isCompliant": False,
        "isManaged": False,
        "trustType": "",
    },
    "location": lambda row: {
        "city": "",
        "state": "",
        "countryOrRegion": row.country,
        "geoCoordinates": {"altitude": None, "latitude": None, "longitude": None},
    },
    "appliedConditionalAccessPolicies": lambda _: [],
}


class SignIns:
    """Answers for one tenant."""

    def __init__(self, state: MicrosoftState, pages: Pages) -> None:
        self._state = state
        self._pages = pages
        table: Table[SignIn] = Table(lambda row: row.id)
        comparable = {
            "createdDateTime": frozenset({"eq", "ge", "le"}),
            "userPrincipalName": frozenset({"eq", "startswith"}),
            "appId": frozenset({"eq"}),
        }
        self._listing = Listing(table, SIGN_IN, tuple(SIGN_IN), comparable, "auditLogs/signIns")

    def listed(self, call: Call) -> Answer:
        """One page of them."""
        if not self._state.licensed:
            raise Refused(
                403,
                "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
                "Neither tenant is B2C or tenant doesn't have premium license",
            )
        rows = sorted(self._state.sign_ins, key=lambda one: one.time, reverse=True)
        return self._pages.sequence(call, rows, self._listing, largest=_PAGE, usual=_PAGE)
