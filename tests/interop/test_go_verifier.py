"""Go's sumdb/note and sumdb/tlog take our ledgers, tiles and proofs, and refuse the same spoilt ones as we do."""

import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations_with_replacement
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from postwarden.ledger.checkpoint import Position, sign_checkpoint
from postwarden.ledger.proof_file import write_consistency, write_inclusion
from postwarden.ledger.proving import open_sealed, prove_consistency, prove_record
from postwarden.ledger.segments import Edge, follow
from postwarden.ledger.store import open_ledger
from postwarden.ledger.verify import verify
from tests.interop.conftest import ENDS, SIZES, Go, Kept
from tests.unit.ledger.conftest import Place, record, recovery

SIZE = 1000  # in the third epoch


def test_epochs_end_where_they_should(kept: dict[int, Kept]) -> None:
    """The ledger that everything here is about goes through four epochs."""
    assert kept[SIZE].epochs == 3
    assert kept[SIZES[-1]].epochs == len(ENDS) + 1 == 4


@pytest.mark.parametrize("size", SIZES)
def test_ledgers_and_tiles(go: Go, kept: dict[int, Kept], tmp_path: Path, size: int) -> None:
    """From the first key on, Go accepts the ledger's own folder and its tiles, and so do we."""
    ledger = kept[size]
    assert verify(ledger.folder, key=ledger.key).sound
    for folder, form in ((ledger.folder, "records"), (ledger.tiles(tmp_path / "tiles"), "tiles")):
        done = go("ledger", folder, ledger.key)
        assert (done.returncode, done.stdout) == (
            0,
            f"sound: {size} records in {ledger.epochs} epochs, from {form}\n",
        ), done.stderr


@pytest.mark.parametrize("size", SIZES)
def test_inclusion(go: Go, kept: dict[int, Kept], tmp_path: Path, size: int) -> None:
    """Go accepts the proofs of the first, a middle and the last record."""
    ledger = kept[size]
    with open_sealed(ledger.folder) as sealed:
        for index in {0, size // 2, size - 1}:
            path = tmp_path / f"{index}.tlog-proof"
            path.write_bytes(write_inclusion(prove_record(sealed, index)))
            done = go("proof", path, ledger.folder / "keys", ledger.key)
            assert (done.returncode, done.stdout) == (0, f"sound: record {index} of {size}\n"), done.stderr


def test_consistency(go: Go, kept: dict[int, Kept], tmp_path: Path) -> None:
    """Go accepts the proof between each two of the sizes, over the borders of epochs too."""
    for old, new in combinations_with_replacement(SIZES, 2):
        done = connect(go, kept[old], kept[new], tmp_path)
        assert (done.returncode, done.stdout) == (0, f"sound: {new} records continue {old}\n"), done.stderr


def connect(go: Go, old: Kept, new: Kept, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    with open_sealed(new.folder) as sealed:
        (tmp_path / "proof").write_bytes(write_consistency(prove_consistency(sealed, old.checkpoint)))
    (tmp_path / "old").write_bytes(old.checkpoint)
    return go("proof", tmp_path / "proof", new.folder / "keys", new.key, tmp_path / "old")


def _lines(ledger: Kept) -> list[bytes]:
    return (ledger.folder / "records" / "00000000.jsonl").read_bytes().split(b"\n")[:-1]


def _write(ledger: Kept, lines: list[bytes]) -> None:
    (ledger.folder / "records" / "00000000.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))


def change_a_record(ledger: Kept) -> None:
    lines = _lines(ledger)
    lines[500] = lines[500].replace(b"tester", b"Tester")
    _write(ledger, lines)


def swap_two_records(ledger: Kept) -> None:
    lines = _lines(ledger)
    lines[5], lines[6] = lines[6], lines[5]
    _write(ledger, lines)


def double_a_record(ledger: Kept) -> None:
    lines = _lines(ledger)
    _write(ledger, [*lines[:9], lines[8], *lines[9:]])


def take_the_last_record(ledger: Kept) -> None:
    _write(ledger, _lines(ledger)[:-1])


def take_a_certificate(ledger: Kept) -> None:
    (ledger.folder / "keys" / "00000001").unlink()


def take_the_last_certificate(ledger: Kept) -> None:
    (ledger.folder / "keys" / "00000002").unlink()


def skip_a_certificate(ledger: Kept) -> None:
    (ledger.folder / "keys" / "00000002").replace(ledger.folder / "keys" / "00000001")


def double_a_certificate(ledger: Kept) -> None:
    content = (ledger.folder / "keys" / "00000002").read_bytes()
    (ledger.folder / "keys" / "00000003").write_bytes(content)


def change_a_certificate(ledger: Kept) -> None:
    path = ledger.folder / "keys" / "00000001"
    path.write_bytes(path.read_bytes().replace(b"\n3\n", b"\n2\n", 1))


def replay_a_checkpoint(ledger: Kept) -> None:
    (ledger.folder / "checkpoint").write_bytes((ledger.folder.parents[1] / "old").read_bytes())


def change_the_checkpoint(ledger: Kept) -> None:
    path = ledger.folder / "checkpoint"
    path.write_bytes(path.read_bytes().replace(b"\n1000\n", b"\n1001\n"))


def take_the_signature(ledger: Kept) -> None:
    path = ledger.folder / "checkpoint"
    path.write_bytes(path.read_bytes().partition(b"\n\n")[0] + b"\n\n")


def _stolen(ledger: Kept) -> Ed25519PrivateKey:
    """The key of the open epoch: whoever takes the host has it, and none of the earlier ones."""
    (path,) = ledger.private.iterdir()
    assert path.name == "00000002"
    return Ed25519PrivateKey.from_private_bytes(path.read_bytes())


def _sign(ledger: Kept, position: Position) -> None:
    origin = ledger.key.partition("+")[0]
    (ledger.folder / "checkpoint").write_bytes(sign_checkpoint(position, origin, _stolen(ledger)))


def rewrite_a_closed_epoch(ledger: Kept) -> None:
    lines = _lines(ledger)
    lines[1] = lines[1].replace(b"tester", b"Tester")
    _write(ledger, lines)
    _sign(ledger, follow(Edge(), lines).position)


def cut_and_seal_again(ledger: Kept) -> None:
    lines = _lines(ledger)[:100]
    _write(ledger, lines)
    _sign(ledger, follow(Edge(), lines).position)


def cut_seal_again_and_take_certificates(ledger: Kept) -> None:
    cut_and_seal_again(ledger)
    (ledger.folder / "keys" / "00000002").unlink()


def leave_it_unsigned_by_a_known_key(ledger: Kept) -> None:
    lines = _lines(ledger)
    private = Ed25519PrivateKey.from_private_bytes(bytes(32))
    position = follow(Edge(), lines).position
    origin = ledger.key.partition("+")[0]
    (ledger.folder / "checkpoint").write_bytes(sign_checkpoint(position, origin, private))


SPOILERS: list[Callable[[Kept], None]] = [
    change_a_record,
    swap_two_records,
    double_a_record,
    take_the_last_record,
    take_a_certificate,
    take_the_last_certificate,
    skip_a_certificate,
    double_a_certificate,
    change_a_certificate,
    replay_a_checkpoint,
    change_the_checkpoint,
    take_the_signature,
    rewrite_a_closed_epoch,
    cut_and_seal_again,
    cut_seal_again_and_take_certificates,
    leave_it_unsigned_by_a_known_key,
]


@pytest.mark.parametrize("spoil", SPOILERS, ids=lambda spoil: spoil.__name__)
def test_a_spoilt_ledger(
    go: Go, kept: dict[int, Kept], tmp_path: Path, spoil: Callable[[Kept], None]
) -> None:
    """What is not the ledger that was signed, Go and we refuse, also where the open epoch's key was stolen."""
    (tmp_path / "old").write_bytes(kept[8].checkpoint)
    ledger = kept[SIZE].copy(tmp_path / "copy")
    spoil(ledger)
    done = go("ledger", ledger.folder, ledger.key)
    assert (done.returncode, done.stdout, done.stderr[:10]) == (1, "", "NOT SOUND:")
    assert not verify(ledger.folder, key=ledger.key).sound


def test_a_signature_by_another_epoch_too(go: Go, kept: dict[int, Kept], tmp_path: Path) -> None:
    """A checkpoint that the right epoch and another one have signed is worth nothing: somebody sealed it again."""
    ledger = kept[257].copy(tmp_path / "copy")
    before = ledger.checkpoint
    position = follow(Edge(), _lines(ledger)).position
    _sign(ledger, position)
    (ledger.folder / "checkpoint").write_bytes(before + ledger.checkpoint.partition(b"\n\n")[2])
    done = go("ledger", ledger.folder, ledger.key)
    assert (done.returncode, "signed by epoch 2, too" in done.stderr) == (1, True), done.stderr
    assert not verify(ledger.folder, key=ledger.key).sound


def test_another_first_key(go: Go, kept: dict[int, Kept], tmp_path: Path) -> None:
    """A ledger that does not begin with the kept key is refused, whatever its own keys say."""
    other = Place(tmp_path).make().verifier_key
    assert go("ledger", kept[SIZE].folder, other).returncode == 1
    assert not verify(kept[SIZE].folder, key=other).sound


@pytest.mark.parametrize(
    "name", ["tile/entries/001", "tile/0/002", "tile/1/000.p/3", "tile/entries/003.p/232", "tile/0/003.p/232"]
)
@pytest.mark.parametrize("how", ["flip", "cut", "take", "lengthen"])
def test_spoilt_tiles(go: Go, kept: dict[int, Kept], tmp_path: Path, name: str, how: str) -> None:
    """A tile or bundle with a flipped bit, a byte too few or too many, or that is missing, is refused."""
    folder = kept[SIZE].tiles(tmp_path / "tiles")
    path = folder / name
    content = path.read_bytes()
    if how == "take":
        path.unlink()
    elif how == "cut":
        path.write_bytes(content[:-1])
    elif how == "lengthen":
        path.write_bytes(content + b"\0")
    else:
        path.write_bytes(content[:40] + bytes([content[40] ^ 4]) + content[41:])
    assert go("ledger", folder, kept[SIZE].key).returncode == 1


@pytest.mark.parametrize("kind", ["inclusion", "consistency"])
def test_spoilt_proofs(go: Go, kept: dict[int, Kept], tmp_path: Path, kind: str) -> None:
    """Flipped bits all over a proof file, and a hash left out, doubled or swapped: Go refuses each."""
    ledger = kept[SIZE]
    with open_sealed(ledger.folder) as sealed:
        whole = (
            write_inclusion(prove_record(sealed, 77))
            if kind == "inclusion"
            else write_consistency(prove_consistency(sealed, kept[255].checkpoint))
        )
    (tmp_path / "old").write_bytes(kept[255].checkpoint)
    old = [tmp_path / "old"] if kind == "consistency" else []

    def accepted(content: bytes) -> bool:
        (tmp_path / "proof").write_bytes(content)
        return go("proof", tmp_path / "proof", ledger.folder / "keys", ledger.key, *old).returncode == 0

    assert accepted(whole)
    head, separator, checkpoint = whole.partition(b"\n\n")
    lines = head.split(b"\n")
    first = next(at for at, line in enumerate(lines) if line.startswith((b"index", b"old"))) + 1
    assert len(lines) - first > 5
    for at in range(first, len(lines)):
        for bad in (
            [*lines[:at], *lines[at + 1 :]],
            [*lines[: at + 1], *lines[at:]],
            [*lines[:at], lines[at - 1], *lines[at + 1 :]],
        ):
            assert not accepted(b"\n".join(bad) + separator + checkpoint)
    for bit in range(0, 8 * len(whole), 53):
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        assert not accepted(bytes(flipped)), f"bit {bit}"


def test_a_pruned_ledger(go: Go, kept: dict[int, Kept], tmp_path: Path) -> None:
    """After pruning, the first segment's hashes stand in: Go says so, and takes the proof of a record from before."""
    ledger = kept[65_537].copy(tmp_path)
    opened = open_ledger(ledger.folder, ledger.private)
    opened.prune(65_536, lambda _: [record("records_pruned", stop=65_536)], recovered=recovery)
    for folder in (ledger.folder, ledger.tiles(tmp_path / "tiles")):
        done = go("ledger", folder, ledger.key)
        assert done.returncode == 0, done.stderr
        assert done.stdout.endswith("pruned: the first 65536 records, of which only hashes are here\n")
    with open_sealed(ledger.folder) as sealed:
        proof = prove_record(sealed, 500)
    assert proof.extra is None
    line = (kept[65_537].folder / "records" / "00000000.jsonl").read_bytes().split(b"\n")[500]
    (tmp_path / "proof").write_bytes(write_inclusion(replace(proof, extra=line)))
    assert go("proof", tmp_path / "proof", ledger.folder / "keys", ledger.key).returncode == 0
    (tmp_path / "tiles/tile/entries/256.p/2").unlink()
    assert go("ledger", tmp_path / "tiles", ledger.key).returncode == 1
    hashes = ledger.folder / "hashes/00000000"
    hashes.write_bytes(hashes.read_bytes()[32:] + bytes(32))
    assert go("ledger", ledger.folder, ledger.key).returncode == 1
    assert not verify(ledger.folder, key=ledger.key).sound


def test_an_export_with_all_its_proofs(go: Go, kept: dict[int, Kept], tmp_path: Path) -> None:
    """Go accepts an export of every record with its proof, and none in which a line is not the one that was proven."""
    import shutil

    ledger = kept[257]
    (tmp_path / "proofs").mkdir()
    with open_sealed(ledger.folder) as sealed:
        for index in range(257):
            (tmp_path / "proofs" / f"{index}.tlog-proof").write_bytes(
                write_inclusion(prove_record(sealed, index))
            )
    shutil.copy(ledger.folder / "checkpoint", tmp_path)
    shutil.copytree(ledger.folder / "keys", tmp_path / "keys")
    lines = _lines(ledger)
    records = tmp_path / "records.jsonl"
    records.write_bytes(b"".join(line + b"\n" for line in lines))
    done = go("ledger", tmp_path, ledger.key)
    assert (done.returncode, done.stdout) == (0, "sound: 257 records in 3 epochs, from proofs\n"), done.stderr
    number = json.loads(lines[9])["number"]
    records.write_bytes(records.read_bytes().replace(b'"number":%d,' % number, b'"number":0,', 1))
    assert go("ledger", tmp_path, ledger.key).returncode == 1
