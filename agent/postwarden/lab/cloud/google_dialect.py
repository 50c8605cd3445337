"""How Google's interfaces say that something is wrong: one error, and in it a reason.

Shapes and reasons are those of "Directory API: Limits and Quotas", "Reports API: Limits and Quotas" and "Resolve Gmail
API errors".
"""

from datetime import datetime
from typing import Literal

from postwarden.lab.cloud.routing import Answer, Operation, Refused

#: The status of google.rpc.Code that goes with an HTTP status.
_STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    410: "FAILED_PRECONDITION",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}
#: Reasons that are about quota have a domain of their own.
_USAGE = {"userRateLimitExceeded", "rateLimitExceeded", "quotaExceeded", "dailyLimitExceeded"}


class GoogleDialect:
    """Directory answers 403 where there is too much, Reports 503, Gmail 429."""

    content_type = "application/json; charset=UTF-8"
    next = "nextPageToken"
    links = False

    def __init__(self, interface: Literal["admin", "gmail"]) -> None:
        self._interface = interface

    def rendered(self, refused: Refused, _: datetime, /) -> Answer:
        reason = "badRequest" if refused.code == "BadRequest" else refused.code
        one = {
            "message": refused.message,
            "domain": "usageLimits" if reason in _USAGE else "global",
            "reason": reason,
        }
        error: dict[str, object] = {"code": refused.status, "message": refused.message, "errors": [one]}
        if refused.status in _STATUSES:
            error["status"] = _STATUSES[refused.status]
        return Answer(refused.status, {"error": error}, refused.headers)

    def forbidden(self, _: Operation | None, /) -> Refused:
        return Refused(403, "insufficientPermissions", "Request had insufficient authentication scopes.")

    def crowded(self) -> Refused:
        return self.throttled()

    def throttled(self) -> Refused:
        if self._interface == "gmail":
            return Refused(429, "rateLimitExceeded", "Too many concurrent requests for user")
        return Refused(403, "userRateLimitExceeded", "User Rate Limit Exceeded")

    def unavailable(self) -> Refused:
        return Refused(503, "backendError", "Service unavailable. Please try again")

    def broken(self) -> Refused:
        return Refused(500, "backendError", "Backend Error")

    def expired(self) -> Refused:
        return Refused(
            401,
            "authError",
            "Request had invalid authentication credentials. Expected OAuth 2 access token.",
            headers=(
                ("WWW-Authenticate", 'Bearer realm="https://accounts.google.com/", error="invalid_token"'),
            ),
        )

    def gone(self) -> Refused:
        return Refused(410, "updatedMinTooLongAgo", "The page token is too old.")


class GoogleTokenDialect(GoogleDialect):
    """The token endpoint: RFC 6749 section 5.2."""

    next = ""

    def __init__(self) -> None:
        super().__init__("admin")

    def rendered(self, refused: Refused, _: datetime, /) -> Answer:
        return Answer(
            refused.status, {"error": refused.code, "error_description": refused.message}, refused.headers
        )

    def forbidden(self, _: Operation | None, /) -> Refused:
        return Refused(401, "unauthorized_client", UNAUTHORIZED)

    def throttled(self) -> Refused:
        return Refused(429, "rate_limit_exceeded", "Rate Limit Exceeded")


#: The token endpoint's words where a service account may not act for this user with these scopes.
UNAUTHORIZED = (
    "Client is unauthorized to retrieve access tokens using this method, or client not authorized for any of the "
    "scopes requested."
)
