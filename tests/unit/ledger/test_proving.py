"""Proofs from a ledger hold without it, and only with the key and the records that they are about."""

from pathlib import Path

import pytest

from postwarden.errors import LedgerError, LedgerUnsound
from postwarden.ledger.note import encode_base64
from postwarden.ledger.proof_file import ConsistencyProof, InclusionProof, read_proof, write_inclusion
from postwarden.ledger.proving import open_sealed, prove_consistency, prove_record, witnessed
from postwarden.ledger.store import Ledger
from postwarden.ledger.verify_proof import trust, verify_consistency, verify_inclusion
from tests.unit.ledger.conftest import Place, put, record, rotate


@pytest.fixture
def kept(place: Place, ledger: Ledger) -> list[bytes]:
    """The checkpoints of a ledger of three epochs, the last the current one."""
    checkpoints = []
    for count in (2, 5, 1):
        put(ledger, *(record(number=number) for number in range(count)))
        checkpoints.append(place.checkpoint.read_bytes())
        if len(checkpoints) < 3:
            rotate(ledger)
    return checkpoints


def prove(place: Place, index: int) -> InclusionProof:
    with open_sealed(place.folder) as sealed:
        return prove_record(sealed, index)


def connect(place: Place, old: int | bytes, new: bytes | None = None) -> ConsistencyProof:
    with open_sealed(place.folder) as sealed:
        return prove_consistency(sealed, old, new)


def test_every_record_is_proven_across_epochs(place: Place, ledger: Ledger, kept: list[bytes]) -> None:
    """With the first key and the certificates, each record's proof file verifies and holds the record."""
    chain = trust(ledger.verifier_key, place.folder / "keys").chain
    lines = place.lines()
    for index, line in enumerate(lines):
        proof = read_proof(write_inclusion(prove(place, index)))
        assert isinstance(proof, InclusionProof)
        assert (proof.index, proof.extra) == (index, line)
        assert verify_inclusion(proof, line, chain).size == len(lines)


def test_another_record_is_not_proven(place: Place, ledger: Ledger, kept: list[bytes]) -> None:
    """A proof shows its own record and no other, at its own place and under its own checkpoint."""
    chain = trust(ledger.verifier_key, place.folder / "keys").chain
    proof, other = prove(place, 2), prove(place, 3)
    assert proof.extra
    assert other.extra
    wrong = (
        (proof, other.extra),
        (proof, proof.extra + b" "),
        (InclusionProof(3, proof.path, None, proof.checkpoint), proof.extra),
        (InclusionProof(2, other.path, None, proof.checkpoint), proof.extra),
        (InclusionProof(2, proof.path, None, kept[1]), proof.extra),
    )
    for bad, line in wrong:
        with pytest.raises(LedgerUnsound):
            verify_inclusion(bad, line, chain)


def test_there_is_no_proof_of_a_record_that_is_not_there(place: Place, kept: list[bytes]) -> None:
    """An index beyond the ledger is said to be that."""
    with pytest.raises(LedgerError, match="no record 99"):
        prove(place, 99)


def test_a_changed_record_proves_nothing(place: Place, kept: list[bytes]) -> None:
    """Once any record was changed on the disk, no proof is given away any more."""
    place.segment.write_bytes(place.segment.read_bytes().replace(b'"number":1', b'"number":7', 1))
    with pytest.raises(LedgerUnsound, match="root"):
        prove(place, 0)
    with pytest.raises(LedgerUnsound, match="root"):
        connect(place, 2)


def test_a_proof_without_certificates_holds_for_the_first_epoch_only(place: Place, ledger: Ledger) -> None:
    """The first key alone verifies what it signed; a later epoch needs the certificates."""
    put(ledger, record())
    first = prove(place, 1)
    assert first.extra
    alone = trust(ledger.verifier_key, None)
    assert (alone.compared, alone.certified) == (True, False)
    assert verify_inclusion(first, first.extra, alone.chain).size == 2
    rotate(ledger)
    put(ledger, record())
    later = prove(place, 1)
    with pytest.raises(LedgerUnsound, match="checkpoint is not sound"):
        verify_inclusion(later, first.extra, alone.chain)


def test_trust_needs_a_key_or_certificates(place: Place, ledger: Ledger) -> None:
    """Without both there is nothing to trust; with certificates alone the first key is not compared."""
    with pytest.raises(LedgerError, match="no key"):
        trust(None, None)
    assert not trust(None, place.folder / "keys").compared


def test_another_ledgers_certificates_are_not_followed(place: Place, ledger: Ledger, tmp_path: Path) -> None:
    """A folder of certificates that does not begin with the kept key is not sound."""
    other = Place(tmp_path / "other").make()
    with pytest.raises(LedgerUnsound, match="not the one"):
        trust(other.verifier_key, place.folder / "keys")


def test_a_missing_certificate_is_noticed(place: Place, ledger: Ledger, kept: list[bytes]) -> None:
    """A gap between the certificates is not sound, and neither is a checkpoint beyond the last of them."""
    (place.folder / "keys" / "00000001").rename(place.state / "00000001")
    with pytest.raises(LedgerUnsound, match="not a certificate"):
        trust(ledger.verifier_key, place.folder / "keys")
    (place.folder / "keys" / "00000002").unlink()
    with pytest.raises(LedgerUnsound, match="not sound"):
        prove(place, 0)


def test_kept_checkpoints_are_connected(place: Place, ledger: Ledger, kept: list[bytes]) -> None:
    """Between any two kept checkpoints, over the border of epochs too, the proof holds."""
    chain = trust(ledger.verifier_key, place.folder / "keys").chain
    for at, new in enumerate(kept):
        for old in kept[: at + 1]:
            proof = connect(place, old, new)
            assert verify_consistency(proof, old, chain) == chain.open_checkpoint(new)


def test_the_border_of_an_epoch_needs_no_kept_checkpoint(
    place: Place, ledger: Ledger, kept: list[bytes]
) -> None:
    """Where an epoch begins, its certificate says the older root; elsewhere somebody must have kept it."""
    chain = trust(ledger.verifier_key, place.folder / "keys").chain
    begins = chain.epochs[1].begins.size
    assert verify_consistency(connect(place, begins), None, chain).size == len(place.lines())
    assert verify_consistency(connect(place, 0), None, chain).size == len(place.lines())
    with pytest.raises(LedgerError, match="nothing says the root") as missing:
        verify_consistency(connect(place, begins - 1), None, chain)
    assert not isinstance(missing.value, LedgerUnsound)


def test_a_proof_of_something_else_is_refused(place: Place, ledger: Ledger, kept: list[bytes]) -> None:
    """A proof about another size than the kept checkpoint's, or with another path, does not hold."""
    chain = trust(ledger.verifier_key, place.folder / "keys").chain
    proof = connect(place, kept[0])
    with pytest.raises(LedgerUnsound, match="kept checkpoint"):
        verify_consistency(proof, kept[1], chain)
    with pytest.raises(LedgerUnsound):
        verify_consistency(ConsistencyProof(proof.old, proof.path[1:], proof.checkpoint), kept[0], chain)


def cosign(place: Place, content: bytes, size: int) -> bytes:
    """Keep a checkpoint as a witness gives it back: with a line more."""
    more = content + f"— witness.example {encode_base64(bytes(80))}\n".encode()
    (place.folder / "witnessed").mkdir(exist_ok=True)
    (place.folder / "witnessed" / f"{size:08d}").write_bytes(more)
    return more


def test_what_witnesses_said_goes_with_every_proof(place: Place, ledger: Ledger, kept: list[bytes]) -> None:
    """Proofs carry the checkpoint with its cosignatures, and an older one that was cosigned can be proven up to."""
    chain = trust(ledger.verifier_key, place.folder / "keys").chain
    size = len(place.lines())
    newest = cosign(place, kept[-1], size)
    older = cosign(place, kept[1], chain.open_checkpoint(kept[1]).size)
    proof = prove(place, 1)
    assert proof.checkpoint == newest
    assert verify_inclusion(proof, place.lines()[1], chain).size == size
    with open_sealed(place.folder) as sealed:
        assert witnessed(sealed, size) == newest
        assert witnessed(sealed, chain.open_checkpoint(kept[1]).size) == older
        assert witnessed(sealed, 1) is None
    assert verify_consistency(connect(place, kept[0], older), kept[0], chain).size < size


def test_a_witness_that_saw_another_root_is_heard(place: Place, ledger: Ledger, kept: list[bytes]) -> None:
    """Where a checkpoint of the same size was cosigned and is another one, nothing is proven."""
    cosign(place, kept[0], len(place.lines()))
    with pytest.raises(LedgerUnsound, match="two roots"):
        prove(place, 1)


def test_a_rewritten_ledger_is_not_connected(place: Place, ledger: Ledger, tmp_path: Path) -> None:
    """Whoever rewrote the open epoch with its key cannot connect it to a checkpoint that somebody kept."""
    seed = (place.private / "00000000").read_bytes()
    put(ledger, record(number=1))
    kept = place.checkpoint.read_bytes()
    _rewrite(place, seed)
    with pytest.raises(LedgerUnsound, match="kept checkpoint over 2 records"):
        connect(place, kept)


def _rewrite(place: Place, seed: bytes) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from postwarden.ledger.checkpoint import sign_checkpoint
    from postwarden.ledger.segments import Edge, follow

    lines = [*place.lines()[:1], record(number=6), record(number=7)]
    place.segment.write_bytes(b"".join(line + b"\n" for line in lines))
    private = Ed25519PrivateKey.from_private_bytes(seed)
    signed = sign_checkpoint(follow(Edge(), lines).position, place.open().origin, private)
    place.checkpoint.write_bytes(signed)


def test_sizes_that_do_not_fit(place: Place, ledger: Ledger, kept: list[bytes]) -> None:
    """A larger size first, or one that the ledger does not have, is refused."""
    with pytest.raises(LedgerError, match="not the beginning"):
        connect(place, 99)
    with pytest.raises(LedgerError, match="not the beginning"):
        connect(place, kept[1], kept[0])
    with pytest.raises(LedgerError, match="not one of this ledger"):
        connect(place, kept[0].replace(b"test.example\n", b"other.example\n", 1))


def test_what_is_no_ledger(tmp_path: Path) -> None:
    """An empty folder is said to be no ledger."""
    with pytest.raises(LedgerError, match="is not a ledger"), open_sealed(tmp_path):
        pass


def test_a_pruned_record_is_proven_without_its_content(
    place: Place, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where only a segment's hashes are left, the proof holds for whoever kept the record, and has no copy of it."""
    from postwarden.ledger import nodes, segments
    from postwarden.ledger.tree import leaf_hash

    put(ledger, *(record(number=number) for number in range(6)))
    lines = place.lines()
    for module in (segments, nodes):
        monkeypatch.setattr(module, "LENGTH", 4)
    monkeypatch.setattr(nodes, "_TOP", 2)
    (place.folder / "hashes").mkdir()
    (place.folder / "hashes" / "00000000").write_bytes(b"".join(map(leaf_hash, lines[:4])))
    place.segment.unlink()
    (place.folder / "records" / "00000004.jsonl").write_bytes(b"".join(line + b"\n" for line in lines[4:]))
    proof = prove(place, 2)
    assert proof.extra is None
    assert verify_inclusion(proof, lines[2], trust(ledger.verifier_key, None).chain).size == 7
    assert encode_base64(lines[2]) not in write_inclusion(proof).decode()
