"""The epochs of a ledger: one signing key each, certified by the key before it.

A certificate is a signed note with seven lines: `postwarden.epoch/v1`, the origin, the epoch's number, the
size and root (base64) at which it begins, the verifier key, and the time; an eighth names the key of the
second signature, where there is one. The first epoch's begins with nothing and is signed by its own key, each
later one by the key of the epoch before, which is destroyed then. Epoch n signs checkpoints over more records
than it begins with, and not more than the next one begins with: so whoever takes a later key can neither
sign an earlier size again nor bind an earlier size to another root.
"""

import bisect
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from postwarden.errors import LedgerError, LedgerUnsound
from postwarden.ledger import files
from postwarden.ledger.checkpoint import Position, parse_checkpoint, parse_root, parse_size
from postwarden.ledger.cosignature import CosignerKey, Kind, find_cosignature, parse_cosigner
from postwarden.ledger.note import (
    MAX_NOTE,
    VerifierKey,
    encode_base64,
    open_note,
    parse_key,
    parse_note,
    sign_note,
)
from postwarden.ledger.record import check_time
from postwarden.ledger.tree import EMPTY_ROOT

FOLDER = "keys"
_FORMAT = "postwarden.epoch/v1"
_LINES = 7


@dataclass(frozen=True, slots=True)
class Epoch:
    """The life of one signing key: its number, where it begins, its key, and when it was made.

    `cosigner` is the key of the second signature that every checkpoint of the epoch has, where there is one.
    """

    number: int
    begins: Position
    key: VerifierKey
    time: str
    cosigner: CosignerKey | None = None


class Chain:
    """Epochs from the first to the last that is known, each certified by the one before."""

    __slots__ = ("_begins", "_numbers", "epochs")

    def __init__(self, first: Epoch) -> None:
        self.epochs = [first]
        self._begins = [first.begins.size]
        self._numbers = {(first.key.name, first.key.identifier): first.number}

    @property
    def origin(self) -> str:
        return self.epochs[0].key.name

    @property
    def last(self) -> Epoch:
        return self.epochs[-1]

    def at(self, size: int) -> Epoch:
        """The epoch whose key signs a checkpoint over `size` records."""
        return self.epochs[max(0, bisect.bisect_left(self._begins, size) - 1)]

    def add(self, certificate: bytes) -> Epoch:
        """Follow the next certificate; LedgerError where it is not sound or does not follow the last epoch."""
        before = self.last
        epoch = parse_certificate(certificate)
        if epoch.key.name != self.origin:
            raise LedgerError("the certificate is of another origin than the one before it")
        if epoch.number != before.number + 1:
            raise LedgerError(f"the certificate is of epoch {epoch.number}, not of {before.number + 1}")
        if epoch.begins.size <= before.begins.size:
            raise LedgerError(f"epoch {epoch.number} does not begin after epoch {before.number}")
        identity = epoch.key.name, epoch.key.identifier
        if identity in self._numbers:
            raise LedgerError(f"epoch {epoch.number} has the key of epoch {self._numbers[identity]}")
        open_note(certificate, [before.key])
        self.epochs.append(epoch)
        self._begins.append(epoch.begins.size)
        self._numbers[identity] = epoch.number
        return epoch

    def open_checkpoint(self, content: bytes) -> Position:
        """Read and verify a checkpoint, which the key of the epoch for its size must have signed.

        A signature by the key of any other epoch makes it worthless: that is how somebody with a later key
        would seal an earlier state again. LedgerError where anything is amiss.
        """
        note = parse_note(content)
        origin, position = parse_checkpoint(note.text)
        if origin != self.origin:
            raise LedgerError(f"the checkpoint is of another origin than {self.origin}")
        epoch = self.at(position.size)
        for signature in note.signatures:
            number = self._numbers.get((signature.name, signature.identifier))
            if number is not None and number != epoch.number:
                raise LedgerError(
                    f"the checkpoint over {position.size} records is signed with the key of epoch {number},"
                    f" and epoch {epoch.number} signs that size"
                )
        open_note(content, [epoch.key])
        if epoch.cosigner is not None and find_cosignature(content, epoch.cosigner) is None:
            raise LedgerError(f"the checkpoint lacks the second signature of epoch {epoch.number}")
        return position


def file_name(number: int) -> str:
    """The name of an epoch's certificate in `keys/`, and of its private key."""
    return f"{number:08d}"


def sign_certificate(epoch: Epoch, signer: Ed25519PrivateKey) -> bytes:
    """The certificate of an epoch; `signer` is the key of the epoch before, of epoch 0 its own."""
    check_time(epoch.time)
    lines = [
        _FORMAT,
        epoch.key.name,
        str(epoch.number),
        str(epoch.begins.size),
        encode_base64(epoch.begins.root),
        epoch.key.text,
        epoch.time,
    ]
    if epoch.cosigner is not None:
        lines.append(epoch.cosigner.text)
    return sign_note(("\n".join(lines) + "\n").encode(), epoch.key.name, signer)


def begin_chain(certificate: bytes) -> Chain:
    """The chain with the first epoch alone; LedgerError where its certificate is not sound."""
    epoch = parse_certificate(certificate)
    if epoch.number != 0 or epoch.begins != Position(0, EMPTY_ROOT):
        raise LedgerError("the first key's certificate does not begin with an empty ledger")
    open_note(certificate, [epoch.key])
    return Chain(epoch)


def read_certificate(folder: int, number: int, *, owner: int | None) -> bytes | None:
    """The certificate of an epoch from the open folder `keys/`, or `None` where there is none."""
    return files.read(folder, file_name(number), owner=owner, limit=MAX_NOTE)


def read_chain(folder: int, *, owner: int | None) -> Chain:
    """The chain in the open folder `keys/`, up to the first number that has no certificate.

    LedgerUnsound where the first is missing or one is not sound.
    """
    content = read_certificate(folder, 0, owner=owner)
    if content is None:
        raise LedgerUnsound(f"the first key's certificate, {FOLDER}/{file_name(0)}, is missing", _RUN_VERIFY)
    try:
        chain = begin_chain(content)
    except LedgerError as exc:
        raise _unsound(0, exc) from exc
    extend_chain(chain, folder, owner=owner)
    return chain


def extend_chain(chain: Chain, folder: int, *, owner: int | None) -> None:
    """Follow the certificates that have come since; LedgerUnsound where one is not sound."""
    while (content := read_certificate(folder, chain.last.number + 1, owner=owner)) is not None:
        try:
            chain.add(content)
        except LedgerError as exc:
            raise _unsound(chain.last.number + 1, exc) from exc


_RUN_VERIFY = "run postwarden verify, and keep what is there as evidence"


def _unsound(number: int, exc: LedgerError) -> LedgerUnsound:
    return LedgerUnsound(f"the certificate of epoch {number} is not sound: {exc}", _RUN_VERIFY)


def parse_certificate(certificate: bytes) -> Epoch:
    """What a certificate says, nothing verified but its form; LedgerError where it is none."""
    lines = parse_note(certificate).text.decode().split("\n")
    if len(lines) not in {_LINES + 1, _LINES + 2} or lines[0] != _FORMAT:
        raise LedgerError(f"the key's certificate is not a {_FORMAT} of seven or eight lines")
    _, origin, number, size, root, key_text, time, *second = lines[:-1]
    key = parse_key(key_text)
    if key.name != origin:
        raise LedgerError("the key's certificate names another origin than its key")
    check_time(time)
    cosigner = parse_cosigner(second[0]) if second else None
    if cosigner is not None and (cosigner.name != origin or cosigner.kind is not Kind.ML_DSA_44):
        raise LedgerError("the certificate's second key is not an ml-dsa-44 key of this origin")
    return Epoch(parse_size(number), Position(parse_size(size), parse_root(root)), key, time, cosigner)
