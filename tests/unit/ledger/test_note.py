"""Signed notes are read in one spelling only, and only what a known key signed counts."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from postwarden.errors import LedgerError
from postwarden.ledger.note import (
    MAX_NOTE,
    decode_base64,
    make_key,
    open_note,
    parse_key,
    parse_note,
    sign_note,
)

# The example of the specification (https://c2sp.org/signed-note).
SPEC_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
SPEC_TEXT = b"This is an example message.\n"
SPEC_SIGNATURE = (
    "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1"
    "Yu72IneyaQM=\n"
)
SPEC_NOTE = SPEC_TEXT + b"\n" + SPEC_SIGNATURE.encode()
# Two keys from the tests of Go's golang.org/x/mod/sumdb/note.
GO_KEYS = (
    "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop",
)
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEY = make_key("log.example", PRIVATE.public_key().public_bytes_raw())
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))


def test_the_specification_example_opens() -> None:
    """The specification's note opens with the specification's key."""
    assert open_note(SPEC_NOTE, [parse_key(SPEC_KEY)]) == SPEC_TEXT


@pytest.mark.parametrize("text", [SPEC_KEY, *GO_KEYS])
def test_keys_of_others_are_read_and_written(text: str) -> None:
    """Verifier keys that others made are read, and written as they were."""
    assert parse_key(text).text == text


def test_a_plus_sign_in_the_key_itself_is_read() -> None:
    """A verifier key whose base64 holds a plus sign is read."""
    text = "TEST+7997405c+AQcC+FTVKf0jlTdHDY3rbevmnKxxPjigCXlVtGe6RIr6"
    assert parse_key(text).text == text


def test_signed_text_opens_again() -> None:
    """What was signed opens with the signer's key, empty lines inside included."""
    text = b"one\n\nthree\n"
    assert open_note(sign_note(text, KEY.name, PRIVATE), [KEY]) == text


def test_a_note_of_another_key_does_not_open() -> None:
    """A note that only an unknown key signed is refused."""
    with pytest.raises(LedgerError, match="no signature of the expected key"):
        open_note(sign_note(b"text\n", KEY.name, OTHER), [KEY])


def test_unknown_signatures_are_ignored() -> None:
    """Fifteen signatures of strangers before the known one do not matter."""
    note = sign_note(b"text\n", KEY.name, PRIVATE)
    strangers = "".join(
        f"— stranger.example/{index} {base64.b64encode(bytes(2424)).decode()}\n" for index in range(15)
    )
    head, tail = note.split("— ".encode(), 1)
    assert open_note(head + strangers.encode() + "— ".encode() + tail, [KEY]) == b"text\n"


def test_a_failing_signature_of_a_known_key_spoils_the_note() -> None:
    """A second signature under the known name and id that does not verify makes the note worthless."""
    good = sign_note(b"text\n", KEY.name, PRIVATE)
    bad = sign_note(b"other\n", KEY.name, PRIVATE).split(b"\n\n")[1]
    for note in (good + bad, good.replace("— ".encode(), bad + "— ".encode())):
        with pytest.raises(LedgerError, match="does not belong to the note"):
            open_note(note, [KEY])


def test_the_same_name_with_another_id_is_unknown() -> None:
    """A signature under the known name and another key's id is ignored."""
    note = sign_note(b"text\n", KEY.name, PRIVATE)
    foreign = sign_note(b"text\n", KEY.name, OTHER).split(b"\n\n")[1]
    assert open_note(note + foreign, [KEY]) == b"text\n"


@pytest.mark.parametrize(
    ("note", "why"),
    [
        (b"", "no empty line"),
        (SPEC_TEXT, "no empty line"),
        (b"\n\n" + SPEC_SIGNATURE.encode(), "no empty line"),
        (SPEC_NOTE[:-1], "does not end"),
        (SPEC_NOTE + b"x", "does not end"),
        (SPEC_NOTE + b"\n", "does not"),
        (SPEC_NOTE.replace("— ".encode(), b"- "), "em dash"),
        (SPEC_NOTE.replace("— ".encode(), "—\u00a0".encode()), "em dash"),
        (SPEC_NOTE.replace("— ".encode(), "—  ".encode()), "name"),
        (SPEC_NOTE.replace(b"foo Uw2Q", b"fooUw2Q"), "name and a signature"),
        (SPEC_NOTE.replace(b"foo Uw2Q", b"foo  Uw2Q"), "base64"),
        (SPEC_NOTE.replace(b"foo Uw2Q", b"f+o Uw2Q"), "key's name"),
        (SPEC_NOTE.replace(b"foo Uw2Q", "f\u2003o Uw2Q".encode()), "key's name"),
        (SPEC_NOTE.replace(b"QM=", b"QN="), "canonical"),
        (SPEC_NOTE.replace(b"QM=", b"QM"), "base64"),
        (SPEC_NOTE.replace(b"\n", b"\r\n"), "control character"),
        (SPEC_NOTE.replace(b"example message", b"example\x00message"), "control character"),
        (SPEC_NOTE.replace(b"example message", b"example\x7fmessage"), "control character"),
        (SPEC_NOTE.replace(b"example message", b"example\xffmessage"), "utf-8"),
        (SPEC_TEXT + b"\n" + "— example.com/foo AAAA\n".encode(), "too short"),
        (SPEC_TEXT * (MAX_NOTE // len(SPEC_TEXT)) + SPEC_NOTE, "longer"),
        (b"\xef\xbb\xbf" + SPEC_NOTE, "does not belong"),
        (SPEC_NOTE[:-1] + ("\u2028" + SPEC_SIGNATURE).encode(), "base64"),
    ],
)
def test_other_spellings_are_refused(note: bytes, why: str) -> None:
    """A note that deviates anywhere from the one spelling is refused, with the reason."""
    with pytest.raises(LedgerError, match=why):
        open_note(note, [parse_key(SPEC_KEY)])


def test_lines_end_with_line_feeds_only() -> None:
    """Characters that other readers take for line ends are part of their line."""
    note = sign_note("one\u2028two\u0085three\n".encode(), KEY.name, PRIVATE)
    assert parse_note(note).text == "one\u2028two\u0085three\n".encode()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "three parts"),
        ("example.com/foo+530d903a", "three parts"),
        (SPEC_KEY.replace("530d903a", "530D903A"), "id does not belong"),
        (SPEC_KEY.replace("530d903a", "530d903b"), "id does not belong"),
        (SPEC_KEY.replace("example.com", "example.net"), "id does not belong"),
        (SPEC_KEY.replace("+Aeky", "+Beky"), "ed25519"),
        (SPEC_KEY + "\n", "base64"),
        (SPEC_KEY[:-4], "ed25519"),
        (" " + SPEC_KEY, "key's name"),
        (SPEC_KEY.replace("example.com/foo", ""), "key's name"),
        ("\ud800+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", "key's name"),
        (SPEC_KEY.replace("3U2k", "3Ué"), "base64"),
    ],
)
def test_malformed_verifier_keys_are_refused(text: str, why: str) -> None:
    """A verifier key that was copied wrongly is refused, with the reason."""
    with pytest.raises(LedgerError, match=why):
        parse_key(text)


@pytest.mark.parametrize("text", ["QQ", "QR==", "Q Q=", "QQ==\n", "QQ=\n=", "Qé==", "Q-_=", "QQ==QQ=="])
def test_base64_has_one_spelling(text: str) -> None:
    """Base64 without padding, with spare bits, white space or another alphabet is refused."""
    with pytest.raises(LedgerError):
        decode_base64(text)
