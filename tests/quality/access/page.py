"""docs/quality_access.md, written from the results file and nothing else."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.quality.access import scorer
from tests.quality.access.baselines import BASELINES
from tests.quality.access.cells import days, hundredths, interval, name, percent, steps, table
from tests.quality.access.figures import ALL, HARD, Alarms, Gain, Record, Row
from tests.quality.access.goals import goals
from tests.quality.access.page_nisc import nisc

PAGE = Path(__file__).resolve().parents[3] / "docs" / "quality_access.md"

_HEAD = """# How well access windows are found

Made by `python -m tests.quality.access`, which writes this page from `tests/quality/access/results.jsonl`; do not edit it.

**All of this is synthetic.** Nobody publishes months of log-ins with the truth about them, so organisations, people, networks
and intruders are made by our own generator (`postwarden.lab.logs`), from wide ranges that were committed before the
detectors. The figures tell one detector from another, and one version from the next. They do not tell how many
intruders it finds in life.

- *Found* means: a window was opened at or after the entry and cites a session of the intruder. A window opened earlier is
  false and does not count. Alarms are counted before any budget.
- *False* is a window without such a session, per account and year. Intervals are of 95 %: exact for a Poisson count
  (Garwood 1936); for differences by drawing whole organisations again (bootstrap, 2,000 times).
- Two views of the same logs: *dovecot* tells no client and has no sign-ins, *exchange* has both. Where both are counted
  together, each intrusion counts once in each.
- The baselines have the same sticky windows and as many alarms as the detector had in null runs of other seeds. "New
  country" and "new network" have no threshold: they alarm for the longest histories first, beyond 60 days by lot.
- Simulated people answer after two hours to two weeks, some never, and are wrong in up to 10 % ("yours", though it is the
  intruder) and 5 % ("not mine", though it is the owner).
- Every family is there in equal numbers, half of the intruders leave neither rule nor grant. *hard* are those who leave
  nothing and come neither from hosting abroad nor inside; *read only* all who leave nothing.
"""


def write(records: Sequence[Record]) -> None:
    """Writes the page anew."""
    PAGE.write_text(page(records), encoding="utf-8")


def page(records: Sequence[Record]) -> str:
    """The page of the last test run among these; only its head where there is none."""
    tests = [one for one in records if one.kind == "test"]
    if not tests:
        return _HEAD + "\nNo test was run yet.\n"
    last = tests[-1]
    parts = [
        _HEAD,
        _run(last),
        "## Goals\n\n" + "".join(f"- {one}\n" for one in goals(last)),
        "## Found, by family\n\nOf the detector and the baselines at the same rate of alarms: within a day, a week, 30"
        " days, ever.\n\n" + _families(last),
        "## How much more than each baseline\n\nDifferences of the shares found, in hundredths, with their intervals.\n\n"
        + _gains(last.gains),
        "## By view\n\n" + _views(last),
        "## Hosting, by how many hosting networks the detector is told of\n\n" + _rows(last.coverage),
        "## False windows\n\n" + _alarms(last.alarms),
        _left_out(last),
        nisc(last),
        "## All runs, the bad ones too\n\n" + _history(records),
    ]
    return "\n".join(part.rstrip("\n") + "\n" for part in parts if part)


def summary(record: Record) -> str:
    """The same in a few lines."""
    lines = [f"{record.kind} run of {record.size.worlds} organisations in {record.seconds} s"]
    lines += [_plain(row) for row in record.rows if row.view == "both"]
    lines += [
        f"{one.judge}, {one.view}, {one.run}: {one.count} false windows, {interval(one.false)} an account and year"
        for one in record.alarms
    ]
    return "\n".join([*lines, *goals(record)])


def _plain(row: Row) -> str:
    cells = "; ".join(
        f"{judge} {percent(one.day)}/{percent(one.week)}/{percent(one.month)}/{percent(one.ever)}"
        for judge, one in row.shares.items()
    )
    return f"{row.group} ({next(iter(row.shares.values())).intrusions}): {cells}"


def _run(record: Record) -> str:
    size = record.size
    return (
        "## The last test run\n\n"
        f"{record.date}, {record.seconds} s. {size.worlds} organisations of {size.people} people for {size.days} days, with"
        f" {size.each} intruder{'s' if size.each > 1 else ''} of each family, and {size.null} without any. Seeds from commit"
        f" `{record.judged[:12]}`, the last that touched generator or detectors; settings `{record.settings}`, threshold"
        f" {record.threshold} dB.\n"
    )


def _families(record: Record) -> str:
    judges = (scorer.NAME, *BASELINES)
    rows = [row for row in record.rows if row.view == "both"]
    return table(
        ("family", "intrusions", *judges, "half found after"),
        (
            (
                name(row.group),
                str(row.shares[scorer.NAME].intrusions),
                *(steps(row.shares[judge]) for judge in judges),
                days(row.shares[scorer.NAME].median_days),
            )
            for row in rows
        ),
    ) + (
        f"\nOf the {record.missed} intrusions that were never found, {record.swallowed} are cited by a window that was opened"
        " before the entry, and was still open; such a window does not count.\n"
    )


def _views(record: Record) -> str:
    by_view = {(row.view, row.group): row.shares[scorer.NAME] for row in record.rows}
    groups = [row.group for row in record.rows if row.view == "both"]
    return table(
        ("family", "dovecot", "exchange"),
        (
            (
                name(group),
                *(
                    steps(by_view[view, group]) if (view, group) in by_view else "-"
                    for view in ("dovecot", "exchange")
                ),
            )
            for group in groups
        ),
    )


def _rows(rows: Sequence[Row]) -> str:
    return table(
        ("family, share told", "intrusions", *(rows[0].shares if rows else ())),
        (
            (
                name(row.group),
                str(next(iter(row.shares.values())).intrusions),
                *(steps(one) for one in row.shares.values()),
            )
            for row in rows
        ),
    )


def _gains(gains: Sequence[Gain]) -> str:
    groups = list(dict.fromkeys(one.group for one in gains if one.week is not None))
    told = {(one.group, one.judge): one for one in gains}
    return table(
        ("family", *(f"{judge}, {when}" for judge in BASELINES for when in ("week", "ever"))),
        (
            (
                name(group),
                *(
                    hundredths(value)
                    for judge in BASELINES
                    for value in (told[group, judge].week, told[group, judge].ever)
                ),
            )
            for group in groups
        ),
    )


def _alarms(alarms: Sequence[Alarms]) -> str:
    return table(
        (
            "judge",
            "view",
            "run",
            "false windows",
            "years of accounts",
            "per account and year",
            "of them in a log's first 30 days",
            "all windows a week and 1,000 accounts",
        ),
        (
            (
                one.judge,
                one.view,
                one.run,
                str(one.count),
                f"{one.years:g}",
                interval(one.false),
                str(one.early),
                f"{one.weekly:g}",
            )
            for one in alarms
        ),
    ) + "".join(
        f"\nThe detector's false windows in the {one.run if one.run == 'null' else 'other'} runs, by their heaviest reason:"
        f" {_counts(one.signs)}.\n"
        for one in alarms
        if (one.judge, one.view) == (scorer.NAME, "both") and one.signs
    )


def _counts(signs: Mapping[str, int]) -> str:
    return ", ".join(f"{name(sign)} {count}" for sign, count in signs.items())


def _left_out(record: Record) -> str:
    if not record.choices:
        return ""
    told = {row.group: row for row in record.left_out}
    lines = [
        "## With one family left out of development\n",
        (
            "The weights are written by hand and not fitted; what development chooses is the threshold: of those that keep the goal"
            " for false windows, the one that finds most of the *other* families within a week. Each family's result in this"
            " test is with the threshold that was chosen without it. Since the false windows decide first, and they depend"
            " little on the families, most choices are alike.\n"
        ),
        table(
            (
                "left out",
                "threshold chosen",
                "false windows in development, per account and year",
                "that family in the test",
            ),
            (
                (
                    name(one.without) if one.without else "(none)",
                    f"{one.threshold} dB{'' if one.in_goal else ' (none kept the goal: the quietest)'}",
                    f"{one.false_a_year:g}",
                    steps(row.shares[f"{scorer.NAME} at {one.threshold} dB"])
                    if (row := told.get(one.without or ALL)) is not None
                    else "-",
                )
                for one in record.choices
            ),
        ),
    ]
    return "\n".join(lines)


def _history(records: Sequence[Record]) -> str:
    return table(
        (
            "day",
            "kind",
            "commit",
            "settings",
            "all: day/week/30 days/ever",
            "hard",
            "false per account and year, null run",
        ),
        (
            (
                one.date,
                one.kind + (f" without {', '.join(one.without)}" if one.without else ""),
                f"`{one.commit[:9]}`",
                f"`{one.settings}`, {one.threshold} dB",
                _group(one, ALL),
                _group(one, HARD),
                next(
                    (
                        interval(row.false)
                        for row in one.alarms
                        if (row.judge, row.view, row.run) == (scorer.NAME, "both", "null")
                    ),
                    "-",
                ),
            )
            for one in records
        ),
    )


def _group(record: Record, group: str) -> str:
    return next(
        (steps(row.shares[scorer.NAME]) for row in record.rows if row.view == "both" and row.group == group),
        "-",
    )
