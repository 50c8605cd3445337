"""`postwarden check-config`."""

import argparse
from typing import TYPE_CHECKING, Any

from postwarden.cli.common import add_config, add_json
from postwarden.cli.exits import CLEAN, UNREADABLE

if TYPE_CHECKING:
    from postwarden.config.settings import Config
    from postwarden.connectors import Source
    from postwarden.model.account import Account
    from postwarden.pipeline.collect import Reading

HELP = "check agent.toml and its secrets, and what each source lets us read"
DESCRIPTION = """\
Parses agent.toml, resolves its secrets and loads the rules. Unless --offline, connects to each source with one
account and says what it lets us read, what not and how to grant it, and what is granted beyond need. Nothing is
recorded."""
EPILOG = """\
examples:
  postwarden check-config
  postwarden check-config --account alice@example.org
  postwarden check-config --offline

exit codes:
  0 all is readable    3 something configured is unreadable    2 the configuration or a secret is wrong"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config(parser)
    parser.add_argument("--offline", action="store_true", help="connect to nothing")
    parser.add_argument(
        "--account", metavar="A", help="the account to try with (default: the first that is listed)"
    )
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    from postwarden import secrets
    from postwarden.cli import log
    from postwarden.cli.audit import choose
    from postwarden.cli.operator import now
    from postwarden.config.directory import ConfiguredDirectory
    from postwarden.config.locate import load, state_folder
    from postwarden.connectors import open_source, open_sources, prepare
    from postwarden.grants.catalogue import age_days, age_sentence
    from postwarden.notify import open_notifiers
    from postwarden.pipeline.audit import acceptance, list_first
    from postwarden.pipeline.collect import collect_account, collect_source
    from postwarden.pipeline.directory import check_directories
    from postwarden.pipeline.judge import load_rules
    from postwarden.witness.configured import read_outside

    log.begin(json=False)
    config = load(args.config)
    accounts = ConfiguredDirectory(config).accounts()
    sources = open_sources(config, now, _memory(config))
    check_directories(config, sources)
    notifiers = open_notifiers(config)
    book = load_rules(config)
    # The identity for a case reads nothing of any account now: what it may do is looked at here.
    cases = [
        open_source(entry, index, config, now)
        for index, entry in enumerate(config.sources)
        if entry.is_for_incident
    ]
    prepare([*sources, *cases], accounts, config)
    if config.ledger.passphrase is not None:
        secrets.check(config.ledger.passphrase, logins=(), folder=config.folder)
    _say(
        args,
        {
            "type": "configuration",
            "path": str(config.path),
            "state": str(state_folder(config)),
            "accounts": len(accounts),
            "sources": [source.name for source in (*sources, *cases)],
            "notifiers": [one.name for one in notifiers],
            "rules": len(book.rules),
            "internal_domains": list(config.organisation.internal_domains),
            "application_lists": age_days(book.grants.catalogue, now()),
        },
        f"{config.path}: {len(accounts)} accounts, {len(sources) + len(cases)} sources, {len(book.rules)} rules, "
        f"{len(notifiers)} notifiers",
        age_sentence(book.grants.catalogue, now(), book.grants.weights.limits.catalogue_days),
    )
    if not config.organisation.internal_domains:
        _say(
            args,
            {"type": "warning", "message": "no internal domain is configured: every target is unresolved"},
            "warning: [organisation] internal_domains is empty, so no forwarding can be called external",
        )
    if not read_outside(config).remembers:
        _say(
            args,
            {"type": "warning", "message": "nobody outside remembers the ledger: a roll-back goes unseen"},
            "warning: no journal, file or witness remembers the ledger's checkpoints, so a state folder that is put "
            "back to an older state goes unseen; see [ledger.checkpoints] and [[ledger.witness]]",
        )
    if args.offline:
        return CLEAN
    listing = list_first(config, sources, accounts, None)
    chosen = choose([args.account] if args.account else None, listing.accounts)
    code = CLEAN
    for source in sources:
        listed = listing.parts.get(source.name)
        itself = collect_source(
            source, acceptance(config, source, now), None, (listed,) if listed is not None else ()
        )
        _show(args, source, None, itself)
        if itself.incomplete:
            code = UNREADABLE
        account = next((one for one in chosen if one.is_at(source.name)), None)
        if account is None:
            said = f"{source.name}: none of the accounts lies here, so nothing was tried"
            _say(args, {"type": "warning", "message": said}, f"  {said}")
            continue
        reading = collect_account(account, [source], acceptance(config, account, now), None)
        _show(args, source, account, reading)
        if reading.incomplete:
            code = UNREADABLE
    for source in cases:
        reading = collect_source(source, acceptance(config, source, now), None)
        _show(args, source, None, reading)
        if reading.incomplete:
            code = UNREADABLE
    return code


def _memory(config: "Config") -> "dict[str, Any]":
    """Of logs the newest lines are tried, and nothing is kept."""
    from postwarden.cli.operator import now
    from postwarden.connectors.recall import RECALL
    from postwarden.pipeline.try_logs import TriedLogs

    return {entry.name: {RECALL: TriedLogs(now)} for entry in config.sources if entry.kind == "log_files"}


def _show(args: argparse.Namespace, source: "Source", account: "Account | None", reading: "Reading") -> None:
    """How each check ended, of the source itself or of the account that was tried."""
    name = account.address if account is not None else None
    words = {"read": "can be read", "gap": "CANNOT be read", "not_supported": "not supported by the server"}
    for row in reading.coverage:
        accepted = f" (accepted: {row.accepted})" if row.accepted else ""
        _say(
            args,
            {"type": "coverage", "account": name, "coverage": row},
            f"  {source.name} {row.check}: {words[row.status]}{accepted}",
        )
    for gap in reading.gaps:
        part = f"{gap.part}: " if gap.part else ""
        hint = (f"      next: {gap.hint}",) if gap.hint else ()
        _say(
            args,
            {"type": "gap", "account": name, "gap": gap},
            f"    {gap.check}: {part}{gap.message}",
            *hint,
        )
    for excess in reading.excess:
        _say(
            args,
            {"type": "excess", "account": name, "excess": excess},
            f"    beyond need: {excess.message}",
            f"      {excess.hint}",
        )


def _say(args: argparse.Namespace, value: object, *lines: str) -> None:
    from postwarden.cli.terminal import clean
    from postwarden.model.encoding import encode

    if args.json:
        print(encode(value).decode("ascii"))
    else:
        print("\n".join(clean(line) for line in lines))
