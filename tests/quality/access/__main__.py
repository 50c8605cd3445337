"""`python -m tests.quality.access`: how well access windows are found, in organisations that do not exist.

Test seeds come from the last commit that touched generator or detectors. Every run adds a line to `results.jsonl`
beside this file, and a test run writes docs/quality_access.md anew. `--development` uses the seeds that are always the
same, and tries other thresholds; `--without FAMILY` leaves intruders of a family out of it.
"""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from msgspec.structs import replace

from postwarden.lab.logs import FAMILIES
from tests.quality.access import figures, page, seeds
from tests.quality.access.calibrate import Choice
from tests.quality.access.work import FULL, QUICK, work


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs it; 2 where there are no test seeds."""
    args = _parser().parse_args(arguments)
    size = QUICK if args.quick else FULL
    if args.without_nisc:
        size = replace(size, nisc=0)
    started = time.perf_counter()
    count = size.worlds + size.null + 1
    try:
        if args.development:
            judged, drawn = "", seeds.development_seeds(count)
        else:
            judged = seeds.judged_commit()
            drawn = seeds.seeds_of(judged, count)
    except seeds.NoTestSeedsError as exc:
        print(f"tests.quality.access: error: {exc}", file=sys.stderr)
        return 2
    commit, day = seeds.head()
    with ProcessPoolExecutor(args.processes, mp_context=get_context("spawn")) as pool:
        record = work(
            pool,
            "development" if args.development else "test",
            size,
            drawn,
            tuple(one for one in FAMILIES if one not in args.without),
            () if args.development else _chosen(),
        )
    record = replace(
        record,
        date=args.date or day,
        commit=commit,
        judged=judged,
        seconds=round(time.perf_counter() - started),
        without=tuple(args.without),
    )
    figures.append(record)
    print(page.summary(record))
    if record.kind == "test":
        page.write(figures.records())
    return 0


def _chosen() -> tuple[Choice, ...]:
    """What the last development run chose with all families in it."""
    runs = [one for one in figures.records() if one.kind == "development" and not one.without]
    return runs[-1].choices if runs else ()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.quality.access", description=__doc__)
    parser.add_argument(
        "--development", action="store_true", help="seeds to develop with, and other thresholds"
    )
    parser.add_argument(
        "--without",
        action="append",
        default=[],
        choices=FAMILIES,
        metavar="FAMILY",
        help="no intruders of it",
    )
    parser.add_argument("--quick", action="store_true", help="a tenth of it, without the NISC case")
    parser.add_argument("--without-nisc", action="store_true", help="leave the NISC case out")
    parser.add_argument("--date", help="the day that stands in the table; else the commit's")
    parser.add_argument("--processes", type=int, default=min(2, os.cpu_count() or 1), help="how many at once")
    return parser


if __name__ == "__main__":
    sys.exit(main())
