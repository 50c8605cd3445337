"""Redaction, by those who try to defeat it."""

import base64
import binascii
import codecs
import html
import json
import quopri
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from postwarden.logs.redaction import MAX_LOOKED, MAX_SHOWN, Redactor
from postwarden.secrets import Secret
from tests.unit.logs.conftest import SECRETS


def _b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


#: Ways in which a program, a library or a protocol writes a text.
FORMS: dict[str, Callable[[str], str]] = {
    "as it is": lambda text: text,
    "in a sentence": lambda text: f"the server said: {text}!",
    "repr": repr,
    "repr of bytes": lambda text: repr(text.encode()),
    "repr of repr": lambda text: repr(repr(text)),
    "json": json.dumps,
    "json with all letters": lambda text: json.dumps(text, ensure_ascii=False),
    "json in json": lambda text: json.dumps(json.dumps({"a": text})),
    "json in json in json": lambda text: json.dumps(json.dumps(json.dumps({"a": text}))),
    "unicode escapes": lambda text: text.encode("unicode_escape").decode(),
    "percent": lambda text: urllib.parse.quote(text, safe=""),
    "percent of every byte": lambda text: "".join(f"%{byte:02X}" for byte in text.encode()),
    "percent of some": lambda text: "".join(f"%{ord(c):02x}" if c in "wofh" else urllib.parse.quote(c) for c in text),
    "percent twice": lambda text: urllib.parse.quote(urllib.parse.quote(text, safe=""), safe=""),
    "form": urllib.parse.quote_plus,
    "query": lambda text: urllib.parse.urlencode({"x": text}),
    "html": html.escape,
    "html of every letter": lambda text: "".join(f"&#{ord(char)};" for char in text),
    "quoted-printable": lambda text: quopri.encodestring(text.encode()).decode(),
    "quoted-printable of every byte": lambda text: "".join(f"={byte:02X}" for byte in text.encode()),
    "wrapped": lambda text: "\r\n".join(text[i : i + 5] for i in range(0, len(text), 5)),
    "soft line ends": lambda text: "=\r\n".join(text[i : i + 5] for i in range(0, len(text), 5)),
    "zero-width spaces": "\u200b".join,
    "utf-16 as bytes": lambda text: repr(text.encode("utf-16-le")),
    "utf-16 big end first": lambda text: repr(text.encode("utf-16-be")),
    "utf-16 as latin": lambda text: text.encode("utf-16-le").decode("latin-1"),
    "base64": lambda text: _b64(text.encode()),
    "base64 for addresses": lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
    "base64 in lines": lambda text: "\r\n".join(_b64(text.encode())[i : i + 8] for i in range(0, 200, 8)).strip(),
    "base64 after one byte": lambda text: _b64(b"x" + text.encode() + b"yy"),
    "base64 after two bytes": lambda text: _b64(b"xx" + text.encode() + b"y"),
    "base64 of utf-16": lambda text: _b64(text.encode("utf-16-le")),
    "base64 of base64": lambda text: _b64(_b64(text.encode()).encode()),
    "base64 in percent": lambda text: urllib.parse.quote(_b64(text.encode()), safe=""),
    "sasl plain": lambda text: _b64(f"\0alice\0{text}".encode()),
    "xoauth2": lambda text: _b64(f"user=alice\x01auth=Bearer {text}\x01\x01".encode()),
    "basic": lambda text: "Basic " + _b64(f"alice:{text}".encode()),
    "hex": lambda text: text.encode().hex(),
    "hex in capitals": lambda text: text.encode().hex(" ").upper(),
    "hex with colons": lambda text: binascii.hexlify(text.encode(), ":").decode(),
    "octal": lambda text: "".join(f"\\{byte:03o}" for byte in text.encode()),
    "in an address": lambda text: f"imaps://alice:{urllib.parse.quote(text, safe='')}@mail.example.org/INBOX",
    "cut at the end": lambda text: text[: len(text) * 3 // 4 + 1],
    "cut at the start": lambda text: text[len(text) // 4 :],
    "twice in a row": lambda text: text + text,
}  # fmt: skip


def shows(told: str, secret: str) -> bool:
    """Whether a reader who decodes what was logged finds half of the secret or more."""
    half = max(4, len(secret) // 2 + 1)
    pieces = {secret[start : start + half] for start in range(len(secret) - half + 1)}
    seen = [told, urllib.parse.unquote_plus(told), html.unescape(told), told.replace("\\u{0}", "")]
    return any(piece in one for piece in pieces for one in seen)


@pytest.mark.parametrize("secret", SECRETS, ids=lambda secret: secret[:9])
@pytest.mark.parametrize("form", FORMS)
def test_a_known_secret_is_found_however_it_is_written(form: str, secret: str) -> None:
    """In each form of writing, what remains has stars in it, and nothing of the form that was logged."""
    redactor = Redactor()
    redactor.conceal(secret)
    written = FORMS[form](secret)
    told = redactor.text(f"before {written} after")
    assert "***" in told
    assert written not in told
    assert not shows(told, secret)
    assert told.startswith("before")


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer abcdef0123456789",
        "Authorization: Basic dTpw",
        "b'authorization: Negotiate YIIGhgYGKwYBBQUC'",
        "{'Authorization': 'Bearer abcdefgh', 'Accept': '*/*'}",
        "{'Cookie': 'sid=abcdefgh; theme=dark'}",
        "[('Set-Cookie', 'sid=abcdefgh')]",
        "Cookie: a=abcdefgh;\r\n b=abcdefgh",
        "X-Auth-Token: abcdefgh",
        "x-backendcookie: abcdefgh",
        '{"access_token": "abcdefgh", "expires_in": 3599}',
        '{\\"refresh_token\\": \\"abcdefgh\\"}',
        "{'client_secret': 'abc\\'defgh'}",
        "password=abcdefgh",
        "passwd = abcdefgh",
        "PASSWORD: abcdefgh",
        "the password is abcdefgh1",
        "imap_password=abcdefgh",
        "https://alice:abcdefgh@mail.example.org/x",
        "https://alice:ab@cdefgh@mail.example.org/x",
        "https://mail.example.org/x?user=alice&access_token=abcdefgh&y=1",
        "https://mail.example.org/cb?code=abcdefgh",
        "https://mail.example.org/#access_token=abcdefgh",
        "eyJhbGciOiJSUzI1NiJ9.eyJhYmNkZWZnaCI6MX0.abcdefgh",
        "-----BEGIN PRIVATE KEY-----\nabcdefgh\n-----END PRIVATE KEY-----",
        "-----BEGIN RSA PRIVATE KEY-----\nabcdefgh",
        'A001 LOGIN "alice" "abc\\"defgh"',
        "A001 LOGIN alice abcdefgh",
        'AUTHENTICATE "PLAIN" "AGFsaWNlAGFiY2RlZmdo"',
        "A1 AUTHENTICATE PLAIN AGFsaWNlAGFiY2RlZmdo",
        "AUTH PLAIN AGFsaWNlAGFiY2RlZmdo",
        "+ AGFsaWNlAGFiY2RlZmdo",
        "TlRMTVNTUAADAAAAGAAYAHIAAAAabcdefgh",
        "<t:Password>abcdefgh</t:Password>",
        '<wsse:Password Type="text">abcdefgh</wsse:Password>',
    ],
)
def test_what_looks_like_a_secret_is_taken_out(text: str) -> None:
    """Headers, addresses, parameters, commands, keys and tokens are recognised without knowing their values."""
    told = Redactor().text(text)
    assert "***" in told
    for left in ("abcdefgh", "cdefgh", "defgh", "dTpw", "YIIG", "AGFs", "eyJh"):
        assert left not in told


@pytest.mark.parametrize(
    "text",
    [
        "source imap: alice@example.org has 12 folders",
        "https://mail.example.org/EWS/Exchange.asmx answered 401",
        "the secret file /etc/postwarden/imap.secret cannot be read: Permission denied",
        "secret_missing",
        "the server offers basic authentication and bearer tokens",
        "configuration_in_force rules=32 digest=5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8",
        "login refused for DOMAIN\\alice after 3 attempts",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    """A line that only speaks of secrets, log-ins and digests is left as it is."""
    redactor = Redactor()
    redactor.conceal("swordfish")
    assert redactor.text(text) == text


class _Login(msgspec.Struct):
    user: str
    password: str
    note: str


@dataclass
class _Request:
    url: str
    headers: Mapping[str, str]


class _Odd:
    def __repr__(self) -> str:
        return "<odd swordfish>"


class _Worse:
    def __repr__(self) -> str:
        raise ValueError("swordfish")


@pytest.mark.parametrize(
    "value",
    [
        "swordfish", b"swordfish", bytearray(b"swordfish"), memoryview(b"a swordfish"),
        "swordfish".encode("utf-16"), "swordfish".encode("utf-32"), base64.b64encode(b"swordfish"),
        ["swordfish"], ("a", ["b", {"c": {"swordfish"}}]), {"swordfish": 1}, {b"swordfish": 1}, {"a": {"b": b"swordfish"}},
        _Login(user="alice", password="trout", note="swordfish"), [_Login(user="a", password="trout", note="")],
        _Request("https://swordfish@h/", {"Authorization": "trout"}), {"x": _Request("", {"X-Api-Key": "trout"})},
        _Odd(), _Worse(), ValueError("swordfish"), {"e": OSError(1, "swordfish")}, Secret("swordfish"),
        [("Authorization", "trout")], [[b"cookie", b"trout"]], {"apiKey": "trout"}, {"privateKey": ["trout"]},
        {"a": {"b": {"c": {"d": {"e": {"f": {"g": {"h": "swordfish"}}}}}}}}, codecs.encode("swordfish", "unicode_escape"),
        ["sword", "fish"], {"a": "swo", "b": "rdf", "c": "ish"}, {"a": "sword", "b": {"c": ["fish"]}}, list("swordfish"),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_no_value_carries_a_secret_through(value: Any) -> None:
    """Whatever the type and depth of a field, and over however many it is spread, the secret is not in what is told."""
    redactor = Redactor()
    redactor.conceal("swordfish")
    redactor.conceal("trout")
    told = json.dumps(redactor.fields({"event": "x", "given": value}), ensure_ascii=False)
    assert "swordfish" not in told.replace('", "', "").replace('": "', "")
    assert "trout" not in told
    assert not ("sword" in told and "fish" in told)


def test_a_number_that_is_a_secret_is_taken_out() -> None:
    """A PIN that is logged as a number does not show."""
    redactor = Redactor()
    redactor.conceal("48151623")
    told = redactor.fields({"event": "x", "given": 48151623, "more": [4815162342], "fine": 15})
    assert told == {"event": "x", "given": "***", "more": ["***"], "fine": 15}


def test_a_short_secret_is_found_where_it_stands_alone() -> None:
    """Three characters are taken out as a word, and do not shred every other word."""
    redactor = Redactor()
    redactor.conceal("ab1")
    assert redactor.text("it is ab1, not cab12") == "it is ***, not cab12"


def test_a_key_of_many_lines_is_found_line_by_line() -> None:
    """Each line of a private key is a secret, its first and last line are not."""
    body = [_b64(bytes([number]) * 40) for number in range(5)]
    redactor = Redactor()
    redactor.conceal("\n".join(["-----BEGIN PRIVATE KEY-----", *body, "-----END PRIVATE KEY-----"]))
    assert redactor.text(f"got {body[3]} here") == "got *** here"
    assert redactor.text("-----END CERTIFICATE-----") == "-----END CERTIFICATE-----"


def test_a_secret_at_the_end_of_what_is_looked_at_does_not_show() -> None:
    """A text that is too long is cut so that no piece of a secret remains at the cut."""
    redactor = Redactor()
    redactor.conceal("swordfish-in-the-sea")
    for shift in range(24):
        told = redactor.text("swordfish-in-the-sea" * 2_000 + " " * shift + "swordfish-in-the-sea" * 2_000)
        assert "swor" not in told
        assert len(told) <= MAX_SHOWN + 1
    assert len(redactor.text("x" * MAX_LOOKED * 2)) == MAX_SHOWN + 1


def test_control_and_direction_characters_are_escaped() -> None:
    """What would move a cursor, begin a line or turn the direction of reading is shown as an escape."""
    told = Redactor().fields({"event": "a\nb\x1b[31mc\u202ed\x9be", "k\n\u2066": ["\x07\u2028"]})
    assert told["event"] == "a\\u{a}b\\u{1b}[31mc\\u{202e}d\\u{9b}e"
    assert told["k\\u{a}\\u{2066}"] == ["\\u{7}\\u{2028}"]


def test_a_value_that_holds_itself_ends() -> None:
    """A list within itself is told up to there."""
    given: list[Any] = ["a"]
    given.append(given)
    assert Redactor().fields({"event": "x", "given": given})["given"] == ["a", "…"]


def test_the_oldest_of_very_many_secrets_are_forgotten_first() -> None:
    """Ten thousand passwords cost bounded memory, and the newest are known."""
    redactor = Redactor()
    for number in range(10_000):
        redactor.conceal(f"password-of-{number:06}-account")
    assert redactor.text("password-of-009999-account") == "***"
    assert len(redactor._new.values) + len(redactor._old.values) <= 2 * 4_096
