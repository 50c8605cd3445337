"""The kinds of exported material that `inspect` takes; imports nothing."""

KINDS = ("sieve", "forward", "ews", "exchange-rule")

#: How a file's name ends, and its kind.
SUFFIXES = {
    ".sieve": "sieve",
    ".siv": "sieve",
    ".dovecot.sieve": "sieve",
    ".forward": "forward",
    ".xml": "ews",
    ".dat": "exchange-rule",
    ".bin": "exchange-rule",
}


def kind_of(name: str) -> str | None:
    """The kind that a file's name shows, or None."""
    return next((kind for suffix, kind in SUFFIXES.items() if name.lower().endswith(suffix)), None)
