"""What befalls a ledger from those who have none of its keys: the rows A, F, G and H of the table in docs/ledger.md."""

from collections.abc import Iterator
from pathlib import Path

from postwarden.ledger import private_keys
from postwarden.ledger.private_keys import PrivateKeys
from postwarden.ledger.tree import leaf_hash
from tests.unit.ledger.attacks import FORGED, OLD, SEGMENT, Fresh, World, edited
from tests.unit.ledger.conftest import put, record


def flipped(path: Path, step: int) -> Iterator[bytes]:
    content = path.read_bytes()
    for bit in range(0, 8 * len(content), step):
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << bit % 8
        yield bytes(changed)


# A: can write files, and has no key.


def a_edit(fresh: Fresh) -> Iterator[World]:
    for at in (1, 4, 7, 9, 12):
        for lines in edited(fresh().lines, at):
            world = fresh()
            world.write(lines)
            yield world


def a_cut_off(fresh: Fresh) -> Iterator[World]:
    for end in range(14):
        world = fresh()
        world.write(world.lines[:end])
        yield world


def a_put_back(fresh: Fresh) -> Iterator[World]:
    for size in (2, 4, 6, 9, 11, 13):
        world = fresh()
        world.put_back(size)
        yield world
    for size in (11, 13):
        world = fresh()
        world.put_back(size, "checkpoint")
        yield world


def a_forge(fresh: Fresh) -> Iterator[World]:
    world = fresh()
    lines = [*world.lines, FORGED]
    world.write(lines)
    world.sign(private_keys.make(PrivateKeys(world.place.private, second=True)), lines)
    yield world
    unsigned = fresh()
    unsigned.write(lines)
    text = world.place.checkpoint.read_bytes().partition(b"\n\n")[0]
    unsigned.place.checkpoint.write_bytes(text + b"\n\n" + b"")
    yield unsigned


def a_back_date(fresh: Fresh) -> Iterator[World]:
    world = fresh()
    world.write([*world.lines[:3], OLD, *world.lines[3:]])
    yield world


def a_suppress(fresh: Fresh) -> Iterator[World]:
    """Records are taken away as pruning does, and no record says so; the checkpoint is taken, so that nobody writes."""
    world = fresh()
    hashes = world.place.folder / "hashes"
    hashes.mkdir()
    (hashes / "00000000").write_bytes(b"".join(map(leaf_hash, world.lines[:SEGMENT])))
    (world.records / "00000000.jsonl").unlink()
    yield world
    world = fresh()
    world.place.checkpoint.unlink()
    yield world


def a_blobs(fresh: Fresh) -> Iterator[World]:
    for number in range(3):
        world = fresh()
        world.blob(number).unlink()
        yield world
        for content in flipped(fresh().blob(number), 37):
            world = fresh()
            world.blob(number).write_bytes(content)
            yield world
    world = fresh()
    first = world.blob(0).read_bytes()
    world.blob(0).write_bytes(world.blob(1).read_bytes())
    world.blob(1).write_bytes(first)
    yield world


def a_certificates(fresh: Fresh) -> Iterator[World]:
    for number in range(3):
        world = fresh()
        world.certificate(number).unlink()
        yield world
    world = fresh()
    second = world.certificate(2).read_bytes()
    world.certificate(2).write_bytes(world.certificate(1).read_bytes())
    world.certificate(1).write_bytes(second)
    yield world
    world = fresh()
    world.certificate(3).write_bytes(world.certificate(2).read_bytes())
    yield world


# F: nobody means any harm.


def f_edit(fresh: Fresh) -> Iterator[World]:
    for path in sorted(fresh().records.iterdir()):
        for content in flipped(path, 307):
            world = fresh()
            (world.records / path.name).write_bytes(content)
            yield world


def f_cut_off(fresh: Fresh) -> Iterator[World]:
    """The end of a segment, or a whole one, is lost."""
    for path in sorted(fresh().records.iterdir()):
        world = fresh()
        lost = world.records / path.name
        lost.write_bytes(lost.read_bytes()[:-100])
        yield world
        lost.unlink()
        yield world


def f_put_back(fresh: Fresh) -> Iterator[World]:
    """A disk that said that it had synced forgets what it has."""
    for size in (11, 13):
        world = fresh()
        world.put_back(size, "records", "checkpoint")
        yield world


def f_back_date(fresh: Fresh) -> Iterator[World]:
    """The clock was set back."""
    world = fresh()
    put(world.place.open(second=True), OLD)
    yield world


def f_suppress(fresh: Fresh) -> Iterator[World]:
    """What was not acknowledged yet lies beyond the checkpoint, whole or in part."""
    for left in (FORGED + b"\n", FORGED[:20]):
        world = fresh()
        with max(world.records.iterdir()).open("ab") as file:
            file.write(left)
        yield world


def f_blobs(fresh: Fresh) -> Iterator[World]:
    yield from a_blobs(fresh)


def f_certificates(fresh: Fresh) -> Iterator[World]:
    for number in range(3):
        for content in flipped(fresh().certificate(number), 611):
            world = fresh()
            world.certificate(number).write_bytes(content)
            yield world


# G: the mail server does not say what is so.


def g_forge(fresh: Fresh) -> Iterator[World]:
    world = fresh()
    put(world.place.open(second=True), record("finding_opened", what="a rule that nobody made"))
    yield world


def g_suppress(fresh: Fresh) -> Iterator[World]:
    world = fresh()
    put(world.place.open(second=True), record("audit_finished", what="no rule, says the server"))
    yield world


# H: a snapshot or a backup was put back.


def h_edit(fresh: Fresh) -> Iterator[World]:
    for part in ("records", "checkpoint"):
        world = fresh()
        world.put_back(8, part)
        yield world


def h_cut_off(fresh: Fresh) -> Iterator[World]:
    """Records and checkpoint of before, and the certificates of now."""
    for size in (2, 4, 8, 9):
        world = fresh()
        world.put_back(size, "records", "checkpoint")
        yield world


def h_put_back(fresh: Fresh) -> Iterator[World]:
    yield from a_put_back(fresh)


def h_forge(fresh: Fresh) -> Iterator[World]:
    """The writer goes on from there, with nobody to ask, until the ledger is longer than it was."""
    for size in (8, 13):
        world = fresh()
        world.restore(size)
        put(world.place.open(second=True), *(record(number=100 + number) for number in range(9)))
        yield world


def h_blobs(fresh: Fresh) -> Iterator[World]:
    world = fresh()
    world.put_back(8, "blobs")
    yield world


def h_certificates(fresh: Fresh) -> Iterator[World]:
    for size in (4, 8):
        world = fresh()
        world.put_back(size, "keys")
        yield world
