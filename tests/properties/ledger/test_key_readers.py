"""Whatever is in the places of certificates, private keys and own records, it is read rightly or is our error."""

import json
import os
import tempfile
from contextlib import suppress
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from postwarden.errors import LedgerError
from postwarden.ledger import private_keys
from postwarden.ledger.checkpoint import Position, sign_checkpoint
from postwarden.ledger.epochs import Epoch, sign_certificate
from postwarden.ledger.own_records import read_own
from postwarden.ledger.private_keys import PrivateKeys, Signer
from postwarden.ledger.tree import EMPTY_ROOT
from tests.properties.ledger.test_readers import ENVELOPE, contents, mutations, values
from tests.unit.ledger.opened import follow

counted = settings(max_examples=1000 if os.environ.get("POSTWARDEN_LONG") else 60)

ORIGIN = "log.example"
TIME = "2026-11-22T09:30:00.000000Z"
SIGNERS = [private_keys.make(PrivateKeys(Path("unused"), second=second)) for second in (False, True)]
EPOCHS = [
    Epoch(0, Position(0, EMPTY_ROOT), SIGNERS[0].key(ORIGIN), TIME),
    Epoch(1, Position(4, bytes(32)), SIGNERS[1].key(ORIGIN), TIME, SIGNERS[1].cosigner(ORIGIN)),
]
CERTIFICATES = [sign_certificate(epoch, SIGNERS[0].first) for epoch in EPOCHS]
OWN = json.dumps(
    ENVELOPE
    | {"kind": "key_epoch", "epoch": 1, "verifier_key": "k", "blobs": ["ab" * 32], "stop": 8, "origin": "o"},
    sort_keys=True,
    separators=(",", ":"),
).encode()


@counted
@given(st.one_of(contents, mutations(CERTIFICATES[1])))
def test_later_certificates(content: bytes) -> None:
    """In the place of the second certificate only what its first half says, signed, gives the second epoch."""
    try:
        chain = follow([CERTIFICATES[0], content])
    except LedgerError:
        assert content != CERTIFICATES[1]
    else:
        assert chain.epochs == EPOCHS
        assert content.startswith(CERTIFICATES[1].split(b"\n\n")[0] + b"\n\n")


@counted
@given(
    st.integers(0, 8),
    st.one_of(contents, mutations(sign_checkpoint(Position(3, bytes(32)), ORIGIN, SIGNERS[0].first))),
)
def test_checkpoints_of_a_chain(size: int, content: bytes) -> None:
    """A chain opens what the right key has signed, and any other bytes are our error."""
    chain = follow(CERTIFICATES)
    with suppress(LedgerError):
        assert chain.open_checkpoint(content) == Position(3, bytes(32))
    signed = sign_checkpoint(Position(size, bytes(32)), ORIGIN, SIGNERS[0].first)
    try:
        assert chain.open_checkpoint(signed).size == size
    except LedgerError:
        assert size > 4
    else:
        assert size <= 4


@counted
@given(st.one_of(contents, mutations(bytes(64)), mutations(b"postwarden.wrapped/v1\n" + bytes(60))))
def test_private_keys(content: bytes) -> None:
    """Any file in the place of a private key is a key of its length, or our error."""
    with tempfile.TemporaryDirectory() as folder:
        keys = PrivateKeys(Path(folder), lambda: b"words")
        keys.path(0).write_bytes(content)
        keys.path(0).chmod(0o600)
        with suppress(LedgerError):
            found = private_keys.load_found(keys, 0, ORIGIN)
            assert isinstance(found, Signer)
            assert len(content) in {32, 64}
            assert (found.second is not None) == (len(content) == 64)


@counted
@given(
    st.one_of(
        contents,
        mutations(OWN),
        values.map(lambda value: json.dumps({"kind": value, "x": "key_epoch"}).encode()),
    )
)
def test_own_records(line: bytes) -> None:
    """Any line is one of the ledger's own records, none of them, or our error."""
    with suppress(LedgerError):
        read_own(line)


@counted
@given(
    st.sampled_from(["key_epoch", "blobs_kept", "blobs_erased", "records_pruned", "ledger_opened"]),
    st.dictionaries(
        st.sampled_from(["epoch", "verifier_key", "blobs", "stop", "origin", "before", "actor", "time"]),
        values,
    ),
)
def test_own_records_of_any_fields(kind: str, fields: dict[str, object]) -> None:
    """Fields of any type in the ledger's own kinds are read or are our error."""
    with suppress(LedgerError):
        read_own(json.dumps(fields | {"kind": kind}, separators=(",", ":")).encode())
