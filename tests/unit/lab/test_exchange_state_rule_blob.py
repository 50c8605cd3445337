"""The lab's writer of stored rules, read back by the reader that is checked against published samples."""

import uuid
from collections.abc import Callable

import pytest

from postwarden.formats.exchange_rule_blob import Form, read_actions, read_condition
from postwarden.lab.exchange import rule_blob as blob
from postwarden.lab.exchange.organisation import Rule, RuleRecipient, RuleValue
from postwarden.lab.exchange.rule_blob import Compared, Content, Tagged
from postwarden.lab.exchange.rule_items import RuleItem, predicate, stored
from postwarden.model.mailflow import EVERYTHING, All, AnyOf, Effect, Not, Test
from tests.unit.formats.conftest import _shared

FORMS: tuple[Form, ...] = ("standard", "extended")
STORE, FOLDER = b"s" * 16, b"f" * 46
ALICE = RuleRecipient("Alice", "alice@partner.example", "SMTP")
BOB = RuleRecipient("Bob", "/o=Kitano/cn=bob", "EX")


def item(form: Form = "extended", **words: RuleValue) -> RuleItem:
    """The item of a rule that does this."""
    return stored(Rule(name="R", then=words, form=form), 3, STORE, lambda _: FOLDER)


def effects(form: Form, **words: RuleValue) -> list[Effect]:
    """What the reader makes of a rule that does this."""
    actions = item(form, **words).actions
    assert actions is not None
    read = read_actions(actions, form)
    assert read.flaws == ()
    return list(read.effects)


@pytest.fixture(params=FORMS)
def form(request: pytest.FixtureRequest) -> Form:
    """Each of the two forms."""
    found: Form = request.param
    return found


@pytest.mark.parametrize(
    ("word", "what"),
    [
        ("ForwardToRecipients", "forward"),
        ("RedirectToRecipients", "redirect"),
        ("ForwardAsAttachmentToRecipients", "forward_as_attachment"),
        ("SendSMSAlertToRecipients", "notify"),
    ],
)
def test_recipients_are_read_back(form: Form, word: str, what: str) -> None:
    """Each way to send on keeps its kind, an address is resolved, and a directory name is not."""
    found = effects(form, **{word: (ALICE, BOB)})
    assert {(one.what, one.target, one.resolved) for one in found} == {
        (what, ALICE.address, True),
        (what, BOB.address, False),
    }


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ({"PermanentDelete": True}, Effect(what="delete", permanent=True)),
        ({"MarkAsRead": True}, Effect(what="mark_read")),
        ({"Deferred": True}, Effect(what="defer")),
        ({"MarkImportance": "High"}, Effect(what="label", target="0x0017 = 2")),
    ],
)
def test_plain_actions_are_read_back(form: Form, words: dict[str, RuleValue], wanted: Effect) -> None:
    """What a rule does to the message itself comes back as that."""
    assert effects(form, **words) == [wanted]


def test_folders_are_named_by_entry_id(form: Form) -> None:
    """Moving, copying and Outlook's delete name a folder by its entry id."""
    found = effects(form, MoveToFolder="a", CopyToFolder="b", Delete=True)
    assert [(one.what, one.folder_id) for one in found] == [
        ("move", FOLDER.hex()),
        ("copy_to_folder", FOLDER.hex()),
        ("move", FOLDER.hex()),
    ]


def test_categories_have_their_name_in_the_extended_form() -> None:
    """The extended form tells which named property a tag sets."""
    (found,) = effects("extended", AssignCategories=("Red", "Blue"))
    assert found.target is not None
    assert found.target.endswith("Keywords = Red, Blue")


def test_replies_name_their_template(form: Form) -> None:
    """A reply and an automatic reply are both replies with a template."""
    for oof in (False, True):
        reply = blob.Reply(b"m" * 16, uuid.UUID(int=7), oof=oof)
        read = read_actions(blob.encode_actions((reply,), form), form)
        assert [one.what for one in read.effects] == ["reply"]


def test_an_automatic_reply_is_an_action_of_its_own() -> None:
    """OP_OOF_REPLY and OP_REPLY differ in the action's type alone."""
    plain, oof = (
        blob.encode_actions((blob.Reply(b"", uuid.UUID(int=7), oof=one),), "extended")
        for one in (False, True)
    )
    assert [pair for pair in zip(plain, oof, strict=True) if pair[0] != pair[1]] == [(3, 4)]


def test_delegates_get_it_redirected(form: Form) -> None:
    """OP_DELEGATE sends on."""
    sent = blob.Send((blob.recipient("Bob", BOB.address, "EX"),), delegate=True)
    read = read_actions(blob.encode_actions((sent, blob.Delete()), form), form)
    assert [(one.what, one.target) for one in read.effects] == [("redirect", BOB.address), ("delete", None)]


@pytest.mark.parametrize(
    ("word", "value", "wanted"),
    [
        (
            "ContainsSubjectStrings",
            ("Rechnung",),
            Test(field="subject", operator="contains", values=("Rechnung",)),
        ),
        ("ContainsBodyStrings", ("請求",), Test(field="body", operator="contains", values=("請求",))),
        (
            "ContainsHeaderStrings",
            ("X-A: 1",),
            Test(field="header:*", operator="contains", values=("X-A: 1",)),
        ),
        (
            "ContainsSenderStrings",
            ("@a.example",),
            Test(field="sender", operator="contains", values=("@A.EXAMPLE",)),
        ),
        ("ContainsRecipientStrings", ("sales",), Test(field="to", operator="contains", values=("SALES",))),
        ("FromAddresses", (ALICE,), Test(field="sender", operator="is", values=(ALICE.address.upper(),))),
        ("SentToAddresses", (BOB,), Test(field="to", operator="is", values=(BOB.address.upper(),))),
        ("WithinSizeRange", {"MinimumSize": 2}, Test(field="size", operator="over", values=("2047",))),
        ("WithinSizeRange", {"MaximumSize": 1}, Test(field="size", operator="under", values=("1025",))),
    ],
)
def test_conditions_are_read_back(form: Form, word: str, value: RuleValue, wanted: Test) -> None:
    """A condition in the schema's words asks the same in bytes."""
    assert read_condition(blob.encode_condition(predicate(word, value), form), form).condition == wanted


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("Categories", ("Red",)),
        ("FlaggedForAction", "Reply"),
        ("FromConnectedAccounts", ("Other",)),
        ("HasAttachments", True),
        ("Importance", "High"),
        *(
            (f"Is{kind}", True)
            for kind in ("ApprovalRequest", "AutomaticForward", "AutomaticReply", "Encrypted")
        ),
        *(
            (f"Is{kind}", True)
            for kind in ("MeetingRequest", "MeetingResponse", "NDR", "PermissionControlled")
        ),
        *((f"Is{kind}", True) for kind in ("ReadReceipt", "Signed", "Voicemail")),
        ("ItemClasses", ("IPM.Note",)),
        ("MessageClassifications", ("Secret",)),
        *((word, True) for word in ("NotSentToMe", "SentCcMe", "SentOnlyToMe", "SentToMe", "SentToOrCcMe")),
        ("Sensitivity", "Private"),
        ("WithinDateRange", {"StartDateTime": "2026-01-01T00:00:00Z", "EndDateTime": "2026-02-01T00:00:00Z"}),
    ],
)
def test_every_condition_of_the_schema_can_be_stored(form: Form, word: str, value: RuleValue) -> None:
    """Conditions that the normal form has no field for are still conditions, and never everything."""
    read = read_condition(blob.encode_condition(predicate(word, value), form), form)
    assert read.flaws == ()
    assert read.condition != EVERYTHING


def test_conditions_must_all_hold_and_exceptions_none(form: Form) -> None:
    """A rule's conditions are joined by and, its strings by or, and exceptions turned round."""
    rule = Rule(
        name="R",
        form=form,
        when={"ContainsSubjectStrings": ("a", "b"), "HasAttachments": True, "SentToMe": False},
        unless={"ContainsBodyStrings": ("c",)},
        then={"MarkAsRead": True, "StopProcessingRules": True},
    )
    made = stored(rule, 1, STORE, lambda _: FOLDER)
    assert made.condition is not None
    read = read_condition(made.condition, form).condition
    assert isinstance(read, All)
    subject, attachments, exception = read.parts
    assert isinstance(subject, AnyOf)
    assert isinstance(attachments, Test)
    assert isinstance(exception, Not)
    assert made.state == 0x11


def test_no_condition_is_everything(form: Form) -> None:
    """A rule without conditions is for every message."""
    made = item(form, MarkAsRead=True)
    assert made.condition is not None
    assert read_condition(made.condition, form).condition == EVERYTHING


@pytest.mark.parametrize("part", ["when", "then"])
def test_a_word_that_is_no_rule_is_refused(part: str) -> None:
    """What the schema has no word for cannot be stored."""
    words: dict[str, dict[str, RuleValue]] = {"then": {"MarkAsRead": True}, part: {"Sing": True}}
    with pytest.raises(ValueError, match="Sing"):
        stored(Rule(name="R", when=words.get("when", {}), then=words["then"]), 1, STORE, lambda _: FOLDER)


def test_nobody_stores_a_rule_that_does_nothing(form: Form) -> None:
    """A rule without actions is refused."""
    with pytest.raises(ValueError, match="without actions"):
        blob.encode_actions((), form)


@pytest.fixture
def published() -> Callable[[str], bytes]:
    """Reads a published sample, which is hexadecimal text."""

    def read(name: str) -> bytes:
        return bytes.fromhex(_shared(f"data/exchange-rules/{name}.in.dat").read_text(encoding="ascii"))

    return read


def test_a_published_condition_is_written_byte_for_byte(published: Callable[[str], bytes]) -> None:
    """The sample of a condition on a sender's search key comes out of this writer as it was published."""
    key = Content(Tagged(0x0C1D, blob.BINARY, b"test01@test1.COM"), ignore_case=False)
    assert blob.encode_condition(key, "extended") == published("RULECONDITION-1")


def test_published_actions_are_written_byte_for_byte(published: Callable[[str], bytes]) -> None:
    """The sample of a junk rule's actions comes out of this writer as it was published."""
    wanted = published("EXTENDEDRULEACTION-1")
    store, folder = wanted[165:181], wanted[185:231]
    stamp = blob.Named(
        0x837E,
        uuid.UUID("00020329-0000-0000-c000-000000000046"),
        "http://schemas.microsoft.com/exchange/junkemailmovestamp",
    )
    actions = (blob.ToFolder(store, folder), blob.Tag(Tagged(stamp.id, blob.LONG, 930_864_138)))
    assert blob.encode_actions(actions, "extended", (stamp,)) == wanted


def test_comparisons_keep_their_relation(form: Form) -> None:
    """Less, more, equal and unequal sizes are told apart."""
    found = []
    for relation in range(6):
        raw = blob.encode_condition(Compared(relation, Tagged(0x0E08, blob.LONG, 100)), form)
        found.append(read_condition(raw, form).condition)
    assert len({repr(one) for one in found}) == 6
