"""A process that commits to a ledger and says on its output what was acknowledged; run by path.

`forever`: commits of one to five numbered records until it is killed, and after every seventh a new signing key; each
acknowledged number is a line.
`many N`: N commits of one record each. `once`: one commit that opens a thing unless it is open already.
"""

import json
import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from postwarden.ledger.quarantine import Quarantined
from postwarden.ledger.store import Position, open_ledger


def record(kind: str, **fields: object) -> bytes:
    common = {"v": 1, "kind": kind, "time": "2026-11-22T09:30:00.000000Z"}
    common |= {"run": f"run-{os.getpid()}", "actor": "tester", "agent": "0.1.0"}
    return json.dumps(common | fields, sort_keys=True, separators=(",", ":")).encode()


def recovered(taken: Quarantined) -> bytes:
    return record("recovery", name=taken.name, length=taken.length)


def same(lines: Sequence[bytes], _: Position) -> Sequence[bytes]:
    return lines


def main(state: Path, task: str, count: int) -> None:
    ledger = open_ledger(state / "ledger", state / "private")
    os.write(1, b"ready\n")
    sys.stdin.readline()
    if task == "once":

        def once(_: Position) -> Sequence[bytes]:
            if any(b'"kind":"thing_opened"' in line for _, line in ledger.records()):
                return []
            return [record("thing_opened")]

        ledger.commit(once, recovered=recovered, wait=60)
        return
    done = 0
    while task == "forever" or done < count:
        size = done % 5 + 1 if task == "forever" else 1
        lines = [record("heartbeat", number=number) for number in range(done, done + size)]
        ledger.commit(partial(same, lines), recovered=recovered, wait=60)
        for number in range(done, done + size):
            os.write(1, f"{number}\n".encode())
        done += size
        if task == "forever" and done % 7 == 0:
            ledger.rotate(
                lambda number, key: record("key_epoch", epoch=number, verifier_key=key), recovered=recovered
            )


main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
