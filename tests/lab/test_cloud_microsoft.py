"""The lab's Microsoft: Graph's lists, batches and changes, and what each request needs."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from postwarden.lab.cloud import CloudLab
from postwarden.lab.cloud.microsoft_rows import EXCHANGE_APP_ID
from postwarden.lab.cloud.microsoft_state import secret
from tests.lab.cloud import (
    StartCloud,
    assert_valid,
    graph,
)

OLIVER = "oliver.brandt@kitano-trading.example"
HARUKA = "haruka.endo@kitano-trading.example"


class TestLists:
    """Graph's collections."""

    @pytest.mark.parametrize(
        ("path", "table"),
        [
            ("users", "users"),
            ("servicePrincipals", "principals"),
            ("oauth2PermissionGrants", "consents"),
            ("applications", "registrations"),
        ],
    )
    @pytest.mark.parametrize("top", [0, 7, 999])
    def test_a_list_is_complete_and_without_repeats(
        self, running_cloud: CloudLab, path: str, table: str, top: int
    ) -> None:
        """Page by page, every row comes once, in as many pages as its size needs."""
        rows = list(getattr(running_cloud.microsoft.state, table))
        items, pages, _ = graph(running_cloud).whole(f"/v1.0/{path}" + (f"?$top={top}" if top else ""))
        assert Counter(item["id"] for item in items) == Counter(row.id for row in rows)
        assert pages == -(-len(rows) // (top or 100))
        assert_valid(running_cloud)

    def test_a_list_that_changes_while_it_is_read_stays_whole(self, running_cloud: CloudLab) -> None:
        """Rows that were there before and after come once, whatever goes meanwhile."""
        state, client = running_cloud.microsoft.state, graph(running_cloud)
        before = {row.id for row in state.consents}
        first = client.get("/v1.0/oauth2PermissionGrants?$top=500")
        gone = first["value"][3]["id"]
        state.withdraw(gone)
        rest, _, _ = client.whole(first["@odata.nextLink"])
        seen = Counter(item["id"] for item in (*first["value"], *rest))
        assert set(seen) == before
        assert set(seen.values()) == {1}

    def test_only_selected_properties_come(self, running_cloud: CloudLab) -> None:
        """$select is honoured."""
        page = graph(running_cloud).get("/v1.0/users?$select=id,mail,proxyAddresses&$top=1")
        assert set(page["value"][0]) == {"id", "mail", "proxyAddresses"}

    @pytest.mark.parametrize(
        ("target", "status"),
        [
            ("/v1.0/users?$select=id,shoeSize", 400),
            ("/v1.0/users?$top=1000", 400),
            ("/v1.0/users?$top=0", 400),
            ("/v1.0/users?$expand=manager", 400),
            ("/v1.0/users?$top=1&$top=2", 400),
            ("/v1.0/users?$skiptoken=made-up", 400),
            ("/v1.0/servicePrincipals?$filter=notes eq 'x'", 400),
            ("/v1.0/oauth2PermissionGrants?$filter=clientId ne 'x'", 400),
            ("/v1.0/oauth2PermissionGrants?$filter=clientId eq 'x' and", 400),
            ("/v1.0/auditLogs/directoryAudits?$filter=result eq 'success'", 400),
            ("/v1.0/me", 404),
            ("/v1.0/users/nobody@kitano-trading.example/mailFolders/inbox/messages", 404),
            ("/v2.0/users", 404),
        ],
    )
    def test_what_nobody_should_ask_is_refused_and_noted(
        self, running_cloud: CloudLab, target: str, status: int
    ) -> None:
        """Unknown paths, options, properties and comparisons are errors, and the journal says why."""
        assert graph(running_cloud).ask(target)[0] == status
        assert len(running_cloud.problems) == 1

    @pytest.mark.parametrize(
        "headers",
        [
            {"x-ms-throttle-priority": "urgent"},
            {"Prefer": "odata.maxpagesize=many"},
            {"Prefer": "something-else"},
            {"Accept": "text/html"},
        ],
    )
    def test_headers_that_nobody_should_send(self, running_cloud: CloudLab, headers: dict[str, str]) -> None:
        """Priorities, preferences and types that are not known are refused and noted."""
        client = graph(running_cloud)
        assert client.ask("/v1.0/users?$top=1", headers=headers)[0] == 400
        assert len(running_cloud.problems) == 1
        sound = {
            "x-ms-throttle-priority": "Low",
            "Prefer": "odata.maxpagesize=5",
            "Accept": "application/json",
        }
        assert client.ask("/v1.0/users?$top=1", headers=sound)[0] == 200
        assert running_cloud.requests[-1].headers["x-ms-throttle-priority"] == "Low"

    @pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
    def test_nothing_can_be_written(self, running_cloud: CloudLab, method: str) -> None:
        """A method that writes is refused and noted."""
        assert graph(running_cloud).ask("/v1.0/users", method, json={})[0] == 405
        assert running_cloud.problems[0].problem == f"{method} /v1.0/users"

    def test_a_link_holds_only_for_what_it_was_given_for(self, running_cloud: CloudLab) -> None:
        """A cursor with other options, or for another list, is refused."""
        client = graph(running_cloud)
        link = client.get("/v1.0/users?$top=5")["@odata.nextLink"]
        assert client.ask(link)[0] == 200
        assert client.ask(link.replace("$top=5", "$top=6"))[0] == 400
        assert client.ask(link.replace("/users?", "/servicePrincipals?"))[0] == 400

    def test_a_filter_is_an_index(self, running_cloud: CloudLab) -> None:
        """Grants to everybody, of an application and of a person are found by filter."""
        state, client = running_cloud.microsoft.state, graph(running_cloud)
        payroll = state.principal(running_cloud.organisation.application("payroll-portal").id)
        everybody, _, _ = client.whole("/v1.0/oauth2PermissionGrants?$filter=consentType eq 'AllPrincipals'")
        assert {one["clientId"] for one in everybody} >= {payroll.id}
        assert {one["principalId"] for one in everybody} == {None}
        its, _, _ = client.whole(f"/v1.0/oauth2PermissionGrants?$filter=clientId eq '{payroll.id}'")
        assert [one["scope"] for one in its] == ["Mail.ReadWrite User.Read offline_access"]
        both = f"clientId eq '{payroll.id}' and consentType eq 'Principal'"
        assert client.whole(f"/v1.0/oauth2PermissionGrants?$filter={both}")[0] == []

    def test_a_persons_grants_leave_out_those_to_everybody(self, running_cloud: CloudLab) -> None:
        """What an administrator granted for all is not among a user's own grants."""
        own, _, _ = graph(running_cloud).whole(f"/v1.0/users/{HARUKA}/oauth2PermissionGrants")
        assert {one["consentType"] for one in own} == {"Principal"}
        assert " openid profile User.Read offline_access Mail.Read" in {one["scope"] for one in own}

    def test_who_holds_application_permissions_comes_in_one_list(self, running_cloud: CloudLab) -> None:
        """Of each resource, all applications with a role on it, by the role's id."""
        state, client = running_cloud.microsoft.state, graph(running_cloud)
        found = {}
        for name in ("graph", "exchange"):
            resource = state.resource(name)
            values = dict(resource.roles)
            items, _, _ = client.whole(f"/v1.0/servicePrincipals/{resource.id}/appRoleAssignedTo")
            found[name] = {(one["principalDisplayName"], values[one["appRoleId"]]) for one in items}
        assert ("Invoice Archive Connector", "Mail.Read") in found["graph"]
        assert ("Lighthouse Backup for Microsoft 365", "full_access_as_app") in found["exchange"]

    def test_keys_are_where_they_were_added(self, running_cloud: CloudLab) -> None:
        """A key of an in-house application is at its registration, one on Microsoft's own at its principal."""
        client = graph(running_cloud)
        select = "$select=displayName,passwordCredentials,keyCredentials"
        own, _, _ = client.whole(f"/v1.0/applications?{select}")
        keyed = {one["displayName"]: len(one["passwordCredentials"]) for one in own}
        assert keyed["Invoice Archive Connector"] == 2
        principals, _, _ = client.whole(f"/v1.0/servicePrincipals?{select}")
        assert [one["displayName"] for one in principals if one["keyCredentials"]] == [
            "Office 365 Exchange Online"
        ]

    def test_owners_are_people(self, running_cloud: CloudLab) -> None:
        """Who owns Microsoft's command line here is told by name."""
        state = running_cloud.microsoft.state
        principal = state.principal(running_cloud.organisation.application("graph-command-line").id)
        owners, _, _ = graph(running_cloud).whole(f"/v1.0/servicePrincipals/{principal.id}/owners")
        assert [one["userPrincipalName"] for one in owners] == ["daniel.osei@kitano-trading.example"]


class TestAudits:
    """The directory's audit log."""

    def test_the_log_dates_what_grants_do_not(self, running_cloud: CloudLab) -> None:
        """A consent of the last days is there with its time, its actor and its application."""
        text = "activityDisplayName eq 'Consent to application'"
        items, _, _ = graph(running_cloud).whole(f"/v1.0/auditLogs/directoryAudits?$filter={text}")
        payroll = [one for one in items if one["targetResources"][0]["displayName"] == "Payroll Self Service"]
        assert payroll[0]["initiatedBy"]["user"]["userPrincipalName"] == (
            "sara.lindqvist@kitano-trading.example"
        )
        times = [one["activityDateTime"] for one in items]
        assert times == sorted(times, reverse=True)

    def test_a_month_is_kept(self, running_cloud: CloudLab) -> None:
        """Nothing that is older than thirty days is in the log."""
        items, _, _ = graph(running_cloud).whole("/v1.0/auditLogs/directoryAudits")
        oldest = min(datetime.fromisoformat(one["activityDateTime"]) for one in items)
        assert oldest > datetime.now(UTC) - timedelta(days=32)  # noqa: TID251 (the lab's own clock)

    def test_filters_of_time_and_kind(self, running_cloud: CloudLab) -> None:
        """Times and several activities can be asked for together."""
        client = graph(running_cloud)
        every, _, _ = client.whole("/v1.0/auditLogs/directoryAudits")
        middle = every[len(every) // 2]["activityDateTime"]
        kinds = "activityDisplayName eq 'Add owner to service principal' or startswith(activityDisplayName,'Add app')"
        text = f"activityDateTime ge {middle} and ({kinds})"
        some, _, _ = client.whole(f"/v1.0/auditLogs/directoryAudits?$filter={text}")
        expected = [
            one["id"]
            for one in every
            if one["activityDateTime"] >= middle
            and (
                one["activityDisplayName"] == "Add owner to service principal"
                or one["activityDisplayName"].startswith("Add app")
            )
        ]
        assert [one["id"] for one in some] == expected

    def test_what_a_test_changes_is_logged(self, running_cloud: CloudLab) -> None:
        """A key and an owner that are added later have their records."""
        state = running_cloud.microsoft.state
        now = datetime.now(UTC)  # noqa: TID251 (the lab's own clock)
        user = state.user(OLIVER)
        assert user is not None
        state.add_key(EXCHANGE_APP_ID, secret("again", now), by=user)
        state.add_owner(EXCHANGE_APP_ID, user, now, by=user)
        items = graph(running_cloud).get("/v1.0/auditLogs/directoryAudits?$top=2")["value"]
        assert {one["activityDisplayName"] for one in items} == {
            "Add service principal credentials",
            "Add owner to service principal",
        }


class TestDelta:
    """What changed since a list was read."""

    @pytest.mark.parametrize("path", ["delta", "delta()"])
    def test_the_first_reading_is_the_whole_list(self, running_cloud: CloudLab, path: str) -> None:
        """A delta begins with everything as it is, and ends with a link to later changes."""
        state, client = running_cloud.microsoft.state, graph(running_cloud)
        state.withdraw(next(iter(state.consents)).id)
        items, _, link = client.whole(f"/v1.0/oauth2PermissionGrants/{path}?$top=999")
        assert len(items) == len(state.consents)
        assert "$deltatoken=" in link
        assert client.whole(link)[0] == []

    def test_added_changed_and_removed_come_once(self, running_cloud: CloudLab) -> None:
        """The link gives what was added and changed as it is now, and what is gone by its id."""
        state, client = running_cloud.microsoft.state, graph(running_cloud)
        _, _, link = client.whole("/v1.0/oauth2PermissionGrants/delta?$top=999")
        assert client.whole(link)[0] == []
        now = datetime(2026, 11, 22, tzinfo=UTC)
        app = running_cloud.organisation.application("emoji").id
        made = state.consent(app, "Mail.Read", now, user=OLIVER)
        changed = state.consent(app, "Mail.ReadWrite", now, user=OLIVER)
        assert made.id == changed.id
        gone = next(row for row in state.consents if row.id != made.id)
        state.withdraw(gone.id)
        items, _, later = client.whole(link)
        assert {item["id"]: item.get("scope") for item in items} == {made.id: "Mail.ReadWrite", gone.id: None}
        assert [item["@removed"] for item in items if "@removed" in item] == [{"reason": "deleted"}]
        assert client.whole(later)[0] == []
        assert_valid(running_cloud)

    def test_many_changes_come_in_pages(self, running_cloud: CloudLab) -> None:
        """Changes have next links as lists have."""
        state, client = running_cloud.microsoft.state, graph(running_cloud)
        _, _, link = client.whole("/v1.0/users/delta?$top=50")
        gone = [row.id for row in list(state.users)[:120]]
        for identity in gone:
            state.users.remove(identity)
        items, pages, _ = client.whole(link)
        assert [item["id"] for item in items] == gone
        assert pages == 3

    def test_a_change_during_the_reading_is_not_lost(self, running_cloud: CloudLab) -> None:
        """What changes while the first reading goes on comes with the link at its end."""
        state, client = running_cloud.microsoft.state, graph(running_cloud)
        first = client.get("/v1.0/oauth2PermissionGrants/delta?$top=999")
        gone = first["value"][0]["id"]
        state.withdraw(gone)
        _, _, link = client.whole(first["@odata.nextLink"])
        assert [item["id"] for item in client.whole(link)[0]] == [gone]

    def test_one_can_begin_with_now(self, running_cloud: CloudLab) -> None:
        """With the token `latest`, nothing comes but the link."""
        items, _, link = graph(running_cloud).whole("/v1.0/servicePrincipals/delta?$deltatoken=latest")
        assert items == []
        assert link

    def test_a_link_that_is_too_old_is_gone(self, start_cloud: StartCloud) -> None:
        """After its end, a link is answered with 410 and the word to start again."""
        shift = [timedelta(0)]
        lab = start_cloud(clock=lambda: datetime(2026, 11, 22, tzinfo=UTC) + shift[0])
        client = graph(lab)
        _, _, link = client.whole("/v1.0/users/delta?$top=999")
        shift[0] = timedelta(seconds=1)
        lab.microsoft.cursors.expire_all(datetime(2026, 11, 22, 0, 0, 1, tzinfo=UTC))
        status, answer = client.ask(link)
        assert (status, answer["error"]["code"]) == (410, "syncStateNotFound")


class TestRights:
    """What each request needs."""

    @pytest.mark.parametrize(
        ("role", "path"),
        [
            ("AuditLog.Read.All", "/v1.0/auditLogs/directoryAudits"),
            ("MailboxSettings.Read", f"/v1.0/users/{OLIVER}/mailboxSettings"),
            ("MailboxSettings.Read", f"/v1.0/users/{OLIVER}/mailFolders/inbox/messageRules"),
            ("Directory.Read.All", "/v1.0/oauth2PermissionGrants"),
        ],
    )
    def test_without_its_role_a_request_is_forbidden(
        self, running_cloud: CloudLab, role: str, path: str
    ) -> None:
        """The roles are those of the token, which are the application's when it was made."""
        made = running_cloud.microsoft
        old = graph(running_cloud)
        made.state.unassign(made.client_id, [role])
        assert old.ask(path)[0] == 200
        status, answer = graph(running_cloud).ask(path)
        assert status == 403
        assert answer["error"]["code"] in {"Authorization_RequestDenied", "ErrorAccessDenied"}
        made.state.assign(made.client_id, [role], datetime(2026, 11, 22, tzinfo=UTC))
        assert graph(running_cloud).ask(path)[0] == 200

    def test_the_tenant_and_its_domain(self, running_cloud: CloudLab) -> None:
        """Whose tenant it is can be asked."""
        page = graph(running_cloud).get("/v1.0/organization?$select=id,verifiedDomains")
        assert page["value"][0]["id"] == running_cloud.microsoft.tenant_id

    def test_beta_has_the_times_of_grants(self, running_cloud: CloudLab) -> None:
        """Beta's grants have two properties more, which say nothing."""
        page = graph(running_cloud).get("/beta/oauth2PermissionGrants?$top=1")
        assert {"startTime", "expiryTime"} <= set(page["value"][0])
