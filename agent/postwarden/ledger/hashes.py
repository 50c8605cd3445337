"""The leaf hashes that stay of a pruned segment: 32 bytes a record, in a file named by the index of the first."""

from postwarden.errors import LedgerUnsound
from postwarden.ledger import files

FOLDER = "hashes"
HASH = 32


def file_name(first: int) -> str:
    """The name of the file for the segment that begins with `first`."""
    return f"{first:08d}"


def read(ledger: int, first: int, count: int, *, owner: int | None) -> bytes | None:
    """The hashes of a pruned segment of `count` records, `None` where there are none; LedgerUnsound for another length."""
    if FOLDER not in files.list_names(ledger, "the ledger's folder"):
        return None
    name = file_name(first)
    with files.folder(FOLDER, within=ledger) as folder:
        content = files.read(folder, name, owner=owner, limit=HASH * count)
    if content is not None and len(content) != HASH * count:
        raise LedgerUnsound(f"{FOLDER}/{name} does not hold the hashes of {count} records", record=first)
    return content
