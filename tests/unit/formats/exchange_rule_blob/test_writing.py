"""Rules that are written for examples, read back."""

import pytest

from postwarden.formats.exchange_rule_blob import read_actions, read_condition
from postwarden.formats.exchange_rule_blob.writing import written_actions, written_condition
from postwarden.model.mailflow import EVERYTHING, All, Condition, Effect, Test


@pytest.mark.parametrize(
    ("action", "effect"),
    [
        ("redirect x@elsewhere.example", Effect(what="redirect", target="x@elsewhere.example")),
        ("forward bob@example.org", Effect(what="forward", target="bob@example.org")),
        ("delegate /o=X/cn=Bob", Effect(what="redirect", target="/o=X/cn=Bob", resolved=False)),
        ("move 00ff", Effect(what="move", target="00ff", resolved=False, folder_id="00ff")),
        ("delete", Effect(what="delete", permanent=True)),
        ("mark_read", Effect(what="mark_read")),
        ("defer", Effect(what="defer")),
        ("label stamp", Effect(what="label", target="0x9000 = stamp")),
    ],
)
def test_actions(action: str, effect: Effect) -> None:
    """What is written is what the decoder reads, without a flaw."""
    read = read_actions(written_actions([action, "reply"]), "extended")
    assert (read.effects[0], read.effects[1].what, read.flaws) == (effect, "reply", ())


@pytest.mark.parametrize(
    ("tests", "condition"),
    [
        ({}, EVERYTHING),
        ({"subject": "invoice"}, Test(field="subject", operator="contains", values=("invoice",))),
        (
            {"sender": "@x", "class": "IPM.Note"},
            All(
                parts=(
                    Test(field="sender", operator="contains", values=("@x",)),
                    Test(field="other", operator="other", values=("message class contains IPM.Note",)),
                )
            ),
        ),
        ({"score": "4"}, Test(field="other", operator="other", values=("property 0x4076 is at least 4",))),
    ],
)
def test_conditions(tests: dict[str, str], condition: Condition) -> None:
    """Every test must hold, and none means every message."""
    read = read_condition(written_condition(tests), "extended")
    assert (read.condition, read.flaws) == (condition, ())


def test_other_words_are_refused() -> None:
    """A word that is no action or property is an error, not a rule that does nothing."""
    with pytest.raises(ValueError, match="'erase' is no action"):
        written_actions(["erase"])
    with pytest.raises(ValueError, match="'colour' is no property"):
        written_condition({"colour": "red"})
