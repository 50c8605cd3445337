"""The source kind `ews` against the lab's Exchange: what is read, and how the server is found.

Every request and answer is checked against the published schema (see the fixture).
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from postwarden.connectors.ews import autodiscover
from postwarden.connectors.ews import reading as ews_reading
from postwarden.connectors.ews.recipients import RECIPIENTS
from postwarden.connectors.ews.source import EwsSource
from postwarden.formats.ews_xml.tree import MAX_BYTES
from postwarden.lab.exchange import ExchangeLab
from postwarden.lab.exchange.autodiscover import Redirect
from postwarden.model.evidence import Folder, Grant, Recipient, Setting
from postwarden.pipeline.collect import collect_source
from tests.lab.conftest import StartExchange
from tests.lab.exchange import ALL_READ, DOMAIN, account, read, source, status


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
