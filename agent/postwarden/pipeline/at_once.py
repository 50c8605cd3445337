"""Reading several accounts at once, each source as many as it bears, and handing them on in their order."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from threading import BoundedSemaphore

from postwarden.connectors import Source
from postwarden.model.account import Account
from postwarden.pipeline.collect import Opened, Part, read_account

#: Accounts that are read ahead of the one that is judged, for each thread: memory does not grow with their number.
AHEAD = 2


def read_accounts(
    accounts: Sequence[Account], sources: Sequence[Source], opened: Opened = None
) -> Iterator[tuple[Account, tuple[Part, ...]]]:
    """What the sources say about each account, in the accounts' order; `opened` is called in any thread.

    Accounts that lie at the same sources share threads, as many as the slowest of these sources takes at
    once; no source is ever asked for more than its `connections`.
    """
    groups = {_sources_of(account, sources): 0 for account in accounts}
    threads = {
        group: min((source.connections for source in sources if source.name in group), default=1)
        for group in groups
    }
    if sum(threads.values()) <= 1:
        for account in accounts:
            yield account, read_account(account, sources, opened)
        return
    allowed = {source.name: BoundedSemaphore(source.connections) for source in sources}

    def read(account: Account) -> tuple[Part, ...]:
        with ExitStack() as held:
            # Always in the order of the sources, so that nobody waits in a circle.
            for name in _sources_of(account, sources):
                held.enter_context(allowed[name])
            return read_account(account, sources, opened)

    yield from _in_order(accounts, read, lambda account: _sources_of(account, sources), threads)


def _sources_of(account: Account, sources: Sequence[Source]) -> tuple[str, ...]:
    return tuple(source.name for source in sources if account.is_at(source.name))


def _in_order(
    accounts: Sequence[Account],
    read: Callable[[Account], tuple[Part, ...]],
    group_of: Callable[[Account], tuple[str, ...]],
    threads: dict[tuple[str, ...], int],
) -> Iterator[tuple[Account, tuple[Part, ...]]]:
    pools = {group: ThreadPoolExecutor(most, "read") for group, most in threads.items()}
    left = iter(accounts)
    running: deque[tuple[Account, Future[tuple[Part, ...]]]] = deque()
    try:
        while True:
            while len(running) < AHEAD * sum(threads.values()) and (account := next(left, None)) is not None:
                running.append((account, pools[group_of(account)].submit(read, account)))
            if not running:
                return
            account, future = running.popleft()
            yield account, future.result()
    finally:
        for pool in pools.values():
            pool.shutdown(wait=False, cancel_futures=True)
