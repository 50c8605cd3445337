"""The lab's Microsoft: log-in, Graph's lists, batches and changes, and Exchange's cmdlets."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Event
from time import monotonic
from typing import Any

import msal
import pytest
import requests

from postwarden.lab.cloud import CloudLab
from postwarden.lab.cloud.microsoft_rows import EXCHANGE_APP_ID
from postwarden.lab.cloud.microsoft_state import secret
from tests.lab.cloud import (
    StartCloud,
    assert_valid,
    exchange,
    graph,
    invoke,
    microsoft_token,
    unsigned,
)

OLIVER = "oliver.brandt@kitano-trading.example"
NORIKO = "noriko.abe@kitano-trading.example"
JSON = {"Content-Type": "application/json"}
HARUKA = "haruka.endo@kitano-trading.example"


def session(lab: CloudLab) -> requests.Session:
    made = requests.Session()
    made.trust_env = False
    made.verify = str(lab.ca_file)
    return made


def msal_token(lab: CloudLab, credential: Any) -> dict[str, Any]:
    made = lab.microsoft
    with session(lab) as http:
        application = msal.ConfidentialClientApplication(
            made.client_id,
            authority=made.authority,
            client_credential=credential,
            instance_discovery=False,
            http_client=http,
        )
        token: dict[str, Any] = application.acquire_token_for_client(["https://graph.microsoft.com/.default"])
    return token


def certificate(lab: CloudLab) -> dict[str, str]:
    return {
        "private_key": lab.microsoft.key_file.read_text(),
        "public_certificate": lab.microsoft.certificate_file.read_text(),
    }


class TestLoggingIn:
    """Entra's token endpoint."""

    def test_msal_logs_in_with_the_secret(self, running_cloud: CloudLab) -> None:
        """Microsoft's own library gets a token for Graph, with the roles that the application holds."""
        token = msal_token(running_cloud, running_cloud.microsoft.client_secret)
        claims = unsigned(token["access_token"])
        assert claims["roles"] == sorted(
            running_cloud.microsoft.state.roles_of(running_cloud.microsoft.client_id, "graph")
        )
        assert (claims["aud"], claims["tid"]) == (
            "https://graph.microsoft.com",
            running_cloud.microsoft.tenant_id,
        )

    def test_msal_logs_in_with_the_certificate(self, running_cloud: CloudLab) -> None:
        """Microsoft's own library gets one with a signed assertion, too."""
        token = msal_token(running_cloud, certificate(running_cloud))
        assert token["token_type"] == "Bearer"
        assert running_cloud.microsoft.bearers.given == 1
        assert_valid(running_cloud)

    def test_a_wrong_secret_gives_no_token(self, running_cloud: CloudLab) -> None:
        """The refusal is Microsoft's, and counted."""
        token = msal_token(running_cloud, "wrong")
        assert token["error"] == "invalid_client"
        assert token["error_codes"] == [7000215]
        assert running_cloud.microsoft.bearers.refused == 1

    def test_a_strangers_key_gives_no_token(self, running_cloud: CloudLab) -> None:
        """An assertion that another key signed proves nothing."""
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import rsa

        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        token = msal_token(running_cloud, {**certificate(running_cloud), "private_key": pem.decode()})
        assert "signature is invalid" in token["error_description"]

    def test_a_token_for_exchange_is_none_for_graph(self, running_cloud: CloudLab) -> None:
        """A token holds for the resource that it was asked for."""
        client = graph(running_cloud, "https://outlook.office365.com")
        status, answer = client.ask("/v1.0/users")
        assert (status, answer["error"]["code"]) == (401, "InvalidAuthenticationToken")
        assert [one.problem for one in running_cloud.problems] == ["a token for something else"]

    def test_a_token_ends_with_its_time(self, start_cloud: StartCloud) -> None:
        """After its lifetime by the lab's clock, a token is refused."""
        shift = [timedelta(0)]
        lab = start_cloud(clock=lambda: datetime(2026, 11, 22, tzinfo=UTC) + shift[0])
        lab.microsoft.bearers.seconds = 60
        client = graph(lab)
        assert client.ask("/v1.0/users?$top=1")[0] == 200
        shift[0] = timedelta(seconds=61)
        assert client.ask("/v1.0/users?$top=1")[0] == 401

    def test_a_token_ends_after_so_many_requests(self, running_cloud: CloudLab) -> None:
        """With a number of uses, a token ends whatever it said."""
        running_cloud.microsoft.bearers.uses = 2
        client = graph(running_cloud)
        assert [client.ask("/v1.0/users?$top=1")[0] for _ in range(3)] == [200, 200, 401]

    def test_the_resource_may_be_named_by_the_labs_own_address(self, running_cloud: CloudLab) -> None:
        """A client whose Graph is the lab's asks for a token for that address."""
        assert graph(running_cloud, running_cloud.microsoft.graph_url).ask("/v1.0/users?$top=1")[0] == 200


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


class TestMailboxes:
    """Rules and settings, alone and in batches."""

    def test_rules_are_in_graphs_form(self, running_cloud: CloudLab) -> None:
        """Recipients are objects, folders ids, and what says nothing is null."""
        rules = graph(running_cloud).get(f"/v1.0/users/{OLIVER}/mailFolders/inbox/messageRules")["value"]
        assert [rule["displayName"] for rule in rules] == ["."]
        address = "o.brandt.office@quickmail-post.example"
        assert rules[0]["actions"]["redirectTo"] == [{"emailAddress": {"name": address, "address": address}}]
        assert rules[0]["exceptions"] is None

    def test_hidden_rules_are_not_shown(self, running_cloud: CloudLab) -> None:
        """What no client lists, Graph does not list either."""
        assert graph(running_cloud).get(f"/v1.0/users/{NORIKO}/mailFolders/inbox/messageRules")["value"] == []

    def test_somebody_without_a_mailbox(self, running_cloud: CloudLab) -> None:
        """An account without a mailbox has neither rules nor settings."""
        for path in ("mailFolders/inbox/messageRules", "mailboxSettings"):
            status, answer = graph(running_cloud).ask(
                f"/v1.0/users/daniel.osei@kitano-trading.example/{path}"
            )
            assert (status, answer["error"]["code"]) == (404, "MailboxNotEnabledForRESTAPI")

    def test_a_batch_answers_each_part(self, running_cloud: CloudLab) -> None:
        """Each part has its own status, and what is refused in one spoils no other."""
        answers = graph(running_cloud).batch(
            f"/users/{OLIVER}/mailFolders/inbox/messageRules",
            f"/users/{OLIVER}/mailboxSettings?$select=automaticRepliesSetting",
            "/users/nobody/mailboxSettings",
            "/users?$bogus=1",
        )
        assert [answers[str(place)]["status"] for place in (1, 2, 3, 4)] == [200, 200, 404, 400]
        assert set(answers["2"]["body"]) == {"@odata.context", "automaticRepliesSetting"}
        assert [one.part for one in running_cloud.requests if one.part] == ["1", "2", "3", "4"]
        assert running_cloud.counts["graph.batch"] == 1
        assert running_cloud.counts["graph/mailbox_settings"] == 2

    @pytest.mark.parametrize(
        "body",
        [
            b"not json",
            b"[]",
            b'{"requests":[]}',
            b'{"requests":[{"id":"1","method":"GET"}]}',
            b'{"requests":[{"id":"1","method":"GET","url":"https://elsewhere.invalid/users"}]}',
            b'{"requests":[{"id":"1","method":"GET","url":"//elsewhere.invalid/users"}]}',
            b'{"requests":[{"id":"1","method":"GET","url":"/users","body":{}}]}',
            b'{"requests":[{"id":"1","method":"GET","url":"/users"},{"id":"1","method":"GET","url":"/users"}]}',
            b'{"requests":[%b]}'
            % b",".join(b'{"id":"%d","method":"GET","url":"/users"}' % place for place in range(21)),
        ],
    )
    def test_a_batch_that_is_none_is_refused(self, running_cloud: CloudLab, body: bytes) -> None:
        """Too many parts, absolute URLs, bodies and repeated ids make a batch that nobody answers."""
        assert graph(running_cloud).ask("/v1.0/$batch", "POST", data=body, headers=JSON)[0] == 400
        assert len(running_cloud.problems) == 1

    def test_a_part_that_writes_is_refused(self, running_cloud: CloudLab) -> None:
        """The way through a batch is no way around."""
        part = {"id": "1", "method": "DELETE", "url": "/users/x"}
        _, value = graph(running_cloud).ask("/v1.0/$batch", "POST", json={"requests": [part]})
        assert value["responses"][0]["status"] == 405
        assert running_cloud.problems[0].problem == "DELETE /v1.0/users/x"

    def test_outlook_serves_four_at_a_time(self, start_cloud: StartCloud) -> None:
        """A fifth request for a mailbox at the same time is told that there are too many; others are not."""
        lab = start_cloud(latency=0.3)
        client = graph(lab)
        with ThreadPoolExecutor(8) as pool:
            rules = [
                pool.submit(client.ask, f"/v1.0/users/{OLIVER}/mailFolders/inbox/messageRules")
                for _ in range(6)
            ]
            users = [pool.submit(client.ask, "/v1.0/users?$top=1") for _ in range(2)]
        statuses = Counter(one.result()[0] for one in rules)
        assert statuses == {200: 4, 429: 2}
        assert {one.result()[0] for one in users} == {200}
        assert lab.microsoft.outlook.peak == 4

    def test_a_batch_beside_four_others_has_parts_that_must_wait(self, start_cloud: StartCloud) -> None:
        """A batch is answered with 200 while its parts for mailboxes are answered with 429."""
        lab = start_cloud(latency=0.5)
        client = graph(lab)
        with ThreadPoolExecutor(6) as pool:
            for _ in range(4):
                pool.submit(client.ask, f"/v1.0/users/{OLIVER}/mailboxSettings")
            deadline = monotonic() + 10
            while lab.peaks.get("graph", 0) < 4 and monotonic() < deadline:
                Event().wait(0.005)
            answers = client.batch(f"/users/{OLIVER}/mailboxSettings", "/users?$top=1")
        assert (answers["1"]["status"], answers["2"]["status"]) == (429, 200)


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


class TestCmdlets:
    """Exchange's InvokeCommand."""

    def test_hidden_rules_show(self, running_cloud: CloudLab) -> None:
        """With IncludeHidden, rules that no client lists are there."""
        client = exchange(running_cloud)
        _, shown = invoke(client, running_cloud, "Get-InboxRule", Mailbox=NORIKO)
        _, every = invoke(client, running_cloud, "Get-InboxRule", Mailbox=NORIKO, IncludeHidden=True)
        assert shown["value"] == []
        assert [rule["RedirectTo"] for rule in every["value"] if rule["RedirectTo"]] == [
            ['"n.abe.private@quickmail-post.example" [SMTP:n.abe.private@quickmail-post.example]']
        ]

    def test_forwarding_and_rights_show(self, running_cloud: CloudLab) -> None:
        """A mailbox's own forwarding, and who else may open it or send as it."""
        client = exchange(running_cloud)
        victor = "victor.santos@kitano-trading.example"
        _, mailbox = invoke(client, running_cloud, "Get-Mailbox", Identity=victor)
        assert mailbox["value"][0]["ForwardingSmtpAddress"] == "smtp:v.santos.mobile@freemail-north.example"
        support = "support@kitano-trading.example"
        _, rights = invoke(client, running_cloud, "Get-MailboxPermission", Identity=support)
        _, senders = invoke(client, running_cloud, "Get-RecipientPermission", Identity=support)
        assert "admin.sato@kitano-trading.example" in {row["User"] for row in rights["value"]}
        assert "iryna.shevchenko@kitano-trading.example" in {row["Trustee"] for row in senders["value"]}
        _, roles = invoke(client, running_cloud, "Get-ManagementRoleAssignment")
        assert "Application MailboxSettings.Read" in {row["Role"] for row in roles["value"]}

    def test_the_next_page_is_had_with_the_same_body(self, running_cloud: CloudLab) -> None:
        """A page's link takes the command that it was given for, and no other."""
        client = exchange(running_cloud)
        client.session.headers["Prefer"] = "odata.maxpagesize=50"
        body: dict[str, Any] = {"CmdletInput": {"CmdletName": "Get-Mailbox", "Parameters": {}}}
        target = f"/adminapi/beta/{running_cloud.microsoft.tenant_id}/InvokeCommand"
        names: list[str] = []
        pages = 0
        while target:
            _, page = client.ask(target, "POST", json=body)
            names += [row["UserPrincipalName"] for row in page["value"]]
            pages += 1
            last, target = target, page.get("@odata.nextLink", "")
        assert (len(set(names)), len(names), pages) == (119, 119, 3)
        body["CmdletInput"]["Parameters"] = {"ResultSize": "Unlimited"}
        assert client.ask(last, "POST", json=body)[0] == 400

    @pytest.mark.parametrize("cmdlet", ["Set-Mailbox", "New-InboxRule", "Get-Message", ""])
    def test_other_cmdlets_are_refused_and_noted(self, running_cloud: CloudLab, cmdlet: str) -> None:
        """Only what an audit reads is there."""
        assert invoke(exchange(running_cloud), running_cloud, cmdlet)[0] == 400
        assert running_cloud.problems[0].problem == f"the cmdlet {cmdlet}"

    def test_without_the_role_nothing_is_told(self, running_cloud: CloudLab) -> None:
        """The application needs Exchange.ManageAsApp."""
        made = running_cloud.microsoft
        made.state.unassign(made.client_id, ["Exchange.ManageAsApp"], resource="exchange")
        assert invoke(exchange(running_cloud), running_cloud, "Get-Mailbox")[0] == 403

    def test_a_token_for_graph_is_none_here(self, running_cloud: CloudLab) -> None:
        """Each resource has its own tokens."""
        client = exchange(running_cloud)
        token = microsoft_token(running_cloud, "https://graph.microsoft.com")
        client.session.headers["Authorization"] = f"Bearer {token}"
        assert invoke(client, running_cloud, "Get-Mailbox")[0] == 401
