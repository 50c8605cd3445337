"""Applications that lists know: the provider's own, malicious ones, and those that intruders use like anybody else.

`rules/applications.csv` is made by `python -m docs.generate.applications`; `rules/applications.NOTICE` says from what.
"""

import csv
from collections.abc import Mapping
from datetime import date, datetime
from typing import Literal

import msgspec
from msgspec import Struct

from postwarden.errors import ConfigError

#: `dual_use` is an honest program that intruders are known to use too.
ApplicationClass = Literal["first_party", "malicious", "dual_use"]
Severity = Literal["", "informational", "low", "medium", "high", "critical"]

HEADER = ("id", "name", "class", "severity", "source", "date")


class Entry(Struct, frozen=True, kw_only=True):
    """One application of a list: its class, the severity that the list gives it, the list, and the list's date."""

    id: str
    name: str
    class_name: ApplicationClass
    severity: Severity
    source: str
    date: date


class Catalogue(Struct, frozen=True, kw_only=True, eq=False):
    """Entries by id in lower case. Compared by identity, so that what follows from it is worked out once."""

    entries: Mapping[str, Entry]

    def get(self, application: str) -> Entry | None:
        """The entry of an application's id, in any case."""
        return self.entries.get(application.casefold())

    def dates(self) -> Mapping[str, date]:
        """The date of each list that it was made from."""
        return {entry.source: entry.date for entry in self.entries.values()}


#: A catalogue that knows nothing.
EMPTY = Catalogue(entries={})


def catalogue_from(text: str) -> Catalogue:
    """The catalogue out of the file's text; raises ConfigError with the line where it is not of that form."""
    reader = csv.reader(text.splitlines(), strict=True)
    entries: dict[str, Entry] = {}
    try:
        if tuple(next(reader, ())) != HEADER:
            raise ConfigError("the first line is not " + ",".join(HEADER), "make the file again")
        for row in reader:
            entry = _entry(row)
            if entry.id in entries:
                raise ValueError(f"{entry.id} stands twice")
            entries[entry.id] = entry
    except (csv.Error, ValueError, msgspec.ValidationError) as exc:
        raise ConfigError(str(exc), "make the file again", line=reader.line_num) from exc
    return Catalogue(entries=entries)


def age_days(catalogue: Catalogue, now: datetime) -> Mapping[str, int]:
    """How many days old each list is."""
    return {source: (now.date() - made).days for source, made in sorted(catalogue.dates().items())}


def age_sentence(catalogue: Catalogue, now: datetime, old_days: int) -> str:
    """How old the lists of applications are, for people, and which are older than `old_days`."""
    ages = age_days(catalogue, now)
    if not ages:
        return "no list of known applications"
    told = ", ".join(f"{source} {days} days" for source, days in ages.items())
    old = [source for source, days in ages.items() if days > old_days]
    late = f"; what was found out since is missing: {', '.join(old)}" if old else ""
    return f"lists of known applications: {told} old{late}"


def _entry(row: list[str]) -> Entry:
    if len(row) != len(HEADER):
        raise ValueError(f"{len(row)} columns, not {len(HEADER)}")
    application, name, class_name, severity, source, made = row
    if not application or application != application.casefold():
        raise ValueError(f"{application!r} is no id in lower case")
    return Entry(
        id=application,
        name=name,
        class_name=msgspec.convert(class_name, ApplicationClass),
        severity=msgspec.convert(severity, Severity),
        source=source,
        date=date.fromisoformat(made),
    )
