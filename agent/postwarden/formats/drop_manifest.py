"""What lies beside collected files in the drop folder: whose they are, from where, when, and what is missing.

A batch is a folder `<drop>/<account>/<time>-<host>` with `manifest.json` and the files that it names. It appears
under that name at once and whole, and never changes after.
"""

import re
from typing import Annotated, Literal
from urllib.parse import quote

import msgspec
from msgspec import Meta, Struct

from postwarden.errors import ConnectorError, Reason
from postwarden.model.encoding import encode
from postwarden.model.moment import Moment, require_utc

NAME = "manifest.json"
#: A manifest names at most some hundred files and problems.
MAX_BYTES = 1_048_576
MAX_FILES = 1_000

#: What a host's files are: users' `.forward`, or Sieve scripts.
FileKind = Literal["forward", "sieve"]

_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")


class CollectedFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file of the batch.

    `file` is its name in the batch, `path` where it was, `owner` and `mode` who could write it there, `modified`
    its time of change, `size` in bytes, `sha256` of its content in hex. `active` is False for a Sieve script that
    is stored and not in force.
    """

    file: str
    kind: FileKind
    path: str
    owner: int
    mode: int
    modified: Moment
    size: Annotated[int, Meta(ge=0)]
    sha256: str
    active: bool = True

    def __post_init__(self) -> None:
        require_utc(self.modified)
        if not _PLAIN.fullmatch(self.file) or self.file == NAME:
            raise ValueError(f"{self.file!r} is no name of a file in a batch")


class Problem(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that should have been collected and was not."""

    kind: FileKind
    path: str
    reason: Reason
    message: str


class Manifest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A batch: all files of these kinds that an account had on a host at a time.

    `kinds` are those that were looked for, so that none of them means that there was none.
    """

    version: Literal[1] = 1
    login: Annotated[str, Meta(min_length=1)]
    host: Annotated[str, Meta(min_length=1)]
    collected: Moment
    kinds: tuple[FileKind, ...]
    files: Annotated[tuple[CollectedFile, ...], Meta(max_length=MAX_FILES)] = ()
    problems: Annotated[tuple[Problem, ...], Meta(max_length=MAX_FILES)] = ()

    def __post_init__(self) -> None:
        require_utc(self.collected)
        names = [one.file for one in self.files]
        if len(set(names)) != len(names):
            raise ValueError("a file is named twice")


def decode(raw: bytes) -> Manifest:
    """The manifest in `raw`; raises ConnectorError of reason `malformed`."""
    try:
        return msgspec.json.decode(raw, type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        raise ConnectorError(
            f"{NAME} is no manifest: {exc}", "docs/drop_folder.md describes it", reason="malformed"
        ) from exc


def written(manifest: Manifest) -> bytes:
    """The manifest as a file: one line of ASCII JSON."""
    return encode(manifest) + b"\n"


def folder_of(login: str) -> str:
    """The name of an account's folder in the drop: the login, case folded, its odd bytes as `%XX`.

    So no login leads out of the drop, hides itself with a leading dot, or is the folder `done`.
    """
    name = quote(login.casefold(), safe="@+=,", errors="backslashreplace").replace("~", "%7E")
    if name.startswith(".") or name == "done":
        name = f"%{ord(name[0]):02X}{name[1:]}"
    return name
