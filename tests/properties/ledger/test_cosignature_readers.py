"""Whatever is given to the readers of cosignatures, they read it or raise our own error."""

from contextlib import suppress

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from postwarden.errors import LedgerError
from postwarden.ledger.cosignature import (
    MAX_TIME,
    cosign,
    cosigner_of,
    find_cosignature,
    parse_cosignatures,
    parse_cosigner,
    read_text,
)
from postwarden.ledger.note import encode_base64

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEY = cosigner_of("witness.example/w1", PRIVATE)
names = st.text(st.characters(exclude_categories=["Z", "C"], exclude_characters="+"), min_size=1, max_size=60)
texts = st.builds(
    lambda origin, size, root: f"{origin}\n{size}\n{encode_base64(root)}\n".encode(),
    names,
    st.integers(0, 10**17),
    st.binary(min_size=32, max_size=32),
)


@given(st.text() | st.from_regex(r"\A[a-z]{1,4}\+[0-9a-f]{8}\+[A-Za-z0-9+/=]{0,60}\Z"))
def test_any_text_as_a_key(text: str) -> None:
    """A cosigner key's text is read, and written as it was, or refused."""
    with suppress(LedgerError):
        assert parse_cosigner(text).text == text


@given(st.binary())
def test_any_bytes_as_a_checkpoint(content: bytes) -> None:
    """Any bytes are a checkpoint's text and lines, or refused."""
    with suppress(LedgerError):
        read_text(content)
    with suppress(LedgerError):
        find_cosignature(content, KEY)


@given(st.binary())
def test_any_bytes_as_lines(content: bytes) -> None:
    """Any bytes are signature lines, or refused."""
    with suppress(LedgerError):
        parse_cosignatures(b"a\n0\nb\n", content)


@given(texts, names, st.integers(0, MAX_TIME))
def test_what_is_cosigned_opens(text: bytes, name: str, time: int) -> None:
    """A cosignature of any checkpoint at any time gives that time again, and belongs to no other checkpoint."""
    line = cosign(text, name, PRIVATE, time=time)
    key = cosigner_of(name, PRIVATE)
    assert find_cosignature(text + b"\n" + line, key) == time
    assert parse_cosigner(key.text) == key
    with suppress(LedgerError):
        assert find_cosignature(b"x" + text + b"\n" + line, key) is None
