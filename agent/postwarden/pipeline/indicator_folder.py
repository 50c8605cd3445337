"""The folder of indicators that is hunted for once a day."""

from datetime import datetime
from pathlib import Path

from msgspec import Struct

from postwarden.formats.indicators import MAX_BYTES, read_indicators
from postwarden.model.indicator import Indicator

#: Files that are read, by the end of their names.
ENDINGS = (".csv", ".txt", ".json", ".stix")
#: Files in one folder, and problems that are told of one file.
MAX_FILES, MOST = 1_000, 5


class Folder(Struct, frozen=True, kw_only=True):
    """What is in the folder, each indicator once, and what could not be read."""

    indicators: tuple[Indicator, ...]
    problems: tuple[str, ...]


def read_folder(folder: Path, now: datetime) -> Folder:
    """Every file in the folder that may have indicators; a folder that is missing is a problem, not an error."""
    found: dict[str, Indicator] = {}
    problems: list[str] = []
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in ENDINGS and path.is_file())
    except OSError as exc:
        return Folder(indicators=(), problems=(f"{folder}: {exc.strerror}",))
    if len(paths) > MAX_FILES:
        problems.append(f"{folder}: {len(paths)} files; only {MAX_FILES} are read")
    for path in paths[:MAX_FILES]:
        try:
            with path.open("rb") as file:
                data = file.read(MAX_BYTES + 1)
        except OSError as exc:
            problems.append(f"{path}: {exc.strerror}")
            continue
        read = read_indicators(path.name, data, now)
        for one in read.indicators:
            found.setdefault(one.text, one)
        problems += [f"{path.name}: {sentence}" for sentence in read.unread[:MOST]]
        if len(read.unread) > MOST:
            problems.append(f"{path.name}: and {len(read.unread) - MOST} more")
    return Folder(indicators=tuple(found.values()), problems=tuple(problems))
