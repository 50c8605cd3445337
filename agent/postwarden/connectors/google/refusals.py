"""What a status of Google's interfaces means: a throttle is 403 by its reason, 429 or 503."""

from collections.abc import Callable
from datetime import datetime

from postwarden.connectors.rest.allowed import Row
from postwarden.connectors.rest.patience import Busy, TokenEnded, retry_after
from postwarden.connectors.rest.session import Answer, Judge
from postwarden.errors import ConnectorError
from postwarden.formats.google_json.answer import reasons

#: Reasons that a 403 has where only too much was asked for; Google's page on usage limits.
_TOO_MUCH = frozenset(
    {
        "userRateLimitExceeded",
        "rateLimitExceeded",
        "quotaExceeded",
        "concurrentLimitExceeded",
        "RESOURCE_EXHAUSTED",
    }
)


def judge(now: Callable[[], datetime]) -> Judge:
    """What is wrong with an answer of Google's; None where it is sound."""

    def error(answer: Answer, row: Row) -> ConnectorError | None:
        status = answer.status
        if status == 200:
            return None
        told = reasons(answer.body)
        word = told[0] if told else f"status {status}"
        if status in {429, 500, 502, 503, 504} or (status == 403 and not _TOO_MUCH.isdisjoint(told)):
            wait = retry_after(answer.headers.get("retry-after"), now())
            return Busy(f"Google is busy ({word})", wait)
        if status == 401:
            return TokenEnded(f"Google did not take our token ({word})", "check the key and the delegation")
        if status == 403:
            return ConnectorError(
                f"Google refuses it ({word}): the scope {row.needs} is missing, or the administrator may not",
                f"authorise the service account for {row.needs} in domain-wide delegation, and nothing beyond need",
                reason="forbidden",
            )
        if status == 400 and "failedPrecondition" in told:
            return ConnectorError(
                "the account has no mailbox of Gmail", "leave it out of this source", reason="unsupported"
            )
        if status == 404:
            return ConnectorError(
                f"Google does not have it ({word})", "the account may be gone", reason="refused"
            )
        return ConnectorError(
            f"Google answered {word}",
            "look at Google's page on errors of this interface",
            reason="unreachable" if status >= 500 else "malformed",
        )

    return error
