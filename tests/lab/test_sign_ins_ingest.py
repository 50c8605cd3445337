"""Sign-ins of the lab's tenant and domain into the history, through the sources that a configuration makes."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from postwarden.cli.demo import write_configuration
from postwarden.config.settings import decode
from postwarden.connectors import open_sources
from postwarden.connectors.rest.sign_ins import SignInSource
from postwarden.errors import HistoryError
from postwarden.history.history import History, open_history
from postwarden.history.reading import Wanted
from postwarden.history.storing import Storing
from postwarden.lab.cloud import CloudLab
from postwarden.model.arrival import Batch, Cursor
from postwarden.pipeline import ingest_sign_ins
from postwarden.pipeline.collect import Reading
from postwarden.pipeline.ingest import Progress
from postwarden.pipeline.ingest_sign_ins import SignInIngester
from postwarden.pipeline.log_readers import log_readers
from postwarden.pipeline.log_sources import has_logs
from postwarden.pipeline.reading_logs import memory_of
from postwarden.pipeline.recall_sign_ins import HistoryOfSignIns
from tests.lab import google as google_source
from tests.lab import graph as graph_source
from tests.lab.cloud import assert_valid
from tests.lab.graph import now, read_all
from tests.lab.test_sign_ins import Row, of_google, of_microsoft

#: What Graph never tells.
NOT_LISTED = "sign-ins that are not interactive"


class Watched:
    """One service of the lab as a source, and what it really has."""

    def __init__(self, kind: str, lab: CloudLab, folder: Path) -> None:
        self.kind, self.lab, self.folder = kind, lab, folder
        self.state = folder / "state"
        self.state.mkdir()

    def source(self, *, clock: Callable[[], datetime] = now, **options: Any) -> Any:
        make = graph_source.source if self.kind == "graph" else google_source.source
        made = make(self.lab, self.folder, clock=clock, sign_ins=True, **options)
        assert isinstance(made, SignInSource)
        return made

    def audit(self) -> Reading:
        """What an audit of the source says, with the history as it is."""
        made = self.source()
        made._recall = HistoryOfSignIns(self.state, now)
        return read_all(made)

    def truth(self) -> list[Row]:
        return sorted(of_microsoft(self.lab) if self.kind == "graph" else of_google(self.lab))

    def sign_in(self, before: timedelta, address: str) -> None:
        """Somebody signs in, so long before now."""
        moment = now().replace(microsecond=0) - before
        if self.kind == "graph":
            self.lab.microsoft.state.sign_in(next(iter(self.lab.microsoft.state.users)), moment, address)
        else:
            self.lab.google.state.sign_in(next(iter(self.lab.google.state.users)), moment, address)

    @property
    def request(self) -> tuple[str, str]:
        return ("graph", "sign_ins") if self.kind == "graph" else ("google_admin", "activities")


@pytest.fixture(params=["graph", "google"])
def watched(request: pytest.FixtureRequest, running_cloud: CloudLab, tmp_path: Path) -> Watched:
    return Watched(request.param, running_cloud, tmp_path)


def later() -> datetime:
    """A moment behind everything that the lab has."""
    return now() + timedelta(seconds=1)


def turn(history: History, source: SignInSource, clock: Callable[[], datetime] = later) -> list[Progress]:
    with history.writing() as storing:
        return list(SignInIngester(source, clock, time.monotonic).turn(history, storing))


def rows(history: History) -> list[Row]:
    """Each session in the history, as the lab tells it."""
    return sorted(
        (one.name, one.address or "", one.time, "refused" if one.end == "refused" else "whole")
        for one in history.read.sessions(Wanted())
    )


def messages(reading: Reading) -> dict[str | None, str]:
    return {gap.part: gap.message for gap in reading.gaps if gap.check == "sign_ins"}


def test_every_sign_in_is_a_session_once(watched: Watched) -> None:
    """The history has exactly what the service has; a second turn adds nothing, and new sign-ins come."""
    with open_history(watched.state, create=True) as history:
        turn(history, watched.source())
        assert rows(history) == watched.truth()
        assert history.read.sources().keys() == {watched.source().name}
        turn(history, watched.source())
        assert rows(history) == watched.truth()
        watched.sign_in(timedelta(minutes=1), "28.1.1.1")
        watched.sign_in(timedelta(minutes=100), "28.1.1.2")
        turn(history, watched.source())
        assert rows(history) == watched.truth()
        assert {address for _, address, _, _ in rows(history)} > {"28.1.1.1", "28.1.1.2"}
    assert_valid(watched.lab)


def test_the_sessions_of_an_account_are_found_by_its_address(watched: Watched) -> None:
    """Names in the history are the primary addresses of the accounts that the source lists."""
    accounts = {one.address for one in watched.source().accounts()}
    with open_history(watched.state, create=True) as history:
        turn(history, watched.source())
        mine = {one.casefold() for one in history.read.names()}
        assert mine & {one.casefold() for one in accounts}
        assert mine <= {one.casefold() for one in accounts}


def test_a_death_between_batches_neither_loses_nor_repeats(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever storing fails, the next process brings the history to exactly what the service has."""
    monkeypatch.setattr(ingest_sign_ins, "BATCH", 25)
    store = Storing.store
    left = 1

    def dying(self: Storing, batch: Batch, at: int, **more: Any) -> Cursor:
        nonlocal left
        left -= bool(batch.events)
        if left < 0:
            raise HistoryError("the disk is full", "make room")
        return store(self, batch, at, **more)

    monkeypatch.setattr(Storing, "store", dying)
    with open_history(watched.state, create=True) as history:
        for _ in range(100):
            left = 1
            try:
                turn(history, watched.source())
            except HistoryError:
                continue
            break
        assert left >= 0
        assert rows(history) == watched.truth()
        places = [at for (at,) in history.base.execute("SELECT at FROM access ORDER BY at")]
        assert places == list(range(len(watched.truth())))


def test_busy_and_broken_answers_change_nothing(watched: Watched) -> None:
    """Throttled and cut off, the history has the same sessions."""
    host, kind = watched.request
    watched.lab.faults.add("unavailable", host=host, kind=kind, every=3, times=None, retry_after="1")
    watched.lab.faults.add("cut_off", host=host, kind=kind, every=5, times=None)
    with open_history(watched.state, create=True) as history:
        turn(history, watched.source())
        assert rows(history) == watched.truth()


def test_a_right_that_is_missing_is_a_gap_until_it_is_there(watched: Watched) -> None:
    """Refused, the audit says so; afterwards the check is read, but for what Graph never tells."""
    host, kind = watched.request
    watched.lab.faults.add("forbidden", host=host, kind=kind, times=1)
    with open_history(watched.state, create=True) as history:
        steps = turn(history, watched.source())
        assert [step.unreadable.error.reason for step in steps if step.unreadable] == ["forbidden"]
        refused = watched.audit()
        assert messages(refused).keys() >= {"sign-ins"}
        turn(history, watched.source())
    told = messages(watched.audit())
    assert told.keys() == ({NOT_LISTED} if watched.kind == "graph" else set())
    row = next(one for one in watched.audit().coverage if one.check == "sign_ins")
    assert row.status == ("gap" if watched.kind == "graph" else "read")
    assert row.grade == "checked against the published schema"


def test_without_the_option_nothing_is_asked_and_nothing_is_said(watched: Watched) -> None:
    """A source whose sign-ins are not wanted has no such check."""
    make = graph_source.source if watched.kind == "graph" else google_source.source
    assert "sign_ins" not in make(watched.lab, watched.folder).source_checks
    assert "sign_ins" in watched.source().source_checks


def test_without_a_history_the_check_is_a_gap(watched: Watched) -> None:
    """Where nothing is recorded, sign-ins are not read, and that is said."""
    told = messages(read_all(watched.source()))
    assert told[None].startswith("no sign-ins were read: there is no history")


def test_a_tenant_without_the_licence_is_a_gap(running_cloud: CloudLab, tmp_path: Path) -> None:
    """Nothing is raised: the audit names the licence and the other way."""
    running_cloud.microsoft.state.licensed = False
    watched = Watched("graph", running_cloud, tmp_path)
    with open_history(watched.state, create=True) as history:
        steps = turn(history, watched.source())
        assert [step.unreadable.error.reason for step in steps if step.unreadable] == ["unsupported"]
        assert rows(history) == []
        assert history.read.sources()["m365"].troubles
    gaps = {gap.part: gap for gap in watched.audit().gaps if gap.check == "sign_ins"}
    assert "without Entra ID P1" in gaps["sign-ins"].message
    assert "export sign-ins" in (gaps["sign-ins"].hint or "")


def test_a_secret_that_is_missing_is_a_gap(watched: Watched) -> None:
    """A key or secret that went away after the start costs this source its turn, and no other."""
    made = watched.source()
    (watched.folder / "graph.secret").unlink(missing_ok=True)
    watched.lab.google.key_file.unlink()
    with open_history(watched.state, create=True) as history:
        steps = turn(history, made)
        assert [step.unreadable.error.reason for step in steps if step.unreadable] == ["refused"]


def test_a_configuration_has_its_sign_ins_read_and_audited(watched: Watched) -> None:
    """Only the source whose sign-ins are wanted has a reader; what it stored answers for the check in an audit."""
    kind = watched.kind
    write_configuration(watched.folder, None, None, watched.lab)
    path = watched.folder / "agent.toml"
    plain = path.read_text()
    assert not has_logs(decode(plain.encode(), path))
    config = decode(plain.replace(f'kind = "{kind}"', f'kind = "{kind}"\nsign_ins = true').encode(), path)
    assert has_logs(config)
    (reader,) = log_readers(config, later, time.monotonic)
    with open_history(watched.state, create=True) as history:
        with history.writing() as storing:
            for _ in reader.turn(history, storing):
                pass
        assert rows(history) == watched.truth()
    memory = memory_of(config, watched.state, now, time.monotonic)
    name = watched.source().name
    assert memory.keys() == {name}
    audited = {one.name: one for one in open_sources(config, now, memory)}
    assert messages(read_all(audited[name])).keys() == ({NOT_LISTED} if kind == "graph" else set())
