"""How Microsoft Graph says that something is wrong ("Microsoft Graph error responses and resource types")."""

from datetime import datetime

from postwarden.lab.cloud.moments import graph_time
from postwarden.lab.cloud.organisation import guid
from postwarden.lab.cloud.routing import Answer, Operation, Refused

_JSON = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"


class GraphDialect:
    """Graph's own error, and OData's links."""

    content_type = _JSON
    next = "@odata.nextLink"
    links = True

    def rendered(self, refused: Refused, now: datetime, /) -> Answer:
        inner = {
            "date": graph_time(now).removesuffix("Z"),
            "request-id": guid("request", now.isoformat()),
            "client-request-id": guid("request", now.isoformat()),
        }
        error = {"code": refused.code, "message": refused.message, "innerError": inner}
        return Answer(refused.status, {"error": error}, refused.headers)

    def forbidden(self, operation: Operation | None, /) -> Refused:
        if operation is not None and operation.throttled:
            return Refused(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
        return Refused(
            403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation."
        )

    def crowded(self) -> Refused:
        return Refused(429, "ApplicationThrottled", "Application is over its MailboxConcurrency limit.")

    def throttled(self) -> Refused:
        return Refused(429, "TooManyRequests", "Too many requests")

    def unavailable(self) -> Refused:
        return Refused(503, "ServiceUnavailable", "The service is temporarily unavailable.")

    def broken(self) -> Refused:
        return Refused(500, "InternalServerError", "An internal server error occurred.")

    def expired(self) -> Refused:
        return Refused(
            401,
            "InvalidAuthenticationToken",
            "Lifetime validation failed, the token is expired.",
            headers=(("WWW-Authenticate", 'Bearer realm="", error="invalid_token"'),),
        )

    def gone(self) -> Refused:
        return Refused(
            410, "syncStateNotFound", "The sync state generation is not found; resync is required."
        )
