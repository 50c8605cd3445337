"""`postwarden ledger`."""

import argparse
from pathlib import Path

from postwarden.cli.common import add_config, add_json
from postwarden.cli.exits import CLEAN

HELP = "remove old records, erase blobs, or go on for a ledger whose key is lost"
DESCRIPTION = """\
What an operator does to the ledger itself; each of these is recorded, with who did it and why. Removed records leave
their hashes, so that every proof that was handed out stays valid; an erased blob leaves its name."""
EPILOG = """\
examples:
  postwarden ledger prune --before 2024-01-01 --reason "kept two years, as our policy says"
  postwarden ledger erase 3f6d2bd0c4f4c1a4f5d8f2a3b9c7e1d05a6b7c8d9e0f1a2b3c4d5e6f708192a3 --reason "request 17"
  postwarden ledger succeed --from /var/lib/postwarden/ledger --reason "the disk with the key is gone"

exit codes:
  0 done    2 usage, configuration, local state    4 the ledger is not sound"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(metavar="ACTION", dest="action", required=True)
    prune = verbs.add_parser(
        "prune",
        help="remove whole segments of old records; what they came to is carried over",
        allow_abbrev=False,
    )
    prune.add_argument("--before", required=True, metavar="TIME", help="only records older than this")
    _common(prune, _prune)
    erase = verbs.add_parser("erase", help="erase blobs for good; their names stay", allow_abbrev=False)
    erase.add_argument("blobs", nargs="+", metavar="BLOB", help="a blob's name, 64 hexadecimal digits")
    _common(erase, _erase)
    succeed = verbs.add_parser(
        "succeed",
        help="open a new ledger, under a new [ledger] origin, that names where an old one ended",
        allow_abbrev=False,
    )
    succeed.add_argument(
        "--from", required=True, metavar="OLD", dest="old", type=Path, help="the old ledger's folder"
    )
    _common(succeed, _succeed)


def _common(parser: argparse.ArgumentParser, act: object) -> None:
    parser.add_argument("--reason", required=True, help="why; it is recorded")
    add_config(parser)
    add_json(parser)
    parser.set_defaults(act=act)


def run(args: argparse.Namespace) -> int:
    code: int = args.act(args)
    return code


def _prune(args: argparse.Namespace) -> int:
    from postwarden.cli.operator import open_recorder
    from postwarden.cli.times import time_given
    from postwarden.config.locate import load
    from postwarden.pipeline.keeping import prune

    before = time_given(args.before, "--before")
    config = load(args.config)
    recorder = open_recorder(config)
    try:
        done = prune(recorder, before, args.reason, [one.name for one in config.notify])
        recorder.publish()
    finally:
        recorder.close()
    _say(
        args,
        {"type": "pruned", "stop": done.stop, "segments": done.segments},
        f"removed the records before {done.stop}, {done.segments} segments; their hashes are in hashes/",
    )
    return CLEAN


def _erase(args: argparse.Namespace) -> int:
    from postwarden.cli.operator import open_recorder
    from postwarden.config.locate import load
    from postwarden.pipeline.keeping import erase

    names = list(dict.fromkeys(args.blobs))
    recorder = open_recorder(load(args.config))
    try:
        erase(recorder, names, args.reason)
        recorder.publish()
    finally:
        recorder.close()
    _say(
        args,
        {"type": "erased", "blobs": names},
        f"erased {len(names)} blobs; backups and snapshots of this disk may still hold them",
    )
    return CLEAN


def _succeed(args: argparse.Namespace) -> int:
    import sys
    import uuid

    from postwarden.cli.operator import actor, agent, check_owner, ledger_keys, now
    from postwarden.config.locate import load, state_folder
    from postwarden.errors import UsageError
    from postwarden.pipeline.succession import succeed

    config = load(args.config)
    state = state_folder(config)
    check_owner(state, config.path)
    if config.ledger.origin is None:
        raise UsageError("agent.toml has no [ledger] origin", "give the new ledger a name of its own there")
    done = succeed(
        state,
        args.old,
        origin=config.ledger.origin,
        reason=args.reason,
        run=uuid.uuid4().hex,
        actor=actor(),
        agent=agent(),
        now=now(),
        keys=ledger_keys(config),
    )
    before = done.before
    _say(
        args,
        {
            "type": "succeeded",
            "verifier_key": done.verifier_key,
            "before": {
                "origin": before.origin,
                "size": before.size,
                "root": before.root,
                "verifier_key": before.verifier_key,
                "folder": before.folder,
            },
        },
        done.verifier_key,
    )
    print(
        f"the old ledger, {before.origin} with {before.size} records, lies in {before.folder}: keep it.\n"
        "keep the key above somewhere else than on this host, beside the old one; verify follows both ledgers.",
        file=sys.stderr,
    )
    return CLEAN


def _say(args: argparse.Namespace, told: dict[str, object], words: str) -> None:
    if args.json:
        import json

        print(json.dumps(told, sort_keys=True, separators=(",", ":")))
    else:
        from postwarden.cli.terminal import clean

        print(clean(words))
