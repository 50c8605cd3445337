"""What was read and what was not, over all scopes of an audit; the same gap of many accounts is told once."""

from collections import Counter
from collections.abc import Iterator

from postwarden.cli.terminal import clean, paragraph
from postwarden.model.reading import Grade
from postwarden.pipeline.collect import Reading

#: Accounts that are named for one gap.
NAMED = 3

_STATUS = (("read", "read"), ("gap", "NOT READ"), ("not_supported", "not supported"))

#: Source, check, part, message, hint, and why it is accepted.
_Gap = tuple[str, str, str | None, str, str | None, str | None]


class CoverageShown:
    """Counts as it goes; what it keeps does not grow with the number of accounts."""

    def __init__(self) -> None:
        self._checks: Counter[tuple[str, str, str]] = Counter()
        self._grades: dict[str, dict[Grade, set[str]]] = {}
        self._gaps: dict[_Gap, tuple[int, tuple[str, ...]]] = {}

    def add(self, name: str, reading: Reading) -> None:
        """Takes in how the checks of one scope ended."""
        accepted = {(row.source, row.check): row.accepted for row in reading.coverage if row.status == "gap"}
        for row in reading.coverage:
            self._checks[row.source, row.check, row.status] += 1
            if row.grade is not None and row.grade != "observed live":
                self._grades.setdefault(row.source, {}).setdefault(row.grade, set()).add(row.check)
        for gap in reading.gaps:
            if (gap.source, gap.check) in accepted:
                why = accepted[gap.source, gap.check]
                key = (gap.source, gap.check, gap.part, gap.message, gap.hint, why)
                count, names = self._gaps.get(key, (0, ()))
                self._gaps[key] = (count + 1, names if len(names) == NAMED else (*names, name))

    def lines(self) -> Iterator[str]:
        yield "coverage"
        for source, check in sorted({(source, check) for source, check, _ in self._checks}):
            parts = [
                f"{words} {self._checks[source, check, status]}"
                for status, words in _STATUS
                if self._checks[source, check, status]
            ]
            yield clean(f"  {source:<12} {check:<19} {', '.join(parts)}")
        for source, grades in sorted(self._grades.items()):
            for grade, checks in sorted(grades.items()):
                which = f": {', '.join(sorted(checks))}" if len(grades) > 1 else ""
                yield clean(f"  {source:<12} {grade}{which}")
        for (source, check, part, message, hint, why), (count, names) in self._gaps.items():
            who = ", ".join(names) + (f" and {count - len(names)} more" if count > len(names) else "")
            yield paragraph(f"gap: {who}, {source} {check}: {f'{part}: ' if part else ''}{message}", "  ")
            if why:
                yield paragraph(f"accepted: {why}", "    ")
            elif hint:
                yield paragraph(f"next: {hint}", "    ")
