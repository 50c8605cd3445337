"""docs/history.md: its configurations open, and it lists the formats that there are."""

import re
import tomllib
from pathlib import Path

import pytest

from postwarden.config.settings import decode
from postwarden.connectors import open_source
from postwarden.formats.server_logs import FORMATS, grade_of
from tests.packaging.conftest import ROOT

PAGE = (ROOT / "docs" / "history.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
HEAD = '[[source]]\nname = "log"\nkind = "log_files"\nfiles = ["a.log"]\n'
#: Words of the page's table → grades.
GRADES = {
    "observed live": "observed live",
    "from documentation": "from documentation only",
    "checked against published samples": "checked against published samples",
    "checked against the published schema": "checked against the published schema",
}


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_every_configuration_on_the_page_opens(block: str, tmp_path: Path) -> None:
    """What stands there can be put into agent.toml."""
    text = block if "[[source]]" in block else HEAD + block
    assert tomllib.loads(text)["source"]
    config = decode(text.encode(), tmp_path / "agent.toml")
    open_source(config.sources[0], 0, config, lambda: None, {})  # type: ignore[arg-type, return-value]  # nothing asks for the time


def test_every_format_is_listed_with_its_grade() -> None:
    """The table has each format once, with the grade that the coverage says."""
    table = PAGE[PAGE.index("| `format` | what it reads | grade |") :].partition("\n\n")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]
    assert sorted(row[0].strip("`") for row in rows) == sorted(FORMATS)
    for name, _, grade in rows:
        told = grade_of(name.strip("`"))
        assert any(words in grade and meant == told for words, meant in GRADES.items()), name
