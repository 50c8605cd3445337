"""A ledger with a history in which everything occurs that the state store derives."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from postwarden.model.record import Envelope, Notified
from postwarden.pipeline.committing import Keys
from postwarden.pipeline.record import Recorder, create_ledger
from tests.clock import Clock
from tests.unit.pipeline.conftest import NOW, SCOPE, done, flow, found, gap, session
from tests.unit.pipeline.test_record import finding, finish, reading

ORIGIN = "postwarden/test"


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    state = tmp_path / "state"
    create_ledger(state, origin=ORIGIN, run="run-0", actor="a", agent="p", now=NOW)
    return state


Open = Callable[..., Recorder]


@pytest.fixture
def opened(state: Path, clock: Clock) -> Iterator[Open]:
    """Opens recorders on the ledger."""
    made: list[Recorder] = []

    def one(keys: Keys | None = None) -> Recorder:
        made.append(Recorder(state, run="run-1", actor="uid 0 (root)", agent="p", clock=clock, keys=keys))
        return made[-1]

    yield one
    for recorder in made:
        recorder.close()


def fill(recorder: Recorder, clock: Clock, days: int = 6) -> None:
    """A history with all that the state store derives: findings in each state, sweeps, accounts, notifiers, sessions."""
    for day in range(days):
        clock.now = NOW + timedelta(days=day)
        recorder.configuration(b"configuration %d" % (day // 3), "rules")
        recorder.start([SCOPE], ["sieve"])
        recorder.opened([session(number=day + 1)])
        raw = recorder.keep(b"script %d" % day)
        items = (found(flow()), done()) if day % 2 else (gap(),)
        finish(
            recorder, reading(*items), [finding("a", evidence=(raw,)), finding(f"b{day}", evidence=(raw,))]
        )
        if day == 2:
            recorder.acknowledge(finding("a").id, reason="known", until=NOW + timedelta(days=400))
        index = recorder.ledger.position().size - 1
        recorder.write(partial(failed, index))


def failed(index: int, common: Envelope) -> list[Notified]:
    return [Notified(**common, notifier="mail", records=(index,), outcome="failed", message="no")]


def derived(recorder: Recorder, clock: Clock) -> dict[str, Any]:
    """All that can be asked of the state store."""
    store = recorder.store
    return {
        "parts": list(store.carry()),
        "accounts": list(store.accounts()),
        "findings": list(store.findings()),
        "histories": {one.finding.id: store.history(one.finding.id) for one in store.findings()},
        "due": [store.sweeps.due(clock.now + timedelta(minutes=minutes), 10) for minutes in range(0, 40, 5)],
        "configuration": store.configuration(),
        "undelivered": store.delivered.undelivered("mail"),
        "blobs": list(store.named_blobs()),
    }


def kinds(recorder: Recorder) -> list[str]:
    return [json.loads(line)["kind"] for _, line in recorder.ledger.records(recorder.ledger.first)]
