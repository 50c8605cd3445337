"""From one signing key to the next, in steps of which each can be the last before a crash.

1. The next private key is made and brought to the disk.
2. A record names it (`key_epoch`), under a checkpoint that the old key signs: the last one it signs.
3. The certificate, signed by the old key, says at which size and root the next epoch begins.
4. The old private key is destroyed.

Whoever writes next looks first how far a rotation came: before step 2 the new key is destroyed again, after
it the rest is made up for. So no record ever follows a `key_epoch` within the same epoch.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from postwarden.errors import LedgerError
from postwarden.ledger import epochs, files, private_keys
from postwarden.ledger.checkpoint import Position
from postwarden.ledger.epochs import Chain, Epoch
from postwarden.ledger.note import make_key
from postwarden.ledger.private_keys import PrivateKeys

KIND = "key_epoch"


@dataclass(frozen=True, slots=True)
class Named:
    """What a `key_epoch` record says: the epoch that follows it, that epoch's verifier key, and when."""

    epoch: int
    verifier_key: str
    time: str


def read_record(line: bytes) -> Named | None:
    """What a `key_epoch` record says, `None` where the line is of another kind; LedgerError where it is torn."""
    if f'"kind":"{KIND}"'.encode() not in line:
        return None
    record = json.loads(line)
    if record.get("kind") != KIND:
        return None
    epoch, verifier_key, time = record.get("epoch"), record.get("verifier_key"), record.get("time")
    if type(epoch) is not int or not isinstance(verifier_key, str) or not isinstance(time, str):
        raise LedgerError(f"a {KIND} record does not name an epoch and its key")
    return Named(epoch, verifier_key, time)


def prepare(keys: PrivateKeys, chain: Chain) -> Named:
    """Step 1: the next key is made and kept; gives what its record must say, without a time."""
    number = chain.last.number + 1
    private = private_keys.make()
    try:
        private_keys.store(keys, number, chain.origin, private)
    except OSError as exc:
        raise files.failure("the next private key was not written", exc) from exc
    return Named(number, _key_text(chain.origin, private), "")


def settle(root: int, keys: PrivateKeys, chain: Chain, position: Position, last: Callable[[], bytes]) -> None:
    """Bring a rotation to its end, or take back one that has no record; under the lock, before anything else.

    `last` gives the last record. LedgerError where the disk fails, or a key that is needed is not there.
    """
    try:
        for number in private_keys.numbers(keys):
            if number > chain.last.number:
                named = read_record(last()) if number == chain.last.number + 1 else None
                _go_on(root, keys, chain, position, named)
        private_keys.destroy_others(keys, chain.last.number)
    except OSError as exc:
        raise files.failure("the change of the signing key was not brought to its end", exc) from exc


def _go_on(root: int, keys: PrivateKeys, chain: Chain, position: Position, named: Named | None) -> None:
    """Step 3, where step 2 was done with the key that is waiting."""
    number = chain.last.number + 1
    if named is None or named.epoch != number:
        return
    private = private_keys.load_found(keys, number, chain.origin)
    if private is None or named.verifier_key != _key_text(chain.origin, private):
        raise LedgerError(
            f"the private key {keys.path(number)} is not the one that the last record names",
            "restore the state folder as a whole: ledger and private key belong together",
        )
    key = make_key(chain.origin, private.public_key().public_bytes_raw())
    epoch = Epoch(number, position, key, named.time)
    certificate = epochs.sign_certificate(epoch, private_keys.load(keys, chain.last))
    with files.folder(epochs.FOLDER, within=root) as folder:
        files.store(folder, epochs.file_name(number), [certificate])
    chain.add(certificate)


def _key_text(origin: str, private: Ed25519PrivateKey) -> str:
    return make_key(origin, private.public_key().public_bytes_raw()).text
