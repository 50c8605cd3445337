"""Stored and listed rules, names and letters, for arbitrary input."""

import os
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from postwarden.formats.exchange_rule_blob import read_actions, read_condition
from postwarden.formats.exchange_rule_blob.writing import written_actions, written_condition
from postwarden.mailflow.catch_all import is_catch_all
from postwarden.mailflow.listing import accounted
from postwarden.mailflow.recipients import directory, reached
from postwarden.mailflow.tricks import unicode_tricks
from postwarden.model.address import Domains
from postwarden.model.evidence import MailFlow, Recipient
from postwarden.model.mailflow import All, AnyOf, Effect, Path, Test
from postwarden.model.scope import account_scope

EXAMPLES = 2000 if os.environ.get("POSTWARDEN_LONG") else 200
SCOPE = account_scope("login:alice")
NOW = datetime(2026, 11, 23, tzinfo=UTC)

ADDRESSES = st.sampled_from(
    [
        "bob@example.org",
        "carol@example.org",
        "x@evil.example",
        "y@evil.example",
        "books@partner.example",
        "no address",
    ]
)
SENT = st.tuples(st.sampled_from(["redirect", "forward", "move", "delete", "mark_read"]), ADDRESSES)


@st.composite
def flows(draw: st.DrawFn, origin: str) -> list[MailFlow]:
    """A few rules, of few names and few effects, so that many look alike."""
    return [
        MailFlow(
            scope=SCOPE, source="exchange", check="x", observed=NOW, origin=origin, key=str(number),  # type: ignore[arg-type]  # one of two
            name=draw(st.sampled_from(["Tidy", "News", ""])), enabled=True, provider=draw(st.sampled_from(["RuleOrganizer", ""])),
            paths=tuple(
                Path(effects=(Effect(what=what, target=to, resolved=draw(st.booleans())),))  # type: ignore[arg-type]  # one of five
                for what, to in draw(st.lists(SENT, max_size=1))
            ),
        )
        for number in range(draw(st.integers(0, 5)))
    ]  # fmt: skip


@settings(max_examples=EXAMPLES)
@given(flows("rule_item"), flows("inbox_rule"))
def test_a_listed_rule_accounts_for_one_stored_rule_at_most(
    items: list[MailFlow], listed: list[MailFlow]
) -> None:
    """However alike rules are, no listed one hides two, and what it accounts for has its name."""
    found = accounted(items, listed)
    keys = [rule.key for rule in found.values()]
    assert len(set(keys)) == len(keys)
    assert all(items[index].name == rule.name and items[index].name for index, rule in found.items())


@settings(max_examples=EXAMPLES)
@given(
    st.sampled_from(["mailbox", "contact", "group", "public_folder", "nobody", "ambiguous"]),
    st.lists(ADDRESSES, max_size=3),
    st.lists(ADDRESSES, max_size=3),
    st.booleans(),
    st.booleans(),
)
def test_who_reaches_a_stranger_is_never_inside(
    kind: str, addresses: list[str], members: list[str], complete: bool, resolved: bool
) -> None:
    """A contact or group with an address outside is external, whatever else it has; nothing unknown is internal."""
    entry = Recipient(
        scope=SCOPE, source="exchange", check="x", observed=NOW, asked="desk@example.org",
        mailbox_type=kind, addresses=tuple(addresses), members=tuple(members), complete=complete,  # type: ignore[arg-type]  # one of six
    )  # fmt: skip
    known = directory(Domains(internal=("example.org",), partners=("partner.example",)), (), (entry,))
    found = reached("desk@example.org", known, resolved=resolved)
    behind = {"contact": addresses, "group": members, "mailbox": addresses[:1]}.get(kind, [])
    outside = any(address.endswith("evil.example") for address in behind)
    assert (found.target_class == "external") is outside
    if kind in {"contact", "nobody", "ambiguous"} or (kind == "group" and not (complete and members)):
        assert found.target_class != "internal"


@settings(max_examples=EXAMPLES)
@given(st.text(alphabet=st.characters(min_codepoint=0x20, max_codepoint=0x2FF, exclude_categories=["C"])))
def test_one_alphabet_is_no_trick(text: str) -> None:
    """No text in Latin letters, with any accents and signs, is called misleading."""
    assert unicode_tricks(text) == ()


@settings(max_examples=EXAMPLES)
@given(
    st.text(alphabet=st.characters(min_codepoint=0x3041, max_codepoint=0x30FE, exclude_categories=["C"])),
    st.text(alphabet=st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF)),
    st.text(alphabet=st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3)),
)
def test_east_asian_scripts_together_are_no_trick(kana: str, ideographs: str, hangul: str) -> None:
    """Japanese mixes three scripts in one word, and Latin words stand among them."""
    assert unicode_tricks(kana + ideographs + "Invoice" + hangul) == ()


@settings(max_examples=EXAMPLES)
@given(st.text(), st.sampled_from(["body", "from", "header:*", "subject"]))
def test_a_choice_beside_a_trick_stays_a_choice(value: str, field: str) -> None:
    """Where something real must hold as well, the condition is no catch-all; where either may, it is one."""
    choice = Test(field="subject", operator="contains", values=("invoice",))
    trick = Test(field="from", operator="contains", values=("@",))
    test = Test(field=field, operator="contains", values=(value,))
    assert not is_catch_all(All(parts=(test, choice)))
    assert is_catch_all(AnyOf(parts=(test, trick)))


WORDS = st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=50)


@settings(max_examples=EXAMPLES)
@given(
    st.lists(
        st.sampled_from(["delete", "mark_read", "reply", "move 00ff", "redirect a@b.example"]), min_size=1
    ),
    WORDS,
)
def test_written_rules_are_read_back(actions: list[str], word: str) -> None:
    """What is written for an example is read as that, to its last byte."""
    read = read_actions(written_actions(actions), "extended")
    assert [effect.what for effect in read.effects] == [action.partition(" ")[0] for action in actions]
    condition = read_condition(written_condition({"subject": word}), "extended")
    assert condition.condition == Test(field="subject", operator="contains", values=(word,))
    assert read.flaws == condition.flaws == ()
