"""Rules of the lab's Exchange, asked for and decoded as an audit does: listed ones, stored ones, hidden ones."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from lxml import etree

from postwarden.formats.ews_xml import decode_inbox_rules, decode_rule_items, read_folders
from postwarden.lab.exchange.model import State
from postwarden.lab.exchange.organisation import (
    AutomaticReply,
    Delegate,
    Rule,
    RuleRecipient,
    RuleValue,
    load,
)
from postwarden.lab.exchange.rule_answers import ACTIONS, PREDICATES
from postwarden.model.evidence import MailFlow, Setting
from postwarden.model.mailflow import EVERYTHING
from postwarden.model.reading import Gap, Item, Observed
from postwarden.model.scope import account_scope
from tests.unit.lab.exchange_requests import (
    Asking,
    address,
    codes,
    distinguished,
    find_folder,
    find_item,
    get_inbox_rules,
    get_item,
    ids,
    request,
    shape,
    texts,
)

ALL = [account.login for account in load().accounts]
RULE = "IPM.Rule.Version2.Message"


@pytest.fixture
def state() -> State:
    return State.from_organisation(load())


def told(decode: Callable[..., Iterator[Item]], raw: bytes, **more: object) -> list[Item]:
    """What a decoder makes of an answer."""
    observed = datetime(2026, 11, 23, tzinfo=UTC)
    scope = account_scope("login:a")
    return list(decode(raw, scope=scope, source="exchange", check="c", observed=observed, **more))


def flows(items: list[Item]) -> list[MailFlow]:
    """The mail flows among them."""
    return [one.evidence for one in items if isinstance(one, Observed) and isinstance(one.evidence, MailFlow)]


def gaps(items: list[Item]) -> list[Gap]:
    return [one for one in items if isinstance(one, Gap)]


def listed(state: State, login: str) -> list[Item]:
    """What GetInboxRules tells of an account."""
    ask = Asking(state, address(login))
    folders = read_folders(
        ask(find_folder(distinguished("msgfolderroot"), "folder:DisplayName", "folder:DistinguishedFolderId"))
    )
    return told(decode_inbox_rules, ask(get_inbox_rules(address(login))), folders=folders)


def associated(state: State, login: str, **more: object) -> list[Item]:
    """What the inbox's associated items tell of an account."""
    ask = Asking(state, address(login))
    found = ids(ask(find_item(distinguished("inbox"), "item:ItemClass")), "ItemId")
    return told(decode_rule_items, ask(get_item(*found)), **more)


@pytest.mark.parametrize("login", ALL)
def test_every_listed_rule_is_stored(state: State, login: str) -> None:
    """An account's listed rules are among its associated items, with the same kinds of effects."""
    stored = {flow.name: flow for flow in flows(associated(state, login))}
    for flow in flows(listed(state, login)):
        assert flow.name in stored
        if flow.paths:
            kinds = {effect.what for path in flow.paths for effect in path.effects}
            assert kinds == {effect.what for path in stored[flow.name].paths for effect in path.effects}


@pytest.mark.parametrize("login", ALL)
def test_every_stored_rule_can_be_read(state: State, login: str) -> None:
    """The lab's rules have no flaw but a missing name or provider, and nothing about them is a gap."""
    items = associated(state, login)
    assert gaps(items) == []
    flaws = {flaw for flow in flows(items) for flaw in flow.flaws}
    assert flaws <= {"the rule has no name", "the rule has no provider"}


@pytest.mark.parametrize("login", ALL)
def test_every_account_has_the_junk_rule(state: State, login: str) -> None:
    """Exchange's own junk rule only moves and stamps."""
    (junk,) = [flow for flow in flows(associated(state, login)) if flow.provider == "JunkEmailRule"]
    assert junk.name == "Junk E-mail Rule"
    assert [effect.what for effect in junk.paths[0].effects] == ["move", "label", "stop"]


def test_the_hidden_rule_is_hidden_only(state: State) -> None:
    """Katrin's third rule is in no list, has neither name nor provider, and redirects mail about money outside."""
    rules = flows(listed(state, "katrin.vogel"))
    assert [flow.name for flow in rules] == ["Werften", "Reisekosten"]
    (hidden,) = [
        flow
        for flow in flows(associated(state, "katrin.vogel", listed=rules))
        if not flow.provider and flow.hidden
    ]
    (effect,) = hidden.paths[0].effects
    assert (hidden.name, effect.what, effect.target) == (
        "",
        "redirect",
        "k.vogel.billing@quickmail-post.example",
    )
    assert "Rechnung" in repr(hidden.paths[0].condition)


def test_a_directory_name_is_redirected_to(state: State) -> None:
    """Tom's rule sends everything to a legacy DN, which the rule does not resolve."""
    (rule,) = [flow for flow in flows(listed(state, "tom.becker")) if flow.name == "Ablage IT"]
    (effect,) = rule.paths[0].effects
    assert rule.paths[0].condition == EVERYTHING
    assert effect.target == load().entry("support-desk").legacy_dn
    assert not effect.resolved


def test_a_rule_of_outlook_alone_is_listed_without_its_content(state: State) -> None:
    """What only Outlook does is not supported here, its item defers, and the blob of Outlook's rules is there."""
    items = listed(state, "james.whitfield")
    (bell,) = [flow for flow in flows(items) if flow.name == "Ring the bell"]
    assert bell.paths == ()
    assert [gap.reason for gap in gaps(items)] == ["unsupported"]
    settings = [
        one.evidence for one in items if isinstance(one, Observed) and isinstance(one.evidence, Setting)
    ]
    assert [(one.name, one.value) for one in settings] == [("outlook_rule_blob", "present")]
    (stored,) = [flow for flow in flows(associated(state, "james.whitfield")) if flow.name == "Ring the bell"]
    assert [effect.what for effect in stored.paths[0].effects] == ["defer"]


def test_automatic_replies_are_rules_too(state: State) -> None:
    """An automatic reply to everybody has one rule for inside and one for outside, which only reply."""
    found = [flow for flow in flows(associated(state, "james.whitfield")) if "OOF" in flow.name]
    assert [flow.name for flow in found] == [
        "Microsoft.Exchange.OOF.InternalSenders.Global",
        "Microsoft.Exchange.OOF.AllExternalSenders.Global",
    ]
    assert {effect.what for flow in found for effect in flow.paths[0].effects} == {"reply"}
    state.set_automatic_reply("james.whitfield", AutomaticReply("Disabled", "All", "in", "out"))
    assert not [flow for flow in flows(associated(state, "james.whitfield")) if "OOF" in flow.name]


def test_known_senders_have_an_extended_rule(state: State) -> None:
    """The rule for senders among the owner's contacts is of the other item class, as on Exchange."""
    ask = Asking(state, address("carlos.vega"))
    raw = ask(find_item(distinguished("inbox"), "item:ItemClass", "item:Subject"))
    found = dict(zip(texts(raw, "Subject"), texts(raw, "ItemClass"), strict=True))
    assert found["Microsoft.Exchange.OOF.KnownExternalSenders.Global"] == "IPM.ExtendedRule.Message"
    assert found["Microsoft.Exchange.OOF.InternalSenders.Global"] == RULE


def test_delegates_get_meeting_messages_by_a_rule_without_a_name(state: State) -> None:
    """The delegate rule sends meeting messages to the assistant, and goes with her."""
    (rule,) = [
        flow
        for flow in flows(associated(state, "hiroshi.tanabe"))
        if flow.provider == "Schedule+ EMS Interface"
    ]
    assert rule.name == ""
    assert {effect.target for effect in rule.paths[0].effects} == {load().entry("emi.okada").legacy_dn}
    assert "IPM.Schedule.Meeting" in repr(rule.paths[0].condition)
    assert rule.paths[0].keeps_copy
    state.remove_delegate("hiroshi.tanabe", "emi.okada")
    assert not [one for one in flows(associated(state, "hiroshi.tanabe")) if one.provider == rule.provider]


def test_one_rule_is_stored_in_the_standard_form(state: State) -> None:
    """A rule in the standard form has the other two properties, and reads the same."""
    (rule,) = [flow for flow in flows(associated(state, "astrid.berg")) if flow.name == "Klasse"]
    assert [effect.what for effect in rule.paths[0].effects] == ["move", "stop"]


def everything() -> tuple[dict[str, RuleValue], dict[str, RuleValue]]:
    """Every condition and every action that the schema has."""
    somebody = (RuleRecipient("Alice", "alice@partner.example", "SMTP"),)
    values: dict[str, RuleValue] = {
        "FlaggedForAction": "Reply",
        "FromAddresses": somebody,
        "Importance": "High",
        "SentToAddresses": somebody,
        "Sensitivity": "Private",
        "WithinDateRange": {"StartDateTime": "2026-01-01T00:00:00Z", "EndDateTime": "2026-02-01T00:00:00Z"},
        "WithinSizeRange": {"MinimumSize": 1, "MaximumSize": 9},
        "AssignCategories": ("Red",),
        "CopyToFolder": "drafts",
        "MoveToFolder": "junkemail",
        "MarkImportance": "Low",
        "ServerReplyWithMessage": "template",
        **{word: somebody for word in ACTIONS if word.endswith("Recipients")},
    }
    lists = ("Categories", "FromConnectedAccounts", "ItemClasses", "MessageClassifications")
    when = {
        word: values.get(word, ("x",) if word.startswith("Contains") or word in lists else True)
        for word in PREDICATES
    }
    return when, {word: values.get(word, True) for word in ACTIONS}


def test_every_word_of_the_schema_is_told(state: State) -> None:
    """A rule with all conditions, exceptions and actions is listed in full, in the schema's order."""
    when, then = everything()
    state.add_rule("jonas.weber", Rule(name="All", when=when, unless=when, then=then, in_error=True))
    raw = Asking(state, address("jonas.weber"))(get_inbox_rules())
    (rule,) = etree.fromstring(raw).iter("{*}Rule")
    for part, words in (("Conditions", PREDICATES), ("Exceptions", PREDICATES), ("Actions", ACTIONS)):
        assert [etree.QName(one).localname for one in rule.find(f"{{*}}{part}")] == list(words)
    (stored,) = [one for one in flows(associated(state, "jonas.weber")) if one.name == "All"]
    (flow,) = flows(listed(state, "jonas.weber"))
    assert flow.flaws == stored.flaws == ("the server has the rule in error",)
    assert {"redirect", "forward", "notify", "reply", "delete", "stop"} <= {
        one.what for one in flow.paths[0].effects
    }


def test_stored_rules_are_numbered_from_ten(state: State) -> None:
    """Exchange numbers what it lists from 1, and what it stores from 10."""
    stored = {flow.name: flow.order for flow in flows(associated(state, "yuki.mori"))}
    assert [stored[flow.name] - flow.order for flow in flows(listed(state, "yuki.mori"))] == [9, 9, 9, 9]


def test_rules_come_and_go(state: State) -> None:
    """A rule that is added is listed at its place and stored; removed, it is neither."""
    state.add_rule("katrin.vogel", Rule(name="First", then={"MarkAsRead": True}), position=0)
    found = flows(listed(state, "katrin.vogel"))
    assert [(flow.order, flow.name) for flow in found][:2] == [(1, "First"), (2, "Werften")]
    state.remove_rule("katrin.vogel", "First")
    assert "First" not in {flow.name for flow in flows(listed(state, "katrin.vogel"))}
    assert "First" not in {flow.name for flow in flows(associated(state, "katrin.vogel"))}
    with pytest.raises(KeyError, match="First"):
        state.remove_rule("katrin.vogel", "First")


def test_a_damaged_rule_is_told_as_it_is(state: State) -> None:
    """Bytes that are no rule are answered as they stand, and read as a flaw and a gap."""
    item = state.add_rule("jonas.weber", Rule(name="Odd", listed=False, then={"MarkAsRead": True}))
    state.corrupt_rule(item.id, 0x0E99, b"\0\0\1\0\0\0\xff\xff\xff\xff")
    items = associated(state, "jonas.weber")
    (flow,) = [one for one in flows(items) if one.name == "Odd"]
    assert "the rule's actions cannot be read" in flow.flaws
    assert [gap.reason for gap in gaps(items)] == ["malformed"]


def test_searching_cuts_long_properties(state: State) -> None:
    """FindItem shows 510 bytes of a property, GetItem all of it."""
    item = state.add_item(
        "jonas.weber",
        "inbox",
        RULE,
        "Long",
        associated=True,
        properties={0x0E99: b"x" * 2000, 0x65EC: "y" * 2000, 0x65E9: 7},
    )
    ask = Asking(state, address("jonas.weber"))
    wanted = (("0xe99", "Binary"), ("0x65ec", "String"), ("0x65e9", "Integer"))
    cut = texts(ask(find_item(distinguished("inbox"), tags=wanted)), "Value")[-3:]
    whole = texts(ask(get_item(item.id, tags=wanted)), "Value")
    assert [len(value) for value in cut] == [680, 255, 1]
    assert [len(value) for value in whole] == [2668, 2000, 1]


def test_tags_are_written_back_without_leading_zeros(state: State) -> None:
    """However a tag is written, it comes back as 0xe99; one that the item has not, or of another type, does not."""
    (item, *_) = ids(Asking(state, address("jonas.weber"))(find_item(distinguished("inbox"))), "ItemId")[3:]
    wanted = (("0x0E99", "Binary"), ("3738", "Binary"), ("0x65ef", "Binary"), ("0x65ec", "Integer"))
    raw = Asking(state, address("jonas.weber"))(get_item(item, tags=wanted))
    places: list[Any] = list(etree.fromstring(raw).iter("{*}ExtendedFieldURI"))
    assert [place.get("PropertyTag") for place in places] == ["0xe99", "0xe9a"]


def test_pages_are_what_the_server_gives(state: State) -> None:
    """A page is never larger than the server's limit, says so, and the next begins where it ended."""
    state.page_cap = 3
    ask = Asking(state, address("katrin.vogel"))
    seen: list[str] = []
    last = "false"
    while last == "false":
        raw = ask(find_item(distinguished("inbox"), view=(len(seen), 100)))
        root = next(etree.fromstring(raw).iter("{*}RootFolder"))
        seen += ids(raw, "ItemId")
        last = root.get("IncludesLastItemInRange")
        assert root.get("IndexedPagingOffset") == str(len(seen))
        assert root.get("TotalItemsInView") == "7"
    assert len(seen) == len(set(seen)) == 7


def test_messages_are_other_items(state: State) -> None:
    """A shallow search finds messages, and no associated item."""
    ask = Asking(state, address("jonas.weber"))
    raw = ask(find_item(distinguished("inbox"), "item:ItemClass", "item:IsAssociated", traversal="Shallow"))
    assert set(texts(raw, "ItemClass")) == {"IPM.Note"}
    assert set(texts(raw, "IsAssociated")) == {"false"}


@pytest.mark.parametrize(
    ("identifier", "code"), [("AAMkAGE=", "ErrorItemNotFound"), ("nothing", "ErrorInvalidIdMalformed")]
)
def test_items_that_are_not_there(state: State, identifier: str, code: str) -> None:
    """One id that nothing has is an error of its own beside the others."""
    ask = Asking(state, address("jonas.weber"))
    good = ids(ask(find_item(distinguished("inbox"))), "ItemId")[0]
    assert codes(ask(get_item(identifier, good))) == [code, "NoError"]


def test_meeting_messages_may_go_to_delegates_only(state: State) -> None:
    """Where the owner wants no copy, the delegate rule deletes his."""
    mailbox = state.mailbox("jonas.weber")
    mailbox.meeting_requests = "DelegatesOnly"
    state.add_delegate("jonas.weber", Delegate("noor.haddad", meeting_copies=True))
    (rule,) = [
        one for one in flows(associated(state, "jonas.weber")) if one.provider == "Schedule+ EMS Interface"
    ]
    assert {effect.what for effect in rule.paths[0].effects} == {"redirect", "delete"}


def test_a_rule_may_be_switched_off(state: State) -> None:
    """A rule that is off is off in the list and as it is stored."""
    for found in (flows(listed(state, "stefan.krause")), flows(associated(state, "stefan.krause"))):
        (rule,) = [flow for flow in found if flow.name == "Kontoauszüge"]
        assert not rule.enabled


def test_a_search_without_pages_may_not_be_whole(state: State) -> None:
    """The server's limit holds where no page was asked for, and the answer says that there is more."""
    state.page_cap = 3
    raw = Asking(state, address("katrin.vogel"))(find_item(distinguished("inbox")))
    root = next(etree.fromstring(raw).iter("{*}RootFolder"))
    assert len(ids(raw, "ItemId")) == 3
    assert root.get("IncludesLastItemInRange") == "false"
    assert root.get("IndexedPagingOffset") is None


@pytest.mark.parametrize(
    "part",
    [
        '<m:Restriction><t:Exists><t:FieldURI FieldURI="item:Subject"/></t:Exists></m:Restriction>',
        '<m:SortOrder><t:FieldOrder Order="Ascending"><t:FieldURI FieldURI="item:Subject"/></t:FieldOrder></m:SortOrder>',
    ],
)
def test_what_is_not_followed_is_refused(state: State, part: str) -> None:
    """A search that this server cannot do is an error, and never answered as if it had been done."""
    content = f"{shape('Item')}{part}<m:ParentFolderIds>{distinguished('inbox')}</m:ParentFolderIds>"
    asked = request("FindItem", content, 'Traversal="Shallow"')
    assert codes(Asking(state, address("jonas.weber"))(asked)) == ["ErrorInvalidRequest"]
