"""The three states as the organisation fills them, and the large one of benchmarks."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from postwarden.lab.cloud import google_filling, google_state, keycloak_state, microsoft_filling
from postwarden.lab.cloud.bearers import Bearer, Bearers
from postwarden.lab.cloud.microsoft_state import MicrosoftState
from postwarden.lab.cloud.ordinary import load

START = datetime(2026, 11, 22, 9, tzinfo=UTC)


@pytest.fixture
def tenant() -> MicrosoftState:
    return microsoft_filling.filled(load(), START)


def test_the_tenant_has_what_the_organisation_says(tenant: MicrosoftState) -> None:
    """People, applications and grants by number, and each grant of somebody that is there."""
    assert (len(tenant.users), len(tenant.principals)) == (120, 310)
    assert len(tenant.consents) + len(tenant.assignments) == 1560
    for row in tenant.consents:
        assert row.client in tenant.principals
        assert row.resource in tenant.principals
        assert row.principal is None or row.principal in tenant.users


def test_own_applications_are_registered(tenant: MicrosoftState) -> None:
    """What is registered here is owned by the tenant, and its keys are at the registration."""
    own = {row.app_id for row in tenant.principals if row.home == tenant.tenant_id}
    assert {row.app_id for row in tenant.registrations} == own
    assert {row.name for row in tenant.principals if row.keys} == {"Office 365 Exchange Online"}


def test_the_audit_log_has_the_last_month(tenant: MicrosoftState) -> None:
    """Consents, roles, keys and owners of thirty days, in the order of their times, and nothing older."""
    times = [record.time for record in tenant.audits]
    assert times == sorted(times)
    assert min(times) > START - timedelta(days=32)
    assert max(times) < START
    kinds = Counter(record.activity for record in tenant.audits)
    assert kinds["Consent to application"] == kinds["Add delegated permission grant"] > 100
    assert kinds["Add service principal credentials"] == 1
    assert kinds["Update application – Certificates and secrets management "] == 2  # noqa: RUF001 - the dash is Microsoft's
    assert kinds["Add owner to service principal"] == 1
    assert all(record.user for record in tenant.audits)


def test_a_changed_scope_is_the_same_grant(tenant: MicrosoftState) -> None:
    """A grant keeps its id when its scopes grow."""
    app = load().application("emoji").id
    before = len(tenant.consents)
    first = tenant.consent(app, "User.Read", START, user="oliver.brandt@kitano-trading.example")
    second = tenant.consent(app, "Mail.Read", START, user="oliver.brandt@kitano-trading.example")
    assert first.id == second.id
    assert len(tenant.consents) == before + 1
    tenant.withdraw(first.id)
    assert len(tenant.consents) == before


def test_a_large_tenant_has_as_many_as_asked(tenant: MicrosoftState) -> None:
    """Users and grants grow to the numbers, and no grant is there twice."""
    microsoft_filling.enlarge(tenant, 1000, 12_000)
    assert len(tenant.users) == 1000
    assert len(tenant.consents) + len(tenant.assignments) == 12_000
    joined = Counter((row.client, row.resource, row.principal) for row in tenant.consents)
    assert max(joined.values()) == 1


def test_the_domain_has_what_the_organisation_says() -> None:
    """People, tokens, app passwords and delegations by number; activities of 180 days."""
    state = google_filling.filled(load(), START)
    assert len(state.users) == 40
    assert len(state.tokens) + len(state.app_passwords) + len(state.delegations) == 320
    times = [one.time for one in state.activities]
    assert times == sorted(times, reverse=True)
    assert min(times) > START - timedelta(days=google_state.ACTIVITY_DAYS + 2)


def test_the_realm_has_what_the_organisation_says() -> None:
    """The mail server's people, clients, consents and sessions by number."""
    state = keycloak_state.filled(load(), START)
    assert (len(state.users), len(state.clients)) == (28, 30)
    assert len(state.consents) + len(state.sessions) == 120
    assert all(row.started <= row.used < START for row in state.sessions)


def test_tokens_are_known_until_they_end() -> None:
    """A token is somebody's, then expired, and a made-up one nobody's."""
    now = [START]
    bearers = Bearers(lambda: now[0], seconds=60)
    bearers.give("t", Bearer("app", "graph", frozenset({"a"}), bearers.expiry()))
    found = bearers.use("t")
    assert isinstance(found, Bearer)
    assert found.who == "app"
    assert bearers.use("made-up") == "unknown"
    now[0] = START + timedelta(seconds=60)
    assert bearers.use("t") == "expired"
    bearers.expire_all()
    assert (bearers.given, bearers.refused) == (1, 0)
