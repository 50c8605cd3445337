"""`python -m tests.bench`: what postwarden costs, as ratios. Always exits 0: it informs, and gates nothing."""

import sys
from collections.abc import Callable, Iterable

from tests.bench import (
    access_scoring,
    cloud,
    daemon,
    exchange,
    followed_log,
    generate_logs,
    history_lookup,
    history_store,
    ledger_append,
    ledger_open,
    ledger_verify,
    log_parsing,
    mailbox,
    rule_rows,
    scripts,
    startup,
)
from tests.bench.measure import NotMeasured, Ratio

Case = Callable[[], Iterable[Ratio | NotMeasured]]

CASES: tuple[Case, ...] = (
    startup.ratios,
    scripts.ratios,
    ledger_verify.ratios,
    ledger_append.ratios,
    ledger_open.ratios,
    rule_rows.ratios,
    mailbox.ratios,
    exchange.ratios,
    cloud.ratios,
    daemon.ratios,
    generate_logs.ratios,
    log_parsing.ratios,
    history_store.ratios,
    history_lookup.ratios,
    followed_log.ratios,
    access_scoring.ratios,
)


def main() -> None:
    show(found for case in CASES for found in case())


def show(cases: Iterable[Ratio | NotMeasured]) -> None:
    """Prints each ratio as soon as it is there, and how many targets were missed."""
    missed = 0
    print(f"{'ratio':>8}  {'lowest to highest':<19} {'time':>16}  what, and against what")
    for found in cases:
        if isinstance(found, NotMeasured):
            print(f"{'-':>8}  {found.work}: not measured, {found.why}")
            continue
        missed += found.missed
        print(line(found), flush=True)
    print(f"{missed} targets missed" if missed else "no target missed")


def line(found: Ratio) -> str:
    spread = f"{min(found.values):.2f} to {max(found.values):.2f}"
    took = f"{scaled(found.seconds)}/{found.per}" if found.seconds is not None else ""
    words = f"{found.work} / {found.reference}"
    if found.target is not None:
        words += f" (target: at most {found.target:g}, {'MISSED' if found.missed else 'met'})"
    return f"{found.middle:>8.2f}  {spread:<19} {took:>16}  {words}"


def scaled(seconds: float) -> str:
    for limit, factor, unit in ((1e-3, 1e6, "us"), (1.0, 1e3, "ms")):
        if seconds < limit:
            return f"{seconds * factor:.1f} {unit}"
    return f"{seconds:.1f} s"


if __name__ == "__main__":
    main()
    sys.stdout.flush()
