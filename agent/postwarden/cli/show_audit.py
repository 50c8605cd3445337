"""How an audit is printed: for people, or as one JSON object a line."""

import sys
from collections.abc import Callable, Sequence
from typing import Protocol

from postwarden.cli.outcome import Summary, open_findings
from postwarden.cli.show_coverage import CoverageShown
from postwarden.cli.show_finding import advice_lines, finding_lines
from postwarden.cli.show_grants import grant_lines, grant_object
from postwarden.cli.terminal import Progress, clean, paragraph
from postwarden.findings.held import CHECKS
from postwarden.model.encoding import encode
from postwarden.model.finding import LEVELS, Finding, at_least
from postwarden.model.standing import Standing
from postwarden.pipeline.applications import Judged
from postwarden.pipeline.audit import Audited
from postwarden.pipeline.record import Recorder


class Shown(Protocol):
    """Something that shows an audit as it goes."""

    def audited(self, audited: Audited) -> None: ...

    def end(self, results: Sequence[Summary], recorder: Recorder | None) -> None: ...


#: Gives the applications of what was audited, judged.
Judge = Callable[[Audited], tuple[Judged, ...]]


def shower(judge: Judge, *, as_json: bool, total: int, with_grants: bool) -> Shown:
    """`with_grants`: people want to see all grants of these accounts, not only findings about them."""
    return _Json(judge) if as_json else _Text(judge if with_grants else None, total)


def _scope_name(audited: Audited) -> str:
    account = audited.account
    return account.address if account is not None else f"source {audited.reading.scope.key}"


class _Text:
    def __init__(self, judge: Judge | None, total: int) -> None:
        self._judge = judge
        self._everybodys: dict[str, tuple[Judged, ...]] = {}
        self._total = total
        self._done = 0
        self._progress = Progress()
        self._coverage = CoverageShown()
        self._advice: list[str] = []

    def audited(self, audited: Audited) -> None:
        self._progress.clear()
        self._done += audited.account is not None
        name = _scope_name(audited)
        self._coverage.add(name, audited.reading)
        standings = {standing.finding.id: standing for standing in audited.standings or ()}
        for finding in sorted(open_findings(audited), key=lambda one: -LEVELS.index(one.level)):
            print("\n".join(finding_lines(finding, standings.get(finding.id), name)))
            if finding.subject[:1] == ("grant",):
                # Ids and names of this one are in it, so it is told with it; for what is mere inventory, not here.
                if at_least(finding.level, "medium"):
                    print("\n".join(advice_lines(finding.advice)))
            else:
                self._advice += [sentence for sentence in finding.advice if sentence not in self._advice]
            print()
        if audited.changes:
            print(clean(f"grants of {name} since they were last read"))
            print("\n".join(paragraph(words, "  - ") for words in audited.changes) + "\n")
        if self._judge is not None:
            self._grants(audited, self._judge(audited), name)
        self._progress.show(f"{self._done} of {self._total} accounts: {name}")

    def _grants(self, audited: Audited, judged: tuple[Judged, ...], name: str) -> None:
        """An account's own grants, with those that reach everybody at its sources."""
        account = audited.account
        if account is None:
            self._everybodys[audited.reading.scope.key] = judged
            return
        sources = {row.source for row in audited.reading.coverage if row.check in CHECKS}
        others = [one for source in sources for one in self._everybodys.get(source, ())]
        if judged or others or sources:
            every = sorted((*judged, *others), key=lambda one: -one.assessment.risk)
            print("\n".join(grant_lines(every, name)))

    def end(self, results: Sequence[Summary], recorder: Recorder | None) -> None:
        self._progress.clear()
        if self._advice:
            print("what to do")
            print("\n".join(advice_lines(self._advice)) + "\n")
        print("\n".join(self._coverage.lines()))
        unknown = sorted({name for result in results for name in result.unknown})
        if unknown:
            print(
                paragraph(
                    f"{len(unknown)} names with rights belong to no listed account: {', '.join(unknown)}",
                    "  ",
                )
            )
        self._verdict(results)
        failures = {str(result.unrecorded): result.unrecorded for result in results if result.unrecorded}
        for failure in failures.values():
            print(f"postwarden: error: not recorded: {clean(str(failure))}", file=sys.stderr)
            if failure.hint:
                print(f"postwarden: hint: {clean(failure.hint)}", file=sys.stderr)
        if recorder is None:
            print("not recorded (--no-record): nothing can be said about when anything was first seen")
        elif not failures:
            print(f"recorded in {recorder.ledger.origin}, {recorder.ledger.position().size} records")

    def _verdict(self, results: Sequence[Summary]) -> None:
        accounts = [result for result in results if result.account is not None]
        found = sum(result.findings for result in results)
        bad = sum(result.findings > 0 for result in accounts)
        unread = sum(result.incomplete for result in results)
        if unread:
            coverage = f"{unread} scopes NOT fully read"
        elif any(result.gaps for result in results):
            coverage = "everything configured was read, but for what is accepted as not read"
        else:
            coverage = "everything configured was read"
        print(f"{len(accounts)} accounts audited: {found} open findings in {bad} accounts; {coverage}")


class _Json:
    def __init__(self, judge: Judge) -> None:
        self._judge = judge

    def audited(self, audited: Audited) -> None:
        account = audited.account.address if audited.account is not None else None
        standings = {standing.finding.id: standing for standing in audited.standings or ()}
        for finding in open_findings(audited):
            _print(finding_object(finding, standings.get(finding.id), account))
        for row in audited.reading.coverage:
            _print({"type": "coverage", "account": account, "coverage": row})
        for gap in audited.reading.gaps:
            _print({"type": "gap", "account": account, "gap": gap})
        for one in self._judge(audited):
            _print(grant_object(one, account))
        if audited.changes:
            _print({"type": "grants_changed", "account": account, "words": audited.changes})

    def end(self, results: Sequence[Summary], recorder: Recorder | None) -> None:
        _print(
            {
                "type": "summary",
                "accounts": sum(result.account is not None for result in results),
                "findings": sum(result.findings for result in results),
                "counted": sum(result.counted for result in results),
                "checks_read": sum(result.read for result in results),
                "checks_not_read": sum(result.gaps for result in results),
                "checks_not_supported": sum(result.unsupported for result in results),
                "unknown_names": sorted({name for result in results for name in result.unknown}),
                "complete": not any(result.incomplete for result in results),
                "recorded": recorder is not None and not any(result.unrecorded for result in results),
                "errors": sorted({str(result.unrecorded) for result in results if result.unrecorded}),
            }
        )


def finding_object(finding: Finding, standing: Standing | None, account: str | None) -> dict[str, object]:
    """A finding as `--json` prints it: what docs/json.md calls `finding`."""
    return {
        "type": "finding",
        "account": account,
        "status": standing.status if standing else None,
        "first_seen": standing.first_seen if standing else None,
        "since": standing.since if standing else None,
        "acknowledgement": standing.acknowledgement if standing else None,
        "answer": standing.answer if standing else None,
        "finding": finding,
    }


def _print(value: object) -> None:
    print(encode(value).decode("ascii"))
