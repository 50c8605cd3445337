"""The source kind `graph` against the lab's tenant: what is read, and the traps of the cloud."""

from datetime import timedelta
from pathlib import Path

import pytest

from postwarden.connectors.graph.source import GraphSource
from postwarden.connectors.graph.tenant import Tenant
from postwarden.lab import start_exchange
from postwarden.lab.cloud import CloudLab
from postwarden.model.evidence import Change, Delegation, MailFlow, Setting
from tests.lab import exchange
from tests.lab.graph import (
    ACCOUNT_READ,
    DOMAIN,
    SOURCE_READ,
    UNSHOWN,
    account,
    grants,
    named,
    now,
    read,
    read_all,
    source,
    status,
)

#: Three of its letters are Cyrillic.
LOOK_ALIKE = "\u041en\u0435Drive f\u043er Business"


@pytest.fixture
def lab(running_cloud: CloudLab) -> CloudLab:
    """A cloud as it is by itself; whatever it is asked and answers fits the schemas."""
    return running_cloud


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
    assert mine
    assert all(item.reaches != "everybody" for item in mine)


def test_trap_5_scopes_and_ids_are_joined(lab: CloudLab, tmp_path: Path) -> None:
    """However many spaces there are, scopes are single words; and grants name applications, not their objects here."""
    made = source(lab, tmp_path)
    ids = {one.id for one in lab.organisation.applications}
    count = 0
    for person in list(made.accounts())[:30]:
        found = grants(read(made, person.login.partition("@")[0]))
        assert all(
            scope and scope == scope.strip() and " " not in scope for one in found for scope in one.scopes
        )
        assert {one.application.id for one in found} <= ids
        count += sum(len(one.scopes) for one in found)
    assert count


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
    made = source(lab, tmp_path)
    people = list(made.accounts())
    mine = {
        item.application.name for one in people for item in grants(read(made, one.login.partition("@")[0]))
    }
    assert odd in names | mine
    assert found.gaps
    assert status(found) == SOURCE_READ


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
