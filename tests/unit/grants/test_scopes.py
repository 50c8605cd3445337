"""What scopes allow."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postwarden.grants.scopes import MAX_CHARACTERS, MAX_SCOPES, scope_facts
from tests.unit.grants.made import everybody, grant
from tests.unit.grants.tables import WEIGHTS


@pytest.mark.parametrize(
    "written",
    [
        ("Mail.Read offline_access",),
        ("  Mail.Read   offline_access ",),
        ("mail.read\tOFFLINE_ACCESS",),
        ("https://graph.microsoft.com/Mail.Read", "offline_access"),
        ("https://outlook.office.com/mail.read offline_access",),
        ("offline_access", "Mail.Read", "Mail.Read"),
    ],
)
def test_scopes_are_read_as_they_are_written(written: tuple[str, ...]) -> None:
    """Spaces too many, any case, the resource's address before the name and repetition change nothing."""
    found = scope_facts(grant(*written), WEIGHTS)
    assert found.classes == ("mail_read", "persist")
    assert found.weight == 70
    assert (found.mail, found.writes, found.offline) == (True, False, True)
    assert found.unknown == ()


@pytest.mark.parametrize(
    ("scope", "resource", "wanted"),
    [
        ("Sensor.Read", "Microsoft Graph", "unknown"),
        ("Sensor.Read", "Office 365 Exchange Online", "mail_unknown"),
        ("Sensor.Read", "00000002-0000-0FF1-CE00-000000000000", "mail_unknown"),
        ("Mail.Everything", "Microsoft Graph", "mail_unknown"),
        ("IMAP.Something", "Microsoft Graph", "mail_unknown"),
        ("https://outlook.office.com/Sensor.Read", "", "mail_unknown"),
    ],
)
def test_an_unknown_scope_is_not_harmless(scope: str, resource: str, wanted: str) -> None:
    """What the table does not know has a weight, a larger one where mail is near, and is told."""
    found = scope_facts(grant(scope, resource=resource), WEIGHTS)
    assert found.classes == (wanted,)
    assert found.unknown == (scope,)
    assert found.mail is (wanted == "mail_unknown")
    assert found.weight == (60 if wanted == "mail_unknown" else 20)


def test_an_application_by_itself_has_larger_weights() -> None:
    """The same scope weighs more where it is to all mailboxes; one known only for persons is put up by a step."""
    assert scope_facts(everybody("Mail.Read", grant_type="application"), WEIGHTS).weight == 95
    assert scope_facts(everybody("Mail.Read.Shared", grant_type="application"), WEIGHTS).weight == 95
    assert scope_facts(everybody("Notes.Read", grant_type="application"), WEIGHTS).weight == 60
    assert scope_facts(grant("full_access_as_app"), WEIGHTS).weight == 80
    assert scope_facts(everybody("openid", grant_type="application"), WEIGHTS).weight == 0


def test_the_heaviest_scope_of_a_class_counts() -> None:
    """In whatever order they stand."""
    assert scope_facts(grant("Mail.Read.Shared Mail.Read"), WEIGHTS).weight == 75
    assert scope_facts(grant("Mail.Read Mail.Read.Shared"), WEIGHTS).weight == 75


@pytest.mark.parametrize(
    ("fields", "scopes", "classes", "weight"),
    [
        ({"provider": "exchange", "grant_type": "application"}, ("Application Mail.ReadWrite",), ("mail_full",), 100),
        ({"provider": "exchange", "grant_type": "application"}, ("Application Mail Full Access",), ("mail_full",), 100),
        ({"provider": "exchange", "grant_type": "add_in"}, ("ReadWriteMailbox",), ("mail_full",), 75),
        ({"provider": "google", "grant_type": "domain_wide"}, ("https://mail.google.com/",), ("mail_full",), 95),
        ({"provider": "google", "grant_type": "app_password"}, (), ("password",), 85),
        ({"provider": "keycloak", "grant_type": "offline_session"}, ("openid email",), ("identity", "session"), 50),
        ({"provider": "keycloak", "resource": "realm"}, ("openid imap",), ("identity", "mail_full"), 75),
    ],
)  # fmt: skip
def test_every_provider_has_its_own_words(
    fields: dict[str, str], scopes: tuple[str, ...], classes: tuple[str, ...], weight: int
) -> None:
    """Exchange's roles, Google's addresses, Keycloak's names, and what has no scope at all."""
    found = scope_facts(grant(*scopes, **fields), WEIGHTS)
    assert found.classes == classes
    assert found.weight == weight


@given(st.lists(st.text(max_size=60), max_size=20))
def test_no_scope_crashes(scopes: list[str]) -> None:
    """Any text may stand for a scope."""
    found = scope_facts(grant(*scopes), WEIGHTS)
    assert 0 <= found.weight <= 100


def test_many_and_long_scopes_are_bounded() -> None:
    """Beyond a bound scopes are counted, not looked at, and a long one is cut."""
    found = scope_facts(grant(*(f"s{number}" for number in range(MAX_SCOPES + 7)), "x" * 1_000_000), WEIGHTS)
    assert len(found.names) == MAX_SCOPES
    assert found.left_out == 8
    (long,) = scope_facts(grant("x" * 1_000_000), WEIGHTS).names
    assert len(long) == MAX_CHARACTERS
