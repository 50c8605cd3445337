"""Every change to what is under the checkpoint shows."""

import os
import random
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from postwarden.ledger.store import Ledger
from postwarden.ledger.verify import verify
from tests.unit.ledger.conftest import Place, put, record

LONG = bool(os.environ.get("POSTWARDEN_LONG"))


@pytest.fixture
def small(place: Place, ledger: Ledger) -> Place:
    """A ledger of six records in two commits."""
    put(ledger, record(number=1), record(number=2))
    put(ledger, record(text="\u2028"), record(number=4), record(number=5))
    assert verify(place.folder).sound
    return place


def unsound(place: Place, path: Path, content: bytes) -> bool:
    """Whether the ledger with other content in one of its files is not sound, and says why."""
    before = path.read_bytes()
    path.write_bytes(content)
    found = verify(place.folder)
    path.write_bytes(before)
    return not found.sound and bool(found.problems)


def flipped(content: bytes, bit: int) -> bytes:
    changed = bytearray(content)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


@pytest.mark.parametrize("name", ["checkpoint", "keys/00000000"])
def test_every_flipped_bit_of_the_notes_shows(small: Place, name: str) -> None:
    """Each single bit of the checkpoint and of the first key's certificate counts."""
    path = small.folder / name
    content = path.read_bytes()
    missed = [bit for bit in range(8 * len(content)) if not unsound(small, path, flipped(content, bit))]
    assert missed == []


def test_every_flipped_byte_of_the_records_shows(small: Place) -> None:
    """In each byte of the records a flipped bit shows; which bit is random, or every one in the long run."""
    seed = random.randrange(2**32)
    sys.stdout.write(f"seed {seed}\n")
    choose = random.Random(seed)
    content = small.segment.read_bytes()
    bits = [
        8 * byte + bit
        for byte in range(len(content))
        for bit in (range(8) if LONG else [choose.randrange(8)])
    ]
    missed = [bit for bit in bits if not unsound(small, small.segment, flipped(content, bit))]
    assert missed == []


@pytest.mark.parametrize("name", ["checkpoint", "keys/00000000", "records/00000000.jsonl"])
def test_every_truncation_shows(small: Place, name: str) -> None:
    """Wherever a file is cut, down to nothing, the ledger is not sound."""
    path = small.folder / name
    content = path.read_bytes()
    assert [end for end in range(len(content)) if not unsound(small, path, content[:end])] == []


@pytest.mark.parametrize("name", ["checkpoint", "keys/00000000"])
@pytest.mark.parametrize("more", [b"\n", b" ", b"\x00", "— ".encode(), b"x"])
def test_bytes_after_a_note_show(small: Place, name: str, more: bytes) -> None:
    """Anything after the end of the checkpoint or certificate shows."""
    path = small.folder / name
    assert unsound(small, path, path.read_bytes() + more)


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: [lines[1], lines[0], *lines[2:]],
        lambda lines: [*lines[:-2], lines[-1], lines[-2]],
        lambda lines: [lines[0], *lines],
        lambda lines: [*lines[:3], lines[2], *lines[3:]],
        lambda lines: lines[1:],
        lambda lines: [*lines[:2], *lines[3:]],
        lambda lines: [*lines[:2], record(number=99), *lines[2:]],
        lambda lines: [*lines[:2], record(number=99), *lines[3:]],
        lambda lines: [*lines[:2], b"", *lines[2:]],
        lambda lines: [*lines[:2], lines[2] + lines[3], *lines[4:]],
        lambda lines: [line + b"\r" for line in lines],
        lambda lines: [b"\xef\xbb\xbf" + lines[0], *lines[1:]],
        lambda lines: [line + b" " for line in lines],
        lambda lines: [*lines[:2], b"x" * 70_000, *lines[3:]],
        lambda _: [],
    ],
)
def test_edited_lines_show(small: Place, change: Callable[[list[bytes]], list[bytes]]) -> None:
    """Lines that are swapped, doubled, deleted, added, joined or saved by another editor show."""
    lines = small.segment.read_bytes().removesuffix(b"\n").split(b"\n")
    assert unsound(small, small.segment, b"".join(line + b"\n" for line in change(lines)))


def test_the_same_records_in_another_encoding_show(small: Place) -> None:
    """The records as UTF-16, or with an escaped character unescaped, show."""
    content = small.segment.read_bytes()
    assert unsound(small, small.segment, content.decode().encode("utf-16"))
    assert unsound(small, small.segment, content.replace(b"\\u2028", "\u2028".encode()))


def test_an_older_checkpoint_leaves_the_rest_uncommitted(place: Place, ledger: Ledger) -> None:
    """With an older checkpoint put back, what came after it is uncommitted: only a kept one could tell more."""
    put(ledger, record(number=1))
    older = place.checkpoint.read_bytes()
    put(ledger, record(number=2), record(number=3))
    place.checkpoint.write_bytes(older)
    found = verify(place.folder)
    assert (found.sound, found.size) == (True, 2)
    assert found.uncommitted
    assert found.uncommitted.count == 2
