"""`postwarden verify`."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from postwarden.cli.common import add_config, add_json, ledger_folder
from postwarden.cli.exits import CLEAN, NOT_SOUND

if TYPE_CHECKING:
    from postwarden.ledger.verify import Verification

HELP = "check every record, the tree, the checkpoint and the keys of a ledger"
DESCRIPTION = """\
Reads a ledger without changing it and checks that every record is the one that was signed. It needs no private
key and may run on a copy, on another machine. What a ledger alone cannot show is that it was rolled back to an
older, complete state: keep its key and a later checkpoint elsewhere."""
EPILOG = """\
examples:
  postwarden verify
  postwarden verify /mnt/backup/postwarden/ledger --key "$(cat postwarden.vkey)"

exit codes:
  0 sound    4 not sound    2 not a ledger, or it cannot be read"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "ledger", nargs="?", metavar="LEDGER", help="the ledger's folder (default: the configured one)"
    )
    parser.add_argument("--key", metavar="VKEY", help="the first key, as init printed it")
    parser.add_argument(
        "--history",
        nargs="?",
        const="",
        metavar="FILE",
        help="compare each closed day of the history with its digest in the ledger (default file: beside the ledger)",
    )
    add_config(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    from postwarden.cli.terminal import Progress
    from postwarden.ledger.verify import verify

    folder = ledger_folder(args.ledger, args.config)
    progress = Progress()
    result = verify(folder, key=args.key, progress=lambda count: progress.show(f"{count} records"))
    progress.clear()
    if args.json:
        import json

        print(json.dumps(as_object(result, folder), sort_keys=True, separators=(",", ":")))
    else:
        _print(result, folder)
    if not result.sound:
        return NOT_SOUND
    if args.history is not None:
        file = Path(args.history) if args.history else folder.parent / "history.sqlite"
        return CLEAN if _history(args, folder, file) else NOT_SOUND
    return CLEAN


def _history(args: argparse.Namespace, folder: Path, file: Path) -> bool:
    """Whether each closed day of the history is as the ledger, which is sound, says."""
    import json

    from postwarden.cli.terminal import Progress, clean
    from postwarden.history.history import open_copy
    from postwarden.pipeline.history_days import check_days

    progress = Progress()
    counts = {"sound": 0, "pruned": 0, "not sound": 0}
    problems = []
    with open_copy(file) as history:
        for one in check_days(history, folder):
            counts[one.state] += 1
            progress.show(f"history: {one.day}")
            if one.problem is not None:
                problems.append({"day": one.day, "problem": one.problem})
    progress.clear()
    if args.json:
        told = {
            "type": "history_verification",
            "history": str(file),
            "sound": not problems,
            "days": counts["sound"],
            "pruned": counts["pruned"],
            "problems": problems,
        }
        print(json.dumps(told, sort_keys=True, separators=(",", ":")))
        return not problems
    print(clean(f"history  {file}"))
    print(
        f"days     {counts['sound']} are as recorded, {counts['pruned']} were removed as recorded; today's is open"
    )
    for problem in problems:
        print(clean(f"problem  {problem['day'] or 'history'}: {problem['problem']}"))
    if problems:
        print("NOT SOUND: keep the history as it is, and compare with copies kept elsewhere")
    return not problems


def as_object(result: "Verification", folder: Path) -> dict[str, object]:
    """What `--json` prints: docs/json.md calls it `verification`."""
    return {
        "type": "verification",
        "ledger": str(folder),
        "sound": result.sound,
        "origin": result.origin,
        "size": result.size,
        "root": _base64(result.root),
        "verifier_key": result.verifier_key,
        "key_compared": result.compared_epoch is not None,
        "local_only": True,
        "uncommitted": None
        if result.uncommitted is None
        else {
            "records": result.uncommitted.count,
            "bytes": result.uncommitted.length,
            "digest": result.uncommitted.digest,
        },
        "problems": [
            {"what": problem.what, "first": problem.first, "last": problem.last}
            for problem in result.problems
        ],
    }


def _base64(root: bytes | None) -> str | None:
    import base64

    return None if root is None else base64.b64encode(root).decode("ascii")


def _print(result: "Verification", folder: Path) -> None:
    from postwarden.cli.terminal import clean

    print(clean(f"ledger   {folder}"))
    if result.origin is not None:
        print(clean(f"origin   {result.origin}"))
    if result.size is not None:
        print(f"records  {result.size}, root {_base64(result.root)}")
    if result.verifier_key is not None:
        print(clean(f"key      {result.verifier_key}"))
    if result.uncommitted is not None:
        left = result.uncommitted
        print(
            f"tail     {left.length} uncommitted bytes (sha-256 {left.digest}): the next writer puts them aside"
        )
    for problem in result.problems:
        span = ""
        if problem.first is not None:
            span = f"record {problem.first}: "
            if problem.last is not None and problem.last != problem.first:
                span = f"records {problem.first} to {problem.last}: "
        print(clean(f"problem  {span}{problem.what}"))
    if not result.sound:
        print("NOT SOUND: keep this folder as it is, and compare with copies kept elsewhere")
        return
    print("sound: every record is covered by the signed checkpoint")
    if result.compared_epoch is None:
        print("note: the first key was not compared with one that somebody kept (--key)")
    print("local only: a roll-back is not excluded")
