"""How logs come in: how far each content was read, what came of a look, and what was lost on the way.

A *content* is what a log file has in it, whatever the file is called today: rotated, copied or compressed it is the same
content, told by its first bytes. A place in it is an offset in bytes, before compression.
"""

from typing import Literal

from msgspec import Struct

from postwarden.model.event import Event


class Cursor(Struct, frozen=True, kw_only=True):
    """How far a content was read, and where it was last.

    `key` is its number in the history, 0 before it has one. `head` are its first bytes, `tail` the last ones before
    `offset`. `path`, `device`, `inode`, `born`, `size` and `modified` (times in nanoseconds) are those of the file that it was last
    read from. `state` is the decoder's. `torn` says that `offset` is inside a line that is not read. `live` says that the
    file may still grow, as far as we know; `read` is when we last looked, `latest` the latest time of an event in it, both in
    milliseconds since 1970.
    """

    key: int = 0
    head: bytes = b""
    tail: bytes = b""
    offset: int = 0
    path: str = ""
    device: int = 0
    inode: int = 0
    born: int = 0
    size: int = 0
    modified: int = 0
    state: bytes = b""
    torn: bool = False
    live: bool = True
    read: int = 0
    latest: int | None = None


#: What can happen to a log that is nobody's log-in: `truncated` while it was followed, `shortened` (its end is gone),
#: `replaced` by an older content, `jumped` in time, `gone` before it was known to be read to its end.
Mishap = Literal["truncated", "shortened", "replaced", "jumped", "gone"]


class Note(Struct, frozen=True, kw_only=True):
    """One mishap of a log: what, to which file, and in words what it means.

    `lost` says that lines may be missing; nobody knows how many. `time` is when it was noticed, or for a jump the later of the two times.
    """

    mishap: Mishap
    path: str
    words: str
    lost: bool
    time: int


class Portion(Struct, frozen=True, kw_only=True):
    """Some whole lines of a content, from `start` on, and the cursor behind them (with the state from before them).

    `unread` are overlong lines between them that were left out. `fresh` says that these lines came since we last
    looked, so that their age is the log's delay. Without `data`, only the cursor or the notes are new.
    """

    cursor: Cursor
    start: int = 0
    data: bytes = b""
    unread: tuple[tuple[int, bytes], ...] = ()
    fresh: bool = False
    notes: tuple[Note, ...] = ()


class Batch(Struct, frozen=True, kw_only=True):
    """What a portion came to, ready to be stored together with the cursor behind it."""

    source: str
    cursor: Cursor
    events: list[Event]
    unread: list[tuple[int, bytes]]
    doubtful: list[tuple[int, str]]
    passed: int
    lines: int
    fresh: bool = False
    notes: tuple[Note, ...] = ()
