"""The files in a drop folder: what of them is ready, taking it, and what stands now.

    <drop>/<account>/<name>                 put there by somebody, or a batch of the collector (a folder)
    <drop>/done/<account>/<time>-<name>     taken; the newest of each name, or of each host, is what stands now

What is taken is moved and never deleted. What is half written waits: hidden and temporary names, a folder without its
manifest, a file that changed just now. Nothing is opened through a link, nothing but regular files is read.
"""

import errno
import hashlib
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from postwarden.errors import ConnectorError, Reason
from postwarden.formats import drop_manifest
from postwarden.formats.drop_manifest import Manifest, Problem
from postwarden.formats.kinds import kind_of
from postwarden.model.encoding import encodable

DONE = "done"

#: Bytes of one file: of a script, of a forward file, of a saved answer.
MAX_SIZE = {"sieve": 1_048_576, "forward": 65_536, "ews": 64 * 1_048_576, "exchange-rule": 16 * 1_048_576}
#: Names in an account's folder, names among what was taken, what is taken at one time, bytes that it has.
MAX_ENTRIES, MAX_DONE, MAX_TAKEN, MAX_TOTAL = 10_000, 200_000, 200, 256 * 1_048_576
#: How long a file must have stood still, and after how long something half written is somebody's mistake.
SETTLED, GIVEN_UP = timedelta(seconds=10), timedelta(hours=1)

#: Names that begin with a dot where they come from.
_NOT_HIDDEN = frozenset({".forward", ".dovecot.sieve"})
_TEMPORARY = re.compile(r".*(\.(tmp|temp|part|partial|filepart|crdownload|swp|new|lock)|~)", re.IGNORECASE)
_TAKEN = re.compile(r"(\d{8}T\d{6}\.\d{6}Z)-(.+)", re.DOTALL)
_ODD = re.compile(r"[^A-Za-z0-9.-]")
_STAMP = "%Y%m%dT%H%M%S.%fZ"


class DroppedFile(Struct, frozen=True, kw_only=True):
    """One file: its kind, the name that it is known by, its bytes."""

    kind: str
    name: str
    raw: bytes
    active: bool = True


class Dropped(Struct, frozen=True, kw_only=True):
    """Something that was dropped at one time.

    `series` is what it is one of: a later one of the same stands in its place. `manifest` is None for a file
    that somebody put there; then `collected` is the time of its last change.
    """

    name: str
    series: tuple[str, str]
    collected: datetime
    files: tuple[DroppedFile, ...]
    manifest: Manifest | None = None

    @property
    def size(self) -> int:
        """Bytes of its files."""
        return sum(len(file.raw) for file in self.files)

    @property
    def problems(self) -> tuple[Problem, ...]:
        return self.manifest.problems if self.manifest else ()


class Trouble(Struct, frozen=True, kw_only=True):
    """Something in the folder that could not be taken."""

    part: str
    reason: Reason
    message: str
    hint: str


class Contents(Struct, frozen=True, kw_only=True):
    """What one account's folder has: what stands now, what stood in between, what waits, what is wrong."""

    now: tuple[Dropped, ...]
    before: tuple[Dropped, ...]
    waiting: int
    troubles: tuple[Trouble, ...]


@contextmanager
def opened_folder(name: str, *, within: int | None = None) -> Iterator[int]:
    """A descriptor of a folder that is no link; raises OSError."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(name, flags, dir_fd=within)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def contents(drop: int, folder: str, now: datetime) -> Contents:
    """Takes what is ready in the folder of one account, and says what stands; raises OSError for the drop itself.

    A folder that is not there has nothing. Twice at once, what one takes the other finds taken.
    """
    taken: list[Dropped] = []
    troubles: list[Trouble] = []
    waiting = 0
    try:
        with opened_folder(folder, within=drop) as there:
            for name in names(there, MAX_ENTRIES):
                try:
                    found = _ready(there, name, folder, now)
                    if found is None:
                        waiting += 1
                        continue
                    taken.append(found)
                    _move(drop, there, folder, name, found)
                except FileNotFoundError:
                    continue  # somebody else took it
                except (ConnectorError, OSError) as exc:
                    troubles.append(_trouble(name, exc))
                if len(taken) >= MAX_TAKEN or sum(one.size for one in taken) > MAX_TOTAL:
                    message = "more may wait; they are taken next time"
                    troubles.append(_trouble(name, ConnectorError(message, reason="unreachable")))
                    break
    except FileNotFoundError:
        pass  # nothing was ever dropped
    standing, wrong = _standing(drop, folder, taken)
    return Contents(
        now=tuple(standing),
        before=tuple(one for one in taken if one not in standing),
        waiting=waiting,
        troubles=(*troubles, *wrong),
    )


def names(folder: int, most: int) -> list[str]:
    """The names in an open folder, sorted; raises OSError where they are too many."""
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            found.append(entry.name)
            if len(found) > most:
                raise OSError(errno.EFBIG, f"it has more than {most} names")
    return sorted(found)


def _ready(there: int, name: str, folder: str, now: datetime) -> Dropped | None:
    """What stands under a name, or None where it has to wait."""
    status = os.stat(name, dir_fd=there, follow_symlinks=False)
    if not _is_ready(there, name, status, now):
        return None
    found = _read(there, name, name, status)
    if found.manifest is not None and drop_manifest.folder_of(found.manifest.login) != folder:
        raise ConnectorError(f"belongs to {found.manifest.login}, by its manifest", reason="malformed")
    return found


def _is_ready(there: int, name: str, status: os.stat_result, now: datetime) -> bool:
    """Whether something is whole; raises ConnectorError where it should have been for long."""
    age = now - _moment(status.st_mtime_ns)
    if (name.startswith(".") and name not in _NOT_HIDDEN) or _TEMPORARY.fullmatch(name):
        ready = False
    elif stat.S_ISDIR(status.st_mode):
        with opened_folder(name, within=there) as batch:
            ready = drop_manifest.NAME in names(batch, MAX_ENTRIES)
    elif stat.S_ISREG(status.st_mode):
        ready = not timedelta() <= age < SETTLED
    else:
        raise ConnectorError("is no regular file", reason="malformed")
    if not ready and age > GIVEN_UP:
        raise ConnectorError(
            f"is half written since {_moment(status.st_mtime_ns):%Y-%m-%d %H:%M} UTC", reason="malformed"
        )
    return ready


def _standing(drop: int, folder: str, taken: list[Dropped]) -> tuple[list[Dropped], list[Trouble]]:
    """The newest of each series, of what was taken now or before."""
    newest = {one.series: one for one in sorted(taken, key=lambda one: one.collected)}
    troubles = []
    try:
        with opened_folder(DONE, within=drop) as done, opened_folder(folder, within=done) as there:
            for series, name in _latest(there).items():
                known = newest.get(series)
                if known is not None and known.collected.strftime(_STAMP) >= name.partition("-")[0]:
                    continue
                try:
                    status = os.stat(name, dir_fd=there, follow_symlinks=False)
                    newest[series] = _read(there, name, series[1], status)
                except (ConnectorError, OSError) as exc:
                    troubles.append(_trouble(f"{DONE}/{name}", exc))
    except FileNotFoundError:
        pass  # nothing was taken yet
    return list(newest.values()), troubles


def _latest(there: int) -> dict[tuple[str, str], str]:
    """The last name of each series among what is done."""
    found: dict[tuple[str, str], str] = {}
    for name in names(there, MAX_DONE):
        match = _TAKEN.fullmatch(name)
        if match is not None:
            status = os.stat(name, dir_fd=there, follow_symlinks=False)
            found["host" if stat.S_ISDIR(status.st_mode) else "file", match[2]] = name
    return found


def _read(there: int, place: str, name: str, status: os.stat_result) -> Dropped:
    """What stands under `place`, called `name`: a file by itself, or a batch."""
    if stat.S_ISDIR(status.st_mode):
        return _batch(there, place)
    kind = kind_of(name)
    if kind is None:
        raise ConnectorError("is of no kind that is known", reason="unsupported")
    raw, modified = _content(there, place, MAX_SIZE[kind])
    shown = encodable(name)
    file = DroppedFile(kind=kind, name=shown, raw=raw)
    return Dropped(name=shown, series=("file", name), collected=modified, files=(file,))


def _batch(there: int, name: str) -> Dropped:
    with opened_folder(name, within=there) as batch:
        raw, _ = _content(batch, drop_manifest.NAME, drop_manifest.MAX_BYTES)
        manifest = drop_manifest.decode(raw)
        files = []
        for told in manifest.files:
            raw, _ = _content(batch, told.file, MAX_SIZE[told.kind])
            if hashlib.sha256(raw).hexdigest() != told.sha256:
                raise ConnectorError(
                    f"{told.file} is not the file that its manifest tells", reason="malformed"
                )
            shown = f"{manifest.host}:{told.path}"
            files.append(DroppedFile(kind=told.kind, name=shown, raw=raw, active=told.active))
        others = set(names(batch, MAX_ENTRIES)) - {
            drop_manifest.NAME,
            *(told.file for told in manifest.files),
        }
        if others:
            raise ConnectorError(f"its manifest does not tell {min(others)!r}", reason="malformed")
    series = ("host", _ODD.sub("_", manifest.host)[:60])
    return Dropped(
        name=encodable(name),
        series=series,
        collected=manifest.collected,
        files=tuple(files),
        manifest=manifest,
    )


def _content(there: int, name: str, most: int) -> tuple[bytes, datetime]:
    """All bytes of a regular file and the time of its last change; raises ConnectorError, OSError."""
    if not stat.S_ISREG(os.stat(name, dir_fd=there, follow_symlinks=False).st_mode):
        raise ConnectorError("is no regular file", reason="malformed")
    descriptor = os.open(
        name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC, dir_fd=there
    )
    with open(descriptor, "rb") as stream:  # noqa: PTH123 - the descriptor is what was checked
        before = os.fstat(descriptor)
        if not stat.S_ISREG(before.st_mode):
            raise ConnectorError("is no regular file", reason="malformed")
        raw = stream.read(most + 1)
        after = os.fstat(descriptor)
    if len(raw) > most:
        raise ConnectorError(f"is larger than {most} bytes", reason="malformed")
    if (before.st_mtime_ns, before.st_size) != (after.st_mtime_ns, len(raw)):
        raise ConnectorError("changed while it was read", reason="unreachable")
    return raw, _moment(before.st_mtime_ns)


def _move(drop: int, there: int, folder: str, name: str, found: Dropped) -> None:
    """Moves what was read to the folder of what is done, beside everything that is there already."""
    _make(drop, DONE)
    with opened_folder(DONE, within=drop) as done:
        _make(done, folder)
        with opened_folder(folder, within=done) as target:
            moment = found.collected
            while _exists(target, shown := f"{moment.strftime(_STAMP)}-{found.series[1]}"):
                moment += timedelta(microseconds=1)
            os.rename(name, shown, src_dir_fd=there, dst_dir_fd=target)


def _make(within: int, name: str) -> None:
    try:
        os.mkdir(name, 0o770, dir_fd=within)
    except FileExistsError:
        return


def _exists(within: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=within, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _trouble(name: str, exc: ConnectorError | OSError) -> Trouble:
    part = encodable(name)
    if isinstance(exc, ConnectorError):
        kinds = "*.sieve, *.forward, *.xml (saved answers of EWS), *.dat (stored rules)"
        hint = (
            f"name it by its kind: {kinds}"
            if exc.reason == "unsupported"
            else "mend it, or move it out of the drop"
        )
        return Trouble(part=part, reason=exc.reason, message=exc.message, hint=exc.hint or hint)
    return Trouble(
        part=part,
        reason="forbidden" if exc.errno in {errno.EACCES, errno.EPERM, errno.EROFS} else "unreachable",
        message=f"cannot be taken: {exc.strerror}",
        hint="the service's user must be able to read it and to move it (deploy/README.md)",
    )


def _moment(nanoseconds: int) -> datetime:
    """A file's time, which anybody may set to anything: within the years that records can say."""
    microseconds = min(max(nanoseconds // 1_000, 0), 253_402_300_799_000_000)
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
