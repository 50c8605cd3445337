"""One exported property of a stored rule, without knowing which."""

import struct
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from postwarden.formats.exchange_rule_file import decode
from postwarden.model.evidence import MailFlow
from postwarden.model.mailflow import Test
from postwarden.model.reading import Gap, Item, Observed
from postwarden.model.scope import account_scope

DELETE = b"\0\0" + struct.pack("<III", 1, 1, 9) + b"\x0a" + bytes(8)
SUBJECT = (
    b"\0\0" + struct.pack("<BIHHHH", 3, 0x10001, 0x1F, 0x37, 0x1F, 0x37) + "invoice\0".encode("utf-16-le")
)
STANDARD = b"\1\0\x09\0\x0b" + bytes(8)


def told(raw: bytes) -> list[Item]:
    return list(
        decode(
            raw,
            name="rule.dat",
            scope=account_scope("login:alice"),
            source="inspect",
            check="rule_items",
            observed=datetime(2026, 11, 23, tzinfo=UTC),
        )
    )


def flow_and_gap(raw: bytes) -> tuple[MailFlow, Gap]:
    observed, gap = told(raw)
    assert isinstance(observed, Observed)
    assert isinstance(observed.evidence, MailFlow)
    assert isinstance(gap, Gap)
    return observed.evidence, gap


@pytest.mark.parametrize(
    "raw", [DELETE, DELETE.hex().encode(), b"0x" + DELETE.hex(" ").upper().encode() + b"\r\n"]
)
def test_actions(raw: bytes) -> None:
    """Actions are a flow whose condition is elsewhere, in bytes or in hexadecimal text."""
    flow, gap = flow_and_gap(raw)
    (path,) = flow.paths
    assert [effect.what for effect in path.effects] == ["delete"]
    assert path.condition == Test(
        field="other", operator="other", values=("a condition that is not in this file",)
    )
    assert path.keeps_copy is False
    assert (flow.origin, flow.key, flow.flaws) == ("rule_item", "rule.dat", ())
    assert "condition and state" in gap.message


def test_a_condition() -> None:
    """A condition is a flow without effects, and the gap names the actions."""
    flow, gap = flow_and_gap(SUBJECT)
    assert flow.paths[0].condition == Test(field="subject", operator="contains", values=("invoice",))
    assert flow.paths[0].effects == ()
    assert "actions and state" in gap.message


def test_the_standard_form() -> None:
    """The older form is read where the newer one does not fit."""
    flow, _ = flow_and_gap(STANDARD)
    assert [effect.what for effect in flow.paths[0].effects] == ["mark_read"]


def test_padding_is_a_flaw() -> None:
    """Bytes behind the end are told, and the rule all the same."""
    flow, _ = flow_and_gap(DELETE + b"\7" * 3)
    assert flow.flaws == ("3 bytes after the last action",)


@pytest.mark.parametrize("raw", [b"", b"zz", b"\xff" * 40, b"00"])
def test_what_is_no_rule(raw: bytes) -> None:
    """Bytes that are neither are one gap, which says where each reading failed."""
    (gap,) = told(raw)
    assert isinstance(gap, Gap)
    assert (gap.reason, gap.message.count("; as ")) == ("malformed", 3)


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("EXTENDEDRULEACTION-1", "condition"),
        ("EXTENDEDRULECONDITION-1", "actions"),
        ("RULECONDITION-1", "actions"),
    ],
)
def test_the_published_samples(shared: Callable[[str], Path], name: str, missing: str) -> None:
    """The published samples are told apart."""
    flow, gap = flow_and_gap(shared(f"data/exchange-rules/{name}.in.dat").read_bytes())
    assert flow.flaws == ()
    assert f"the rule's {missing}" in gap.message
