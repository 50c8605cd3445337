"""`postwarden audit`."""

import argparse
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from postwarden.cli.common import add_config, add_json

if TYPE_CHECKING:
    from pathlib import Path

    from postwarden.cli.show_audit import Judge
    from postwarden.config.settings import Config
    from postwarden.model.account import Account
    from postwarden.pipeline.applications import Judged
    from postwarden.pipeline.audit import Audited
    from postwarden.pipeline.deliver import Courier
    from postwarden.pipeline.record import Recorder

HELP = "audit accounts now, and record what was found and what could not be read"
DESCRIPTION = """\
Connects to every configured source, reads what keeps mail flowing or lets others in, judges it, prints findings
and coverage, and records both. Mailboxes are only read. An account counts as clean only where everything that is
configured was read."""
EPILOG = """\
examples:
  postwarden audit --account alice@example.org
  postwarden audit --account alice --account bob --fail-on high
  postwarden audit --all --json | jq 'select(.type == "finding")'

exit codes:
  0 clean and complete    1 open findings at or above --fail-on (complete or not: the output says)
  3 no such findings, but something configured could not be read    2 usage, configuration, local state
  4 the ledger is not sound"""

#: Levels as model.finding has them; written here since that module is not loaded for `--help`.
LEVELS = ("informational", "low", "medium", "high", "critical")


#: Seconds that another process is waited for which delivers to the notifiers.
WAIT = 5.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config(parser)
    who = parser.add_mutually_exclusive_group(required=True)
    who.add_argument(
        "--account", action="append", metavar="A", help="an address, login or key; may be given several times"
    )
    who.add_argument("--all", action="store_true", help="every account that the directory lists")
    parser.add_argument(
        "--no-record",
        action="store_true",
        help="judge without reading or writing a ledger: nothing is reported as new",
    )
    parser.add_argument(
        "--fail-on", choices=LEVELS, default="medium", help="exit 1 from this level on (default: medium)"
    )
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    from postwarden.cli import log
    from postwarden.cli.operator import open_recorder
    from postwarden.cli.outcome import Summary, exit_code
    from postwarden.cli.show_audit import Shown, shower
    from postwarden.config.directory import ConfiguredDirectory
    from postwarden.config.locate import load, state_folder
    from postwarden.notify import open_notifiers
    from postwarden.pipeline.deliver import Courier

    log.begin(json=False)
    config = load(args.config)
    configured = ConfiguredDirectory(config).accounts()
    if not config.accounts.directories:
        # Where nothing has to be asked, a wrong name is said before anything is opened.
        choose(args.account, configured)
    recorder = None if args.no_record else open_recorder(config)
    try:
        results = []
        courier = Courier(open_notifiers(config))
        if recorder is not None:
            courier.begin(recorder)
            _read_logs(config, recorder)
        chosen, audits, judge = _audit(config, args.account, configured, recorder)
        show: Shown = shower(
            judge, as_json=args.json, total=len(chosen), with_grants=args.account is not None
        )
        for audited in audits:
            show.audited(audited)
            results.append(Summary(audited, args.fail_on))
        show.end(results, recorder)
        if recorder is not None:
            # Before others are told: what they get carries the cosignatures.
            recorder.publish()
            _tell(courier, recorder, state_folder(config))
    finally:
        if recorder is not None:
            recorder.close()
    return exit_code(results)


def _audit(
    config: "Config",
    names: "list[str] | None",
    configured: "tuple[Account, ...]",
    recorder: "Recorder | None",
) -> "tuple[tuple[Account, ...], Iterator[Audited], Judge]":
    """The accounts that are meant, their audit, which begins when it is asked for a result, and what judges grants."""
    import time

    from postwarden.cli.operator import now
    from postwarden.config.locate import state_folder
    from postwarden.connectors import open_sources
    from postwarden.pipeline.applications import applications
    from postwarden.pipeline.audit import audit, everybody_of, list_first
    from postwarden.pipeline.judge import load_rules
    from postwarden.pipeline.reading_logs import memory_of

    book = load_rules(config)
    memory = memory_of(config, state_folder(config), now, time.monotonic) if recorder is not None else None
    sources = open_sources(config, now, memory)
    if recorder is not None:
        recorder.configuration(config.path.read_bytes(), book.digest)
    listing = list_first(config, sources, configured, recorder)
    if recorder is not None:
        _score(config, recorder, listing.accounts)
    accounts = choose(names, listing.accounts)
    everybody = everybody_of(listing.accounts)

    def judge(audited: "Audited") -> "tuple[Judged, ...]":
        return applications(audited.reading.evidence, book.grants, everybody.people, audited.first_seen)

    audits = audit(accounts, listing.accounts, sources, book, config, recorder, now, listing.parts)
    return accounts, audits, judge


def _read_logs(config: "Config", recorder: "Recorder") -> None:
    """Takes in what is new in the logs, where some are configured and no daemon does it."""
    import sys

    from postwarden.pipeline.log_sources import has_logs

    if not has_logs(config):
        return
    from postwarden.cli.log_progress import LogProgress
    from postwarden.cli.operator import now
    from postwarden.cli.terminal import clean
    from postwarden.config.locate import state_folder
    from postwarden.errors import HistoryBusy, HistoryError
    from postwarden.pipeline.reading_logs import read_logs

    progress = LogProgress()
    try:
        read_logs(config, state_folder(config), recorder, now, progress)
    except HistoryBusy:
        # The daemon, or another command, is at it; what they have stored is there.
        return
    except HistoryError as exc:
        # Mailboxes are audited all the same; what logs say of them is a gap.
        print(f"postwarden: warning: {clean(str(exc))}", file=sys.stderr)
    finally:
        progress.clear()


def _score(config: "Config", recorder: "Recorder", accounts: "Iterable[Account]") -> None:
    """Judges what is new in the history by each account's habits, where there are logs."""
    import sys

    from postwarden.pipeline.log_sources import has_logs

    if not has_logs(config):
        return
    from postwarden.cli.history_scoring import score
    from postwarden.cli.terminal import clean
    from postwarden.errors import HistoryBusy, HistoryError

    try:
        score(config, recorder, accounts)
    except HistoryBusy:
        return
    except HistoryError as exc:
        print(f"postwarden: warning: {clean(str(exc))}", file=sys.stderr)


def _tell(courier: "Courier", recorder: "Recorder", state: "Path") -> None:
    """Tells the notifiers what changed; a failure is said here, recorded, and tried again by the next run."""
    import sys
    from contextlib import nullcontext

    from postwarden.cli.terminal import clean
    from postwarden.errors import LedgerError

    try:
        while outcomes := courier.turn(lambda: nullcontext(recorder), state, wait=WAIT):
            for one in outcomes:
                if one.failure is not None:
                    text = f"{one.delivery.to.name} was not told of {one.delivery.notice.key}: {one.failure}"
                    print(f"postwarden: warning: {clean(text)}", file=sys.stderr)
    except LedgerError as exc:
        print(f"postwarden: warning: what was told is not recorded: {clean(str(exc))}", file=sys.stderr)


def choose(names: "list[str] | None", accounts: "tuple[Account, ...]") -> "tuple[Account, ...]":
    """The accounts that the caller named, or all; raises UsageError for one that no directory knows."""
    from postwarden.errors import UsageError
    from postwarden.model.account import find

    if names is None:
        if not accounts:
            raise UsageError("no account is listed", "fill in [accounts] list or file in agent.toml")
        return accounts
    chosen = {}
    for name in names:
        account = find(accounts, name)
        if account is None:
            raise UsageError(
                f"no directory knows the account {name!r}",
                f"{len(accounts)} accounts are listed; add it to [accounts] in agent.toml",
            )
        chosen[account.key] = account
    return tuple(chosen.values())
