"""`postwarden demo`."""

import argparse
import os
import shlex
import sys
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from postwarden.cli.exits import CLEAN, FINDINGS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from postwarden.lab import Archive, CloudLab, ExchangeLab, Lab

HELP = "audit live mail servers that an intruder has been in, made for the occasion"
DESCRIPTION = """\
Starts mail servers on this machine's loopback: an IMAP server (Dovecot where it is installed, else pymap, which has
no access lists), and, of our own making, an Exchange, a Microsoft 365, a Google Workspace and a Keycloak. Fills them
with an organisation that an intruder has been in, with bad applications among many that are harmless, and runs the
ordinary audit over the network. Everything it makes lies in one folder; the servers are stopped at the end."""
EPILOG = """\
examples:
  postwarden demo
  postwarden demo --dir ./demo --server pymap

exit codes: 0 exactly what was planted was found    1 not, with the difference"""

#: The host in the demo's logs that logs in every few minutes: the monitoring.
_PROBE = "10.20.0.9"

#: Lines of an account's grants that are shown after the first.
_GRANT_LINES = 24


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
    cloud_home = folder / "cloud"
    cloud_home.mkdir(mode=0o700)
    with (
        lab.start(home, server=args.server) as running,
        lab.start_exchange(exchange_home) as exchange,
        lab.start_cloud(cloud_home) as cloud,
    ):
        marine, elsewhere = exchange.organisation, cloud.organisation
        print(
            f"{running.organisation.name}: {len(running.accounts)} accounts on a live {running.server} "
            f"(IMAP {running.host}:{running.imaps_port}, ManageSieve {running.host}:{running.sieve_port})\n"
            f"{marine.unit}: {len(marine.accounts)} accounts on an Exchange of our own ({exchange.url})\n"
            f"the rest: {len(elsewhere.of('microsoft'))} people at a Microsoft 365, {len(elsewhere.of('google'))} at a "
            f"Google, {len(elsewhere.of('keycloak'))} in a Keycloak, all of our own, with "
            f"{len(elsewhere.applications) + len(elsewhere.app_passwords)} applications and {len(elsewhere.grants)} grants"
        )
        if folder not in running.ca_file.parents:
            print(
                f"the server's users cannot enter {folder}, so its files are in {running.ca_file.parents[1]}"
            )
        archives = _archives(folder, running, exchange, cloud)
        config = write_configuration(folder, running, exchange, cloud, archives)
        return audit_and_compare(folder, config, running, exchange, cloud, archives)


def _archives(
    folder: Path, running: "Lab", exchange: "ExchangeLab", cloud: "CloudLab"
) -> "tuple[Archive, ...]":
    """Four hundred days of logs of these organisations, as if their servers had run so long."""
    from postwarden import lab
    from postwarden.cli.terminal import Progress

    progress = Progress()
    progress.show("writing 400 days of logs")
    archives = lab.write_archives(
        folder / "logs",
        mail=tuple(one.login for one in running.accounts),
        exchange=tuple(one.login for one in exchange.organisation.accounts),
        cloud=tuple(one.login for one in cloud.organisation.of("microsoft")),
    )
    progress.clear()
    lines = sum(file.lines for one in archives for file in one.written.of(one.log))
    print(f"400 days of logs: {lines} lines of {len(archives)} servers in {folder / 'logs'}")
    return archives


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


def write_configuration(
    folder: Path,
    running: "Lab | None",
    exchange: "ExchangeLab | None" = None,
    cloud: "CloudLab | None" = None,
    archives: "tuple[Archive, ...]" = (),
) -> Path:
    """agent.toml, secrets and the list of accounts for running servers; returns the path of agent.toml."""
    from postwarden.cli.demo_configuration import agent_toml, secrets

    for name, content in secrets(running, exchange, cloud).items():
        secret = folder / name
        secret.touch(mode=0o600)
        secret.write_text(content, encoding="utf-8")
    config = folder / "agent.toml"
    config.write_text(agent_toml(running, exchange, cloud, archives), encoding="utf-8")
    config.chmod(0o600)
    return config


def audit_and_compare(
    folder: Path,
    config: Path,
    running: "Lab",
    exchange: "ExchangeLab | None" = None,
    cloud: "CloudLab | None" = None,
    archives: "tuple[Archive, ...]" = (),
) -> int:
    from postwarden.cli import demo_comparison as comparison
    from postwarden.cli import run as command
    from postwarden.cli.operator import open_recorder
    from postwarden.config.locate import load, state_folder

    key = folder / "verifier-key"
    _say(["init", "--config", str(config)])
    key.write_text(_init(config), encoding="ascii")
    _say(["audit", "--all", "--config", str(config)])
    command(["audit", "--all", "--config", str(config)])
    for account in _entered(cloud) if cloud is not None else ():
        _show_grants(config, account)
    if archives:
        _show_history(config, archives[0].intrusions[0].victim)
    _say(["verify", "--config", str(config), "--key", key.read_text("ascii").strip()])
    sound = command(["verify", "--config", str(config), "--key", key.read_text("ascii").strip()]) == CLEAN
    recorder = open_recorder(load(str(config)))
    try:
        standings = list(recorder.store.findings())
        accounts = list(recorder.store.accounts())
        gaps = sorted(comparison.gaps(line for _, line in recorder.ledger.records()))
    finally:
        recorder.close()
    exact, found = comparison.compare_mailboxes(running, exchange, standings)
    planted = sorted(
        (one.account, one.source, one.check) for one in running.organisation.gaps[running.server]
    )
    exact = comparison.difference("gap", planted, gaps) and exact
    words = [f"{found} findings on the mail servers, {len(gaps)} gaps"]
    if cloud is not None:
        same, told = comparison.compare_cloud(cloud, standings, accounts)
        exact = exact and same
        words.append(f"at the cloud's providers {told}")
    if archives:
        same, sessions = comparison.compare_history(state_folder(load(str(config))), archives)
        exact = exact and same
        words.append(f"{sessions} sessions in 400 days of logs")
        same, windows = comparison.compare_windows(archives, standings, accounts)
        exact = exact and same
        words.append(f"{windows} intruders by their access windows")
    print()
    if exact and sound:
        print(f"exactly what was planted was found: {'; '.join(words)}; a sound ledger")
    example = next((one.finding.id for one in standings), "ID")
    _next(config, folder, example)
    return CLEAN if exact and sound else FINDINGS


def _init(config: Path) -> str:
    from postwarden.errors import LabError

    code, printed = _caught(["init", "--config", str(config)])
    if code != CLEAN:
        raise LabError("the demo's ledger could not be created", "see the error above")
    return printed


def _entered(cloud: "CloudLab") -> "Iterator[str]":
    """Of each provider, the address of the first whose account a bad application was let into."""
    whole = cloud.organisation
    let_in = {(one.provider, one.person) for one in whole.grants if one.application in whole.expected.bad}
    for provider in ("microsoft", "google", "keycloak"):
        people = (one for one in whole.of(provider) if (provider, one.login) in let_in)
        yield from (one.addresses[0] for one in islice(people, 1))


def _show_grants(config: Path, account: str) -> None:
    """What reaches the account's mail, the riskiest of it only."""
    command = ["audit", "--account", account, "--config", str(config)]
    _say(command, f" | grep -A {_GRANT_LINES} '^grants: '")
    lines = _caught(command)[1].splitlines()
    start = next((place for place, line in enumerate(lines) if line.startswith("grants: ")), len(lines))
    print("\n".join(lines[start : start + _GRANT_LINES + 1]))


def _show_history(config: Path, victim: str) -> None:
    """What the logs told, one account's findings by time, and who that is that logs in every few minutes."""
    from postwarden.cli import run as command

    for arguments in (
        ["history", "status"],
        ["findings", "list", "--by-time", "--account", victim],
        ["hunt", "--ip", _PROBE, "--reason", "what is that in the logs"],
    ):
        _say([*arguments, "--config", str(config)])
        command([*arguments, "--config", str(config)])


def _caught(arguments: "list[str]") -> "tuple[int, str]":
    """The exit code of a command, and what it printed."""
    from contextlib import redirect_stdout
    from io import StringIO

    from postwarden.cli import run as command

    caught = StringIO()
    with redirect_stdout(caught):
        code = command(arguments)
    return code, caught.getvalue()


def _program() -> str:
    return shlex.quote(sys.argv[0]) if sys.argv[0].endswith("postwarden") else "postwarden"


def _say(arguments: "list[str]", pipe: str = "") -> None:
    print(f"\n$ {_program()} {' '.join(shlex.quote(part) for part in arguments)}{pipe}", flush=True)


def _next(config: Path, folder: Path, example: str) -> None:
    program = _program()
    print(f"\neverything lies in {folder} (the servers are stopped); try next:")
    print(f"  {program} findings list --config {config}")
    print(f"  {program} findings show {example[:8]} --config {config}")
    print(f"  tail -n 1 {folder}/state/ledger/records/00000000.jsonl; cat {folder}/state/ledger/checkpoint")
