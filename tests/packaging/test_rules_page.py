"""docs/rules.md: its example runs as it says, and what it lists is what there is."""

import re
import shlex
from pathlib import Path

import msgspec
import pytest

from postwarden.cli import run
from postwarden.detect.fields import FIELDS
from postwarden.detect.sigma import compile_rule, vocabulary
from postwarden.errors import RuleError
from postwarden.model.finding import LEVELS
from postwarden.pipeline.examples import Example
from tests.packaging.conftest import ROOT

PAGE = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
_TYPES = {
    category: {name: field.type for name, field in fields.items()} for category, fields in FIELDS.items()
}
#: A rule with a place for its detections.
_RULE = """\
title: A rule
id: 8a857a7e-c13c-45c1-a0ca-541aa0637660
description: For a test.
logsource: {{product: postwarden, category: mail_flow}}
level: low
detection:
{detection}
  condition: {condition}
"""


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def named(title: str) -> str:
    """The text of one section of the page."""
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def refused(detection: str, condition: str = "one", more: str = "") -> bool:
    """Whether a rule with these detections does not load."""
    raw = _RULE.format(detection=detection, condition=condition) + more
    try:
        compile_rule(raw.encode(), path="rule.yml", fields=_TYPES, placeholders={})
    except RuleError:
        return True
    return False


def test_the_worked_example_does_what_the_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The files on the page, put down as they are named, give what the page shows for each command."""
    written = []
    for language in ("toml", "yaml", "text"):
        for block in blocks(language):
            file = re.match(r"# (\S+\.\w+)\n", block)
            if file:
                path = tmp_path / file[1]
                path.parent.mkdir(exist_ok=True)
                path.write_text(block)
                written.append(file[1])
    assert sorted(written) == [
        "agent.toml",
        "alice.sieve",
        "my-rules/freemail_redirect.examples.yml",
        "my-rules/freemail_redirect.yml",
    ]
    monkeypatch.chdir(tmp_path)
    commands = [
        block.removeprefix("$ postwarden ").split("\n", 1) for block in blocks("text") if block[0] == "$"
    ]
    assert len(commands) == 2
    for line, wanted in commands:
        assert run(shlex.split(line)) == 0
        assert capsys.readouterr().out == wanted


def test_every_modifier_is_listed_for_the_fields_that_take_it() -> None:
    """The table of modifiers has those that are supported, each for the types that it is supported on."""
    listed: dict[str, set[str]] = {"text": set(), "number": set(), "flag": set()}
    for names, types in re.findall(r"^\| (`\w+`.*?) \| ([a-z, ]+) \|", named("Tests"), re.MULTILINE):
        for kind in types.split(", "):
            listed[kind] |= set(re.findall(r"`(\w+)`", names))
    assert listed == {kind: set(known) for kind, known in vocabulary.MODIFIERS.items()}


def test_categories_and_levels_are_listed() -> None:
    """The table of keys names each category that has fields, and each level."""
    text = named("The file")
    assert all(f"`{category}`" in text for category, fields in FIELDS.items() if fields)
    assert all(f"`{level}`" in text for level in LEVELS)


def test_every_kind_of_material_is_listed() -> None:
    """The section on examples names each key that an example may have."""
    text = named("Examples")
    assert all(f"`{field.name}" in text for field in msgspec.structs.fields(Example))


@pytest.mark.parametrize(
    ("detection", "condition", "more"),
    [
        ("  one: {colour: red}", "one", ""),
        *((f"  one: {{target|{name}: x}}", "one", "") for name in re.findall(r"`(\w+)`", named("What is refused"))[:5]),
        ("  one: [redirect]", "one", ""),
        ("  one: {effect: redirect}\n  timeframe: 5m", "one", ""),
        ("  one: {effect: redirect}", "one", "correlation: {type: event_count}\n"),
        ("  one: {effect: redirect}", "one | count() > 5", ""),
        ("  one: {effect: redirect, effect: keep}", "one", ""),
        ("  one: &here {effect: redirect}", "one", ""),
        ("  one: {effect: redirect}", "one", "---\ntitle: another\n"),
        ("  one: {everything: 'true'}", "one", ""),
        ("  one: {keeps_copy: no}", "one", ""),
        ("  one: {target|re: '(?=x)'}", "one", ""),
        ("  one: {target|re: '(x)\\1'}", "one", ""),
        ("  one: {target_domain|expand: '%unknown%'}", "one", ""),
    ],
)  # fmt: skip
def test_what_the_page_calls_refused_is_refused(detection: str, condition: str, more: str) -> None:
    """A rule that uses what the page says is not supported does not load."""
    assert refused(detection, condition, more)


@pytest.mark.parametrize(
    ("detection", "condition"),
    [
        ("  one: {effect: redirect}", "one"),
        ("  one: [{effect: redirect}, {effect: keep}]", "not one"),
        ("  a_1: {effect: redirect}\n  a_2: {effect: keep}", "1 of a_*"),
        ("  a_1: {effect: redirect}\n  a_2: {effect: keep}", "any of a_* or all of a_*"),
        ("  a_1: {effect: redirect}\n  a_2: {effect: keep}", "1 of them and (all of them or a_1)"),
        ("  one: {effect: redirect}\n  two: {effect: keep}", "[one, two]"),
        ("  one: {target|contains|all: [a, b], moved_to: null, keywords|exists: true}", "one"),
        ("  one: {target|re|i: 'a.c', name|cased: X, target|cidr: 192.0.2.0/24}", "one"),
        ("  one: {target|fieldref|endswith: target_domain, target: '*@?\\*'}", "one"),
    ],
)
def test_what_the_page_calls_supported_loads(detection: str, condition: str) -> None:
    """A rule that uses what the page describes loads."""
    assert not refused(detection, condition)
