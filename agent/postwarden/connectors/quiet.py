"""Loggers of libraries that would tell what is nobody's business: people's mail, their names, keys and parts of them."""

import logging

#: They print bodies, headers or tokens when something fails: nothing of theirs passes; a gap says what failed.
_BODIES = (
    "exchangelib",
    "exchangelib.util",
    "exchangelib.util.xml",
    "exchangelib.protocol",
    "exchangelib.services.common",
    "exchangelib.account",
    "exchangelib.transport",
    "requests_oauthlib",
    "requests_oauthlib.oauth2_session",
    "oauthlib",
    "spnego",
)
#: Their chatter has paths with people's names, and parts of tokens: warnings pass.
_CHATTER = (
    "google.auth",
    "google.auth._default",
    "google.auth.transport",
    "google.oauth2._client",
    "msal",
    "msal.application",
    "msal.authority",
    "msal.oauth2cli.oauth2",
    "msal.throttled_http_client",
    "msal.token_cache",
    "urllib3.connectionpool",
)


class _Withheld(logging.Filter):
    """Lets pass what is at least so grave."""

    def __init__(self, level: int) -> None:
        super().__init__()
        self._level = level

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno >= self._level


def silence() -> None:
    """Filters them, once for the process; safe to call again."""
    for names, level in ((_BODIES, logging.CRITICAL + 1), (_CHATTER, logging.WARNING)):
        for name in names:
            logger = logging.getLogger(name)
            if not any(isinstance(known, _Withheld) for known in logger.filters):
                logger.addFilter(_Withheld(level))
