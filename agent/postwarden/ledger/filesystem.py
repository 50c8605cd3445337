"""On which file systems a ledger may be written: not on those of other machines.

Over a network, a lock may bind nobody else, a sync may return before the server has the bytes, and a rename may
be seen half done: everything that a commit relies on. What the kernel mounted where is in its table of mounts
(proc(5), "/proc/pid/mountinfo"); a system without that table tells nothing, and nothing is refused.
"""

import os
import re
from pathlib import Path

from postwarden.errors import LedgerError

MOUNTS = Path("/proc/self/mountinfo")
NETWORK = frozenset(
    {
        "9p",
        "afs",
        "beegfs",
        "ceph",
        "cifs",
        "coda",
        "davfs",
        "fuse.ceph",
        "fuse.davfs2",
        "fuse.gcsfuse",
        "fuse.glusterfs",
        "fuse.goofys",
        "fuse.rclone",
        "fuse.s3fs",
        "fuse.sshfs",
        "glusterfs",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs4",
        "smb3",
        "smbfs",
    }
)
_ESCAPE = re.compile(r"\\([0-7]{3})")


def refuse_network(place: Path) -> None:
    """LedgerError where a place, or the nearest folder above that is there, lies on another machine."""
    there = place.absolute()
    while not there.exists():
        there = there.parent
    kind = kind_of(there.resolve(), there.stat().st_dev)
    if kind in NETWORK:
        raise LedgerError(
            f"{place} lies on a file system of another machine ({kind}), where neither locks nor syncs are certain",
            "put the state folder on a disk of this machine, and copy the ledger elsewhere if you want to",
        )


def kind_of(place: Path, device: int) -> str | None:
    """The type of the file system that holds a place, `None` where nothing says it.

    The device's number decides, the last mount first, for a later one hides an earlier. Where no mount has it
    (subvolumes and overlays have numbers of their own), it is the longest mount point above the place.
    """
    try:
        table = MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
    except FileNotFoundError:
        return None
    number = f"{os.major(device)}:{os.minor(device)}"
    longest, kind = -1, None
    mounts = [_mount(line) for line in table.splitlines()]
    for found, point, one in reversed(mounts):
        if found == number:
            return one
        if place.is_relative_to(point) and len(point.parts) > longest:
            longest, kind = len(point.parts), one
    return kind


def _mount(line: str) -> tuple[str, Path, str]:
    """Device number, mount point and type: the fields 3, 5 and the first behind the lone hyphen."""
    before, _, after = line.partition(" - ")
    fields = before.split(" ")
    point = _ESCAPE.sub(lambda match: chr(int(match[1], 8)), fields[4])
    return fields[2], Path(point), after.split(" ", 1)[0]
