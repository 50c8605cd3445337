"""A ledger that is open for long looks at everything that may have changed, though it reads nothing twice."""

from collections.abc import Callable
from pathlib import Path

import pytest

from postwarden.errors import LedgerError, LedgerUnsound
from postwarden.ledger import epochs, private_keys, segments
from postwarden.ledger.epochs import Epoch
from postwarden.ledger.note import make_key
from postwarden.ledger.private_keys import PrivateKeys
from postwarden.ledger.segments import Edge
from postwarden.ledger.store import Ledger, open_ledger
from tests.unit.ledger.conftest import TIME, Place, put, record


@pytest.fixture
def used(ledger: Ledger) -> Ledger:
    """A ledger that has committed before."""
    put(ledger, record(number=1))
    put(ledger, record(number=2))
    return ledger


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda folder: (folder / "00000000").chmod(0o640), "can be read or changed by others"),
        (lambda folder: folder.chmod(0o750), "can be read or changed by others"),
        (lambda folder: (folder / "00000000").write_bytes(bytes(32)), "not the one that this ledger"),
        (lambda folder: (folder / "00000000").unlink(), "is missing"),
        (lambda folder: (folder / "00000000").rename(folder.parent / "aside"), "is missing"),
    ],
)
def test_a_private_key_that_changed_is_noticed(
    place: Place, used: Ledger, change: Callable[[Path], object], why: str
) -> None:
    """After the first commit too, a private key is refused that is gone, another, or no longer ours alone."""
    change(place.private)
    with pytest.raises(LedgerError, match=why):
        put(used, record())
    assert len(place.lines()) == 3


def test_a_link_to_the_private_key_is_refused(place: Place, used: Ledger) -> None:
    """A link in place of the private key is refused, though it leads to the same file."""
    aside = place.private.parent / "aside"
    (place.private / "00000000").rename(aside)
    (place.private / "00000000").symlink_to(aside)
    with pytest.raises(LedgerError, match="not a regular file"):
        put(used, record())


def test_a_checkpoint_that_a_later_certificate_belies_is_noticed(place: Place, used: Ledger) -> None:
    """The same checkpoint is not sound any more where a certificate says that its size is another key's."""
    old = private_keys.load(PrivateKeys(place.private), used.epoch)
    public = private_keys.make(PrivateKeys(place.private)).first.public_key().public_bytes_raw()
    begins = segments.follow(Edge(), place.lines()[:2]).position
    later = Epoch(1, begins, make_key(used.origin, public), TIME)
    (place.folder / "keys" / epochs.file_name(1)).write_bytes(epochs.sign_certificate(later, old.first))
    with pytest.raises(LedgerUnsound, match="the checkpoint is not sound"):
        put(used, record())


def test_a_passphrase_is_asked_for_once(place: Place) -> None:
    """A wrapped private key, which is slow to open, is opened for the first commit and not for each."""
    asked: list[int] = []

    def unlock() -> bytes:
        asked.append(1)
        return b"passphrase"

    place.make()
    signer = private_keys.load(PrivateKeys(place.private), place.open().epoch)
    private_keys.store(PrivateKeys(place.private, unlock), 0, place.open().origin, signer)
    asked.clear()
    ledger = open_ledger(place.folder, place.private, unlock=unlock)
    for number in range(5):
        put(ledger, record(number=number))
    assert asked == [1]
