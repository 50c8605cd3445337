"""The segments of a ledger, scanned by as many processes as there are cores.

Each process scans every n-th segment and sends what it found through a pipe of its own, in order; whoever
reads the pipes in turn has all segments in order. A pipe that is full makes its process wait, so that nothing
piles up however long the ledger is.
"""

import multiprocessing
import os
import signal
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack
from multiprocessing.connection import Connection
from pathlib import Path

from postwarden.errors import LedgerError
from postwarden.ledger import files
from postwarden.ledger.scan import Scan, Wanted, scan_segment

#: More processes would not read faster than a disk, and each takes its megabytes.
_MOST = 4
#: Below it, the start of a process takes longer than the work it would take over.
_WORTHWHILE = 65_536


def count_processes(wanted: Sequence[Wanted]) -> int:
    """How many processes are worth their start for these segments: one for each core, four at most."""
    if not wanted or wanted[-1].stop - wanted[0].first <= _WORTHWHILE:
        return 1
    return min(_MOST, len(os.sched_getaffinity(0)), len(wanted))


def spread(
    ledger: Path, wanted: Sequence[Wanted], *, processes: int, progress: Callable[[int], None] | None = None
) -> Generator[Scan, None, None]:
    """Scan the segments of the ledger in a folder, and give what each holds, in order.

    `progress` is called with a rising number of records read. LedgerError where the disk does not let us read,
    or a process ends before its work.
    """
    if processes == 1:
        with files.folder(ledger) as root:
            for each in wanted:
                yield scan_segment(root, each, owner=None, progress=progress)
        return
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    with ExitStack() as stack:
        pipes = []
        for number in range(processes):
            ours, theirs = context.Pipe(duplex=False)
            worker = context.Process(
                target=_work, args=(ledger, wanted[number::processes], theirs), daemon=True
            )
            worker.start()
            theirs.close()
            stack.callback(worker.join)
            stack.callback(worker.terminate)
            stack.enter_context(ours)
            pipes.append(ours)
        for number in range(len(wanted)):
            yield _receive(pipes[number % processes], progress)


def _work(ledger: Path, wanted: Sequence[Wanted], pipe: Connection) -> None:
    """What a process does: sends numbers while it reads a segment, then what the segment holds."""
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # a terminal sends it to all; whoever reads the pipes ends us
    try:
        with files.folder(ledger) as root:
            for each in wanted:
                pipe.send(scan_segment(root, each, owner=None, progress=pipe.send))
    except LedgerError as exc:
        pipe.send(exc)
    except BrokenPipeError:
        pass  # nobody wants to know any more


def _receive(pipe: Connection, progress: Callable[[int], None] | None) -> Scan:
    while True:
        try:
            message = pipe.recv()
        except EOFError as exc:
            raise LedgerError("a process that read the ledger ended early", "run again") from exc
        if isinstance(message, LedgerError):
            raise message
        if isinstance(message, Scan):
            return message
        if progress:
            progress(message)
