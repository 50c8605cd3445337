"""The attacks of the table in docs/ledger.md: Go's libraries refuse what we refuse, and no more."""

from pathlib import Path

import pytest

from postwarden.ledger.verify import verify
from tests.interop.conftest import Go
from tests.unit.ledger.attacks import World, make_world
from tests.unit.ledger.test_threats import ATTACKS

#: Into blobs the Go program does not look; for pruning the ledger is too short where segments are as long as its own.
OURS = {cell for cell in ATTACKS if cell.endswith("-blobs")} | {"B-suppress"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """The ledger that is attacked, with segments of the usual length."""
    return make_world(tmp_path_factory.mktemp("world"))


@pytest.mark.parametrize("cell", sorted(ATTACKS.keys() - OURS))
def test_go_and_we_agree(go: Go, world: World, tmp_path: Path, cell: str) -> None:
    """Each attack of the cell is refused by both, starting from the first key, or by none."""
    numbers = iter(range(1000))
    differ = []
    for number, each in enumerate(ATTACKS[cell](lambda: world.copy(tmp_path / str(next(numbers))))):
        theirs = go("ledger", each.place.folder, each.pinned)
        if (theirs.returncode == 0) != verify(each.place.folder, key=each.pinned).sound:
            differ.append((number, theirs.stdout + theirs.stderr))
    assert differ == []
