"""Days ago and days to come, made into moments that stay the same for one start of the lab."""

import zlib
from datetime import datetime, timedelta


def ago(start: datetime, days: int, *names: str) -> datetime:
    """So many days before the start, at a second of that day which follows from names."""
    second = zlib.crc32("/".join(names).encode()) % 82_800
    return (start - timedelta(days=days, seconds=second)).replace(microsecond=0)


def ahead(start: datetime, days: int) -> datetime:
    """So many days after the start; before it where negative."""
    return (start + timedelta(days=days)).replace(microsecond=0)


def graph_time(moment: datetime) -> str:
    """As Graph writes times: UTC, in seconds, `Z`."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def google_time(moment: datetime) -> str:
    """As Google's reports write times: UTC, in milliseconds, `Z`."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def milliseconds(moment: datetime) -> int:
    """As Keycloak writes times: milliseconds since 1970."""
    return int(moment.timestamp() * 1000)
