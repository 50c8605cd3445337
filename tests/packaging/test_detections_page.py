"""docs/detections.md: every shipped rule is on it, with its level, and no other."""

import re
from pathlib import Path

import yaml

from postwarden.config.rule_files import read_rules, shipped_folder
from tests.packaging.conftest import ROOT

PAGE = (ROOT / "docs" / "detections.md").read_text(encoding="utf-8")
LEVELS = {Path(file.path).stem: yaml.safe_load(file.raw)["level"] for file in read_rules((shipped_folder(),))}
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.splitlines()
    if line.startswith("| ")
]


#: Options of a source that the page names.
OPTIONS = {"exchange_cmdlets"}


def names(text: str) -> set[str]:
    return set(re.findall(r"`([a-z]+_[a-z_]+)`", text)) - OPTIONS


def test_every_rule_is_on_the_page() -> None:
    """A rule that ships is named, and what is named ships."""
    assert names(PAGE) == set(LEVELS)


def test_every_candidate_is_decided() -> None:
    """Each candidate of the lists has a row with a rule, or with a reason why there is none."""
    found = {cells[0]: cells[2] for cells in ROWS if re.fullmatch(r"[ABCE]\d\d", cells[0])}
    lists = {"A": range(1, 28), "B": range(1, 12), "C": range(1, 13), "E": range(1, 15)}
    assert sorted(found) == [
        f"{letter}{number:02}" for letter, numbers in lists.items() for number in numbers
    ]
    for candidate, decision in found.items():
        assert names(decision) or re.search(r"not yet|no:|no candidate|weak sign", decision), candidate


def test_levels_are_those_of_the_rules() -> None:
    """A row that tells a level for its rules tells theirs."""
    for cells in ROWS:
        told, rules = cells[-1], names(cells[-2])
        for name in rules if told and " to " not in told and "weak sign" not in cells[-2] else ():
            assert LEVELS[name] in told.split(", "), (name, told)
