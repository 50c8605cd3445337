"""The files of one user, and why some of them could not be taken."""

import hashlib
import posixpath
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from fnmatch import fnmatchcase

from msgspec import Struct
from msgspec.structs import replace

from postwarden.collector.beneath import Content, held, link_target, names, open_below, open_folder, read, why
from postwarden.collector.settings import Files, Place, User, place
from postwarden.errors import ConnectorError, Reason
from postwarden.formats.drop_manifest import CollectedFile, FileKind, Problem
from postwarden.model.encoding import encodable

#: Bytes of one file; what is larger is no forwarding, and no script that a server would run.
MAX_SIZE: dict[FileKind, int] = {"forward": 65_536, "sieve": 1_048_576}
#: Files and bytes of one user, and problems that are told one by one.
MAX_FILES, MAX_TOTAL, MAX_PROBLEMS = 200, 8 * 1_048_576, 100

_SUFFIX: dict[FileKind, str] = {"forward": ".forward", "sieve": ".sieve"}


class Gathered(Struct, frozen=True, kw_only=True):
    """What one user has: files with their content, in the manifest's words, and what is missing.

    `kinds` are those that were looked for; none of them where the configuration names no place for this user.
    """

    kinds: tuple[FileKind, ...]
    files: tuple[tuple[CollectedFile, bytes], ...]
    problems: tuple[Problem, ...]


class _Found(Struct, frozen=True, kw_only=True):
    path: str
    kind: FileKind
    content: Content
    active: bool


def gather(user: User, entries: Sequence[Files]) -> Gathered:
    """Reads everything that the entries name for a user; nothing that the user's folders hold raises."""
    kinds: dict[FileKind, None] = {}
    found: dict[str, _Found] = {}
    problems: list[Problem] = []
    for entry in entries:
        where = place(entry.path, user)
        active = place(entry.active, user) if entry.active else None
        if where is None:
            continue
        kinds[entry.kind] = None
        taken = list(_entry(entry, where, active, user))
        found |= {one.path: one for one in taken if isinstance(one, _Found)}
        problems += [one for one in taken if isinstance(one, Problem)]
    files, left_out = _bounded(found)
    problems += left_out
    if len(problems) > MAX_PROBLEMS:
        more = problems[MAX_PROBLEMS]
        message = f"{len(problems) - MAX_PROBLEMS} more could not be taken"
        problems[MAX_PROBLEMS:] = [replace(more, message=message)]
    return Gathered(kinds=tuple(kinds), files=files, problems=tuple(problems))


def _entry(entry: Files, where: Place, active: Place | None, user: User) -> Iterator[_Found | Problem]:
    owners = frozenset({0, user.uid}) if user.uid is not None else None
    try:
        base = open_folder(where.base)
    except FileNotFoundError:
        # A home that is not mounted looks like this, so its files are not known to be gone.
        yield _problem(entry.kind, where.base, "unreachable", "the user's folder is not there")
        return
    except OSError as exc:
        yield _problem(entry.kind, where.base, "forbidden", why(exc))
        return
    with held(base):
        scripts = list(_files(entry, base, where, owners))
    if active is None:
        yield from scripts
        return
    taken = {one.path for one in scripts if isinstance(one, _Found)}
    in_force = list(_in_force(entry, active, owners, taken))
    force = {one for one in in_force if isinstance(one, str)}
    for one in scripts:
        yield replace(one, active=one.path in force) if isinstance(one, _Found) else one
    yield from (one for one in in_force if not isinstance(one, str))


def _files(
    entry: Files, base: int, where: Place, owners: frozenset[int] | None
) -> Iterator[_Found | Problem]:
    """Every file at a path, whose last component may be a pattern."""
    above, _, last = where.below.rpartition("/")
    if "*" not in entry.path:
        yield from _one(entry.kind, base, where.below, where.path, owners)
        return
    folder = f"{where.base.rstrip('/')}/{above}" if above else where.base
    try:
        with held(open_below(base, above or ".")) as opened:
            matching = [
                name for name in names(opened) if fnmatchcase(name, last) and not name.startswith(".")
            ]
            for name in matching[: MAX_FILES + 1]:
                yield from _one(entry.kind, opened, name, f"{folder}/{name}", owners)
    except (FileNotFoundError, NotADirectoryError):
        return
    except ConnectorError as exc:
        yield _problem(entry.kind, folder, exc.reason, exc.message)
    except OSError as exc:
        yield _problem(entry.kind, folder, "forbidden", why(exc))


def _one(
    kind: FileKind, folder: int, below: str, path: str, owners: frozenset[int] | None, *, active: bool = True
) -> Iterator[_Found | Problem]:
    try:
        content = read(folder, below, most=MAX_SIZE[kind], owners=owners)
    except (FileNotFoundError, NotADirectoryError):
        return
    except ConnectorError as exc:
        yield _problem(kind, path, exc.reason, exc.message)
    except OSError as exc:
        yield _problem(kind, path, "forbidden", why(exc))
    else:
        yield _Found(path=path, kind=kind, content=content, active=active)


def _in_force(
    entry: Files, active: Place, owners: frozenset[int] | None, taken: set[str]
) -> Iterator[str | _Found | Problem]:
    """The path of the script in force among those taken; the script itself where it stands in the link's place."""
    try:
        with held(open_folder(active.base)) as base:
            target = link_target(base, active.below)
            if target is None:
                yield from _one(entry.kind, base, active.below, active.path, owners)
                return
    except (FileNotFoundError, NotADirectoryError):
        return  # no script is in force
    except OSError as exc:
        yield _problem(entry.kind, active.path, "forbidden", why(exc))
        return
    path = posixpath.normpath(posixpath.join(posixpath.dirname(active.path), target))
    if path in taken:
        yield path
    else:
        message = f"it leads to {target}, which is none of the files that were taken"
        yield _problem(entry.kind, active.path, "forbidden", message)


def _bounded(found: dict[str, _Found]) -> tuple[tuple[tuple[CollectedFile, bytes], ...], list[Problem]]:
    files: list[tuple[CollectedFile, bytes]] = []
    problems = []
    total = 0
    for path, one in sorted(found.items()):
        total += len(one.content.raw)
        if len(files) >= MAX_FILES or total > MAX_TOTAL:
            message = f"the user has more than {MAX_FILES} files or {MAX_TOTAL} bytes"
            problems.append(_problem(one.kind, path, "malformed", message))
            continue
        files.append((_collected(one, f"{len(files) + 1:04}{_SUFFIX[one.kind]}"), one.content.raw))
    return tuple(files), problems


def _collected(one: _Found, name: str) -> CollectedFile:
    content = one.content
    return CollectedFile(
        file=name,
        kind=one.kind,
        path=encodable(one.path),
        owner=content.owner,
        mode=content.mode,
        modified=_moment(content.modified),
        size=len(content.raw),
        sha256=hashlib.sha256(content.raw).hexdigest(),
        active=one.active,
    )


def _moment(nanoseconds: int) -> datetime:
    """A file's time, which its owner may set to anything: within the years that records can say."""
    seconds = min(max(nanoseconds // 1_000_000_000, 0), 253_402_300_799)
    return datetime.fromtimestamp(seconds, UTC)


def _problem(kind: FileKind, path: str, reason: Reason, message: str) -> Problem:
    return Problem(kind=kind, path=encodable(path), reason=reason, message=encodable(message))
