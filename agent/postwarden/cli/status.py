"""`postwarden status`."""

import argparse
from typing import TYPE_CHECKING

from postwarden.cli.common import add_config, add_json
from postwarden.cli.exits import CLEAN, UNREADABLE

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from postwarden.daemon.running import Running
    from postwarden.findings.sweeps import Progress
    from postwarden.pipeline.checkpoints_out import Told
    from postwarden.pipeline.record import Recorder

HELP = "what the daemon has swept, and what is due, overdue, running or failing"
DESCRIPTION = """\
Says for each source how many accounts are due and overdue, how many could not be read whole the last time, and since
when every one was; what is being read at this moment; which accounts fail most stubbornly; and how far each place that
checkpoints go to was told. It reads the state folder, beside a running daemon or without one."""
EPILOG = """\
examples:
  postwarden status
  postwarden status --json | jq 'select(.type == "source") | .overdue'

exit codes:
  0 all is as it should be    2 usage, configuration, local state    4 the ledger is not sound
  3 no daemon runs, something is overdue or failing, or the configuration was refused"""

#: Failing accounts that are named; the others are counted.
MOST = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    from postwarden.cli.operator import now, open_recorder
    from postwarden.config.locate import load, state_folder
    from postwarden.pipeline.checkpoints_out import read_told
    from postwarden.witness.configured import read_outside

    config = load(args.config)
    recorder = open_recorder(config)
    try:
        sweeps = recorder.store.sweeps
        well = _daemon(args, state_folder(config), now())
        for progress in sweeps.progress(now()):
            _source(args, progress)
            well = well and not progress.overdue and not progress.failing
        for row in sweeps.failing(MOST):
            _failing(args, recorder, *row)
        for place in read_told(state_folder(config), read_outside(config)):
            _place(args, place)
            well = well and place.failure is None
    finally:
        recorder.close()
    return CLEAN if well else UNREADABLE


def _daemon(args: argparse.Namespace, state: "Path", now: "datetime") -> bool:
    from postwarden.daemon import running

    is_running = running.is_running(state)
    last = running.read(state) if is_running else None
    reading = last.reading if last is not None else ()
    refused = last.configuration_refused if last is not None else None
    lines = [_daemon_line(is_running, last, now)]
    if refused is not None:
        lines.append(f"  the configuration on the disk was refused, the one before it is in force: {refused}")
    lines += [f"  reading {one.scope} at {', '.join(one.sources)} for {one.seconds} s" for one in reading]
    _say(
        args,
        {
            "type": "daemon",
            "running": is_running,
            "pid": last.pid if last is not None else None,
            "started": last.started if last is not None else None,
            "time": last.time if last is not None else None,
            "queued": last.queued if last is not None else 0,
            "reading": reading,
            "configuration_refused": refused,
        },
        *lines,
    )
    return is_running and refused is None


def _daemon_line(is_running: bool, last: "Running | None", now: "datetime") -> str:
    if not is_running:
        return "no daemon is running here (postwarden run)"
    if last is None:
        return "the daemon is starting"
    return (
        f"the daemon (process {last.pid}) runs since {last.started:%Y-%m-%d %H:%M} UTC: {len(last.reading)} being read, "
        f"{last.queued} queued, as of {max(0, round((now - last.time).total_seconds()))} s ago"
    )


def _source(args: argparse.Namespace, progress: "Progress") -> None:
    from msgspec.structs import asdict

    clean = f"{progress.clean_since:%Y-%m-%d %H:%M} UTC" if progress.clean_since else "never"
    _say(
        args,
        {"type": "source", **asdict(progress)},
        f"{progress.source}: {progress.accounts} accounts, {progress.due} due, {progress.overdue} overdue, "
        f"{progress.failing} failing, {progress.never} never swept; all read whole since: {clean}",
    )


def _failing(
    args: argparse.Namespace, recorder: "Recorder", scope: object, source: str, reason: str, failures: int
) -> None:
    from postwarden.model.scope import Scope

    assert isinstance(scope, Scope)
    known = recorder.store.account(scope.key) if scope.kind == "account" else None
    name = known.address if known is not None else f"{scope.kind} {scope.key}"
    _say(
        args,
        {"type": "failing", "account": name, "source": source, "reason": reason, "sweeps": failures},
        f"  failing: {name} at {source}: {reason}, {failures} sweeps in a row",
    )


def _place(args: argparse.Namespace, place: "Told") -> None:
    from msgspec.structs import asdict

    took = (
        f"{place.size} records at {place.time:%Y-%m-%d %H:%M} UTC"
        if place.time is not None
        else "nothing yet"
    )
    problem = f"; FAILING: {place.failure}" if place.failure is not None else ""
    _say(args, {"type": "checkpoint_place", **asdict(place)}, f"checkpoint at {place.place}: {took}{problem}")


def _say(args: argparse.Namespace, value: object, *lines: str) -> None:
    from postwarden.cli.terminal import clean
    from postwarden.model.encoding import encode

    if args.json:
        print(encode(value).decode("ascii"))
    else:
        print("\n".join(clean(line) for line in lines))
