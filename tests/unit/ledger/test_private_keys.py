"""A private key is ours alone, may be wrapped by a passphrase, and is gone when it was destroyed."""

import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from postwarden.errors import LedgerError
from postwarden.ledger import private_keys
from postwarden.ledger.checkpoint import Position
from postwarden.ledger.epochs import Epoch
from postwarden.ledger.note import make_key
from postwarden.ledger.private_keys import PrivateKeys, Signer
from postwarden.ledger.tree import EMPTY_ROOT
from tests.unit.ledger.conftest import TIME

ORIGIN = "log.example"
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
EPOCH = Epoch(0, Position(0, EMPTY_ROOT), make_key(ORIGIN, PRIVATE.public_key().public_bytes_raw()), TIME)


@pytest.fixture
def keys(tmp_path: Path) -> PrivateKeys:
    """A folder with the private key of epoch 0, as it is."""
    keys = PrivateKeys(tmp_path / "private")
    private_keys.store(keys, 0, ORIGIN, Signer(PRIVATE))
    return keys


def refused(keys: PrivateKeys, why: str) -> None:
    with pytest.raises(LedgerError, match=why) as caught:
        private_keys.load(keys, EPOCH)
    assert caught.value.hint


def test_a_stored_key_is_loaded_again(keys: PrivateKeys) -> None:
    """A private key is stored for its owner only, and loaded again."""
    assert keys.folder.stat().st_mode & 0o777 == 0o700
    assert keys.path(0).stat().st_mode & 0o777 == 0o600
    assert private_keys.load(keys, EPOCH).first.private_bytes_raw() == PRIVATE.private_bytes_raw()
    assert private_keys.numbers(keys) == [0]


def test_unusable_private_keys_are_refused(keys: PrivateKeys, tmp_path: Path) -> None:
    """A private key that others can read, that is cut off, another's, a link or missing is refused."""
    seed = keys.path(0)
    seed.chmod(0o640)
    refused(keys, "can be read or changed by others")
    seed.chmod(0o600)
    keys.folder.chmod(0o750)
    refused(keys, "can be read or changed by others")
    keys.folder.chmod(0o700)
    seed.write_bytes(bytes(31))
    refused(keys, "not 32 or 64 bytes")
    seed.write_bytes(bytes(33))
    refused(keys, "not 32 or 64 bytes")
    seed.write_bytes(bytes(32))
    refused(keys, "not the one that this ledger is signed with")
    seed.unlink()
    seed.symlink_to(tmp_path / "elsewhere")
    refused(keys, "not a regular file")
    seed.unlink()
    refused(keys, "is missing")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs to give files away")
def test_a_private_key_of_another_user_is_refused(keys: PrivateKeys) -> None:
    """A private key that belongs to another user is refused."""
    os.chown(keys.path(0), 1234, -1)
    refused(keys, "belongs to user id 1234")


def test_a_wrapped_key_needs_its_passphrase(tmp_path: Path) -> None:
    """A key wrapped by a passphrase is not in its file, and opens with that passphrase only."""
    keys = PrivateKeys(tmp_path / "private", lambda: b"correct horse")
    private_keys.store(keys, 0, ORIGIN, Signer(PRIVATE))
    assert PRIVATE.private_bytes_raw() not in keys.path(0).read_bytes()
    assert private_keys.load(keys, EPOCH).first.private_bytes_raw() == PRIVATE.private_bytes_raw()
    refused(PrivateKeys(keys.folder, lambda: b"battery staple"), "passphrase does not open")
    refused(PrivateKeys(keys.folder, lambda: b""), "passphrase of the private keys is empty")
    refused(PrivateKeys(keys.folder), "wrapped by a passphrase")


def test_a_wrapped_key_is_bound_to_its_place(tmp_path: Path) -> None:
    """A wrapped key that is cut off, changed, or of another epoch or ledger does not open."""
    keys = PrivateKeys(tmp_path / "private", lambda: b"correct horse")
    private_keys.store(keys, 0, ORIGIN, Signer(PRIVATE))
    content = keys.path(0).read_bytes()
    for end in (22, 40, 55, len(content) - 1):
        keys.path(0).write_bytes(content[:end])
        refused(keys, "cut off|does not open")
    keys.path(0).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    refused(keys, "does not open")
    keys.path(0).unlink()
    private_keys.store(keys, 1, ORIGIN, Signer(PRIVATE))
    keys.path(1).rename(keys.path(0))
    refused(keys, "does not open")
    keys.path(0).unlink()
    private_keys.store(keys, 0, "other.example", Signer(PRIVATE))
    refused(keys, "does not open")


def test_a_key_without_wrapping_opens_beside_a_passphrase(keys: PrivateKeys) -> None:
    """A key that was made before the passphrase was configured is used until the next one."""
    with_passphrase = PrivateKeys(keys.folder, lambda: b"correct horse")
    assert private_keys.load(with_passphrase, EPOCH).first.private_bytes_raw() == PRIVATE.private_bytes_raw()


def test_a_destroyed_key_is_overwritten_and_gone(keys: PrivateKeys, tmp_path: Path) -> None:
    """Destroying overwrites the very file before its name goes: another name of it holds nothing any more."""
    other_name = tmp_path / "hard link"
    other_name.hardlink_to(keys.path(0))
    private_keys.destroy_others(keys, 1)
    assert private_keys.numbers(keys) == []
    assert other_name.read_bytes() == bytes(32)
    private_keys.destroy_others(keys, 1)


def test_a_link_in_the_place_of_a_key_is_not_followed(keys: PrivateKeys, tmp_path: Path) -> None:
    """Where somebody put a link, the link goes and what it names stays."""
    target = tmp_path / "precious"
    target.write_bytes(b"precious")
    keys.path(0).unlink()
    keys.path(0).symlink_to(target)
    private_keys.destroy_others(keys, 1)
    assert target.read_bytes() == b"precious"
    assert private_keys.numbers(keys) == []
