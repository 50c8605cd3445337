"""One pass over all users: gather, and write what is new or has not been said for long."""

import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from msgspec import Struct

from postwarden.collector.batch import Drop
from postwarden.collector.gather import Gathered, gather
from postwarden.collector.settings import Collection, User
from postwarden.errors import ConnectorError, UsageError
from postwarden.formats.drop_manifest import Manifest, Problem
from postwarden.model.encoding import encodable, encode
from postwarden.model.moment import Moment

STATE = "written.json"
MAX_STATE_BYTES = 128 * 1024 * 1024


class Collected(Struct, frozen=True, kw_only=True):
    """What became of one user: `batch` is the path that was written below the drop, None where nothing is new."""

    login: str
    files: int
    batch: str | None
    problems: tuple[Problem, ...]


class _Written(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was said last about a user: the digest of everything but the time, and when."""

    digest: str
    at: Moment


def collect(
    collection: Collection, users: Sequence[User], drop: Drop, *, host: str, now: datetime
) -> Iterator[Collected]:
    """Collects from each user in turn; `now` is the batches' time.

    A user with a place for no kind at all gets no batch; one whose batches nobody takes gets no more, and that is
    told. Raises UsageError where the drop or the state cannot be written; what was written before stays, and is not
    written again.
    """
    path = Path(collection.state) / STATE
    before = _remembered(path)
    after: dict[str, _Written] = {}
    ended = False
    try:
        for user in users:
            gathered = gather(user, collection.files)
            if gathered.kinds:
                yield _one(
                    gathered,
                    _login(user, collection.users.domain),
                    before,
                    after,
                    collection.repeat,
                    drop,
                    host,
                    now,
                )
        ended = True
    finally:
        # Whoever is not on the host any more is forgotten, by a pass that has seen all.
        _remember(path, after if ended else before | after)


def _login(user: User, domain: str | None) -> str:
    login = encodable(user.login)
    return login if domain is None or "@" in login else f"{login}@{domain}"


def _one(
    gathered: Gathered,
    login: str,
    before: dict[str, _Written],
    after: dict[str, _Written],
    repeat: int,
    drop: Drop,
    host: str,
    now: datetime,
) -> Collected:
    digest = _digest(gathered)
    last = before.get(login)
    problems = gathered.problems
    batch = None
    if last is None or last.digest != digest or not timedelta() <= now - last.at < timedelta(hours=repeat):
        try:
            batch = _write(drop, gathered, login, host, now)
            last = _Written(digest=digest, at=now)
        except ConnectorError as exc:
            told = Problem(kind=gathered.kinds[0], path=drop.path, reason=exc.reason, message=exc.message)
            problems = (*problems, told)
    if last is not None:
        after[login] = last
    return Collected(login=login, files=len(gathered.files), batch=batch, problems=problems)


def _digest(gathered: Gathered) -> str:
    files = tuple(file for file, _ in gathered.files)
    return hashlib.sha256(encode((gathered.kinds, files, gathered.problems))).hexdigest()


def _write(drop: Drop, gathered: Gathered, login: str, host: str, now: datetime) -> str:
    manifest = Manifest(
        login=login,
        host=host,
        collected=now,
        kinds=gathered.kinds,
        files=tuple(file for file, _ in gathered.files),
        problems=gathered.problems,
    )
    try:
        return drop.write(manifest, {file.file: raw for file, raw in gathered.files})
    except OSError as exc:
        raise UsageError(
            f"the batch of {login} cannot be written below {drop.path}: {exc.strerror}",
            "look at the disk, and at the folder's owner, group and mode (deploy/README.md)",
        ) from exc


def _remembered(path: Path) -> dict[str, _Written]:
    """What was written last, or nothing where that cannot be told: then everything is written again."""
    try:
        opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return {}
    with open(opened, "rb") as stream:  # noqa: PTH123 - the descriptor is what was checked
        status = os.fstat(opened)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
            return {}
        raw = stream.read(MAX_STATE_BYTES + 1)
    try:
        return msgspec.json.decode(raw, type=dict[str, _Written])
    except (msgspec.MsgspecError, RecursionError):
        return {}


def _remember(path: Path, written: dict[str, _Written]) -> None:
    beside = path.with_name(f".{path.name}.new")
    try:
        beside.unlink(missing_ok=True)
        opened = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(opened, "wb") as stream:  # noqa: PTH123 - as above
            stream.write(encode(written))
            stream.flush()
            os.fsync(opened)
        beside.replace(path)
    except OSError as exc:
        raise UsageError(
            f"{path} cannot be written: {exc.strerror}", "make its folder, owned by root with mode 0700"
        ) from exc
