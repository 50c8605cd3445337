"""The NISC case counts days as a victim would: from the entry, and not before the agent is there."""

from functools import cache

from postwarden.detect.access.entry import Answer, End, Entry
from postwarden.model.window import Reason, Window
from tests.quality.access.nisc import AFTER, BEFORE, ENTRY, Agent, Case, run

DAY_MS = 86_400_000


class Loud:
    """Opens a window for each account, network and month in which somebody is let in."""

    def __init__(self) -> None:
        self._seen: set[tuple[str, str, int]] = set()

    def take(self, entry: Entry) -> tuple[Window, ...]:
        key = entry.account, entry.place.prefix if entry.place else "", entry.time // (30 * DAY_MS)
        if entry.refused or key in self._seen:
            return ()
        self._seen.add(key)
        return (
            Window(
                account=entry.account,
                subject=str(entry.row),
                opened=entry.time,
                first=entry.time,
                last=entry.time,
                sessions=1,
                weight=30,
                reasons=(Reason(sign="test", weight=30, words="test"),),
                cited=(entry.row,),
            ),
        )

    def end(self, end: End) -> None:
        pass

    def answer(self, answer: Answer) -> None:
        pass


@cache
def cases() -> list[Case]:
    agents: tuple[Agent, ...] = ("there before the entry", "installed after the entry")
    return run("development", 9, 1, {"loud": Loud}, {}, agents)


def found(case: Case) -> list[float]:
    return [day for days in case.days.values() for day in days if day is not None]


def test_there_are_six_installations() -> None:
    """Before and after the entry, each with logs of 30, 90 and 400 days, and all see the same intruders."""
    assert [(one.agent.split()[0], one.kept) for one in cases()] == [
        (agent, kept) for agent in ("there", "installed") for kept in (30, 90, 400)
    ]
    assert {sum(len(days) for days in one.days.values()) for one in cases()} == {8}


def test_nothing_is_found_before_the_agent_is_there() -> None:
    """Who is found in old logs is found on the day of installation, months after the entry."""
    waited = (AFTER - ENTRY).days
    for one in cases():
        if one.agent == "installed after the entry":
            assert found(one)
            assert all(day > waited - 40 for day in found(one))


def test_older_logs_show_more() -> None:
    """With longer logs at least as many windows wait on the first day, and those from before an entry are false."""
    late = [one for one in cases() if one.agent == "installed after the entry"]
    assert late[0].waiting < late[1].waiting < late[2].waiting
    assert len(found(late[0])) <= len(found(late[2]))
    early = [one for one in cases() if one.agent == "there before the entry"]
    assert all(one.waiting == one.waiting_false for one in early)
    assert (BEFORE - ENTRY).days < 0
