"""Logs of Microsoft's servers that name their columns in the file: `#Fields: …`, which may change in the middle.

IIS writes them as the W3C extended log format has them, with spaces; Exchange with commas.
"""

import csv

from postwarden.model.encoding import decodable

#: More columns than any of these logs has.
MAX_FIELDS = 256
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_FIELDS = b"#fields:"


def field_names(line: bytes, separator: bytes) -> tuple[str, ...] | None:
    """The columns in lower case that a line names; None where it is no such line."""
    if line[: len(_FIELDS)].lower() != _FIELDS:
        return None
    named = line[len(_FIELDS) :].strip().split(separator)
    return tuple(decodable(name.strip()).lower() for name in named if name.strip())[:MAX_FIELDS]


def directive(line: bytes, name: bytes) -> str | None:
    """What a line says behind `#Name:`; None where it is another line."""
    head, colon, tail = line.partition(b":")
    return decodable(tail.strip()) if colon and head.strip().lower() == b"#" + name else None


def cells(line: bytes) -> list[str] | None:
    """The cells of one line of CSV with commas; None where a quote has no end or stands in the wrong place."""
    if b'"' not in line:
        return decodable(line).split(",")
    return quoted_cells(decodable(line), ",")


def quoted_cells(line: str, delimiter: str) -> list[str] | None:
    """The cells of one line of CSV, by the standard library; None where it is none."""
    try:
        rows = list(csv.reader([line], delimiter=delimiter, strict=True))
    except csv.Error:
        return None
    return rows[0] if rows else []
