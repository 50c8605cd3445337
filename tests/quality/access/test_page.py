"""The page with the figures, and a whole run in small."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from msgspec.structs import replace

from postwarden.lab.logs import FAMILIES
from tests.quality.access import figures
from tests.quality.access.figures import ALL, HARD, Size
from tests.quality.access.goals import goals
from tests.quality.access.page import PAGE, page, summary
from tests.quality.access.seeds import development_seeds
from tests.quality.access.work import work


def test_the_page_is_what_the_results_say() -> None:
    """docs/quality_access.md is made from the results file, all runs are on it, and it says that it is synthetic."""
    records = figures.records()
    text = PAGE.read_text(encoding="utf-8")
    assert text == page(records)
    assert "synthetic" in text
    for one in records:
        assert f"`{one.commit[:9]}`" in text


def test_a_run_in_small(tmp_path: Path) -> None:
    """A run tells of every family and judge, its line comes back from the file as it was, and the page has it all."""
    size = Size(worlds=1, null=1, people=12, days=90, each=1, nisc=0)
    with ThreadPoolExecutor(1) as pool:
        record = work(pool, "test", size, development_seeds(3), FAMILIES)
    assert {row.group for row in record.rows} >= {*FAMILIES, ALL}
    assert all(
        row.shares["postwarden"].intrusions == 2
        for row in record.rows
        if (row.view, row.group) == ("both", "same_provider")
    )
    assert {one.judge for one in record.alarms} == {
        "postwarden",
        "new country",
        "new network",
        "Freeman 2016",
    }
    bad = replace(record, date="2026-01-01", commit="1" * 40, judged="2" * 40)
    good = replace(bad, date="2026-01-02", commit="3" * 40)
    path = tmp_path / "results.jsonl"
    figures.append(bad, path)
    figures.append(good, path)
    assert figures.records(path) == [bad, good]
    text = page([bad, good])
    assert all(family.replace("_", " ") in text for family in FAMILIES)
    assert "2026-01-01" in text
    assert "2026-01-02" in text
    told = goals(good)
    assert all(one.startswith(("Met: ", "Missed: ")) and one in text for one in told)
    assert len(told) >= 5
    assert HARD in summary(good)
