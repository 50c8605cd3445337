"""How many readings there are at once, and what becomes of one that fails."""

import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import pytest

from postwarden.daemon.board import Opened
from postwarden.daemon.readers import Readers, Work
from postwarden.model.account import Account
from postwarden.model.reading import SAME_GRADE, CheckDone, Gap, Grade, Item
from postwarden.model.scope import account_scope, source_scope


class Slow:
    """A source that takes its time, and counts how many read it at once."""

    checks: tuple[str, ...] = ("check",)
    source_checks: tuple[str, ...] = ("transport",)
    grade: Grade = "observed live"
    grades: Mapping[str, Grade] = SAME_GRADE

    def __init__(self, name: str, connections: int) -> None:
        self.name, self.connections = name, connections
        self.most = self.now = 0
        self.lock = threading.Lock()

    def prepare(self, accounts: Sequence[Account]) -> None: ...

    def read_source(self) -> Iterator[Item]:
        yield CheckDone(scope=source_scope(self.name), source=self.name, check="transport")

    def read_account(self, account: Account) -> Iterator[Item]:
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        time.sleep(0.01)
        with self.lock:
            self.now -= 1
        if account.login == "odd":
            raise TypeError("a mailbox that nobody thought of")
        yield CheckDone(scope=account_scope(account.key), source=self.name, check="check")


class Shelf:
    """A board whose sources stay as they are."""

    def __init__(self, *sources: Slow) -> None:
        self.sources = {source.name: Opened(source, 0.0, ()) for source in sources}

    def get(self, name: str) -> Opened | None:
        return self.sources.get(name)

    def connections(self) -> Mapping[str, int]:
        return {name: opened.source.connections for name, opened in self.sources.items()}


def work(login: str, *sources: str) -> Work:
    account = Account(key=f"login:{login}", login=login)
    return Work(scope=account_scope(account.key), account=account, sources=sources)


def readers(most: int, *sources: Slow) -> Readers:
    return Readers(Shelf(*sources), most, time.monotonic)  # type: ignore[arg-type]  # as much of a board as is used


def test_no_source_is_asked_for_more_than_it_bears() -> None:
    """Each source has its own limit, also where accounts lie at several."""
    one, three = Slow("one", 1), Slow("three", 3)
    made = readers(8, one, three)
    works = [work(f"a{number}", "one", "three") for number in range(10)]
    works += [work(f"b{number}", "three") for number in range(20)]
    made.offer(works)
    read = [made.results.get(timeout=10) for _ in works]
    assert (one.most, three.most) == (1, 3)
    assert Counter(len(each.parts) for each in read) == {2: 10, 1: 20}
    assert made.waiting == 0
    made.stop()


def test_no_more_at_once_than_allowed_in_all() -> None:
    """The total limit holds over all sources."""
    sources = [Slow(name, 4) for name in "abc"]
    made = readers(2, *sources)
    made.offer(work(f"{name}{number}", name) for name in "abc" for number in range(6))
    seen = 0
    for _ in range(18):
        seen = max(seen, len(made.busy()))
        made.results.get(timeout=10)
    assert seen <= 2
    made.stop()


def test_a_bug_over_one_mailbox_is_a_gap_and_the_others_are_read(capsys: pytest.CaptureFixture[str]) -> None:
    """An account that we stumble over is unread, never clean, and nobody else suffers."""
    made = readers(1, Slow("one", 1))
    made.offer([work("odd", "one"), work("even", "one")])
    odd, even = (made.results.get(timeout=10) for _ in range(2))
    (gap,) = odd.parts[0].items
    assert isinstance(gap, Gap)
    assert "bug of ours" in gap.message
    assert [type(item) for item in even.parts[0].items] == [CheckDone]
    assert "nobody thought of" in "".join(capsys.readouterr())
    made.stop()


def test_a_source_that_is_gone_is_left_out() -> None:
    """Between taking and reading a source may leave the configuration."""
    made = readers(1, Slow("one", 1))
    made.offer([work("alice", "one", "gone")])
    assert [part.source for part in made.results.get(timeout=10).parts] == ["one"]
    made.stop()


def test_after_a_stop_nothing_more_begins() -> None:
    """What waits is dropped: it is still due."""
    made = readers(1, Slow("one", 1))
    made.offer([work(f"a{number}", "one") for number in range(50)])
    made.stop()
    time.sleep(0.1)
    assert made.results.qsize() <= 2
    assert made.waiting == 0
