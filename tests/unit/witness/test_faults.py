"""Whenever the witness's process dies or its disk fails, nothing was answered that it does not know afterwards."""

import shutil
from contextlib import suppress
from pathlib import Path

import pytest

from postwarden.errors import LedgerError
from postwarden.ledger.cosignature import CosignerKey
from postwarden.witness.keeping import Keeping
from tests.unit.ledger.conftest import Faults, Killed
from tests.unit.ledger.forgetful import Disk, Outcome
from tests.unit.witness.conftest import NOW, Log
from tests.unit.witness.test_keeping import status, submit


def make(folder: Path, log: Log) -> Keeping:
    return Keeping(folder, name="b.example/witness", logs=[log.key], clock=lambda: NOW)


@pytest.mark.parametrize("fault", ["kill", "EIO", "ENOSPC", "short", "torn"])
def test_an_answer_is_never_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    """Each system call of a cosignature in turn is the last one, fails or falls short: no fork is signed afterwards."""
    number, answered = 0, 0
    faults = Faults(monkeypatch)
    while True:
        folder, log = tmp_path / str(number), Log().grow(3)
        faults.restart()
        assert status(submit(make(folder, log), log, 0)) == 200
        faults.restart()
        faults.at(number, fault)
        keeping, grown = make(folder, log), Log().grow(5)
        try:
            taken = status(submit(keeping, grown, 3)) == 200
        except (LedgerError, Killed):
            taken = False
        calls = len(faults.log)
        faults.restart()
        again = make(folder, log)
        fork = Log().grow(3)
        fork.grow(2, "x")
        if taken:
            answered += 1
            assert status(submit(again, fork, 3)) == 409
        assert status(submit(again, grown, 3)) in {200, 409}
        assert status(submit(again, grown, 5)) == 200
        assert status(submit(again, fork, 5)) == 409
        if number >= calls:
            break
        number += 1
    assert answered
    assert number > 3


@pytest.mark.timeout(300)
@pytest.mark.parametrize("outcome", Outcome)
def test_power_ends_before_each_call(tmp_path: Path, outcome: Outcome) -> None:
    """From its first start on, whatever the disk forgets: a key that was told stays, and no fork is signed."""
    number, whole = 0, False
    while not whole:
        trial, back = tmp_path / f"trial-{number}", tmp_path / f"back-{number}"
        (trial / "logs").mkdir(parents=True)
        told: list[CosignerKey] = []
        taken: list[int] = []
        with pytest.MonkeyPatch.context() as patched:
            disk = Disk(patched, trial)
            disk.ends_at = number
            with suppress(Killed):
                keeping = make(trial, Log())
                told.append(keeping.key)
                for size, old in ((3, 0), (5, 3)):
                    assert status(submit(keeping, Log().grow(size), old)) == 200
                    taken.append(size)
            whole = disk.calls < number
        disk.after(outcome, back)
        again = make(back, Log())
        if told:
            assert told == [again.key]
        known = taken[-1] if taken else 0
        if known:
            assert status(submit(again, Log().grow(known, "x"), known)) == 409
        assert status(submit(again, Log().grow(5), known)) in {200, 409}
        shutil.rmtree(trial)
        shutil.rmtree(back)
        number += 1
    assert number > 10
    assert taken == [3, 5]
