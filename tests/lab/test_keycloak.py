"""The source kind `keycloak` against the lab's realm: consents, offline sessions, and clients that ask nobody."""

from pathlib import Path

import pytest

from postwarden.connectors.keycloak.source import KeycloakSource
from postwarden.lab.cloud import CloudLab
from postwarden.model.account import Account
from postwarden.model.evidence import Grant
from postwarden.model.reading import Observed
from postwarden.pipeline.collect import Reading, collect_account
from tests.lab.graph import now, read_all, status
from tests.lab.keycloak import read, source

ALL_READ = dict.fromkeys(KeycloakSource.checks, "read")
SOURCE_READ = dict.fromkeys(KeycloakSource.source_checks, "read")


@pytest.fixture
def lab(running_cloud: CloudLab) -> CloudLab:
    """A cloud as it is by itself; whatever it is asked and answers fits the schemas."""
    return running_cloud


def grants(found: Reading, check: str) -> list[Grant]:
    return [item for item in found.evidence if isinstance(item, Grant) and item.check == check]


def test_everybody_of_the_realm_is_read(lab: CloudLab, tmp_path: Path) -> None:
    """Each person's consents and offline sessions are read; the grade says that only documentation was at hand."""
    made = source(lab, tmp_path)
    whole = read_all(made)
    assert status(whole) == SOURCE_READ
    assert {row.grade for row in whole.coverage} == {"from documentation only"}
    people = list(made.accounts())
    assert len(people) == len(list(lab.keycloak.state.users))
    for person in people:
        found = collect_account(person, [made], lambda *_: None, None)
        assert status(found) == ALL_READ, person
        assert len(found.sessions) == 1
    assert lab.problems == ()


def test_consents_are_told_with_their_day(lab: CloudLab, tmp_path: Path) -> None:
    """Scopes and the last time that they were agreed to are the provider's own."""
    state = lab.keycloak.state
    person = next(iter(state.users)).username
    client = next(one for one in state.clients if one.consent_required)
    moment = now().replace(microsecond=0)
    state.consent(person, client.client_id, ("mail", "offline_access"), moment)
    found = [
        one
        for one in grants(read(source(lab, tmp_path), person), "grants")
        if one.application.id == client.client_id
    ]
    assert [one.scopes for one in found] == [("mail", "offline_access")]
    assert found[0].granted is not None
    assert (found[0].granted.origin, found[0].granted.time) == ("api", moment)
    assert found[0].consent == "user"
    state.withdraw(person, client.client_id)
    again = grants(read(source(lab, tmp_path), person), "grants")
    assert client.client_id not in {one.application.id for one in again}


def test_offline_sessions_are_told_of_whose_they_are(lab: CloudLab, tmp_path: Path) -> None:
    """A token that outlives the log-in is a grant of its owner alone, with its beginning, last use and how many have it."""
    state = lab.keycloak.state
    one, other = [user.username for user in state.users][:2]
    client = next(iter(state.clients))
    before = grants(read(source(lab, tmp_path), other), "offline_sessions")
    state.open_session(one, client.client_id, now())
    made = source(lab, tmp_path)
    found = [
        item
        for item in grants(read(made, one), "offline_sessions")
        if item.application.id == client.client_id
    ]
    assert len(found) == 1
    assert found[0].grant_type == "offline_session"
    assert found[0].granted is not None
    assert found[0].last_used is not None
    assert found[0].last_used.time >= found[0].granted.time
    assert found[0].holders == len({row.user for row in state.sessions if row.client == client.id})
    assert len(grants(read(made, other), "offline_sessions")) == len(before)


def test_clients_that_ask_nobody_are_the_sources(lab: CloudLab, tmp_path: Path) -> None:
    """Each client without consent is told once, with what it may ask for; those that must ask are not."""
    found = grants(read_all(source(lab, tmp_path)), "clients")
    told = {one.application.id for one in found}
    asking = {one.client_id for one in lab.keycloak.state.clients if one.consent_required}
    assert told
    assert told.isdisjoint(asking)
    assert all((one.consent, one.reaches, one.grant_type) == ("none", "everybody", "client") for one in found)


@pytest.mark.parametrize(
    ("missing", "checks"),
    [("view-users", {"grants", "offline_sessions"}), ("view-clients", {"grants", "offline_sessions"})],
)
def test_a_missing_role_is_a_gap_that_names_it(
    missing: str, checks: set[str], lab: CloudLab, tmp_path: Path
) -> None:
    """Without a role its checks are gaps, which name it."""
    lab.keycloak.state.roles = set(lab.keycloak.state.roles) - {missing}
    made = source(lab, tmp_path)
    whole = read_all(made)
    assert {gap.part for gap in whole.gaps if gap.check == "rights"} == {missing}
    person = next(iter(lab.keycloak.state.users)).username
    found = read(made, person)
    assert {gap.check for gap in found.gaps} == checks
    assert all(missing in gap.message for gap in found.gaps)


def test_roles_beyond_need_are_told(lab: CloudLab, tmp_path: Path) -> None:
    """Whatever could change something is too much."""
    lab.keycloak.state.roles = {*lab.keycloak.state.roles, "manage-users", "impersonation"}
    found = read_all(source(lab, tmp_path))
    assert {one.message.partition(":")[0] for one in found.excess} == {"manage-users", "impersonation"}


@pytest.mark.parametrize("kind", ["users", "clients", "consents", "client_offline_sessions"])
@pytest.mark.parametrize("fault", ["throttled", "unavailable", "unauthorized", "cut_off", "new_members"])
def test_what_asking_again_mends_is_read(fault: str, kind: str, lab: CloudLab, tmp_path: Path) -> None:
    """Throttles, breaks and tokens that ended cost nothing but time."""
    lab.faults.add(fault, host="keycloak", kind=kind)
    person = next(iter(lab.keycloak.state.users)).username
    assert status(read(source(lab, tmp_path), person)) == ALL_READ
    assert lab.faults.waiting == ()


@pytest.mark.parametrize("kind", ["users", "clients"])
@pytest.mark.parametrize(
    "fault",
    ["not_json", "page", "empty", "large", "deep", "redirect", "forbidden", "not_found", "wrong_length"],
)
def test_what_it_does_not_mend_is_a_gap(fault: str, kind: str, lab: CloudLab, tmp_path: Path) -> None:
    """Nobody is clean because the provider answered oddly."""
    lab.faults.add(fault, host="keycloak", kind=kind, times=None)
    person = next(iter(lab.keycloak.state.users)).username
    found = read(source(lab, tmp_path), person)
    assert {gap.check for gap in found.gaps} == set(KeycloakSource.checks)
    assert found.evidence == ()
    assert lab.strays == ()


def test_a_listing_is_read_over_its_pages(
    lab: CloudLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However small the pages are, everybody is there once."""
    whole = [one.login for one in source(lab, tmp_path).accounts()]
    monkeypatch.setattr("postwarden.connectors.keycloak.realm.PAGE", 3)
    assert [one.login for one in source(lab, tmp_path).accounts()] == whole


@pytest.mark.parametrize("fault", ["throttled", "unavailable"])
def test_a_log_in_that_is_busy_is_waited_for(fault: str, lab: CloudLab, tmp_path: Path) -> None:
    """A throttle of the log-in costs time, and no check."""
    lab.faults.add(fault, host="keycloak", kind="token")
    assert status(read_all(source(lab, tmp_path))) == SOURCE_READ
    assert lab.faults.waiting == ()


def test_a_wrong_secret_is_tried_once(lab: CloudLab, tmp_path: Path) -> None:
    """Who is refused does not knock again, and the secret is in no message."""
    made = source(lab, tmp_path)
    (tmp_path / "keycloak.secret").write_text("wrong-Groyne")
    people = [user.username for user in lab.keycloak.state.users][:3]
    found = [read(made, name) for name in people]
    assert {gap.reason for one in found for gap in one.gaps} == {"refused"}
    assert lab.counts["keycloak.token"] == 1
    assert "Groyne" not in str(found)


def test_an_account_is_found_by_login_or_address(lab: CloudLab, tmp_path: Path) -> None:
    """The realm's own names go before addresses; nobody is a gap."""
    made = source(lab, tmp_path)
    user = next(iter(lab.keycloak.state.users))
    by_address = Account(key="login:a", login="somebody", addresses=(user.email,))
    by_name = Account(key="login:b", login="somebody", names={"sso": user.username})
    for one in (by_address, by_name):
        assert status(collect_account(one, [made], lambda *_: None, None)) == ALL_READ
    assert set(status(read(made, "nobody")).values()) == {"gap"}


def test_nothing_but_reading_left(lab: CloudLab, tmp_path: Path) -> None:
    """Apart from the token nothing but GET was sent, and clients' secrets are in no evidence."""
    made = source(lab, tmp_path)
    read_all(made)
    read(made, next(iter(lab.keycloak.state.users)).username)
    assert {one.kind for one in lab.requests if one.method != "GET"} == {"token"}
    told = [item.raw for item in made.read_source() if isinstance(item, Observed)]
    assert any(told)
    assert not any(b'"secret"' in raw for raw in told)


def test_the_checks_have_fixed_names() -> None:
    """Coverage, records and accepted gaps name checks by these words."""
    assert KeycloakSource.checks == ("grants", "offline_sessions")
    assert KeycloakSource.source_checks == ("transport", "rights", "clients")
