"""Searches in Gmail's words: any text is a condition."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postwarden.formats.google_json.gmail_query import MAX_CHARACTERS, condition_of
from postwarden.model.mailflow import Test


@given(st.text(st.sampled_from('-{}()|": ORab'), max_size=200))
def test_any_text_is_a_condition(text: str) -> None:
    """Nothing raises, and what is not understood is one test by its text, never every message."""
    found = condition_of(text)
    assert not (isinstance(found, Test) and found.field == "other" and not found.values)


@pytest.mark.parametrize("mark", ["-", "{", "(", "{-", "(-{"])
def test_nesting_without_end_is_not_read(mark: str) -> None:
    """Whoever holds the mailbox cannot end the audit of a source with a filter."""
    text = (mark * MAX_CHARACTERS)[: MAX_CHARACTERS - 1] + "x"
    found = condition_of(text)
    assert isinstance(found, Test)
    assert found.field == "other"
