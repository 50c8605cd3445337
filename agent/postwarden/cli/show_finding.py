"""A finding in plain words."""

from collections.abc import Iterable, Iterator

from postwarden.cli.terminal import clean, paragraph
from postwarden.model.finding import Finding
from postwarden.model.standing import Standing
from postwarden.pipeline.record import Recorder


def finding_lines(finding: Finding, standing: Standing | None, name: str) -> Iterator[str]:
    """Level, rule, scope and title; since when; why."""
    yield clean(f"{finding.level.upper()}  {name}  {finding.name}")
    yield paragraph(finding.title, "  ")
    state = f"id {finding.id}, rule {finding.rule}"
    if standing is not None:
        state += f"\n  {standing.status} since {_minute(standing.since.isoformat())}"
        if standing.first_seen != standing.since:
            state += f", first seen {_minute(standing.first_seen.isoformat())}"
        if standing.answer is not None:
            given = standing.answer
            until = f" until {_minute(given.until.isoformat())}" if given.until is not None else ""
            state += clean(
                f"\n  answered {given.verdict.replace('_', ' ')}{until} by {given.by} over {given.channel}"
            )
    yield f"  {state}"
    for sentence in finding.why:
        yield paragraph(sentence, "  - ")


def advice_lines(advice: Iterable[str]) -> Iterator[str]:
    """What to do, each sentence once."""
    for sentence in dict.fromkeys(advice):
        yield paragraph(sentence, "  > ")


def _minute(text: str) -> str:
    return text[:16].replace("T", " ") + " UTC"


def account_name(standing: Standing, recorder: Recorder) -> str:
    """The account's address as the ledger knows it, or the scope's key."""
    scope = standing.finding.scope
    known = recorder.store.account(scope.key) if scope.kind == "account" else None
    return known.address if known is not None else f"{scope.kind} {scope.key}"
