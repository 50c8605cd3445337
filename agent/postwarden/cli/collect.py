"""`postwarden collect`."""

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from postwarden.cli.exits import CLEAN, UNREADABLE

if TYPE_CHECKING:
    from postwarden.collector.batch import Drop
    from postwarden.collector.settings import Collection, User

#: Where the configuration of the collector lies.
CONFIG = "/etc/postwarden/collect.toml"

HELP = "bring files of the mail host that only root can read into the drop folder"
DESCRIPTION = f"""\
Reads users' .forward files and Sieve scripts on the mail host, as {CONFIG} names them, and writes
them into the drop folder, where a source of the kind drop_folder takes them. Meant for postwarden-collect.service: a
run as root, without network. Follows no links, reads regular files only, and bounds their sizes and numbers; what
it could not take is in the batch too, and a gap in the audit."""
EPILOG = """\
examples:
  postwarden collect
  postwarden collect --config ./collect.toml

exit codes: 0 everything was taken    3 something was there that could not be taken    2 configuration or drop folder"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config", metavar="FILE", default=CONFIG, help=f"collect.toml to use (default: {CONFIG})"
    )


def run(args: argparse.Namespace) -> int:
    from postwarden.collector.batch import Drop
    from postwarden.collector.settings import load, users

    collection = load(Path(args.config))
    people = users(collection)
    # Folders are the group's to move, files its to read, and nobody else's.
    os.umask(0o007)
    drop = Drop(collection.drop, _group(collection.group))
    try:
        return _collect(collection, people, drop)
    finally:
        drop.close()


def _collect(collection: "Collection", people: "tuple[User, ...]", drop: "Drop") -> int:
    from postwarden.cli.operator import now
    from postwarden.cli.terminal import clean
    from postwarden.collector.collecting import collect

    users = written = files = problems = 0
    for one in collect(collection, people, drop, host=os.uname().nodename, now=now()):
        users += 1
        files += one.files
        written += one.batch is not None
        problems += len(one.problems)
        for problem in one.problems:
            print(clean(f"{one.login}: {problem.path}: {problem.message}"))
    print(f"{users} users, {files} files, {written} batches written, {problems} not taken")
    return UNREADABLE if problems else CLEAN


def _group(name: str) -> int:
    import grp

    from postwarden.errors import UsageError

    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        raise UsageError(
            f"there is no group {name!r}", "systemd-sysusers makes it as deploy/sysusers.d says"
        ) from None
