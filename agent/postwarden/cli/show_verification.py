"""What `postwarden verify` prints of a ledger, and of those that it goes on for."""

import base64
from pathlib import Path

from postwarden.cli.terminal import clean
from postwarden.ledger.predecessors import Earlier
from postwarden.ledger.problems import Problem
from postwarden.ledger.verify import Verification
from postwarden.pipeline.outside_memory import Memory


def as_object(result: Verification, folder: Path, memory: Memory) -> dict[str, object]:
    """What `--json` prints: docs/json.md calls it `verification`."""
    left = result.uncommitted
    return {
        "type": "verification",
        "ledger": str(folder),
        "sound": result.sound,
        "origin": result.origin,
        "size": result.size,
        "root": _base64(result.root),
        "verifier_key": result.verifier_key,
        "key_compared": result.compared_epoch is not None,
        "compared_epoch": result.compared_epoch,
        "epochs": result.epochs,
        "next_epoch": result.next_epoch,
        "pruned": result.pruned,
        "blobs": result.blobs,
        "erased": result.erased,
        "erased_blobs": [
            {"blob": each.blob, "actor": each.actor, "time": each.time, "record": each.record}
            for each in result.erased_blobs
        ],
        "remembered": [{"by": each.by, "size": each.position.size} for each in result.remembered],
        "remember_nothing": list(memory.empty),
        "unread": list(memory.unread),
        "stamps": list(memory.stamps),
        "local_only": _local_only(result),
        "uncommitted": None
        if left is None
        else {"records": left.count, "bytes": left.length, "digest": left.digest},
        "problems": _problems(result),
    }


def predecessor_as_object(one: Earlier) -> dict[str, object]:
    """What `--json` prints: docs/json.md calls it `predecessor`."""
    found = one.verification
    return {
        "type": "predecessor",
        "ledger": str(one.folder),
        "origin": one.before.origin,
        "size": one.before.size,
        "root": one.before.root,
        "verifier_key": one.before.verifier_key,
        "sound": None if found is None else found.sound,
        "unread": one.unread,
        "problems": [] if found is None else _problems(found),
    }


def show(result: Verification, folder: Path, memory: Memory) -> None:
    """In words."""
    print(clean(f"ledger   {folder}"))
    if result.origin is not None:
        print(clean(f"origin   {result.origin}"))
    if result.size is not None:
        pruned = f", the first {result.pruned} as hashes only" if result.pruned else ""
        print(f"records  {result.size}{pruned}, root {_base64(result.root)}")
    if result.verifier_key is not None:
        print(clean(f"key      {result.verifier_key}"))
        print(f"epochs   {result.epochs}, each key certified by the one before it")
    if result.blobs:
        print(f"blobs    {result.blobs}, each compared with its name")
    if result.erased:
        print(f"erased   {result.erased} blobs, commitment intact")
        for each in result.erased_blobs:
            print(clean(f"         {each.blob} by {each.actor} at {each.time}, record {each.record}"))
    if result.uncommitted is not None:
        left = result.uncommitted
        print(
            f"tail     {left.length} uncommitted bytes (sha-256 {left.digest}): the next writer puts them aside"
        )
    for problem in result.problems:
        print(clean(f"problem  {_span(problem)}{problem.what}"))
    for place in memory.unread:
        print(clean(f"not read {place}"))
    for place in memory.empty:
        print(clean(f"note: {place} remembers nothing of this ledger"))
    if result.next_epoch is not None:
        print(
            f"note: the change to epoch {result.next_epoch} was cut off; the next writer brings it to its end"
        )
    if not result.sound:
        print("NOT SOUND: keep this folder as it is, and compare with copies kept elsewhere")
        return
    print("sound: every record is covered by the signed checkpoint")
    if result.compared_epoch is None:
        print("note: the first key was not compared with one that somebody kept (--key)")
    elif result.compared_epoch:
        print(
            f"note: the key that was compared is that of epoch {result.compared_epoch};"
            " nobody vouches for the keys before it"
        )
    for seen in result.remembered:
        print(clean(f"compared with {seen.by}, which has seen {seen.position.size} records"))
    for stamp in memory.stamps:
        print(clean(f"stamped {stamp}"))
    if _local_only(result):
        print("local only: a roll-back is not excluded")


def _local_only(result: Verification) -> bool:
    """Whether nobody outside of the ledger's folder was compared with it."""
    return all(each.inside for each in result.remembered)


def show_predecessor(one: Earlier) -> None:
    """In words, what was found of a ledger that the one before it on the screen goes on for."""
    before = one.before
    print(clean(f"goes on for {before.origin}, which ended with {before.size} records, in {one.folder}"))
    if one.verification is None:
        print(clean(f"not read {one.unread}: say where it lies with --before"))
        return
    for problem in one.verification.problems:
        print(clean(f"problem  {_span(problem)}{problem.what}"))
    if one.verification.sound:
        print("sound: it goes through the records and the root that the later ledger names")
        print("note: the link is not signed by the older ledger's key, only by the later one's")
    else:
        print("NOT SOUND: it is not what the later ledger names, or it was changed")


def _problems(result: Verification) -> list[dict[str, object]]:
    return [
        {"what": problem.what, "first": problem.first, "last": problem.last} for problem in result.problems
    ]


def _span(problem: Problem) -> str:
    if problem.first is None:
        return ""
    if problem.last is not None and problem.last != problem.first:
        return f"records {problem.first} to {problem.last}: "
    return f"record {problem.first}: "


def _base64(root: bytes | None) -> str | None:
    return None if root is None else base64.b64encode(root).decode("ascii")
