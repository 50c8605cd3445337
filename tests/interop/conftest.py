"""A ledger of three epochs and more as it was at many sizes, and the Go program that verifies it."""

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from postwarden.ledger import proving
from postwarden.ledger.store import Ledger
from postwarden.ledger.tiles import entry_tiles, tree_tiles
from tests.unit.ledger.conftest import Place, put, record, rotate

SIZES = (1, 2, 3, 7, 8, 255, 256, 257, 1000, 4097, 65_536, 65_537)
#: Sizes at which an epoch ends, its last record naming the next key.
ENDS = (3, 257, 4097)
SOURCE = Path(__file__).parents[1] / "go" / "verifier"
#: Where Debian's golang-golang-x-mod-dev has its source.
GOPATH = Path("/usr/share/gocode")

Go = Callable[..., subprocess.CompletedProcess[str]]


@dataclass(frozen=True)
class Kept:
    """A copy of a ledger as it was at a size; `key` is the first verifier key."""

    size: int
    folder: Path
    private: Path
    key: str

    @property
    def checkpoint(self) -> bytes:
        return (self.folder / "checkpoint").read_bytes()

    @property
    def epochs(self) -> int:
        return len(list((self.folder / "keys").iterdir()))

    def copy(self, to: Path) -> "Kept":
        """A copy that may be spoilt."""
        shutil.copytree(self.folder, to / "ledger")
        return Kept(self.size, to / "ledger", self.private, self.key)

    def tiles(self, to: Path) -> Path:
        """The ledger's tiles in a new folder."""
        with proving.open_sealed(self.folder) as sealed:
            nodes = proving.check_root(sealed)
            records = list(proving.read_records(sealed))
            first, lines = records[0][0], [line for _, line in records]
            for name, content in (*entry_tiles(lines, first), *tree_tiles(nodes)):
                (to / name).parent.mkdir(parents=True, exist_ok=True)
                (to / name).write_bytes(content)
        shutil.copy(self.folder / "checkpoint", to)
        shutil.copytree(self.folder / "keys", to / "keys")
        return to


def grow(place: Place, ledger: Ledger, size: int) -> None:
    """Records up to a size; where an epoch ends there, the last one changes the key."""
    ends = size in ENDS
    now = ledger.position().size
    lines = [record(number=number) for number in range(now, size - ends)]
    if lines:
        put(ledger, *lines)
    if ends:
        rotate(ledger)


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Kept]:
    """One ledger at each of the sizes."""
    folder = tmp_path_factory.mktemp("grown")
    place = Place(folder / "state")
    ledger = place.make()
    found = {}
    for size in SIZES:
        grow(place, ledger, size)
        shutil.copytree(place.folder, folder / str(size))
        shutil.copytree(place.private, folder / f"{size}.private")
        found[size] = Kept(size, folder / str(size), folder / f"{size}.private", ledger.verifier_key)
    return found


@pytest.fixture(scope="session")
def go(tmp_path_factory: pytest.TempPathFactory) -> Go:
    """Runs the Go program, which is built from Debian's packages without a network."""
    if shutil.which("go") is None or not (GOPATH / "src/golang.org/x/mod/sumdb/tlog").is_dir():
        pytest.skip("go with golang.org/x/mod is not installed")
    folder = tmp_path_factory.mktemp("go")
    environment = {
        **os.environ,
        "GOPATH": str(GOPATH),
        "GO111MODULE": "off",
        "GOCACHE": str(folder / "cache"),
        "GOPROXY": "off",
    }
    program = folder / "verifier"
    subprocess.run(
        ["go", "build", "-buildvcs=false", "-o", str(program), "."], cwd=SOURCE, env=environment, check=True
    )

    def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run([program, *arguments], capture_output=True, text=True, check=False, timeout=60)

    return run
