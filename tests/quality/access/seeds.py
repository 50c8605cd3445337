"""Which seeds a run may use.

Those of a test come from the last commit that touched the generator or the detectors, so that nobody can have tried
them while writing either. Those of development are the same small numbers every time.
"""

import subprocess
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
#: What a change to makes new test seeds.
JUDGED = ("agent/postwarden/lab/logs", "agent/postwarden/detect/access")


class NoTestSeedsError(Exception):
    """There is no commit to take seeds from, or the tree has more than it."""


def judged_commit() -> str:
    """The last commit that touched generator or detectors; NoTestSeedsError where what is run has more than it."""
    changed = _git("status", "--porcelain", "--", *JUDGED)
    if changed:
        raise NoTestSeedsError(
            f"generator or detectors have changes that are not committed: {changed.split()[-1]}. Commit them first, or"
            " run with --development"
        )
    told = _git("log", "-1", "--format=%H", "--", *JUDGED)
    if not told:
        raise NoTestSeedsError("no commit has touched generator or detectors: run with --development")
    return told


def head() -> tuple[str, str]:
    """The commit that is run and its day; empty where there is none."""
    try:
        number, day = _git("log", "-1", "--format=%H %cs").split()
    except NoTestSeedsError:
        return "", "no day"
    return number, day


def seeds_of(number: str, count: int) -> tuple[str, ...]:
    """Seeds that follow from a commit."""
    return tuple(sha256(f"{number} {n}".encode()).hexdigest()[:12] for n in range(count))


def development_seeds(count: int) -> tuple[str, ...]:
    """The seeds to develop with."""
    return tuple(f"development {n}" for n in range(1, count + 1))


def calibration_seeds(count: int) -> tuple[str, ...]:
    """The seeds of the null runs that set the baselines' limits, in development and in tests."""
    return tuple(f"calibration {n}" for n in range(1, count + 1))


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(ROOT), *arguments],
            check=True,
            capture_output=True,
            text=True,
        )
    except (OSError, subprocess.CalledProcessError) as exc:
        raise NoTestSeedsError(
            f"git cannot be asked for the last commit ({exc}): run with --development"
        ) from exc
    return done.stdout.strip()
