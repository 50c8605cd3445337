"""Whenever the witness's process dies or its disk fails, nothing was answered that it does not know afterwards."""

from pathlib import Path

import pytest

from postwarden.errors import LedgerError
from postwarden.witness.keeping import Keeping
from tests.unit.ledger.conftest import Faults, Killed
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
