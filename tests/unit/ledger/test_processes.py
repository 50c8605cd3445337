"""Processes that commit at once, and processes that are killed."""

import fcntl
import os
import random
import re
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest

from postwarden.errors import LedgerBusy
from postwarden.ledger import epochs, writer
from postwarden.ledger.store import Ledger
from postwarden.ledger.verify import verify
from tests.unit.ledger.conftest import Place, put, record, recovery

LONG = bool(os.environ.get("POSTWARDEN_LONG"))
KILLS = 1000 if LONG else 100


def start(place: Place, task: str, count: int = 0) -> subprocess.Popen[bytes]:
    """A committer that waits for its go."""
    program = Path(__file__).with_name("committer.py")
    process = subprocess.Popen(
        [sys.executable, program, place.state, task, str(count)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
    )
    assert process.stdout
    assert process.stdout.readline() == b"ready\n"
    return process


def go(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin
    process.stdin.write(b"\n")


def finish(processes: list[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        go(process)
    for process in processes:
        process.communicate(timeout=100)
        assert process.returncode == 0


@pytest.mark.timeout(1800)
def test_killed_processes_lose_nothing_that_they_acknowledged(place: Place, ledger: Ledger) -> None:
    """Killed at random, a process leaves what it acknowledged, and its left-overs are recorded next time."""
    seed = random.randrange(2**32)
    sys.stdout.write(f"seed {seed}\n")
    choose = random.Random(seed)
    left_overs = 0
    for _ in range(KILLS):
        size = ledger.position().size
        process = start(place, "forever")
        go(process)
        timer = threading.Timer(choose.uniform(0.002, 0.15), process.kill)
        timer.start()
        output, _unused = process.communicate()
        timer.join()
        acknowledged = [int(number) for number in re.findall(rb"(\d+)\n", output)]
        found = verify(place.folder)
        assert found.sound
        numbers = [
            int(match[1])
            for _, line in place.open().records(size)
            if (match := re.search(rb'"number":(\d+)', line))
        ]
        assert numbers == list(range(len(numbers)))
        assert len(acknowledged) <= len(numbers)
        left_over = found.uncommitted is not None
        left_overs += left_over
        size = place.open().position().size
        after = put(ledger, record(number=0)).size
        assert after == size + 1 + left_over
        assert (b'"kind":"recovery"' in dict(ledger.records(size))[size]) == left_over
    sys.stdout.write(f"{left_overs} of {KILLS} left something over\n")
    assert verify(place.folder).sound
    kept = [path for path in (place.folder / "quarantine").iterdir() if path.stat().st_size]
    assert len({path.name for path in kept}) <= left_overs


def test_twenty_processes_lose_nothing(place: Place, ledger: Ledger) -> None:
    """Twenty processes that commit at once, five times each, have all their records in the ledger."""
    finish([start(place, "many", 5) for _ in range(20)])
    assert verify(place.folder).sound
    runs = Counter(re.findall(rb'"number":(\d+),"run":"(run-\d+)"', b"\n".join(place.lines())))
    assert len(runs) == 100
    assert set(runs.values()) == {1}
    assert ledger.position().size == 101


def test_twenty_processes_open_a_thing_once(place: Place, ledger: Ledger) -> None:
    """Twenty processes that each look under the lock before they record leave one record."""
    finish([start(place, "once") for _ in range(20)])
    assert ledger.position().size == 2
    assert sum(b"thing_opened" in line for line in place.lines()) == 1


def test_verifying_beside_a_writer_finds_no_problem(place: Place, ledger: Ledger) -> None:
    """However often a ledger is verified while a process commits to it, it is sound."""
    process = start(place, "forever")
    go(process)
    sizes: list[int | None] = []
    try:
        # On a busy machine the writer may take its time: without its commits nothing would be shown.
        while len(sizes) < (300 if LONG else 60) or len(set(sizes)) <= 2:
            found = verify(place.folder)
            assert (found.sound, found.problems) == (True, ())
            sizes.append(found.size)
    finally:
        process.kill()
        process.communicate()


def test_a_child_that_inherited_the_lock_does_not_keep_it(place: Place, ledger: Ledger) -> None:
    """A process that was forked during a commit does not hold the lock after it."""
    inherited: list[int] = []

    def decide(_: object) -> list[bytes]:
        named = (place.folder / "lock").stat()
        held = [number for number in range(3, 256) if _is_open(number, named)]
        inherited.extend(os.dup(number) for number in held)
        return [record()]

    ledger.commit(decide, recovered=recovery)
    assert len(inherited) == 1
    try:
        assert put(place.open(), record(), wait=0).size == 3
    finally:
        os.close(inherited[0])


def _is_open(descriptor: int, named: os.stat_result) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), named)
    except OSError:
        return False


def test_the_lock_of_another_process_is_waited_for(place: Place, ledger: Ledger) -> None:
    """Another process's lock makes a writer wait, give up in time, and go on when it is released."""
    other = os.open(place.folder / "lock", os.O_RDWR)
    fcntl.flock(other, fcntl.LOCK_EX)
    with pytest.raises(LedgerBusy):
        put(ledger, record(), wait=0.02)
    timer = threading.Timer(0.05, lambda: os.close(other))
    timer.start()
    assert put(ledger, record()).size == 2
    timer.join()


@pytest.mark.parametrize("moment", ["writer.read_checkpoint", "epochs.read_chain"])
def test_verifying_while_the_key_changes_finds_no_problem(
    place: Place, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """A key that changes between the looks at the checkpoint, the folder of keys and the certificates is no problem."""
    module, name = moment.split(".")
    look = getattr({"writer": writer, "epochs": epochs}[module], name)
    numbers = iter([1, 2])

    def after_a_change(folder: int, *, owner: int | None) -> object:
        found = look(folder, owner=owner) if name == "read_checkpoint" else None
        if next(numbers, 2) == 1:
            ledger.rotate(
                lambda number, key: record("key_epoch", epoch=number, verifier_key=key), recovered=recovery
            )
        return found if name == "read_checkpoint" else look(folder, owner=owner)

    monkeypatch.setattr(f"postwarden.ledger.verify.{moment}", after_a_change)
    found = verify(place.folder)
    monkeypatch.undo()
    assert (found.problems, found.epochs) == ((), 2)
