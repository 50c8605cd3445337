"""The folder of indicators that the daemon hunts for."""

import os
from datetime import UTC, datetime
from pathlib import Path

from postwarden.pipeline.indicator_folder import read_folder

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def test_every_list_in_the_folder_is_read_and_nothing_else(tmp_path: Path) -> None:
    """Lists by their endings, each indicator once; what is no file cannot hold the daemon up."""
    (tmp_path / "a.txt").write_text("192.0.2.1\n192.0.2.2\n")
    (tmp_path / "b.CSV").write_text("value\n192.0.2.2\nnonsense\n")
    (tmp_path / "readme.md").write_text("192.0.2.9\n")
    (tmp_path / "c.txt").mkdir()
    os.mkfifo(tmp_path / "d.txt")
    found = read_folder(tmp_path, NOW)
    assert [one.value for one in found.indicators] == ["192.0.2.1", "192.0.2.2"]
    assert found.problems == ("b.CSV: line 3: 'nonsense': it is no address",)


def test_a_folder_that_is_missing_is_a_problem(tmp_path: Path) -> None:
    """The daemon says so, and goes on."""
    found = read_folder(tmp_path / "missing", NOW)
    assert (found.indicators, found.problems) == ((), (f"{tmp_path}/missing: No such file or directory",))
