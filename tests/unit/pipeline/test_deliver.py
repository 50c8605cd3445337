"""Deliveries: nothing is lost, doubles have the same key, and a failure holds up nobody else."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import msgspec
import pytest

from postwarden.errors import NotifyError
from postwarden.model.finding import Finding, Level
from postwarden.notify import Attached
from postwarden.notify.notice import Notice
from postwarden.pipeline.deliver import BATCH, LONGEST_WAIT, Courier, _alone
from postwarden.pipeline.record import Recorder
from tests.unit.pipeline.conftest import ALICE, done
from tests.unit.pipeline.test_record import finding, finish, reading, records

Made = Callable[..., Recorder]


class Inbox:
    """A notifier that keeps what it gets, unless it is told to refuse."""

    def __init__(self) -> None:
        self.got: list[Notice] = []
        self.tried = 0
        self.refuses: Callable[[Notice], bool] = lambda _: False

    def send(self, notice: Notice) -> None:
        self.tried += 1
        if self.refuses(notice):
            raise NotifyError("nobody is at home")
        self.got.append(notice)

    @property
    def told(self) -> list[tuple[str, str]]:
        return [(one.change, one.finding.subject[1]) for one in self.got]


class Steady:
    """A clock that the test turns."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def many(*names: str, level: Level = "high") -> list[Finding]:
    return [finding(name, level=level) for name in names]


def courier(
    inbox: Any, clock: Steady | None = None, *, level: Level = "medium", name: str = "inbox"
) -> Courier:
    return Courier([Attached(name=name, level=level, notifier=inbox)], clock or Steady())


def turn(one: Courier, made: Recorder, tmp_path: Path) -> list[str | None]:
    return [outcome.failure for outcome in one.turn(lambda: nullcontext(made), tmp_path)]


@pytest.fixture
def made(recorder: Made) -> Iterator[Recorder]:
    opened = recorder()
    yield opened
    opened.close()


def audit(made: Recorder, *findings: Finding) -> None:
    finish(made, reading(done()), list(findings), account=ALICE)


def test_a_quiet_finding_is_passed_by(made: Recorder, tmp_path: Path) -> None:
    """What is beyond the budget of alarms is listed and not sent; when it is quiet no more, its change is."""
    inbox = Inbox()
    one = courier(inbox)
    one.begin(made)
    first, second = many("a", "b")
    audit(made, msgspec.structs.replace(first, quiet=True), second)
    assert turn(one, made, tmp_path) == [None]
    assert inbox.told == [("opened", "b")]
    audit(made, msgspec.structs.replace(first, level="critical"), second)
    assert turn(one, made, tmp_path) == [None]
    assert inbox.told == [("opened", "b"), ("changed", "a")]


def test_each_change_is_told_once(made: Recorder, tmp_path: Path) -> None:
    """Opened, changed, resolved, reopened and acknowledged come in their order, and a second turn has nothing."""
    inbox = Inbox()
    one = courier(inbox)
    one.begin(made)
    for findings in (many("a"), many("a", level="critical"), [], many("a", level="critical")):
        audit(made, *findings)
    made.acknowledge(finding("a").id, reason="asked", until=None)
    assert turn(one, made, tmp_path) == [None] * 5
    assert turn(one, made, tmp_path) == []
    assert [notice.change for notice in inbox.got] == [
        "opened",
        "changed",
        "resolved",
        "reopened",
        "acknowledged",
    ]
    assert {notice.account for notice in inbox.got} == {"alice@example.org"}
    assert inbox.got[1].changes == ("level was high, is critical",)
    assert inbox.got[4].reason == "asked"
    assert all(records(made)[notice.record]["kind"].startswith("finding_") for notice in inbox.got)


def test_an_alarm_carries_the_newest_checkpoint(made: Recorder, tmp_path: Path) -> None:
    """Each notice has the checkpoint that the ledger had when it was told."""
    inbox = Inbox()
    one = courier(inbox)
    one.begin(made)
    audit(made, *many("a"))
    newest = made.newest_checkpoint()
    turn(one, made, tmp_path)
    assert [notice.checkpoint for notice in inbox.got] == [newest]
    assert newest.startswith(f"{made.ledger.origin}\n")


def test_only_what_is_bad_enough_is_told(made: Recorder, tmp_path: Path) -> None:
    """Findings below the level are passed by, and remembered as passed by."""
    inbox = Inbox()
    one = courier(inbox, level="critical")
    one.begin(made)
    audit(made, *many(*map(str, range(BATCH + 10))))
    audit(made, *many("bad", level="critical"))
    for _ in range(3):
        turn(one, made, tmp_path)
    assert inbox.told == [("opened", "bad")]


def test_a_new_notifier_is_told_of_what_comes_after(made: Recorder, tmp_path: Path) -> None:
    """What stood open before is not sent to it; one that was there before missed nothing."""
    old, new = Inbox(), Inbox()
    courier(old).begin(made)
    audit(made, *many("a"))
    both = Courier(
        [Attached(name="inbox", level="low", notifier=old), Attached(name="new", level="low", notifier=new)]
    )
    both.begin(made)
    audit(made, *many("a", "b"))
    turn(both, made, tmp_path)
    assert old.told == [("opened", "a"), ("opened", "b")]
    assert new.told == [("opened", "b")]


def test_a_failure_is_recorded_and_tried_again(made: Recorder, tmp_path: Path) -> None:
    """Waits grow up to an hour; each attempt is a record; at last it is delivered."""
    inbox, clock = Inbox(), Steady()
    inbox.refuses = lambda _: True
    one = courier(inbox, clock)
    one.begin(made)
    audit(made, *many("a"))
    waits, last = [], 0.0
    while inbox.tried < 12:
        if turn(one, made, tmp_path):
            waits.append(clock.now - last)
            last = clock.now
        clock.now += 5
    assert waits[:5] == [0, 10, 20, 40, 80]
    assert max(waits) == LONGEST_WAIT
    inbox.refuses = lambda _: False
    clock.now += LONGEST_WAIT
    assert turn(one, made, tmp_path) == [None]
    told = [record for record in records(made) if record["kind"] == "notified"]
    assert [record["outcome"] for record in told] == ["began", *["failed"] * 12, "delivered"]
    assert told[1]["message"] == "nobody is at home"
    assert inbox.told == [("opened", "a")]


def test_one_bad_notice_does_not_hold_up_the_others(made: Recorder, tmp_path: Path) -> None:
    """Where only one notice is refused, the rest arrives, and it alone stays to be sent."""
    inbox, clock = Inbox(), Steady()
    inbox.refuses = lambda notice: notice.finding.subject[1] == "b"
    one = courier(inbox, clock)
    one.begin(made)
    audit(made, *many("a", "b", "c", "d"))
    for _ in range(10):
        turn(one, made, tmp_path)
        clock.now += 100
    assert inbox.told == [("opened", "a"), ("opened", "c"), ("opened", "d")]
    inbox.refuses = lambda _: False
    clock.now += LONGEST_WAIT
    turn(one, made, tmp_path)
    assert inbox.told[3:] == [("opened", "b")]


def test_an_outage_costs_two_attempts_a_turn(made: Recorder, tmp_path: Path) -> None:
    """When nothing gets through, a turn ends after two, and everything arrives once afterwards."""
    inbox, clock = Inbox(), Steady()
    inbox.refuses = lambda _: True
    one = courier(inbox, clock)
    one.begin(made)
    audit(made, *many(*map(str, range(100))))
    turn(one, made, tmp_path)
    turn(one, made, tmp_path)
    assert inbox.tried == 2
    inbox.refuses = lambda _: False
    for _ in range(5):
        clock.now += LONGEST_WAIT
        turn(one, made, tmp_path)
    assert sorted(inbox.told) == sorted(("opened", str(number)) for number in range(100))


def test_another_process_takes_over_where_one_was(recorder: Made, tmp_path: Path) -> None:
    """What is undelivered is in the ledger, also for one that starts anew and has no state store."""
    inbox = Inbox()
    inbox.refuses = lambda notice: notice.finding.subject[1] == "a"
    first = recorder()
    one = courier(inbox)
    one.begin(first)
    audit(first, *many("a", "b"))
    turn(one, first, tmp_path)
    first.close()
    inbox.refuses = lambda _: False
    second = recorder()
    second.rebuild()
    assert turn(courier(inbox), second, tmp_path) == [None]
    assert inbox.told == [("opened", "b"), ("opened", "a")]
    second.close()


def test_two_processes_do_not_tell_at_once(made: Recorder, tmp_path: Path) -> None:
    """While one is at it, the other does nothing."""
    inbox = Inbox()
    one = courier(inbox)
    one.begin(made)
    audit(made, *many("a"))
    with _alone(tmp_path, 0) as free:
        assert free
        assert one.turn(lambda: nullcontext(made), tmp_path, wait=0.1) == []
    assert turn(one, made, tmp_path) == [None]


def test_no_lock_is_held_while_it_sends(made: Recorder, tmp_path: Path) -> None:
    """The recorder is given back before anything is sent."""
    depth = 0

    @contextmanager
    def held() -> Iterator[Recorder]:
        nonlocal depth
        depth += 1
        yield made
        depth -= 1

    inbox = Inbox()
    seen: list[int] = []

    def look(_: Notice) -> bool:
        seen.append(depth)
        return False

    inbox.refuses = look
    one = courier(inbox)
    one.begin(made)
    audit(made, *many("a"))
    one.turn(held, tmp_path)
    assert seen == [0]


_KILLED = """
import os, signal, sys
from contextlib import nullcontext
from pathlib import Path
from postwarden.notify import Attached
from postwarden.notify.command import CommandNotifier, Options
from postwarden.pipeline.deliver import Courier
from postwarden.pipeline.record import Recorder
from tests.unit.pipeline.conftest import NOW
state, script, when = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
class Dying(CommandNotifier):
    sent = 0
    def send(self, notice):
        super().send(notice)
        Dying.sent += 1
        if str(Dying.sent) == when:
            os.kill(os.getpid(), signal.SIGKILL)
recorder = Recorder(state, run="r", actor="a", agent="g", clock=lambda: NOW)
one = Courier([Attached(name="inbox", level="low", notifier=Dying(Options(command=(script,))))])
while one.turn(lambda: nullcontext(recorder), state):
    pass
"""


def test_killed_between_sending_and_recording_it_comes_again_with_the_same_key(
    recorder: Made, tmp_path: Path
) -> None:
    """Whichever notice the process dies after, all arrive, and doubles have the same key."""
    made = recorder()
    state = made._path.parent
    courier(Inbox()).begin(made)
    audit(made, *many(*"abcde"))
    made.close()
    script = tmp_path / "script"
    script.write_text(f"#!/bin/sh\ncat >> '{tmp_path}/got'\n")
    script.chmod(0o700)
    codes = [
        subprocess.run(
            [sys.executable, "-c", _KILLED, str(state), str(script), when],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            check=False,
        ).returncode
        for when in ("1", "3", "5", "never")
    ]
    assert codes == [-signal.SIGKILL] * 3 + [0]
    got = [msgspec.json.decode(line, type=Notice) for line in (tmp_path / "got").read_bytes().splitlines()]
    by_key = {notice.key: notice for notice in got}
    assert [notice.finding.subject[1] for notice in by_key.values()] == list("abcde")
    assert len(got) == 1 + 3 + 5 + 5
    assert all(by_key[notice.key] == notice for notice in got)
