"""Verification names what is not sound, changes nothing, and is not misled by a writer at work."""

import os
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from postwarden.errors import LedgerError
from postwarden.ledger import checkpoint, private_keys, segments
from postwarden.ledger.checkpoint import Position
from postwarden.ledger.epochs import Epoch, begin_chain, sign_certificate
from postwarden.ledger.note import make_key
from postwarden.ledger.private_keys import PrivateKeys
from postwarden.ledger.problems import MAX_LISTED, Problem
from postwarden.ledger.segments import Edge
from postwarden.ledger.store import Ledger
from postwarden.ledger.tree import EMPTY_ROOT
from postwarden.ledger.verify import Uncommitted, verify
from tests.unit.ledger.conftest import TIME, Place, put, record


@pytest.fixture
def small(place: Place, ledger: Ledger) -> Place:
    """A ledger of four records."""
    put(ledger, *[record(number=number) for number in (1, 2, 3)])
    return place


def whats(place: Place) -> list[str]:
    found = verify(place.folder)
    assert not found.sound
    return [problem.what for problem in found.problems]


def test_a_sound_ledger_says_what_it_is(small: Place) -> None:
    """A sound ledger gives its origin, size, root and key, and says whether the key was compared."""
    ledger = small.open()
    found = verify(small.folder)
    assert found.sound
    assert (found.origin, found.verifier_key) == (ledger.origin, ledger.verifier_key)
    assert (found.size, found.root) == (4, ledger.position().root)
    assert (found.epochs, found.compared_epoch, found.uncommitted, found.problems) == (1, None, None, ())
    assert verify(small.folder, key=ledger.verifier_key).compared_epoch == 0


def test_neither_lock_nor_private_key_is_needed(small: Place) -> None:
    """A copy of the ledger's folder alone verifies, without lock, quarantine, blobs or private key."""
    shutil.rmtree(small.private)
    shutil.rmtree(small.folder / "quarantine")
    shutil.rmtree(small.folder / "blobs")
    (small.folder / "lock").unlink()
    assert verify(small.folder).sound


def test_nothing_is_written(small: Place) -> None:
    """Verifying, also what is not sound, leaves every file and folder as it was."""
    with small.segment.open("ab") as file:
        file.write(b"torn")
    (small.folder / "records" / "stray").touch()
    paths = [small.folder, *small.folder.rglob("*")]
    before = [(path.stat().st_mtime_ns, path.stat().st_ctime_ns) for path in paths]
    verify(small.folder)
    assert [small.folder, *small.folder.rglob("*")] == paths
    assert [(path.stat().st_mtime_ns, path.stat().st_ctime_ns) for path in paths] == before


def test_another_key_than_the_kept_one_shows(small: Place, tmp_path: Path) -> None:
    """A ledger made anew under the same name does not pass for the one whose key was kept."""
    other = Place(tmp_path / "other")
    kept = other.make().verifier_key
    found = verify(small.folder, key=kept)
    assert not found.sound
    assert found.compared_epoch is None
    assert "none of the ledger's keys is the one that it was compared with" in [
        problem.what for problem in found.problems
    ]
    assert Problem("no sound checkpoint covers records 0 to 3", 0, 3) in found.problems


def test_a_key_that_is_none_is_refused(small: Place) -> None:
    """A malformed verifier key is an error, not an unsound ledger."""
    with pytest.raises(LedgerError, match="three parts"):
        verify(small.folder, key="nonsense")


def test_what_is_no_ledger_is_refused(tmp_path: Path) -> None:
    """A folder that holds nothing of a ledger, or no folder at all, is an error."""
    with pytest.raises(LedgerError, match="is not a ledger") as caught:
        verify(tmp_path)
    assert caught.value.hint
    for path in (tmp_path / "missing", Path("/dev/null")):
        with pytest.raises(LedgerError, match="cannot be opened"):
            verify(path)


def test_a_torn_end_is_uncommitted(small: Place) -> None:
    """Bytes beyond the checkpoint are counted and digested, and are no problem."""
    for tail, count in ((b"torn", 1), (record() + b"\n", 1), (record() + b"\ntorn", 2), (b"\n\n", 2)):
        content = small.segment.read_bytes()
        small.segment.write_bytes(content + tail)
        found = verify(small.folder)
        assert found.sound
        assert found.uncommitted == Uncommitted(count, len(tail), sha256(tail).hexdigest())
        small.segment.write_bytes(content)


def test_missing_parts_are_named(small: Place) -> None:
    """Without the checkpoint, certificate, a folder or a segment the ledger is not sound, and it is said."""
    for name, sentences in {
        "checkpoint": ["the checkpoint is missing", "no sound checkpoint covers records 0 to 3"],
        "keys/00000000": [
            "the first key's certificate, keys/00000000, is missing",
            "the checkpoint cannot be verified without a sound key",
            "no sound checkpoint covers records 0 to 3",
        ],
        "keys": [
            "the ledger has no folder keys",
            "the checkpoint cannot be verified without a sound key",
            "no sound checkpoint covers records 0 to 3",
        ],
        "records": ["the ledger has no folder records"],
        "records/00000000.jsonl": [
            "00000000.jsonl is missing",
            "no sound checkpoint covers records 0 to 3",
        ],
    }.items():
        (small.folder / name).rename(small.state / "aside")
        assert whats(small) == sentences
        (small.state / "aside").rename(small.folder / name)
    assert verify(small.folder).sound


@pytest.mark.parametrize(
    "name",
    [
        "records/stray",
        "records/.00000000.jsonl.swp",
        "records/0.jsonl",
        "records/00000001.jsonl",
        "records/00000000.jsonl.1",
        "records/000000000.jsonl",
        "keys/00000002",
        "keys/00000002.tmp",
        "keys/00000000.bak",
    ],
)
def test_unexpected_files_are_named(small: Place, name: str) -> None:
    """A file that the ledger does not put into `records` or `keys` is not sound."""
    (small.folder / name).touch()
    folder, stray = name.split("/")
    assert whats(small) == [f"{folder}/'{stray}' is not a file of the ledger"]


def test_a_strange_name_is_printed_escaped(small: Place) -> None:
    """A file's name with control characters is told in ASCII."""
    (small.folder / "records" / "\x1b[31m\u202e").touch()
    assert whats(small) == [r"records/'\x1b[31m\u202e' is not a file of the ledger"]


def test_a_segment_out_of_row_is_named(small: Place) -> None:
    """A segment that does not follow the records is not sound, empty or not."""
    stray = small.folder / "records" / "00065536.jsonl"
    for content in (b"", record() + b"\n"):
        stray.write_bytes(content)
        assert whats(small) == ["00065536.jsonl does not follow the records before it"]


def test_a_missing_record_is_named(small: Place) -> None:
    """Where records are missing at the end, the first missing one is named."""
    content = small.segment.read_bytes()
    small.segment.write_bytes(content[: -len(record(number=3)) - 1])
    found = verify(small.folder)
    assert found.problems == (
        Problem("record 3 is missing", 3, 3),
        Problem("no sound checkpoint covers records 0 to 3", 0, 3),
    )
    small.segment.write_bytes(content[:-10])
    assert verify(small.folder).problems[0] == Problem("record 3 is cut off", 3, 3)


def test_a_changed_record_is_named_where_its_form_shows_it(small: Place) -> None:
    """A record whose form is broken is named beside the range that no checkpoint covers."""
    content = small.segment.read_bytes()
    small.segment.write_bytes(content.replace(b'"number":2', b'"number":x'))
    found = verify(small.folder)
    assert [(problem.first, problem.last) for problem in found.problems] == [(2, 2), (None, None), (0, 3)]
    assert found.problems[0].what.startswith("record 2 does not have a record's form: ")
    small.segment.write_bytes(content.replace(b'"number":2', b'"number":7'))
    assert verify(small.folder).problems == (
        Problem("the records do not give the checkpoint's root"),
        Problem("no sound checkpoint covers records 0 to 3", 0, 3),
    )


@pytest.mark.parametrize(
    "line",
    [
        record(text="\ud800"),
        record()[:-1] + b',"v":1}',
        record(text="x").replace(b'"x"', '"\u2028"'.encode()),
        record(text="x").replace(b'"x"', b'"\x00"'),
        record() + b"\r",
        b"\xef\xbb\xbf" + record(),
        b"[" * 60_000,
    ],
)
def test_a_signed_record_of_another_form_is_not_sound(place: Place, ledger: Ledger, line: bytes) -> None:
    """Even if the key's holder signed it, a record that another reader may read differently is named."""
    put(ledger, record())
    epoch = begin_chain(place.certificate.read_bytes()).last
    private = private_keys.load(PrivateKeys(place.private), epoch)
    with place.segment.open("ab") as file:
        file.write(line + b"\n")
    edge = segments.follow(Edge(), place.segment.read_bytes().removesuffix(b"\n").split(b"\n"))
    place.checkpoint.write_bytes(checkpoint.sign_checkpoint(edge.position, ledger.origin, private.first))
    found = verify(place.folder)
    assert [(problem.first, problem.last) for problem in found.problems] == [(2, 2)]


def test_an_overlong_line_is_named(place: Place, ledger: Ledger) -> None:
    """A line longer than a record can be is named, and not read on into."""
    place.segment.write_bytes(b"x" * 70_000 + b"\n")
    assert whats(place)[0] == "record 0 is longer than a record can be"


def test_a_segment_with_too_many_records_is_named(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A closed segment that holds more than its records is not sound."""
    monkeypatch.setattr("postwarden.ledger.segments.LENGTH", 2)
    monkeypatch.setattr("postwarden.ledger.writer.LENGTH", 2)
    put(place.make(), record(number=1), record(number=2))
    with place.segment.open("ab") as file:
        file.write(record() + b"\n")
    assert whats(place)[0] == "00000000.jsonl holds more than 2 records"


def test_links_and_pipes_are_problems(small: Place) -> None:
    """A link or a FIFO in place of a file is not sound, and is not waited for."""
    for name in ("checkpoint", "keys/00000000", "records/00000000.jsonl"):
        path = small.folder / name
        path.rename(small.state / "aside")
        path.symlink_to(small.state / "aside")
        assert any("not a regular file" in what for what in whats(small))
        path.unlink()
        os.mkfifo(path)
        assert any("not a regular file" in what for what in whats(small))
        path.unlink()
        (small.state / "aside").rename(path)


def test_the_list_of_problems_has_an_end(place: Place, ledger: Ledger) -> None:
    """Beyond a hundred problems only their number is told."""
    put(ledger, *[record(number=number) for number in range(300)])
    place.segment.write_bytes(place.segment.read_bytes().replace(b'"v":1', b'"v":2'))
    found = verify(place.folder)
    assert len(found.problems) == MAX_LISTED + 1
    assert found.problems[-1].what == "and 203 more"


def test_progress_counts_the_records(place: Place, ledger: Ledger) -> None:
    """Progress is told in rising numbers, the last being all records."""
    put(ledger, *[record(number=number) for number in range(9000)])
    told: list[int] = []
    assert verify(place.folder, progress=told.append).sound
    assert len(told) > 2
    assert told == sorted(told)
    assert told[-1] == 9001


def test_a_commit_meanwhile_is_no_problem(small: Place) -> None:
    """Records that are committed while the ledger is read are neither a problem nor called uncommitted."""
    ledger = small.open()

    def meanwhile(count: int) -> None:
        put(ledger, record(number=count))

    found = verify(small.folder, progress=meanwhile)
    assert ledger.position().size > 4
    assert (found.sound, found.size, found.uncommitted, found.problems) == (True, 4, None, ())


@pytest.mark.parametrize("moment", ["list_segments", "find_remains"])
def test_a_recovery_meanwhile_is_no_problem(
    place: Place, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """Left-overs that a writer takes away while they are looked at are no problem."""
    monkeypatch.setattr("postwarden.ledger.segments.LENGTH", 2)
    monkeypatch.setattr("postwarden.ledger.writer.LENGTH", 2)
    with place.segment.open("ab") as file:
        file.write(b"left\n")
    later = place.folder / "records" / "00000002.jsonl"
    later.write_bytes(b"over\n")
    look: Callable[..., object] = getattr(segments, moment)

    def look_then_cut(*args: object, **kwargs: object) -> object:
        found = look(*args, **kwargs)
        if later.exists():
            later.unlink()
            place.segment.write_bytes(place.segment.read_bytes().removesuffix(b"left\n"))
        return found

    monkeypatch.setattr(segments, moment, look_then_cut)
    found = verify(place.folder)
    assert not later.exists()
    assert (found.sound, found.uncommitted) == (True, None)


def test_another_certificate_format_is_not_sound(small: Place) -> None:
    """A certificate that its own key signed, but that is another text, is not sound."""
    private = Ed25519PrivateKey.generate()
    key = make_key("postwarden/test.example", private.public_key().public_bytes_raw())
    assert key.name == small.open().origin
    small.certificate.write_bytes(
        sign_certificate(Epoch(0, Position(0, EMPTY_ROOT), key, TIME), private).replace(
            b"\n0\n0\n", b"\n0\n1\n"
        )
    )
    assert "the certificate of epoch 0 is not sound" in whats(small)[0]
