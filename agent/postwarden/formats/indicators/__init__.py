"""Lists of indicators: plain text, CSV and STIX 2.1, as feeds and notices bring them.

Written from the OASIS specification of STIX 2.1 and from what MISP and common feeds export; told apart by content.
"""

from datetime import datetime

from msgspec import Struct

from postwarden.formats.indicators.stix import read_stix
from postwarden.formats.indicators.tables import read_table
from postwarden.formats.indicators.values import parse_indicator
from postwarden.model.indicator import Indicator

__all__ = ["MAX_BYTES", "Indicators", "parse_indicator", "read_indicators"]

#: A longer file is not read, and of more indicators only the first.
MAX_BYTES, MAX_INDICATORS = 20_000_000, 100_000
#: Sentences about what could not be used.
MAX_UNREAD = 1_000


class Indicators(Struct, frozen=True, kw_only=True):
    """What a file has: indicators, each once, in order; and sentences about the entries that are none of ours."""

    indicators: tuple[Indicator, ...]
    unread: tuple[str, ...]


def read_indicators(name: str, data: bytes, now: datetime) -> Indicators:
    """The indicators in a file; those whose time is over at `now` are told among the unread. Never raises."""
    if len(data) > MAX_BYTES:
        return Indicators(indicators=(), unread=(f"{name} is longer than {MAX_BYTES} bytes",))
    text = _text(data)
    if text is None:
        return Indicators(indicators=(), unread=(f"{name} is not UTF-8 text",))
    entries = read_stix(text, now) if text.lstrip().startswith(("{", "[")) else read_table(text)
    found: dict[str, Indicator] = {}
    unread: list[str] = []
    more = 0
    for entry in entries:
        if isinstance(entry, str):
            if len(unread) < MAX_UNREAD:
                unread.append(entry)
            else:
                more += 1
        elif len(found) < MAX_INDICATORS or entry.text in found:
            found.setdefault(entry.text, entry)
        else:
            unread.append(f"only the first {MAX_INDICATORS} indicators are used")
            break
    if more:
        unread.append(f"and {more} more entries that are no indicator of ours")
    return Indicators(indicators=tuple(sorted(found.values())), unread=tuple(unread))


def _text(data: bytes) -> str | None:
    for encoding in ("utf-8-sig", "utf-16") if data[:2] in {b"\xff\xfe", b"\xfe\xff"} else ("utf-8-sig",):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return None
