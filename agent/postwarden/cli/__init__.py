"""The command line: one file a verb, each with `add_arguments(parser)` and `run(args) -> int`.

Importing this package must stay cheap: what a verb needs is imported inside its `run`.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from postwarden import __version__
from postwarden.cli import (
    audit,
    check_config,
    collect,
    demo,
    export,
    findings,
    history,
    hunt,
    init,
    inspect,
    key,
    ledger,
    prove,
    rules,
    run_daemon,
    status,
    verify,
    verify_proof,
    witness,
)
from postwarden.cli.exits import BUG, INTERRUPTED, NOT_SOUND, USAGE
from postwarden.cli.terminal import clean
from postwarden.errors import LedgerUnsound, PostwardenError

VERBS = {
    "init": init,
    "check-config": check_config,
    "audit": audit,
    "run": run_daemon,
    "status": status,
    "inspect": inspect,
    "findings": findings,
    "history": history,
    "hunt": hunt,
    "rules": rules,
    "verify": verify,
    "key": key,
    "ledger": ledger,
    "prove": prove,
    "verify-proof": verify_proof,
    "export": export,
    "witness": witness,
    "collect": collect,
    "demo": demo,
}

_DESCRIPTION = """\
postwarden looks for what an intruder leaves behind in mail accounts (forwarding, hiding rules, rights given
to others), and writes what it found, and what it could not read, into a signed ledger. It only reads mail."""

_EPILOG = """\
start here:
  postwarden init                                    write agent.toml, create the ledger and its key
  postwarden check-config                            what each source lets us read, and how to grant the rest
  postwarden audit --account alice@example.org       audit one account now
  postwarden audit --all                             audit every account
  postwarden run                                     go on auditing every account, as a service does
  postwarden findings list                           what stands open
  postwarden hunt --ip 203.0.113.7 --reason R        who logged in from there, since when
  postwarden verify                                  is the ledger sound

exit codes:
  0 clean and complete      1 findings at or above --fail-on      2 usage, configuration or local state
  3 something configured could not be read      4 the ledger is not sound      70 a bug of ours"""


class _Parser(argparse.ArgumentParser):
    """Usage errors in the form of all other errors."""

    def error(self, message: str) -> NoReturn:
        print(f"postwarden: error: {clean(message)}", file=sys.stderr)
        print(f"postwarden: hint: {self.prog} --help", file=sys.stderr)
        self.exit(USAGE)


def build_parser() -> argparse.ArgumentParser:
    """The whole command line; completion and the manual page are made from it."""
    parser = _Parser(
        prog="postwarden",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"postwarden {__version__}")
    verbs = parser.add_subparsers(metavar="COMMAND", dest="verb")
    for name, module in VERBS.items():
        verb = verbs.add_parser(
            name,
            help=module.HELP,
            description=module.DESCRIPTION,
            epilog=module.EPILOG,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        module.add_arguments(verb)
        verb.set_defaults(run=module.run)
    return parser


def run(arguments: Sequence[str]) -> int:
    """Runs one command and returns its exit code."""
    parser = build_parser()
    args = parser.parse_args(arguments)
    if args.verb is None:
        parser.print_help(sys.stderr)
        return USAGE
    try:
        code = int(args.run(args))
        sys.stdout.flush()
    except PostwardenError as exc:
        complain(exc)
        return NOT_SOUND if isinstance(exc, LedgerUnsound) else USAGE
    except BrokenPipeError:
        # The reader has seen enough; the interpreter must not complain about it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return INTERRUPTED
    except KeyboardInterrupt:
        print("postwarden: error: interrupted; what was recorded before stays", file=sys.stderr)
        return INTERRUPTED
    except Exception as exc:  # noqa: BLE001 - the border of the program: a bug is shown whole, with its own code
        from postwarden import logs

        print("postwarden: error: this is a bug of ours; please report it", file=sys.stderr)
        print(logs.failure(exc), file=sys.stderr)
        return BUG
    return code


def complain(exc: PostwardenError) -> None:
    """The error and the next step, on stderr."""
    print(f"postwarden: error: {clean(str(exc))}", file=sys.stderr)
    if exc.hint:
        print(f"postwarden: hint: {clean(exc.hint)}", file=sys.stderr)
