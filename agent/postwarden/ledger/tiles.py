"""A ledger as the files of C2SP's tlog-tiles (https://c2sp.org/tlog-tiles), which a web server may serve as they are.

`tile/<level>/<number>` holds 256 hashes, each the root over 256**level records; `tile/entries/<number>` holds 256
records, each after its length in two bytes, big end first. What is not full has `.p/<width>` behind its number.
"""

from collections.abc import Iterable, Iterator

from postwarden.ledger.nodes import Nodes

#: Hashes or records in a full tile.
WIDTH = 256
_HEIGHT = 8


def tile_name(kind: str, number: int, width: int) -> str:
    """The path of a tile; `kind` is a level or `entries`. Number 1234067 is written x001/x234/067."""
    digits = f"{number:03d}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    name = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
    return f"tile/{kind}/{name}" + ("" if width == WIDTH else f".p/{width}")


def tree_tiles(nodes: Nodes) -> Iterator[tuple[str, bytes]]:
    """Name and content of each tile of the tree, full and partial ones, so ordered that each segment is read once."""
    for level, number, width in _places(nodes.size):
        first = number * WIDTH
        hashes = (nodes.node(level * _HEIGHT, index) for index in range(first, first + width))
        yield tile_name(str(level), number, width), b"".join(hashes)


def entry_tiles(lines: Iterable[bytes], first: int = 0) -> Iterator[tuple[str, bytes]]:
    """Name and content of each bundle of records from `first` on, a multiple of 256: what lies before was pruned."""
    number, bundle = first // WIDTH, []
    for line in lines:
        bundle.append(len(line).to_bytes(2, "big") + line)
        if len(bundle) == WIDTH:
            yield tile_name("entries", number, WIDTH), b"".join(bundle)
            number, bundle = number + 1, []
    if bundle:
        yield tile_name("entries", number, len(bundle)), b"".join(bundle)


def _places(size: int) -> Iterator[tuple[int, int, int]]:
    """Level, number and width of each tile: a full one as soon as its last hash is full, the partial ones last."""
    for done in range(1, size // WIDTH + 1):
        level, count = 0, done
        yield level, count - 1, WIDTH
        while count % WIDTH == 0:
            level, count = level + 1, count // WIDTH
            yield level, count - 1, WIDTH
    level = 0
    while size:
        if size % WIDTH:
            yield level, size // WIDTH, size % WIDTH
        level, size = level + 1, size // WIDTH
