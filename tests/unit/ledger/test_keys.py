"""The first key certifies itself, and the private key is ours alone."""

import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from postwarden.errors import LedgerError
from postwarden.ledger import keys
from postwarden.ledger.note import make_key, sign_note
from postwarden.ledger.tree import EMPTY_ROOT
from tests.unit.ledger.conftest import TIME

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEY = make_key("log.example", PRIVATE.public_key().public_bytes_raw())
EMPTY = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
GOOD = ["postwarden.epoch/v1", "log.example", "0", "0", EMPTY, KEY.text, TIME]


def test_the_first_certificate_says_its_seven_lines() -> None:
    """The first certificate is the seven lines that are documented, signed by its own key."""
    content = keys.sign_first_epoch("log.example", TIME, PRIVATE)
    assert content.split(b"\n\n")[0].decode().split("\n") == GOOD
    epoch = keys.open_first_epoch(content)
    assert (epoch.number, epoch.begins.size, epoch.begins.root) == (0, 0, EMPTY_ROOT)
    assert (epoch.key, epoch.time) == (KEY, TIME)


@pytest.mark.parametrize(
    ("line", "value", "why"),
    [
        (0, "postwarden.epoch/v2", "not a postwarden.epoch/v1"),
        (0, "postwarden.epoch/v1\nmore", "not a postwarden.epoch/v1"),
        (1, "other.example", "another origin"),
        (2, "1", "empty ledger"),
        (2, "00", "decimal"),
        (3, "1", "empty ledger"),
        (4, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "empty ledger"),
        (5, make_key("log.example", bytes(32)).text, "no signature of the expected key"),
        (6, "2026-11-22T09:30:00Z", "microseconds"),
        (6, "2026-02-30T09:30:00.000000Z", "calendar"),
    ],
)
def test_other_certificates_are_refused(line: int, value: str, why: str) -> None:
    """A signed certificate with one wrong line is refused, with the reason."""
    lines = [*GOOD]
    lines[line] = value
    text = "\n".join([*lines, ""])
    with pytest.raises(LedgerError, match=why):
        keys.open_first_epoch(sign_note(text.encode(), "log.example", PRIVATE))


def test_a_stored_key_is_loaded_again(tmp_path: Path) -> None:
    """A private key is stored for its owner only, and loaded again."""
    folder = tmp_path / "private"
    keys.store_private(folder, keys.FIRST, PRIVATE)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / keys.FIRST).stat().st_mode & 0o777 == 0o600
    loaded = keys.load_private(folder, keys.FIRST, KEY)
    assert loaded.private_bytes_raw() == PRIVATE.private_bytes_raw()


def test_unusable_private_keys_are_refused(tmp_path: Path) -> None:
    """A private key that others can read, that is cut off, another's, a link or missing is refused."""
    folder = tmp_path / "private"
    keys.store_private(folder, keys.FIRST, PRIVATE)
    seed = folder / keys.FIRST

    def refused(why: str) -> None:
        with pytest.raises(LedgerError, match=why) as caught:
            keys.load_private(folder, keys.FIRST, KEY)
        assert caught.value.hint

    seed.chmod(0o640)
    refused("can be read or changed by others")
    seed.chmod(0o600)
    folder.chmod(0o750)
    refused("can be read or changed by others")
    folder.chmod(0o700)
    seed.write_bytes(bytes(31))
    refused("not 32 bytes")
    seed.write_bytes(bytes(33))
    refused("not 32 bytes")
    seed.write_bytes(bytes(32))
    refused("not the one that this ledger is signed with")
    seed.unlink()
    seed.symlink_to(tmp_path / "elsewhere")
    refused("not a regular file")
    seed.unlink()
    refused("cannot be read")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs to give files away")
def test_a_private_key_of_another_user_is_refused(tmp_path: Path) -> None:
    """A private key that belongs to another user is refused."""
    folder = tmp_path / "private"
    keys.store_private(folder, keys.FIRST, PRIVATE)
    os.chown(folder / keys.FIRST, 1234, -1)
    with pytest.raises(LedgerError, match="belongs to user id 1234"):
        keys.load_private(folder, keys.FIRST, KEY)
