"""Regular expressions of rules: RE2's dialect, which cannot be made slow by what it is matched against."""

from typing import Any

import re2


class UnsupportedError(Exception):
    """Something in a rule cannot be compiled; the message says why, the caller knows the line."""


def compile_expression(pattern: str) -> Any:
    """The compiled expression; raises UnsupportedError, also for look-around and back-references."""
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as exc:
        reason = exc.args[0] if exc.args else exc
        text = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        raise UnsupportedError(f"has a regular expression that is not RE2: {text}") from exc
