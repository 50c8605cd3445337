"""Following logs: which content lies in which file now, what of it is new, and what happened to the rest.

A look goes over all files once. A content is told by its first bytes, so rename, copy and compression do not matter;
before it is read on, the bytes in front of the place are compared too.
"""

import glob
import os
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from postwarden.connectors.log_files.contents import (
    HEAD,
    TAIL,
    LogFile,
    Status,
    opened,
    pieces,
    status_of,
    unreadable,
)
from postwarden.errors import ConnectorError
from postwarden.formats.server_logs import MAX_LINE
from postwarden.model.arrival import Cursor, Mishap, Note, Portion

#: Milliseconds after which the last line of a file that nobody wrote to any more counts without its line feed: of a log that
#: is being written, and of copies, which are put there whole.
FINISHED, COPIED = 3_600_000, 60_000
#: Times that the files are listed anew until none was renamed meanwhile.
SETTLE = 3
#: Files of one source: more are a pattern gone wrong.
MAX_FILES = 20_000


class Unreadable(Struct, frozen=True, kw_only=True):
    """A file that could not be read, or not on: `error` says why."""

    path: str
    error: ConnectorError


class _File(Struct, frozen=True, kw_only=True):
    """A file that is there, and how its content begins; an empty one has no `head`."""

    path: str
    status: Status
    compressed: bool
    head: bytes


class _Found(Struct, frozen=True, kw_only=True):
    """A file and the content that it has: the cursor of a known one, or a new one at its beginning."""

    file: _File
    cursor: Cursor


def files_of(patterns: Iterable[str]) -> tuple[str, ...]:
    """The files that the patterns name, each once, in order; raises ConnectorError where there are too many."""
    found = sorted({path for pattern in patterns for path in glob.iglob(pattern, recursive=True)})  # noqa: PTH207 - patterns are absolute
    if len(found) > MAX_FILES:
        raise ConnectorError(
            f"{len(found)} files match {', '.join(patterns)}", "name the logs only", reason="malformed"
        )
    return tuple(found)


class Follower:
    """The logs of one source that the patterns name. It remembers how contents begin, to leave unchanged files closed.

    Lines longer than `longest` bytes are not read; a file is `finished` so many milliseconds after it was last written.
    """

    def __init__(self, patterns: Sequence[str], longest: int = MAX_LINE, finished: int = FINISHED) -> None:
        self._patterns = tuple(patterns)
        self._longest, self._finished = longest, finished
        # None before anything was listed: a first list that is empty, since its only file was just renamed, settles nothing.
        self._seen: dict[str, _File] | None = None
        self._damaged: dict[str, tuple[Status, Unreadable]] = {}

    def look(self, cursors: Sequence[Cursor], now: int) -> Iterator[Portion | Unreadable]:
        """Everything that is new since the `cursors`, at `now` in milliseconds since 1970.

        Before the next element is asked for, the one before must be stored: the cursor with what was made of it.
        """
        files, failed, settled = self._settled()
        yield from failed
        found = _matched(files, cursors)
        contents: dict[bytes, list[_Found]] = {}
        for one in found:
            contents.setdefault(one.cursor.head, []).append(one)
        if settled:
            paths, unread = {one.path: one for one in files}, {one.path for one in failed}
            yield from _mishaps(cursors, contents, paths, unread, now)
        longest = [max(group, key=_extent) for group in contents.values()]
        # Older contents first, so that sessions find their beginnings.
        for one in sorted(longest, key=lambda one: (one.file.status.modified, one.file.path)):
            yield from self._read(one, now)

    def _settled(self) -> tuple[list[_File], list[Unreadable], bool]:
        """The files as they were all at one moment: a rotation under way would hide one, or show one twice."""
        before = self._seen
        files, failed = self._files()
        for _ in range(SETTLE):
            if before is not None and {path: _identity(one.status) for path, one in before.items()} == {
                one.path: _identity(one.status) for one in files
            }:
                return files, failed, True
            before = self._seen
            files, failed = self._files()
        return files, failed, False

    def _files(self) -> tuple[list[_File], list[Unreadable]]:
        files: list[_File] = []
        failed: list[Unreadable] = []
        for path in files_of(self._patterns):
            if (wrong := _wrong_name(path)) is not None:
                failed.append(wrong)
                continue
            try:
                files.append(self._file(path))
            except FileNotFoundError:
                # Renamed or deleted since it was listed; the next look sees how things are then.
                continue
            except ConnectorError as exc:
                failed.append(Unreadable(path=path, error=exc))
        self._seen = {one.path: one for one in files}
        self._damaged = {path: known for path, known in self._damaged.items() if path in self._seen}
        return files, failed

    def _file(self, path: str) -> _File:
        """The file as it is, from memory where nothing about it changed."""
        seen = self._seen.get(path) if self._seen is not None else None
        try:
            if seen is not None and seen.status == status_of(os.stat(path), seen.status.born):  # noqa: PTH116 - a string from glob
                return seen
        except FileNotFoundError:
            raise
        except OSError as exc:
            raise unreadable(path, exc) from exc
        with opened(path) as log:
            return _File(path=path, status=log.status, compressed=log.compressed, head=log.head())

    def _read(self, one: _Found, now: int) -> Iterator[Portion | Unreadable]:
        """The new lines of one content."""
        cursor, status = one.cursor, one.file.status
        unchanged = (*_identity(cursor), cursor.size, cursor.modified) == (
            *_identity(status),
            status.size,
            status.modified,
        )
        finished = one.file.compressed or now - status.modified // 1_000_000 > self._finished
        if unchanged and not (finished and cursor.live):
            return
        damaged = self._damaged.get(one.file.path)
        if damaged is not None and damaged[0] == status:
            yield damaged[1]
            return
        place = replace(
            cursor,
            head=max(one.file.head, cursor.head, key=len),
            path=one.file.path,
            device=status.device,
            inode=status.inode,
            born=status.born,
            size=status.size,
            modified=status.modified,
            live=not finished,
            read=now,
        )
        try:
            with opened(one.file.path) as log:
                if _identity(log.status) != _identity(status):
                    # Rotated between two steps; the next look sees both files.
                    return
                if (other := _otherwise(cursor, log)) is not None:
                    words, offset, tail = other
                    # What is there now was not written by the mail server; what comes behind it is read.
                    torn = not tail.endswith(b"\n")
                    behind = replace(place, head=one.file.head, offset=offset, tail=tail, torn=torn, size=-1)
                    yield Portion(cursor=behind, notes=(_note("shortened", place, now, words),))
                    return
                yield from _new_lines(cursor, place, log, finished=finished, longest=self._longest)
        except FileNotFoundError:
            return
        except ConnectorError as exc:
            failed = Unreadable(path=one.file.path, error=exc)
            if exc.reason == "malformed":
                # It stays so until it changes; every look would decompress it anew.
                self._damaged[one.file.path] = status, failed
            yield failed


def _wrong_name(path: str) -> Unreadable | None:
    """Why a file of that name is left out, or None."""
    try:
        path.encode()
    except UnicodeEncodeError:
        shown = os.fsencode(path).decode("utf-8", "backslashreplace")
        error = ConnectorError(f"the name of the log {shown} is not UTF-8", "rename it", reason="malformed")
        return Unreadable(path=shown, error=error)
    return None


def _identity(file: Status | Cursor) -> tuple[int, int, int]:
    return file.device, file.inode, file.born


def _extent(one: _Found) -> tuple[bool, int, int]:
    """Of several files with one content, the one to read is plain and long."""
    return not one.file.compressed, one.file.status.size, one.file.status.modified


def _matched(files: Sequence[_File], cursors: Sequence[Cursor]) -> list[_Found]:
    """Each file that has a content, with that content's cursor."""
    whole = {one.head: one for one in reversed(cursors)}
    # Only these can be the beginning of something longer, or what lay in a file that was cut off.
    short = sorted((one for one in cursors if len(one.head) < HEAD), key=lambda one: -len(one.head))
    by_path: dict[str, list[Cursor]] = {}
    for one in cursors:
        by_path.setdefault(one.path, []).append(one)
    found: list[_Found] = []
    new: list[Cursor] = []
    # Shorter beginnings first: a copy under way is the same content as what it is copied from.
    for file in sorted(files, key=lambda one: (len(one.head), one.path)):
        if b"\n" not in file.head and len(file.head) < HEAD:
            # Not one whole line: nothing to tell it by, and nothing to read.
            continue
        cursor = whole.get(file.head) or next(
            (one for one in (*short, *by_path.get(file.path, ())) if _is_of(file, one)), None
        )
        if cursor is None:
            cursor = next((one for one in new if file.head.startswith(one.head)), None)
        if cursor is None:
            cursor = Cursor(head=file.head)
            new.append(cursor)
        found.append(_Found(file=file, cursor=cursor))
    return found


def _is_of(file: _File, cursor: Cursor) -> bool:
    """Whether the file has the cursor's content, as far as its beginning tells."""
    if file.head.startswith(cursor.head):
        return True
    # Cut off before what we know of it: it is still what lay there.
    same = file.path == cursor.path and _identity(file.status) == _identity(cursor)
    return same and cursor.head.startswith(file.head)


def _mishaps(
    cursors: Sequence[Cursor],
    contents: dict[bytes, list[_Found]],
    files: dict[str, _File],
    failed: set[str],
    now: int,
) -> Iterator[Portion]:
    """What happened to contents that were live and are not in their place any more."""
    here = {one.file.path: one.cursor for group in contents.values() for one in group}
    for cursor in cursors:
        instead, elsewhere = here.get(cursor.path), contents.get(cursor.head, [])
        if not cursor.live or cursor.path in failed or instead is cursor:
            continue
        file = files.get(cursor.path)
        # A removed file's number is given to the next one: it is the same file only if it was made then, too.
        in_place = file is not None and _identity(file.status) == _identity(cursor)
        notes = []
        if instead is not None and 0 < instead.key < cursor.key:
            words = "an older content, which we had read before, is in its place again"
            notes.append(_note("replaced", cursor, now, words, lost=False))
        if not elsewhere:
            what = "was emptied or overwritten in place" if in_place else "is gone or has another content"
            words = (
                f"it {what}, and no file has what was in it: lines behind byte {cursor.offset} may be lost"
            )
            notes.append(_note("truncated" if in_place else "gone", cursor, now, words))
        elif in_place and (end := _length(elsewhere)) != cursor.offset:
            words = (
                f"it was copied and emptied in place: we had read to byte {cursor.offset}, the copy ends at "
                f"{f'byte {end}' if end is not None else 'another place'}; lines written in between may be lost"
            )
            notes.append(_note("truncated", cursor, now, words))
        if notes:
            yield Portion(cursor=replace(cursor, live=False, read=now), notes=tuple(notes))


def _length(copies: Sequence[_Found]) -> int | None:
    """How long a content is, where a file tells it from outside."""
    return max((one.file.status.size for one in copies if not one.file.compressed), default=None)


def _new_lines(
    cursor: Cursor, place: Cursor, log: LogFile, *, finished: bool, longest: int
) -> Iterator[Portion]:
    fresh = cursor.key != 0 and cursor.live
    behind = replace(cursor, head=place.head)
    for piece in pieces(log, cursor.offset, torn=cursor.torn, finished=finished, longest=longest):
        behind = replace(behind, offset=piece.end, tail=(behind.tail + piece.tail)[-TAIL:], torn=piece.torn)
        yield Portion(
            # Until its end is reached, the file counts as changed.
            cursor=replace(
                place, offset=behind.offset, tail=behind.tail, torn=behind.torn, live=True, size=-1
            ),
            start=piece.start,
            data=piece.data,
            unread=piece.unread,
            fresh=fresh,
        )
    yield Portion(cursor=replace(place, offset=behind.offset, tail=behind.tail, torn=behind.torn))


def _otherwise(cursor: Cursor, log: LogFile) -> tuple[str, int, bytes] | None:
    """Why the content does not go on where we had read to, where to go on instead and what is before that, or None."""
    before = log.read(cursor.offset - len(cursor.tail), len(cursor.tail)) if cursor.tail else b""
    if before == cursor.tail:
        return None
    if len(before) == len(cursor.tail):
        words = f"what stands before byte {cursor.offset} is not what we had read there: it was changed"
        return words, cursor.offset, before
    end = log.length()
    words = f"we had read to byte {cursor.offset}, and now it ends at byte {end}: its end was taken away"
    return words, end, log.read(max(0, end - TAIL), min(TAIL, end))


def _note(mishap: Mishap, cursor: Cursor, now: int, words: str, *, lost: bool = True) -> Note:
    return Note(mishap=mishap, path=cursor.path, words=words, lost=lost, time=now)
