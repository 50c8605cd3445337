"""Rules as bytes in the extended form ([MS-OXORULE] section 2.2.4.1.9 and 10): material for examples and tests."""

import struct
from collections.abc import Iterable, Mapping

_MOVE, _REPLY, _DEFER, _FORWARD, _DELEGATE, _TAG, _DELETE, _MARK_READ = 1, 4, 5, 7, 8, 9, 10, 11
#: Preserve the sender, leave the message unchanged: what clients call redirecting.
_REDIRECTING = 3
_TEXT = 0x001F
_ADDRESS_TYPE, _ADDRESS = 0x3002, 0x3003
#: What conditions of examples look at, by a word.
_PROPERTIES = {"subject": 0x0037, "body": 0x1000, "sender": 0x0C1F, "class": 0x001A}
_SCORE = 0x4076


def written_actions(actions: Iterable[str]) -> bytes:
    """Actions such as `redirect a@b.example`, `delegate /o=X/cn=Y`, `move 00ff`, `delete`, `mark_read`.

    A target that begins with a slash is a directory's name. Raises ValueError for other words.
    """
    blocks = [_action(*one.partition(" ")[::2]) for one in actions]
    return b"\0\0" + struct.pack("<II", 1, len(blocks)) + b"".join(blocks)


def written_condition(tests: Mapping[str, str]) -> bytes:
    """A condition of which every test holds: the property of the word contains the text.

    `score` compares the junk filter's score with a number. Without tests every message meets it. Raises
    ValueError for other words.
    """
    parts = [_test(word, text) for word, text in tests.items()]
    return b"\0\0" + struct.pack("<BI", 0, len(parts)) + b"".join(parts)


def _action(word: str, target: str) -> bytes:
    match word:
        case "redirect":
            return _block(_FORWARD, _recipient(target), _REDIRECTING)
        case "forward":
            return _block(_FORWARD, _recipient(target))
        case "delegate":
            return _block(_DELEGATE, _recipient(target))
        case "move":
            folder = bytes.fromhex(target)
            return _block(_MOVE, struct.pack("<II", 0, len(folder)) + folder)
        case "reply":
            return _block(_REPLY, struct.pack("<I", 0) + bytes(16))
        case "label":
            return _block(_TAG, _text(0x9000, target))
        case "defer":
            return _block(_DEFER, target.encode())
        case "delete":
            return _block(_DELETE)
        case "mark_read":
            return _block(_MARK_READ)
        case _:
            raise ValueError(f"{word!r} is no action")


def _block(kind: int, data: bytes = b"", flavor: int = 0) -> bytes:
    return struct.pack("<IBII", len(data) + 9, kind, flavor, 0) + data


def _recipient(address: str) -> bytes:
    kind = "EX" if address.startswith("/") else "SMTP"
    return struct.pack("<IBI", 1, 1, 2) + _text(_ADDRESS_TYPE, kind) + _text(_ADDRESS, address)


def _text(number: int, value: str) -> bytes:
    return struct.pack("<HH", _TEXT, number) + value.encode("utf-16-le") + b"\0\0"


def _test(word: str, text: str) -> bytes:
    if word == "score":
        return struct.pack("<BBHHHHi", 4, 3, 3, _SCORE, 3, _SCORE, int(text))
    if word not in _PROPERTIES:
        raise ValueError(f"{word!r} is no property of a message")
    number = _PROPERTIES[word]
    return struct.pack("<BIHH", 3, 0x10001, _TEXT, number) + _text(number, text)
