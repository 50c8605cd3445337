"""The mailboxes of the lab's Microsoft: what Graph shows of them, and Exchange's cmdlets."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from time import monotonic
from typing import Any

import pytest

from postwarden.lab.cloud import CloudLab
from tests.lab.cloud import (
    StartCloud,
    exchange,
    graph,
    invoke,
    microsoft_token,
)

OLIVER = "oliver.brandt@kitano-trading.example"
NORIKO = "noriko.abe@kitano-trading.example"
JSON = {"Content-Type": "application/json"}


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
