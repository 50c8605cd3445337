"""The signing key changes: the old one is destroyed, and a crash between two steps leaves nothing half done."""

import json
import shutil

import pytest

from postwarden.errors import LedgerError, LedgerUnsound
from postwarden.ledger.store import Ledger
from postwarden.ledger.verify import verify
from tests.unit.ledger.conftest import Faults, Killed, Place, put, record, recovery, rotate


def private_names(place: Place) -> list[str]:
    return sorted(path.name for path in place.private.iterdir())


def test_a_rotation_writes_a_record_and_a_certificate_and_destroys_the_old_key(
    place: Place, ledger: Ledger
) -> None:
    """The record is the last one that the old key signs; the certificate binds the new key to what is there."""
    put(ledger, record(number=1))
    epoch = rotate(ledger)
    line = json.loads(place.lines()[-1])
    assert (line["kind"], line["epoch"], line["verifier_key"]) == ("key_epoch", 1, epoch.key.text)
    assert epoch.begins == ledger.position()
    assert private_names(place) == ["00000001"]
    assert (place.folder / "keys" / "00000001").is_file()
    put(ledger, record(number=2))
    assert ledger.epoch == epoch
    found = verify(place.folder)
    assert (found.sound, found.epochs, found.size) == (True, 2, 4)


def test_every_process_follows_the_rotation_of_another(place: Place, ledger: Ledger) -> None:
    """A ledger that was open while another process changed the key goes on with the new one."""
    rotate(place.open())
    rotate(place.open())
    assert ledger.position().size == 3
    put(ledger, record(number=1))
    assert ledger.epoch.number == 2
    assert verify(place.folder).sound


def test_an_epoch_without_a_record_of_its_own_is_certified_too(place: Place, ledger: Ledger) -> None:
    """Two changes one after the other make an epoch that signs only the record of its end."""
    rotate(ledger)
    put(rotate_twice(place), record(number=1))
    found = verify(place.folder)
    assert (found.sound, found.epochs) == (True, 4)


def rotate_twice(place: Place) -> Ledger:
    ledger = place.open()
    rotate(ledger)
    rotate(ledger)
    return ledger


def test_the_record_of_a_change_comes_after_what_was_found_beyond_the_checkpoint(
    place: Place, ledger: Ledger
) -> None:
    """A left-over is recorded before the change, so that the change's record is the last of its epoch."""
    with place.segment.open("ab") as file:
        file.write(b"left over")
    rotate(ledger)
    assert [json.loads(line)["kind"] for line in place.lines()][1:] == ["recovery", "key_epoch"]
    put(ledger, record(number=1))
    assert verify(place.folder).sound


@pytest.mark.parametrize("before", [0, 1], ids=["the first change", "right after another"])
def test_a_crash_at_any_call_leaves_a_change_that_is_done_or_not(
    before: int, place: Place, ledger: Ledger, faults: Faults
) -> None:
    """Killed before each system call in turn: the next commit works, one key is left, and the ledger is sound."""
    put(ledger, record(number=1))
    for _ in range(before):
        rotate(ledger)
    trial = Place(place.state.with_name("trial"))
    shutil.copytree(place.state, trial.state)
    faults.restart()
    rotate(trial.open())
    outcomes = []
    for number in range(len(faults.log)):
        shutil.rmtree(trial.state)
        shutil.copytree(place.state, trial.state)
        faults.restart()
        faults.at(number, "kill")
        with pytest.raises(Killed):
            rotate(trial.open())
        faults.restart()
        put(trial.open(), record(number=2))
        epoch = trial.open().epoch.number
        assert private_names(trial) == [f"{epoch:08d}"]
        kinds = [json.loads(line)["kind"] for line in trial.lines()]
        assert kinds.count("key_epoch") == epoch
        found = verify(trial.folder)
        assert (found.sound, found.epochs) == (True, epoch + 1)
        outcomes.append(epoch)
    assert outcomes == sorted(outcomes)
    assert set(outcomes) == {before, before + 1}


def test_a_failure_at_any_call_is_told_and_made_good(place: Place, ledger: Ledger, faults: Faults) -> None:
    """Each system call of a change fails in turn: an error is told, and the next process goes on soundly."""
    trial = Place(place.state.with_name("trial"))
    shutil.copytree(place.state, trial.state)
    faults.restart()
    rotate(trial.open())
    for number in range(len(faults.log)):
        shutil.rmtree(trial.state)
        shutil.copytree(place.state, trial.state)
        faults.restart()
        faults.at(number, "EIO")
        with pytest.raises(LedgerError):
            rotate(trial.open())
        faults.restart()
        put(trial.open(), record(number=2))
        assert len(private_names(trial)) == 1
        assert verify(trial.folder).sound


def test_older_private_keys_that_come_back_are_destroyed(place: Place, ledger: Ledger) -> None:
    """A private key of an earlier epoch that a backup brought back goes with the next commit."""
    old = (place.private / "00000000").read_bytes()
    rotate(ledger)
    (place.private / "00000000").write_bytes(old)
    (place.private / "00000000").chmod(0o600)
    put(place.open(), record(number=1))
    assert private_names(place) == ["00000001"]


def test_a_waiting_key_that_the_record_does_not_name_stops_the_writer(
    place: Place, ledger: Ledger, faults: Faults
) -> None:
    """If somebody changed the key that waits for its certificate, nothing is certified or signed."""
    faults.restart()
    rotate_until_certificate(place, faults)
    (place.private / "00000001").write_bytes(bytes(32))
    before = place.checkpoint.read_bytes()
    with pytest.raises(LedgerError, match="not the one that the last record names"):
        put(place.open(), record(number=1))
    assert place.checkpoint.read_bytes() == before


def rotate_until_certificate(place: Place, faults: Faults) -> None:
    """A change that ends after its record and before its certificate."""
    for number in range(1000):
        copy = Place(place.state.with_name("copy"))
        shutil.copytree(place.state, copy.state)
        faults.restart()
        faults.at(number, "kill")
        with pytest.raises(Killed):
            rotate(copy.open())
        faults.restart()
        if len(copy.lines()) == 2:
            shutil.rmtree(place.state)
            copy.state.rename(place.state)
            return
        shutil.rmtree(copy.state)
    raise AssertionError("no call is between record and certificate")


def test_a_missing_certificate_is_not_made_again_without_its_key(place: Place, ledger: Ledger) -> None:
    """Where a certificate is lost after its signer was destroyed, the writer stops: the ledger is not sound."""
    rotate(ledger)
    put(ledger, record(number=1))
    (place.folder / "keys" / "00000001").unlink()
    with pytest.raises(LedgerUnsound, match="checkpoint is not sound"):
        put(place.open(), record(number=2))
    found = verify(place.folder)
    assert not found.sound


def test_a_rotation_in_a_segment_of_its_own(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The record of a change may be the last or the first of a segment."""
    monkeypatch.setattr("postwarden.ledger.segments.LENGTH", 2)
    monkeypatch.setattr("postwarden.ledger.writer.LENGTH", 2)
    ledger = place.make()
    for _ in range(5):
        rotate(ledger)
    put(ledger, record(number=1))
    rotate(place.open())
    found = verify(place.folder)
    assert (found.sound, found.epochs) == (True, 7)


def test_the_record_must_be_a_records_form(place: Place, ledger: Ledger) -> None:
    """A change whose record is not a record changes nothing: the old key goes on."""
    with pytest.raises(LedgerError, match="not a json object"):
        ledger.rotate(lambda _number, _key: b"[]", recovered=recovery)
    put(ledger, record(number=1))
    assert (ledger.epoch.number, private_names(place)) == (0, ["00000000"])
    assert verify(place.folder).sound


def test_the_disk_of_the_private_keys_may_be_full(place: Place, ledger: Ledger, faults: Faults) -> None:
    """If the new key cannot be kept, that is said, and the old key goes on."""
    faults.restart()
    faults.at(0, "ENOSPC")
    with pytest.raises(LedgerError, match="next private key was not written: no space left") as caught:
        rotate(ledger)
    assert caught.value.hint
    faults.restart()
    put(ledger, record(number=1))
    assert verify(place.folder).sound


def test_a_passphrase_wraps_the_keys_from_the_next_change_on(place: Place, ledger: Ledger) -> None:
    """A ledger opened with a passphrase goes on with its bare key and wraps the one that follows it."""
    put(ledger, record(number=1))
    with_passphrase = place.open(unlock=lambda: b"secret words")
    put(with_passphrase, record(number=2))
    rotate(with_passphrase)
    assert len((place.private / "00000001").read_bytes()) > 32
    put(place.open(unlock=lambda: b"secret words"), record(number=3))
    with pytest.raises(LedgerError, match="wrapped by a passphrase"):
        put(place.open(), record(number=4))


def test_a_later_key_beside_an_older_ledger_is_left_alone(place: Place, ledger: Ledger) -> None:
    """If only the ledger's folder was put back, the writer stops and does not destroy the key of the newer one."""
    shutil.copytree(place.folder, place.state / "backup")
    rotate(ledger)
    shutil.rmtree(place.folder)
    (place.state / "backup").rename(place.folder)
    seed = (place.private / "00000001").read_bytes()
    with pytest.raises(LedgerError, match="00000000 is missing") as caught:
        put(place.open(), record(number=1))
    assert "as a whole" in str(caught.value.hint)
    assert (place.private / "00000001").read_bytes() == seed
