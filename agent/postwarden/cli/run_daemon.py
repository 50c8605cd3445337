"""`postwarden run`."""

import argparse

from postwarden.cli.common import add_config
from postwarden.cli.exits import CLEAN

HELP = "audit every account once an interval, until told to stop"
DESCRIPTION = """\
Sweeps all accounts in the foreground, as a service manager wants it: each account is audited once an interval
([daemon] in agent.toml), those with an open finding first, and recorded like any other audit. Findings about the
agent itself (an overdue sweep, a refused log-in, a clock that was set) stand beside the others. SIGTERM finishes the
record at hand and stops; SIGHUP takes up agent.toml, the accounts and the rules anew, and where they are broken the
old ones go on."""
EPILOG = """\
examples:
  postwarden run
  postwarden run --log text

exit codes:
  0 told to stop    2 configuration or local state    4 the ledger is not sound    70 a bug of ours"""

#: Seconds that a commit waits for other writers: less than the ten in which a stop must be done.
WAIT = 4.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config(parser)
    parser.add_argument(
        "--log",
        choices=("json", "text"),
        help="form of the log on stderr (default: text on a terminal, else json)",
    )


def run(args: argparse.Namespace) -> int:
    import sys
    import uuid
    from functools import partial

    from postwarden.cli import log
    from postwarden.cli.operator import open_recorder
    from postwarden.config.locate import find
    from postwarden.daemon.service import Service

    as_json = args.log == "json" or (args.log is None and not sys.stderr.isatty())
    log.begin(json=as_json)
    opened = partial(open_recorder, run=uuid.uuid4().hex, wait=WAIT)
    Service(find(args.config), opened).run()
    return CLEAN
