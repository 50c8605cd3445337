"""Logs in real files, followed through everything that happens to them."""

import gzip
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from postwarden.connectors.log_files.contents import HEAD, PORTION, Status
from postwarden.connectors.log_files.following import FINISHED, Follower, Unreadable, _File, _matched
from postwarden.formats.server_logs import MAX_LINE
from postwarden.model.arrival import Cursor, Note


class Reader:
    """What follows the logs of one folder and keeps what came, as a history does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.follower = Follower([str(folder / "*")])
        self.cursors: list[Cursor] = []
        self.lines: list[bytes] = []
        self.notes: list[Note] = []
        self.errors: list[str] = []
        self.unread: list[int] = []
        self.now = 0

    def look(self, *, stop_after: int | None = None) -> list[bytes]:
        """The lines that this look gave; `stop_after` so many portions it is killed."""
        began = len(self.lines)
        newest = max((path.stat().st_mtime_ns for path in self.folder.iterdir()), default=0)
        self.now = max(self.now, newest // 1_000_000)
        for count, item in enumerate(self.follower.look(tuple(self.cursors), self.now)):
            if count == stop_after:
                self.follower = Follower([str(self.folder / "*")])
                break
            if isinstance(item, Unreadable):
                self.errors.append(str(item.error))
                continue
            self.lines += item.data.splitlines()
            self.notes += item.notes
            self.unread += [at for at, _ in item.unread]
            self.keep(item.cursor)
        return self.lines[began:]

    def keep(self, cursor: Cursor) -> None:
        from msgspec.structs import replace

        for index, known in enumerate(self.cursors):
            if cursor.key == known.key or (not cursor.key and cursor.head.startswith(known.head)):
                self.cursors[index] = replace(cursor, key=known.key)
                return
        self.cursors.append(replace(cursor, key=len(self.cursors) + 1))

    @property
    def mishaps(self) -> list[tuple[str, bool]]:
        return [(note.mishap, note.lost) for note in self.notes]


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    return Reader(tmp_path)


def written(path: Path, *lines: str) -> None:
    with path.open("a") as file:
        file.writelines(line + "\n" for line in lines)


def test_a_growing_log_gives_each_line_once(reader: Reader, tmp_path: Path) -> None:
    """What was read is not read again, and what is new comes at the next look."""
    log = tmp_path / "mail.log"
    written(log, "one", "two")
    assert reader.look() == [b"one", b"two"]
    assert reader.look() == []
    written(log, "two")
    assert reader.look() == [b"two"]
    assert reader.notes == []


def test_a_line_that_is_being_written_is_waited_for(reader: Reader, tmp_path: Path) -> None:
    """Half a line is not a line."""
    log = tmp_path / "mail.log"
    log.write_bytes(b"one\ntw")
    assert reader.look() == [b"one"]
    with log.open("ab") as file:
        file.write(b"o\n")
    assert reader.look() == [b"two"]


def test_the_last_line_of_an_old_file_counts_without_its_line_feed(reader: Reader, tmp_path: Path) -> None:
    """A server that died in the middle of a line does not take it with it; what still comes behind it is no line."""
    log = tmp_path / "mail.log"
    log.write_bytes(b"one\ntw")
    reader.look()
    reader.now += FINISHED + 1
    assert reader.look() == [b"tw"]
    assert reader.look() == []
    with log.open("ab") as file:
        file.write(b"o forged\nthree\n")
    assert reader.look() == [b"three"]


def rename(log: Path) -> None:
    log.rename(log.with_name("mail.log.1"))


def copy_in_time(log: Path) -> None:
    shutil.copy(log, log.with_name("mail.log.1"))
    os.truncate(log, 0)


def compress(log: Path) -> None:
    rename(log)
    log.touch()
    rotated = log.with_name("mail.log.1")
    log.with_name("mail.log.1.gz").write_bytes(gzip.compress(rotated.read_bytes()))
    rotated.unlink()


@pytest.mark.parametrize("rotate", [rename, copy_in_time, compress])
@pytest.mark.parametrize("empty_first", [False, True])
def test_rotation_loses_nothing_and_repeats_nothing(
    reader: Reader, tmp_path: Path, rotate: Callable[[Path], None], *, empty_first: bool
) -> None:
    """Through rename, copy and compression a content stays the same content, also with a look in the middle."""
    log = tmp_path / "mail.log"
    written(log, "one", "two")
    reader.look()
    if rotate is not copy_in_time:
        written(log, "three")
    rotate(log)
    log.touch()
    if empty_first:
        reader.look()
    written(log, "four")
    reader.look()
    assert sorted(reader.lines) == sorted(
        [b"one", b"two", b"four", *([b"three"] if rotate is not copy_in_time else [])]
    )
    assert reader.notes == []


def test_a_copy_that_ends_elsewhere_than_we_had_read_is_a_loss_of_unknown_size(
    reader: Reader, tmp_path: Path
) -> None:
    """Between copying and emptying lines may be lost, and only where the copy ends at our place there were none."""
    log = tmp_path / "mail.log"
    written(log, "one")
    reader.look()
    written(log, "two")
    copy_in_time(log)
    written(log, "three")
    reader.look()
    assert sorted(reader.lines) == [b"one", b"three", b"two"]
    assert reader.mishaps == [("truncated", True)]
    assert "we had read to byte 4, the copy ends at byte 8" in reader.notes[0].words


def test_a_log_that_is_emptied_without_a_copy_is_a_loss(reader: Reader, tmp_path: Path) -> None:
    """Whatever came after our last look may be gone, and it is said once."""
    log = tmp_path / "mail.log"
    written(log, "one")
    reader.look()
    os.truncate(log, 0)
    reader.look()
    written(log, "two")
    assert reader.look() == [b"two"]
    reader.look()
    assert reader.mishaps == [("truncated", True)]
    assert reader.notes[0].words.startswith("it was emptied or overwritten in place")


def test_a_log_that_vanishes_is_a_loss_while_it_is_live(reader: Reader, tmp_path: Path) -> None:
    """A live log that is gone may have had more; an old one that its server has long left was read to its end."""
    log, old = tmp_path / "mail.log", tmp_path / "mail.log.1"
    written(log, "one")
    written(old, "zero")
    os.utime(old, (0, 0))
    reader.look()
    old.unlink()
    assert reader.look() == []
    assert reader.mishaps == []
    log.unlink()
    reader.look()
    reader.look()
    assert reader.mishaps == [("gone", True)]


def test_an_older_content_in_the_place_of_the_live_one_is_told(reader: Reader, tmp_path: Path) -> None:
    """A log that was put back from a backup gives no event twice, and does not pass unseen."""
    log = tmp_path / "mail.log"
    written(log, "one")
    reader.look()
    rename(log)
    written(log, "two")
    reader.look()
    log.unlink()
    (tmp_path / "mail.log.1").rename(log)
    reader.look()
    assert reader.lines == [b"one", b"two"]
    assert ("replaced", False) in reader.mishaps
    assert ("gone", True) in reader.mishaps


@pytest.mark.parametrize(
    ("now", "words"),
    [(b"1" * 2000 + b"\n", "ends at byte 2001"), (b"1" * 2000 + b"\n" + b"three\nthree\n", "it was changed")],
)
def test_a_log_whose_end_was_taken_away_or_changed_is_told_and_read_on_behind_it(
    reader: Reader, tmp_path: Path, now: bytes, words: str
) -> None:
    """Whoever edits a log does not blind us: it is told once, and what comes next is read."""
    log = tmp_path / "mail.log"
    written(log, "1" * 2000, "first", "third")
    reader.look()
    with log.open("rb+") as file:
        file.write(now)
        file.truncate()
    reader.look()
    assert [note.mishap for note in reader.notes] == ["shortened"]
    assert words in reader.notes[0].words
    written(log, "four")
    assert reader.look() == [b"four"]
    assert len(reader.notes) == 1


def test_an_overlong_line_is_left_out_and_nothing_behind_it_is_taken_for_a_line(
    reader: Reader, tmp_path: Path
) -> None:
    """Whoever can write a long line cannot make up a line of the log in it."""
    log = tmp_path / "mail.log"
    log.write_bytes(b"one\n" + b"x" * (PORTION + 5) + b"forged\nforged too")
    assert reader.look() == [b"one"]
    with log.open("ab") as file:
        file.write(b"\n" + b"y" * (MAX_LINE + 1) + b"\ntwo\n")
    assert [line for line in reader.look() if line.strip()] == [b"forged too", b"two"]
    assert len(reader.unread) == 2


def test_after_a_kill_between_two_portions_reading_goes_on_there(reader: Reader, tmp_path: Path) -> None:
    """What was stored is not read again, and what was not stored is."""
    log = tmp_path / "mail.log"
    lines = [f"line {number} of a log that is longer than a portion" for number in range(60_000)]
    written(log, *lines)
    reader.look(stop_after=1)
    assert 0 < len(reader.lines) < len(lines)
    reader.look(stop_after=2)
    reader.look()
    assert reader.lines == [line.encode() for line in lines]


def test_a_file_that_cannot_be_read_is_told_and_the_others_are_read(reader: Reader, tmp_path: Path) -> None:
    """A damaged archive and a pipe do not stop the log beside them."""
    written(tmp_path / "mail.log", "one")
    whole = gzip.compress(os.urandom(4000) + b"\n")
    (tmp_path / "mail.log.1.gz").write_bytes(whole[: len(whole) // 2])
    os.mkfifo(tmp_path / "mail.pipe")
    reader.look()
    assert reader.lines == [b"one"]
    assert any("is damaged" in error for error in reader.errors)
    assert any("is no regular file" in error for error in reader.errors)


def test_an_archive_that_ends_before_where_we_had_read_is_told_with_its_length(
    reader: Reader, tmp_path: Path
) -> None:
    """The length of what is compressed is that of its content."""
    log = tmp_path / "mail.log"
    written(log, *(f"{number:050}" for number in range(100)))
    reader.look()
    (tmp_path / "mail.log.1.gz").write_bytes(gzip.compress(log.read_bytes()[: 51 * 60]))
    log.unlink()
    assert reader.look() == []
    assert f"it ends at byte {51 * 60}:" in reader.notes[-1].words


def test_a_damaged_file_is_told_at_each_look_and_read_once(
    reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broken archive that lies there for a year does not cost its decompression every second."""
    whole = gzip.compress(b"".join(b"%d\n" % number for number in range(400_000)))
    (tmp_path / "mail.log.2.gz").write_bytes(whole[: len(whole) // 2])
    reader.look()
    opened: list[str] = []
    real = os.open

    def watched(path: str, *more: int) -> int:
        opened.append(path)
        return real(path, *more)

    monkeypatch.setattr(os, "open", watched)
    reader.look()
    assert opened == []
    assert len(reader.errors) == 2
    (tmp_path / "mail.log.2.gz").write_bytes(whole)
    reader.look()
    assert reader.lines == [b"%d" % number for number in range(400_000)]
    assert len(reader.errors) == 2


def test_a_name_that_is_no_text_is_told(reader: Reader, tmp_path: Path) -> None:
    """Such a file cannot be named in a record; the others are read."""
    (tmp_path / os.fsdecode(b"mail.log.\xff")).write_bytes(b"one\n")
    written(tmp_path / "mail.log", "two")
    assert reader.look() == [b"two"]
    assert "\\xff" in reader.errors[0]


def test_a_file_system_that_fails_is_told(
    reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mount that is stale gives no logs, and no crash."""
    written(tmp_path / "mail.log", "one")
    reader.look()

    def stale(*_: object) -> os.stat_result:
        raise OSError(116, "Stale file handle")

    with monkeypatch.context() as patched:
        patched.setattr(os, "stat", stale)
        patched.setattr(os, "open", stale)
        items = list(reader.follower.look(tuple(reader.cursors), reader.now))
    assert [type(item) for item in items] == [Unreadable]
    assert "Stale" in str(items[0].error)  # type: ignore[union-attr]  # it is one
    written(tmp_path / "mail.log", "two")
    assert reader.look() == [b"two"]


def test_many_files_are_told_apart_in_no_time(tmp_path: Path) -> None:
    """Hourly logs of a year, all of which were read before."""
    files = [
        _File(
            path=f"/logs/{number}",
            status=Status(device=1, inode=number, born=0, size=2000, modified=0),
            compressed=False,
            head=(b"%010d\n" % number * 94)[:HEAD],
        )
        for number in range(9_000)
    ]
    cursors = [Cursor(key=number + 1, head=file.head) for number, file in enumerate(files)]
    began = time.process_time()
    assert all(one.cursor.key == one.file.status.inode + 1 for one in _matched(files, cursors))
    assert time.process_time() - began < 2


def test_files_that_are_only_headers_are_followed_each_by_itself(reader: Reader, tmp_path: Path) -> None:
    """Until they differ they are one content; from then on each has its own lines, once."""
    one, other = tmp_path / "u_ex1.log", tmp_path / "u_ex2.log"
    written(one, "#Fields: x")
    written(other, "#Fields: x")
    reader.look()
    written(one, "a1")
    written(other, "b1", "b2")
    for _ in range(3):
        reader.look()
    written(one, "a2")
    written(other, "b3")
    for _ in range(3):
        reader.look()
    assert sorted(line for line in reader.lines if not line.startswith(b"#")) == [
        b"a1", b"a2", b"b1", b"b2", b"b3",
    ]  # fmt: skip
    assert reader.notes == []


def test_the_last_line_of_an_archive_counts_at_once(reader: Reader, tmp_path: Path) -> None:
    """Nobody writes on behind what is compressed."""
    (tmp_path / "mail.log.2.gz").write_bytes(gzip.compress(b"one\ntwo"))
    assert reader.look() == [b"one", b"two"]
    assert not reader.cursors[0].live


def test_files_that_did_not_change_stay_closed(
    reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look at four hundred old files and a quiet log opens none of them, before and after its last line counts."""
    written(tmp_path / "mail.log", "one")
    (tmp_path / "mail.log.2.gz").write_bytes(gzip.compress(b"two\n"))
    reader.look()
    opened: list[str] = []
    real = os.open

    def watched(path: str, *more: int) -> int:
        opened.append(os.path.basename(path))  # noqa: PTH119 - what os.open is given
        return real(path, *more)

    monkeypatch.setattr(os, "open", watched)
    reader.look()
    assert opened == []
    reader.now += FINISHED + 1
    reader.look()
    assert opened == ["mail.log"]
    reader.look()
    assert opened == ["mail.log"]


def test_a_log_is_read_while_it_is_being_compressed(reader: Reader, tmp_path: Path) -> None:
    """Half an archive stands beside its log; the log is what is read."""
    lines = [f"{number} of the log" for number in range(9_000)]
    written(tmp_path / "mail.log.1", *lines)
    whole = gzip.compress((tmp_path / "mail.log.1").read_bytes(), compresslevel=0)
    (tmp_path / "mail.log.1.gz").write_bytes(whole[:-9])
    assert reader.look() == [line.encode() for line in lines]
    assert reader.errors == []


def test_the_only_log_is_renamed_between_being_listed_and_opened_after_a_start(
    reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that has just started finds no file at first; it looks again before it calls anything lost."""
    log, real = tmp_path / "mail.log", os.open
    written(log, "one", "two")
    reader.look()
    reader.follower = Follower([str(tmp_path / "*")])

    def rotating(path: str, *args: int, **kwargs: int) -> int:
        if path == str(log) and not (tmp_path / "mail.log.1").exists():
            log.rename(tmp_path / "mail.log.1")
        return real(path, *args, **kwargs)

    monkeypatch.setattr(os, "open", rotating)
    assert reader.look() == []
    assert reader.mishaps == []
    written(log, "three")
    assert reader.look() == [b"three"]


def test_a_new_file_that_begins_as_the_one_that_vanished_is_a_new_content(
    reader: Reader, tmp_path: Path
) -> None:
    """Only the same file can have been cut off; another one in its place begins anew."""
    log = tmp_path / "mail.log"
    written(log, "#Fields: x", "one")
    reader.look()
    log.rename(tmp_path.parent / "elsewhere")
    written(log, "#Fields: x")
    assert reader.look() == [b"#Fields: x"]
    assert reader.mishaps == [("gone", True)]


def test_a_short_log_that_was_cut_off_is_the_same_log(reader: Reader, tmp_path: Path) -> None:
    """Also where all that is known of it is its beginning: nothing is read again, and the cut is told."""
    log = tmp_path / "mail.log"
    written(log, "one", "two")
    reader.look()
    os.truncate(log, 4)
    assert reader.look() == []
    assert reader.mishaps == [("shortened", True)]
    written(log, "three")
    assert reader.look() == [b"three"]


def test_only_lines_that_came_while_we_followed_tell_how_late_a_log_is(
    reader: Reader, tmp_path: Path
) -> None:
    """What was there before we looked, and what comes behind a long silence, says nothing about its delay."""
    log = tmp_path / "mail.log"
    fresh: list[bool] = []

    def look() -> None:
        for item in reader.follower.look(tuple(reader.cursors), reader.now):
            assert not isinstance(item, Unreadable)
            fresh.extend([item.fresh] if item.data else [])
            reader.keep(item.cursor)

    written(log, "one")
    reader.now = log.stat().st_mtime_ns // 1_000_000
    look()
    written(log, "two")
    look()
    reader.now += FINISHED + 60_000
    look()
    written(log, "three")
    look()
    assert fresh == [False, True, False]


@pytest.mark.parametrize(("number", "reason"), [(13, "forbidden"), (5, "unreachable")])
def test_why_a_file_cannot_be_opened_is_told(
    reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, reason: str
) -> None:
    """Rights are the administrator's to give, a failing disk is not."""
    written(tmp_path / "mail.log", "one")

    def refused(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "open", refused)
    (item,) = reader.follower.look((), 0)
    assert isinstance(item, Unreadable)
    assert item.error.reason == reason


def test_lines_of_megabytes_are_read_where_the_format_has_them(tmp_path: Path) -> None:
    """An export is one line: whole ones come whole, one that is too long is left out, and what is behind it comes."""
    lines = [
        b"a" * (PORTION // 2), b"b" * (2 * PORTION), b"c", b"d" * (6 * PORTION), b"e", b"f" * (PORTION - 1), b"g",
        b"h" * (3 * PORTION),
    ]  # fmt: skip
    (tmp_path / "export.json").write_bytes(b"\n".join(lines))
    (tmp_path / "growing.json").write_bytes(b"head\n" + b"x" * (2 * PORTION))
    reader = Reader(tmp_path)
    reader.follower = Follower([str(tmp_path / "*")], longest=3 * PORTION)
    reader.look()
    reader.now += FINISHED + 1
    with (tmp_path / "growing.json").open("ab") as file:
        file.write(b"y\n")
    reader.look()
    assert reader.unread == [len(b"\n".join(lines[:3])) + 1]
    wanted = [*(line for line in lines if not line.startswith(b"d")), b"head", b"x" * (2 * PORTION) + b"y"]
    assert sorted(line for line in reader.lines if line.strip()) == sorted(wanted)
