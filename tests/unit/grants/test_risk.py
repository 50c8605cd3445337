"""Risk = reach x trust, with a sentence for each factor."""

from datetime import timedelta
from typing import Any

import pytest

from postwarden.grants.home import home_of
from postwarden.model.application import FirstSeen
from postwarden.model.evidence import Grant
from tests.unit.grants.made import MICROSOFT, NOW, ago, dated, everybody, factor, grant, judged, key
from tests.unit.grants.tables import TABLES, WEIGHTS, tables

MAIL = ("Mail.Read offline_access",)
MANY: dict[str, Any] = {"holders": 60, "population": 500}
ALONE: dict[str, Any] = {"holders": 1, "population": 500}


@pytest.mark.parametrize(
    ("one", "band"),
    [
        (grant(*MAIL, days=3, reply_urls=("http://localhost:7823/access",), **ALONE), "high"),
        (grant("Mail.ReadWrite", name="OneD\u0433ive", days=3), "high"),
        (
            grant("Mail.Read Calendars.Read", publisher_verified=True, days=500, holders=200, population=500),
            "low",
        ),
        (grant("openid profile User.Read", days=3, **ALONE), "inventory"),
        (everybody("Mail.Read", grant_type="application", publisher_verified=True, days=500), "low"),
        (
            grant(
                "IMAP.AccessAsUser.All SMTP.Send offline_access",
                publisher_verified=True,
                holders=30,
                population=500,
            ),
            "low",
        ),
        (
            grant("Mail.ReadWrite offline_access", id="27922004-5251-4030-b22d-91ecd9a37ea4", home_tenant=None),
            "inventory",
        ),
        (grant("EWS.AccessAsUser.All", id="e9a7fea1-1cc0-4cd9-a31b-9137ca5deedd", publisher_verified=True), "high"),
    ],
    ids=["fresh", "homoglyph", "common", "log-in", "backup", "mail program", "Outlook Mobile", "listed"],
)  # fmt: skip
def test_made_up_applications_are_in_their_bands(one: Grant, band: str) -> None:
    """Eight typical applications come out as a person would put them."""
    assert judged(one).band == band


def test_reach_adds_up_as_the_table_says() -> None:
    """The largest weight, a step for each further class, then persistence and everybody; 100 at most."""
    assert judged(grant("Mail.Read")).reach == 70
    assert judged(grant("Mail.Read openid email")).reach == 70
    assert judged(grant("Mail.Read Contacts.Read Calendars.Read")).reach == 80
    assert judged(grant("Calendars.Read offline_access")).reach == 31
    assert judged(grant("Contacts.Read offline_access")).reach == 44
    assert judged(grant("openid offline_access")).reach == 0
    assert factor(judged(grant("openid offline_access")), "offline") is None
    assert judged(everybody("Calendars.Read")).reach == 30
    assert judged(everybody("Mail.ReadWrite", grant_type="application")).reach == 100
    assert (
        judged(grant("Mail.ReadBasic"), grant("SMTP.Send", resource="Office 365 Exchange Online")).reach == 65
    )


#: One change each, the name of the factor that it brings, and whether the risk grows.
FACTORS: list[tuple[Grant, Grant, str, bool]] = [
    (grant("Calendars.Read"), grant("Calendars.Read", publisher_verified=True), "verified", False),
    (grant("Calendars.Read"), grant("Calendars.Read", own=True, home_tenant=None), "own", False),
    (grant("Calendars.Read"), grant("Calendars.Read", home_tenant=MICROSOFT), "first_party", False),
    (grant("Calendars.Read"), grant("Calendars.Read", days=3), "young", True),
    (grant("Calendars.Read"), grant("Calendars.Read", created=dated(3, "api")), "young", True),
    (grant("Calendars.Read"), grant("Calendars.Read", days=400), "old", False),
    (grant("Calendars.Read", days=400), grant("Calendars.Read", days=1200), "very_old", False),
    (grant("Calendars.Read"), grant("Calendars.Read", **ALONE), "rare", True),
    (grant("Calendars.Read"), grant("Calendars.Read", holders=12, population=500), "common", False),
    (grant("Calendars.Read"), grant("Calendars.Read", **MANY), "widespread", False),
    (
        grant("Calendars.Read"),
        grant("Calendars.Read", reply_urls=("http://localhost:1/access",)),
        "access_path",
        True,
    ),
    (grant("Calendars.Read"), grant("Calendars.Read", reply_urls=("https://x.ngrok.io",)), "tunnel", True),
    (
        grant("Calendars.Read", publisher="vendor.example"),
        grant("Calendars.Read", publisher="vendor.example", reply_urls=("https://other.example/",)),
        "other_domain",
        True,
    ),
    (grant("Calendars.Read"), grant("Calendars.Read", name="Adobe"), "name_brand", True),
    (grant("Calendars.Read"), grant("Calendars.Read", name="Test"), "name_test", True),
    (everybody("Calendars.Read"), everybody("Calendars.Read", credentials=(key(3),)), "credential", True),
    (grant("Calendars.Read"), grant("Calendars.Read offline_access"), "offline", True),
    (grant("Calendars.Read"), grant("Calendars.Read Contacts.Read"), "classes", True),
    (grant("Calendars.Read"), everybody("Calendars.Read"), "everybody", True),
]


@pytest.mark.parametrize(("before", "after", "name", "grows"), FACTORS, ids=[one[2] for one in FACTORS])
def test_every_factor_changes_the_risk_and_says_why(
    before: Grant, after: Grant, name: str, *, grows: bool
) -> None:
    """One thing more that is known moves the risk in its direction, and its sentence has its weight."""
    old, new = judged(before), judged(after)
    assert factor(old, name) is None
    found = factor(new, name)
    assert found is not None
    assert str(found.weight) in found.text()
    assert found.sentence in found.text()
    assert (new.risk > old.risk) is grows
    assert new.risk != old.risk


def test_what_is_vouched_for_is_not_counted_twice() -> None:
    """Age, many users and few users are told of an application that somebody stands for, and count nothing."""
    plain = judged(grant(*MAIL, publisher_verified=True))
    cases: dict[str, dict[str, Any]] = {"old": {"days": 400}, "widespread": MANY, "rare": ALONE}
    for name, more in cases.items():
        also = judged(grant(*MAIL, publisher_verified=True, **more))
        found = factor(also, name)
        assert found is not None
        assert found.effect == "told"
        assert also.risk == plain.risk


def test_who_has_had_it_alone_for_a_year_has_it_for_a_reason() -> None:
    """One user of an application without a checked publisher counts while it is not old."""
    effects = [factor(judged(grant(*MAIL, days=days, **ALONE)), "rare") for days in (100, 400)]
    assert [one and one.effect for one in effects] == ["times", "told"]


def test_a_key_is_a_matter_of_the_source() -> None:
    """In an account's grant an added key of the application counts nothing, for it is told in the source."""
    assert factor(judged(grant("Calendars.Read", credentials=(key(3),))), "credential") is None


def test_there_before_we_looked_is_unknown_age() -> None:
    """What was there at our first look is never young, old once we have watched it long enough; what came later is."""
    one = grant("Mail.Read")
    plain = judged(one).risk
    for days, initial, name in ((2, True, None), (400, True, "old"), (2, False, "young"), (100, False, None)):
        seen = {one.key: FirstSeen(time=ago(days), initial=initial)}
        found = judged(one, first_seen=seen)
        assert [f.name for f in found.factors if f.name in {"young", "old", "very_old"}] == (
            [name] if name else []
        )
        assert (found.risk == plain) is (name is None)


def test_since_when_and_who_else_are_always_told() -> None:
    """Also where they count nothing: an age between young and old, one that is not known, and a few holders."""
    one = grant("Mail.Read", days=100, holders=3, population=500)
    told = [found.text() for found in judged(one).factors]
    assert "it has been here for 100 days (the audit log says)" in told
    assert "3 of 500 accounts have it" in told
    assert "since when it is here, nobody tells" in [
        found.text() for found in judged(grant("Mail.Read")).factors
    ]


def test_a_new_consent_to_what_was_there_is_no_youth() -> None:
    """What we saw there 300 days ago is not young for having been let in again, and both are told."""
    one = grant("Mail.Read", days=2)
    found = judged(one, first_seen={one.key: FirstSeen(time=ago(300), initial=True)})
    assert factor(found, "young") is None
    told = factor(found, "age")
    assert told is not None
    assert "it was here 300 days ago" in told.sentence
    assert "let in once more 2 days ago" in told.sentence


def test_a_consent_soon_after_we_first_looked_is_young() -> None:
    """What was there for less than a youth's days, or of Google was perhaps taken away in between, is young."""
    for provider, days in (("graph", 20), ("google", 300)):
        one = grant("Mail.Read", days=2, provider=provider)
        young = factor(judged(one, first_seen={one.key: FirstSeen(time=ago(days), initial=True)}), "young")
        assert young is not None
        assert f"and is known here for at least {days} days (we saw it first)" in young.sentence


def test_a_new_harmless_resource_makes_no_access_to_mail_young() -> None:
    """An application that has reached mail for long is not young for what else it was let in to today."""
    mail, other = grant("Mail.Read", days=100), grant("User.Read", days=0, resource="other")
    assert factor(judged(mail, other), "young") is None
    turned = judged(grant("User.Read", days=100, resource="other"), grant("Mail.Read", days=2))
    young = factor(turned, "young")
    assert young is not None
    assert young.sentence == (
        "it was let in 2 days ago (the audit log says), and is known here for 100 days (the audit log says)"
    )


def test_a_clock_that_is_ahead_makes_young() -> None:
    """A consent dated a little after we read it is 0 days old."""
    found = judged(grant("Mail.Read", granted=dated(-1)))
    assert found.age is not None
    assert found.age.days == 0


def test_the_youngest_of_several_grants_counts() -> None:
    """A new resource on an old application is a new consent."""
    found = judged(grant("Calendars.Read", days=900), grant("Mail.Read", days=2, resource="other"))
    assert factor(found, "young") is not None
    assert (
        judged(grant("Mail.Read", last_used=dated(9)), grant("SMTP.Send", last_used=dated(2))).unused_days
        == 2
    )


def test_many_users_say_nothing_where_one_administrator_decided() -> None:
    """A consent for everybody has everybody for its users, which is no sign of trust."""
    found = judged(everybody("Mail.Read", holders=500, population=500))
    assert factor(found, "widespread") is None
    assert found.prevalence == 100


def test_a_house_of_five_is_no_population() -> None:
    """One of five, or four of five, says nothing."""
    assert judged(grant("Mail.Read", holders=1, population=5)).trust == 110
    assert judged(grant("Mail.Read", holders=4, population=5)).trust == 110


@pytest.mark.parametrize(
    ("one", "wanted"),
    [
        (grant(home_tenant=MICROSOFT.upper()), "first_party"),
        (grant(home_tenant=MICROSOFT, name="Test"), "first_party"),
        (grant(id="27922004-5251-4030-b22d-91ecd9a37ea4", home_tenant=None, own=None), "first_party"),
        (grant(name="Microsoft Outlook", publisher="Microsoft"), "foreign"),
        (grant(own=True), "own"),
        (grant(own=None, home_tenant=None), "unknown"),
        (grant(own=None), "foreign"),
        (grant(provider="keycloak", id="webmail", home_tenant=None, own=None), "own"),
        (grant(provider="keycloak", id="admin-cli", grant_type="client", home_tenant=None), "first_party"),
        (grant(provider="keycloak", id="admin-cli", grant_type="offline_session", home_tenant=None), "own"),
        (grant(provider="exchange", grant_type="add_in", publisher="Microsoft", home_tenant=None), "unknown"),
    ],
)
def test_whose_it_is_follows_from_tenant_and_id(one: Grant, wanted: str) -> None:
    """Never from a name, which its author chose."""
    assert home_of(one, WEIGHTS, TABLES.catalogue) == wanted


def test_a_listed_id_decides() -> None:
    """Critical and high on a list are the largest risk whatever else is known; medium is told, and moves nothing."""
    bad = judged(grant("openid", id="5037C1A6-7CFC-48B5-B887-F2A045937081", publisher_verified=True))
    assert (bad.risk, bad.band) == (100, "high")
    noted = judged(grant("openid", id="62db40a4-2c7e-4373-a609-eda138798962"))
    found = factor(noted, "dual_use")
    assert noted.risk == 0
    assert found is not None
    assert "oauthsentry of 2026-08-22" in found.text()


def test_trap_7_the_providers_own_is_not_rogue_by_a_list() -> None:
    """Azure CLI stands on a list of risky ones, which is a sign for log-ins: its grant is inventory."""
    found = judged(grant("User.Read", id="04b07795-8ddb-461a-bbee-02f9e1bf7b46", home_tenant=MICROSOFT))
    assert (found.home, found.risk) == ("first_party", 0)
    assert factor(found, "dual_use") is None


def test_the_administrators_lists_are_told_apart() -> None:
    """Ids are compared without regard to case, and do not change the number."""
    listed = tables(block=frozenset({"2f6f0c4b-8a8b-4d0c-9a67-0c6f8a7b5e10"}))
    one = grant("Mail.Read", id="2F6F0C4B-8A8B-4D0C-9A67-0C6F8A7B5E10")
    assert judged(one, tables=listed).listed == "block"
    assert judged(one, tables=listed).risk == judged(one).risk
    assert judged(one, tables=tables(allow=listed.block)).listed == "allow"


def test_numbers_are_whole_and_bounded() -> None:
    """However much comes together, risk and reach stay within 100."""
    worst = grant(
        "Mail.ReadWrite MailboxSettings.ReadWrite Files.Read.All Directory.AccessAsUser.All offline_access",
        name="Mi\u0441rosoft", days=0, reply_urls=("http://198.51.100.7", "https://x.ngrok.io"), **ALONE,
    )  # fmt: skip
    found = judged(worst)
    assert (found.reach, found.risk) == (100, 100)
    assert all(isinstance(one.weight, int) for one in found.factors)


def test_the_evidences_own_time_is_the_clock() -> None:
    """The same grant, observed a year later, is a year older."""
    one = grant("Mail.Read", days=3)
    later = grant("Mail.Read", granted=one.granted, observed=NOW + timedelta(days=400))
    assert judged(later).risk < judged(one).risk
