"""Grants as published cases have them, and odd ones that are harmless: what the shipped rules make of both together."""

from pathlib import Path
from typing import Any

import pytest

from postwarden.config.settings import Config
from postwarden.model.address import Domains
from postwarden.model.application import Owner
from postwarden.model.evidence import Grant
from postwarden.model.finding import Finding, at_least
from postwarden.pipeline.inspect import Material
from postwarden.pipeline.judge import judge, load_rules
from tests.unit.grants.made import MICROSOFT, dated, everybody, grant, key

BOOK = load_rules(Config(path=Path("agent.toml")))
DOMAINS = Domains(internal=("example.org",))
NAMES = frozenset({"alice example", "alice@example.org"})
FEW: dict[str, Any] = {"holders": 2, "population": 500}
ALONE: dict[str, Any] = {"holders": 1, "population": 500}
GMAIL: dict[str, Any] = {
    "provider": "google", "resource": "", "publisher_verified": None, "home_tenant": None, "own": None,
}  # fmt: skip
REALM: dict[str, Any] = {**GMAIL, "provider": "keycloak", "resource": "example", "population": 100}
OWN: dict[str, Any] = {"own": True, "home_tenant": None}
FIRST: dict[str, Any] = {"home_tenant": MICROSOFT, "publisher_verified": None}

BAD = {
    "consent phishing by a homoglyph": grant("Mail.Read offline_access", name="Sha\u0433ePoint Online", days=2, **FEW),
    "consent phishing by a brand": grant("Mail.ReadWrite Contacts.Read offline_access", name="DocuSign", days=9, **FEW),
    "a loopback address of MACT 1445": grant(
        "Mail.Read MailboxSettings.ReadWrite offline_access", reply_urls=("http://localhost:7823/access",), **ALONE
    ),
    "a listed mail program": grant(
        "EWS.AccessAsUser.All offline_access", name="eM Client", publisher_verified=True,
        id="e9a7fea1-1cc0-4cd9-a31b-9137ca5deedd", **ALONE,
    ),
    "a listed archiver": grant(
        "EWS.AccessAsUser.All", name="PERFECTDATA SOFTWARE", id="ff8d92dc-3d82-41d6-bcbd-b9174d163620", **ALONE
    ),
    "a reader of all mail with a new secret": everybody(
        "Mail.Read", grant_type="application", **OWN, days=700, credentials=(key(4, 700), key(600, 400))
    ),
    "a consent for everybody": everybody("Mail.ReadWrite offline_access", consent="administrator", days=3),
    "a key on Microsoft's own": everybody(grant_type="registered", credentials=(key(2, 700),), **FIRST),
    "an owner on Microsoft's own": everybody(
        grant_type="registered", owners=(Owner(name="eve@example.org", added=dated(1)),), **FIRST
    ),
    "a stranger's reader after a device code": grant("Mail.Read Mail.Send offline_access", days=1, **ALONE),
    "a tool of Microsoft after a device code": grant(
        "Mail.ReadWrite offline_access", days=1, consent="user", **FIRST, **ALONE
    ),
    "a vendor of backups that is none": everybody("Mail.ReadWrite", grant_type="application", name="Veeam Backup", days=8),
    "all of Gmail": grant("https://mail.google.com/", **GMAIL, days=6, name="Mail Organizer", **ALONE),
    "all of a domain": everybody("https://mail.google.com/", **GMAIL, grant_type="domain_wide", days=6),
    "an offline session that nobody else has": grant(
        "openid offline_access", **REALM, grant_type="offline_session", id="sync", holders=1
    ),
    "a new app password": grant(**GMAIL, grant_type="app_password", id="17", name="iPhone", days=2),
    "called like its victim": grant("Mail.Read", name="Alice Example", days=5, **ALONE),
    "dots for a name": grant("Mail.Read offline_access", name="....", days=5, **ALONE),
    "through a tunnel, of a checked publisher": grant(
        "Mail.Read", publisher_verified=True, reply_urls=("https://a.ngrok-free.app/cb",), days=5, **ALONE
    ),
    "may make itself administrator": everybody("RoleManagement.ReadWrite.Directory", grant_type="application", days=5),
}  # fmt: skip

HARMLESS = {
    "in-house on loopback": grant(
        "Mail.Read offline_access", **OWN, days=9, reply_urls=("http://localhost:8080/access",), **ALONE
    ),
    "Japanese": grant(
        "Mail.Read offline_access", name="\u7d4c\u8cbb\u7cbe\u7b97 for Outlook", days=200, holders=60, population=500
    ),
    "a roll-out to many": grant("Mail.ReadWrite offline_access", publisher_verified=True, days=4, holders=300, population=500),
    "a roll-out by consent for everybody": everybody(
        "Mail.ReadWrite offline_access", publisher_verified=True, days=4, consent="administrator"
    ),
    "a roll-out without a checked publisher": grant("Mail.Read offline_access", days=6, holders=120, population=500),
    "a mail program": grant(
        "IMAP.AccessAsUser.All SMTP.Send offline_access", publisher_verified=True, holders=30, population=500
    ),
    "a mail program that one tries": grant(
        "IMAP.AccessAsUser.All SMTP.Send offline_access", publisher_verified=True, days=2, **ALONE
    ),
    "a vendor of backups": everybody(
        "Mail.ReadWrite full_access_as_app", grant_type="application", name="Veeam Backup", publisher_verified=True,
        days=1400, credentials=(key(1400, 300),),
    ),
    "a vendor of backups, never checked": everybody(
        "Mail.Read", grant_type="application", name="Postarchiv Nord", days=1600
    ),
    "a test without mail": grant("Calendars.Read offline_access", name="Test", days=3, **ALONE),
    "secrets that have ended": everybody(
        "Mail.Read", grant_type="application", **OWN, days=900, credentials=(key(10, -2), key(700, -100))
    ),
    "rotation": everybody(
        "Mail.Read", grant_type="application", **OWN, days=900, credentials=(key(5, 700), key(720, 10))
    ),
    "Azure CLI": grant("User.Read.All", name="Azure CLI", id="04b07795-8ddb-461a-bbee-02f9e1bf7b46", **FIRST, **ALONE),
    "Outlook Mobile": grant(
        "Mail.ReadWrite offline_access", id="27922004-5251-4030-b22d-91ecd9a37ea4", **FIRST, holders=400, population=500
    ),
    "a log-in only": grant("openid profile email offline_access User.Read", days=1, **ALONE),
    "a calendar that one tries": grant("Calendars.ReadWrite offline_access", days=3, **ALONE),
    "headers only": grant("Mail.ReadBasic", days=3, holders=5, population=500),
    "old, and a few have it": grant("Mail.Read offline_access", days=900, holders=4, population=500),
    "in-house, sends": everybody("Mail.Send", grant_type="application", **OWN, days=40, credentials=(key(40, 600),)),
    "in-house, for everybody": everybody("Mail.Read offline_access", **OWN, days=3, consent="administrator"),
    "a key for logging people in": everybody(
        grant_type="registered", **OWN, credentials=(key(3, 900, type="certificate"),)
    ),
    "switched off": grant("Mail.ReadWrite offline_access", days=3, enabled=False, **ALONE),
    "Gmail in a mail program": grant("https://mail.google.com/", **GMAIL, holders=40, population=500),
    "Gmail for years": grant("https://mail.google.com/", **GMAIL, days=800, **ALONE),
    "a domain's backup": everybody("https://mail.google.com/", **GMAIL, grant_type="domain_wide", days=1300),
    "Drive of an add-on": grant("https://www.googleapis.com/auth/drive.file openid", **GMAIL, days=3, **ALONE),
    "an old app password": grant(**GMAIL, grant_type="app_password", id="9", name="Scanner", days=700),
    "webmail in the realm": everybody(
        "openid imap offline_access", **REALM, grant_type="client", id="webmail", consent="none"
    ),
    "webmail's sessions": grant(
        "openid imap offline_access", **REALM, grant_type="offline_session", id="webmail", holders=70
    ),
    "the realm's own client": everybody("openid", **REALM, grant_type="client", id="account-console", consent="none"),
    "an add-in": grant(
        "ReadWriteItem", provider="exchange", grant_type="add_in", publisher="Vendor", publisher_verified=None,
        home_tenant=None, own=None,
    ),
    "Greek": grant("Mail.Send", name="\u0391\u03b8\u03ae\u03bd\u03b1 Mail", publisher_verified=True, holders=9, population=500),
    "for Outlook": grant("Mail.Read", name="Zoom for Outlook", publisher_verified=True, days=3, holders=9, population=500),
    "unused": grant("Mail.Read offline_access", publisher_verified=True, last_used=dated(300), **FEW),
    "files by choice": grant("Files.Read.Selected User.Read", days=3, **ALONE),
    "reads the directory": everybody("User.Read.All Group.Read.All", grant_type="application", days=30),
}  # fmt: skip


def found(one: Grant) -> tuple[Finding, ...]:
    return judge(Material(evidence=(one,), gaps=()), None, DOMAINS, BOOK, names=NAMES)


def telling(one: Grant) -> list[str]:
    return [finding.name for finding in found(one) if at_least(finding.level, "medium")]


@pytest.mark.parametrize("case", BAD)
def test_a_case_that_was_published_is_a_finding(case: str) -> None:
    """It is one of medium or higher, and one story has one."""
    assert len(telling(BAD[case])) == 1


@pytest.mark.parametrize("case", HARMLESS)
def test_what_is_odd_and_harmless_is_none(case: str) -> None:
    """It may be low or inventory."""
    assert telling(HARMLESS[case]) == []


@pytest.mark.parametrize("case", [*BAD, *HARMLESS])
def test_every_finding_on_a_grant_says_why_and_what_to_do(case: str) -> None:
    """The risk is followed by its factors, and the advice begins with preserving and ends with resetting."""
    for finding in found({**BAD, **HARMLESS}[case]):
        risk = next(number for number, text in enumerate(finding.why) if text.startswith("risk "))
        assert len(finding.why) > risk + 1
        assert finding.advice[0].startswith("preserve first")
        assert finding.advice[-1].startswith("then reset")
