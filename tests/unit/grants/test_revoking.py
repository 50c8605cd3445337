"""How a grant is taken back."""

from typing import Any, get_args

import msgspec
import pytest

from postwarden.grants.credentials import keys
from postwarden.grants.revoking import steps
from postwarden.model.application import Owner
from postwarden.model.evidence import Grant, GrantType
from tests.unit.grants.made import NOW, everybody, grant, key
from tests.unit.grants.tables import WEIGHTS

ID = "2f6f0c4b-8a8b-4d0c-9a67-0c6f8a7b5e10"


def told(one: Grant, home: Any = "foreign") -> tuple[str, ...]:
    return steps(one, keys(one.application, NOW, WEIGHTS.limits), home)


@pytest.mark.parametrize("provider", ["graph", "google", "keycloak", "exchange"])
@pytest.mark.parametrize("grant_type", get_args(GrantType))
def test_the_order_loses_no_evidence(provider: str, grant_type: str) -> None:
    """For every provider and kind: preserve first, reset last, and what to revoke between."""
    found = told(grant("Mail.Read", provider=provider, grant_type=grant_type))
    assert found[0].startswith("preserve first: ")
    assert found[-1].startswith("then reset ")
    between = [one for one in found[1:-1] if one.startswith(("then revoke: ", "if nobody needs"))]
    assert between
    assert not any(one.startswith(("preserve", "then reset")) for one in found[1:-1])


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (grant("Mail.Read"), ("DELETE /oauth2PermissionGrants/{id}", "User consent", "revokeSignInSessions")),
        (everybody("Mail.Read"), ("DELETE /oauth2PermissionGrants/{id}", "Admin consent")),
        (everybody("Mail.Read", grant_type="application"), ("appRoleAssignedTo", "accountEnabled false")),
        (
            everybody(grant_type="registered", credentials=(key(3),), owners=(Owner(name="eve"),)),
            ("removePassword", "by their ids (k3)", "owners/{id}/$ref", f"appId='{ID}'"),
        ),
        (grant("x", provider="google"), (f"tokens.delete with clientId {ID}", "users.signOut")),
        (grant(provider="google", grant_type="app_password", id="17"), ("asps.delete with codeId 17",)),
        (everybody("x", provider="google", grant_type="domain_wide"), ("Domain-wide delegation", ID)),
        (grant("x", provider="keycloak", id="tool"), ("Consents > tool > Revoke", "consents/{client}")),
        (grant("x", provider="keycloak", grant_type="offline_session", id="tool"), ("isOffline=true",)),
        (everybody("x", provider="keycloak", grant_type="client", id="tool"), ("Consent required: On",)),
        (grant("x", provider="exchange", grant_type="add_in", id="a1"), ("Remove-App", "-Identity a1")),
        (everybody("x", provider="exchange", grant_type="application"), ("Remove-ManagementRoleAssignment",)),
    ],
)
def test_the_step_is_the_providers_own(one: Grant, words: tuple[str, ...]) -> None:
    """The place in the console or the call that takes this kind of grant back, with the id that it needs."""
    text = "\n".join(told(one))
    assert [word for word in words if word not in text] == []


def test_the_providers_own_application_is_never_switched_off() -> None:
    """Of Microsoft's own application the key is removed; switching it off would stop the service for everybody."""
    one = everybody(grant_type="registered", credentials=(key(3),))
    assert "accountEnabled" not in "\n".join(told(one, "first_party"))
    assert "removePassword" in "\n".join(told(one, "first_party"))
    assert "accountEnabled" in "\n".join(told(one, "foreign"))


def test_an_account_is_not_reset_for_what_an_administrator_let_in() -> None:
    """Who let it in is named, where it is told."""
    assert "(admin@example.org)" in told(everybody("Mail.Read", granted_by="admin@example.org"))[-1]
    assert "new password alone does not end" in told(grant("Mail.Read"))[-1]


def test_an_app_password_is_named_as_googles_interface_takes_it() -> None:
    """Its number alone, without the word that sets it apart here."""
    one = grant(provider="google", grant_type="app_password", id="app-password:4")
    assert "asps.delete with codeId 4" in "\n".join(told(one))


def test_only_what_is_kept_is_said_to_be_kept() -> None:
    """Where nothing was recorded, the ledger has no blob to point to."""
    one = grant("Mail.Read")
    assert "blobs" not in told(one)[0]
    assert "blobs" in told(msgspec.structs.replace(one, blob="sha256:" + "0" * 64))[0]
