"""The private keys of a ledger: made, kept and destroyed in a folder of their own, outside of the ledger.

A file holds the 32 bytes of an Ed25519 seed, and 32 of an ML-DSA-44 seed (FIPS 204) where the epoch has a
second signature. It may be wrapped by a passphrase: a first line that says so,
16 bytes of salt, 12 of nonce, and the seeds under ChaCha20-Poly1305 (RFC 8439) with a key that scrypt
(RFC 7914; N 32,768, r 8, p 1) makes of the passphrase. What is wrapped is bound to the key's name and epoch.
"""

import os
import re
import secrets
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from postwarden.errors import LedgerError, LedgerUnsound
from postwarden.ledger import files
from postwarden.ledger.cosignature import CosignerKey, cosigner_of
from postwarden.ledger.epochs import Epoch, file_name
from postwarden.ledger.note import VerifierKey, make_key

_SEED = 32
_NAME = re.compile(r"[0-9]{8}(\.tmp)?")
_WRAPPED = b"postwarden.wrapped/v1\n"
_SALT, _NONCE, _TAG = 16, 12, 16
_MAX_FILE = 4096

#: Gives the passphrase that wraps the private keys; it is asked for only when it is needed.
Unlock = Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class PrivateKeys:
    """The folder with the private keys, and where the passphrase that wraps them comes from, if one does.

    `second` says whether the next epoch is to have a second signature, by ML-DSA-44.
    """

    folder: Path
    unlock: Unlock | None = None
    second: bool = False

    def path(self, number: int) -> Path:
        return self.folder / file_name(number)


@dataclass(frozen=True, slots=True)
class Signer:
    """The private keys of one epoch: the one that every epoch has, and the one of the second signature."""

    first: Ed25519PrivateKey
    second: MLDSA44PrivateKey | None = None

    def key(self, origin: str) -> VerifierKey:
        return make_key(origin, self.first.public_key().public_bytes_raw())

    def cosigner(self, origin: str) -> CosignerKey | None:
        return None if self.second is None else cosigner_of(origin, self.second)


def make(keys: PrivateKeys) -> Signer:
    """New private keys, in memory only."""
    return Signer(Ed25519PrivateKey.generate(), MLDSA44PrivateKey.generate() if keys.second else None)


def store(keys: PrivateKeys, number: int, origin: str, private: Signer) -> None:
    """Bring the private key of an epoch to the disk, for its owner only; OSError as the system gives it."""
    content = private.first.private_bytes_raw()
    if private.second is not None:
        content += private.second.private_bytes_raw()
    if keys.unlock is not None:
        content = _wrap(content, keys.unlock(), _bound(origin, number))
    files.make_folder(keys.folder)
    with files.folder(keys.folder) as folder:
        _check_mode(folder, keys.folder)
        files.store(folder, file_name(number), [content])


def load(keys: PrivateKeys, epoch: Epoch) -> Signer:
    """The private key of an epoch; LedgerError where it is not there, not ours alone to read, or another one."""
    path = keys.path(epoch.number)
    private = load_found(keys, epoch.number, epoch.key.name)
    if private is None:
        raise LedgerError(
            f"the private key {path} is missing",
            "restore the state folder as a whole; if the key is gone for good, run postwarden ledger succeed",
        )
    if (private.key(epoch.key.name), private.cosigner(epoch.key.name)) != (epoch.key, epoch.cosigner):
        raise LedgerError(
            f"the private key {path} is not the one that this ledger is signed with",
            "restore the state folder as a whole: ledger and private key belong together",
        )
    return private


def load_found(keys: PrivateKeys, number: int, origin: str) -> Signer | None:
    """The private key in the file of an epoch, whoever's it is; `None` where there is no such file."""
    path = keys.path(number)
    with files.folder(keys.folder) as folder:
        _check_mode(folder, keys.folder)
        try:
            file = files.open_regular(folder, path.name, os.O_RDONLY, owner=os.geteuid())
        except FileNotFoundError:
            return None
        except OSError as exc:
            raise files.failure(f"the private key {path} cannot be read", exc) from exc
        try:
            _check_mode(file, path)
            content = os.read(file, _MAX_FILE)
        except OSError as exc:
            raise files.failure(f"the private key {path} cannot be read", exc) from exc
        finally:
            os.close(file)
    if content.startswith(_WRAPPED):
        if keys.unlock is None:
            raise LedgerError(
                f"the private key {path} is wrapped by a passphrase", "set [ledger] passphrase in agent.toml"
            )
        content = _unwrap(content, keys.unlock(), _bound(origin, number), path)
    if len(content) not in {_SEED, 2 * _SEED}:
        raise LedgerError(
            f"the private key {path} is not {_SEED} or {2 * _SEED} bytes long", "restore it from your backup"
        )
    second = content[_SEED:]
    return Signer(
        Ed25519PrivateKey.from_private_bytes(content[:_SEED]),
        MLDSA44PrivateKey.from_seed_bytes(second) if second else None,
    )


def numbers(keys: PrivateKeys) -> list[int]:
    """The epochs whose private keys are there, in order; none where the folder is missing."""
    return sorted(int(name) for name in _names(keys) if not name.endswith(files.TEMPORARY))


def others(keys: PrivateKeys, number: int) -> list[str]:
    """The files of every private key but the one of an epoch, half-written ones too."""
    return [name for name in _names(keys) if name != file_name(number)]


def destroy_others(keys: PrivateKeys, number: int) -> None:
    """Overwrite and remove every private key but the one of an epoch, half-written ones too; on the disk on return.

    What a file system keeps elsewhere (a snapshot, a copy on write, spare blocks of a flash disk) and what a
    backup took is out of reach. OSError as the system gives it.
    """
    with files.folder(keys.folder) as folder:
        for name in others(keys, number):
            _overwrite(folder, name)
            files.unlink(name, dir_fd=folder)
        files.sync(folder, f"the folder {keys.folder}")


def _overwrite(folder: int, name: str) -> None:
    try:
        file = files.open_regular(folder, name, os.O_WRONLY, owner=os.geteuid())
    except LedgerUnsound:
        return  # a link or a pipe holds no key of ours
    try:
        files.write_all(file, bytes(os.fstat(file).st_size), 0)
        files.sync(file, f"the private key {name}")
    finally:
        os.close(file)


def _names(keys: PrivateKeys) -> list[str]:
    try:
        return [path.name for path in keys.folder.iterdir() if _NAME.fullmatch(path.name)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as exc:
        raise files.failure(f"the folder {keys.folder} cannot be read", exc) from exc


def _bound(origin: str, number: int) -> bytes:
    return f"{origin}\n{number}".encode()


def _derive(passphrase: bytes, salt: bytes) -> bytes:
    if not passphrase:
        raise LedgerError("the passphrase of the private keys is empty", "check [ledger] passphrase")
    return Scrypt(salt=salt, length=32, n=1 << 15, r=8, p=1).derive(passphrase)


def _wrap(seed: bytes, passphrase: bytes, bound: bytes) -> bytes:
    salt, nonce = secrets.token_bytes(_SALT), secrets.token_bytes(_NONCE)
    sealed = ChaCha20Poly1305(_derive(passphrase, salt)).encrypt(nonce, seed, bound)
    return _WRAPPED + salt + nonce + sealed


def _unwrap(content: bytes, passphrase: bytes, bound: bytes, path: Path) -> bytes:
    rest = content.removeprefix(_WRAPPED)
    salt, nonce, sealed = rest[:_SALT], rest[_SALT : _SALT + _NONCE], rest[_SALT + _NONCE :]
    if len(sealed) < _TAG:
        raise LedgerError(f"the private key {path} is cut off", "restore it from your backup")
    try:
        return ChaCha20Poly1305(_derive(passphrase, salt)).decrypt(nonce, sealed, bound)
    except InvalidTag as exc:
        raise LedgerError(
            f"the passphrase does not open the private key {path}", "check [ledger] passphrase"
        ) from exc


def _check_mode(descriptor: int, path: Path) -> None:
    if stat.S_IMODE(os.fstat(descriptor).st_mode) & 0o077:
        raise LedgerError(f"{path} can be read or changed by others", f"run chmod go= {path}")
