"""The shipped rules against their own examples, and what every rule must have."""

import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
import yaml

from postwarden.config.rule_files import read_examples, read_rules, shipped_folder
from postwarden.config.settings import Config
from postwarden.detect.fields import FIELDS
from postwarden.detect.sigma import Rule
from postwarden.errors import RuleError
from postwarden.model.finding import LEVELS
from postwarden.pipeline.examples import run_examples
from postwarden.pipeline.judge import load_rules

NOW = datetime(2026, 11, 23, tzinfo=UTC)
CONFIG = Config(path=Path("agent.toml"))
RULES = load_rules(CONFIG).rules
OUTCOMES = list(run_examples(CONFIG, None, NOW))
SOURCES = {Path(file.path).stem: yaml.safe_load(file.raw) for file in read_rules((shipped_folder(),))}
EXAMPLES = {
    Path(file.path).name.removesuffix(".examples.yml"): yaml.safe_load(file.raw)
    for file in read_examples((shipped_folder(),))
}

each_rule = pytest.mark.parametrize("rule", RULES, ids=[rule.name for rule in RULES])


@pytest.mark.parametrize("rule", sorted({one.rule for one in OUTCOMES}))
def test_every_example_is_judged_as_it_should_be(rule: str) -> None:
    """What must match matches, what must not does not, through the real decoders."""
    assert [(one.name, one.must_match) for one in OUTCOMES if one.rule == rule and not one.passed] == []


@each_rule
def test_every_rule_has_at_least_three_examples_of_each_kind(rule: Rule) -> None:
    """A rule is shown by three cases that it finds and three near misses that it leaves alone, each with a name."""
    counted = Counter(one.must_match for one in OUTCOMES if one.rule == rule.name)
    assert counted[True] >= 3
    assert counted[False] >= 3
    names = [one["name"] for group in EXAMPLES[rule.name].values() for one in group]
    assert len(names) == len(set(names))
    assert all(name.strip() for name in names)


@each_rule
def test_every_rule_names_a_technique_of_the_current_attack(rule: Rule) -> None:
    """Techniques are written as ATT&CK v19 has them: no id that v19 moved, each with a tactic beside it."""
    assert rule.attack
    assert all(re.fullmatch(r"T1\d{3}(\.\d{3})?", technique) for technique in rule.attack)
    assert not any(technique.startswith("T1562") for technique in rule.attack)
    tags = SOURCES[rule.name]["tags"]
    written = {tag.removeprefix("attack.").upper() for tag in tags if re.fullmatch(r"attack\.[tT]\d.*", tag)}
    assert written == set(rule.attack)
    assert any(re.fullmatch(r"attack\.[a-z-]+", tag) for tag in tags)


@each_rule
def test_every_rule_tells_people_what_it_is(rule: Rule) -> None:
    """Title, description, false positives, references, author, date and status are there."""
    assert 10 <= len(rule.title) <= 100
    assert not rule.title.endswith(".")
    assert len(rule.description) > 60
    assert rule.false_positives
    assert all(reference.startswith("https://") for reference in rule.references)
    assert rule.references
    assert rule.level in LEVELS
    source = SOURCES[rule.name]
    assert {"author", "date", "status"} <= set(source)
    assert source["status"] in {"experimental", "test", "stable"}


@each_rule
def test_every_rule_lies_where_its_category_is(rule: Rule) -> None:
    """The folder is the category, and the name is in snake case."""
    assert Path(rule.path).parent.name == rule.category
    assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", rule.name)
    assert rule.category in FIELDS


def test_every_rule_has_an_id_of_its_own() -> None:
    """Ids are random UUIDs, none of them twice."""
    ids = [rule.id for rule in RULES]
    assert len(set(ids)) == len(ids) == len(SOURCES)
    assert all(UUID(one).version == 4 for one in ids)


@each_rule
def test_every_rule_needs_what_it_says(rule: Rule) -> None:
    """No rule matches a row about which nothing is known."""
    assert not rule.matches({})
    assert not rule.matches(dict.fromkeys(FIELDS[rule.category]))


@each_rule
def test_every_rule_about_mail_flow_asks_whether_it_fires(rule: Rule) -> None:
    """A script that is switched off is no finding of a rule that speaks of what happens."""
    if rule.category != "mail_flow" or rule.name.startswith("inactive_"):
        return
    detection = SOURCES[rule.name]["detection"]
    assert any(isinstance(part, dict) and part.get("fires") is True for part in detection.values())


BROKEN = {
    "no list": "must_match: 5\nmust_not_match: []\n",
    "unknown key": "must_match: []\nmust_not_match: []\nmay_match: []\n",
    "no material": "must_match: [{name: x}]\nmust_not_match: []\n",
    "bad script": "must_match: [{name: x, sieve: 'if {'}]\nmust_not_match: []\n",
    "odd action": "must_match: [{name: x, exchange: {items: [{then: [erase]}]}}]\nmust_not_match: []\n",
    "odd folder": "must_match: [{name: x, exchange: {items: [{then: [move inbox]}]}}]\nmust_not_match: []\n",
    "empty mailbox": "must_match: [{name: x, exchange: {}}]\nmust_not_match: []\n",
    "unknown part": "must_match: [{name: x, exchange: {rule: []}}]\nmust_not_match: []\n",
    "two kinds": "must_match: [{name: x, sieve: 'keep;', exchange: {rules: []}}]\nmust_not_match: []\n",
    "alias": "must_match: &a []\nmust_not_match: *a\n",
    "yaml": "must_match: [\n",
    "odd tag": "must_match: !!timestamp x\nmust_not_match: []\n",
    "odd flag": "must_match: !!bool maybe\nmust_not_match: []\n",
    "text": "hello\n",
    "empty": "",
    "deep": "must_match: " + "[" * 3000,
}


def own(folder: Path, examples: str | None) -> Config:
    """A configuration with one rule of its own, and its examples."""
    rules = folder / "rules"
    rules.mkdir(mode=0o755)
    (rules / "mine.yml").write_text(
        "title: T\nid: 00000000-0000-4000-8000-000000000001\ndescription: d\nlevel: low\n"
        "logsource: {product: postwarden, category: mail_flow}\ndetection: {a: {effect: delete}, condition: a}\n"
    )
    if examples is not None:
        (rules / "mine.examples.yml").write_text(examples)
    for path in rules.iterdir():
        path.chmod(0o644)
    return Config(path=folder / "agent.toml")


@pytest.mark.parametrize("examples", BROKEN.values(), ids=BROKEN.keys())
def test_broken_examples_are_an_error_with_the_files_name(examples: str, tmp_path: Path) -> None:
    """Examples that cannot be run are no examples that passed."""
    with pytest.raises(RuleError, match=r"mine\.examples\.yml"):
        list(run_examples(own(tmp_path, examples), tmp_path / "rules", NOW))


def test_a_rule_without_examples_is_an_error(tmp_path: Path) -> None:
    """Nothing shows that such a rule works."""
    with pytest.raises(RuleError, match="has no examples") as caught:
        list(run_examples(own(tmp_path, None), tmp_path / "rules", NOW))
    assert "mine.examples.yml" in str(caught.value.hint)


def test_examples_without_a_rule_are_an_error(tmp_path: Path) -> None:
    """A renamed rule does not leave its examples behind unnoticed."""
    config = own(tmp_path, "must_match: []\nmust_not_match: []\n")
    (tmp_path / "rules" / "old.examples.yml").write_text("must_match: []\nmust_not_match: []\n")
    (tmp_path / "rules" / "old.examples.yml").chmod(0o644)
    with pytest.raises(RuleError, match="belongs to no rule"):
        list(run_examples(config, tmp_path / "rules", NOW))


def test_an_example_that_fails_is_told(tmp_path: Path) -> None:
    """Both kinds of failure are told by the example's name."""
    config = own(
        tmp_path,
        "must_match:\n  - {name: keeps, sieve: 'keep;'}\nmust_not_match:\n  - {name: drops, sieve: 'discard;'}\n",
    )
    outcomes = list(run_examples(config, tmp_path / "rules", NOW))
    assert [(one.name, one.must_match, one.passed) for one in outcomes] == [
        ("keeps", True, False),
        ("drops", False, False),
    ]
