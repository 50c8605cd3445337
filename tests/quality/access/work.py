"""A whole run: calibration, organisations with intruders, null runs, and the NISC case, on a few processes."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, Future
from functools import partial

from postwarden.detect.access.settings import Settings
from postwarden.lab.logs import Family
from tests.quality.access import calibrate, figures, nisc, scorer
from tests.quality.access.baselines import BASELINES
from tests.quality.access.calibrate import CANDIDATES, Choice, Limits
from tests.quality.access.figures import Kind, Record, Size
from tests.quality.access.judge import Make
from tests.quality.access.nisc import Agent, Case
from tests.quality.access.run import Outcome, Ratings, evaluate, rate_all, sticky
from tests.quality.access.seeds import calibration_seeds
from tests.quality.access.world import VIEWS, World, organisation

FULL = Size(worlds=10, null=3, people=50, days=300, each=1, nisc=500)
QUICK = Size(worlds=2, null=1, people=24, days=150, each=1, nisc=0)

#: Of the organisations each so many'th has a detector that knows no hosting network.
UNCOVERED = 4
#: How many intruders of each family the NISC case has.
NISC_EACH = 3


def work(
    pool: Executor,
    kind: Kind,
    size: Size,
    seeds: Sequence[str],
    families: Sequence[Family],
    chosen: Sequence[Choice] = (),
) -> Record:
    """Everything of a run but its date and commit. `seeds` are one for each organisation, each null run, and the case.

    In development other thresholds are tried; `chosen` are those that an earlier development chose.
    """
    thresholds = CANDIDATES if kind == "development" else tuple(sorted({one.threshold for one in chosen}))
    calibration = [pool.submit(calibrated, seed, size) for seed in calibration_seeds(size.null)]
    case: list[Future[list[Case]]] = []
    limits = calibrate.limits([one.result() for one in calibration])
    run = partial(organised, size=size, limits=limits, thresholds=thresholds)
    attacked = [
        pool.submit(run, seed, families, uncovered=n % UNCOVERED == 0)
        for n, seed in enumerate(seeds[: size.worlds])
    ]
    null = [
        pool.submit(run, seed, (), uncovered=False) for seed in seeds[size.worlds : size.worlds + size.null]
    ]
    if size.nisc:
        agents: tuple[Agent, ...] = ("there before the entry", "installed after the entry")
        case = [pool.submit(nisc_case, seeds[-1], size.nisc, limits, agent) for agent in agents]
    return _record(
        kind,
        size,
        limits,
        [one.result() for one in attacked],
        [one.result() for one in null],
        [one for done in case for one in done.result()],
        chosen,
        tuple(seeds),
    )


def calibrated(seed: str, size: Size) -> Ratings:
    """A null run in which the detector's rate of alarms is measured and the baselines' ratings are kept."""
    world = organisation(seed, people=size.people, days=size.days, each=0, uncovered=False)
    return rate_all(world, {scorer.NAME: scorer.make})


def organised(
    seed: str,
    families: Sequence[Family],
    *,
    uncovered: bool,
    size: Size,
    limits: Limits,
    thresholds: Sequence[int],
) -> Outcome:
    """One organisation, with all judges."""
    world: World = organisation(
        seed, people=size.people, days=size.days, each=size.each, uncovered=uncovered, families=families
    )
    judges: dict[str, Make] = {scorer.NAME: scorer.make, **_at(thresholds)}
    return evaluate(world, dict.fromkeys(VIEWS, judges), {view: _baselines(limits[view]) for view in VIEWS})


def nisc_case(seed: str, people: int, limits: Limits, agent: Agent) -> list[Case]:
    """The NISC case at one installation."""
    return nisc.run(
        seed, people, NISC_EACH, {scorer.NAME: scorer.make}, _baselines(limits["dovecot"]), (agent,)
    )


def _baselines(limits: Mapping[str, float]) -> dict[str, Make]:
    return {name: partial(sticky, name, limit) for name, limit in limits.items()}


def _at(thresholds: Sequence[int]) -> dict[str, Make]:
    return {calibrate.candidate(one): partial(scorer.make, one) for one in thresholds}


def _record(
    kind: Kind,
    size: Size,
    limits: dict[str, dict[str, float]],
    attacked: Sequence[Outcome],
    null: Sequence[Outcome],
    case: Sequence[Case],
    chosen: Sequence[Choice],
    seeds: tuple[str, ...],
) -> Record:
    found = [one for outcome in attacked for one in outcome.found]
    quiet = [one for outcome in (*attacked, *null) for one in outcome.quiet]
    judges = (scorer.NAME, *BASELINES)
    choices = tuple(chosen)
    tried: tuple[str, ...] = ()
    if kind == "development":
        families = sorted({one.family for one in found})
        choices = tuple(calibrate.choose(found, quiet, family) for family in ("", *families))
        tried = tuple(calibrate.candidate(one) for one in CANDIDATES)
    else:
        tried = tuple(dict.fromkeys(calibrate.candidate(one.threshold) for one in chosen))
    return Record(
        kind=kind,
        date="",
        commit="",
        judged="",
        seeds=seeds,
        settings=scorer.digest(),
        threshold=Settings().threshold,
        seconds=0,
        size=size,
        without=(),
        limits=limits,
        rows=tuple(row for view in ("both", *VIEWS) for row in figures.rows(found, judges, view)),
        missed=sum(one.days[scorer.NAME] is None for one in found),
        swallowed=sum(scorer.NAME in one.swallowed for one in found),
        coverage=figures.coverage(found, judges),
        gains=figures.gains(found),
        alarms=(
            *figures.alarms(null, "null", (*judges, *tried)),
            *figures.alarms(attacked, "with intruders", (*judges, *tried)),
        ),
        nisc=tuple(case),
        choices=choices,
        left_out=figures.rows(found, tried) if tried else (),
    )
