"""The ten traps of Exchange and exchangelib, for the source kind `ews` against the lab's Exchange.

Every request and answer is checked against the published schema (see the fixture).
"""

import logging
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from exchangelib import DELEGATE, IMPERSONATION, Account, Message, OofSettings
from exchangelib.properties import Actions, Conditions, Rule

from postwarden.connectors.ews.source import EwsSource
from postwarden.errors import ConnectorError
from postwarden.lab.exchange import FAULTS, ExchangeLab
from postwarden.lab.exchange.organisation import Delegate, Permission
from postwarden.model.evidence import Delegation, Folder, Recipient, Setting
from postwarden.pipeline.collect import Reading
from tests.lab.conftest import StartExchange
from tests.lab.exchange import ALL_READ, DOMAIN, account, flows, read, source, status


def test_trap_1_an_error_among_the_rules_is_no_empty_list(
    running_exchange: ExchangeLab, tmp_path: Path
) -> None:
    """Where GetInboxRules answers with an error, which exchangelib hides in the list, rules are a gap."""
    made = source(running_exchange, tmp_path)
    running_exchange.faults.add("denied", operation="GetInboxRules")
    found = read(made, "tom.becker")
    assert status(found) == {**ALL_READ, "inbox_rules": "gap"}
    assert flows(found, "inbox_rules") == []
    assert flows(found, "rule_items") != []


def test_trap_2_rules_that_no_client_lists_are_found(running_exchange: ExchangeLab, tmp_path: Path) -> None:
    """A rule that only the inbox's associated items have is hidden, decoded, and not among the listed ones."""
    found = read(source(running_exchange, tmp_path), "katrin.vogel")
    listed = {flow.name for flow in flows(found, "inbox_rules")}
    stored = flows(found, "rule_items")
    blank = [flow for flow in stored if not flow.name]
    assert len(blank) == 1
    assert blank[0].hidden
    assert "" not in listed
    targets = [
        effect.target for path in blank[0].paths for effect in path.effects if effect.what == "redirect"
    ]
    assert targets == ["k.vogel.billing@quickmail-post.example"]
    assert {flow.name for flow in stored if not flow.hidden} == listed


def test_trap_2_rules_that_only_outlook_knows_are_told(running_exchange: ExchangeLab, tmp_path: Path) -> None:
    """OutlookRuleBlobExists, which exchangelib drops, is evidence."""
    made = source(running_exchange, tmp_path)
    values = {
        name: [
            item.value
            for item in read(made, name).evidence
            if isinstance(item, Setting) and item.name == "outlook_rule_blob"
        ]
        for name in ("james.whitfield", "tom.becker")
    }
    assert values == {"james.whitfield": ["present"], "tom.becker": ["absent"]}


def test_trap_3_permissions_are_what_the_server_sent(running_exchange: ExchangeLab, tmp_path: Path) -> None:
    """Levels of mail folders, rights to make sub-folders, and entries of deleted accounts, which exchangelib loses."""
    running_exchange.state.set_permission(
        "keiko.arai",
        Permission(folder="inbox", who="jonas.weber", level="PublishingEditor"),
    )
    made = source(running_exchange, tmp_path)
    found = [item for item in read(made, "keiko.arai").evidence if isinstance(item, Delegation)]
    (editor,) = [item for item in found if item.grantee == f"jonas.weber@{DOMAIN}"]
    assert (editor.level, editor.use) == ("PublishingEditor", "inbox")
    assert "create_folder" in editor.rights
    orphans = [
        item
        for item in read(made, "henrik.lind").evidence
        if isinstance(item, Delegation) and item.grantee_kind == "orphan"
    ]
    assert orphans
    assert all(item.grantee.startswith(("S-1-5-", "NT User:S-1-5-")) for item in orphans)


def test_trap_4_one_dead_delegate_does_not_hide_the_others(
    running_exchange: ExchangeLab, tmp_path: Path
) -> None:
    """Each delegate is an answer of its own: the dead one is a gap, and the living stay."""
    state = running_exchange.state
    state.kill_delegate("hiroshi.tanabe", "emi.okada")
    made = source(running_exchange, tmp_path)
    alone = read(made, "hiroshi.tanabe")
    assert [gap.check for gap in alone.gaps] == ["delegates"]
    assert "ErrorDelegateNoUser" in alone.gaps[0].message
    state.add_delegate("hiroshi.tanabe", Delegate(who="lucas.roy", calendar="Editor"))
    both = read(source(running_exchange, tmp_path), "hiroshi.tanabe")
    assert [gap.part for gap in both.gaps] == ["delegate 1 of 2"]
    assert [item for item in both.evidence if isinstance(item, Delegation) and item.via == "ews_delegate"]


def test_trap_5_a_name_of_the_directory_is_looked_up(running_exchange: ExchangeLab, tmp_path: Path) -> None:
    """A legacy DN that looks internal is a contact outside; a list is told with its members, nested ones too."""
    made = source(running_exchange, tmp_path)
    recipients = [item for item in read(made, "tom.becker").evidence if isinstance(item, Recipient)]
    (contact,) = [item for item in recipients if item.mailbox_type == "contact"]
    assert contact.asked.startswith("/o=")
    assert any(address.endswith("@quickmail-post.example") for address in contact.addresses)
    (own,) = [item for item in recipients if item.asked == f"tom.becker@{DOMAIN}"]
    assert own.addresses == (f"tom.becker@{DOMAIN}", "tom.becker@kitano-marine.local")
    lists = [
        item
        for item in read(made, "olivier.petit").evidence
        if isinstance(item, Recipient) and item.mailbox_type == "group"
    ]
    assert len(lists) == 1
    assert lists[0].complete
    assert any(member.endswith("@hansen-audit.example") for member in lists[0].members)
    before = len(running_exchange.requests)
    read(source(running_exchange, tmp_path), "olivier.petit")
    assert len(running_exchange.requests) > before


@pytest.mark.parametrize("how", ["basic", "ntlm"])
def test_trap_6_a_wrong_password_is_tried_once(
    how: str, start_exchange: StartExchange, tmp_path: Path
) -> None:
    """However many mailboxes are read at once, a directory that locks after two attempts locks nothing."""
    lab = start_exchange(lockout=2)
    made = source(lab, tmp_path, how, connections=8)
    (tmp_path / "password").write_text("wrong\n")
    found: list[Reading] = []
    threads = [
        threading.Thread(target=lambda name=name: found.append(read(made, name)))
        for name in ("tom.becker", "emi.okada", "lucas.roy", "carlos.vega")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {gap.reason for one in found for gap in one.gaps} == {"refused"}
    assert len([one for one in lab.logons if not one.succeeded]) == 1
    assert not lab.is_locked


def test_trap_6_busy_servers_are_waited_for(running_exchange: ExchangeLab, tmp_path: Path) -> None:
    """A server that names a time, first or not, is asked again after it, and all is read."""
    made = source(running_exchange, tmp_path)
    running_exchange.faults.add("busy", operation="FindFolder", seconds=0.3)
    running_exchange.faults.add("busy_policy_first", operation="GetDelegate", seconds=0.3)
    running_exchange.faults.add("unavailable", operation="GetItem", seconds=1)
    started = time.monotonic()
    found = read(made, "tom.becker")
    assert status(found) == ALL_READ
    assert time.monotonic() - started >= 1.6


@pytest.mark.parametrize("access", ["impersonation", "delegate"])
def test_trap_7_who_is_asked_for_is_one_in_every_place(
    access: str, running_exchange: ExchangeLab, tmp_path: Path
) -> None:
    """Impersonated account, anchor mailbox and audited mailbox agree in each request, also between threads."""
    lab = running_exchange
    lab.state.allow_full_access(lab.service.login)
    made = source(lab, tmp_path, access=access, connections=6)
    names = list(lab.state.mailboxes)[:12]
    threads = [threading.Thread(target=read, args=(made, name)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    asked = [one for one in lab.requests if one.operation != "GetServerTimeZones"]
    assert len(asked) >= 12 * 7
    for one in asked:
        if access == "impersonation":
            assert one.impersonated is not None
            assert one.impersonated.value == one.anchor
        else:
            assert one.impersonated is None
    assert {one.anchor for one in asked} == {f"{name}@{DOMAIN}" for name in names}


def exchangelib_account(made: EwsSource, name: str, access: str) -> Account:
    connections, _ = made._connected(account(name))
    subject = Account(
        f"{name}@{DOMAIN}", config=connections.configuration, access_type=access, autodiscover=False
    )
    subject.protocol = connections.protocol
    return subject


@pytest.mark.parametrize("access", [DELEGATE, IMPERSONATION])
def test_trap_8_nothing_that_changes_a_mailbox_leaves(
    access: str, running_exchange: ExchangeLab, tmp_path: Path
) -> None:
    """The library's own ways to change something, on our connections, are held back before a byte is sent."""
    lab = running_exchange
    lab.state.allow_full_access(lab.service.login)
    made = source(lab, tmp_path)
    subject = exchangelib_account(made, "tom.becker", access)
    rule = Rule(
        account=subject,
        display_name="x",
        priority=1,
        is_enabled=True,
        conditions=Conditions(from_addresses=[]),
        actions=Actions(delete=True),
    )
    known = Rule(account=subject, id="AQ==", display_name="x", priority=1, is_enabled=True)
    before = len(lab.requests)
    attempts: list[Any] = [
        lambda: subject.create_rule(rule),
        lambda: subject.delete_rule(known),
        lambda: setattr(subject, "oof_settings", OofSettings(state="Disabled")),
        lambda: Message(account=subject, subject="x", body="y", to_recipients=[]).send(),
        lambda: subject.bulk_delete([("id", "key")]),
        subject.subscribe_to_pull,
    ]
    for attempt in attempts:
        with pytest.raises((ConnectorError, TypeError, ValueError)) as caught:
            attempt()
        assert isinstance(caught.value, ConnectorError), attempt
        assert "held back" in caught.value.message
    # Some look for a folder first, which is a request that reads.
    assert {one.operation for one in lab.requests[before:]} <= {"GetFolder"}
    assert lab.state.mutations == []


def test_trap_9_what_people_wrote_is_in_no_log(
    running_exchange: ExchangeLab,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Whatever fails, and with debugging on, neither requests nor answers nor passwords are logged."""
    made = source(running_exchange, tmp_path)
    with caplog.at_level(logging.DEBUG):
        for name in (
            "exchangelib",
            "exchangelib.util",
            "exchangelib.util.xml",
            "exchangelib.services.common",
        ):
            logging.getLogger(name).setLevel(logging.DEBUG)
        for name in FAULTS:
            if name not in {"drip", "stall", "silence", "busy_without_back_off"}:
                running_exchange.faults.add(name, operation="GetInboxRules", seconds=0.1)
                read(made, "tom.becker")
    said = caplog.text + "".join(capfd.readouterr())
    for word in ("tom.becker", "Envelope", "GetInboxRules", running_exchange.service.password):
        assert word not in said


@pytest.mark.parametrize("cap", [1, 7])
def test_trap_10_partial_pages_are_read_to_the_end(
    cap: int, start_exchange: StartExchange, tmp_path: Path
) -> None:
    """A server that sends fewer than it is asked for is asked until it says that it was all."""
    lab = start_exchange(page_cap=cap)
    found = read(source(lab, tmp_path), "astrid.berg")
    assert found.gaps == ()
    assert len([item for item in found.evidence if isinstance(item, Folder)]) == 59
    whole = read(source(start_exchange(), tmp_path), "astrid.berg")
    assert len(found.evidence) == len(whole.evidence)


def test_trap_10_exchange_online_that_blocks_ews_is_not_clean(
    start_exchange: StartExchange, tmp_path: Path
) -> None:
    """Where EWS is switched off the answer is where to go, judged by the refusal, never "nothing found"."""
    made = source(start_exchange(online="blocked"), tmp_path, "secret")
    found = read(made, "tom.becker")
    assert set(status(found).values()) == {"gap"}
    assert found.evidence == ()
    assert all("EWS is blocked here" in gap.message for gap in found.gaps)
    assert all("Graph" in str(gap.hint) for gap in found.gaps)
