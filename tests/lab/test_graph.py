"""The source kind `graph` against the lab's tenant: what is read, what a server may do, and the traps of the cloud."""

import logging
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from postwarden.connectors.graph.source import GraphSource
from postwarden.connectors.graph.tenant import Tenant
from postwarden.lab import start_exchange
from postwarden.lab.cloud import CloudLab
from postwarden.lab.cloud.microsoft_state import secret
from postwarden.model.evidence import Change, Delegation, Grant, MailFlow, Setting
from postwarden.pipeline.collect import Reading
from tests.lab import exchange
from tests.lab.cloud import StartCloud
from tests.lab.graph import DOMAIN, UNSHOWN, account, now, read, read_all, source, status

#: Three of its letters are Cyrillic.
LOOK_ALIKE = "\u041en\u0435Drive f\u043er Business"
ACCOUNT_READ = {name: "gap" if name in UNSHOWN else "read" for name in GraphSource.checks}
SOURCE_READ = {name: "gap" if name == "exchange_roles" else "read" for name in GraphSource.source_checks}


@pytest.fixture
def lab(running_cloud: CloudLab) -> CloudLab:
    """A cloud as it is by itself; whatever it is asked and answers fits the schemas."""
    return running_cloud


def grants(found: Reading, check: str = "grants") -> list[Grant]:
    return [item for item in found.evidence if isinstance(item, Grant) and item.check == check]


def named(found: list[Grant], name: str) -> Grant:
    (one,) = [item for item in found if item.application.name == name]
    return one


def without_time(item: Any) -> str:
    told = msgspec.structs.asdict(item)
    told.pop("observed", None)
    return str(sorted(told.items()))


def same(one: Reading, other: Reading) -> bool:
    return sorted(map(without_time, one.evidence)) == sorted(map(without_time, other.evidence))


@pytest.mark.parametrize("how", ["secret", "certificate"])
@pytest.mark.parametrize("version", ["v1.0", "beta"])
def test_a_tenant_and_its_people_are_read(how: str, version: str, lab: CloudLab, tmp_path: Path) -> None:
    """With a secret or a certificate, in either version, everything is read that Graph shows, and nothing refused."""
    made = source(lab, tmp_path, how, version=version)
    assert status(read_all(made)) == SOURCE_READ
    assert status(read(made, "oliver.brandt")) == ACCOUNT_READ
    assert lab.problems == ()
    assert lab.strays == ()


def test_beta_has_a_grade_of_its_own(lab: CloudLab, tmp_path: Path) -> None:
    """What no published description covers says so, check by check."""
    stable, beta = (read_all(source(lab, tmp_path, version=one)) for one in ("v1.0", "beta"))
    grades = {row.check: row.grade for row in stable.coverage}
    assert grades["tenant_grants"] == "checked against the published schema"
    assert grades["applications"] == "from documentation only"
    assert {row.grade for row in beta.coverage} == {"from documentation only"}
    versions = [
        item.value for item in beta.evidence if isinstance(item, Setting) and item.name == "graph_version"
    ]
    assert versions == ["beta"]


def test_each_account_is_read_without_a_gap_of_its_own(lab: CloudLab, tmp_path: Path) -> None:
    """Everybody with a mailbox is read to the end, with one request for rules and settings each."""
    made = source(lab, tmp_path)
    people = list(made.accounts())
    read_all(made)
    lab.forget()
    for person in people:
        from postwarden.pipeline.collect import collect_account

        found = collect_account(person, [made], lambda *_: None, None)
        assert status(found) == ACCOUNT_READ, person
        assert len(found.sessions) == 1
    assert lab.counts["graph.batch"] == len(people)
    assert set(lab.counts) == {"graph.batch", "graph/rules", "graph/mailbox_settings"}
    assert lab.problems == ()


def test_the_tenant_lists_its_people(lab: CloudLab, tmp_path: Path) -> None:
    """Accounts have the directory's ids for keys, their names, and all their addresses."""
    people = {one.login: one for one in source(lab, tmp_path).accounts()}
    haruka = people[f"haruka.endo@{DOMAIN}"]
    assert haruka.key.startswith("graph:")
    assert haruka.addresses == (f"haruka.endo@{DOMAIN}", f"invoices@{DOMAIN}")
    assert haruka.display_name == "遠藤 遥 (Haruka Endo)"


def test_a_grant_is_told_with_all_that_is_known(lab: CloudLab, tmp_path: Path) -> None:
    """Scopes without odd spaces, the application's facts, when and by whom, and how many have it."""
    found = named(grants(read(source(lab, tmp_path), "haruka.endo")), LOOK_ALIKE)
    assert found.scopes == ("openid", "profile", "User.Read", "offline_access", "Mail.Read")
    assert (found.resource, found.grant_type, found.reaches) == ("Microsoft Graph", "delegated", "account")
    assert (found.application.publisher_verified, found.application.own) == (False, False)
    assert found.granted is not None
    assert found.granted.origin == "audit_log"
    assert found.granted_by == f"haruka.endo@{DOMAIN}"
    assert (found.holders, found.population) == (2, 120)
    assert found.application.created is not None
    assert found.account_enabled is True


def test_keys_and_owners_are_told_with_who_added_them(lab: CloudLab, tmp_path: Path) -> None:
    """A key on Microsoft's own application, of which no grant shows anything, is evidence with its date."""
    found = read_all(source(lab, tmp_path))
    all_grants = [*grants(found, "applications"), *grants(found, "tenant_grants")]
    exchange = named(all_grants, "Office 365 Exchange Online")
    assert exchange.grant_type == "registered"
    (key,) = exchange.application.credentials
    assert key.type == "certificate"
    assert key.added is not None
    assert key.added.origin == "audit_log"
    assert key.added_by == f"sara.lindqvist@{DOMAIN}"
    owners = [owner for one in all_grants for owner in one.application.owners if owner.added is not None]
    assert owners
    assert all(owner.added_by for owner in owners)


def test_registered_is_said_once_of_each_application(lab: CloudLab, tmp_path: Path) -> None:
    """Applications whose grants to everybody are told are not told a second time."""
    found = read_all(source(lab, tmp_path))
    registered = {item.application.id for item in grants(found, "applications")}
    assert registered
    assert registered.isdisjoint({item.application.id for item in grants(found, "tenant_grants")})
    assert all(
        item.application.credentials or item.application.owners for item in grants(found, "applications")
    )


def test_audits_are_changes_about_applications(lab: CloudLab, tmp_path: Path) -> None:
    """Consents, keys and owners of the last month are told, about the application's id, with their author."""
    found = [item for item in read_all(source(lab, tmp_path)).evidence if isinstance(item, Change)]
    ids = {one.id for one in lab.organisation.applications if one.provider == "microsoft"}
    assert {item.about for item in found} <= ids
    assert {item.operation for item in found} >= {
        "Consent to application", "Add delegated permission grant", "Add service principal credentials", "Add owner to service principal",
    }  # fmt: skip
    # Microsoft adds service principals by itself.
    assert all(item.author for item in found if item.operation != "Add service principal")


# --- The traps, as they are numbered in the facts about clouds ---


@pytest.mark.parametrize("missing", ["Application.Read.All", "AuditLog.Read.All", "MailboxSettings.Read"])
def test_trap_1_what_may_not_be_read_is_a_gap_that_names_the_right(
    missing: str, lab: CloudLab, tmp_path: Path
) -> None:
    """Without a right nothing is clean: its checks are gaps, and the permission is named."""
    state, client = lab.microsoft.state, lab.microsoft.client_id
    state.unassign(
        client, [missing, "Directory.Read.All"] if missing == "Application.Read.All" else [missing]
    )
    made = source(lab, tmp_path)
    found, mine = read_all(made), read(made, "oliver.brandt")
    gaps = [gap for gap in (*found.gaps, *mine.gaps) if gap.reason == "forbidden"]
    assert any(missing in gap.message for gap in gaps)
    expected = {
        "Application.Read.All": {"applications", "tenant_grants", "directory_audits", "grants"},
        "AuditLog.Read.All": {"directory_audits"},
        "MailboxSettings.Read": {"inbox_rules", "mailbox_settings"},
    }[missing]
    gone = {row.check for row in (*found.coverage, *mine.coverage) if row.status == "gap"}
    assert gone - UNSHOWN - {"exchange_roles", "rights"} == expected
    assert {gap.part for gap in found.gaps if gap.check == "rights"} >= {missing}


def test_trap_1_a_mailbox_that_graph_does_not_serve_is_a_gap(lab: CloudLab, tmp_path: Path) -> None:
    """A mailbox on a server of one's own, or without a licence, is not clean: its grants are read, its rules are not."""
    found = read(source(lab, tmp_path), "daniel.osei")
    assert {name for name, how in status(found).items() if how == "gap"} - UNSHOWN == {
        "inbox_rules", "mailbox_settings",
    }  # fmt: skip
    assert all("MailboxNotEnabledForRESTAPI" in gap.message for gap in found.gaps if gap.check not in UNSHOWN)
    assert all(item.account_enabled is False for item in grants(found))


def test_trap_2_what_graph_does_not_show_is_said_in_every_report(lab: CloudLab, tmp_path: Path) -> None:
    """Hidden rules, forwarding, permissions, app passwords and Exchange's own roles are gaps, with what to do."""
    made = source(lab, tmp_path)
    gaps = {gap.check: gap for gap in (*read(made, "oliver.brandt").gaps, *read_all(made).gaps)}
    assert set(gaps) == UNSHOWN | {"exchange_roles"}
    assert all(gap.hint and gap.part is None for gap in gaps.values())


def test_trap_2_cmdlets_show_it_where_they_are_switched_on(lab: CloudLab, tmp_path: Path) -> None:
    """Hidden rules, forwarding of the mailbox, others' rights and Exchange's roles are read; app passwords never."""
    made = source(lab, tmp_path, exchange_cmdlets=True)
    settings = {one.person: one for one in lab.organisation.exchange}
    for name, one in settings.items():
        found = read(made, name)
        assert {check for check, how in status(found).items() if how == "gap"} == {"app_passwords"}
        flows = [item for item in found.evidence if isinstance(item, MailFlow)]
        hidden = [item for item in flows if item.hidden and item.paths]
        assert len(hidden) == len(one.hidden_rules)
        forwarding = [item for item in flows if item.origin == "mailbox_forwarding"]
        assert [effect.target for item in forwarding for path in item.paths for effect in path.effects] == (
            [one.forwarding_smtp] if one.forwarding_smtp else []
        )
        others = [item for item in found.evidence if isinstance(item, Delegation)]
        assert {item.grantee.partition("@")[0] for item in others} == {*one.full_access, *one.send_as}
    roles = grants(read_all(made), "exchange_roles")
    assert [item.scopes for item in roles] == [("Application MailboxSettings.Read",)]
    assert roles[0].provider == "exchange"
    assert lab.problems == ()
    (grade,) = {row.grade for row in found.coverage if row.check == "hidden_rules"}
    assert grade == "from documentation only"


def test_trap_3_where_ews_is_switched_off_the_way_is_graph(tmp_path: Path) -> None:
    """A source of kind `ews` that meets Exchange Online says where to go instead, and nothing is clean."""
    (tmp_path / "exchange").mkdir()
    with start_exchange(tmp_path / "exchange", online="blocked") as lab:
        found = exchange.read(exchange.source(lab, tmp_path, "secret"), "tom.becker")
    assert {row.status for row in found.coverage} == {"gap"}
    assert all("Graph" in str(gap.hint) for gap in found.gaps)


def test_trap_4_grants_to_everybody_are_read_on_both_resources(lab: CloudLab, tmp_path: Path) -> None:
    """Consents for all people, and roles on Graph and on Exchange Online, are the tenant's: no account shows them."""
    made = source(lab, tmp_path)
    found = grants(read_all(made), "tenant_grants")
    kinds = {(item.grant_type, item.resource) for item in found}
    assert {("delegated", "Microsoft Graph"), ("application", "Microsoft Graph")} <= kinds
    assert ("application", "Office 365 Exchange Online") in kinds
    assert all(item.reaches == "everybody" for item in found)
    everybody = {item.application.id for item in found if item.grant_type == "delegated"}
    payroll = named(found, "Payroll Self Service")
    assert payroll.application.id in everybody
    assert (payroll.holders, payroll.population) == (120, 120)
    assert payroll.granted_by == f"sara.lindqvist@{DOMAIN}"
    mine = grants(read(made, "haruka.endo"))
    assert payroll.application.id not in {item.application.id for item in mine if not item.scopes}


def test_trap_5_scopes_and_ids_are_joined(lab: CloudLab, tmp_path: Path) -> None:
    """However many spaces there are, scopes are single words; and grants name applications, not their objects here."""
    made = source(lab, tmp_path)
    ids = {one.id for one in lab.organisation.applications}
    for person in list(made.accounts())[:30]:
        found = grants(read(made, person.login.partition("@")[0]))
        assert all(
            scope and scope == scope.strip() and " " not in scope for one in found for scope in one.scopes
        )
        assert {one.application.id for one in found} <= ids


def test_trap_6_dates_say_where_they_are_from(lab: CloudLab, tmp_path: Path) -> None:
    """Delegated grants have dates of the audit log or none, roles those of the interface; none is made up."""
    made = source(lab, tmp_path)
    found = grants(read_all(made), "tenant_grants")
    roles = [item for item in found if item.grant_type == "application"]
    assert {item.granted.origin for item in roles if item.granted} == {"api"}
    consents = [item for item in found if item.grant_type == "delegated"]
    assert {item.granted.origin for item in consents if item.granted} == {"audit_log"}
    since = now() - timedelta(days=31)
    assert all(item.granted.time >= since for item in consents if item.granted)
    assert any(item.granted is None for item in consents)


@pytest.mark.parametrize("fault", ["link_elsewhere", "link_unencrypted", "link_other_path", "link_with_user"])
@pytest.mark.parametrize("kind", ["grants_delta", "users", "service_principals", "directory_audits"])
def test_trap_9_a_link_that_leads_elsewhere_is_not_followed(
    fault: str, kind: str, lab: CloudLab, tmp_path: Path
) -> None:
    """The token goes to no other place, and a listing that was not read to its end is a gap."""
    lab.faults.add(fault, kind=kind)
    made = source(lab, tmp_path)
    found = read_all(made)
    assert lab.strays == ()
    assert any("goes on elsewhere" in gap.message for gap in found.gaps)
    lost = {
        "grants_delta": {"tenant_grants", "applications"},
        "users": {"tenant_grants"},
        "service_principals": {"tenant_grants", "applications", "directory_audits", "rights"},
        "directory_audits": {"directory_audits", "tenant_grants", "applications"},
    }[kind]
    assert {gap.check for gap in found.gaps} - {"exchange_roles"} == lost


@pytest.mark.parametrize("wait", [None, "1", "-5", "nonsense", "Mon, 23 Nov 2020 12:00:00 GMT"])
@pytest.mark.parametrize("part", [False, True])
def test_trap_9_throttling_is_waited_for_also_inside_a_batch(
    wait: str | None, part: bool, lab: CloudLab, tmp_path: Path
) -> None:
    """With a time, a date, nonsense or nothing at all, whole or hidden in a batch that succeeded, all is read."""
    lab.faults.add("throttled", kind="rules" if part else "users", part=part, retry_after=wait)
    made = source(lab, tmp_path)
    assert status(read(made, "oliver.brandt")) == ACCOUNT_READ
    assert lab.faults.waiting == ()


def test_trap_9_a_service_that_asks_for_hours_is_left_alone(lab: CloudLab, tmp_path: Path) -> None:
    """What is throttled for too long is a gap, and is not asked for again in between."""
    lab.faults.add("throttled", kind="users", retry_after="86400", times=None)
    found = read(source(lab, tmp_path), "oliver.brandt")
    assert lab.counts["graph.users"] == 1
    assert {gap.reason for gap in found.gaps if gap.check == "grants"} == {"unreachable"}


def test_trap_10_names_are_kept_as_they_are(lab: CloudLab, tmp_path: Path) -> None:
    """Whatever an application is called, it is evidence, letter by letter; printing it safely is somebody else's."""
    state = lab.microsoft.state
    odd = "\x1b[31mred\u202egnp.exe " + "x" * 1_000_000
    principal = next(iter(state.principals))
    import dataclasses

    state.add_principal(dataclasses.replace(principal, name=odd))
    found = read_all(source(lab, tmp_path))
    names = {
        item.application.name for item in (*grants(found, "tenant_grants"), *grants(found, "applications"))
    }
    people = list(source(lab, tmp_path).accounts())
    mine = {
        item.application.name
        for one in people
        for item in grants(read(source_of(lab, tmp_path), one.login.partition("@")[0]))
    }
    assert odd in names | mine
    assert found.gaps
    assert status(found) == SOURCE_READ


_kept: dict[int, GraphSource] = {}


def source_of(lab: CloudLab, folder: Path) -> GraphSource:
    """One source a lab, for tests that read many accounts."""
    if id(lab) not in _kept:
        _kept.clear()
        _kept[id(lab)] = source(lab, folder)
    return _kept[id(lab)]


# --- Whatever the service does: the same, or the gaps named ---


def test_throttled_cut_off_and_with_tokens_that_end_all_is_read(
    start_cloud: StartCloud, tmp_path: Path
) -> None:
    """Every tenth request throttled, every fiftieth cut off, and a token a minute: the same result."""
    moment = [datetime(2026, 11, 23, 12, tzinfo=UTC)]

    def clock() -> datetime:
        # Each look at the clock is some seconds later, so that tokens end in the middle.
        moment[0] += timedelta(milliseconds=200)
        return moment[0]

    lab = start_cloud(clock=clock)
    names = [person.login.partition("@")[0] for person in source(lab, tmp_path).accounts()][:40]
    whole_source = source(lab, tmp_path)
    whole = [read_all(whole_source), *(read(whole_source, name) for name in names)]
    lab.microsoft.bearers.seconds = 60
    lab.microsoft.bearers.expire_all()
    lab.faults.add("throttled", host="graph", every=10, times=None, retry_after="1")
    lab.faults.add("throttled", host="graph", every=10, times=None, part=True)
    lab.faults.add("cut_off", host="graph", every=50, times=None)
    hurt_source = source(lab, tmp_path, clock=clock)
    hurt = [read_all(hurt_source), *(read(hurt_source, name) for name in names)]
    assert [status(one) for one in hurt] == [status(one) for one in whole]
    assert all(map(same, hurt, whole))
    assert lab.counts["login.token"] > 3


#: What a fault in one request leaves: nothing where asking again mends it, else the reasons of the gaps.
OUTCOMES: dict[str, set[str] | None] = {
    "cut": None,
    "cut_off": None,
    "wrong_length": {"malformed", "unreachable"},
    "drip": {"unreachable"},
    "stall": {"unreachable"},
    "silence": {"unreachable"},
    "not_json": {"malformed"},
    "wrong_type": None,
    "page": {"malformed"},
    "empty": {"malformed"},
    "redirect": {"malformed"},
    "deep": {"malformed"},
    "large": {"malformed"},
    "gzip_bomb": {"malformed"},
    "throttled": None,
    "unavailable": None,
    "server_error": None,
    "forbidden": {"forbidden"},
    "unauthorized": None,
    "not_found": {"refused"},
    "loop": {"malformed"},
    "endless": {"malformed"},
    "duplicates": None,
    "empty_page": None,
    "new_members": None,
    "unknown_values": None,
}


@pytest.mark.parametrize("kind", ["users", "grants_delta", "directory_audits"])
@pytest.mark.parametrize("fault", OUTCOMES)
def test_whatever_the_service_does_costs_a_gap_and_nothing_is_read_wrongly(
    fault: str, kind: str, lab: CloudLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault in one listing is mended, or leaves a gap for each check that rests on it; nothing is made up."""
    monkeypatch.setattr("postwarden.connectors.rest.pages.MAX_PAGES", 20)
    whole = read_all(source(lab, tmp_path))
    times = None if fault in {"loop", "endless"} else 1
    lab.faults.add(fault, host="graph", kind=kind, times=times)
    slow = fault in {"drip", "stall", "silence"}
    found = read_all(source(lab, tmp_path, timeout=1 if slow else 20))
    assert lab.strays == ()
    wanted = OUTCOMES[fault]
    if wanted is None:
        assert status(found) == SOURCE_READ
        if fault != "unknown_values":
            assert same(found, whole)
        return
    gaps = [gap for gap in found.gaps if gap.check != "exchange_roles"]
    assert gaps
    assert {gap.reason for gap in gaps} <= wanted
    # Without owners, dates or rights the rest is told with less, and never with more.
    assert len(found.evidence) <= len(whole.evidence)


@pytest.mark.parametrize("fault", ["throttled", "unauthorized", "server_error", "unavailable"])
@pytest.mark.parametrize("kind", ["rules", "mailbox_settings"])
def test_faults_inside_a_batch_are_mended_one_by_one(
    fault: str, kind: str, lab: CloudLab, tmp_path: Path
) -> None:
    """The part that failed is asked for again, alone, and the other is not."""
    made = source(lab, tmp_path)
    read_all(made)
    lab.forget()
    lab.faults.add(fault, kind=kind, part=True)
    assert status(read(made, "oliver.brandt")) == ACCOUNT_READ
    assert lab.counts[f"graph.{kind}"] == 1


def test_another_users_answer_is_no_answer(lab: CloudLab, tmp_path: Path) -> None:
    """A rule or setting of somebody else is not evidence about the account."""
    made = source(lab, tmp_path)
    read_all(made)
    other = lab.microsoft.state.user(f"oliver.brandt@{DOMAIN}")
    assert other is not None
    for kind in ("rules", "mailbox_settings"):
        lab.faults.add("other_account", kind=kind, part=True, shown={"id": other.id})
    found = read(made, "claire.dubois")
    assert {gap.check for gap in found.gaps} - UNSHOWN == {"inbox_rules", "mailbox_settings"}
    assert not [item for item in found.evidence if isinstance(item, MailFlow | Setting)]


def test_rules_with_new_words_are_told_and_their_words_are_gaps(lab: CloudLab, tmp_path: Path) -> None:
    """A condition or an action that is not known leaves a gap that names it, beside what is known of the rule."""
    made = source(lab, tmp_path)
    lab.faults.add("new_members", kind="rules", part=True)
    found = read(made, "oliver.brandt")
    rules = [item for item in found.evidence if isinstance(item, MailFlow)]
    assert len(rules) == 1
    assert rules[0].paths
    unknown = [gap for gap in found.gaps if gap.check == "inbox_rules"]
    assert unknown
    assert all("is not known" in gap.message and gap.part for gap in unknown)


# --- Who we are ---


def test_who_is_not_let_in_knocks_once(lab: CloudLab, tmp_path: Path) -> None:
    """A wrong secret is tried once, for the tenant and all accounts, and is in no message."""
    made = source(lab, tmp_path)
    (tmp_path / "graph.secret").write_text("wrong-Lighthouse")
    found = [read_all(made), *(read(made, name) for name in ("oliver.brandt", "claire.dubois"))]
    gaps = [gap for one in found for gap in one.gaps if gap.check not in UNSHOWN | {"exchange_roles"}]
    assert {gap.reason for gap in gaps} == {"refused"}
    assert lab.counts["login.token"] == 1
    assert "Lighthouse" not in str(gaps)


def test_rights_beyond_need_are_told(lab: CloudLab, tmp_path: Path) -> None:
    """Whatever reads mail or writes is too much for the daemon's identity; what is needed is not."""
    state, client = lab.microsoft.state, lab.microsoft.client_id
    for role in ("Mail.Read", "MailboxSettings.ReadWrite", "Group.Read.All"):
        state.assign(client, (role,), now())
    found = read_all(source(lab, tmp_path))
    told = {one.message.partition(":")[0]: one for one in found.excess}
    assert set(told) == {"Mail.Read", "MailboxSettings.ReadWrite", "Group.Read.All", "Exchange.ManageAsApp"}
    assert "reaches mail" in told["Mail.Read"].message
    assert "can change" in told["MailboxSettings.ReadWrite"].message
    assert all(one.hint for one in found.excess)
    assert status(found) == SOURCE_READ


def test_the_identity_for_a_case_ends_with_it(lab: CloudLab, tmp_path: Path) -> None:
    """It may see which messages there are until its day is over, and after that nothing is asked."""
    lab.microsoft.state.assign(lab.microsoft.client_id, ("Mail.ReadBasic.All",), now())
    until = now().date() + timedelta(days=1)
    during = read_all(source(lab, tmp_path, identity="incident", until=until))
    assert "Mail.ReadBasic.All" not in " ".join(one.message for one in during.excess)
    assert status(during)["rights"] == "read"
    lab.forget()
    after = read_all(source(lab, tmp_path, identity="incident", until=until - timedelta(days=2)))
    assert {row.status for row in after.coverage if row.check != "transport"} == {"gap"}
    assert "graph.users" not in lab.counts


# --- Accounts ---


def test_an_account_is_found_by_any_of_its_names(lab: CloudLab, tmp_path: Path) -> None:
    """Principal name, further addresses, a name for this source and the directory's id lead to one person."""
    made = source(lab, tmp_path)
    from postwarden.model.account import Account
    from postwarden.pipeline.collect import collect_account

    identifier = next(one.key for one in made.accounts() if one.login.startswith("haruka"))
    names = [
        Account(key="login:a", login=f"HARUKA.ENDO@{DOMAIN}"),
        Account(key="login:b", login="haruka", addresses=(f"invoices@{DOMAIN}",)),
        Account(key="login:c", login="haruka", names={"m365": f"haruka.endo@{DOMAIN}"}),
        Account(key=identifier, login="whatever"),
    ]
    found = [collect_account(one, [made], lambda *_: None, None) for one in names]
    assert {status(one)["grants"] for one in found} == {"read"}
    assert len({len(grants(one)) for one in found}) == 1


@pytest.mark.parametrize(
    ("login", "addresses", "words"),
    [
        ("nobody", (), "has no user"),
        ("both", (f"haruka.endo@{DOMAIN}", f"oliver.brandt@{DOMAIN}"), "several users"),
    ],
)
def test_an_account_that_is_nobody_or_two_is_a_gap(
    login: str, addresses: tuple[str, ...], words: str, lab: CloudLab, tmp_path: Path
) -> None:
    """Nobody is clean because no user was found, and no account gets two people's evidence."""
    from postwarden.model.account import Account
    from postwarden.pipeline.collect import collect_account

    one = Account(key=f"login:{login}", login=login, addresses=addresses)
    found = collect_account(one, [source(lab, tmp_path)], lambda *_: None, None)
    assert set(status(found).values()) == {"gap"}
    assert all(words in gap.message for gap in found.gaps if gap.check not in UNSHOWN)
    assert found.evidence == ()


# --- From sweep to sweep ---


def test_the_next_sweep_asks_only_for_what_changed(lab: CloudLab, tmp_path: Path) -> None:
    """Added, changed and withdrawn grants are seen by the link of the sweep before, without listing all again."""
    memory: dict[str, Any] = {}
    first = source(lab, tmp_path, memory=memory)
    before = grants(read(first, "haruka.endo"))
    state = lab.microsoft.state
    user = state.user(f"haruka.endo@{DOMAIN}")
    assert user is not None
    gone = next(row for row in state.consents if row.principal == user.id and "Mail.Read" in row.scope)
    state.withdraw(gone.id)
    lab.forget()
    second = source(lab, tmp_path, memory=memory)
    after = grants(read(second, "haruka.endo"))
    assert len(after) == len(before) - 1
    assert lab.counts["graph.grants_delta"] == 1
    fresh = source(lab, tmp_path)
    assert {item.application.id for item in grants(read(fresh, "haruka.endo"))} == {
        item.application.id for item in after
    }


@pytest.mark.parametrize("fault", ["gone", "not_json", "link_elsewhere"])
def test_where_changes_cannot_be_followed_all_is_listed_again(
    fault: str, lab: CloudLab, tmp_path: Path
) -> None:
    """A link that is too old, or an odd answer, costs a full listing; where that fails too it is a gap."""
    memory: dict[str, Any] = {}
    before = grants(read(source(lab, tmp_path, memory=memory), "haruka.endo"))
    lab.faults.add(fault, kind="grants_delta")
    again = source(lab, tmp_path, memory=memory)
    found = read(again, "haruka.endo")
    if fault == "link_elsewhere":
        assert lab.strays == ()
    assert len(grants(found)) in {len(before), 0}
    assert (status(found)["grants"] == "read") is (len(grants(found)) == len(before))
    third = grants(read(source(lab, tmp_path, memory=memory), "haruka.endo"))
    assert len(third) == len(before)


def test_a_day_later_all_is_listed_again(lab: CloudLab, tmp_path: Path) -> None:
    """Changes alone are not trusted for longer than a day."""
    memory: dict[str, Any] = {}
    read(source(lab, tmp_path, memory=memory), "haruka.endo")
    pages = lab.counts["graph.grants_delta"]
    lab.forget()
    read(source(lab, tmp_path, memory=memory, clock=lambda: now() + timedelta(hours=25)), "haruka.endo")
    assert lab.counts["graph.grants_delta"] == pages
    lab.forget()
    read(source(lab, tmp_path, memory=memory, clock=lambda: now() + timedelta(hours=26)), "haruka.endo")
    assert lab.counts["graph.grants_delta"] == 1


def test_a_new_key_shows_in_the_next_sweep(lab: CloudLab, tmp_path: Path) -> None:
    """A secret that was added since is on the application, with when and by whom."""
    state = lab.microsoft.state
    app = next(one for one in lab.organisation.applications if one.key == "graph")
    before = read_all(source(lab, tmp_path))
    state.add_key(app.id, secret("backdoor", now()), by=state.user(f"sara.lindqvist@{DOMAIN}"))
    after = read_all(source(lab, tmp_path))
    added = {one.application.id for one in grants(after, "applications")} - {
        one.application.id for one in grants(before, "applications")
    }
    assert added == {app.id}
    (key,) = named(grants(after, "applications"), "Microsoft Graph").application.credentials
    assert (key.name, key.added_by) == ("backdoor", f"sara.lindqvist@{DOMAIN}")


# --- How much is asked ---


def test_a_tenant_costs_no_more_requests_than_its_pages(start_cloud: StartCloud, tmp_path: Path) -> None:
    """2,000 people and 12,000 grants: at most a fifth more requests than the fewest that paging allows."""
    lab = start_cloud(users=2_000, grants=12_000)
    state = lab.microsoft.state
    made = source(lab, tmp_path)
    found = read_all(made)
    assert status(found) == SOURCE_READ

    def pages(rows: int, size: int = 999) -> int:
        return max(1, -(-rows // size))

    resources = sum(
        row.app_id in {"00000003-0000-0000-c000-000000000000", "00000002-0000-0ff1-ce00-000000000000"}
        for row in state.principals
    )
    owned = -(-(len(state.principals) + len(state.registrations)) // 20)
    fewest = (
        pages(len(state.users))
        + pages(len(state.principals))
        + pages(len(state.registrations))
        + pages(len(state.consents))
        + resources
        + pages(len(state.audits), 1000)
        + owned
    )
    sent = sum(count for name, count in lab.counts.items() if name.startswith("graph."))
    assert sent <= fewest * 1.2


def test_outlook_is_asked_four_at_a_time(lab: CloudLab, tmp_path: Path) -> None:
    """However many threads read, no more than four requests to mailboxes are there at once: none is turned away."""
    made = source(lab, tmp_path)
    names = [person.login.partition("@")[0] for person in made.accounts()][:24]
    read_all(made)
    lab.forget()
    lab.latency = 0.02
    found: list[Reading] = []
    threads = [
        threading.Thread(target=lambda part=part: found.extend(read(made, name) for name in part))
        for part in (names[start::8] for start in range(8))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 24
    assert all(status(one) == ACCOUNT_READ for one in found)
    assert not [one for one in lab.requests if one.status == 429]
    assert lab.counts["graph.batch"] == 24


def test_nothing_but_reading_left(lab: CloudLab, tmp_path: Path) -> None:
    """All that arrived is on the list of what may be asked, with low priority, and never a token in a log."""
    made = source(lab, tmp_path, exchange_cmdlets=True)
    read_all(made)
    read(made, "oliver.brandt")
    assert {(one.method, one.kind) for one in lab.requests if one.method != "GET"} == {
        ("POST", "token"), ("POST", "batch"), ("POST", "invoke_command"),
    }  # fmt: skip
    assert lab.problems == ()
    for one in lab.requests:
        if one.host == "graph" and one.part is None:
            assert (
                one.headers.get("x-ms-throttle-priority", one.headers.get("X-Ms-Throttle-Priority", "Low"))
                == "Low"
            )


def test_no_log_has_what_was_said(
    lab: CloudLab, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """With debugging on, neither tokens nor secrets nor people's names are logged."""
    with caplog.at_level(logging.DEBUG):
        made = source(lab, tmp_path)
        read_all(made)
        read(made, "oliver.brandt")
    token = made._service.tokens.current().reveal()
    said = caplog.text + "".join(capfd.readouterr())
    for word in (token, lab.microsoft.client_secret, "oliver.brandt", "eyJ"):
        assert word not in said


def test_a_bug_is_no_gap(lab: CloudLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is our mistake is not told as the service's."""

    def broken(_: Tenant) -> None:
        raise RuntimeError("ours")

    monkeypatch.setattr(Tenant, "_people", broken)
    with pytest.raises(RuntimeError):
        read(source(lab, tmp_path), "oliver.brandt")


def test_the_checks_have_fixed_names() -> None:
    """Coverage, records and accepted gaps name checks by these words."""
    assert GraphSource.checks == (
        "grants", "inbox_rules", "mailbox_settings", "app_passwords", "hidden_rules", "mailbox_forwarding",
        "mailbox_permissions",
    )  # fmt: skip
    assert GraphSource.source_checks == (
        "transport", "rights", "applications", "tenant_grants", "directory_audits", "exchange_roles",
    )  # fmt: skip


def test_gaps_have_hints(lab: CloudLab, tmp_path: Path) -> None:
    """Whoever reads a gap is told what to do next."""
    lab.faults.add("not_json", kind="users")
    found = read(source(lab, tmp_path), "oliver.brandt")
    assert all(gap.hint for gap in found.gaps)
    assert account("x").key == "login:x"
