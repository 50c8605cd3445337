"""Roundcube's log of log-ins."""

from pathlib import Path

import pytest

from postwarden.errors import ConfigError
from postwarden.formats.server_logs import About, Decoded, grade_of, open_log
from tests.unit.formats.server_logs.told import milliseconds, told

SAMPLE = Path(__file__).parents[3] / "samples" / "logs" / "roundcube" / "userlogins.log"


def read(raw: bytes, **options: object) -> Decoded:
    about = About(modified=milliseconds("2026-11-23T15:30:00+00:00"), options=options)
    return open_log("roundcube", about).decode(raw, 0)


def test_every_form_of_an_address() -> None:
    """Who logged in from where, also behind a proxy; where the name could be the address, none is told."""
    found = read(SAMPLE.read_bytes())
    assert (found.unread, found.passed, grade_of("roundcube")) == ([], 0, "from documentation only")
    fields = ("stage", "name", "address", "forwarded", "session", "reason")
    assert [tuple(row.get(field) for field in fields) for row in told(found.events)] == [
        ("begun", "naomi.sato@kitano-works.example", "192.0.2.44", None, "8mkq1v0cqd2j5l3p", None),
        ("refused", "lars.eriksen", "203.0.113.9", None, "p1d0s9aaxk20fmzq", "error: 0"),
        ("begun", "lars.eriksen@kitano-works.example", "10.0.0.5", "198.51.100.7", "k20sl1pd99aqzzx1", None),
        ("refused", "x", None, None, "zz81kqpd88sk1lqw", "error: 0"),
        ("begun", "old@kitano-works.example", "2001:db8::44", None, "0a1b2c3d4e5f6071", None),
    ]
    assert told(found.events)[0]["time"] == milliseconds("2026-11-23T10:00:00+01:00")


def test_through_syslog() -> None:
    """With the syslog driver the same words have a frame of syslog."""
    line = b"Nov 23 10:00:00 web roundcube: <8mkq1v0c> Failed login for bob from 192.0.2.1 in session s (error: 0)\n"
    (refused,) = told(read(line, framing="auto").events)
    assert (refused["name"], refused["address"]) == ("bob", "192.0.2.1")


@pytest.mark.parametrize(
    "line",
    [
        b"[23-Nov-2026 10:00:00 +0100]: Failed login for bob from nowhere in session s (error: 0)\n",
        b"[23-Foo-2026 10:00:00 +0100]: Failed login for bob from 192.0.2.1 in session s (error: 0)\n",
        b"Failed login for bob from 192.0.2.1\n",
    ],
)
def test_what_is_no_line_of_it_is_unread(line: bytes) -> None:
    """Without a date or an address a line is not guessed."""
    found = read(line)
    assert (found.events, len(found.unread)) == ([], 1)


def test_wrong_options_are_named() -> None:
    """An option that the format does not have is an error of the configuration."""
    with pytest.raises(ConfigError):
        open_log("roundcube", About(options={"colour": "red"}))
