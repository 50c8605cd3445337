"""Whatever bytes the ledger's readers are given, they answer or raise our error."""

import json
import os
from contextlib import suppress
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from postwarden.errors import LedgerError
from postwarden.ledger.checkpoint import Position, open_checkpoint, sign_checkpoint
from postwarden.ledger.epochs import Epoch, begin_chain, sign_certificate
from postwarden.ledger.note import make_key, open_note, parse_key, parse_note, sign_note
from postwarden.ledger.record import record_form
from postwarden.ledger.tree import EMPTY_ROOT
from tests.unit.ledger.growing import Growing

counted = settings(max_examples=1000 if os.environ.get("POSTWARDEN_LONG") else 100)

TIME = "2026-11-22T09:30:00.000000Z"
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEY = make_key("log.example", PRIVATE.public_key().public_bytes_raw())
CHECKPOINT = sign_checkpoint(Position(7, bytes(32)), KEY.name, PRIVATE)
CERTIFICATE = sign_certificate(Epoch(0, Position(0, EMPTY_ROOT), KEY, TIME), PRIVATE)
ENVELOPE = {"v": 1, "kind": "heartbeat", "time": TIME, "run": "r", "actor": "a", "agent": "0"}

words = st.sampled_from(
    ["\n", "\n\n", "— ", "log.example", " ", "+", "AAAA", "QQ==", "0", "1", KEY.text, "\u2028"]
)
texts = st.lists(st.one_of(words, st.text(max_size=8))).map("".join)
contents = st.one_of(st.binary(), texts.map(lambda text: text.encode("utf-8", "surrogatepass")))


@st.composite
def mutations(draw: st.DrawFn, original: bytes) -> bytes:
    """The original with a piece cut out, doubled or replaced."""
    start = draw(st.integers(0, len(original)))
    end = draw(st.integers(start, len(original)))
    return original[:start] + draw(st.one_of(contents, st.just(original[start:end] * 2))) + original[end:]


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
    max_leaves=20,
)


@counted
@given(contents)
def test_notes(content: bytes) -> None:
    """Any bytes are a note or our error, and a note's parts make the same bytes again."""
    with suppress(LedgerError):
        note = parse_note(content)
        assert content.startswith(note.text + b"\n")
        assert content.count("— ".encode()) >= len(note.signatures) > 0


@counted
@given(st.one_of(contents, mutations(CHECKPOINT)))
def test_checkpoints(content: bytes) -> None:
    """Only bytes that begin and end as they were signed open as the checkpoint."""
    try:
        position = open_checkpoint(content, KEY)
    except LedgerError:
        assert content != CHECKPOINT
    else:
        assert position == Position(7, bytes(32))
        assert content.startswith(CHECKPOINT.split(b"\n\n")[0] + b"\n\n")


@counted
@given(st.one_of(contents, mutations(CERTIFICATE)))
def test_certificates(content: bytes) -> None:
    """Any bytes are the certificate or our error."""
    try:
        epoch = begin_chain(content).last
    except LedgerError:
        assert content != CERTIFICATE
    else:
        assert epoch.key == KEY
        assert content.startswith(CERTIFICATE.split(b"\n\n")[0] + b"\n\n")


@counted
@given(st.one_of(texts, mutations(KEY.text.encode()).map(lambda content: content.decode("utf-8", "replace"))))
def test_verifier_keys(text: str) -> None:
    """Any text is our error or a verifier key that is written as it was read."""
    with suppress(LedgerError):
        assert parse_key(text).text == text


@counted
@given(st.text().map(lambda text: text.encode("utf-8", "replace")))
def test_signed_texts(text: bytes) -> None:
    """Any text that can be signed opens to itself; any other is our error."""
    with suppress(LedgerError):
        assert open_note(sign_note(text, KEY.name, PRIVATE), [KEY]) == text


@counted
@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), values))
def test_records_of_any_content(fields: dict[str, object]) -> None:
    """Any content without floats and lone surrogates has a form that passes."""
    record_form(json.dumps(fields | ENVELOPE, sort_keys=True, separators=(",", ":")).encode())


RECORD = json.dumps(ENVELOPE | {"deep": [{"a": "é😀"}]}, sort_keys=True, separators=(",", ":")).encode()


@counted
@given(st.one_of(contents, mutations(RECORD), values.map(lambda value: json.dumps(value).encode())))
def test_records(line: bytes) -> None:
    """Any bytes are our error, or a record that Python's own reader and writer leave as it is."""
    with suppress(LedgerError):
        record_form(line)
        again = json.dumps(json.loads(line), sort_keys=True, separators=(",", ":"))
        assert again.encode() == line
        assert b"\n" not in line


@counted
@given(st.lists(st.binary(max_size=40), max_size=40), st.data())
def test_trees(leaves: list[bytes], data: st.DataObject) -> None:
    """Any leaves, taken up again anywhere, give the root of RFC 6962's definition."""

    def root(part: list[bytes]) -> bytes:
        if len(part) < 2:
            return sha256(b"\x00" + part[0]).digest() if part else sha256().digest()
        split = 1 << (len(part) - 1).bit_length() - 1
        return sha256(b"\x01" + root(part[:split]) + root(part[split:])).digest()

    pause = data.draw(st.integers(0, len(leaves)))
    tree = Growing()
    for leaf in leaves[:pause]:
        tree.add(leaf)
    tree = Growing(tree.size, tree.peaks)
    for leaf in leaves[pause:]:
        tree.add(leaf)
    assert tree.root == root(leaves)
