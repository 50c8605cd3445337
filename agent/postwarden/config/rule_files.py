"""Reading rule files: the shipped ones and the administrator's own."""

from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from postwarden.config.locate import check_trust
from postwarden.errors import RuleError

#: A rule is a page; a larger file is a mistake or an attack on the parser.
MAX_BYTES = 65_536
MAX_FILES = 10_000


class RuleFile(Struct, frozen=True, kw_only=True):
    """A file's bytes, and its path for messages."""

    path: str
    raw: bytes


def shipped_folder() -> Path:
    """The rules that come with the program: in the package, or in the repository beside it."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "rules"
    return inside if inside.is_dir() else package.parent.parent / "rules"


def read_rules(folders: tuple[Path, ...]) -> tuple[RuleFile, ...]:
    """Every rule (`*.yml`, not `*.examples.yml`) of the folders, sorted by path within each."""
    return tuple(file for folder in folders for file in _read(folder, examples=False))


def read_examples(folders: tuple[Path, ...]) -> tuple[RuleFile, ...]:
    """Every examples file (`*.examples.yml`) of the folders."""
    return tuple(file for folder in folders for file in _read(folder, examples=True))


def read_table(name: str) -> RuleFile:
    """A data table that is shipped beside the rules."""
    return _file(shipped_folder() / name, limit=1024 * 1024)


def _read(folder: Path, *, examples: bool) -> Iterator[RuleFile]:
    if not folder.is_dir():
        raise RuleError("is not a folder", "name a folder with rule files", path=str(folder))
    other = next(iter(sorted(folder.rglob("*.yaml"))), None)
    if other is not None:
        raise RuleError("ends in .yaml and would not be read", "rename it to end in .yml", path=str(other))
    paths = sorted(path for path in folder.rglob("*.yml") if path.name.endswith(".examples.yml") is examples)
    if len(paths) > MAX_FILES:
        raise RuleError(f"has more than {MAX_FILES} rule files", path=str(folder))
    for path in paths:
        yield _file(path, limit=MAX_BYTES)


def _file(path: Path, *, limit: int) -> RuleFile:
    check_trust(path)
    try:
        with path.open("rb") as stream:
            raw = stream.read(limit + 1)
    except OSError as exc:
        raise RuleError(f"cannot be read: {exc.strerror}", path=str(path)) from exc
    if len(raw) > limit:
        raise RuleError(f"is larger than {limit} bytes", path=str(path))
    return RuleFile(path=str(path), raw=raw)
