"""Loggers of the libraries that fetch tokens: what they print of requests is nobody's business."""

import logging

_LOUD = (
    "msal",
    "msal.application",
    "msal.authority",
    "msal.oauth2cli.oauth2",
    "msal.throttled_http_client",
    "msal.token_cache",
    "google.auth",
    "google.auth._default",
    "google.auth.transport",
    "google.oauth2._client",
    "urllib3.connectionpool",
)


class _Withheld(logging.Filter):
    """Lets nothing pass: that something failed is said in a gap."""

    def filter(self, record: logging.LogRecord) -> bool:  # noqa: ARG002
        return False


def silence() -> None:
    """Filters them, once for the process; safe to call again."""
    for name in _LOUD:
        logger = logging.getLogger(name)
        if not any(isinstance(known, _Withheld) for known in logger.filters):
            logger.addFilter(_Withheld())
