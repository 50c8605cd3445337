"""Lines that were not understood, as they may be shown: what they have in common, and one of them without its secrets."""

import re

_DIGITS = re.compile(rb"[0-9a-fA-F]*[0-9][0-9a-fA-F]*")
_QUOTED = re.compile(rb"<[^<>]*>|\"[^\"]*\"|'[^']*'")
#: What servers write passwords and tokens behind, where somebody told them to.
_SECRET = re.compile(rb"(?i)(pass\w*|secret|token|resp|credential\w*|bearer)([\s:=\"'(<]+)[^\s,;)>\"']+")


def shape_of(line: bytes) -> str:
    """What lines of one kind have in common: numbers, quoted texts and secrets left out, the first 120 characters."""
    plain = _DIGITS.sub(b"0", _QUOTED.sub(b"<>", _masked(line)))
    return plain[:120].decode("utf-8", "backslashreplace")


def sample_of(line: bytes) -> str:
    """The first 200 characters of a line, with what may be a secret left out."""
    return _masked(line)[:200].decode("utf-8", "backslashreplace")


def _masked(line: bytes) -> bytes:
    return _SECRET.sub(rb"\1\2***", line[:1024])
