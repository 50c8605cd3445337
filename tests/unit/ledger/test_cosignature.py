"""Cosignatures of both kinds: what the C2SP text and a second reader say, and nothing else, verifies."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from tlog_scales.signing import MLDSA44CosignatureSigner, NoteSignature, Vkey
from tlog_scales.tlog import Checkpoint

from postwarden.errors import LedgerError
from postwarden.ledger.cosignature import (
    MAX_TIME,
    CosignerPrivate,
    Kind,
    cosign,
    cosigner_of,
    find_cosignature,
    make_cosigner,
    open_cosignature,
    parse_cosignatures,
    parse_cosigner,
)
from postwarden.ledger.note import ED25519, Signature, make_key, parse_note, sign_note

# The checkpoint of the specification's example (https://c2sp.org/tlog-cosignature).
TEXT = b"example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
SPEC_LINE = (
    "— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZ"
    "qhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
).encode()
SEED = bytes(range(32))
PRIVATES: dict[str, CosignerPrivate] = {
    "ed25519": Ed25519PrivateKey.from_private_bytes(SEED),
    "ml-dsa-44": MLDSA44PrivateKey.from_seed_bytes(SEED),
}
NAME = "witness.example/w1"
TIME = 1_679_315_147


@pytest.fixture(params=list(PRIVATES))
def private(request: pytest.FixtureRequest) -> CosignerPrivate:
    return PRIVATES[request.param]


def note_of(private: CosignerPrivate) -> bytes:
    """A checkpoint signed by a log and cosigned."""
    log = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
    return sign_note(TEXT, "example.com/behind-the-sofa", log) + cosign(TEXT, NAME, private, time=TIME)


def test_the_specification_line_is_taken_apart() -> None:
    """The example line of the specification has its name, its id and its time where we read them."""
    (found,) = parse_cosignatures(TEXT, SPEC_LINE)
    assert (found.name, found.identifier.hex()) == ("witness.example.com/w1", "8d66cf3f")
    assert (int.from_bytes(found.value[:8]), len(found.value)) == (TIME, 72)


def test_the_specification_of_the_signed_message_is_followed() -> None:
    """An Ed25519 cosigner signs exactly the lines that the specification's example shows."""
    key = PRIVATES["ed25519"].public_key()
    (line,) = parse_cosignatures(TEXT, cosign(TEXT, NAME, PRIVATES["ed25519"], time=TIME))
    key.verify(line.value[8:], b"cosignature/v1\ntime 1679315147\n" + TEXT)


def test_the_structure_of_the_second_kind_is_followed() -> None:
    """An ML-DSA-44 cosigner signs label, name, time, origin, start, end and root, each in its place."""
    key = PRIVATES["ml-dsa-44"].public_key()
    (line,) = parse_cosignatures(TEXT, cosign(TEXT, NAME, PRIVATES["ml-dsa-44"], time=TIME))
    root = bytes.fromhex("0ac5186a91863e8e1d90c808014aa89bf5da8e3ee1d9f07630f0378f68f1ab62")
    origin = b"example.com/behind-the-sofa"
    key.verify(
        line.value[8:],
        b"subtree/v1\n\0"
        + bytes([len(NAME)])
        + NAME.encode()
        + TIME.to_bytes(8)
        + bytes([len(origin)])
        + origin
        + bytes(8)
        + (20852163).to_bytes(8)
        + root,
    )


def test_a_cosignature_gives_its_time(private: CosignerPrivate) -> None:
    """A cosignature opens with its key and says when it was made."""
    (line,) = parse_cosignatures(TEXT, cosign(TEXT, NAME, private, time=TIME))
    assert open_cosignature(TEXT, line, cosigner_of(NAME, private)) == TIME


def test_a_second_reader_agrees(private: CosignerPrivate) -> None:
    """tlog-scales reads our key and verifies our cosignature."""
    vkey = Vkey.from_string(cosigner_of(NAME, private).text)
    note = note_of(private).decode()
    Checkpoint.from_text(note).verify(vkey)


def test_a_second_writer_is_read() -> None:
    """A cosignature that tlog-scales made opens."""
    signer = MLDSA44CosignatureSigner(NAME, SEED)
    checkpoint = Checkpoint.from_text(note_of(PRIVATES["ed25519"]).decode())
    line: NoteSignature = signer.sign(checkpoint)
    (found,) = parse_cosignatures(TEXT, (line.serialize() + "\n").encode())
    assert open_cosignature(TEXT, found, make_cosigner(NAME, Kind.ML_DSA_44, signer.vkey.pubkey)) > TIME


def test_a_key_is_written_as_it_is_read(private: CosignerPrivate) -> None:
    """A cosigner's key survives its one-line form."""
    key = cosigner_of(NAME, private)
    assert parse_cosigner(key.text) == key


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a+b",
        f"{NAME}+00000000+BAAA",
        make_key(NAME, SEED).text,
        f"{NAME}+00000000+",
        cosigner_of(NAME, PRIVATES["ed25519"]).text + "\n",
        " " + cosigner_of(NAME, PRIVATES["ed25519"]).text,
        cosigner_of(NAME, PRIVATES["ed25519"]).text.replace("w1", "w2"),
    ],
)
def test_what_is_no_cosigner_is_refused(text: str) -> None:
    """A key of a log, one whose id is another's, and one that is not whole are refused."""
    with pytest.raises(LedgerError):
        parse_cosigner(text)


@pytest.mark.parametrize(("kind", "length"), [(Kind.ED25519, 31), (Kind.ML_DSA_44, 32), (Kind.ED25519, 1312)])
def test_a_key_of_another_length_is_refused(kind: Kind, length: int) -> None:
    """A public key must have the length of its kind."""
    with pytest.raises(LedgerError, match="bytes long"):
        make_cosigner(NAME, kind, bytes(length))


@pytest.mark.parametrize("name", ["w" * 256, "ü" * 128, "", "a b", "a+b"])
def test_a_name_that_does_not_fit_is_refused(name: str) -> None:
    """A cosigner's name has at most 255 bytes, and no white space or plus sign."""
    with pytest.raises(LedgerError):
        make_cosigner(name, Kind.ED25519, SEED)


@pytest.mark.parametrize("time", [-1, MAX_TIME + 1])
def test_a_time_that_does_not_fit_is_not_signed(private: CosignerPrivate, time: int) -> None:
    """No cosignature is made for a time that its format cannot hold."""
    with pytest.raises(LedgerError, match="time"):
        cosign(TEXT, NAME, private, time=time)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"a\n1\n",
        TEXT[:-1],
        TEXT.replace(b"20852163", b"020852163"),
        TEXT.replace(b"\nC", b"\n\nC"),
        b"o" * 256 + TEXT[27:],
        b"\xff" + TEXT,
    ],
)
def test_what_is_no_checkpoint_is_not_cosigned(private: CosignerPrivate, text: bytes) -> None:
    """Only a checkpoint's text is cosigned."""
    with pytest.raises(LedgerError):
        cosign(text, NAME, private, time=TIME)


def test_only_the_first_kind_signs_extension_lines() -> None:
    """An Ed25519 cosignature covers a checkpoint's extension lines; an ML-DSA-44 one does not."""
    extended = TEXT + b"more\n"
    for name, private in PRIVATES.items():
        (line,) = parse_cosignatures(extended, cosign(extended, NAME, private, time=TIME))
        if name == "ed25519":
            with pytest.raises(LedgerError, match="does not belong"):
                open_cosignature(TEXT, line, cosigner_of(NAME, private))
        else:
            assert open_cosignature(TEXT, line, cosigner_of(NAME, private)) == TIME


def test_another_name_does_not_open(private: CosignerPrivate) -> None:
    """A cosignature is not taken for one of the same key under another name."""
    (line,) = parse_cosignatures(TEXT, cosign(TEXT, NAME, private, time=TIME))
    with pytest.raises(LedgerError, match="not one of"):
        open_cosignature(TEXT, line, cosigner_of("witness.example/w2", private))


def test_one_is_found_among_others(private: CosignerPrivate) -> None:
    """In a note with several signatures the cosigner's latest is found, and none of a stranger."""
    content = note_of(private) + cosign(TEXT, NAME, private, time=TIME + 5)
    assert find_cosignature(content, cosigner_of(NAME, private)) == TIME + 5
    assert find_cosignature(content, cosigner_of("witness.example/w2", private)) is None
    assert ED25519 not in {Kind.ED25519, Kind.ML_DSA_44}


def test_lines_that_hold_a_text_are_refused() -> None:
    """An answer that smuggles a text of its own before its signatures is not taken for signature lines."""
    with pytest.raises(LedgerError, match="more than that"):
        parse_cosignatures(TEXT, b"other\n\n" + SPEC_LINE)


def _flips(content: bytes) -> list[bytes]:
    return [
        content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :]
        for at in range(len(content))
        for bit in range(8)
    ]


def test_every_flipped_bit_is_noticed(private: CosignerPrivate) -> None:
    """Whichever bit of a cosigned checkpoint's text or of a cosignature line is flipped, it does not verify."""
    key = cosigner_of(NAME, private)
    line = cosign(TEXT, NAME, private, time=TIME)
    assert find_cosignature(TEXT + b"\n" + line, key) == TIME
    for flipped in _flips(line):
        assert not _verifies(TEXT + b"\n" + flipped, private), flipped
    for text in _flips(TEXT):
        assert not _verifies(text + b"\n" + line, private)


def _verifies(content: bytes, private: CosignerPrivate) -> bool:
    try:
        note = parse_note(content)
        return any(open_cosignature(note.text, each, cosigner_of(NAME, private)) for each in note.signatures)
    except LedgerError:
        return False


def test_a_time_beyond_the_format_is_refused() -> None:
    """A cosignature that is signed for a time beyond 2^63 - 1 seconds does not open."""
    private = Ed25519PrivateKey.from_private_bytes(SEED)
    key = cosigner_of(NAME, private)
    signed = private.sign(f"cosignature/v1\ntime {2**63}\n".encode() + TEXT)
    with pytest.raises(LedgerError, match="beyond"):
        open_cosignature(TEXT, Signature(key.name, key.identifier, (2**63).to_bytes(8) + signed), key)


@pytest.mark.parametrize("length", [1, 7, 8, 71, 73, 2428])
def test_another_length_is_refused(length: int) -> None:
    """A cosignature that does not have the length of its kind does not open."""
    key = cosigner_of(NAME, PRIVATES["ed25519"])
    with pytest.raises(LedgerError, match="length of its kind"):
        open_cosignature(TEXT, Signature(key.name, key.identifier, bytes(length)), key)
