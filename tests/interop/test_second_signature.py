"""A second, ML-DSA-44 signature: tlog-scales verifies it, and who does not know its kind is not disturbed."""

from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from tlog_scales.signing import Vkey
from tlog_scales.tlog import Checkpoint

from postwarden.ledger.proof_file import write_inclusion
from postwarden.ledger.proving import open_sealed, prove_record
from postwarden.ledger.store import Ledger
from tests.interop.conftest import Go
from tests.unit.ledger.conftest import Place, put, record, rotate


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "state")


@pytest.fixture
def ledger(place: Place) -> Ledger:
    """A ledger of two epochs, each with a second key."""
    made = place.make(second=True)
    put(made, record())
    rotate(made)
    put(made, record())
    return made


def test_the_second_signature_is_what_others_expect(place: Place, ledger: Ledger) -> None:
    """tlog-scales takes both signatures of a checkpoint, and neither for another root."""
    checkpoint = Checkpoint.from_text(place.checkpoint.read_text(encoding="utf-8"))
    cosigner = ledger.epoch.cosigner
    assert cosigner is not None
    changed = Checkpoint(checkpoint.origin, checkpoint.size, bytes(32), checkpoint.signatures)
    for text in (ledger.epoch.key.text, cosigner.text):
        checkpoint.verify(Vkey.from_string(text))
        with pytest.raises(InvalidSignature):
            changed.verify(Vkey.from_string(text))


def test_go_passes_by_a_signature_of_a_kind_that_it_does_not_know(
    go: Go, place: Place, ledger: Ledger, tmp_path: Path
) -> None:
    """Ledger and proofs with second keys and signatures are sound to a program that knows Ed25519 only."""
    done = go("ledger", place.folder, ledger.verifier_key)
    assert (done.returncode, done.stdout) == (0, "sound: 4 records in 2 epochs, from records\n"), done.stderr
    with open_sealed(place.folder) as sealed:
        (tmp_path / "proof").write_bytes(write_inclusion(prove_record(sealed, 1)))
    assert go("proof", tmp_path / "proof", place.folder / "keys", ledger.verifier_key).returncode == 0
