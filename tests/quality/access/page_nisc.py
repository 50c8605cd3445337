"""The part of the page about the NISC case."""

from collections.abc import Sequence

from tests.quality.access import scorer
from tests.quality.access.cells import name, table
from tests.quality.access.figures import Record
from tests.quality.access.nisc import Case


def nisc(record: Record) -> str:
    if not record.nisc:
        return ""
    cases = record.nisc
    lines = [
        "## The NISC case\n",
        (
            f"{cases[0].accounts} accounts, entry in October 2022, found out by others on 13 June 2023; {record.size.nisc} people. The agent"
            " is there from 1 September on, or installed on 15 February, with the logs of the 30, 90 or 400 days before. Where the"
            " logs do not reach back to the entry, the intruder is part of all history. Days are from the entry to the first"
            " finding, in the order of time, `-` is not found; what is found in old logs is found on the day of installation, 110 to"
            " 137 days after the entry.\n"
        ),
        table(
            ("agent", "logs", "judge", "found", "false a year", "waiting at installation"),
            (
                (
                    one.agent,
                    f"{one.kept} days",
                    one.judge,
                    _found(one),
                    f"{one.false / one.years:.2f}",
                    f"{one.waiting}, {one.waiting_false} false",
                )
                for one in cases
            ),
        ),
        "Days to the first finding by family, of the detector:\n",
        table(
            ("family", *(f"{one.agent.split()[0]}, {one.kept}" for one in _ours(cases))),
            (
                (name(family), *(_each(one.days.get(family, [])) for one in _ours(cases)))
                for family in cases[0].days
            ),
        ),
    ]
    return "\n".join(lines)


def _ours(cases: Sequence[Case]) -> list[Case]:
    return [one for one in cases if one.judge == scorer.NAME]


def _found(case: Case) -> str:
    days = [one for some in case.days.values() for one in some]
    return f"{sum(one is not None for one in days)} of {len(days)}"


def _each(days: Sequence[float | None]) -> str:
    known = sorted(one for one in days if one is not None)
    return ", ".join([*(f"{one:.1f}" for one in known), *["-"] * (len(days) - len(known))])
