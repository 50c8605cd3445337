"""Proofs are written as the specifications say, and read in one spelling only."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as some

from postwarden.errors import LedgerError
from postwarden.ledger.checkpoint import Position, sign_checkpoint
from postwarden.ledger.proof_file import (
    MAX_PROOF,
    ConsistencyProof,
    InclusionProof,
    read_proof,
    write_consistency,
    write_inclusion,
)

CHECKPOINT = sign_checkpoint(
    Position(5, bytes(32)), "postwarden/test.example", Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
)
INCLUSION = InclusionProof(3, (b"a" * 32, b"b" * 32), b'{"a":1}', CHECKPOINT)
CONSISTENCY = ConsistencyProof(3, (b"a" * 32, b"b" * 32), CHECKPOINT)
A, B = b"YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE=", b"YmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmI="

hashes = some.lists(some.binary(min_size=32, max_size=32), max_size=63).map(tuple)
sizes = some.integers(min_value=0, max_value=10**18 - 1)


def test_an_inclusion_proof_is_written_as_specified() -> None:
    """The file has the specification's lines, and the checkpoint as it stands."""
    expected = b"c2sp.org/tlog-proof@v1\nextra eyJhIjoxfQ==\nindex 3\n" + A + b"\n" + B + b"\n\n" + CHECKPOINT
    assert write_inclusion(INCLUSION) == expected


def test_a_consistency_proof_is_written_as_a_witness_takes_it() -> None:
    """The file is what a witness is sent."""
    assert write_consistency(CONSISTENCY) == b"old 3\n" + A + b"\n" + B + b"\n\n" + CHECKPOINT


def test_a_proof_without_extra_and_hashes() -> None:
    """A ledger of one record has a proof without hashes; without extra data there is no such line."""
    content = write_inclusion(InclusionProof(0, (), None, CHECKPOINT))
    assert content == b"c2sp.org/tlog-proof@v1\nindex 0\n\n" + CHECKPOINT
    assert read_proof(content) == InclusionProof(0, (), None, CHECKPOINT)


@given(sizes, hashes, some.none() | some.binary(min_size=1, max_size=300))
def test_inclusion_proofs_survive_the_file(index: int, path: tuple[bytes, ...], extra: bytes | None) -> None:
    """What was written is read as it was."""
    proof = InclusionProof(index, path, extra, CHECKPOINT)
    assert read_proof(write_inclusion(proof)) == proof


@given(sizes, hashes)
def test_consistency_proofs_survive_the_file(old: int, path: tuple[bytes, ...]) -> None:
    """What was written is read as it was."""
    proof = ConsistencyProof(old, path, CHECKPOINT)
    assert read_proof(write_consistency(proof)) == proof


@pytest.mark.parametrize(
    "content",
    [
        b"",
        CHECKPOINT,
        b"c2sp.org/tlog-proof@v1\n\n" + CHECKPOINT,
        b"c2sp.org/tlog-proof@v2\nindex 3\n\n" + CHECKPOINT,
        b"c2sp.org/tlog-proof@v1\r\nindex 3\r\n\n" + CHECKPOINT,
        b"c2sp.org/tlog-proof@v1\nindex 03\n\n" + CHECKPOINT,
        b"c2sp.org/tlog-proof@v1\nindex +3\n\n" + CHECKPOINT,
        b"c2sp.org/tlog-proof@v1\nindex 1_0\n\n" + CHECKPOINT,
        b"c2sp.org/tlog-proof@v1\nindex  3\n\n" + CHECKPOINT,
        b"c2sp.org/tlog-proof@v1\nindex 3 \n\n" + CHECKPOINT,
        b"c2sp.org/tlog-proof@v1\nindex 3\x0b\n\n" + CHECKPOINT,
        "c2sp.org/tlog-proof@v1\nindex \u0663\n\n".encode() + CHECKPOINT,
        b"c2sp.org/tlog-proof@v1\nextra \nindex 3\n\n" + CHECKPOINT,
        b"c2sp.org/tlog-proof@v1\nextra eyJhIjoxfR==\nindex 3\n\n" + CHECKPOINT,
        b"c2sp.org/tlog-proof@v1\nindex 3\nextra eyJhIjoxfQ==\n\n" + CHECKPOINT,
        b"c2sp.org/tlog-proof@v1\nindex 3\n" + A[:-2] + b"F=\n\n" + CHECKPOINT,
        b"c2sp.org/tlog-proof@v1\nindex 3\n" + A[:40] + b"\n\n" + CHECKPOINT,
        b"c2sp.org/tlog-proof@v1\nindex 3\n" + b"\n".join([A] * 64) + b"\n\n" + CHECKPOINT,
        b"c2sp.org/tlog-proof@v1\nindex 3\n\n" + CHECKPOINT[:-1],
        b"c2sp.org/tlog-proof@v1\nindex 3\n\n" + CHECKPOINT + b"\n",
        b"old 03\n\n" + CHECKPOINT,
        b"old\n\n" + CHECKPOINT,
        b"old 3\n" + CHECKPOINT,
        b"old 3\n\n" + CHECKPOINT.partition(b"\n\n")[0] + b"\n",
        b"old 3\n\n" + CHECKPOINT + b"x" * MAX_PROOF,
    ],
)
def test_other_spellings_are_refused(content: bytes) -> None:
    """What is not exactly a proof as it is written is refused."""
    with pytest.raises(LedgerError):
        read_proof(content)


def test_a_file_that_is_too_long_is_not_read() -> None:
    """What is longer than any proof is refused by its length."""
    with pytest.raises(LedgerError, match="longer than"):
        read_proof(b"x" * (MAX_PROOF + 1))


@given(some.data())
def test_the_reader_only_ever_refuses(data: some.DataObject) -> None:
    """Garbage and spoilt proofs give our error or, read and written again, the same bytes."""
    whole = data.draw(some.sampled_from([write_inclusion(INCLUSION), write_consistency(CONSISTENCY)]))
    at = data.draw(some.integers(0, len(whole)))
    content = (
        whole[:at] + data.draw(some.binary(max_size=8)) + whole[data.draw(some.integers(at, len(whole))) :]
    )
    try:
        proof = read_proof(content)
    except LedgerError:
        return
    again = write_inclusion(proof) if isinstance(proof, InclusionProof) else write_consistency(proof)
    assert again == content


@pytest.mark.parametrize("whole", [write_inclusion(INCLUSION), write_consistency(CONSISTENCY)])
def test_every_flipped_bit_is_another_proof_or_none(whole: bytes) -> None:
    """No single flipped bit gives a file that is read as the same proof."""
    proof = read_proof(whole)
    for bit in range(8 * len(whole)):
        content = bytearray(whole)
        content[bit // 8] ^= 1 << bit % 8
        try:
            assert read_proof(bytes(content)) != proof
        except LedgerError:
            continue
