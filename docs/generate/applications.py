"""`python -m docs.generate.applications FOLDER`: the catalogue of applications, out of lists that others keep.

FOLDER has `microsoft-info/`, `oauthsentry/` and `rogueapps/`, each with its licence, as their projects have them. Facts
alone are taken (id, name, class, severity), never a description. The same lists always give the same files.

Where lists differ: what Microsoft's list has is Microsoft's own, whoever calls it risky (that is a sign for log-ins);
else malicious before dual use; the severity is the one that OAuthSentry gives. Applications of providers that no source
reads (GitHub) are left out.
"""

import csv
import io
import json
import re
import sys
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

from msgspec import Struct

from postwarden.grants.catalogue import HEADER

RULES = Path(__file__).resolve().parents[2] / "rules"
TABLE, NOTICE = "applications.csv", "applications.NOTICE"

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-z-]+\.apps\.googleusercontent\.com")
_SPACE = re.compile(r"\s+")
#: A space without a break, read in the wrong encoding: it stands at the end of some ids.
_GARBLED = "\u00c2\u00a0"
#: Comments of OAuthSentry's risky list that call an application Microsoft's own.
_OWN = re.compile(
    r"\blegit(imate)? (microsoft|outlook|app\b)|\bthis microsoft edge|\(from AADInternals\)|office 365 \[",
    re.IGNORECASE,
)
_SEVERITIES = {
    "info": "informational",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "critical": "critical",
}


class Origin(Struct, frozen=True, kw_only=True):
    """A list: its folder and name in the table, where it is from, its version and date, its licence's file."""

    name: str
    address: str
    version: str
    date: date
    licence: str


MICROSOFT_INFO = Origin(
    name="microsoft-info",
    address="https://github.com/merill/microsoft-info",
    version="43b8a5d9",
    date=date(2026, 8, 20),
    licence="MIT",
)
OAUTHSENTRY = Origin(
    name="oauthsentry",
    address="https://github.com/OAuthSentry/oauthsentry.github.io",
    version="f5cc0deb",
    date=date(2026, 8, 22),
    licence="MIT",
)
ROGUEAPPS = Origin(
    name="rogueapps",
    address="https://github.com/huntresslabs/rogueapps",
    version="84c2e0468c2d",
    date=date(2024, 10, 7),
    licence="MPL-2.0",
)

#: Class, severity, name and list of one application.
_Row = tuple[str, str, str, Origin]


def table(folder: Path) -> str:
    """The catalogue's text; raises OSError where a list is missing, ValueError where one is of another form."""
    found: dict[str, _Row] = {}
    for application, row in _listed(folder):
        found.setdefault(application, row)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADER)
    for application, (kind, severity, name, origin) in sorted(found.items()):
        writer.writerow((application, name, kind, severity, origin.name, origin.date.isoformat()))
    return out.getvalue()


def notice(folder: Path) -> str:
    """What the catalogue was made from, and the notices that its licences ask for."""
    parts = [_NOTICE_HEAD]
    parts += [
        f"{origin.name}: {origin.address}, version {origin.version} of {origin.date}, {origin.licence}\n"
        for origin in (MICROSOFT_INFO, OAUTHSENTRY, ROGUEAPPS)
    ]
    parts += [_MTHCHT, _MPL]
    for origin in (MICROSOFT_INFO, OAUTHSENTRY):
        text = (folder / origin.name / "LICENSE").read_text(encoding="utf-8").strip()
        parts.append(f"---- licence of {origin.name} ----\n\n{text}\n")
    return "\n".join(parts)


_NOTICE_HEAD = """\
applications.csv is a table of facts of our own making (id, name, class, severity, list, date of the list). No text but
names was taken from these lists:
"""
_MTHCHT = """\
oauthsentry carries the lists of https://github.com/mthcht/awesome-lists, MIT, Copyright (c) 2024 @mthcht.
"""
_MPL = """\
The ids and names with the source rogueapps come from a file under the Mozilla Public License, v. 2.0, whose text is at
https://mozilla.org/MPL/2.0/ and which is to be had at the address above.
"""


def _listed(folder: Path) -> Iterator[tuple[str, _Row]]:
    """Every application, the list that decides first."""
    risky = {_id(row["appid"]): row for row in _rows(folder / OAUTHSENTRY.name / "entra_risky.csv")}
    for row in _rows(folder / MICROSOFT_INFO.name / "MicrosoftApps.csv"):
        yield _id(row["appid"]), ("first_party", "", _name(row["appdisplayname"]), MICROSOFT_INFO)
    for name in ("entra_malicious.csv", "google_oauth_apps.csv"):
        for row in _rows(folder / OAUTHSENTRY.name / name):
            yield _id(row["appid"]), ("malicious", _severity(row), _name(row["appname"]), OAUTHSENTRY)
    abused = json.loads((folder / ROGUEAPPS.name / "rogueapps.share.json").read_text(encoding="utf-8"))
    for application in abused:
        rated = risky.get(_id(application["appId"]))
        severity = _severity(rated) if rated is not None else ""
        yield (
            _id(application["appId"]),
            ("dual_use", severity, _name(application["appDisplayName"]), ROGUEAPPS),
        )
    for row in risky.values():
        own = _OWN.search(row["metadata_comment"] + " | " + row["appname"])
        kind, severity = ("first_party", "") if own else ("dual_use", _severity(row))
        yield _id(row["appid"]), (kind, severity, _name(row["appname"]), OAUTHSENTRY)


def _rows(path: Path) -> Iterator[Mapping[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            yield {key.casefold(): value for key, value in row.items()}


def _id(text: str) -> str:
    application = text.removesuffix(_GARBLED).strip().casefold()
    if not _ID.fullmatch(application):
        raise ValueError(f"{text!r} is no id of an application")
    return application


def _name(text: str) -> str:
    """The name in one line: of several, the first; none where the list has only a description of it."""
    name = _SPACE.sub(" ", text.replace(_GARBLED, " ").partition(" | ")[0]).strip()
    return "" if name.casefold().startswith(("unknown ", "potentially ", "oauth phishing ")) else name


def _severity(row: Mapping[str, str]) -> str:
    return _SEVERITIES[row["metadata_severity"].strip().casefold()]


def main(folder: Path) -> None:
    """Writes table and notice into `rules/`."""
    (RULES / TABLE).write_text(table(folder), encoding="utf-8")
    (RULES / NOTICE).write_text(notice(folder), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
