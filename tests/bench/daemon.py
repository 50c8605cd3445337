"""What the daemon costs while nothing happens, and how long it takes to take up new rules."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench import stub_daemon
from tests.bench.measure import Ratio

#: Seconds of processor time are counted over, after so many to settle.
OVER, SETTLE = 60.0, 15.0
ACCOUNTS, RULES = 50_000, 100
#: What the issue asks for: share of a core, MB, seconds.
SHARE, MEMORY, RELOAD = 0.005, 90.0, 1.0

_EWS_AND_IMAP = """
[[source]]
name = "imap"
kind = "imap"
host = "127.0.0.1"
port = 9
login = { user = "{login}*audit", secret = { env = "POSTWARDEN_BENCH" } }
[[source]]
name = "exchange"
kind = "ews"
url = "https://127.0.0.1:9/EWS/Exchange.asmx"
access = "impersonation"
login = { mechanism = "ntlm", user = "audit", secret = { env = "POSTWARDEN_BENCH" } }
"""
#: As many jobs of APScheduler as there are accounts, each once in 900 seconds, that do nothing.
_JOBS = """
import sys, time
from datetime import UTC, datetime, timedelta
from apscheduler.schedulers.background import BackgroundScheduler
scheduler = BackgroundScheduler(timezone="UTC")
now, many = datetime.now(UTC), int(sys.argv[1])
for number in range(many):
    first = now + timedelta(seconds=20 + 900 * number / many)
    scheduler.add_job(int, "interval", seconds=900, coalesce=True, next_run_time=first, misfire_grace_time=None)
scheduler.start()
print("ready", flush=True)
time.sleep(3600)
"""
_RULE = """
title: A rule of the benchmark, number {number}
description: A word in a name, and a target outside.
id: {id}
logsource: {{product: postwarden, category: mail_flow}}
detection:
  some:
    target_external: true
    name|contains: 'word {number}'
  condition: some
level: low
"""


def ratios() -> Iterator[Ratio]:
    yield from _many()
    yield _memory()
    yield _reload()


def _many() -> Iterator[Ratio]:
    with tempfile.TemporaryDirectory() as name:
        path = stub_daemon.write(Path(name), ACCOUNTS)
        stub_daemon.sweep_once(path)
        # Side by side, so that what else the machine does falls on both.
        with _daemon(path) as ours, _jobs() as theirs:
            time.sleep(SETTLE)
            before, reference = _processor_seconds(ours), _processor_seconds(theirs)
            time.sleep(OVER)
            spent, reference = _processor_seconds(ours) - before, _processor_seconds(theirs) - reference
            resident = _resident(ours)
    work = f"processor time of {ACCOUNTS} accounts due every 900 s ({spent / OVER:.2%} of a core, {resident:.0f} MB)"
    yield Ratio(work, f"{SHARE:.1%} of a core", values=(spent / OVER / SHARE,), target=1)
    yield Ratio(
        work, f"{ACCOUNTS} idle jobs of APScheduler ({reference / OVER:.2%})", values=(spent / reference,)
    )


def _memory() -> Ratio:
    with tempfile.TemporaryDirectory() as name:
        path = stub_daemon.write(Path(name), 10)
        path.write_text(path.read_text() + _EWS_AND_IMAP)
        with _daemon(path) as process:
            time.sleep(SETTLE)
            resident = _resident(process)
    return Ratio(
        f"resident memory of the idle daemon with EWS and IMAP ({resident:.0f} MB)",
        f"{MEMORY:.0f} MB",
        values=(resident / MEMORY,),
        target=1,
    )


def _reload() -> Ratio:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = stub_daemon.write(folder, 1000, more='[rules]\nfolders = ["own"]')
        (folder / "own").mkdir(mode=0o700)
        with _daemon(path) as process:
            took = [_take_up(process, folder, turn) for turn in range(5)]
    return Ratio(
        f"SIGHUP to {RULES} new rules in force, beside the shipped ones",
        "one second",
        values=tuple(one / RELOAD for one in took),
        seconds=sorted(took)[len(took) // 2],
        target=1,
    )


def _take_up(process: "subprocess.Popen[str]", folder: Path, turn: int) -> float:
    for number in range(RULES):
        own = folder / "own" / f"own_{number}.yml"
        own.write_text(_RULE.format(number=f"{number} {turn}", id=uuid.uuid4()))
        own.chmod(0o600)
    begin = time.monotonic()
    process.send_signal(signal.SIGHUP)
    _wait_for(process, "configuration_in_force")
    return time.monotonic() - begin


@contextmanager
def _daemon(path: Path) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "tests.bench.stub_daemon", str(path)]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env={**os.environ, "POSTWARDEN_BENCH": "secret"}
    ) as process:
        try:
            _wait_for(process, "started")
            yield process
        finally:
            process.terminate()


@contextmanager
def _jobs() -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        [sys.executable, "-c", _JOBS, str(ACCOUNTS)], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            yield process
        finally:
            process.kill()


def _wait_for(process: "subprocess.Popen[str]", event: str) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("{") and json.loads(line)["event"] == event:
            return
    raise AssertionError(f"the daemon ended before {event}")


def _processor_seconds(process: "subprocess.Popen[str]") -> float:
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _resident(process: "subprocess.Popen[str]") -> float:
    """Resident memory in MB."""
    return int(Path(f"/proc/{process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
