"""What lies in a drop folder, when it counts, and where it goes."""

import hashlib
import os
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from postwarden.connectors import drop_files
from postwarden.connectors.drop_folder import DropFolderSource, Options
from postwarden.formats.drop_manifest import (
    NAME,
    CollectedFile,
    FileKind,
    Manifest,
    Problem,
    folder_of,
    written,
)
from postwarden.model.account import Account
from postwarden.model.evidence import Delegation, MailFlow
from postwarden.model.reading import CheckDone
from postwarden.pipeline.collect import Reading, collect_account

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ALICE = Account(key="login:alice", login="alice", addresses=("alice@example.org",))
SIEVE = b'redirect "s@elsewhere.example";\n'


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    (tmp_path / "drop" / "alice").mkdir(parents=True)
    return tmp_path / "drop"


def source(drop: Path, now: datetime = NOW, **options: Any) -> DropFolderSource:
    return DropFolderSource("host", Options(path="drop", **options), folder=drop.parent, clock=lambda: now)


def read(drop: Path, now: datetime = NOW, **options: Any) -> Reading:
    return collect_account(ALICE, [source(drop, now, **options)], lambda *_: None, None)


def put(
    drop: Path, name: str, raw: bytes = b"f@elsewhere.example\n", *, age: float = 60, folder: str = "alice"
) -> Path:
    path = drop / folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(raw)
    os.utime(path, (NOW.timestamp() - age, NOW.timestamp() - age))
    return path


def batch(
    drop: Path,
    *files: tuple[FileKind, str, bytes],
    age: float = 60,
    host: str = "mail",
    login: str = "alice",
    kinds: Iterable[FileKind] = ("forward", "sieve"),
    problems: tuple[Problem, ...] = (),
    name: str | None = None,
    active: bool = True,
) -> Path:
    """A batch as the collector writes it."""
    collected = NOW - timedelta(seconds=age)
    told = tuple(
        CollectedFile(
            file=f"{number:04}.{kind}",
            kind=kind,
            path=path,
            owner=1000,
            mode=0o600,
            modified=collected,
            size=len(raw),
            sha256=hashlib.sha256(raw).hexdigest(),
            active=active,
        )
        for number, (kind, path, raw) in enumerate(files)
    )
    manifest = Manifest(
        login=login, host=host, collected=collected, kinds=tuple(kinds), files=told, problems=problems
    )
    folder = drop / "alice" / (name or f"{collected:%Y%m%dT%H%M%S.%fZ}-{host}")
    folder.mkdir(parents=True)
    for one, (_, _, raw) in zip(told, files, strict=True):
        (folder / one.file).write_bytes(raw)
    (folder / NAME).write_bytes(written(manifest))
    return folder


def targets(reading: Reading) -> set[str]:
    return {
        str(effect.target)
        for flow in reading.evidence
        if isinstance(flow, MailFlow)
        for path in flow.paths
        for effect in path.effects
    }


def statuses(reading: Reading) -> dict[str, str]:
    return {row.check: row.status for row in reading.coverage if row.status != "not_supported"}


def done(drop: Path) -> list[str]:
    return sorted(path.name for path in (drop / "done" / "alice").iterdir())


def test_a_file_is_judged_as_of_its_last_change_and_moved(drop: Path) -> None:
    """A file by itself is evidence of the time when it was written, and lies in done/ afterwards, unchanged."""
    put(drop, "old.forward", age=3600)
    reading = read(drop)
    (flow,) = reading.evidence
    assert isinstance(flow, MailFlow)
    assert (flow.observed, flow.key) == (NOW - timedelta(hours=1), "old.forward")
    assert statuses(reading) == {"dropped_files": "read", "forward_files": "read"}
    assert done(drop) == ["20261123T110000.000000Z-old.forward"]
    assert (drop / "done" / "alice" / done(drop)[0]).read_bytes() == b"f@elsewhere.example\n"
    assert list((drop / "alice").iterdir()) == []


@pytest.mark.parametrize("times", [2, 3])
def test_what_was_taken_stands_until_something_newer_comes(drop: Path, times: int) -> None:
    """A sweep without anything new sees the same as the one before, so no finding resolves by itself."""
    put(drop, ".forward")
    batch(drop, ("sieve", "/m/a.sieve", SIEVE))
    seen = [read(drop, NOW + timedelta(minutes=15 * number)) for number in range(times)]
    assert [targets(one) for one in seen] == [{"f@elsewhere.example", "s@elsewhere.example"}] * times
    assert not any(one.incomplete for one in seen)
    assert len(done(drop)) == 2


def test_a_newer_file_of_the_same_name_stands_in_its_place(drop: Path) -> None:
    """The older one stays in done/, and is no evidence any more."""
    put(drop, "a.forward", b"old@elsewhere.example", age=7200)
    read(drop)
    put(drop, "a.forward", b"new@elsewhere.example", age=60)
    assert targets(read(drop)) == {"new@elsewhere.example"}
    assert len(done(drop)) == 2


def test_a_batch_without_files_shows_that_there_are_none(drop: Path) -> None:
    """What was looked for and not found is read, and without evidence; other kinds are not covered."""
    batch(drop, ("forward", "/m/.forward", b"f@elsewhere.example"), age=7200)
    assert targets(read(drop)) == {"f@elsewhere.example"}
    batch(drop, age=60)
    reading = read(drop)
    assert reading.evidence == ()
    assert statuses(reading) == {"dropped_files": "read", "forward_files": "read", "sieve_scripts": "read"}


def test_what_came_and_went_between_two_sweeps_is_judged(drop: Path) -> None:
    """Batches that wait are all evidence once, and only the newest stands afterwards."""
    batch(drop, ("forward", "/m/.forward", b"\\alice"), age=9000)
    batch(drop, ("forward", "/m/.forward", b"e@evil.example"), age=6000)
    batch(drop, ("forward", "/m/.forward", b"\\alice"), age=60)
    assert "e@evil.example" in targets(read(drop))
    assert "e@evil.example" not in targets(read(drop))


def test_batches_of_two_hosts_stand_side_by_side(drop: Path) -> None:
    """Each host's newest counts, and the names say which host."""
    batch(drop, ("forward", "/m/.forward", b"a@elsewhere.example"), host="one", age=120)
    batch(drop, ("forward", "/m/.forward", b"b@elsewhere.example"), host="two", age=60)
    reading = read(drop)
    assert targets(reading) == {"a@elsewhere.example", "b@elsewhere.example"}
    keys = {flow.key for flow in reading.evidence if isinstance(flow, MailFlow)}
    assert keys == {"one:/m/.forward", "two:/m/.forward"}


def test_a_script_that_is_not_in_force_says_so(drop: Path) -> None:
    """Whether it runs comes from the manifest."""
    batch(drop, ("sieve", "/m/a.sieve", SIEVE), active=False)
    (flow,) = read(drop).evidence
    assert isinstance(flow, MailFlow)
    assert flow.enabled is False


def test_what_could_not_be_collected_is_a_gap(drop: Path) -> None:
    """A problem in the manifest keeps its check from being complete, and names the host's file."""
    problem = Problem(
        kind="sieve", path="/m/b.sieve", reason="forbidden", message="a part of its path is a link"
    )
    batch(drop, ("sieve", "/m/a.sieve", SIEVE), problems=(problem,))
    reading = read(drop)
    assert statuses(reading) == {"dropped_files": "read", "forward_files": "read", "sieve_scripts": "gap"}
    (gap,) = reading.gaps
    assert gap.part == "mail:/m/b.sieve"
    assert gap.hint


@pytest.mark.parametrize("hours", [27, 24 * 400])
def test_a_stale_drop_is_a_gap_and_its_evidence_stays(drop: Path, hours: int) -> None:
    """After max_age what is known still counts as known, but not as how things are now."""
    put(drop, ".forward")
    batch(drop, ("sieve", "/m/a.sieve", SIEVE))
    read(drop)
    reading = read(drop, NOW + timedelta(hours=hours))
    assert targets(reading) == {"f@elsewhere.example", "s@elsewhere.example"}
    assert statuses(reading) == {"dropped_files": "read", "forward_files": "gap", "sieve_scripts": "gap"}
    assert all("older than 26 hours" in gap.message for gap in reading.gaps)
    assert not read(drop, NOW + timedelta(hours=hours), max_age=8760).incomplete or hours > 8760


def test_a_time_to_come_is_a_gap(drop: Path) -> None:
    """A file from tomorrow would never grow old."""
    put(drop, "a.forward", age=-86_400)
    reading = read(drop)
    assert statuses(reading)["forward_files"] == "gap"
    assert "still to come" in reading.gaps[0].message


@pytest.mark.parametrize(
    "name",
    [".a.forward.Xy12", "a.forward.part", "a.sieve.tmp", "a.forward~", "a.sieve.filepart", ".rsync.forward"],
)
def test_temporary_names_wait(drop: Path, name: str) -> None:
    """What is still being written under a temporary name is left alone; the account has nothing yet."""
    path = put(drop, name)
    reading = read(drop)
    assert reading.evidence == ()
    assert statuses(reading) == {"dropped_files": "gap"}
    assert "not whole yet" in reading.gaps[0].message
    assert path.exists()


def test_a_file_that_changed_just_now_waits(drop: Path) -> None:
    """It may be growing; ten seconds later it is taken."""
    put(drop, "a.forward", age=3)
    assert read(drop).evidence == ()
    assert targets(read(drop, NOW + timedelta(seconds=10))) == {"f@elsewhere.example"}


def test_a_batch_without_its_manifest_waits(drop: Path) -> None:
    """A folder is whole once the manifest is there."""
    folder = batch(drop, ("forward", "/m/.forward", b"a@elsewhere.example"))
    (folder / NAME).rename(drop / "kept")
    os.utime(folder, (NOW.timestamp(), NOW.timestamp()))
    assert read(drop).evidence == ()
    (drop / "kept").rename(folder / NAME)
    assert targets(read(drop)) == {"a@elsewhere.example"}


def test_what_is_half_written_for_long_is_a_gap(drop: Path) -> None:
    """After an hour nobody is writing any more, and that is said beside what is whole."""
    put(drop, "a.forward.part", age=4000)
    put(drop, "b.forward")
    reading = read(drop)
    assert targets(reading) == {"f@elsewhere.example"}
    assert statuses(reading)["dropped_files"] == "gap"
    assert "half written" in reading.gaps[0].message


@pytest.mark.parametrize("kind", ["link", "dangling link", "fifo", "socket"])
def test_what_is_no_file_is_a_gap_and_not_opened(drop: Path, kind: str) -> None:
    """Links and pipes are neither followed nor waited for, and stay where they are."""
    path = drop / "alice" / "a.forward"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "socket":
        os.mknod(path, 0o140600)
    else:
        (drop / "target").write_text("a@elsewhere.example")
        path.symlink_to(drop / ("target" if kind == "link" else "nowhere"))
    reading = read(drop)
    assert reading.evidence == ()
    assert [gap.part for gap in reading.gaps] == ["a.forward"]
    assert statuses(reading) == {"dropped_files": "gap"}
    assert path.is_symlink() or path.exists()


def test_a_file_of_no_known_kind_is_a_gap(drop: Path) -> None:
    """It is not guessed from its content, and the hint says how to name it."""
    put(drop, "notes.txt")
    (gap,) = read(drop).gaps
    assert (gap.reason, gap.part) == ("unsupported", "notes.txt")
    assert ".sieve" in str(gap.hint)


def test_a_file_beyond_its_size_is_a_gap(drop: Path) -> None:
    """It is not read to its end, and stays."""
    put(drop, "a.forward", b"a" * (drop_files.MAX_SIZE["forward"] + 1))
    (gap,) = read(drop).gaps
    assert "larger" in gap.message


def test_too_many_names_are_a_gap_for_every_check(drop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A flooded folder costs the account this source, and no memory."""
    monkeypatch.setattr(drop_files, "MAX_ENTRIES", 5)
    for number in range(6):
        put(drop, f"{number}.forward")
    reading = read(drop)
    assert set(statuses(reading).values()) == {"gap"}
    assert reading.evidence == ()


def test_more_than_one_sweep_takes_is_told(drop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest waits for the next sweep, and until then the account is not complete."""
    monkeypatch.setattr(drop_files, "MAX_TAKEN", 2)
    for number in range(3):
        put(drop, f"{number}.forward", f"{number}@elsewhere.example".encode())
    assert read(drop).incomplete
    assert len(targets(read(drop))) == 3
    assert not read(drop).incomplete


@pytest.mark.parametrize(
    "broken", ["manifest", "version", "host", "content", "missing", "more", "login", "escape"]
)
def test_a_broken_batch_is_a_gap_and_stays(drop: Path, broken: str) -> None:
    """What its manifest does not vouch for is no evidence; the batch stays for somebody to look at."""
    folder = batch(
        drop,
        ("forward", "/m/.forward", b"a@elsewhere.example"),
        login="bob" if broken == "login" else "alice",
    )
    manifest = folder / NAME
    if broken == "manifest":
        manifest.write_text("{")
    elif broken == "version":
        manifest.write_text(manifest.read_text().replace('"version":1', '"version":2'))
    elif broken == "host":
        manifest.write_text(manifest.read_text().replace('"host":"mail"', '"host":""'))
    elif broken == "content":
        (folder / "0000.forward").write_bytes(b"b@elsewhere.example")
    elif broken == "missing":
        (folder / "0000.forward").rename(folder / "other")
        (folder / "other").unlink()
    elif broken == "more":
        (folder / "0001.forward").write_bytes(b"b@elsewhere.example")
    elif broken == "escape":
        manifest.write_text(manifest.read_text().replace("0000.forward", "../a.forward"))
    reading = read(drop)
    assert reading.evidence == ()
    if broken == "missing":
        assert reading.incomplete
    else:
        assert [gap.reason for gap in reading.gaps] == ["malformed"]
    assert folder.exists()


def test_a_broken_file_is_a_gap_of_its_check(drop: Path) -> None:
    """A script that does not parse leaves its check incomplete, and names the file."""
    put(drop, "a.sieve", b"if {")
    reading = read(drop)
    assert statuses(reading) == {"dropped_files": "read", "sieve_scripts": "gap"}


def test_answers_of_exchange_end_their_checks(drop: Path) -> None:
    """A saved answer is judged by what it answers; one that is no answer is told as such."""
    rule = (
        "<t:Rule><t:RuleId>1</t:RuleId><t:DisplayName>r</t:DisplayName><t:Priority>1</t:Priority>"
        "<t:IsEnabled>true</t:IsEnabled><t:Actions><t:RedirectToRecipients><t:Address>"
        "<t:EmailAddress>x@elsewhere.example</t:EmailAddress></t:Address></t:RedirectToRecipients></t:Actions></t:Rule>"
    )
    base = "http://schemas.microsoft.com/exchange/services/2006"
    put(
        drop,
        "rules.xml",
        (
            f'<m:GetInboxRulesResponse xmlns:m="{base}/messages" xmlns:t="{base}/types" ResponseClass="Success">'
            f"<m:ResponseCode>NoError</m:ResponseCode><m:OutlookRuleBlobExists>false</m:OutlookRuleBlobExists>"
            f"<m:InboxRules>{rule}</m:InboxRules></m:GetInboxRulesResponse>"
        ).encode(),
    )
    reading = read(drop)
    assert targets(reading) == {"x@elsewhere.example"}
    assert statuses(reading) == {"dropped_files": "read", "inbox_rules": "read"}
    put(drop, "other.xml", b"<html/>")
    reading = read(drop)
    assert statuses(reading) == {"dropped_files": "gap", "inbox_rules": "read"}
    assert not any(isinstance(one, Delegation) for one in reading.evidence)


def test_folders_are_found_by_address_and_odd_logins(drop: Path) -> None:
    """A folder may be named by login or address; a login cannot lead anywhere else."""
    put(drop, "a.forward", folder="alice@example.org")
    assert targets(read(drop)) == {"f@elsewhere.example"}
    for login in ("../alice", "..", ".", "done", "/etc", "a/b", ".hidden", "Ä\n"):
        name = folder_of(login)
        assert "/" not in name
        assert not name.startswith(".")
        assert name != "done"
    assert folder_of("Alice@Example.ORG") == "alice@example.org"
    assert len({folder_of(login) for login in ("../a", "%2E./a", "%2e%2e%2fa")}) == 3


def test_the_same_name_and_time_overwrites_nothing(drop: Path) -> None:
    """Two files of one name and one time both stay in done/."""
    put(drop, "a.forward", b"a@elsewhere.example")
    read(drop)
    put(drop, "a.forward", b"b@elsewhere.example")
    read(drop)
    contents = {(drop / "done" / "alice" / name).read_bytes() for name in done(drop)}
    assert contents == {b"a@elsewhere.example", b"b@elsewhere.example"}


def test_two_readers_at_once_lose_nothing(drop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What another process takes in between is found where it was moved to."""
    put(drop, "a.forward")
    other = source(drop)
    real = drop_files._ready

    def slow(there: int, name: str, folder: str, now: datetime) -> Any:
        monkeypatch.setattr(drop_files, "_ready", real)
        found = real(there, name, folder, now)
        list(other.read_account(ALICE))
        return found

    monkeypatch.setattr(drop_files, "_ready", slow)
    assert targets(read(drop)) == {"f@elsewhere.example"}
    assert len(done(drop)) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads and moves everything")
def test_what_may_not_be_read_or_moved_is_a_gap(drop: Path) -> None:
    """A file without rights for the service is a gap; one that cannot be moved is judged, and a gap beside."""
    put(drop, "a.forward").chmod(0)
    (gap,) = read(drop).gaps
    assert gap.reason == "forbidden"
    (drop / "alice" / "a.forward").chmod(0o400)
    (drop / "alice").chmod(0o500)
    reading = read(drop)
    (drop / "alice").chmod(0o700)
    assert targets(reading) == {"f@elsewhere.example"}
    assert [gap.reason for gap in reading.gaps] == ["forbidden"]


def test_what_belongs_to_no_account_is_told(drop: Path) -> None:
    """A file right in the drop folder would wait for ever; folders are the accounts' own."""
    (drop / "alice.sieve").write_text("keep;")
    told = list(source(drop).read_source())
    assert any("alice.sieve" in getattr(item, "message", "") for item in told)
    (drop / "alice.sieve").unlink()
    assert [type(item) for item in source(drop).read_source()] == [CheckDone]
