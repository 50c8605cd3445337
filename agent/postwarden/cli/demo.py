"""`postwarden demo`."""

import argparse
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from postwarden.cli.exits import CLEAN, FINDINGS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from postwarden.lab import ExchangeLab, Lab

HELP = "audit live mail servers that an intruder has been in, made for the occasion"
DESCRIPTION = """\
Starts two mail servers on this machine's loopback: an IMAP server (Dovecot where it is installed, else pymap, which
has no access lists), and an Exchange of our own that is checked against Microsoft's published schema. Fills them with
an organisation in which six accounts were entered, and runs the ordinary audit over the network. Everything it makes
lies in one folder; the servers are stopped at the end."""
EPILOG = """\
examples:
  postwarden demo
  postwarden demo --dir ./demo --server pymap

exit codes: 0 exactly what was planted was found    1 not, with the difference"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dir", metavar="D", help="an empty or new folder (default: a new temporary one)")
    parser.add_argument(
        "--server", choices=("auto", "dovecot", "pymap"), default="auto", help="which IMAP server to start"
    )


def run(args: argparse.Namespace) -> int:
    from postwarden import lab

    folder = _folder(args.dir)
    if os.geteuid() == 0:
        # Root's mail server runs as users of its own, who must be able to pass through; nobody may list.
        folder.chmod(0o711)
    home = folder / "lab"
    home.mkdir(mode=0o700)
    exchange_home = folder / "exchange"
    exchange_home.mkdir(mode=0o700)
    with lab.start(home, server=args.server) as running, lab.start_exchange(exchange_home) as exchange:
        marine = exchange.organisation
        print(
            f"{running.organisation.name}: {len(running.accounts)} accounts on a live {running.server} "
            f"(IMAP {running.host}:{running.imaps_port}, ManageSieve {running.host}:{running.sieve_port})\n"
            f"{marine.unit}: {len(marine.accounts)} accounts on an Exchange of our own ({exchange.url})"
        )
        if folder not in running.ca_file.parents:
            print(
                f"the server's users cannot enter {folder}, so its files are in {running.ca_file.parents[1]}"
            )
        config = write_configuration(folder, running, exchange)
        return audit_and_compare(folder, config, running, exchange)


def _folder(wanted: str | None) -> Path:
    import tempfile

    from postwarden.errors import UsageError

    if wanted is None:
        return Path(tempfile.mkdtemp(prefix="postwarden-demo-"))
    folder = Path(wanted).absolute()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise UsageError(f"{folder} is not empty", "name a new folder")
    except OSError as exc:
        raise UsageError(f"{folder} cannot be used: {exc.strerror}", "name another folder") from exc
    return folder


def write_configuration(folder: Path, running: "Lab", exchange: "ExchangeLab | None" = None) -> Path:
    """agent.toml, secrets and the list of accounts for running servers; returns the path of agent.toml."""
    from postwarden.cli.demo_configuration import agent_toml, table

    contents = {"secrets": table(running)}
    if exchange is not None:
        contents["exchange-secret"] = exchange.service.password + "\n"
    for name, content in contents.items():
        secrets = folder / name
        secrets.touch(mode=0o600)
        secrets.write_text(content, encoding="utf-8")
    config = folder / "agent.toml"
    config.write_text(agent_toml(running, exchange), encoding="utf-8")
    config.chmod(0o600)
    return config


def audit_and_compare(
    folder: Path, config: Path, running: "Lab", exchange: "ExchangeLab | None" = None
) -> int:
    from postwarden.cli import run as command
    from postwarden.cli.operator import open_recorder
    from postwarden.config.locate import load

    key = folder / "verifier-key"
    _say(["init", "--config", str(config)])
    key.write_text(_init(config), encoding="ascii")
    _say(["audit", "--all", "--config", str(config)])
    command(["audit", "--all", "--config", str(config)])
    _say(["verify", "--config", str(config), "--key", key.read_text("ascii").strip()])
    sound = command(["verify", "--config", str(config), "--key", key.read_text("ascii").strip()]) == CLEAN
    recorder = open_recorder(load(str(config)))
    try:
        found = sorted(
            (standing.finding.scope.key.removeprefix("login:"), standing.finding.name)
            for standing in recorder.store.findings()
            if standing.status == "open"
        )
        example = next((standing.finding.id for standing in recorder.store.findings()), "ID")
        gaps = sorted(_gaps(line for _, line in recorder.ledger.records()))
    finally:
        recorder.close()
    organisation = running.organisation
    planted = list(organisation.findings[running.server])
    if exchange is not None:
        planted += exchange.organisation.findings
    wanted = sorted((one.account, one.rule) for one in planted)
    wanted_gaps = sorted((one.account, one.source, one.check) for one in organisation.gaps[running.server])
    exact = _difference("finding", wanted, found) and _difference("gap", wanted_gaps, gaps)
    print()
    if exact and sound:
        print(f"exactly what was planted was found: {len(found)} findings, {len(gaps)} gaps, a sound ledger")
    _next(config, folder, example)
    return CLEAN if exact and sound else FINDINGS


def _init(config: Path) -> str:
    from contextlib import redirect_stdout
    from io import StringIO

    from postwarden.cli import run as command
    from postwarden.errors import LabError

    caught = StringIO()
    with redirect_stdout(caught):
        code = command(["init", "--config", str(config)])
    if code != CLEAN:
        raise LabError("the demo's ledger could not be created", "see the error above")
    return caught.getvalue()


def _gaps(lines: "Iterable[bytes]") -> "Iterable[tuple[str, str, str]]":
    import json

    for line in lines:
        record = json.loads(line)
        if record["kind"] == "audit_finished":
            for row in record["coverage"]:
                if row["status"] == "gap":
                    yield record["scope"]["key"].removeprefix("login:"), row["source"], row["check"]


def _difference(what: str, wanted: "Sequence[object]", found: "Sequence[object]") -> bool:
    for one in wanted:
        if one not in found:
            print(f"MISSING {what}: {_words(one)}")
    for one in found:
        if one not in wanted:
            print(f"NOT PLANTED {what}: {_words(one)}")
    return wanted == found


def _words(one: object) -> str:
    return " ".join(str(word) for word in one) if isinstance(one, tuple) else str(one)


def _program() -> str:
    return shlex.quote(sys.argv[0]) if sys.argv[0].endswith("postwarden") else "postwarden"


def _say(arguments: "list[str]") -> None:
    print(f"\n$ {_program()} {' '.join(shlex.quote(part) for part in arguments)}", flush=True)


def _next(config: Path, folder: Path, example: str) -> None:
    program = _program()
    print(f"\neverything lies in {folder} (the servers are stopped); try next:")
    print(f"  {program} findings list --config {config}")
    print(f"  {program} findings show {example[:8]} --config {config}")
    print(f"  tail -n 1 {folder}/state/ledger/records/00000000.jsonl; cat {folder}/state/ledger/checkpoint")
