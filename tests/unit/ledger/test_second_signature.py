"""Where an epoch has a second key, every checkpoint of it must bear both signatures."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from postwarden.errors import LedgerError
from postwarden.ledger.checkpoint import Position
from postwarden.ledger.cosignature import cosigner_of, find_cosignature
from postwarden.ledger.epochs import Epoch, begin_chain, sign_certificate
from postwarden.ledger.note import make_key, parse_note, sign_note
from postwarden.ledger.tree import EMPTY_ROOT
from postwarden.ledger.verify import verify
from tests.unit.ledger.conftest import ORIGIN, TIME, Place, put, record, rotate


def test_checkpoints_bear_both_signatures(place: Place) -> None:
    """A ledger made with a second key signs with both, and its certificate names the second key."""
    ledger = place.make(second=True)
    put(ledger, record(number=1))
    content = place.checkpoint.read_bytes()
    cosigner = ledger.epoch.cosigner
    assert cosigner is not None
    assert len(parse_note(content).signatures) == 2
    assert find_cosignature(content, cosigner) == 1_795_339_800
    assert place.certificate.read_bytes().split(b"\n\n")[0].decode().split("\n")[7] == cosigner.text
    assert verify(place.folder).sound


def test_a_checkpoint_without_the_second_signature_is_not_sound(place: Place) -> None:
    """If somebody takes the second signature away, or changes a byte of it, the ledger is not sound."""
    put(place.make(second=True), record(number=1))
    content = place.checkpoint.read_bytes()
    lines = content.split(b"\n")
    assert lines[-2].startswith("— ".encode())
    place.checkpoint.write_bytes(b"\n".join([*lines[:-2], b""]))
    assert "lacks the second signature of epoch 0" in verify(place.folder).problems[0].what
    with pytest.raises(LedgerError, match="lacks the second signature"):
        put(place.open(), record(number=2))
    changed = bytearray(content)
    changed[-20] ^= 1
    place.checkpoint.write_bytes(changed)
    assert not verify(place.folder).sound


def test_a_second_key_begins_and_ends_with_a_change_of_keys(place: Place) -> None:
    """What is configured holds from the next change on, whichever way."""
    put(place.make(), record(number=1))
    rotate(place.open(second=True))
    with_second = place.open(second=True)
    assert with_second.epoch.cosigner is not None
    put(with_second, record(number=2))
    assert len(parse_note(place.checkpoint.read_bytes()).signatures) == 2
    rotate(place.open())
    last = place.open()
    put(last, record(number=3))
    assert last.epoch.cosigner is None
    assert len(parse_note(place.checkpoint.read_bytes()).signatures) == 1
    found = verify(place.folder)
    assert (found.sound, found.epochs) == (True, 3)
    assert [json.loads(line)["kind"] for line in place.lines()].count("key_epoch") == 2


def test_only_an_ml_dsa_key_of_the_same_origin_is_a_second_key() -> None:
    """A certificate whose eighth line is another kind of key, or another's, is refused."""
    private = Ed25519PrivateKey.generate()
    key = make_key(ORIGIN, private.public_key().public_bytes_raw())
    for second in (
        cosigner_of(ORIGIN, private),
        cosigner_of("postwarden/other", MLDSA44PrivateKey.generate()),
    ):
        certificate = sign_certificate(Epoch(0, Position(0, EMPTY_ROOT), key, TIME, second), private)
        with pytest.raises(LedgerError, match="second key is not an ml-dsa-44 key of this origin"):
            begin_chain(certificate)
    good = sign_certificate(Epoch(0, Position(0, EMPTY_ROOT), key, TIME), private)
    text = good.split(b"\n\n")[0] + b"\n"
    for more in (b"\n", b"x\n", b"a\nb\n"):
        with pytest.raises(LedgerError):
            begin_chain(sign_note(text + more, ORIGIN, private))
