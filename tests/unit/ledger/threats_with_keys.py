"""What those do to a ledger who have some of its keys, or the verifiers' trust: the rows B to E in docs/ledger.md."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from postwarden.ledger import private_keys
from postwarden.ledger.checkpoint import Position
from postwarden.ledger.epochs import Epoch, sign_certificate
from postwarden.ledger.private_keys import PrivateKeys
from tests.unit.ledger.attacks import FORGED, OLD, Fresh, World, edited
from tests.unit.ledger.conftest import ORIGIN, TIME, record, recovery


def always(told: Sequence[bytes], _: Position) -> Sequence[bytes]:
    return told


# B: is root now and has the key of the open epoch; turns to the closed ones.


def b_edit(fresh: Fresh) -> Iterator[World]:
    closed = fresh().lines[:10]
    for at in (1, 4, 7, 9):
        for lines in edited(fresh().lines, at):
            if lines[:10] != closed:  # else the double went into the open epoch
                world = fresh()
                world.rewrite(2, lines)
                yield world


def b_cut_off(fresh: Fresh) -> Iterator[World]:
    for end in range(1, 10):
        for gone in range(3):
            world = fresh()
            world.rewrite(2, world.lines[:end])
            for number in range(3 - gone, 3):
                world.certificate(number).unlink()
            yield world


def b_put_back(fresh: Fresh) -> Iterator[World]:
    for size in (2, 4, 7, 9):
        world = fresh()
        world.put_back(size)
        yield world


def b_forge(fresh: Fresh) -> Iterator[World]:
    """Forged records at the end of a closed epoch, whose next certificate is made again with the stolen key."""
    world = fresh()
    lines = world.lines
    world.make_again([*lines[:9], FORGED, *lines[9:]], 1, world.signers[2])
    yield world


def b_back_date(fresh: Fresh) -> Iterator[World]:
    world = fresh()
    world.rewrite(2, [*world.lines[:3], OLD, *world.lines[3:]])
    yield world


def b_suppress(fresh: Fresh) -> Iterator[World]:
    """Old records are taken away as an operator may."""
    for stop in (4, 8, 12):
        world = fresh()
        told = [record("records_pruned", stop=stop), record("blobs_kept", blobs=world.blobs)]
        world.place.open(second=True).prune(stop, partial(always, told), recovered=recovery)
        yield world


def b_blobs(fresh: Fresh) -> Iterator[World]:
    """Blobs are erased as an operator may."""
    for number in range(3):
        world = fresh()
        name = world.blobs[number]
        world.place.open(second=True).erase(
            [name], partial(always, [record("blobs_erased", blobs=[name])]), recovered=recovery
        )
        yield world


def b_certificates(fresh: Fresh) -> Iterator[World]:
    world = fresh()
    world.make_anew(world.lines)
    yield world


# C: is root now and has the key of the open epoch; turns to the open one.


def c_edit(fresh: Fresh) -> Iterator[World]:
    for lines in edited(fresh().lines, 12):
        world = fresh()
        world.rewrite(2, lines)
        yield world


def c_cut_off(fresh: Fresh) -> Iterator[World]:
    for end in (11, 12, 13):
        world = fresh()
        world.rewrite(2, world.lines[:end])
        yield world


def c_put_back(fresh: Fresh) -> Iterator[World]:
    for size in (11, 12, 13):
        world = fresh()
        world.put_back(size)
        yield world


def c_forge(fresh: Fresh) -> Iterator[World]:
    for forged in (FORGED, OLD):
        world = fresh()
        world.rewrite(2, [*world.lines, forged])
        yield world


def c_back_date(fresh: Fresh) -> Iterator[World]:
    world = fresh()
    world.rewrite(2, [*world.lines[:11], OLD, *world.lines[11:]])
    yield world


def c_suppress(fresh: Fresh) -> Iterator[World]:
    """The daemon is stopped: nothing comes any more."""
    yield fresh()


def c_blobs(fresh: Fresh) -> Iterator[World]:
    world = fresh()
    world.blob(2).unlink()
    world.rewrite(2, [*world.lines[:10], FORGED, *world.lines[11:]])
    yield world


def c_certificates(fresh: Fresh) -> Iterator[World]:
    """The open epoch's own, and one more that no record names."""
    world = fresh()
    own = private_keys.make(PrivateKeys(world.place.private))
    for number, signer in ((2, own), (2, world.signers[2]), (3, world.signers[2])):
        world = fresh()
        begins = world.seen
        world.certificate(number).write_bytes(
            sign_certificate(Epoch(number, begins, own.key(ORIGIN), TIME), signer.first)
        )
        world.sign(own, world.lines)
        yield world


# D: was root in the second epoch, and kept its private key.


def d_edit(fresh: Fresh) -> Iterator[World]:
    for lines in edited(fresh().lines, 7):
        world = fresh()
        world.make_again(lines, 1, world.signers[1])
        yield world


def d_cut_off(fresh: Fresh) -> Iterator[World]:
    for end in (6, 8, 9):
        world = fresh()
        world.make_again(world.lines[:end], 1, world.signers[1])
        yield world


def d_put_back(fresh: Fresh) -> Iterator[World]:
    for size in (6, 8, 9):
        world = fresh()
        world.put_back(size)
        world.make_again([*world.lines, FORGED], 1, world.signers[1])
        yield world


def d_forge(fresh: Fresh) -> Iterator[World]:
    world = fresh()
    world.make_again([*world.lines[:9], FORGED, *world.lines[9:]], 1, world.signers[1])
    yield world


def d_back_date(fresh: Fresh) -> Iterator[World]:
    world = fresh()
    world.make_again([*world.lines[:7], OLD, *world.lines[7:]], 1, world.signers[1])
    yield world


def d_suppress(fresh: Fresh) -> Iterator[World]:
    """Everything since is left out, and other records fill the ledger up."""
    world = fresh()
    world.make_again(
        [*world.lines[:7], *(record(number=number) for number in range(10))], 1, world.signers[1]
    )
    yield world


def d_blobs(fresh: Fresh) -> Iterator[World]:
    world = fresh()
    world.blob(1).unlink()
    world.make_again([*world.lines[:5], FORGED, *world.lines[6:]], 1, world.signers[1])
    yield world


def d_certificates(fresh: Fresh) -> Iterator[World]:
    world = fresh()
    world.make_again(world.lines, 1, world.signers[1])
    yield world


# E: runs the host and gives verifiers another first key.


def anew(fresh: Fresh, *ledgers: list[bytes]) -> Iterator[World]:
    for lines in ledgers:
        world = fresh()
        yield replace(world, pinned=world.make_anew(lines))


def e_edit(fresh: Fresh) -> Iterator[World]:
    yield from anew(fresh, *edited(fresh().lines, 2))


def e_cut_off(fresh: Fresh) -> Iterator[World]:
    lines = fresh().lines
    yield from anew(fresh, *(lines[:end] for end in (1, 2, 4, 6, 8, 9, 11, 13)))


def e_put_back(fresh: Fresh) -> Iterator[World]:
    for size in (2, 7, 13):
        world = fresh()
        world.put_back(size)
        yield replace(world, pinned=world.make_anew(world.lines))


def e_forge(fresh: Fresh) -> Iterator[World]:
    yield from anew(fresh, [*fresh().lines, FORGED])


def e_back_date(fresh: Fresh) -> Iterator[World]:
    lines = fresh().lines
    yield from anew(fresh, [*lines[:3], OLD, *lines[3:]])


def e_suppress(fresh: Fresh) -> Iterator[World]:
    lines = fresh().lines
    yield from anew(fresh, [*lines[:3], *(FORGED for _ in lines)])


def e_blobs(fresh: Fresh) -> Iterator[World]:
    lines = fresh().lines
    for world in anew(fresh, [lines[0], FORGED, *lines[2:]]):
        world.blob(0).unlink()
        yield world


def e_certificates(fresh: Fresh) -> Iterator[World]:
    """The records stay as they are, key changes included or not, and all certificates are new."""
    world = fresh()
    lines = world.lines
    pinned = world.make_anew(lines)
    world.write(lines)
    yield replace(world, pinned=pinned)
