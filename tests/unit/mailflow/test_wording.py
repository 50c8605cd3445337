"""Conditions in plain English."""

import pytest

from postwarden.mailflow.conditions import all_of, any_of, negate
from postwarden.mailflow.wording import MAX_TEXT, condition_text, quoted
from postwarden.model.mailflow import EVERYTHING, NOTHING, AnyOf, Condition, Test

SUBJECT = Test(field="subject", operator="contains", values=("invoice",))
SENDER = Test(field="envelope_from", operator="is", values=("a@b.example", "c@d.example"))
HEADER = Test(field="header:x-foo", operator="exists")


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (EVERYTHING, "every message"),
        (NOTHING, "no message"),
        (SUBJECT, 'subject contains "invoice"'),
        (SENDER, 'envelope sender is one of "a@b.example", "c@d.example"'),
        (Test(field="envelope_to", operator="is", values=("a",)), 'envelope recipient is "a"'),
        (AnyOf(parts=(SUBJECT, SUBJECT)), 'subject contains "invoice"'),
        (HEADER, 'header "x-foo" exists'),
        (Test(field="size", operator="over", values=("1024",)), "size over 1024 bytes"),
        (Test(field="body", operator="regex", values=("a.b",)), 'body matches the pattern "a.b"'),
        (Test(field="other", operator="other", values=('hasflag "x"',)), 'the test `hasflag "x"`'),
        (all_of((SUBJECT, HEADER)), 'subject contains "invoice" and header "x-foo" exists'),
        (
            all_of((SUBJECT, any_of((HEADER, negate(SUBJECT))))),
            'subject contains "invoice" and (header "x-foo" exists or not subject contains "invoice")',
        ),
        (
            any_of((all_of((SUBJECT, HEADER)), SUBJECT)),
            '(subject contains "invoice" and header "x-foo" exists) or subject contains "invoice"',
        ),
        (
            any_of((SUBJECT, Test(field="body", operator="contains", values=("invoice",)), SENDER)),
            'subject or body contains "invoice" or envelope sender is one of "a@b.example", "c@d.example"',
        ),
        (
            all_of((HEADER, any_of((SUBJECT, Test(field="body", operator="contains", values=("invoice",)))))),
            'header "x-foo" exists and (subject or body contains "invoice")',
        ),
        (negate(any_of((SUBJECT, HEADER))), 'not (subject contains "invoice" or header "x-foo" exists)'),
        (all_of((negate(HEADER), SUBJECT)), 'subject contains "invoice" and not header "x-foo" exists'),
    ],
)
def test_sentences(condition: Condition, expected: str) -> None:
    """A condition reads as English, what must hold before what must not."""
    assert condition_text(condition) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a\x1b[2Jb", '"a\\x1b[2Jb"'),
        ("a\nb\x85", '"a\\nb\\x85"'),
        ("\u202eevil\u2066", '"\\u202eevil\\u2066"'),
        ("in\u200bvoice\u2028\u2029", '"in\\u200bvoice\\u2028\\u2029"'),
        ('say "x" \\', '"say \\"x\\" \\\\"'),
        ("請求 ü", '"請求 ü"'),
    ],
)
def test_foreign_text_cannot_act(value: str, expected: str) -> None:
    """What a terminal would obey, or not show, is escaped, and a quote cannot end early."""
    assert quoted(value) == expected
    assert condition_text(Test(field="subject", operator="is", values=(value,))) == f"subject is {expected}"


def test_text_without_a_word_cannot_act_either() -> None:
    """The text of a test that has no word is escaped as well."""
    test = Test(field="other", operator="other", values=("a\x1b`b",))
    assert condition_text(test) == "the test `a\\x1b\\`b`"


@pytest.mark.parametrize(
    "condition",
    [
        Test(field="subject", operator="is", values=("x" * 100_000,)),
        Test(field="subject", operator="is", values=("x",) * 100_000),
        any_of(Test(field="subject", operator="is", values=(f"{number}",)) for number in range(1000)),
        Test(field="header:" + "x" * 1000, operator="exists"),
        Test(field="other", operator="other", values=("x" * 1000,)),
    ],
)
def test_long_conditions_are_cut(condition: Condition) -> None:
    """A condition's text is never longer than its bound, and shows that it was cut."""
    text = condition_text(condition)
    assert len(text) == MAX_TEXT
    assert text.endswith("…")
