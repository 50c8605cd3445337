"""Names that stand for others in views: the same one for the same name, and nobody without the key can tell whose."""

import base64
import hashlib
import hmac
import os
from pathlib import Path

from postwarden.errors import HistoryError

_KEY = "pseudonyms.key"


class Pseudonyms:
    """Made with a key of the state folder, which is written at first use (mode 0600)."""

    def __init__(self, state: Path) -> None:
        self._key = _key(state / "private" / _KEY)

    def of(self, name: str) -> str:
        """What stands for the name, in any case."""
        digest = hmac.new(
            self._key, name.casefold().encode("utf-8", "surrogatepass"), hashlib.sha256
        ).digest()
        return "account-" + base64.b32encode(digest)[:10].decode().lower()


def _key(path: Path) -> bytes:
    try:
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            key = path.read_bytes()
            if len(key) != 32:
                raise HistoryError(
                    f"{path} is no key", "put it back from a backup, or delete it for new names"
                ) from None
            return key
        with os.fdopen(descriptor, "wb") as file:
            key = os.urandom(32)
            file.write(key)
            file.flush()
            os.fsync(file.fileno())
    except OSError as exc:
        raise HistoryError(f"{path} cannot be used: {exc.strerror}", "check its owner and mode") from exc
    return key
