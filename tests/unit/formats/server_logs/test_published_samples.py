"""Lines of CrowdSec's hub, by whom others' parsers are tested, with what its own parser takes out of them."""

import re
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from postwarden.formats.server_logs import About, open_log
from postwarden.model.event import Access

#: CrowdSec's names for the address and the user.
_FIELD = re.compile(
    r'results\["s01-parse"\]\["[^"]+"\]\[(\d+)\]\.Evt\.(?:Parsed|Meta)\["(message|source_ip|username|dovecot_user)"\] == '
    r'"((?:[^"\\]|\\.)*)"'
)
#: Much later: refusals do not wait that long for the line of their connection.
LAST = {
    "dovecot": b"2030-01-01T00:00:00Z mail dovecot: auth: passwd-file(last,192.0.2.1,<s>): Password mismatch\n",
    "postfix": b"",
    "exim": b"",
}


def expected(file: Path, log: str) -> list[tuple[str, str]]:
    """Name and address of each line that is about a log-in, as CrowdSec's parser has them."""
    rows: dict[str, dict[str, str]] = defaultdict(dict)
    for number, field, value in _FIELD.findall(file.read_text(encoding="utf-8")):
        rows[number][field] = value.replace('\\"', '"')
    wanted = re.compile(
        {
            "dovecot": r"auth failed|Login:|unknown user|pam_authenticate",
            "postfix": r"authentication failed",
            "exim": r"authenticator failed",
        }[log]
    )
    return [
        (row.get("username") or row.get("dovecot_user") or "", row["source_ip"])
        for _, row in sorted(rows.items(), key=lambda one: int(one[0]))
        if wanted.search(row.get("message", "auth failed"))
    ]


@pytest.mark.parametrize(
    ("log", "folder"),
    [
        ("dovecot", "dovecot-logs"),
        ("dovecot", "dovecot-slow-bf-no-overlap"),
        ("dovecot", "dovecot-slow-bf-user-enum"),
        ("dovecot", "dovecot-time-based-bf"),
        ("exim", "exim-logs"),
        ("postfix", "postfix-logs"),
    ],
)
def test_names_and_addresses_are_those_of_another_parser(
    shared: Callable[[str], Path], log: str, folder: str
) -> None:
    """Each log-in and failure of the sample is one event with the name and address that CrowdSec's parser finds."""
    place = shared(f"data/crowdsec-hub/{folder}")
    (file,) = place.glob("*.log")
    raw = file.read_bytes().rstrip(b"\n") + b"\n"
    modified = int(datetime(2025, 2, 1, tzinfo=UTC).timestamp() * 1000)
    found = open_log(log, About(modified=modified)).decode(raw + LAST[log], 0)
    assert found.unread == []
    events = [event for event in found.events if isinstance(event, Access)]
    wanted = expected(place / "parser.assert", log)
    if folder == "dovecot-logs":
        # One try, in two versions' words, at the same second: databases asked in turn write as much.
        wanted.remove(("contact", "220.169.110.101"))
    assert sorted((event.name, event.address) for event in events) == sorted(wanted)


@pytest.mark.parametrize(
    "folder",
    [
        "postfix-spam",
        "postfix-honeypot-users",
        "postfix-non-smtp",
        "postfix-relay",
        "postfix-helo",
        "exim-bf",
        "exim-spam",
    ],
)
def test_samples_of_other_things_are_read_to_the_last_line(
    shared: Callable[[str], Path], folder: str
) -> None:
    """Refused recipients, spam and the like are passed, and failed log-ins among them are refusals with their address."""
    (file,) = shared(f"data/crowdsec-hub/{folder}").glob("*.log")
    raw = file.read_bytes().rstrip(b"\n") + b"\n"
    modified = int(datetime(2025, 2, 1, tzinfo=UTC).timestamp() * 1000)
    found = open_log(folder.partition("-")[0], About(modified=modified)).decode(raw, 0)
    assert found.unread == []
    failures = re.findall(rb"\[([0-9.]+)\](?::\d+)?: (?:SASL LOGIN authentication failed|535 )", raw)
    assert [event.address for event in found.events if isinstance(event, Access)] == [
        one.decode() for one in failures
    ]
