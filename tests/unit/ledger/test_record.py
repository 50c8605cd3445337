"""A record has one form, and everything else is refused with the reason."""

import json

import msgspec
import pytest

from postwarden.errors import LedgerError
from postwarden.ledger.record import MAX_DEPTH, MAX_LINE, check_time, record_form
from tests.unit.ledger.conftest import encode, record

GOOD = record(text='é\u2028\x7f😀/\b\f\n\r\t\x00\\"', numbers=[0, -1, 2**70], none=None, flag=True)


def test_sound_records_pass() -> None:
    """Records with escapes, nesting and large integers pass."""
    record_form(GOOD)
    record_form(record())


def test_the_longest_record_passes_and_one_byte_more_does_not() -> None:
    """A record of 65,535 bytes passes, one of 65,536 does not."""
    empty = len(record(text=""))
    record_form(record(text="x" * (MAX_LINE - empty)))
    with pytest.raises(LedgerError, match="longer than 65535 bytes"):
        record_form(record(text="x" * (MAX_LINE - empty + 1)))


def test_the_encoder_in_use_writes_the_same_spelling() -> None:
    """For each character, msgspec's spelling with everything beyond 0x7E escaped is the one that is asked for."""
    fields = {"v": 1, "kind": "heartbeat", "time": "2026-11-22T09:30:00.000000Z"}
    fields |= {"run": "r", "actor": "a", "agent": "0"}
    encoder = msgspec.json.Encoder(order="sorted")
    characters = [
        chr(code) for code in [*range(0xD800), *range(0xE000, 0x10000, 7), 0x10000, 0x1F600, 0x10FFFF]
    ]
    for start in range(0, len(characters), 500):
        part = characters[start : start + 500]
        text = encoder.encode(fields | {"text": "".join(part), "keys": dict.fromkeys(part, 0)}).decode()
        units = "".join(c if " " <= c <= "~" else json.dumps(c)[1:-1] for c in text)
        record_form(units.encode("ascii"))


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"", "empty"),
        (GOOD + b"\n", "printable"),
        (GOOD + b"\r", "printable"),
        (b"\xef\xbb\xbf" + GOOD, "printable"),
        (record(text="x").replace(b'"x"', b'"\x00"'), "printable"),
        (record(text="x").replace(b'"x"', b'"\x7f"'), "printable"),
        (record(text="x").replace(b'"x"', '"\u2028"'.encode()), "printable"),
        (record(text="x").replace(b'"x"', b'"\t"'), "printable"),
        (GOOD + b" ", "canonical"),
        (b" " + GOOD, "canonical"),
        (GOOD.replace(b'":', b'": ', 1), "canonical"),
        (record(text="é").replace(b"\\u00e9", b"\\u00E9"), "canonical"),
        (record(text="x").replace(b'"x"', b'"\\u0078"'), "canonical"),
        (record(text="x").replace(b'"x"', b'"\\/"'), "canonical"),
        (record(text="x").replace(b'"x"', b'"\\u0008"'), "canonical"),
        (record(number=0).replace(b":0,", b":-0,"), "canonical"),
        (record()[:-1] + b',"a":0}', "canonical"),
        (record()[:-1] + b',"v":1}', "same key twice"),
        (record(deep={"a": 0}).replace(b'{"a":0}', b'{"a":0,"a":0}'), "same key twice"),
        (record(text="\ud800"), "surrogate"),
        (record(text="\udc00\ud800"), "surrogate"),
        (record(deep={"\udfff": 0}), "surrogate"),
        (record(number=1.5), "1.5 is not an integer"),
        (record(number=0).replace(b":0,", b":1e3,"), "1e3 is not an integer"),
        (record(number=float("nan")), "NaN is not an integer"),
        (record(number=float("-inf")), "-Infinity is not an integer"),
        (record(number=0).replace(b":0,", b":01,"), "not json"),
        (record(number=0).replace(b":0,", b":" + b"9" * 5000 + b","), "not json"),
        (GOOD[:-1], "not json"),
        (GOOD + GOOD, "not json"),
        (b"[" * 60_000, "nested too deeply"),
        (b'{"a":' * 10_000 + b"0" + b"}" * 10_000, "nested too deeply"),
        (b"[]", "not a json object"),
        (b"null", "not a json object"),
        (b'"{}"', "not a json object"),
        (b"{}", "v is not 1"),
        (record().replace(b'"v":1', b'"v":2'), "v is not 1"),
        (record().replace(b'"v":1', b'"v":true'), "v is not 1"),
        (record().replace(b'"v":1', b'"v":"1"'), "v is not 1"),
        (encode(v=1), "kind"),
        (record("Heartbeat"), "kind"),
        (record("heart-beat"), "kind"),
        (record("heart__beat"), "kind"),
        (record("_heart"), "kind"),
        (record(""), "kind"),
        (encode(v=1, kind=1), "kind"),
        (encode(v=1, kind="heartbeat"), "no time"),
        (record().replace(b"00.000000Z", b"00Z"), "microseconds"),
        (record().replace(b"000000Z", b"000000+00:00"), "microseconds"),
        (record().replace(b"2026-11-22T", b"2026-11-22 "), "microseconds"),
        (record().replace(b"2026-11-22", b"2026-11-31"), "calendar"),
        (record().replace(b"T09:30:00", b"T24:00:00"), "calendar"),
        (record().replace(b"T09:30:00", b"T23:59:60"), "calendar"),
        (record().replace(b"2026-11-22", b"0000-11-22"), "calendar"),
        (record().replace(b'"run-1"', b'""'), "no run"),
        (record().replace(b'"tester"', b"null"), "no actor"),
        (record().replace(b'"0.1.0"', b"[]"), "no agent"),
    ],
)
def test_other_forms_are_refused(line: bytes, why: str) -> None:
    """A line that is not a record in its one form is refused, with the reason."""
    with pytest.raises(LedgerError, match=why):
        record_form(line)


def test_an_escaped_backslash_is_no_surrogate() -> None:
    """Text that spells an escape, as foreign bytes do, passes."""
    record_form(record(text="\\ud800"))


def test_nesting_has_a_fixed_bound() -> None:
    """Nesting to the bound passes, one level more does not, however many brackets are side by side."""

    def nested(depth: int) -> bytes:
        return record(deep=0, wide=[[]] * 100).replace(b":0,", b":" + b"[" * depth + b"]" * depth + b",", 1)

    record_form(nested(MAX_DEPTH - 1))
    with pytest.raises(LedgerError, match="nested deeper than 64 levels"):
        record_form(nested(MAX_DEPTH))


def test_times_in_other_digits_are_refused() -> None:
    """A time in digits other than ASCII's is refused."""
    with pytest.raises(LedgerError, match="microseconds"):
        check_time("\uff12026-11-22T09:30:00.000000Z")
