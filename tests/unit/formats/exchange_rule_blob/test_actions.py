"""Stored rule actions into effects."""

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from postwarden.formats.exchange_rule_blob import RuleBlobError, read_actions
from postwarden.model.encoding import encode

ONE_OFF = b"\0\0\0\0" + bytes.fromhex("812b1fa4bea310199d6e00dd010f5402") + b"\0\0\0\x80"
ADDRESS_BOOK = b"\0\0\0\0" + bytes.fromhex("dca740c8c042101ab4b908002b2fe182") + struct.pack("<II", 1, 0)


def told(raw: bytes, write: Any) -> list[tuple[str, str | None, bool]]:
    return [(one.what, one.target, one.resolved) for one in read_actions(raw, write.form).effects]


def test_the_published_sample(shared: Callable[[str], Path]) -> None:
    """The published extended sample reads to its last byte: a move to a folder, then a named property set."""
    raw = bytes.fromhex(shared("data/exchange-rules/EXTENDEDRULEACTION-1.in.dat").read_text())
    read = read_actions(raw, "extended")
    move, label = read.effects
    assert (move.what, move.resolved, move.folder_id) == ("move", False, move.target)
    assert move.folder_id is not None
    assert move.folder_id.endswith("cdc2d035c80a7848aa532a41b8aae17f0000000001220000")
    assert label.what == "label"
    assert label.target == (
        "{00020329-0000-0000-c000-000000000046}http://schemas.microsoft.com/exchange/junkemailmovestamp = 930864138"
    )
    assert read.flaws == ()


def test_every_action(write: Any) -> None:
    """Each type of action is read in its order, in both forms."""
    template = struct.pack("<I", 16) if write.form == "extended" else b""
    raw = write.actions(
        write.action(1, write.folder(b"S", b"\x01\x02")),
        write.action(2, write.folder(b"S", b"\x03")),
        write.action(3, template + bytes(16) + bytes(16)),
        write.action(4, template + bytes(16) + bytes(16)),
        write.action(5, b"whatever the client wants"),
        write.action(6, struct.pack("<I", 0x26)),
        write.action(7, write.recipients(write.smtp("x@elsewhere.example"))),
        write.action(8, write.recipients(write.smtp("y@elsewhere.example"))),
        write.action(9, write.long(0x0017, 2)),
        write.action(10),
        write.action(11),
    )
    assert told(raw, write) == [
        ("move", "0102", False),
        ("copy_to_folder", "03", False),
        ("reply", "template " + "00" * 16 + ":" + "00" * 16, True),
        ("reply", "template " + "00" * 16 + ":" + "00" * 16, True),
        ("defer", None, True),
        ("reject", "permission denied", True),
        ("forward", "x@elsewhere.example", True),
        ("redirect", "y@elsewhere.example", True),
        ("label", "0x0017 = 2", True),
        ("delete", None, True),
        ("mark_read", None, True),
    ]
    assert [one.permanent for one in read_actions(raw, write.form).effects if one.what == "delete"] == [True]
    assert read_actions(raw, write.form).flaws == ()


@pytest.mark.parametrize(
    ("flavor", "what"),
    [(0, "forward"), (3, "redirect"), (1, "redirect"), (4, "forward_as_attachment"), (8, "notify")],
)
def test_flavours_of_forwarding(write: Any, flavor: int, what: str) -> None:
    """The flavour says whether a forward is a redirect, an attachment or a text message."""
    raw = write.actions(write.action(7, write.recipients(write.smtp("x@y.example")), flavor))
    assert told(raw, write) == [(what, "x@y.example", True)]


def test_several_recipients_are_several_effects(write: Any) -> None:
    """Each recipient of a forward is an effect of its own."""
    raw = write.actions(
        write.action(7, write.recipients(write.smtp("a@b.example"), write.smtp("c@d.example")))
    )
    assert [target for _, target, _ in told(raw, write)] == ["a@b.example", "c@d.example"]


def test_a_directory_recipient_is_not_resolved(write: Any) -> None:
    """An EX recipient keeps its legacy DN and is not resolved, for it may be a contact outside."""
    name = "/o=Example/ou=Group/cn=Recipients/cn=contact"
    recipient = (write.text(0x3001, "A Contact"), write.text(0x3002, "EX"), write.text(0x3003, name))
    raw = write.actions(write.action(7, write.recipients(recipient)))
    assert told(raw, write) == [("forward", name, False)]
    beside = (*recipient, write.text(0x39FE, "contact@elsewhere.example"))
    raw = write.actions(write.action(7, write.recipients(beside)))
    assert told(raw, write) == [("forward", name, False), ("forward", "contact@elsewhere.example", True)]


def test_recipients_that_only_an_entry_id_names(write: Any) -> None:
    """Addresses are read out of one-off, address book and search key entries too."""
    one_off = ONE_OFF + "Some Body\0SMTP\0x@elsewhere.example\0".encode("utf-16-le")
    book = ADDRESS_BOOK + b"/o=Example/cn=bob\0"
    raw = write.actions(
        write.action(
            7,
            write.recipients(
                (write.binary(0x0FFF, one_off),),
                (write.binary(0x0FFF, book),),
                (write.binary(0x300B, b"SMTP:Z@ELSEWHERE.EXAMPLE\0"),),
                (write.text(0x3001, "Only A Name"), write.binary(0x0FFF, b"\1\2\3")),
            ),
        )
    )
    assert [(target, resolved) for _, target, resolved in told(raw, write)] == [
        ("x@elsewhere.example", True),
        ("/o=Example/cn=bob", False),
        ("Z@ELSEWHERE.EXAMPLE", True),
        ("Only A Name", False),
    ]


def test_recipients_whose_properties_disagree(write: Any) -> None:
    """A recipient that names an inner address in one property and an outer one in another shows both."""
    recipient = (*write.smtp("alice@example.org"), write.binary(0x300B, b"SMTP:X@ELSEWHERE.EXAMPLE\0"))
    raw = write.actions(write.action(7, write.recipients(recipient)))
    assert {target for _, target, _ in told(raw, write)} == {"alice@example.org", "X@ELSEWHERE.EXAMPLE"}
    agreeing = (*write.smtp("alice@example.org"), write.binary(0x300B, b"SMTP:ALICE@EXAMPLE.ORG\0"))
    raw = write.actions(write.action(7, write.recipients(agreeing)))
    assert told(raw, write) == [("forward", "alice@example.org", True)]


def test_a_folder_in_another_store(standard: Any) -> None:
    """A standard move out of the mailbox names the other store with the folder."""
    raw = standard.actions(standard.action(1, standard.folder(b"\xaa", b"\xbb", here=False)))
    assert told(raw, standard) == [("move", "aa:bb", False)]


def test_standard_actions_behind_a_header(standard: Any) -> None:
    """The standard form is read with the named properties and version before it, and without."""
    header = b"\0\0" + struct.pack("<I", 1)
    bare = standard.actions(standard.action(10))
    assert told(header + bare, standard) == told(bare, standard)
    with pytest.raises(RuleBlobError, match="type 0x63"):
        read_actions(header + standard.actions(standard.action(0x63)), "standard")


def test_bytes_behind_the_end_are_a_flaw(extended: Any) -> None:
    """Bytes that nobody reads, after an action or after all, are told and do not hide the rule."""
    read = read_actions(extended.actions(extended.action(10, b"\1\2")) + b"\0" * 5, "extended")
    assert [one.what for one in read.effects] == ["delete"]
    assert read.flaws == ("action 1 has 2 bytes after its end", "5 bytes after the last action")


def test_lone_surrogates_can_be_recorded(write: Any) -> None:
    """Text that is no Unicode comes out escaped, so that a record can hold it."""
    raw = write.actions(write.action(7, write.recipients(write.smtp("x\ud800@y.example"))))
    (effect,) = read_actions(raw, write.form).effects
    assert effect.target == "x\\ud800@y.example"
    assert encode(effect)


@pytest.mark.parametrize(
    ("raw", "message", "offset"),
    [
        (b"", "2 bytes are announced and 0 are left", 0),
        (b"\0\0\2\0\0\0\1\0\0\0", "rule version 2 is not known", 2),
        (b"\0\0\1\0\0\0\0\0\0\0", "a rule without actions", 6),
        (b"\0\0\1\0\0\0\xff\0\0\0", "255 elements are announced and 0 bytes are left", 6),
        (b"\0\0\1\0\0\0\1\0\0\0\xff\0\0\0\n", "255 bytes are announced and 1 are left", 14),
        (b"\0\0\1\0\0\0\1\0\0\0\x09\0\0\0\x0c" + bytes(8), "an action of type 0x0c is not known", 14),
        (b"\1\0\5\0\x11\0\0\0\2" + bytes(30), "a property's name is of kind 2", 8),
        (bytes((1 << 20) + 1), "larger than 1048576 bytes", 0),
    ],
)
def test_what_is_no_rule(raw: bytes, message: str, offset: int) -> None:
    """Bytes that are no list of actions are refused with the offset where that showed."""
    with pytest.raises(RuleBlobError) as caught:
        read_actions(raw, "extended")
    assert (caught.value.message, caught.value.offset) == (message, offset)
    assert caught.value.reason == "malformed"
