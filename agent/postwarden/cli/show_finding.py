"""A finding in plain words."""

from collections.abc import Iterable, Iterator

from postwarden.cli.terminal import clean, paragraph
from postwarden.findings.life import Standing
from postwarden.model.finding import Finding


def finding_lines(finding: Finding, standing: Standing | None, name: str) -> Iterator[str]:
    """Level, rule, scope and title; since when; why."""
    yield clean(f"{finding.level.upper()}  {name}  {finding.name}")
    yield paragraph(finding.title, "  ")
    state = f"id {finding.id}, rule {finding.rule}"
    if standing is not None:
        state += f"\n  {standing.status} since {_minute(standing.since.isoformat())}"
        if standing.first_seen != standing.since:
            state += f", first seen {_minute(standing.first_seen.isoformat())}"
    yield f"  {state}"
    for sentence in finding.why:
        yield paragraph(sentence, "  - ")


def advice_lines(advice: Iterable[str]) -> Iterator[str]:
    """What to do, each sentence once."""
    for sentence in dict.fromkeys(advice):
        yield paragraph(sentence, "  > ")


def _minute(text: str) -> str:
    return text[:16].replace("T", " ") + " UTC"
