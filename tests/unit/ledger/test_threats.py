"""The table of docs/ledger.md: each cell is an attack that is carried out here, noticed by whom the table says."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.unit.ledger import threats, threats_with_keys
from tests.unit.ledger.attacks import Fresh, World, make_world, short_segments

PAGE = Path(__file__).parents[3] / "docs" / "ledger.md"
COLUMNS = ("edit", "cut off", "put back", "forge", "back-date", "suppress", "blobs", "certificates")
NO_SENSE = "\u2013"
ATTACK = re.compile(r"[a-z]_\w+")
ATTACKS: dict[str, Callable[[Fresh], Iterator[World]]] = {
    f"{name[0].upper()}-{name[2:]}": attack
    for module in (threats, threats_with_keys)
    for name, attack in vars(module).items()
    if ATTACK.fullmatch(name)
}


def table() -> dict[str, str]:
    """Who notices, by row and column as "A-cut_off"; cells without sense are left out."""
    lines = PAGE.read_text().splitlines()
    (head,) = [line for line in lines if line.startswith("| attacker ")]
    assert cells(head) == list(COLUMNS)
    rows = {line[4]: cells(line) for line in lines if re.match(r"\| \*\*[A-Z]\*\* ", line)}
    return {
        f"{row}-{re.sub('[ -]', '_', column)}": word
        for row, words in rows.items()
        for column, word in zip(COLUMNS, words, strict=True)
        if word != NO_SENSE
    }


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.split("|")[2:-1]]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with short_segments():
        yield make_world(tmp_path_factory.mktemp("world"))


@pytest.fixture
def fresh(world: World, tmp_path: Path) -> Fresh:
    numbers = iter(range(1000))
    return lambda: world.copy(tmp_path / str(next(numbers)))


def test_the_table_and_the_attacks_are_the_same() -> None:
    """Every cell of the table has an attack, and every attack a cell."""
    assert list(table()) == sorted(ATTACKS, key=list(table()).index)


def test_the_ledger_that_is_attacked_is_sound(world: World) -> None:
    """Before anybody attacks, nobody notices anything."""
    assert world.noticed_by() == "nobody"


@pytest.mark.parametrize("cell", ATTACKS)
def test_cell(fresh: Fresh, cell: str) -> None:
    """Each attack of the cell is noticed by whom the table names, and by nobody before."""
    noticed = [world.noticed_by() for world in ATTACKS[cell](fresh)]
    assert noticed == [table()[cell]] * len(noticed)
    assert noticed
