"""`postwarden history`."""

import argparse
from typing import TYPE_CHECKING

from postwarden.cli.common import add_config, add_json
from postwarden.cli.exits import CLEAN, UNREADABLE

if TYPE_CHECKING:
    from postwarden.config.settings import Config, SourceEntry
    from postwarden.history.history import History
    from postwarden.history.standing import Standing

#: Names that no directory knows, of one source, that are told to machines.
MOST = 100

HELP = "what the logs told: how far they were read, and sessions to hand out"
DESCRIPTION = """\
The history keeps what logs told of log-ins and of messages handed over, for 400 days unless configured otherwise,
since logs rotate away. `status` says for each log how far it goes and how late its lines come, `read` takes in what
is new now and scores it by each account's habits, `rescore` scores all of it again from its beginning, `export` hands
out sessions. `postwarden hunt` looks in it for an address, a network or a client."""
EPILOG = """\
examples:
  postwarden history read                                      take in what is new in every log
  postwarden history rescore                                   learn and judge every session again, in the order of time
  postwarden history status                                    how far each log was read, and what was not understood
  postwarden history export --account alice --since 2026-06-01 --reason "ticket 4711" > alice.jsonl
  postwarden history export --format csv --reason "audit 2026" > all.csv
  postwarden history export --of transfers --account alice --reason "ticket 4711" > mail.jsonl

exit codes:
  0 done, and every log could be read    3 a log could not be read, or nobody reads it
  2 usage, configuration, local state    4 the ledger is not sound"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    what = parser.add_subparsers(metavar="ACTION", dest="action", required=True)
    status = what.add_parser(
        "status",
        help="how far each log was read",
        description="How far each log was read.",
        allow_abbrev=False,
    )
    read = what.add_parser(
        "read",
        help="take in what is new in every log",
        description="Takes in what is new in every log, and scores it. The daemon does so all the time.",
        allow_abbrev=False,
    )
    rescore = what.add_parser(
        "rescore",
        help="score the whole history again",
        description="Forgets the habits that were learnt, and scores every session of the history again in the order of time. "
        "Answers count from the time at which they were given. Findings are opened and changed, never removed.",
        allow_abbrev=False,
    )
    export = what.add_parser(
        "export",
        help="hand out sessions or transfers; a signed record says to whom and why",
        description="Prints what came, in the order in which it came. A signed record says who had it, and why.",
        allow_abbrev=False,
    )
    export.add_argument(
        "--of",
        choices=("sessions", "transfers"),
        default="sessions",
        help="log-ins, or messages that were handed over (default: sessions)",
    )
    export.add_argument(
        "--account", action="append", metavar="A", help="an address, login or key; all without it"
    )
    export.add_argument(
        "--since", metavar="TIME", help="sessions from then on (2026-06-01, or with a time in UTC)"
    )
    export.add_argument("--until", metavar="TIME", help="sessions before then")
    export.add_argument("--format", choices=("jsonl", "csv"), default="jsonl", help="(default: jsonl)")
    export.add_argument("--reason", required=True, metavar="TEXT", help="why; it is recorded")
    for one in (status, read, rescore, export):
        add_config(one)
    for one in (status, rescore):
        add_json(one)


def run(args: argparse.Namespace) -> int:
    from postwarden.config.locate import load

    config = load(args.config)
    if args.action == "export":
        from postwarden.cli.history_export import export

        return export(args, config)
    if args.action == "rescore":
        from postwarden.cli.history_scoring import rescore

        return rescore(args, config)
    return _read(config) if args.action == "read" else _status(args, config)


def _read(config: "Config") -> int:
    import sys

    from postwarden.cli.history_scoring import score
    from postwarden.cli.log_progress import LogProgress
    from postwarden.cli.operator import now, open_recorder
    from postwarden.cli.terminal import clean
    from postwarden.config.locate import state_folder
    from postwarden.pipeline.reading_logs import read_logs

    progress = LogProgress()
    recorder = open_recorder(config)
    try:
        read_logs(config, state_folder(config), recorder, now, progress)
        progress.clear()
        turn = score(config, recorder)
    finally:
        progress.clear()
        recorder.close()
    print(f"read {progress.lines} new lines: {progress.events} events")
    print(f"scored {turn.scored} sessions: {len(turn.windows)} access windows opened or changed")
    for step in progress.unreadable:
        assert step.unreadable is not None
        error = step.unreadable.error
        print(f"postwarden: warning: {clean(str(error))}", file=sys.stderr)
        if error.hint:
            print(f"postwarden: hint: {clean(error.hint)}", file=sys.stderr)
    return UNREADABLE if progress.unreadable else CLEAN


def _status(args: argparse.Namespace, config: "Config") -> int:
    from postwarden.cli.history_scoring import show_habits
    from postwarden.cli.operator import now, open_recorder
    from postwarden.config.directory import ConfiguredDirectory
    from postwarden.config.locate import state_folder
    from postwarden.history.history import open_history
    from postwarden.history.standing import NOT_LOOKED, Standing
    from postwarden.pipeline.hunting import names_of
    from postwarden.pipeline.log_sources import has_log

    well = True
    configured = {entry.name for _, entry in config.watched if has_log(entry)}
    milliseconds = int(now().timestamp() * 1000)
    entries = {entry.name: entry for entry in config.sources}
    recorder = open_recorder(config)
    try:
        accounts = (*recorder.store.accounts(), *ConfiguredDirectory(config).accounts())
    finally:
        recorder.close()
    known = names_of({one.key: one for one in accounts}.values())
    with open_history(state_folder(config)) as history:
        for source, standing in history.read.sources().items():
            stale = standing.looked is None or milliseconds - standing.looked > NOT_LOOKED
            well = well and (source not in configured or not (standing.troubles or stale))
            configured.discard(source)
            strangers = [name for name in history.read.names_at(source) if name.casefold() not in known]
            _show(args, source, standing, history, _arrival(entries.get(source)), strangers)
        for source in sorted(configured):
            well = False
            _show(args, source, Standing(), history, _arrival(entries[source]), [])
    show_habits(config, as_json=args.json)
    return CLEAN if well else UNREADABLE


def _arrival(entry: "SourceEntry | None") -> str | None:
    """How the logs of a source get here; None where it has no files."""
    if entry is None or entry.kind != "log_files":
        return None
    return str(entry.options.get("arrival", "local"))


def _show(
    args: argparse.Namespace,
    source: str,
    standing: "Standing",
    history: "History",
    arrival: str | None,
    strangers: list[str],
) -> None:
    from postwarden.cli.terminal import clean
    from postwarden.cli.times import shown

    shapes = history.read.unread(source)
    mishaps = history.read.mishaps(source)
    if args.json:
        import json

        told = {
            "type": "log",
            "source": source,
            "arrival": arrival,
            "first": shown(standing.first),
            "latest": shown(standing.latest),
            "arrived": shown(standing.arrived),
            "looked": shown(standing.looked),
            "lines": standing.lines,
            "events": standing.events,
            "unread": standing.unread,
            "doubtful": standing.doubtful,
            "delay": standing.delay,
            "lateness": standing.lateness // 1000,
            "shapes": [{"shape": one.shape, "count": one.count, "sample": one.sample} for one in shapes],
            "unknown_names": strangers[:MOST],
            "troubles": [
                {"path": one.path, "message": one.message, "hint": one.hint} for one in standing.troubles
            ],
            "mishaps": [
                {
                    "time": shown(one.time),
                    "mishap": one.mishap,
                    "path": one.path,
                    "words": one.words,
                    "lost": one.lost,
                }
                for one in mishaps
            ],
        }
        print(json.dumps(told, sort_keys=True, separators=(",", ":")))
        return
    print(clean(source))
    if standing.first is not None:
        print(f"  events    {standing.events}, from {shown(standing.first)} to {shown(standing.latest)}")
    print(
        f"  lines     {standing.lines} read, {standing.unread} not understood, {standing.doubtful} of doubtful time"
    )
    half = "not measured yet" if standing.delay is None else f"half of the lines within {standing.delay} s"
    if strangers:
        more = f" and {len(strangers) - 5} more" if len(strangers) > 5 else ""
        print(clean(f"  unknown   to the directory: {', '.join(strangers[:5])}{more}"))
    print(
        f"  delay     {f'{arrival}: ' if arrival else ''}{half}; a line counts as come after {standing.lateness // 1000} s"
    )
    print(
        f"  last      line {shown(standing.arrived) or 'never'}, looked {shown(standing.looked) or 'never'}"
    )
    for one in shapes[:5]:
        print(clean(f"  unread    {one.count} like: {one.sample}"))
    for trouble in standing.troubles:
        print(clean(f"  trouble   {trouble.message}"))
    for lost in mishaps[-5:]:
        print(clean(f"  {lost.mishap:9} {shown(lost.time)} {lost.path}: {lost.words}"))
