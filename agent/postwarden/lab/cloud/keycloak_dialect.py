"""How Keycloak says that something is wrong: an error, and to log-ins a description (its admin REST API)."""

from datetime import datetime

from postwarden.lab.cloud.routing import Answer, Operation, Refused

_HINT = "For more on this error consult the server log."


class KeycloakDialect:
    """Lists are asked for by number, so that nothing in them leads on."""

    content_type = "application/json;charset=UTF-8"
    next = ""
    links = False

    def rendered(self, refused: Refused, _: datetime, /) -> Answer:
        if refused.code == "BadRequest" or refused.code.startswith("HTTP"):
            code = refused.code if refused.code.startswith("HTTP") else f"HTTP {refused.status} Bad Request"
            return Answer(
                refused.status, {"error": code, "error_description": refused.message}, refused.headers
            )
        value = {"error": refused.code}
        if refused.message:
            value["error_description"] = refused.message
        return Answer(refused.status, value, refused.headers)

    def forbidden(self, _: Operation | None, /) -> Refused:
        return Refused(403, "HTTP 403 Forbidden", _HINT)

    def crowded(self) -> Refused:
        return self.throttled()

    def throttled(self) -> Refused:
        return Refused(429, "HTTP 429 Too Many Requests", _HINT)

    def unavailable(self) -> Refused:
        return Refused(503, "HTTP 503 Service Unavailable", _HINT)

    def broken(self) -> Refused:
        return Refused(500, "unknown_error", _HINT)

    def expired(self) -> Refused:
        return Refused(401, "HTTP 401 Unauthorized", _HINT)

    def gone(self) -> Refused:
        return Refused(410, "HTTP 410 Gone", _HINT)
