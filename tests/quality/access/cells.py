"""How figures stand in the tables of the page."""

from collections.abc import Iterable, Sequence

from tests.quality.access.figures import ALL, HARD, READ_ONLY
from tests.quality.access.measure import Interval, Shares


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def name(group: str) -> str:
    return group.replace("_", " ") if group not in {ALL, HARD, READ_ONLY} else f"**{group}**"


def steps(one: Shares) -> str:
    return " / ".join(percent(share) for share in (one.day, one.week, one.month, one.ever))


def percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def days(days: float | None) -> str:
    return "not half" if days is None else f"{days:g} days"


def interval(one: Interval) -> str:
    return f"{one.value:.2f} ({one.low:.2f} to {one.high:.2f})"


def hundredths(one: Interval | None) -> str:
    return "-" if one is None else f"{100 * one.value:+.0f} ({100 * one.low:+.0f} to {100 * one.high:+.0f})"
