"""Stored rule conditions into the normal form."""

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from postwarden.formats.exchange_rule_blob import RuleBlobError, read_condition
from postwarden.model.mailflow import EVERYTHING, NOTHING, All, AnyOf, Condition, Not, Test

SUBJECT, BODY, SIZE, CLASS, SENDER = 0x0037, 0x1000, 0x0E08, 0x001A, 0x0C1D


def read(restriction: bytes, write: Any) -> Condition:
    return read_condition(b"\0\0" + restriction, write.form).condition


def subject(*values: str, operator: Any = "contains") -> Test:
    return Test(field="subject", operator=operator, values=values)


@pytest.mark.parametrize("name", ["EXTENDEDRULECONDITION-1", "RULECONDITION-1"])
def test_the_published_samples(shared: Callable[[str], Path], name: str) -> None:
    """The published samples, which have 32-bit counts, read to their last byte: the sender's address."""
    raw = bytes.fromhex(shared(f"data/exchange-rules/{name}.in.dat").read_text())
    found = read_condition(raw, "extended")
    assert found.condition == Test(field="sender", operator="contains", values=("test01@test1.COM",))
    assert found.flaws == ()


def test_and_or_not(write: Any) -> None:
    """Restrictions nest as conditions do, with counts of the form's width."""
    raw = write.several(
        0,
        write.several(1, write.contains(SUBJECT, "invoice"), write.contains(BODY, "payment")),
        b"\2" + write.contains(SUBJECT, "party"),
    )
    payment = Test(field="body", operator="contains", values=("payment",))
    assert read(raw, write) == All(
        parts=(AnyOf(parts=(subject("invoice"), payment)), Not(part=subject("party")))
    )


def test_empty_lists(write: Any) -> None:
    """No part that must hold is every message, no part of which one must hold is none."""
    assert read(write.several(0), write) == EVERYTHING
    assert read(write.several(1), write) == NOTHING


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        (0x10000, subject("a*b", operator="is")),
        (0x10001, subject("a*b")),
        (0x10002, subject("a\\*b*", operator="matches")),
    ],
)
def test_levels_of_content(write: Any, level: int, expected: Test) -> None:
    """A full string, a part of one and a beginning are told apart."""
    assert read(write.contains(SUBJECT, "a*b", level), write) == expected


def test_search_keys(write: Any) -> None:
    """A search key is compared by its address, without the kind before the colon."""
    raw = write.compares(4, SENDER, write.binary(SENDER, b"SMTP:BOB@PARTNER.EXAMPLE\0"))
    assert read(raw, write) == Test(field="sender", operator="is", values=("BOB@PARTNER.EXAMPLE",))


def test_recipients(write: Any) -> None:
    """What is asked of the table of recipients is a test on to; there the same id means another thing."""
    inner = write.compares(4, 0x300B, write.binary(0x300B, b"SMTP:BOB@PARTNER.EXAMPLE\0"))
    raw = b"\x09" + struct.pack("<HH", 0x000D, 0x0E12) + inner
    assert read(raw, write) == Test(field="to", operator="is", values=("BOB@PARTNER.EXAMPLE",))


@pytest.mark.parametrize(
    ("relation", "size", "expected"),
    [
        (2, 0, EVERYTHING),
        (3, 0, EVERYTHING),
        (3, 1, EVERYTHING),
        (2, 1, Test(field="size", operator="over", values=("1",))),
        (3, 1024, Test(field="size", operator="over", values=("1023",))),
        (0, 1024, Test(field="size", operator="under", values=("1024",))),
        (1, 1024, Test(field="size", operator="under", values=("1025",))),
        (5, 1024, Not(part=Test(field="size", operator="is", values=("1024",)))),
    ],
)
def test_sizes(write: Any, relation: int, size: int, expected: Condition) -> None:
    """A size that every message has is no condition; others are bytes over or under."""
    assert read(write.compares(relation, SIZE, write.long(SIZE, size)), write) == expected


def test_what_every_message_has(write: Any) -> None:
    """A rule that asks only for the message class, as clients write it, is for every message."""
    assert read(b"\x08" + struct.pack("<HH", 0x001F, CLASS), write) == EVERYTHING
    exists = Test(field="header:bcc", operator="exists")
    assert read(b"\x08" + struct.pack("<HH", 0x001F, 0x0E02), write) == exists


def test_remarks_and_counts(write: Any) -> None:
    """Remarks and limits of matches leave the condition inside them as it is; a remark alone always holds."""
    inner = write.contains(SUBJECT, "invoice")
    remark = b"\x0a\x01" + write.long(0x6001, 7)
    assert read(remark + b"\x01" + inner, write) == subject("invoice")
    assert read(remark + b"\x00", write) == EVERYTHING
    assert read(b"\x0b" + struct.pack("<I", 5) + inner, write) == subject("invoice")


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (
            b"\x05\x04" + struct.pack("<HHHH", 0x1F, 0x0C1F, 0x1F, 0x0065),
            "property 0x0c1f is equal to property 0x0065",
        ),
        (b"\x06\x01" + struct.pack("<HHI", 3, 0x0E07, 16), "message flags has some bits of 0x00000010"),
        (
            b"\x07\x02" + struct.pack("<HHI", 0x102, 0x1009, 9),
            "the size of property 0x1009 is more than 9 bytes",
        ),
        (b"\x08" + struct.pack("<HH", 3, 0x6001), "property 0x6001 exists"),
    ],
)
def test_what_has_no_word(write: Any, raw: bytes, text: str) -> None:
    """Restrictions that the normal form has no word for keep their meaning as text."""
    assert read(raw, write) == Test(field="other", operator="other", values=(text,))


def test_other_properties(write: Any) -> None:
    """Comparisons of other properties keep relation and value as text."""
    raw = write.compares(4, 0x0017, write.long(0x0017, 2))
    assert read(raw, write) == Test(field="other", operator="other", values=("importance is 2",))
    raw = write.compares(3, 0x0017, write.long(0x0017, 2))
    assert read(raw, write) == Test(field="other", operator="other", values=("importance is at least 2",))
    raw = write.compares(0x64, 0x0C1A, write.text(0x0C1A, "All Staff"))
    text = "property 0x0c1a is a member of All Staff"
    assert read(raw, write) == Test(field="other", operator="other", values=(text,))


@pytest.mark.parametrize(
    ("tagged", "text"),
    [
        (struct.pack("<HHB", 0x000B, 0x0057, 1), "addressed to me is true"),
        (struct.pack("<HHIII", 0x1003, 0x0017, 2, 1, 2), "importance is 1, 2"),
        (struct.pack("<HHq", 0x0014, 0x0017, -5), "importance is -5"),
        (struct.pack("<HHd", 0x0005, 0x0017, 1.5), "importance is 1.5"),
        (struct.pack("<HHf", 0x0004, 0x0017, 0.5), "importance is 0.5"),
        (struct.pack("<HH", 0x001E, 0x0017) + b"caf\xe9\0", "importance is caf\\xe9"),
        (struct.pack("<HH", 0x0001, 0x0017), "importance is nothing"),
        (
            struct.pack("<HH", 0x0048, 0x0017) + bytes(16),
            "importance is {" + "00000000-0000-0000-0000-" + "0" * 12 + "}",
        ),
    ],
)
def test_types_of_values(write: Any, tagged: bytes, text: str) -> None:
    """Values of each type are read to their own length, single or several."""
    found = read_condition(b"\0\0" + write.compares(4, 0, tagged), write.form)
    assert found.condition == Test(field="other", operator="other", values=(text,))
    assert found.flaws == ()


def test_other_than(write: Any) -> None:
    """What must differ is what must not be equal."""
    raw = write.compares(5, SUBJECT, write.text(SUBJECT, "party"))
    assert read(raw, write) == Not(part=subject("party", operator="is"))


def test_named_properties_keep_their_names(extended: Any) -> None:
    """A property that the rule names itself is told by that name."""
    name = (
        b"\1" + bytes.fromhex("2903020000000000c000000000000046") + b"\x10" + "Keywords".encode("utf-16-le")
    )
    header = struct.pack("<HHI", 1, 0x8001, len(name)) + name
    raw = header + extended.compares(4, 0x8001, extended.text(0x8001, "Red"))
    found = read_condition(raw, "extended").condition
    assert found == Test(
        field="other",
        operator="other",
        values=("{00020329-0000-0000-c000-000000000046}Keywords is Red",),
    )


def test_binary_counts_have_the_form_s_width(standard: Any) -> None:
    """A standard blob read as an extended one is refused, not guessed at."""
    raw = b"\0\0" + standard.compares(4, SENDER, standard.binary(SENDER, b"SMTP:BOB@PARTNER.EXAMPLE\0"))
    with pytest.raises(RuleBlobError):
        read_condition(raw, "extended")


def test_padding_is_a_flaw(write: Any) -> None:
    """Bytes behind the condition are told and do not hide it."""
    found = read_condition(b"\0\0" + write.contains(SUBJECT, "invoice") + bytes(40), write.form)
    assert found.condition == subject("invoice")
    assert found.flaws == ("40 bytes after the condition",)


@pytest.mark.parametrize(
    ("raw", "message", "offset"),
    [
        (b"\0\0\x0c", "a restriction of type 0x0c is not known", 2),
        (b"\0\0" + b"\2" * 60, "a condition nested deeper than 50 levels", 52),
        (b"\0\0\3\1\0\1\0\x1f\0\x37\0\x1f\0\x37\0abc", "a string does not end", 15),
        (b"\0\0\x08\x1f\0", "2 bytes are announced and 0 are left", 5),
        (b"\0\0\4\4\3\0\x17\0\xfe\0\x17\0", "a value is of type 0x00fe, which rules do not hold", 12),
        (b"\0\0\0\x11\x27\0\0" + b"\x08\3\0\1\x60" * 10001, "a condition of more than 10000 parts", 50002),
    ],
)
def test_what_is_no_condition(raw: bytes, message: str, offset: int) -> None:
    """Bytes that are no condition, or too large a one, are refused with the offset where that showed."""
    with pytest.raises(RuleBlobError) as caught:
        read_condition(raw, "extended")
    assert (caught.value.message, caught.value.offset) == (message, offset)
