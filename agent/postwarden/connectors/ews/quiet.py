"""exchangelib's loggers: they print whole requests and answers, which are people's mail, when something fails."""

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
    "requests_oauthlib",
    "requests_oauthlib.oauth2_session",
    "oauthlib",
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
