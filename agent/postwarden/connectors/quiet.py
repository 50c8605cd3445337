"""Libraries whose loggers print whole requests, answers or tokens when something fails: people's mail, and keys to it."""

import logging

#: Loggers that print bodies, headers or tokens.
_LOUD = (
    "exchangelib",
    "exchangelib.util",
    "exchangelib.util.xml",
    "exchangelib.protocol",
    "exchangelib.services.common",
    "exchangelib.account",
    "exchangelib.transport",
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
    "oauthlib",
    "requests_oauthlib",
    "requests_oauthlib.oauth2_session",
    "spnego",
)


class _Withheld(logging.Filter):
    """Lets nothing pass: that something failed is said in a gap, without what people wrote."""

    def filter(self, record: logging.LogRecord) -> bool:  # noqa: ARG002
        return False


def silence() -> None:
    """Filters them, once for the process; safe to call again."""
    for name in _LOUD:
        logger = logging.getLogger(name)
        if not any(isinstance(known, _Withheld) for known in logger.filters):
            logger.addFilter(_Withheld())
