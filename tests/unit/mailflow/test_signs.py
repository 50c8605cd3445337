"""Weak signs."""

from collections.abc import Callable

import pytest

from postwarden.mailflow.signs import is_careless, weak_signs
from postwarden.model.evidence import MailFlow
from postwarden.model.mailflow import Effect, Path

MakeRule = Callable[..., MailFlow]


@pytest.mark.parametrize("name", ["", " ", ".", "..", "!?", "a", "ab", "1", "aaaa", "----", "\u200b", "写"])
def test_names_that_say_nothing(name: str) -> None:
    """No sign, one or two, punctuation, or one over and over is no name."""
    assert is_careless(name)


@pytest.mark.parametrize("name", ["IT?", "Tidy", "請求", "発票", "송장", "2026", "aab", "Ärger"])
def test_names_that_say_something(name: str) -> None:
    """A word is a name, of two characters where a script has such words."""
    assert not is_careless(name)


def test_each_sign_is_a_sentence(rule: MakeRule) -> None:
    """All signs of a rule are told, one sentence each."""
    kinds = (Effect(what="mark_read"), Effect(what="delete", permanent=True), Effect(what="stop"))
    path = Path(effects=kinds)
    signs = weak_signs(rule(name="."), path, odd_folder="sync_issues", known_provider=False)
    assert len(signs) == len(set(signs)) == 6
    assert "it moves mail to a folder for sync issues" in signs


def test_an_ordinary_rule_has_none(rule: MakeRule) -> None:
    """A rule that files mail under a name of its own has no sign."""
    path = Path(effects=(Effect(what="move", target="Projects"),))
    assert weak_signs(rule(name="Projects"), path, odd_folder=None, known_provider=True) == ()


def test_scripts_have_none(rule: MakeRule) -> None:
    """A script is made once, for everything, and its name and its stops say nothing."""
    path = Path(effects=(Effect(what="mark_read"), Effect(what="stop")))
    script = rule(origin="sieve_script", name=".")
    assert weak_signs(script, path, odd_folder=None, known_provider=None) == ()
