"""The source kind `ews` against the lab's Exchange: what is read, and the ten traps of Exchange and exchangelib.

Every request and answer is checked against the published schema (see the fixture).
"""

import logging
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from exchangelib import DELEGATE, IMPERSONATION, Account, Message, OofSettings
from exchangelib.properties import Actions, Conditions, Rule

from postwarden.connectors.ews import autodiscover
from postwarden.connectors.ews import reading as ews_reading
from postwarden.connectors.ews.recipients import RECIPIENTS
from postwarden.connectors.ews.source import EwsSource
from postwarden.errors import ConnectorError
from postwarden.formats.ews_xml.tree import MAX_BYTES
from postwarden.lab.exchange import FAULTS, ExchangeLab
from postwarden.lab.exchange.autodiscover import Redirect
from postwarden.lab.exchange.organisation import Delegate, Permission
from postwarden.model.evidence import Delegation, Folder, Grant, MailFlow, Recipient, Setting
from postwarden.pipeline.collect import Reading, collect_source
from tests.lab.conftest import StartExchange
from tests.lab.exchange import DOMAIN, account, read, source, status

ALL_READ = dict.fromkeys(EwsSource.checks, "read")


def flows(found: Reading, check: str) -> list[MailFlow]:
    return [item for item in found.evidence if isinstance(item, MailFlow) and item.check == check]


@pytest.mark.parametrize(
    ("how", "access"),
    [
        ("basic", "impersonation"),
        ("ntlm", "impersonation"),
        ("secret", "impersonation"),
        ("certificate", "impersonation"),
        ("basic", "delegate"),
        ("ntlm", "delegate"),
    ],
)
def test_every_way_to_log_in_reads_a_mailbox(
    how: str, access: str, start_exchange: StartExchange, tmp_path: Path
) -> None:
    """By password, NTLM with channel binding, and tokens, impersonating or with rights of its own, all is read."""
    lab = start_exchange()
    if access == "delegate":
        lab.state.deny_impersonation(lab.service.login)
        lab.state.allow_full_access(lab.service.login)
    made = source(lab, tmp_path, how, access=access)
    found = read(made, "astrid.berg")
    # The request for add-ins names no mailbox, and the reading account, which has none, may look nobody up.
    missing = {} if access == "impersonation" else {"add_ins": "gap", "recipients": "gap"}
    assert status(found) == {**ALL_READ, **missing}
    assert len([item for item in found.evidence if isinstance(item, Folder)]) == 60 - 1
    mailboxes = {one.anchor for one in lab.requests} - {""}
    assert mailboxes == {f"astrid.berg@{DOMAIN}"}
    wanted = {f"astrid.berg@{DOMAIN}"} if access == "impersonation" else set()
    assert {one.impersonated.value for one in lab.requests if one.impersonated} == wanted


def test_sixty_folders_take_eight_requests(running_exchange: ExchangeLab, tmp_path: Path) -> None:
    """Folders, permissions, listed and stored rules, delegates and automatic replies of 60 folders: 8 requests."""
    made = source(running_exchange, tmp_path)
    read(made, "astrid.berg")
    asked = [one.operation for one in running_exchange.requests]
    beside = ["GetServerTimeZones", "GetAppManifests", "ResolveNames"]
    assert [one for one in asked if one not in beside] == [
        "FindFolder", "GetFolder", "GetFolder", "GetInboxRules", "FindItem", "GetItem", "GetDelegate",
        "GetUserOofSettingsRequest",
    ]  # fmt: skip
    assert sum(one in beside for one in asked) == 3


def test_everything_of_every_account_can_be_read(running_exchange: ExchangeLab, tmp_path: Path) -> None:
    """No account of the organisation leaves a gap, and nothing that changes anything arrived."""
    made = source(running_exchange, tmp_path)
    for name in list(running_exchange.state.mailboxes):
        found = read(made, name)
        assert found.gaps == (), name
        assert status(found) == ALL_READ, name
        assert len(found.sessions) == 1
    assert running_exchange.state.mutations == []


def test_the_source_says_which_server_answers(start_exchange: StartExchange, tmp_path: Path) -> None:
    """The version is evidence of the source's own; Exchange Online is known by it, not by its name."""
    values: list[dict[str, str]] = []
    for online in (False, True):
        made = source(start_exchange(online=online), tmp_path, "secret")
        made.prepare([account("tom.becker")])
        found = collect_source(made, lambda *_: None, None)
        assert found.gaps == ()
        values.append({one.name: one.value for one in found.evidence if isinstance(one, Setting)})
    assert [one["exchange_online"] for one in values] == ["no", "yes"]
    assert values[0]["exchange_version"].startswith("15.2.")
    assert values[1]["exchange_version"].startswith("15.20.")


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


#: What a fault in one request leaves: the reason of the gap, or None where asking again mends it.
OUTCOMES: dict[str, set[str] | None] = {
    "busy": None,
    "busy_policy_first": None,
    "busy_without_back_off": None,
    "unavailable": None,
    "server_error": {"unreachable", "malformed"},
    "internal_error": {"malformed"},
    "denied": {"forbidden"},
    "denied_fault": {"forbidden"},
    "impersonation_denied": {"forbidden"},
    "no_mailbox": {"refused"},
    "unauthorized": {"refused"},
    "forbidden": {"forbidden"},
    "redirect": {"malformed"},
    "cut_off": {"unreachable"},
    # What is left of the answer spoils the connection for the next request.
    "wrong_length": {"malformed", "unreachable"},
    "drip": {"unreachable"},
    "stall": {"unreachable"},
    "silence": {"unreachable"},
    "garbage": {"malformed"},
    "html": {"malformed"},
    "empty": {"malformed"},
    "document_type": {"malformed"},
    "deep": {"malformed"},
    "large": {"malformed"},
    "gzip_bomb": {"malformed"},
    "other_mailbox": {"malformed", "forbidden", "refused"},
    "wrong_operation": {"malformed"},
}


def test_every_fault_of_the_lab_is_tried() -> None:
    """No fault that the lab knows is left out of the next test."""
    assert set(OUTCOMES) == set(FAULTS)


#: A rule or a delegate does not say whose it is: there TLS and the server are believed.
TRIED = [
    (fault, operation)
    for operation in ("FindFolder", "GetFolder", "GetInboxRules", "GetDelegate")
    for fault in FAULTS
    if fault != "other_mailbox" or operation in {"FindFolder", "GetFolder"}
]


@pytest.mark.parametrize(("fault", "operation"), TRIED)
def test_whatever_a_server_does_costs_a_gap_and_little_time(
    fault: str, operation: str, running_exchange: ExchangeLab, tmp_path: Path
) -> None:
    """A fault in one request leaves a gap for what was not read, or is mended; nothing is read wrongly."""
    made = source(running_exchange, tmp_path, timeout=1)
    whole = read(made, "marta.lopez")
    pace = 0.2 if fault.startswith("busy") or fault == "unavailable" else None
    running_exchange.faults.add(fault, operation=operation, seconds=pace)
    started = time.monotonic()
    found = read(made, "marta.lopez")
    assert time.monotonic() - started < 8
    wanted = OUTCOMES[fault]
    if wanted is None:
        assert status(found) == ALL_READ
        return
    assert found.incomplete
    # Where no folder is given, the list of them is not believed either.
    assert {gap.reason for gap in found.gaps} <= wanted | (
        {"malformed"} if operation == "GetFolder" else set()
    )
    assert all(gap.hint for gap in found.gaps if gap.reason != "malformed")
    known = {msg_key(item) for item in whole.evidence}
    # Without the folders' names a rule's folder stays an id.
    told = [
        item for item in found.evidence if not (isinstance(item, MailFlow) and "folders" in gaps_of(found))
    ]
    assert {msg_key(item) for item in told} <= known
    if operation == "GetInboxRules":
        assert status(found)["inbox_rules"] == "gap"


def gaps_of(found: Reading) -> set[str]:
    return {gap.check for gap in found.gaps}


def msg_key(item: Any) -> tuple[object, ...]:
    """What a piece of evidence says, without when."""
    import msgspec

    told = msgspec.structs.asdict(item)
    return tuple(
        sorted((name, str(value)) for name, value in told.items() if name not in {"observed", "hidden"})
    )


def test_one_mailbox_for_two_accounts_is_no_evidence(running_exchange: ExchangeLab, tmp_path: Path) -> None:
    """A server or proxy that answers everybody with one mailbox is found out."""
    made = source(running_exchange, tmp_path)
    assert read(made, "emi.okada").gaps == ()
    running_exchange.faults.add(
        "other_mailbox", operation="FindFolder", shown=f"emi.okada@{DOMAIN}", mailbox=f"tom.becker@{DOMAIN}"
    )
    found = read(made, "tom.becker")
    assert found.evidence == ()
    assert all("the same mailbox" in gap.message for gap in found.gaps)


def test_a_denied_mailbox_costs_one_request(start_exchange: StartExchange, tmp_path: Path) -> None:
    """Without the role nothing can be read: one request shows it, and every check is a gap with the remedy."""
    lab = start_exchange(impersonation=False)
    found = read(source(lab, tmp_path), "tom.becker")
    assert set(status(found).values()) == {"gap"}
    assert {gap.reason for gap in found.gaps} == {"forbidden"}
    assert [one.operation for one in lab.requests] == ["GetServerTimeZones", "FindFolder"]


def test_an_account_that_the_server_does_not_have_is_a_gap(
    running_exchange: ExchangeLab, tmp_path: Path
) -> None:
    """A mailbox that is not there is not clean."""
    found = read(source(running_exchange, tmp_path), "nobody.here")
    assert set(status(found).values()) == {"gap"}
    assert any("ErrorNonExistentMailbox" in gap.message for gap in found.gaps)


def test_a_server_whose_certificate_is_not_trusted_gets_no_password(
    running_exchange: ExchangeLab, tmp_path: Path
) -> None:
    """Without the CA nothing is sent, and the gap says what to set."""
    made = source(running_exchange, tmp_path, ca_file=None)
    found = read(made, "tom.becker")
    assert {gap.reason for gap in found.gaps} == {"unreachable"}
    assert "certificate" in found.gaps[0].message
    assert "ca_file" in str(found.gaps[0].hint)
    assert running_exchange.logons == ()


def test_tokens_that_end_are_replaced(start_exchange: StartExchange, tmp_path: Path) -> None:
    """A token is fetched again before it ends, and one that was taken back once more."""
    lab = start_exchange(token_seconds=1)
    made = source(lab, tmp_path, "secret")
    assert read(made, "emi.okada").gaps == ()
    assert read(made, "tom.becker").gaps == ()


@pytest.fixture
def looking_here(running_exchange: ExchangeLab, monkeypatch: pytest.MonkeyPatch) -> ExchangeLab:
    """Every domain's autodiscover is at the lab, since no name leads there."""
    monkeypatch.setattr(autodiscover, "places", lambda _: [running_exchange.autodiscover_url])
    return running_exchange


def test_autodiscover_asks_over_https_only() -> None:
    """The places that a domain may have are asked with TLS, and no other."""
    assert autodiscover.places(f"tom.becker@{DOMAIN}") == [
        f"https://autodiscover.{DOMAIN}/autodiscover/autodiscover.svc",
        f"https://{DOMAIN}/autodiscover/autodiscover.svc",
    ]


def test_autodiscover_finds_the_server(looking_here: ExchangeLab, tmp_path: Path) -> None:
    """An address leads to EWS, also when another address or place is named first."""
    address = f"tom.becker@{DOMAIN}"
    made = source(looking_here, tmp_path, url=None, autodiscover=address)
    assert read(made, "tom.becker").gaps == ()
    old = f"tom@old.{DOMAIN}"
    looking_here.redirects[old] = Redirect("RedirectAddress", address)
    made = source(looking_here, tmp_path, "ntlm", url=None, autodiscover=old)
    assert read(made, "tom.becker").gaps == ()


@pytest.mark.parametrize(
    ("kind", "target", "words"),
    [
        ("RedirectUrl", "http://localhost/autodiscover/autodiscover.svc", "is not https"),
        ("RedirectUrl", "https://user:pw@localhost/autodiscover.svc", "is not https"),
        ("RedirectAddress", f"tom@old.{DOMAIN}", "autodiscover found no EWS"),
        ("RedirectUrl", "https://localhost:1/autodiscover.svc", "autodiscover found no EWS"),
    ],
)
def test_autodiscover_that_leads_nowhere_is_a_gap(
    kind: Any, target: str, words: str, looking_here: ExchangeLab, tmp_path: Path
) -> None:
    """Redirects in a circle, to cleartext or to nobody end, and no log-in is sent where it could be read."""
    old = f"tom@old.{DOMAIN}"
    looking_here.redirects[old] = Redirect(kind, target)
    found = read(source(looking_here, tmp_path, url=None, autodiscover=old), "tom.becker")
    assert set(status(found).values()) == {"gap"}
    assert all(words in gap.message for gap in found.gaps)


def test_an_answer_beyond_the_limit_says_so(running_exchange: ExchangeLab, tmp_path: Path) -> None:
    """A server that sends far more than an answer may have is stopped, and the gap says how much it may be."""
    made = source(running_exchange, tmp_path)
    running_exchange.faults.add("large", operation="GetInboxRules")
    found = read(made, "tom.becker")
    (gap,) = [one for one in found.gaps if one.check == "inbox_rules"]
    assert gap.reason == "malformed"
    assert f"sent an answer of more than {MAX_BYTES} bytes" in gap.message


def test_a_list_without_members_is_not_known_whole(running_exchange: ExchangeLab, tmp_path: Path) -> None:
    """A distribution list that expands to nobody may hide its members: it is never told as complete."""
    state = running_exchange.state
    for entry in list(state.directory.values()):
        if entry.kind == "group":
            state.set_directory_entry(replace(entry, members=()))
    found = read(source(running_exchange, tmp_path), "olivier.petit")
    (group,) = [
        item for item in found.evidence if isinstance(item, Recipient) and item.mailbox_type == "group"
    ]
    assert group.members == ()
    assert not group.complete


def test_a_list_inside_itself_ends(running_exchange: ExchangeLab, tmp_path: Path) -> None:
    """Lists that have each other as members are expanded once each."""
    state = running_exchange.state
    lists = [entry for entry in state.directory.values() if entry.kind == "group"]
    outer = next(
        one for one in lists if any(member in {two.alias for two in lists} for member in one.members)
    )
    inner = next(one for one in lists if one.alias in outer.members)
    state.set_directory_entry(replace(inner, members=(*inner.members, outer.alias)))
    found = read(source(running_exchange, tmp_path), "olivier.petit")
    (group,) = [
        item for item in found.evidence if isinstance(item, Recipient) and item.mailbox_type == "group"
    ]
    assert group.complete
    assert len(group.members) == len(set(group.members))
    expanded = [one for one in running_exchange.requests if one.operation == "ExpandDL"]
    assert len(expanded) == 2


def test_a_rule_that_forwards_to_nobody_known_is_told(running_exchange: ExchangeLab, tmp_path: Path) -> None:
    """A name that the directory does not have is nobody, never somebody inside."""
    state = running_exchange.state
    contact = next(entry for entry in state.directory.values() if entry.kind == "contact")
    state.set_directory_entry(
        replace(contact, legacy_dn=contact.legacy_dn + "-moved", addresses=("x@y.example",))
    )
    found = read(source(running_exchange, tmp_path), "tom.becker")
    asked = {item.asked: item.mailbox_type for item in found.evidence if isinstance(item, Recipient)}
    assert asked[contact.legacy_dn] == "nobody"


def test_add_ins_are_grants(running_exchange: ExchangeLab, tmp_path: Path) -> None:
    """An add-in with its permission is evidence."""
    found = read(source(running_exchange, tmp_path), "paolo.ricci")
    grants = [item for item in found.evidence if isinstance(item, Grant)]
    assert len(grants) == 1
    assert grants[0].scopes


def test_the_checks_have_fixed_names() -> None:
    """Coverage, records and accepted gaps name checks by these words."""
    assert EwsSource.checks == (
        "folders", "folder_permissions", "inbox_rules", "rule_items", "delegates", "automatic_replies", "add_ins",
        "recipients",
    )  # fmt: skip
    assert RECIPIENTS in EwsSource.checks
    assert ews_reading.FOLDERS in EwsSource.checks
