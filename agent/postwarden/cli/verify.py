"""`postwarden verify`."""

import argparse
from pathlib import Path

from postwarden.cli.common import add_config, add_json
from postwarden.cli.exits import CLEAN, NOT_SOUND, UNREADABLE

HELP = "check every record, the tree, the checkpoint, the keys and the blobs of a ledger"
DESCRIPTION = """\
Reads a ledger without changing it and checks that every record is the one that was signed. It needs no private
key and may run on a copy, on another machine. What a ledger alone cannot show is that it was rolled back to an
older, complete state, or that what the open epoch signed was signed again: for that it is compared with what others
remember. Without LEDGER, the places that agent.toml names are asked."""
EPILOG = """\
examples:
  postwarden verify
  postwarden verify /mnt/backup/postwarden/ledger --key "$(cat postwarden.vkey)"
  postwarden verify --state ~/postwarden.checkpoint
  postwarden verify /mnt/copy/ledger --witness "$(cat witness.vkey)" https://b.example.org:8446

exit codes:
  0 sound    4 not sound    2 not a ledger, or it cannot be read
  3 sound, and a place that was to be compared could not be read"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "ledger", nargs="?", metavar="LEDGER", help="the ledger's folder (default: the configured one)"
    )
    parser.add_argument("--key", metavar="VKEY", help="the first key, as init printed it")
    parser.add_argument(
        "--state",
        metavar="FILE",
        help="compare with the checkpoint in this file, and keep the newest there; it is made the first time",
    )
    parser.add_argument(
        "--witness",
        nargs=2,
        action="append",
        default=[],
        metavar=("VKEY", "PLACE"),
        help="compare with what a witness remembers: its key, and its address or a file with a cosigned checkpoint",
    )
    parser.add_argument(
        "--before", metavar="FOLDER", help="where the ledger lies that this one goes on for, if it was moved"
    )
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
    from postwarden.cli import show_verification as show
    from postwarden.cli.terminal import Progress
    from postwarden.ledger.predecessors import verify_predecessors
    from postwarden.ledger.verify import verify
    from postwarden.pipeline.outside_memory import Memory, gather, remember_in, remembered_in
    from postwarden.witness.configured import Outside, read_outside

    outside = Outside()
    if args.ledger:
        folder = Path(args.ledger)
    else:
        from postwarden.config.locate import load, state_folder

        config = load(args.config)
        folder, outside = state_folder(config) / "ledger", read_outside(config)
    state = Path(args.state) if args.state else None
    memory = Memory()
    # Others are asked first: what they have, the ledger had before.
    origin = _origin(folder)
    if origin is not None:
        memory = gather(folder, origin, outside, [(key, place) for key, place in args.witness])
    known = [*memory.remembered, *filter(None, [remembered_in(state) if state else None])]
    progress = Progress()
    result = verify(
        folder, key=args.key, remembered=known, progress=lambda count: progress.show(f"{count} records")
    )
    progress.clear()
    place = Path(args.before) if args.before else None
    earlier = list(verify_predecessors(result.before, place))
    if args.json:
        import json

        for each in (show.as_object(result, folder, memory), *map(show.predecessor_as_object, earlier)):
            print(json.dumps(each, sort_keys=True, separators=(",", ":")))
    else:
        show.show(result, folder, memory)
        for one in earlier:
            show.show_predecessor(one)
    if not result.sound or not all(one.sound for one in earlier):
        return NOT_SOUND
    if state is not None and result.size is not None and result.root is not None:
        from postwarden.ledger.checkpoint import Position

        remember_in(state, folder, Position(result.size, result.root))
    if args.history is not None:
        file = Path(args.history) if args.history else folder.parent / "history.sqlite"
        if not _history(args, folder, file):
            return NOT_SOUND
    return UNREADABLE if memory.unread else CLEAN


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


def _origin(folder: Path) -> str | None:
    """The ledger's name as its checkpoint says it, unverified; `None` where it cannot be read."""
    from postwarden.errors import LedgerError
    from postwarden.ledger.cosignature import read_text
    from postwarden.ledger.note import parse_note
    from postwarden.pipeline.outside_memory import read_kept

    try:
        content = read_kept(folder / "checkpoint")
        return None if content is None else read_text(parse_note(content).text)[0]
    except LedgerError:
        return None  # verification says what is wrong with it
