"""A checkpoint says one origin, one size and one root, in one spelling."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from postwarden.errors import LedgerError
from postwarden.ledger.checkpoint import Position, open_checkpoint, sign_checkpoint
from postwarden.ledger.note import encode_base64, make_key, sign_note
from postwarden.ledger.tree import EMPTY_ROOT

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEY = make_key("log.example", PRIVATE.public_key().public_bytes_raw())
ROOT = encode_base64(EMPTY_ROOT)


@pytest.mark.parametrize("size", [0, 1, 65_536, 10**17])
def test_what_was_signed_is_read(size: int) -> None:
    """A signed checkpoint gives its position back."""
    position = Position(size, EMPTY_ROOT)
    assert open_checkpoint(sign_checkpoint(position, "log.example", PRIVATE), KEY) == position


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (f"log.example\n1\n{ROOT}\nextension\n", "three lines"),
        ("log.example\n1\n", "three lines"),
        (f"log.example\n\n1\n{ROOT}\n", "three lines"),
        (f"other.example\n1\n{ROOT}\n", "another origin"),
        (f"log.example\n01\n{ROOT}\n", "decimal"),
        (f"log.example\n+1\n{ROOT}\n", "decimal"),
        (f"log.example\n-1\n{ROOT}\n", "decimal"),
        (f"log.example\n1 \n{ROOT}\n", "decimal"),
        (f"log.example\n\u0661\n{ROOT}\n", "decimal"),
        (f"log.example\n1_0\n{ROOT}\n", "decimal"),
        (f"log.example\n{'9' * 30}\n{ROOT}\n", "decimal"),
        ("log.example\n1\nAAAA\n", "32 bytes"),
        (f"log.example\n1\n{ROOT[:-1]}\n", "base64"),
    ],
)
def test_signed_texts_that_are_no_checkpoint_are_refused(text: str, why: str) -> None:
    """A rightly signed text that is not a checkpoint of this log is refused, with the reason."""
    with pytest.raises(LedgerError, match=why):
        open_checkpoint(sign_note(text.encode(), "log.example", PRIVATE), KEY)
