"""Each epoch's key is certified by the one before, and signs its own sizes only."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from postwarden.errors import LedgerError, LedgerUnsound
from postwarden.ledger import files
from postwarden.ledger.checkpoint import Position, sign_checkpoint
from postwarden.ledger.epochs import Chain, Epoch, begin_chain, file_name, read_chain, sign_certificate
from postwarden.ledger.note import make_key, sign_note
from postwarden.ledger.tree import EMPTY_ROOT
from tests.unit.ledger.conftest import TIME
from tests.unit.ledger.opened import follow

ORIGIN = "log.example"
PRIVATES = [Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in range(5)]
KEYS = [make_key(ORIGIN, private.public_key().public_bytes_raw()) for private in PRIVATES]
ROOTS = [bytes([size]) * 32 for size in range(30)]
BEGINS = [0, 5, 6, 20]
EPOCHS = [
    Epoch(number, Position(size, ROOTS[size] if size else EMPTY_ROOT), KEYS[number], TIME)
    for number, size in enumerate(BEGINS)
]
CERTIFICATES = [sign_certificate(epoch, PRIVATES[max(0, epoch.number - 1)]) for epoch in EPOCHS]

EMPTY = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
FIRST = ["postwarden.epoch/v1", ORIGIN, "0", "0", EMPTY, KEYS[0].text, TIME]


def test_the_first_certificate_says_its_seven_lines() -> None:
    """The first certificate is the seven lines that are documented, signed by its own key."""
    assert CERTIFICATES[0].split(b"\n\n")[0].decode().split("\n") == FIRST
    assert begin_chain(CERTIFICATES[0]).epochs == EPOCHS[:1]


@pytest.mark.parametrize(
    ("line", "value", "why"),
    [
        (0, "postwarden.epoch/v2", "not a postwarden.epoch/v1"),
        (0, "postwarden.epoch/v1\nmore\nmore", "not a postwarden.epoch/v1"),
        (1, "other.example", "another origin"),
        (2, "1", "empty ledger"),
        (2, "00", "decimal"),
        (3, "1", "empty ledger"),
        (4, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "empty ledger"),
        (5, make_key(ORIGIN, bytes(32)).text, "no signature of the expected key"),
        (6, "2026-11-22T09:30:00Z", "microseconds"),
        (6, "2026-02-30T09:30:00.000000Z", "calendar"),
    ],
)
def test_other_first_certificates_are_refused(line: int, value: str, why: str) -> None:
    """A signed certificate with one wrong line is refused, with the reason."""
    lines = [*FIRST]
    lines[line] = value
    with pytest.raises(LedgerError, match=why):
        begin_chain(sign_note("\n".join([*lines, ""]).encode(), ORIGIN, PRIVATES[0]))


def test_the_chain_is_followed_from_key_to_key() -> None:
    """Certificates that follow each other give the epochs that they name."""
    chain = follow(CERTIFICATES)
    assert (chain.epochs, chain.origin, chain.last) == (EPOCHS, ORIGIN, EPOCHS[3])


@pytest.mark.parametrize(
    ("size", "number"),
    [(0, 0), (1, 0), (5, 0), (6, 1), (7, 2), (20, 2), (21, 3), (10**17, 3)],
)
def test_each_size_has_the_one_epoch_that_signs_it(size: int, number: int) -> None:
    """An epoch signs more records than it begins with, up to what the next one begins with."""
    assert follow(CERTIFICATES).at(size) == EPOCHS[number]


@pytest.mark.parametrize("number", range(5))
@pytest.mark.parametrize("size", [1, 5, 6, 7, 20, 21, 29])
def test_no_other_key_signs_a_size(size: int, number: int) -> None:
    """A checkpoint opens with the key of its epoch only: not with an older one, a newer one, or a stranger's."""
    chain = follow(CERTIFICATES)
    content = sign_checkpoint(Position(size, ROOTS[size]), ORIGIN, PRIVATES[number])
    if number < 4 and chain.at(size).number == number:
        assert chain.open_checkpoint(content) == Position(size, ROOTS[size])
    else:
        with pytest.raises(LedgerError, match=r"with the key of epoch|no signature of the expected key"):
            chain.open_checkpoint(content)


def test_a_second_signature_by_another_epochs_key_makes_a_checkpoint_worthless() -> None:
    """A checkpoint that the right key and the key of another epoch have signed is refused."""
    chain = follow(CERTIFICATES)
    right, wrong = (sign_checkpoint(Position(6, ROOTS[6]), ORIGIN, PRIVATES[number]) for number in (1, 3))
    both = right + wrong.split(b"\n\n")[1]
    with pytest.raises(LedgerError, match="with the key of epoch 3, and epoch 1 signs that size"):
        chain.open_checkpoint(both)
    stranger = sign_note(right.split(b"\n\n")[0] + b"\n", "witness.example", PRIVATES[4])
    assert chain.open_checkpoint(right + stranger.split(b"\n\n")[1]) == Position(6, ROOTS[6])


def test_a_checkpoint_of_another_origin_is_refused() -> None:
    """A checkpoint that names another ledger is refused, whoever signed it."""
    content = sign_note(f"other.example\n6\n{EMPTY}\n".encode(), ORIGIN, PRIVATES[1])
    with pytest.raises(LedgerError, match=r"another origin than log\.example"):
        follow(CERTIFICATES).open_checkpoint(content)


def signed(epoch: Epoch, by: int = 1) -> Callable[[], list[bytes]]:
    return lambda: [*CERTIFICATES[:2], sign_certificate(epoch, PRIVATES[by])]


@pytest.mark.parametrize(
    ("certificates", "why"),
    [
        (list, "first key's certificate, keys/00000000, is missing"),
        (lambda: CERTIFICATES[1:], "epoch 0 is not sound"),
        (lambda: [CERTIFICATES[0], CERTIFICATES[2]], "is of epoch 2, not of 1"),
        (lambda: [*CERTIFICATES[:2], CERTIFICATES[1]], "is of epoch 1, not of 2"),
        (signed(EPOCHS[2], by=0), "no signature of the expected key"),
        (signed(EPOCHS[2], by=2), "no signature of the expected key"),
        (signed(EPOCHS[2], by=4), "no signature of the expected key"),
        (signed(replace(EPOCHS[2], begins=Position(5, ROOTS[5]))), "does not begin after epoch 1"),
        (signed(replace(EPOCHS[2], begins=Position(3, ROOTS[3]))), "does not begin after epoch 1"),
        (signed(replace(EPOCHS[2], number=3)), "is of epoch 3, not of 2"),
        (signed(replace(EPOCHS[2], key=KEYS[0])), "has the key of epoch 0"),
        (signed(replace(EPOCHS[2], key=KEYS[1])), "has the key of epoch 1"),
        (
            signed(replace(EPOCHS[2], key=make_key("other.example", KEYS[2].public))),
            "another origin than the one before",
        ),
    ],
)
def test_a_chain_with_a_gap_an_overlap_or_a_wrong_signer_is_refused(
    certificates: Callable[[], list[bytes]], why: str, tmp_path: Path
) -> None:
    """Exactly one certificate for each epoch, in order, by the key before, beginning later: anything else is refused."""
    for number, content in enumerate(certificates()):
        (tmp_path / file_name(number)).write_bytes(content)
    with files.folder(tmp_path) as folder, pytest.raises(LedgerUnsound, match=why):
        read_chain(folder, owner=None)


def test_every_flipped_bit_of_a_certificate_is_refused() -> None:
    """No certificate of a chain can be changed in a single bit."""
    for number in (0, 1, 3):
        for bit in range(8 * len(CERTIFICATES[number])):
            changed = bytearray(CERTIFICATES[number])
            changed[bit // 8] ^= 1 << bit % 8
            chain: Chain | None = follow(CERTIFICATES[:number]) if number else None
            with pytest.raises(LedgerError):
                begin_chain(bytes(changed)) if chain is None else chain.add(bytes(changed))
