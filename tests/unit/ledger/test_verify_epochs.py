"""Verification follows the keys, and holds the ledger against whoever saw it before."""

import json
import shutil
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from postwarden.ledger import segments
from postwarden.ledger.checkpoint import Position, sign_checkpoint
from postwarden.ledger.epochs import Epoch, sign_certificate
from postwarden.ledger.note import make_key
from postwarden.ledger.segments import Edge
from postwarden.ledger.store import Ledger
from postwarden.ledger.verify import Remembered, verify
from tests.unit.ledger.conftest import ORIGIN, TIME, Faults, Killed, Place, key_epoch, put, record, rotate


@pytest.fixture
def three(place: Place, ledger: Ledger) -> Place:
    """A ledger of three epochs, which ends in the middle of the third."""
    put(ledger, record(number=1))
    rotate(ledger)
    put(ledger, record(number=2), record(number=3))
    rotate(ledger)
    put(ledger, record(number=4))
    assert verify(place.folder).sound
    return place


def whats(place: Place, **given: Any) -> list[str]:
    found = verify(place.folder, **given)
    assert found.sound == (not found.problems)
    return [problem.what for problem in found.problems]


def private_of(place: Place) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes((place.private / "00000002").read_bytes())


def edge_of(lines: list[bytes]) -> Edge:
    return segments.follow(Edge(), lines)


def rewrite(place: Place, lines: list[bytes], private: Ed25519PrivateKey) -> None:
    """What somebody does who holds a private key: other records, and a checkpoint over them."""
    place.segment.write_bytes(b"".join(line + b"\n" for line in lines))
    place.checkpoint.write_bytes(sign_checkpoint(edge_of(lines).position, ORIGIN, private))


def test_any_epochs_key_may_be_the_kept_one(three: Place) -> None:
    """The first key, or a later one that somebody kept, is found in the chain; a stranger's is not."""
    ledger = three.open()
    assert verify(three.folder, key=ledger.verifier_key).compared_epoch == 0
    assert verify(three.folder, key=ledger.epoch.key.text).compared_epoch == 2
    stranger = make_key(ORIGIN, bytes(32)).text
    assert whats(three, key=stranger)[0] == "none of the ledger's keys is the one that it was compared with"


@pytest.mark.parametrize("index", range(5))
def test_the_last_key_cannot_rewrite_a_closed_epoch(three: Place, index: int) -> None:
    """Whoever takes the key of the open epoch can change nothing in the closed ones."""
    lines = three.lines()
    lines[index] = record(number=99)
    rewrite(three, lines, private_of(three))
    assert any("not those that the certificate of epoch" in what for what in whats(three))


def test_the_last_key_rewrites_the_open_epoch_and_only_a_witness_sees_it(three: Place) -> None:
    """What the open epoch's key signs anew is sound by itself; somebody who saw the ledger before knows better."""
    before = three.open().position()
    lines = three.lines()
    lines[-1] = record(number=99)
    rewrite(three, lines, private_of(three))
    assert whats(three) == []
    assert whats(three, remembered=[Remembered("the witness w", before)]) == [
        f"the first {before.size} records are not those that the witness w has seen"
    ]


def test_sealing_older_records_with_the_new_key_does_not_pass(three: Place) -> None:
    """Cut to a closed epoch and signed with a later key (journald's CVE-2023-31439) is not sound."""
    lines = three.lines()
    for size in range(1, 6):
        rewrite(three, lines[:size], private_of(three))
        assert any("is signed with the key of epoch 2" in what for what in whats(three))


def test_cut_and_carried_on_does_not_pass(three: Place) -> None:
    """Cut within a closed epoch and filled up with other records (journald's CVE-2023-31438) is not sound."""
    lines = three.lines()
    rewrite(three, [*lines[:2], *(record(number=50 + number) for number in range(8))], private_of(three))
    assert any("not those that the certificate of epoch 1 has seen" in what for what in whats(three))


def test_cut_before_a_certificate_shows_by_the_certificate(three: Place) -> None:
    """An older checkpoint of a closed epoch, put back with its records, contradicts the later certificate."""
    copy = Place(three.state.with_name("copy"))
    shutil.copytree(three.state, copy.state)
    rotate(copy.open())
    shutil.copy(copy.folder / "keys" / "00000003", three.folder / "keys" / "00000003")
    assert whats(three) == [
        (
            f"the certificate of epoch 3 has seen {len(copy.lines())} records, and the ledger has"
            f" {len(three.lines())}: it was cut off or put back"
        )
    ]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda keys: (keys / "00000001").unlink(), "not a file of the ledger"),
        (lambda keys: (keys / "00000002").unlink(), "no signature of the expected key"),
        (lambda keys: (keys / "00000002").write_bytes(b""), "epoch 2 is not sound"),
        (lambda keys: shutil.copy(keys / "00000001", keys / "00000002"), "is of epoch 1, not of 2"),
        (lambda keys: shutil.copy(keys / "00000002", keys / "00000003"), "is of epoch 2, not of 3"),
        (lambda keys: (keys / "00000000").unlink(), "first key's certificate, keys/00000000, is missing"),
    ],
)
def test_a_certificate_too_few_or_too_many_shows(
    three: Place, change: Callable[[object], object], why: str
) -> None:
    """Exactly one certificate for each epoch: one that is gone, empty, doubled or in another's place shows."""
    change(three.folder / "keys")
    assert any(why in what for what in whats(three))


def test_unsigned_and_unknown_signatures_are_no_pass(three: Place) -> None:
    """A checkpoint without signature, with a stranger's, or with a cosignature alone is not sound."""
    text = three.checkpoint.read_bytes().split(b"\n\n")[0] + b"\n"
    stranger = Ed25519PrivateKey.generate()
    position = three.open().position()
    for content in (
        text,
        text + b"\n",
        sign_checkpoint(position, ORIGIN, stranger),
        sign_checkpoint(position, ORIGIN, stranger).replace("— ".encode(), b"- "),
    ):
        three.checkpoint.write_bytes(content)
        assert any("the checkpoint is not sound" in what for what in whats(three))


def test_a_certificate_that_no_record_names_shows(three: Place) -> None:
    """A new certificate by the stolen last key, whose record is not there, is not sound."""
    stolen, new = private_of(three), Ed25519PrivateKey.generate()
    position = three.open().position()
    epoch = Epoch(3, position, make_key(ORIGIN, new.public_key().public_bytes_raw()), TIME)
    (three.folder / "keys" / "00000003").write_bytes(sign_certificate(epoch, stolen))
    lines = [*three.lines(), record(number=5)]
    rewrite(three, lines, new)
    assert whats(three) == [f"record {position.size - 1} should name the key of epoch 3"]


def test_a_record_that_names_another_key_than_its_certificate_shows(three: Place) -> None:
    """If record and certificate name different keys, or numbers, the ledger is not sound."""
    stolen, new = private_of(three), Ed25519PrivateKey.generate()
    key = make_key(ORIGIN, new.public_key().public_bytes_raw())
    for line in (key_epoch(3, make_key(ORIGIN, bytes(32)).text), key_epoch(4, key.text)):
        lines = [*three.lines(), line]
        begins = edge_of(lines).position
        (three.folder / "keys" / "00000003").write_bytes(
            sign_certificate(Epoch(3, begins, key, TIME), stolen)
        )
        three.checkpoint.write_bytes(sign_checkpoint(begins, ORIGIN, stolen))
        three.segment.write_bytes(b"".join(each + b"\n" for each in lines))
        assert whats(three) == [f"record {begins.size - 1} names another key than the certificate of epoch 3"]
        (three.folder / "keys" / "00000003").unlink()
        rewrite(three, lines[:-1], stolen)


def test_an_epoch_that_ends_without_a_certificate_shows(three: Place) -> None:
    """A record of a new key after which the old one goes on is not sound."""
    lines = [*three.lines(), key_epoch(3, make_key(ORIGIN, bytes(32)).text), record(number=5)]
    rewrite(three, lines, private_of(three))
    assert whats(three) == [
        f"record {len(lines) - 2} ends an epoch, and there is no certificate for the next"
    ]


def test_a_change_that_a_crash_cut_off_is_told_and_sound(
    place: Place, ledger: Ledger, faults: Faults
) -> None:
    """Between record and certificate the ledger is sound, and verification says what is still to come."""
    put(ledger, record(number=1))
    seen = set()
    for number in range(1000):
        copy = Place(place.state.with_name("copy"))
        shutil.copytree(place.state, copy.state)
        faults.restart()
        faults.at(number, "kill")
        try:
            rotate(copy.open())
        except Killed:
            found = verify(copy.folder)
            assert found.sound
            seen.add((found.size, found.epochs, found.next_epoch))
            shutil.rmtree(copy.state)
        else:
            break
    assert seen == {(2, 1, None), (3, 1, 1), (3, 2, None)}


def test_whoever_saw_the_same_ledger_agrees(three: Place) -> None:
    """Positions that the ledger went through, at whatever size, are no problem, and are named."""
    lines = three.lines()
    remembered = [
        Remembered(f"witness {size}", edge_of(lines[:size]).position) for size in range(1, len(lines) + 1)
    ]
    found = verify(three.folder, remembered=remembered)
    assert (found.sound, found.remembered) == (True, tuple(remembered))


def test_whoever_saw_more_or_other_records_contradicts(three: Place) -> None:
    """A longer ledger, or another root at any size, is named with both sizes."""
    size = len(three.lines())
    longer = Remembered("the file x", Position(size + 1, bytes(32)))
    assert whats(three, remembered=[longer]) == [
        f"the file x has seen {size + 1} records, and the ledger has {size}: it was cut off or put back"
    ]
    for seen in range(1, size + 1):
        other = Remembered("the file x", Position(seen, bytes(32)))
        assert whats(three, remembered=[other]) == [
            f"the first {seen} records are not those that the file x has seen"
        ]


def test_a_second_opening_shows(three: Place) -> None:
    """A record that opens the ledger again in its middle is not sound."""
    line = record("ledger_opened", origin=ORIGIN, verifier_key="x")
    put(three.open(), line)
    assert whats(three) == [f"record {len(three.lines()) - 1} opens a ledger that is open"]
    assert json.loads(line)["kind"] == "ledger_opened"


def test_a_first_record_of_another_key_shows(place: Place) -> None:
    """Other certificates beside records that stay as they are contradict what the first record says."""
    place.make()
    other = Place(place.state.with_name("other"))
    other.make()
    lines = place.lines()
    shutil.copytree(other.folder / "keys", place.folder / "keys", dirs_exist_ok=True)
    private = Ed25519PrivateKey.from_private_bytes((other.private / "00000000").read_bytes())
    rewrite(place, lines, private)
    assert whats(place) == ["the first record names another key than the first certificate"]
