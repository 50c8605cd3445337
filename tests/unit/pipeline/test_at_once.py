"""Several accounts at once: in their order, never too many for a source, and with bounded reading ahead."""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence

import pytest

from postwarden.model.account import Account
from postwarden.model.reading import SAME_GRADE, CheckDone, Grade, Item
from postwarden.model.scope import account_scope
from postwarden.pipeline.at_once import AHEAD, read_accounts


class Slow:
    """A source that remembers how many threads were in it at once."""

    checks: tuple[str, ...] = ("rules",)
    source_checks: tuple[str, ...] = ()
    grade: Grade = "observed live"
    grades: Mapping[str, Grade] = SAME_GRADE

    def __init__(self, name: str, connections: int) -> None:
        self.name, self.connections = name, connections
        self.most = 0
        self.read: list[str] = []
        self._now = 0
        self._lock = threading.Lock()

    def prepare(self, accounts: Sequence[Account]) -> None: ...

    def read_source(self) -> Iterator[Item]:
        return iter(())

    def read_account(self, account: Account) -> Iterator[Item]:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
            self.read.append(account.login)
        # The first accounts take longest, so that results come in another order than they are asked for.
        time.sleep(0.02 if account.login < "a10" else 0.001)
        with self._lock:
            self._now -= 1
        yield CheckDone(scope=account_scope(account.key), source=self.name, check="rules")


def accounts(count: int, *sources: str, prefix: str = "a") -> list[Account]:
    names = [f"{prefix}{number:02}" for number in range(count)]
    return [Account(key=f"login:{name}", login=name, sources=sources) for name in names]


def test_results_come_in_the_accounts_order() -> None:
    """However long each takes, accounts are handed on in their order, each once."""
    source = Slow("exchange", 8)
    asked = accounts(40)
    assert [account for account, _ in read_accounts(asked, [source])] == asked
    assert sorted(source.read) == [account.login for account in asked]
    assert 1 < source.most <= 8


def test_no_source_is_asked_for_more_than_it_bears() -> None:
    """A source that takes one at a time is asked so, also where other accounts are read beside it."""
    one, many = Slow("imap", 1), Slow("exchange", 5)
    asked = [
        account
        for pair in zip(accounts(20, "imap"), accounts(20, "exchange", prefix="b"), strict=True)
        for account in pair
    ]
    both = accounts(5, "imap", "exchange", prefix="c")
    assert [account for account, _ in read_accounts([*asked, *both], [one, many])] == [*asked, *both]
    assert (one.most, many.most <= 5) == (1, True)
    assert many.most > 1


def test_an_account_is_read_only_where_it_lies() -> None:
    """An account that names its sources is asked for at no other."""
    one, two = Slow("imap", 1), Slow("exchange", 2)
    found = {
        account.login: [part.source for part in parts]
        for account, parts in read_accounts([*accounts(1, "imap"), *accounts(1, prefix="b")], [one, two])
    }
    assert found == {"a00": ["imap"], "b00": ["imap", "exchange"]}
    assert two.read == ["b00"]


def test_no_more_is_read_ahead_than_memory_should_hold() -> None:
    """While nobody takes results, reading stops after a few accounts for each thread."""
    source = Slow("exchange", 3)
    reading = read_accounts(accounts(90), [source])
    next(reading)
    time.sleep(0.3)
    assert len(source.read) <= 1 + AHEAD * 3
    reading.close()  # type: ignore[attr-defined]  # it is a generator
    time.sleep(0.1)
    assert len(source.read) <= 1 + AHEAD * 3


def test_a_bug_in_a_source_is_not_lost_in_a_thread() -> None:
    """What is no error of a server's comes out where the results are taken."""

    class Broken(Slow):
        def read_account(self, account: Account) -> Iterator[Item]:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(read_accounts(accounts(3), [Broken("exchange", 2)]))


def test_one_connection_needs_no_thread() -> None:
    """Where nothing can be read at once, the reading happens where the results are taken."""
    threads: set[int] = set()

    class Watching(Slow):
        def read_account(self, account: Account) -> Iterator[Item]:
            threads.add(threading.get_ident())
            return super().read_account(account)

    list(read_accounts(accounts(3), [Watching("imap", 1)]))
    assert threads == {threading.get_ident()}
