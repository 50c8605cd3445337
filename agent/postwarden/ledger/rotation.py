"""From one signing key to the next, in steps of which each can be the last before a crash.

1. The next private key is made and brought to the disk.
2. A record names it (`key_epoch`), under a checkpoint that the old key signs: the last one it signs.
3. The certificate, signed by the old key, says at which size and root the next epoch begins.
4. The old private key is destroyed.

Whoever writes next looks first how far a rotation came: before step 2 the new key is destroyed again, after
it the rest is made up for. So no record ever follows a `key_epoch` within the same epoch.
"""

from collections.abc import Callable

from postwarden.errors import LedgerError
from postwarden.ledger import epochs, files, private_keys
from postwarden.ledger.checkpoint import Position
from postwarden.ledger.epochs import Chain, Epoch
from postwarden.ledger.own_records import KeyEpoch, OwnRecord, read_own
from postwarden.ledger.private_keys import PrivateKeys


def prepare(keys: PrivateKeys, chain: Chain) -> tuple[int, str]:
    """Step 1: the next key is made and kept; gives its epoch's number and its verifier key."""
    number = chain.last.number + 1
    private = private_keys.make(keys)
    try:
        private_keys.store(keys, number, chain.origin, private)
    except OSError as exc:
        raise files.failure("the next private key was not written", exc) from exc
    return number, private.key(chain.origin).text


def settle(root: int, keys: PrivateKeys, chain: Chain, position: Position, last: Callable[[], bytes]) -> None:
    """Bring a rotation to its end, or take back one that has no record; under the lock, before anything else.

    `last` gives the last record. LedgerError where the disk fails, or a key that is needed is not there.
    """
    if not private_keys.others(keys, chain.last.number):
        return
    # With keys of other epochs and not our own, this is half of a restored state: they may be needed still.
    private_keys.load(keys, chain.last)
    try:
        if any(number > chain.last.number for number in private_keys.numbers(keys)):
            _go_on(root, keys, chain, position, read_own(last()))
        private_keys.destroy_others(keys, chain.last.number)
    except OSError as exc:
        raise files.failure("the change of the signing key was not brought to its end", exc) from exc


def _go_on(root: int, keys: PrivateKeys, chain: Chain, position: Position, record: OwnRecord | None) -> None:
    """Step 3, where step 2 was done with the key that is waiting."""
    number = chain.last.number + 1
    if not isinstance(record, KeyEpoch) or record.epoch != number:
        return
    private = private_keys.load_found(keys, number, chain.origin)
    if private is None or record.verifier_key != private.key(chain.origin).text:
        raise LedgerError(
            f"the private key {keys.path(number)} is not the one that the last record names",
            "restore the state folder as a whole: ledger and private key belong together",
        )
    epoch = Epoch(number, position, private.key(chain.origin), record.time, private.cosigner(chain.origin))
    certificate = epochs.sign_certificate(epoch, private_keys.load(keys, chain.last).first)
    with files.folder(epochs.FOLDER, within=root) as folder:
        files.store(folder, epochs.file_name(number), [certificate])
    chain.add(certificate)
