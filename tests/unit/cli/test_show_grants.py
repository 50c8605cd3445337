"""How the applications that reach an account's mail are shown."""

from datetime import UTC, datetime, timedelta
from typing import Any

from postwarden.cli.show_grants import grant_lines, grant_object
from postwarden.model.application import Application, Dated, FirstSeen
from postwarden.model.encoding import encode
from postwarden.model.evidence import Grant
from postwarden.model.scope import account_scope
from postwarden.pipeline.applications import applications
from tests.unit.grants.tables import TABLES

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
NOBODY: frozenset[str] = frozenset()


def grant(name: str, *scopes: str, **fields: Any) -> Grant:
    given: dict[str, Any] = {
        "scope": account_scope("graph:1"), "source": "m365", "check": "grants", "observed": NOW,
        "provider": "graph", "grant_type": "delegated", "resource": "Microsoft Graph", "scopes": scopes,
        "application": Application(id=f"id of {name}", name=name, publisher_verified=False), **fields,
    }  # fmt: skip
    return Grant(**given)


def text(*grants: Grant, seen: dict[Any, FirstSeen] | None = None) -> str:
    return "\n".join(grant_lines(applications(grants, TABLES, NOBODY, seen or {}), "a@example.org"))


def test_the_riskiest_comes_first_with_its_reasons() -> None:
    """Each application has its risk, what it may do where, and, unless harmless, every factor in a sentence."""
    told = text(grant("Quiz", "User.Read"), grant("Reader", "Mail.Read", "offline_access"))
    assert told.startswith("grants: 2 reach a@example.org")
    assert told.index("Reader") < told.index("Quiz")
    assert "Microsoft Graph: Mail.Read offline_access" in told
    assert "nobody checked who publishes it" in told
    assert "  inventory 2: Quiz, acts for the person" in told
    assert "- " not in told.partition("Quiz")[2]


def test_what_one_application_has_on_two_resources_is_one() -> None:
    """Its grants stand below each other, and it is judged once."""
    told = text(grant("Reader", "Mail.Read"), grant("Reader", "EWS.AccessAsUser.All", resource="Exchange"))
    assert told.startswith("grants: 1 reach")
    assert "Exchange: EWS.AccessAsUser.All" in told


def test_an_application_without_a_grant_reaches_nobody() -> None:
    """One that is only registered is not told."""
    assert "no application that we could see" in text(grant("Reader", grant_type="registered"))


def test_since_when_and_who_says_so() -> None:
    """A date has its origin; without one, what we saw first, and whether that was our first look."""
    day = Dated(time=NOW - timedelta(days=3), origin="audit_log")
    one = grant("Reader", "Mail.Read", granted=day, granted_by="bob@example.org")
    assert "since 2026-11-20 12:00 UTC by the audit log, by bob@example.org; id id of Reader" in text(one)
    undated = grant("Reader", "Mail.Read")
    assert "since when, nobody tells" in text(undated)
    new, old = (FirstSeen(time=NOW, initial=initial) for initial in (False, True))
    assert "new since 2026-11-23" in text(undated, seen={undated.key: new})
    assert "before we first looked, 2026-11-23" in text(undated, seen={undated.key: old})
    (judged,) = applications([undated], TABLES, NOBODY, {undated.key: old})
    assert grant_object(judged, "a@example.org")["since_origin"] == "before_first_look"


def test_who_let_it_in_is_of_the_same_grant_as_the_date() -> None:
    """Of two grants the younger one's date is shown with who let in that one, or nobody."""
    old, new = (Dated(time=NOW - timedelta(days=days), origin="api") for days in (900, 3))
    first = grant("Reader", "Mail.Read", granted=old, granted_by="bob@example.org")
    for author, told in (("eve@example.org", ", by eve@example.org;"), (None, ";")):
        second = grant("Reader", "EWS.AccessAsUser.All", granted=new, granted_by=author, resource="Exchange")
        assert f"since 2026-11-20 12:00 UTC by the source{told}" in text(first, second)


def test_names_cannot_speak_to_the_terminal() -> None:
    """Escapes, line ends and direction marks in names, publishers, scopes and ids are shown as escapes."""
    evil = "x\x1b]0;owned\x07\u202e\ny"
    application = Application(id=evil, name=evil, publisher=evil)
    told = text(grant("", evil, application=application, resource=evil, granted_by=evil))
    assert not set(told) & {"\x1b", "\x07", "\u202e"}
    assert "\\u{1b}" in told
    (judged,) = applications([grant("", evil, application=application)], TABLES, NOBODY, {})
    assert encode(grant_object(judged, None)).isascii()
