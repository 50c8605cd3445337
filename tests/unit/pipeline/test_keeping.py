"""Old records go and what they came to stays; an erased blob is told from a lost one; the key changes."""

import json
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from postwarden.errors import LedgerError, LedgerUnsound
from postwarden.ledger.tree import leaf_hash
from postwarden.ledger.verify import verify
from postwarden.model.record import Notified
from postwarden.pipeline.committing import STORE, Keys
from postwarden.pipeline.keeping import erase, prune
from postwarden.pipeline.record import Recorder
from tests.clock import Clock
from tests.unit.pipeline.conftest import NOW, SCOPE, done, flow, found
from tests.unit.pipeline.kept import Open, clock, derived, fill, kinds, opened, state
from tests.unit.pipeline.test_record import finding, finish, reading

__all__ = ["clock", "opened", "state"]

SMALL = 8


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Segments of eight records."""
    for place in ("ledger.segments", "ledger.writer", "ledger.nodes", "ledger.pruning", "pipeline.keeping"):
        monkeypatch.setattr(f"postwarden.{place}.LENGTH", SMALL)


@pytest.mark.usefixtures("small")
def test_what_removed_records_came_to_is_known_without_the_state_store(
    opened: Open, state: Path, clock: Clock
) -> None:
    """After pruning and losing the state store: the same findings, accounts, times of sweeps and all else."""
    recorder = opened()
    fill(recorder, clock)
    clock.now += timedelta(days=1)
    pruned = prune(recorder, NOW + timedelta(days=4), "policy")
    assert pruned.stop >= 3 * SMALL
    assert pruned.segments == pruned.stop // SMALL
    before = derived(recorder, clock)
    recorder.close()
    (state / STORE).unlink()
    again = opened()
    assert derived(again, clock) == before
    assert again.ledger.first == pruned.stop
    finish(again, reading(found(flow()), done()), [finding("a")])
    result = verify(state / "ledger")
    assert (result.sound, result.pruned, result.problems) == (True, pruned.stop, ())


@pytest.mark.usefixtures("small")
def test_carried_parts_fit_into_lines(opened: Open, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Findings take as many records as they need; one that fits into none stops the pruning before anything goes."""
    recorder = opened()
    fill(recorder, clock)
    clock.now += timedelta(days=1)
    before = recorder.ledger.position()
    monkeypatch.setattr("postwarden.pipeline.keeping.MAX_LINE", 100)
    with pytest.raises(LedgerError, match="one of the findings is too long"):
        prune(recorder, NOW + timedelta(days=4), "policy")
    assert (recorder.ledger.position(), recorder.ledger.first) == (before, 0)
    monkeypatch.setattr("postwarden.pipeline.keeping.MAX_LINE", 1500)
    prune(recorder, NOW + timedelta(days=4), "policy")
    findings = [
        len(record["findings"])
        for _, line in recorder.ledger.records(before.size)
        if (record := json.loads(line))["kind"] == "state_carried" and record["findings"]
    ]
    assert sum(findings) == len(list(recorder.store.findings()))
    assert len(findings) > 1


def lists(recorder: Recorder) -> list[str]:
    """The blobs with the lists that pruning carried over."""
    lines = (line for _, line in recorder.ledger.records(recorder.ledger.first) if b'"state_carried"' in line)
    return [name for record in map(json.loads, lines) if (name := record["listed"])]


@pytest.mark.usefixtures("small")
def test_carried_lists_that_name_everybody_can_be_erased(opened: Open, state: Path, clock: Clock) -> None:
    """They are in blobs: erased, they are forgotten, and findings are not; only lost, nothing is derived without them."""
    recorder = opened()
    fill(recorder, clock)
    clock.now += timedelta(days=1)
    prune(recorder, NOW + timedelta(days=4), "policy")
    before = derived(recorder, clock)
    carried = [
        line for _, line in recorder.ledger.records(recorder.ledger.first) if b'"state_carried"' in line
    ]
    assert len(lists(recorder)) == len({"accounts", "sweeps", "sessions"})
    assert not [line for line in carried if b'"addresses"' in line]
    accounts = next(name for name in lists(recorder) if b'"accounts":[{' in recorder.ledger.blob(name))
    path = state / "ledger" / "blobs" / accounts
    content = path.read_bytes()
    path.unlink()
    (state / STORE).unlink()
    with pytest.raises(LedgerUnsound, match=f"the blob {accounts}, which carries .* is missing"):
        opened()
    path.write_bytes(content)
    erase(opened(), [accounts], "request 17")
    (state / STORE).unlink()
    after = derived(opened(), clock)
    assert before["accounts"]
    assert (after["accounts"], after["findings"], after["due"]) == ([], before["findings"], before["due"])
    assert verify(state / "ledger").sound


@pytest.mark.usefixtures("small")
def test_pruning_twice_and_in_between_goes_on(opened: Open, state: Path, clock: Clock) -> None:
    """A second pruning removes the first one's carried records too, and a store of any age follows."""
    recorder = opened()
    fill(recorder, clock)
    shutil.copy(state / STORE, state / "older")
    prune(recorder, NOW + timedelta(days=2), "first")
    fill(recorder, clock, days=9)
    clock.now += timedelta(days=1)
    second = prune(recorder, NOW + timedelta(days=8), "second")
    before = derived(recorder, clock)
    recorder.close()
    shutil.copy(state / "older", state / STORE)
    assert derived(opened(), clock) == before
    result = verify(state / "ledger")
    assert (result.sound, result.pruned) == (True, second.stop)


@pytest.mark.usefixtures("small")
def test_pruning_says_who_and_why_and_leaves_the_hashes(opened: Open, state: Path, clock: Clock) -> None:
    """The record names actor, reason and end; the root stays what it was; nothing younger goes."""
    recorder = opened()
    fill(recorder, clock)
    root_before = recorder.ledger.position()
    prune(recorder, NOW + timedelta(days=1), "policy")
    record = next(
        json.loads(line)
        for _, line in recorder.ledger.records(recorder.ledger.first)
        if b'"records_pruned"' in line
    )
    assert (record["actor"], record["reason"], record["stop"]) == (
        "uid 0 (root)", "policy", recorder.ledger.first,
    )  # fmt: skip
    times = [json.loads(line)["time"] for _, line in recorder.ledger.records(recorder.ledger.first)]
    assert min(times) >= "2026-11-23"
    assert min(path.name for path in (state / "ledger" / "hashes").iterdir()) == "00000000"
    result = verify(state / "ledger")
    assert result.sound
    assert root_before.size < (result.size or 0)


@pytest.mark.usefixtures("small")
def test_without_an_old_segment_nothing_is_removed(opened: Open, clock: Clock) -> None:
    """Where no whole segment is old enough, that is an error, and nothing is recorded."""
    recorder = opened()
    fill(recorder, clock)
    before = recorder.ledger.position()
    for time in (NOW - timedelta(days=1), NOW):
        with pytest.raises(LedgerError, match="no whole segment"):
            prune(recorder, time, "policy")
    assert recorder.ledger.position() == before


@pytest.mark.usefixtures("small")
def test_missing_records_without_a_signed_word_are_not_made_up_for(
    opened: Open, state: Path, clock: Clock
) -> None:
    """Where somebody put hashes in the place of a segment, neither verification nor the state store accepts it."""
    recorder = opened()
    fill(recorder, clock)
    prune(recorder, NOW + timedelta(days=2), "policy")
    recorder.close()
    ledger = state / "ledger"
    first = opened().ledger.first
    segment = ledger / "records" / f"{first:08d}.jsonl"
    lines = segment.read_bytes().splitlines()
    (ledger / "hashes" / f"{first:08d}").write_bytes(b"".join(leaf_hash(line) for line in lines))
    segment.unlink()
    assert next(problem.what for problem in verify(ledger).problems).startswith(
        "hashes are in place of records"
    )
    (state / STORE).unlink()
    with pytest.raises(LedgerUnsound, match="no record says who removed them"):
        opened()


def test_new_blobs_are_named_in_the_commit_that_needs_them(opened: Open, state: Path) -> None:
    """Each blob is named once, before the record that cites it; one that is used again is not named again."""
    recorder = opened()
    blob = recorder.keep(b"evidence")
    finish(recorder, reading(found(flow()), done()), [finding("a", evidence=(blob,))])
    assert kinds(recorder)[1] == "blobs_kept"
    recorder.keep(b"evidence")
    recorder.start([SCOPE], ["sieve"])
    assert kinds(recorder).count("blobs_kept") == 1
    assert verify(state / "ledger").blobs == 1


def test_a_blob_whose_commit_failed_is_named_by_the_next(
    opened: Open, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A blob on the disk that no record came to name is named as soon as it is used."""
    recorder = opened()
    blob = recorder.keep(b"evidence")
    with pytest.raises(LedgerError):
        recorder.acknowledge("no such", reason="r", until=None)
    recorder.close()
    again = opened()
    assert again.keep(b"evidence") == blob
    again.start([SCOPE], ["sieve"])
    again.refresh()
    assert kinds(again)[1] == "blobs_kept"
    assert list(again.store.named_blobs()) == [blob]


def test_an_erased_blob_is_told_from_a_lost_one(opened: Open, state: Path) -> None:
    """Erased by a record: sound, and it is said by whom; gone without one: not sound; changed: not sound."""
    recorder = opened()
    names = [recorder.keep(b"evidence %d" % number) for number in range(3)]
    recorder.start([SCOPE], ["sieve"])
    erase(recorder, names[:1], "request 17")
    result = verify(state / "ledger")
    assert (result.sound, result.blobs, result.erased) == (True, 2, 1)
    assert [(one.blob, one.actor) for one in result.erased_blobs] == [(names[0], "uid 0 (root)")]
    place = state / "ledger" / "blobs" / names[1]
    content = place.read_bytes()
    place.write_bytes(content[:-1] + b"x")
    assert [problem.what for problem in verify(state / "ledger").problems] == [
        f"the blob {names[1]} is not what its name says"
    ]
    place.unlink()
    assert [problem.what for problem in verify(state / "ledger").problems] == [
        f"the blob {names[1]}, which record 1 names, is missing"
    ]
    place.write_bytes(content)
    assert verify(state / "ledger").sound
    again = recorder.keep(b"evidence 0")
    assert again != names[0]


def test_only_named_blobs_are_erased(opened: Open, state: Path) -> None:
    """What is no blob of a record, or was erased, is an error, and nothing is recorded."""
    recorder = opened()
    blob = recorder.keep(b"evidence")
    recorder.start([SCOPE], ["sieve"])
    erase(recorder, [blob], "request 17")
    before = recorder.ledger.position()
    for name in ("ab" * 32, "../../state.sqlite", "", blob):
        with pytest.raises(LedgerError, match="no record names a blob"):
            erase(recorder, [name], "again")
    assert recorder.ledger.position() == before


@pytest.mark.usefixtures("small")
def test_blobs_of_removed_records_are_still_missed(opened: Open, state: Path, clock: Clock) -> None:
    """A blob that only a removed record named is named again, so its loss still shows."""
    recorder = opened()
    fill(recorder, clock)
    names = list(recorder.store.named_blobs())
    clock.now += timedelta(days=1)
    prune(recorder, NOW + timedelta(days=4), "policy")
    assert verify(state / "ledger").sound
    for name in names:
        place = state / "ledger" / "blobs" / name
        content = place.read_bytes()
        place.unlink()
        assert not verify(state / "ledger").sound
        place.write_bytes(content)


@pytest.mark.parametrize(("keys", "expected"), [(Keys(), 0), (Keys(records=4), 4), (Keys(days=2), 2)])
def test_the_key_changes_after_days_or_records(
    opened: Open, state: Path, clock: Clock, keys: Keys, expected: int
) -> None:
    """As configured, a new key begins after so many days or records, and never where neither is given."""
    recorder = opened(keys)
    for day in range(5):
        clock.now = NOW + timedelta(days=day)
        for _ in range(3):
            recorder.start([SCOPE], ["sieve"])
    result = verify(state / "ledger")
    assert (result.sound, result.epochs) == (True, expected + 1)
    assert len(list((state / "private").glob("0*"))) == 1


def test_a_key_changes_on_command_with_its_reason(opened: Open, state: Path) -> None:
    """The record of a change says why and by whom."""
    recorder = opened()
    recorder.rotate("a colleague left")
    record = json.loads(next(line for _, line in recorder.ledger.records(1)))
    assert (record["kind"], record["epoch"], record["reason"], record["actor"]) == (
        "key_epoch", 1, "a colleague left", "uid 0 (root)",
    )  # fmt: skip
    assert record["verifier_key"] == recorder.ledger.epoch.key.text


@pytest.mark.usefixtures("small")
def test_what_a_notifier_was_not_told_yet_stays(opened: Open, clock: Clock) -> None:
    """Records that a configured notifier is still to be told of are not removed; those of a former one are."""
    recorder = opened()
    fill(recorder, clock)
    clock.now += timedelta(days=1)
    first = recorder.store.delivered.undelivered("mail")[0]
    pruned = prune(recorder, NOW + timedelta(days=4), "policy", ["mail"])
    assert pruned.stop == first // SMALL * SMALL
    before = recorder.ledger.position()
    with pytest.raises(LedgerError, match="the notifier mail was not told yet"):
        prune(recorder, NOW + timedelta(days=4), "policy", ["mail"])
    assert recorder.ledger.position() == before
    told = tuple(recorder.store.delivered.undelivered("mail")[:3])
    recorder.write(lambda common: [Notified(**common, notifier="mail", records=told, outcome="delivered")])
    again = prune(recorder, NOW + timedelta(days=4), "policy", ["mail"])
    assert first < again.stop <= recorder.store.delivered.undelivered("mail")[0]
    assert prune(recorder, NOW + timedelta(days=5), "policy").stop > again.stop
