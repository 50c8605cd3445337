"""A real ledger and a real witness through changes of the ledger's key."""

from collections.abc import Callable
from pathlib import Path

import pytest

from postwarden.errors import LedgerUnsound
from postwarden.ledger.cosignature import find_cosignature
from postwarden.ledger.note import parse_key
from postwarden.pipeline.committing import Keys
from postwarden.pipeline.record import Recorder, create_ledger
from postwarden.witness.configured import Outside
from postwarden.witness.keeping import Keeping
from tests.unit.pipeline.conftest import NOW
from tests.unit.witness.conftest import NOW as SECONDS
from tests.unit.witness.conftest import Running


@pytest.mark.parametrize("second", [False, True])
def test_a_witness_follows_a_ledger_through_its_keys(
    tmp_path: Path, serve: Callable[[Keeping], Running], second: bool
) -> None:
    """With the first key alone a witness cosigns each epoch's checkpoints, also where they are signed twice."""
    state, keys = tmp_path / "state", Keys(second=second)
    first = create_ledger(state, origin="postwarden/test", run="r", actor="a", agent="p", now=NOW)
    keeping = Keeping(
        tmp_path / "witness", name="b.example/witness", logs=[parse_key(first)], clock=lambda: SECONDS
    )
    outside = Outside(witnesses=(serve(keeping).peer,))
    recorder = Recorder(state, run="r", actor="a", agent="p", clock=lambda: NOW, outside=outside, keys=keys)
    try:
        for mark in ("one", "two", "three"):
            recorder.publish()
            recorder.rotate("command")
            recorder.publish()
            recorder.configuration(mark.encode(), mark)
            recorder.publish()
            note = recorder.newest_checkpoint().encode()
            assert find_cosignature(note, keeping.key) == SECONDS
        assert recorder.ledger.epoch.number == 3
    finally:
        recorder.close()


def test_a_ledger_made_anew_under_the_old_name_is_stopped(
    tmp_path: Path, serve: Callable[[Keeping], Running]
) -> None:
    """Whoever loses the state folder and makes a ledger with the same name does not go on as if nothing was."""
    made = []
    for name in ("old", "new"):
        key = create_ledger(
            tmp_path / name, origin="postwarden/test", run=name, actor="a", agent="p", now=NOW
        )
        made.append(key)
    keeping = Keeping(
        tmp_path / "witness", name="b.example/witness", logs=[parse_key(made[0])], clock=lambda: SECONDS
    )
    outside = Outside(witnesses=(serve(keeping).peer,))
    old, new = (
        Recorder(tmp_path / name, run="r", actor="a", agent="p", clock=lambda: NOW, outside=outside)
        for name in ("old", "new")
    )
    try:
        old.publish()
        with pytest.raises(LedgerUnsound, match="another ledger"):
            new.configuration(b"x", "x")
    finally:
        old.close()
        new.close()


def test_a_witness_is_asked_once_for_each_checkpoint(
    tmp_path: Path, serve: Callable[[Keeping], Running]
) -> None:
    """What is cosigned is not sent again: the time is still the first one's."""
    times = iter([1, 2, 3])
    key = create_ledger(tmp_path / "s", origin="postwarden/test", run="r", actor="a", agent="p", now=NOW)
    keeping = Keeping(
        tmp_path / "witness", name="b.example/witness", logs=[parse_key(key)], clock=lambda: next(times)
    )
    outside = Outside(witnesses=(serve(keeping).peer,))
    recorder = Recorder(tmp_path / "s", run="r", actor="a", agent="p", clock=lambda: NOW, outside=outside)
    try:
        for _ in range(2):
            recorder.publish()
            assert find_cosignature(recorder.newest_checkpoint().encode(), keeping.key) == 1
    finally:
        recorder.close()
