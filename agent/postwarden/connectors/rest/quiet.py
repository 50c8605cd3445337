"""Loggers of the libraries that fetch tokens and send: their chatter has paths with people's names, and parts of tokens."""

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
    """Lets warnings pass, and nothing below."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno >= logging.WARNING


def silence() -> None:
    """Filters them, once for the process; safe to call again."""
    for name in _LOUD:
        logger = logging.getLogger(name)
        if not any(isinstance(known, _Withheld) for known in logger.filters):
            logger.addFilter(_Withheld())
