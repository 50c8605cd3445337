"""`postwarden init`."""

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from postwarden.cli.common import add_config
from postwarden.cli.exits import CLEAN

if TYPE_CHECKING:
    from postwarden.config.settings import Config

HELP = "write agent.toml, create the ledger and its key"
DESCRIPTION = """\
Writes a commented agent.toml and creates the ledger with its first key. The public key is the only line on
stdout: keep it somewhere else than on this host, it is what `verify --key` compares with later."""
EPILOG = """\
examples:
  postwarden init > ~/postwarden.vkey
  postwarden init --config /etc/postwarden/agent.toml --origin postwarden/mail.example.org"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config(parser)
    parser.add_argument(
        "--origin",
        help="the ledger's name for good, without space or + (default: postwarden/<host's full name>)",
    )


def run(args: argparse.Namespace) -> int:
    import socket

    from postwarden.config.locate import SYSTEM, load, state_folder, user_config
    from postwarden.errors import UsageError

    path = (
        Path(args.config) if args.config else (SYSTEM / "agent.toml" if os.geteuid() == 0 else user_config())
    )
    written = not path.exists()
    if written:
        _write(path, args.origin or f"postwarden/{socket.getfqdn()}")
    config = load(str(path))
    state = state_folder(config)
    if (state / "ledger").exists():
        raise UsageError(
            f"{path} and the ledger in {state} are there already"
            if not written
            else f"there is a ledger in {state}",
            "nothing was changed; postwarden verify shows the ledger's key",
        )
    origin = config.ledger.origin or args.origin
    if origin is None:
        raise UsageError(
            f"{path} has no [ledger] origin", "add one, or run init --origin NAME, and write NAME into it"
        )
    if args.origin and args.origin != origin:
        raise UsageError(f"{path} already names the ledger {origin}", "leave --origin out")
    key = _create(config, state, origin)
    print(key)
    print(
        f"{'wrote' if written else 'used'} {path}; the ledger is in {state / 'ledger'}\n"
        "keep the line above somewhere else than on this host (print it, or mail it to a colleague):\n"
        "with it, `postwarden verify --key` notices a ledger that was replaced as a whole.\n"
        f"next: {'fill in a [[source]] there, then ' if written else ''}run postwarden check-config",
        file=sys.stderr,
    )
    return CLEAN


def _write(path: Path, origin: str) -> None:
    from postwarden.config.template import with_origin
    from postwarden.errors import ConfigError

    try:
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as stream:
            os.fchmod(stream.fileno(), 0o600)
            stream.write(with_origin(origin))
    except OSError as exc:
        raise ConfigError(
            f"cannot be written: {exc.strerror}", "choose a place with --config", path=str(path)
        ) from exc


def _create(config: "Config", state: Path, origin: str) -> str:
    import uuid

    from postwarden.cli.operator import actor, agent, ledger_keys, now
    from postwarden.pipeline.record import create_ledger

    return create_ledger(
        state,
        origin=origin,
        run=uuid.uuid4().hex,
        actor=actor(),
        agent=agent(),
        now=now(),
        keys=ledger_keys(config),
    )
