"""What rules see of Exchange's evidence, and what findings will say about it."""

from collections.abc import Callable
from typing import Any

import pytest

from postwarden.detect.rows import Row, rows
from postwarden.mailflow.providers import Providers
from postwarden.model.evidence import MailFlow, Recipient
from postwarden.model.finding import CheckRef
from postwarden.model.mailflow import Effect, Path, Test
from tests.unit.detect.conftest import MakeFlow, context, delegation, recipient

MakeRule = Callable[..., MailFlow]
NAME = "/o=Example/cn=Support"
TO_NAME = Effect(what="redirect", target=NAME, resolved=False)
OUT = Effect(what="redirect", target="eve@evil.example")
INVOICES = Test(field="subject", operator="contains", values=("invoice",))
DIRECTORY = CheckRef(source="exchange", check="recipients")


@pytest.fixture
def listed(flow: MakeFlow) -> MakeRule:
    """Makes rules as GetInboxRules lists them."""

    def made(*paths: Path, **fields: Any) -> MailFlow:
        return flow(
            *paths,
            **{
                "origin": "inbox_rule",
                "source": "exchange",
                "check": "inbox_rules",
                "name": "Tidy",
                **fields,
            },
        )

    return made


@pytest.fixture
def stored(flow: MakeFlow) -> MakeRule:
    """Makes rules as they are stored."""

    def made(*paths: Path, **fields: Any) -> MailFlow:
        about = {"origin": "rule_item", "source": "exchange", "check": "rule_items", "name": "Tidy"}
        return flow(*paths, **{**about, "provider": "RuleOrganizer", **fields})

    return made


@pytest.fixture
def flow() -> MakeFlow:
    """Makes mail flows of any origin."""
    from tests.unit.detect.conftest import NOW, SCOPE

    def made(*paths: Path, **fields: Any) -> MailFlow:
        return MailFlow(
            scope=SCOPE, observed=NOW, **{"key": "1", "enabled": True, "paths": paths, "blob": "b1", **fields}
        )

    return made


def text_of(found: list[Row]) -> str:
    return "\n".join(sentence for row in found for sentence in row.sentences)


@pytest.mark.parametrize(
    ("behind", "wanted"),
    [
        (
            recipient(NAME, "contact", name="Support Desk", addresses=("x@evil.example",)),
            ['is the contact "Support Desk", whose mail goes to x@evil.example', "evil.example is neither"],
        ),
        (
            recipient(NAME, "group", members=("bob@example.org", *(f"x{n}@evil.example" for n in range(6)))),
            ["is the group, whose mail goes to x0@evil.example", "and 2 others"],
        ),
        (recipient(NAME, "group", members=("bob@example.org",), complete=False), ["does not tell all of its members"]),
        (recipient(NAME, "mailbox", name="Bob", addresses=("bob@example.org",)), ['the mailbox "Bob" of bob@example.org']),
        (recipient(NAME, "public_folder", name="News"), ['is the public folder "News"']),
        (recipient(NAME, "nobody"), ["the directory has nobody called"]),
        (recipient(NAME, "ambiguous"), ["the directory has several called"]),
    ],
)  # fmt: skip
def test_a_finding_says_who_stands_behind_a_name(
    listed: MakeRule, behind: Recipient, wanted: list[str]
) -> None:
    """The sentences name the directory's entry and the addresses behind it, the outside ones first."""
    found = list(rows([listed(Path(effects=(TO_NAME,)))], context(recipients=(behind,))))
    for words in wanted:
        assert words in text_of(found)
    assert DIRECTORY in found[0].checks
    facts = {fact.name: fact.values for fact in found[0].facts}
    assert facts["behind the target"][0] == behind.mailbox_type


def test_a_name_that_was_not_asked_for(listed: MakeRule) -> None:
    """Without an answer of a directory a name is unresolved, and said to be."""
    (row,) = rows([listed(Path(effects=(TO_NAME,)))], context())
    assert (row.values["target_class"], row.values["target_resolved"]) == ("unresolved", False)
    assert "could not be found out" in text_of([row])
    assert DIRECTORY not in row.checks


def test_a_changed_contact_is_a_changed_fact(listed: MakeRule) -> None:
    """Where a contact's mail goes to another address than before, the facts differ."""
    rule = listed(Path(effects=(TO_NAME,)))
    first, second = (
        next(rows([rule], context(recipients=(recipient(NAME, "contact", addresses=(address,)),)))).facts
        for address in ("x@evil.example", "y@evil.example")
    )
    assert first != second


def test_free_and_throwaway_addresses_are_told(listed: MakeRule) -> None:
    """A provider where anybody gets an address is a fact and a sentence, behind a contact too."""
    table = Providers((("freemail", ("free.example",)), ("throwaway", ("bin.example",))))
    contact = recipient(NAME, "contact", addresses=("x@bin.example",))
    rule = listed(Path(effects=(Effect(what="forward", target="x@free.example"), TO_NAME)))
    found = list(rows([rule], context(recipients=(contact,), providers=table)))
    assert [row.values["target_provider"] for row in found] == ["freemail", "throwaway"]
    assert "anybody gets a free mailbox at free.example" in text_of(found[:1])
    assert "are to be thrown away" in text_of(found[1:])


def test_a_stored_rule_that_is_listed_is_judged_once(listed: MakeRule, stored: MakeRule) -> None:
    """A rule that is told twice gives the rows of the listed one, and the stored one's where it has more to say."""
    rule = listed(Path(condition=INVOICES, effects=(OUT,)))
    twin = stored(Path(condition=INVOICES, effects=(OUT,)))
    found = list(rows([rule, twin], context(listed=(rule,))))
    assert [row.subject for row in found] == [("inbox_rule", "1")]
    for odd in ({"flaws": ("9 bytes after the last action",)}, {"provider": "RuleTool"}):
        found = list(rows([rule, stored(*twin.paths, **odd)], context(listed=(rule,))))
        assert [row.subject[0] for row in found] == ["inbox_rule", "rule_item"]
        assert found[1].values["hidden"] is False


def test_a_stored_rule_that_is_not_listed_is_hidden(listed: MakeRule, stored: MakeRule) -> None:
    """What no listed rule accounts for is hidden, though a page of the answer alone could not tell."""
    rule = listed(Path(effects=(Effect(what="mark_read"),)))
    found = list(rows([rule, stored(Path(effects=(OUT,)))], context(listed=(rule,))))
    assert [row.values["hidden"] for row in found] == [False, True]
    assert found[1].sentences[0].startswith('the hidden active rule "Tidy" redirects to eve@evil.example')


def test_without_a_complete_list_nothing_is_called_hidden(listed: MakeRule, stored: MakeRule) -> None:
    """Where the list was not read completely, what the decoder says stands."""
    rule = listed(Path(effects=(Effect(what="mark_read"),)))
    found = list(rows([rule, stored(Path(effects=(OUT,)))], context()))
    assert [row.values["hidden"] for row in found] == [False, False]


def test_a_verdict_on_a_stored_rule_rests_on_the_list_too(stored: MakeRule) -> None:
    """Whether a rule is hidden depends on the list, but not where nobody could list it anyway."""
    listing = CheckRef(source="exchange", check="inbox_rules")
    (row,) = rows([stored(Path(effects=(OUT,)), hidden=True)], context())
    assert set(row.checks) == {listing, CheckRef(source="exchange", check="rule_items")}
    (row,) = rows([stored(hidden=True, flaws=("the rule's actions cannot be read",))], context())
    assert listing in row.checks
    (row,) = rows([stored(Path(effects=(OUT,)), hidden=True, name="")], context())
    assert listing not in row.checks


def test_a_forged_label_is_told(stored: MakeRule) -> None:
    """A rule that borrows the junk rule's label is said not to be it."""
    forged = stored(Path(effects=(OUT,)), name="Junk E-mail Rule", provider="JunkEmailRule", hidden=True)
    (row,) = rows([forged], context())
    assert row.values["exchange_own"] is False
    assert "it says that JunkEmailRule made it, and is none of the hidden rules" in text_of([row])


def test_a_rule_that_cannot_be_read_is_a_row(stored: MakeRule) -> None:
    """Of a rule without readable actions a row tells its state, its maker and what is odd."""
    (row,) = rows([stored(hidden=True, flaws=("the rule's actions cannot be read",))], context())
    assert (row.values["hidden"], row.values["fires"], row.values["provider_known"]) == (True, True, True)
    assert row.sentences[0] == 'the hidden active rule "Tidy" does something that could not be read'
    assert "cannot be read" in row.sentences[1]


def test_a_rule_behind_the_last_one(listed: MakeRule) -> None:
    """A rule that an earlier one keeps from running does not fire, and names that one."""
    stop = listed(Path(effects=(Effect(what="stop"),)), name="Last", key="0", order=1)
    found = list(rows([stop, listed(Path(effects=(OUT,), keeps_copy=True), order=2)], context()))
    assert [(row.values["fires"], row.values["blocked"]) for row in found] == [(True, False), (False, True)]
    text = text_of(found[1:])
    assert 'the rule "Last" before it takes every message' in text
    assert "a copy stays" not in text


@pytest.mark.parametrize(
    ("path", "fields", "wanted"),
    [
        (Path(condition=Test(field="from", operator="contains", values=("@",)), effects=(OUT,)), {}, "only seems to choose"),
        (Path(condition=INVOICES, effects=(OUT,)), {"name": "Ti\u200bdy"}, "has characters without width"),
        (Path(effects=(Effect(what="delete", permanent=True),), keeps_copy=False), {}, "deleted for good"),
        (Path(effects=(Effect(what="move", target="\\Rss"),)), {}, "a folder for rss, which nobody reads for mail"),
        (Path(effects=(Effect(what="mark_read"), Effect(what="stop"))), {}, "weak signs, which count only together"),
    ],
    ids=["catch-all", "unicode", "for good", "odd folder", "signs"],
)  # fmt: skip
def test_odd_things_are_sentences(listed: MakeRule, path: Path, fields: dict[str, Any], wanted: str) -> None:
    """What is odd about a rule is one sentence each."""
    assert wanted in text_of(list(rows([listed(path, **fields)], context())))


def test_a_trick_is_everything_and_keeps_its_words(listed: MakeRule) -> None:
    """A condition that always holds counts as every message, and is shown as it is written."""
    every = Test(field="from", operator="contains", values=("@",))
    (row,) = rows([listed(Path(condition=every, effects=(OUT,)))], context())
    assert (row.values["everything"], row.values["everything_by_trick"]) == (True, True)
    assert 'messages where from contains "@"' in row.sentences[0]
    assert {fact.name: fact.values for fact in row.facts}["condition"] == ('from contains "@"',)


@pytest.mark.parametrize(
    ("path", "told"),
    [
        (Path(effects=(OUT,)), "every message"),
        (Path(condition=INVOICES, effects=(OUT,)), 'subject contains "invoice"'),
    ],
)
def test_the_condition_is_a_fact(listed: MakeRule, path: Path, told: str) -> None:
    """A finding remembers for which messages a rule is, so that a change shows."""
    (row,) = rows([listed(path)], context())
    assert {fact.name: fact.values for fact in row.facts}["condition"] == (told,)


def test_lists_of_two_sources_stay_apart(listed: MakeRule, stored: MakeRule) -> None:
    """A rule that one server lists does not account for one that is stored on another."""
    rule, other = listed(Path(effects=(OUT,))), listed(Path(effects=(OUT,)), source="second", name="News")
    twin = stored(Path(effects=(OUT,)), source="second")
    found = list(rows([rule, other, twin], context(listed=(rule, other))))
    assert [row.values["hidden"] for row in found] == [False, False, True]


def test_rights_in_words() -> None:
    """A finding says who has which rights where, also of an orphan of whom only that is known."""
    orphan = delegation(via="ews_permission", grantee="S-1-5-21-7", grantee_kind="orphan", rights=())
    (row,) = rows([orphan], context())
    assert row.values["right"] is None
    assert row.sentences == (
        'S-1-5-21-7, whom the directory does not know, has rights in the folder "INBOX": which ones is not told',
    )
    nothing = delegation(via="ews_permission", rights=())
    assert list(rows([nothing], context())) == []
    whole = delegation(via="ews_delegate", folder="", rights=("send_on_behalf", "private_items"))
    found = list(rows([whole], context()))
    assert found[0].sentences == (
        "the user bob has rights in the mailbox as a whole: send on behalf, private items",
    )


def test_folders_by_their_ids(listed: MakeRule) -> None:
    """A folder that is named by its id is there, and is not the odd one of the same name."""
    move = Effect(what="move", target="RSS Feeds", folder_id="AAMkMine")
    (row,) = rows([listed(Path(effects=(move,)))], context())
    assert (row.values["folder_unread"], row.values["folder_odd"], row.values["folder_use"]) == (
        False,
        False,
        None,
    )


@pytest.mark.parametrize(
    ("sender", "classes"),
    [
        ("bob@example.org", ("internal",)),
        ("@example.org", ("internal",)),
        ("evil.example", ("external",)),
        ("alice@example.org", ("own",)),
        ("Ann", ("unresolved",)),
    ],
)
def test_whose_the_senders_are(listed: MakeRule, sender: str, classes: tuple[str, ...]) -> None:
    """A sender, or a domain that stands for many, is classed as a target is."""
    condition = Test(field="from", operator="contains", values=(sender,))
    (row,) = rows([listed(Path(condition=condition, effects=(Effect(what="delete"),)))], context())
    assert (row.values["senders"], row.values["sender_classes"]) == ((sender,), classes)


@pytest.mark.parametrize(
    ("grantee", "kind", "wanted_kind", "wanted_class"),
    [
        ("bob@example.org", "user", "user", "internal"),
        ("x@evil.example", "user", "user", "external"),
        ("guest@example.org", "user", "user", "external"),
        ("alias@example.org", "user", "owner", "own"),
        ("bob", "user", "user", None),
        ("Default", "authenticated", "authenticated", None),
        ("S-1-5-21-7", "orphan", "orphan", None),
    ],
)
def test_whose_a_grantee_is(grantee: str, kind: str, wanted_kind: str, wanted_class: str | None) -> None:
    """A grantee is classed by the address, or by what the directory has behind it; an alias is the owner."""
    known = (
        recipient("alice@example.org", "mailbox", addresses=("alice@example.org", "alias@example.org")),
        recipient("guest@example.org", "contact", addresses=("guest@evil.example",)),
    )
    entry = delegation(via="ews_permission", grantee=grantee, grantee_kind=kind, rights=("read",))
    (row,) = rows([entry], context(recipients=known))
    assert (row.values["grantee_kind"], row.values["grantee_class"]) == (wanted_kind, wanted_class)
    assert ("neither of the organisation" in text_of([row])) is (wanted_class == "external")
    assert (DIRECTORY in row.checks) is (grantee == "guest@example.org")
