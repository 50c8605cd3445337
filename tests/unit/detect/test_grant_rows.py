"""What rules see of grants, and what findings will say about them."""

from collections.abc import Sequence
from pathlib import Path

from postwarden.config.settings import Config
from postwarden.detect.row import Row
from postwarden.detect.rows import rows
from postwarden.detect.verdict import verdicts
from postwarden.findings.life import differences
from postwarden.model.application import FirstSeen, Owner
from postwarden.model.evidence import Grant
from postwarden.model.finding import CheckRef, Finding
from postwarden.pipeline.judge import load_rules
from tests.unit.detect.conftest import context
from tests.unit.grants.made import MICROSOFT, NOW, ago, everybody, grant, key
from tests.unit.grants.tables import tables

RULES = load_rules(Config(path=Path("agent.toml"))).rules
EXO = "Office 365 Exchange Online"
BAD = "2f6f0c4b-8a8b-4d0c-9a67-0c6f8a7b5e10"


def rowed(*grants: Grant, **fields: object) -> list[Row]:
    return list(rows(grants, context(**fields)))  # type: ignore[arg-type]  # fields of Context


def found(*grants: Grant, **fields: object) -> dict[str, Finding]:
    return {one.name: one for one in verdicts(rowed(*grants, **fields), RULES)}


def test_resources_of_one_application_are_one_story() -> None:
    """Two resources are two rows of one subject, judged together: persistence on one counts for the other."""
    one, two = rowed(grant("offline_access openid"), grant("IMAP.AccessAsUser.All", resource=EXO))
    assert one.subject == two.subject == ("grant", "delegated", BAD)
    assert (one.values["resource"], two.values["resource"]) == ("Microsoft Graph", EXO)
    assert one.values["scope_classes"] == ("identity", "persist")
    assert two.values["scope_classes"] == ("mail_full",)
    assert one.values["mail"] is two.values["mail"] is one.values["offline"] is two.values["offline"] is True
    assert one.values["risk"] == two.values["risk"]
    assert "has offline_access, openid on Microsoft Graph" in one.sentences[0]
    assert f"has IMAP.AccessAsUser.All on {EXO}" in two.sentences[0]
    finding = found(grant("offline_access openid"), grant("IMAP.AccessAsUser.All", resource=EXO))
    assert list(finding) == ["unknown_offline_mail"]
    facts = {fact.name: fact.values for fact in finding["unknown_offline_mail"].facts}
    assert facts["scopes on Microsoft Graph"] == ("offline_access openid",)
    assert facts[f"scopes on {EXO}"] == ("IMAP.AccessAsUser.All",)


def test_a_finding_tells_every_factor_and_how_to_revoke() -> None:
    """The risk is never told alone: each factor has its sentence, and the advice is in the right order."""
    (finding,) = found(grant("Mail.Read offline_access", days=3, holders=1, population=500)).values()
    why = "\n".join(finding.why)
    for words in (
        '"Planner for teams of five"', "risk 100 of 100 (high)", "read mail", "nobody is logged in",
        "nobody checked who publishes it", "let in 3 days ago (the audit log says)", "no other of 500 accounts",
    ):  # fmt: skip
        assert words in why
    assert finding.advice[0].startswith("preserve first")
    assert any("oauth2PermissionGrants" in one for one in finding.advice)
    assert finding.checks == (CheckRef(source="graph", check="grants"),)


def test_a_change_is_told_in_words() -> None:
    """A new scope, key, owner or address changes the finding; another holder or a day more does not."""
    before = found(grant("Mail.Read offline_access", days=3, holders=2, population=500))
    same = found(grant("Mail.Read offline_access", days=4, holders=3, population=501))
    name = "unknown_offline_mail"
    assert not tuple(differences(before[name], same[name]))
    for changed in (
        grant("Mail.ReadWrite offline_access", days=3),
        grant("Mail.Read offline_access", days=3, reply_urls=("https://x.example/",)),
        grant("Mail.Read offline_access", days=3, publisher="Another"),
        grant("Mail.Read offline_access", days=3, credentials=(key(400),)),
        grant("Mail.Read offline_access", days=3, owners=(Owner(name="eve"),)),
    ):
        assert tuple(differences(before[name], found(changed)[name]))


def test_who_consented_is_a_change_only_where_it_is_always_told() -> None:
    """An audit log that forgets who consented for one account opens no acknowledgement again."""
    name = "unknown_offline_mail"
    told = found(grant("Mail.Read offline_access", days=3, consent="user"))[name]
    assert not tuple(differences(told, found(grant("Mail.Read offline_access", days=3))[name]))
    by_owner, by_administrator = (
        found(grant("Mail.Read offline_access", days=3, provider="google", consent=consent))
        for consent in ("user", "administrator")
    )
    for one, other in zip(by_owner.values(), by_administrator.values(), strict=True):
        assert tuple(differences(one, other))


def test_keys_are_told_once() -> None:
    """An application with several kinds of grants has its key found once, in the first of them, and in no account."""
    secret = (key(3, 700),)
    of_source: Sequence[Grant] = (
        everybody("Mail.Read", credentials=secret),
        everybody("Mail.Read", grant_type="application", credentials=secret),
    )
    for order in (of_source, of_source[::-1]):
        by_type = {row.values["grant_type"]: row.values for row in rowed(*order)}
        assert by_type["application"]["credentials_added"] == 1
        assert by_type["delegated"]["credentials_added"] is None
    (row,) = rowed(grant("Mail.Read", credentials=secret))
    assert row.values["credentials_added"] is None
    assert not any("log in by itself" in sentence for sentence in row.sentences)


def test_a_key_of_microsofts_own_application_is_a_finding_without_a_grant() -> None:
    """The application is known only by its key, and the key's id is in the advice."""
    one = everybody(
        grant_type="registered",
        id="00000002-0000-0ff1-ce00-000000000000",
        home_tenant=MICROSOFT,
        credentials=(key(3, 700),),
    )
    (finding,) = found(one).values()
    assert (finding.name, finding.level) == ("first_party_credential", "high")
    assert any("by their ids (k3)" in step for step in finding.advice)


def test_what_is_allowed_is_inventory_and_its_keys_are_not() -> None:
    """An allowed application's grant is informational, and a changed scope changes that; a key is a finding."""
    allow = tables(allow=frozenset({BAD}))
    plain = found(grant("Mail.Read", name="Adobe", days=1), grants=allow)
    assert {name: one.level for name, one in plain.items()} == {"allowed_application": "informational"}
    more = found(grant("Mail.ReadWrite", name="Adobe", days=1), grants=allow)
    assert tuple(differences(plain["allowed_application"], more["allowed_application"]))
    keyed = found(everybody("Mail.Read", grant_type="application", credentials=(key(3),)), grants=allow)
    assert keyed["foreign_credential_added"].level == "high"


def test_what_is_blocked_is_high_at_once() -> None:
    """Whatever it may do."""
    block = tables(block=frozenset({BAD}))
    assert {one.level for one in found(grant("openid"), grants=block).values()} == {"high"}


def test_people_and_first_sight_come_from_the_context() -> None:
    """A name is compared with those of people here, and an age without a date is that of our first sight."""
    one = grant("Mail.Read", name="Alice Example")
    (row,) = rowed(
        one,
        names=frozenset({"alice example"}),
        first_seen={one.key: FirstSeen(time=ago(5), initial=False)},
    )
    assert row.values["name_flags"] == ("user_name",)
    assert (row.values["age_days"], row.values["age_origin"], row.values["young"]) == (5, "first_seen", True)
    (row,) = rowed(one, first_seen={one.key: FirstSeen(time=ago(5), initial=True)})
    assert (row.values["age_days"], row.values["age_origin"], row.values["young"]) == (
        None,
        "first_seen",
        None,
    )
    (row,) = rowed(one)
    assert (row.values["age_days"], row.values["age_origin"]) == (None, None)


def test_who_vouches_settles_whose_name_it_is() -> None:
    """A brand's own application is not called after a brand; odd letters stay odd whoever vouches."""
    (row,) = rowed(grant("Mail.Read", name="DocuSign", publisher_verified=True))
    assert row.values["name_flags"] == ()
    (row,) = rowed(grant("Mail.Read", name="Do\u0441uSign", publisher_verified=True))
    assert row.values["name_flags"] == ("letters",)
    assert row.values["name_misleads"] is True
    (row,) = rowed(
        grant("Mail.Read", name="Alice Example", own=True, home_tenant=None),
        names=frozenset({"alice example"}),
    )
    assert row.values["name_flags"] == ("user_name",)
    assert row.values["name_misleads"] is False


def test_a_hostile_application_is_bounded() -> None:
    """Names of a million characters, thousands of addresses and scopes give a finding that fits into a record."""
    one = grant(
        *(f"Mail.Read.{number}" for number in range(5_000)),
        name="\u202e" + "\U0001f600" * 1_000_000,
        publisher="p" * 1_000_000,
        reply_urls=tuple(f"http://h{number}.example/" + "x" * 1_000 for number in range(2_000)),
        credentials=tuple(key(number) for number in range(500)),
        observed=NOW,
    )
    (finding,) = found(one).values()
    assert finding.level == "high"
    assert all(len(sentence) <= 700 for sentence in finding.why)
