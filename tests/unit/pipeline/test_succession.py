"""A new ledger goes on for an old one whose key is gone."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from postwarden.errors import LedgerError, LedgerUnsound
from postwarden.ledger.predecessors import verify_predecessors
from postwarden.ledger.verify import verify
from postwarden.model.record import FindingOpened
from postwarden.pipeline import succession
from postwarden.pipeline.answers import Said, answer
from postwarden.pipeline.committing import STORE, Keys
from postwarden.pipeline.record import create_ledger
from postwarden.pipeline.succession import succeed
from tests.clock import Clock
from tests.unit.pipeline.conftest import NOW, SCOPE, done, flow, found
from tests.unit.pipeline.kept import ORIGIN, Open, clock, derived, fill, kinds, opened, state
from tests.unit.pipeline.test_record import finding, finish, reading
from tests.windows import window

__all__ = ["clock", "opened", "state"]

WINDOW = window(SCOPE)


def take_over(state: Path, old: Path, clock: Clock, origin: str = "postwarden/test/2") -> Any:
    return succeed(
        state, old, origin=origin, reason="the key is gone", run="run-2", actor="uid 0 (root)", agent="p",
        now=clock.now, keys=Keys(),
    )  # fmt: skip


def test_a_new_ledger_goes_on_for_one_whose_key_is_gone(opened: Open, state: Path, clock: Clock) -> None:
    """Its first record names where the old one ended; verification follows both; what was known is known."""
    recorder = opened()
    fill(recorder, clock)
    position, key = recorder.ledger.position(), recorder.ledger.verifier_key
    before = derived(recorder, clock)
    recorder.close()
    (state / "private" / "00000000").unlink()
    made = take_over(state, state / "ledger", clock)
    assert (made.before.origin, made.before.size, made.before.verifier_key) == (ORIGIN, position.size, key)
    result = verify(state / "ledger", key=made.verifier_key)
    assert (result.sound, result.origin) == (True, "postwarden/test/2")
    (earlier,) = verify_predecessors(result.before, None)
    assert earlier.verification is not None
    assert (earlier.sound, earlier.verification.size) == (True, position.size)
    again = opened()
    after = derived(again, clock)
    assert after["accounts"] == before["accounts"]
    assert after["findings"] == before["findings"]
    assert not any(after["histories"].values())
    assert after["due"] == before["due"]
    finish(again, reading(found(flow()), done()), [finding("a")])
    assert verify(state / "ledger").sound


def test_an_old_ledger_that_was_changed_since_shows(opened: Open, state: Path, clock: Clock) -> None:
    """If the old ledger is cut, rewritten or gone, following says so."""
    recorder = opened()
    fill(recorder, clock)
    recorder.close()
    shutil.copytree(state, state.with_name("copy"))
    made = take_over(state, state / "ledger", clock)
    old = Path(made.before.folder)
    segment = old / "records" / "00000000.jsonl"
    content = segment.read_bytes()
    segment.write_bytes(content.replace(b"run-1", b"run-9", 1))
    (earlier,) = verify_predecessors(verify(state / "ledger").before, None)
    assert not earlier.sound
    segment.write_bytes(content)
    (earlier,) = verify_predecessors(verify(state / "ledger").before, state.with_name("copy") / "ledger")
    assert earlier.sound
    old.rename(old.with_name("elsewhere"))
    (earlier,) = verify_predecessors(verify(state / "ledger").before, None)
    assert (earlier.verification, earlier.sound) == (None, True)
    assert earlier.unread


def test_a_restored_copy_is_what_a_new_ledger_goes_on_for(opened: Open, state: Path, clock: Clock) -> None:
    """The old ledger may be a copy in another place, while the state folder has none."""
    recorder = opened()
    fill(recorder, clock)
    recorder.close()
    backup = state.with_name("backup")
    (state / "ledger").rename(backup)
    shutil.rmtree(state)
    made = take_over(state, backup, clock)
    assert made.before.folder == str(backup.resolve())
    (earlier,) = verify_predecessors(verify(state / "ledger").before, None)
    assert earlier.sound


@pytest.mark.parametrize("call", ["mkdir", "rename", "create_ledger", "carried_parts"])
def test_what_was_interrupted_is_done_by_another_call(
    call: str, opened: Open, state: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever it stops, the old ledger is whole, and asked again it comes to the same."""
    recorder = opened()
    fill(recorder, clock)
    before = derived(recorder, clock)
    recorder.close()
    place = Path if call in {"mkdir", "rename"} else succession
    with monkeypatch.context() as broken:
        broken.setattr(place, call, stopped)
        with pytest.raises(KeyboardInterrupt):
            take_over(state, state / "ledger", clock)
    aside = next(state.glob("ledger.before-*"), state / "ledger")
    made = take_over(state, aside, clock)
    result = verify(state / "ledger", key=made.verifier_key)
    assert result.sound
    (earlier,) = verify_predecessors(result.before, None)
    assert earlier.verification is not None
    assert earlier.sound
    again = opened()
    assert derived(again, clock)["findings"] == before["findings"]
    assert kinds(again).count("ledger_opened") == 1


def test_a_new_ledger_that_went_on_or_is_anothers_is_not_taken_for_a_begun_one(
    opened: Open, state: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is a ledger already: it is left as it is."""
    recorder = opened()
    fill(recorder, clock)
    recorder.close()
    made = take_over(state, state / "ledger", clock)
    with pytest.raises(LedgerError, match="there is something at"):
        take_over(state, Path(made.before.folder), clock)
    other = state.with_name("other")
    create_ledger(other, origin="postwarden/test/2", run="run-0", actor="a", agent="p", now=NOW)
    with pytest.raises(LedgerError, match="there is something at"):
        take_over(other, Path(made.before.folder), clock)
    with monkeypatch.context() as broken:
        broken.setattr(succession, "carried_parts", stopped)
        with pytest.raises(KeyboardInterrupt):
            take_over(other, other / "ledger", clock, "postwarden/test/3")
    with pytest.raises(LedgerError, match="there is something at"):
        take_over(other, Path(made.before.folder), clock, "postwarden/test/3")


def test_answers_of_the_old_ledger_stay_before_those_of_the_new_one(
    opened: Open, state: Path, clock: Clock
) -> None:
    """The order of what was said is the order in which it counts, across ledgers and prunings."""
    for number, origin in enumerate(("postwarden/test/2", "postwarden/test/3", None)):
        recorder = opened()
        if not number:
            recorder.write(lambda common: [FindingOpened(**common, finding=WINDOW)])
        for name in ("Alice", "Bob"):
            said = Said(verdict="not_mine", by=f"{name} {number}", channel="telephone")
            answer(recorder, WINDOW.id, said, {})
        recorder.close()
        if origin:
            take_over(state, state / "ledger", clock, origin)
    told = [one.by for one in opened().store.answers()]
    assert told == ["Alice 0", "Bob 0", "Alice 1", "Bob 1", "Alice 2", "Bob 2"]


def stopped(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_no_ledger_goes_on_for_an_unsound_one_or_under_its_name(
    opened: Open, state: Path, clock: Clock
) -> None:
    """One name is one ledger, and what is not sound is kept as evidence: nothing is moved."""
    recorder = opened()
    fill(recorder, clock)
    recorder.close()
    with pytest.raises(LedgerError, match="has the name postwarden/test too"):
        take_over(state, state / "ledger", clock, ORIGIN)
    segment = state / "ledger" / "records" / "00000000.jsonl"
    segment.write_bytes(segment.read_bytes()[:-5])
    with pytest.raises(LedgerUnsound, match="is not sound, so no ledger can go on for it"):
        take_over(state, state / "ledger", clock)
    assert (state / "ledger").is_dir()


def test_the_state_store_of_the_new_ledger_is_made_anew_alike(
    opened: Open, state: Path, clock: Clock
) -> None:
    """Without its state store the new ledger gives the same state again."""
    recorder = opened()
    fill(recorder, clock)
    recorder.close()
    take_over(state, state / "ledger", clock)
    again = opened()
    before = derived(again, clock)
    again.close()
    (state / STORE).unlink()
    assert derived(opened(), clock) == before
