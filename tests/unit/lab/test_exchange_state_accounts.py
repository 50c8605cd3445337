"""Delegates, automatic replies, add-ins and names in the lab's Exchange, decoded as an audit does."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from postwarden.formats.ews_xml import (
    decode_add_ins,
    decode_automatic_replies,
    decode_delegates,
    read_names,
)
from postwarden.lab.exchange.model import State
from postwarden.lab.exchange.organisation import AddIn, AutomaticReply, Delegate, DirectoryEntry, load
from postwarden.model.account import Account
from postwarden.model.evidence import Delegation, Grant, Setting
from postwarden.model.reading import Gap, Item, Observed
from postwarden.model.scope import account_scope
from tests.unit.lab.exchange_requests import (
    Asking,
    address,
    codes,
    expand,
    get_delegate,
    get_oof,
    request,
    resolve,
    texts,
)

JONAS = address("jonas.weber")
OWNER = Account(key="login:jonas.weber", login="jonas.weber", addresses=(JONAS,))


@pytest.fixture
def state() -> State:
    return State.from_organisation(load())


def told(decode: Callable[..., Iterator[Item]], raw: bytes, *arguments: object) -> list[Item]:
    """What a decoder makes of an answer."""
    observed = datetime(2026, 11, 23, tzinfo=UTC)
    return list(
        decode(
            raw, *arguments, scope=account_scope(OWNER.key), source="exchange", check="c", observed=observed
        )
    )


def delegations(items: list[Item]) -> list[Delegation]:
    return [
        one.evidence for one in items if isinstance(one, Observed) and isinstance(one.evidence, Delegation)
    ]


def settings(items: list[Item]) -> dict[str, str]:
    found = [one.evidence for one in items if isinstance(one, Observed)]
    return {one.name: one.value for one in found if isinstance(one, Setting)}


def delegates(state: State, login: str, users: str = "") -> list[Item]:
    """What GetDelegate tells of an account."""
    return told(decode_delegates, Asking(state, address(login))(get_delegate(address(login), users)), OWNER)


def test_the_delegate_that_the_intruder_made(state: State) -> None:
    """Lucas is Sylvie's delegate with the inbox, private items and copies of meeting messages."""
    whole, inbox = delegations(delegates(state, "sylvie.martin"))
    assert whole.grantee == address("lucas.roy")
    assert whole.rights == ("send_on_behalf", "meeting_copies", "private_items")
    assert (inbox.folder, inbox.level) == ("INBOX", "Editor")


def test_an_account_without_delegates_has_none(state: State) -> None:
    """No delegates is a complete answer that says where meeting requests go."""
    items = delegates(state, "jonas.weber")
    assert delegations(items) == []
    assert settings(items) == {"meeting_requests_go_to": "NoForward"}


def test_a_dead_delegate_hides_no_other(state: State) -> None:
    """A delegate whose account is gone is an error among the others, which are told."""
    state.add_delegate("sylvie.martin", Delegate("noor.haddad", calendar="Reviewer"))
    state.kill_delegate("sylvie.martin", "lucas.roy")
    items = delegates(state, "sylvie.martin")
    assert {one.grantee for one in delegations(items)} == {address("noor.haddad")}
    (gap,) = [one for one in items if isinstance(one, Gap)]
    assert "ErrorDelegateNoUser" in gap.message
    with pytest.raises(KeyError, match="nobody"):
        state.kill_delegate("sylvie.martin", "nobody")


def test_single_delegates_can_be_asked_for(state: State) -> None:
    """A request may name delegates; who is none is an error."""
    named = "".join(
        f"<t:UserId><t:PrimarySmtpAddress>{one}</t:PrimarySmtpAddress></t:UserId>"
        for one in (address("emi.okada"), JONAS)
    )
    raw = Asking(state, address("hiroshi.tanabe"))(get_delegate(address("hiroshi.tanabe"), named))
    assert codes(raw) == ["NoError", "NoError", "ErrorNotDelegate"]


def test_levels_are_told_on_request(state: State) -> None:
    """Without IncludePermissions the levels are left out."""
    owner = address("hiroshi.tanabe")
    assert texts(Asking(state, owner)(get_delegate(owner)), "InboxFolderPermissionLevel") == ["Editor"]
    assert not texts(
        Asking(state, owner)(get_delegate(owner, permissions=False)), "InboxFolderPermissionLevel"
    )


@pytest.mark.parametrize(
    ("login", "reply", "audience"),
    [
        ("james.whitfield", "enabled", "all"),
        ("carlos.vega", "scheduled", "known"),
        ("jonas.weber", "disabled", "none"),
    ],
)
def test_automatic_replies_are_told(state: State, login: str, reply: str, audience: str) -> None:
    """Whether an account replies by itself, and to whom."""
    found = settings(told(decode_automatic_replies, Asking(state, address(login))(get_oof(address(login)))))
    assert (found["automatic_reply"], found["automatic_reply_audience"]) == (reply, audience)


def test_an_automatic_reply_can_be_set(state: State) -> None:
    """A change shows in the next answer."""
    state.set_automatic_reply("jonas.weber", AutomaticReply("Enabled", "All", "in", "out"))
    raw = Asking(state, JONAS)(get_oof(JONAS))
    assert texts(raw, "Message") == ["in", "out"]
    assert settings(told(decode_automatic_replies, raw))["automatic_reply"] == "enabled"


@pytest.mark.parametrize(
    ("asked", "form"),
    [("", b"<m:Manifests>"), ("<m:ApiVersionSupported>1.1</m:ApiVersionSupported>", b"<m:Apps>")],
)
def test_add_ins_are_told_in_both_forms(state: State, asked: str, form: bytes) -> None:
    """An add-in's manifest comes as Exchange 2013 lists it, or as later versions do when asked by theirs."""
    state.add_add_in("jonas.weber", AddIn("id-1", 'A & "B"', "Somebody", "ReadWriteMailbox"))
    raw = Asking(state, JONAS)(request("GetAppManifests", asked))
    assert form in raw
    (found,) = [one.evidence for one in told(decode_add_ins, raw) if isinstance(one, Observed)]
    assert isinstance(found, Grant)
    assert (found.application.id, found.application.name, found.scopes) == (
        "id-1",
        'A & "B"',
        ("ReadWriteMailbox",),
    )


def test_the_version_is_told_by_any_answer(state: State) -> None:
    """The time zones, which every server has, are one."""
    asked = request("GetServerTimeZones", "<m:Ids><t:Id>UTC</t:Id></m:Ids>", 'ReturnFullTimeZoneData="true"')
    assert codes(Asking(state, JONAS)(asked)) == ["NoError"]


@pytest.mark.parametrize("login", [account.login for account in load().accounts])
def test_every_account_is_known_by_all_its_names(state: State, login: str) -> None:
    """The primary address, each other with `smtp:` before it, and the legacy DN resolve to the account."""
    account = load().account(login)
    others = [f"smtp:{address.upper()}" for address in account.addresses]
    for written in (account.addresses[0], *others, account.legacy_dn):
        raw = Asking(state, JONAS)(resolve(written))
        (found,) = read_names(raw).mailboxes
        assert (found.name, found.address, found.kind) == (account.name, account.addresses[0], "Mailbox")
        assert [one.partition(":")[2] for one in texts(raw, "Entry")] == list(account.addresses)
    for alias in account.addresses[1:]:
        # Without a routing type only primary addresses are searched.
        assert read_names(Asking(state, JONAS)(resolve(alias))).mailboxes == ()


def test_a_contact_looks_internal_and_is_not(state: State) -> None:
    """The directory shows the Support Desk by an internal address, and tells the outside one in full data only."""
    written = load().entry("support-desk").legacy_dn
    raw = Asking(state, JONAS)(resolve(written))
    (found,) = read_names(raw).mailboxes
    assert (found.kind, found.address) == ("Contact", "support.desk@kitano-marine.example")
    assert "smtp:desk.kitano@quickmail-post.example" in texts(raw, "Entry")
    assert not texts(Asking(state, JONAS)(resolve(written, full=False)), "Entry")


def test_nobody_is_an_answer(state: State) -> None:
    """A name that nobody has is a complete answer without anybody."""
    raw = Asking(state, JONAS)(resolve("nobody@elsewhere.example"))
    assert codes(raw) == ["ErrorNameResolutionNoResults"]
    assert b'ResponseClass="Error"' in raw
    assert read_names(raw).mailboxes == ()


def test_several_are_told_with_a_warning(state: State) -> None:
    """The beginning of a name may be that of several, and all are told."""
    raw = Asking(state, JONAS)(resolve("Haddad"))
    assert codes(raw) == ["ErrorNameResolutionMultipleResults"]
    assert b'ResponseClass="Warning"' in raw
    assert {one.name for one in read_names(raw).mailboxes} == {"Noor Haddad", "Farid Haddad (pilot service)"}


def test_more_than_a_hundred_are_not_told(state: State) -> None:
    """Exchange gives a hundred at the most, and says that there are more."""
    for number in range(120):
        entry = DirectoryEntry(
            f"zz{number}", "contact", f"Zz {number}", (f"zz{number}@z.example",), f"/o=z/{number}"
        )
        state.set_directory_entry(entry)
    found = read_names(Asking(state, JONAS)(resolve("zz")))
    assert (len(found.mailboxes), found.complete) == (100, False)


def test_lists_are_expanded_one_level(state: State) -> None:
    """A list in a list is a member like the others, and expanded by itself."""
    ask = Asking(state, JONAS)
    for written in ("fleet-reports@kitano-marine.example", load().entry("fleet-reports").legacy_dn):
        kinds = {one.address: one.kind for one in read_names(ask(expand(written))).mailboxes}
        assert kinds["audit-circle@kitano-marine.example"] == "PublicDL"
    inner = read_names(ask(expand("audit-circle@kitano-marine.example")))
    assert {one.address for one in inner.mailboxes} == {
        address("stefan.krause"),
        "kitano@hansen-audit.example",
    }


def test_what_is_no_list_cannot_be_expanded(state: State) -> None:
    """An account is no list, and neither is a name that nobody has."""
    for written in (JONAS, "nobody@kitano-marine.example"):
        raw = Asking(state, JONAS)(expand(written))
        assert codes(raw) == ["ErrorNameResolutionNoResults"]
        assert read_names(raw).mailboxes == ()


def test_the_directory_can_change(state: State) -> None:
    """Where a contact's mail goes can change between two questions."""
    entry = load().entry("hansen-auditors")
    state.set_directory_entry(replace(entry, addresses=("x@quickmail-post.example",)))
    (found,) = read_names(Asking(state, JONAS)(resolve(entry.legacy_dn))).mailboxes
    assert found.address == "x@quickmail-post.example"
