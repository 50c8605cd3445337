"""Lines of CSV for spreadsheets: no cell is a formula, and no control character breaks a line."""

import csv
import io
from collections.abc import Iterable

from postwarden.logs.escaping import clean

#: What a spreadsheet would take for a formula at the beginning of a cell.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_line(cells: Iterable[object]) -> str:
    """One line (RFC 4180, but for its line feed alone); `None` is an empty cell."""
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow([_cell(cell) for cell in cells])
    return line.getvalue()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        text = clean(value)
        return f"'{text}" if text.startswith(_FORMULA) else text
    return str(value).lower() if isinstance(value, bool) else str(value)
