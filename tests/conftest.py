"""Where POSTWARDEN_REQUIRE is set, a skip that nobody expected fails the whole run.

A test that is skipped says nothing, and a run of skipped tests looks green. `allowed_skips.txt` names the tests
that may be skipped, and why.
"""

import logging
import os
import re
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from postwarden import logs

# How long an example takes tells about the machine. Where `CI` is set the examples are the same each time, as the library
# has it of itself: a change is judged by what it changes. `make test` and `make test-long` go on looking elsewhere.
settings.register_profile(
    "postwarden",
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)
settings.load_profile("postwarden")

ALLOWED = Path(__file__).with_name("allowed_skips.txt")


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """A command that sets up the process's logging does so for its own test only, and what it took for secrets too."""
    # What one test conceals would be taken out of what the next one logs, and which is next is chance with workers.
    logs._redactor.cache_clear()
    root, factory = logging.getLogger(), logging.getLogRecordFactory()
    hooks = sys.excepthook, threading.excepthook, sys.unraisablehook
    level = root.level
    yield
    if logging.getLogRecordFactory() is factory:
        return
    logging.captureWarnings(capture=False)
    logging.setLogRecordFactory(factory)
    root.handlers[:] = [one for one in root.handlers if not type(one).__module__.startswith("postwarden")]
    root.setLevel(level)
    sys.excepthook, threading.excepthook, sys.unraisablehook = hooks


def pytest_configure(config: pytest.Config) -> None:
    # With xdist, the workers' reports come to the controller too, and its verdict is the one that counts.
    if os.environ.get("POSTWARDEN_REQUIRE"):
        config.pluginmanager.register(_Skips(), "postwarden-skips")


class _Skips:
    """Remembers every skip, and says at the end which of them were not allowed."""

    def __init__(self) -> None:
        self._found: dict[str, str] = {}
        self._allowed = read_allowed(ALLOWED.read_text(encoding="utf-8"))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped and not hasattr(report, "wasxfail"):
            self._found[report.nodeid] = reason_of(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.skipped:
            self._found[report.nodeid] = reason_of(report)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        passed = session.exitstatus in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}
        if passed and self.unexpected():
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        unexpected = self.unexpected()
        terminalreporter.section(f"{len(self._found)} skips, {len(unexpected)} not allowed")
        for name, reason in sorted(self._found.items()):
            mark = "NOT ALLOWED" if name in unexpected else "allowed"
            terminalreporter.line(f"{mark}  {name}: {reason}")

    def unexpected(self) -> set[str]:
        """The ids of the skips that no line allows."""
        return {name for name, reason in self._found.items() if not is_allowed(self._allowed, name, reason)}


def reason_of(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Why a test or module was skipped, as its author wrote it."""
    text = str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.removeprefix("Skipped: ")


def read_allowed(text: str) -> list[tuple[re.Pattern[str], str]]:
    """Pattern of ids and reason of each line `nodeid-glob  # reason`; lines that begin with `#` are comments."""
    found = []
    for line in text.splitlines():
        glob, mark, reason = line.partition("  # ")
        if not line.strip() or line.startswith("#"):
            continue
        if mark:
            # Only the star is special: ids of parametrised tests have brackets.
            pattern = ".*".join(re.escape(part) for part in glob.strip().split("*"))
            found.append((re.compile(pattern), reason.strip()))
        else:
            raise pytest.UsageError(f"{ALLOWED.name}: {line!r} has no reason")
    return found


def is_allowed(allowed: list[tuple[re.Pattern[str], str]], name: str, reason: str) -> bool:
    """Whether a line names the test and gives the reason that it was skipped for."""
    return any(pattern.fullmatch(name) and reason == wanted for pattern, wanted in allowed)
