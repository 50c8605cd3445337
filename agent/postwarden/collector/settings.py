"""collect.toml: which files of which users are collected, and where to."""

import re
import tomllib
from pathlib import Path, PurePosixPath
from typing import Annotated

from msgspec import Meta, Struct

from postwarden.config.locate import check_trust
from postwarden.config.settings import convert
from postwarden.errors import ConfigError
from postwarden.formats.drop_manifest import FileKind

MAX_BYTES = 1_048_576
#: A file of a million users stays below this.
MAX_USERS_BYTES = 128 * 1024 * 1024

_VARIABLE = re.compile(r"%(.)")


class Files(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Files of one kind that each user may have.

    In `path`, as in Dovecot, %h is the home folder, %u the login, %n and %d its parts before and after the @; the
    last component may have `*`. `active` is the link or file that says which Sieve script is in force; without
    it, each is.
    """

    kind: FileKind
    path: str
    active: str | None = None


class Users(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who is looked at: lines as in /etc/passwd and in Dovecot's passwd-file, bounded by uid where they have one.

    `domain` completes a login without @ to the login that postwarden knows the account by.
    """

    domain: str | None = None
    files: tuple[str, ...] = ("/etc/passwd",)
    min_uid: int = 1_000
    max_uid: int = 60_000


class Collection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of collect.toml.

    `drop` is where batches are written, `state` where is kept what was written last, `group` the group that may
    read it. What did not change is written again after `repeat` hours, so that a drop that has ended shows.
    """

    drop: str = "/var/spool/postwarden"
    state: str = "/var/lib/postwarden-collect"
    group: str = "postwarden"
    repeat: Annotated[int, Meta(ge=1, le=720)] = 6
    users: Users = Users()
    files: tuple[Files, ...] = ()


class User(Struct, frozen=True, kw_only=True):
    """Somebody with a mailbox on this host; without `uid` a virtual one."""

    login: str
    uid: int | None = None
    home: str | None = None


class Place(Struct, frozen=True, kw_only=True):
    """Where a path lies for one user: a folder that must be there, and a path below it, of which it may have none."""

    base: str
    below: str

    @property
    def path(self) -> str:
        return f"{self.base.rstrip('/')}/{self.below}"


def load(path: Path) -> Collection:
    """collect.toml; raises ConfigError. Root acts on it, so nobody else may write it."""
    where = str(path)
    try:
        check_trust(path)
        raw = _read(path, MAX_BYTES)
        collection = convert(tomllib.loads(raw.decode("utf-8")), Collection, path=where)
    except tomllib.TOMLDecodeError as exc:
        raise ConfigError(str(exc), "see https://toml.io for the syntax", path=where) from exc
    except UnicodeDecodeError as exc:
        raise ConfigError("is not UTF-8", "save it as UTF-8", path=where) from exc
    except RecursionError as exc:
        raise ConfigError("is nested too deep", "is it the right file?", path=where) from exc
    if not collection.files:
        raise ConfigError("names no [[files]]", "deploy/collect.toml shows them", path=where)
    for index, files in enumerate(collection.files):
        for name, template in (("path", files.path), ("active", files.active)):
            if template is not None:
                _check(template, globs=name == "path", path=where, key=f"files[{index}].{name}")
    for name, folder in (("drop", collection.drop), ("state", collection.state)):
        if not folder.startswith("/") or ".." in folder.split("/"):
            raise ConfigError(f"{folder!r} is no absolute path", "write it from / on", path=where, key=name)
    return collection


def users(collection: Collection) -> tuple[User, ...]:
    """Everybody in the users' files, the first of each login; raises ConfigError."""
    found: dict[str, User] = {}
    for name in collection.users.files:
        path = Path(name)
        check_trust(path)
        text = _read(path, MAX_USERS_BYTES).decode("utf-8", "surrogateescape")
        for line in text.split("\n"):
            user = _user(line)
            if user is None or not _within(user, collection.users):
                continue
            found.setdefault(user.login, user)
    return tuple(found.values())


def place(template: str, user: User) -> Place | None:
    """The template for a user, or None where it has nothing to put in for a variable."""
    local, _, domain = user.login.partition("@")
    values = {"h": user.home, "u": user.login, "n": local, "d": domain}
    parts = []
    last = 0
    for index, part in enumerate(template.split("/")):
        filled = part
        for variable in _VARIABLE.findall(part):
            value = values[variable]
            if not value or "\0" in value or (variable != "h" and ("/" in value or value in {".", ".."})):
                return None
            filled = filled.replace(f"%{variable}", value)
            last = index
        parts.append(filled)
    last = min(last, len(parts) - 2)
    base = "/".join(parts[: last + 1]) or "/"
    if not base.startswith("/") or ".." in PurePosixPath(base).parts:
        return None
    return Place(base=base, below="/".join(parts[last + 1 :]))


def _check(template: str, *, globs: bool, path: str, key: str) -> None:
    parts = template.split("/")
    folders = parts[:-1]
    wrong = None
    if not template.startswith(("/", "%h/")) or not parts[-1]:
        wrong = "is no absolute path of a file"
    elif any(part in {".", ".."} for part in parts) or "" in parts[1:]:
        wrong = "has an empty or dotted component"
    elif set(_VARIABLE.findall(template)) - set("hund") or "%h" in template[2:]:
        wrong = "has another variable than %h at its begin, %u, %n, %d"
    elif any("*" in part for part in folders) or ("*" in parts[-1] and not globs):
        wrong = "has a * where none may be"
    elif "*" in parts[-1] and "%" in parts[-1]:
        wrong = "has a * and a variable in one component"
    elif not _VARIABLE.search(template):
        wrong = "has no variable, so it belongs to nobody"
    if wrong:
        raise ConfigError(
            f"{template!r} {wrong}", 'for example "%h/.forward" or "%h/sieve/*.sieve"', path=path, key=key
        )


def _user(line: str) -> User | None:
    fields = line.rstrip("\r").split(":")
    login = fields[0].strip()
    if not login or login.startswith("#"):
        return None
    uid = fields[2] if len(fields) > 2 else ""
    home = fields[5] if len(fields) > 5 else ""
    return User(login=login, uid=int(uid) if re.fullmatch(r"[0-9]{1,10}", uid) else None, home=home or None)


def _within(user: User, bounds: Users) -> bool:
    return user.uid is None or bounds.min_uid <= user.uid <= bounds.max_uid


def _read(path: Path, most: int) -> bytes:
    try:
        with path.open("rb") as stream:
            raw = stream.read(most + 1)
    except OSError as exc:
        raise ConfigError(
            f"cannot be read: {exc.strerror}", "check its owner and mode", path=str(path)
        ) from exc
    if len(raw) > most:
        raise ConfigError(f"is larger than {most} bytes", "is it the right file?", path=str(path))
    return raw
