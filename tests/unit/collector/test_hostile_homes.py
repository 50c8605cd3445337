"""Users who want the collector to read, or to write, something else than their own files."""

import fcntl
import os
import signal
import socket
import threading
import time
from pathlib import Path

import pytest

from postwarden.collector import beneath, gather
from postwarden.collector.settings import Files, User
from postwarden.connectors.drop_folder import DropFolderSource, Options
from postwarden.formats.drop_manifest import NAME
from postwarden.model.account import Account
from postwarden.pipeline.collect import collect_account
from tests.unit.collector.conftest import NOW, Host, problems

SECRET = b"root:$6$salt$hash:19000:0:99999:7:::\n"


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file that only root may read."""
    path = tmp_path / "shadow"
    path.touch(mode=0o600)
    path.write_bytes(SECRET)
    return path


def everything(host: Host) -> bytes:
    """All bytes below the drop."""
    return b"".join(path.read_bytes() for path in host.drop.rglob("*") if path.is_file())


@pytest.mark.parametrize("relative", [False, True])
def test_a_link_is_not_followed(host: Host, secret: Path, relative: bool) -> None:
    """A file that is a link to another is a problem, wherever it leads."""
    target = os.path.relpath(secret, host.home()) if relative else secret
    (host.home() / ".forward").symlink_to(target)
    (host.home() / "sieve" / "a.sieve").symlink_to(secret)
    host.collect()
    assert set(problems(host)) == {".forward", "a.sieve"}
    assert SECRET not in everything(host)


def test_a_link_in_the_middle_is_not_followed(host: Host, secret: Path) -> None:
    """A folder that is a link is a problem, and so is a home below one."""
    home = host.home()
    (home / "sieve").rmdir()
    (secret.parent / "a.sieve").write_bytes(SECRET)
    (home / "sieve").symlink_to(secret.parent)
    linked = host.folder / "linked"
    linked.symlink_to(host.folder / "homes")
    (home / ".forward").write_text("a@elsewhere.example")
    host.users.append(User(login="bob", uid=os.geteuid(), home=str(linked / "alice")))
    host.collect()
    assert "links are not followed" in problems(host)["sieve"]
    assert host.manifest("bob").files == ()
    assert len(host.manifest("bob").problems) == 2
    assert SECRET not in everything(host)


def test_an_active_link_out_of_the_home_reads_nothing(host: Host, secret: Path) -> None:
    """Where the active script leads is told, and not gone to."""
    (host.home() / ".dovecot.sieve").symlink_to(secret)
    host.collect()
    assert "none of the files that were taken" in problems(host)[".dovecot.sieve"]
    assert SECRET not in everything(host)


def test_a_hard_link_is_refused(host: Host, secret: Path) -> None:
    """Somebody else's file under a second name is not taken."""
    os.link(secret, host.home() / ".forward")
    host.collect()
    assert "2 hard links" in problems(host)[".forward"]
    assert SECRET not in everything(host)


def test_a_file_of_another_user_is_refused(host: Host) -> None:
    """Only the user's own files and root's are taken."""
    (host.home() / ".forward").write_text("a@elsewhere.example")
    host.users = [User(login="alice", uid=os.geteuid() + 12345, home=str(host.home()))]
    if os.geteuid() == 0:
        os.chown(host.home() / ".forward", 54321, 54321)
    host.collect()
    assert "belongs to another user" in problems(host)[".forward"]


def test_pipes_sockets_and_folders_are_not_opened(host: Host) -> None:
    """Nothing waits for a writer that never comes."""
    home = host.home()
    os.mkfifo(home / ".forward")
    (home / "sieve" / "b.sieve").mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        before = Path.cwd()
        os.chdir(home / "sieve")
        try:
            listener.bind("a.sieve")
        finally:
            os.chdir(before)
        started = time.monotonic()
        host.collect()
    assert time.monotonic() - started < 5
    assert problems(host) == {
        ".forward": "it is a pipe",
        "a.sieve": "it is a socket",
        "b.sieve": "it is a folder",
    }


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_device_is_not_opened(host: Host) -> None:
    """Not even one that would be harmless."""
    try:
        os.mknod(host.home() / ".forward", 0o020600, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("only root gives files away")
    host.collect()
    assert problems(host)[".forward"] == "it is a device"


def test_a_lease_does_not_hold_us_up(host: Host) -> None:
    """A user who holds a lease on the file costs that file, and no time."""
    path = host.home() / ".forward"
    path.write_text("a@elsewhere.example")
    with path.open("rb+") as held:
        fcntl.fcntl(held, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        # The kernel asks the holder to give it up by this signal.
        fcntl.fcntl(held, fcntl.F_SETSIG, 0)
        before = signal.signal(signal.SIGIO, signal.SIG_IGN)
        try:
            started = time.monotonic()
            host.collect()
            assert time.monotonic() - started < 5
        finally:
            fcntl.fcntl(held, fcntl.F_SETLEASE, fcntl.F_UNLCK)
            signal.signal(signal.SIGIO, before)
    assert "lease" in problems(host)[".forward"]


@pytest.mark.parametrize("sparse", [False, True])
def test_a_huge_file_is_refused_unread(host: Host, sparse: bool) -> None:
    """Size is looked at first, so a terabyte of holes costs nothing."""
    path = host.home() / ".forward"
    path.write_bytes(b"a" * (gather.MAX_SIZE["forward"] + 1))
    if sparse:
        os.truncate(path, 1 << 40)
    started = time.monotonic()
    host.collect()
    assert time.monotonic() - started < 5
    assert "larger than" in problems(host)[".forward"]


def test_a_file_that_grows_while_it_is_read_is_refused(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is half old and half new is not taken for either."""
    path = host.home() / ".forward"
    path.write_text("a@elsewhere.example")
    real = beneath._read

    def grow(descriptor: int, most: int) -> bytes:
        raw = real(descriptor, most)
        with path.open("a") as stream:
            stream.write("\nb@elsewhere.example")
        return raw

    monkeypatch.setattr(beneath, "_read", grow)
    host.collect()
    assert "changed while it was read" in problems(host)[".forward"]


def test_many_files_are_bounded(host: Host) -> None:
    """A user with thousands of scripts fills neither the drop nor the manifest."""
    home = host.home()
    for number in range(gather.MAX_FILES + 50):
        (home / "sieve" / f"{number:05}.sieve").write_text("keep;")
    host.collect()
    assert len(host.manifest().files) == gather.MAX_FILES
    assert 0 < len(host.manifest().problems) <= gather.MAX_PROBLEMS + 1


def test_many_names_are_bounded(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of a million names is not listed to its end."""
    monkeypatch.setattr(beneath, "MAX_ENTRIES", 20)
    for number in range(30):
        (host.home() / "sieve" / f"{number}.txt").touch()
    host.collect()
    assert "more than 20 names" in problems(host)["sieve"]


def test_much_in_all_is_bounded(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many files below the bound of one are bounded together."""
    monkeypatch.setattr(gather, "MAX_TOTAL", 2500)
    for number in range(4):
        (host.home() / "sieve" / f"{number}.sieve").write_bytes(b"#" * 1000)
    host.collect()
    assert [Path(one.path).name for one in host.manifest().files] == ["0.sieve", "1.sieve"]
    assert set(problems(host)) == {"2.sieve", "3.sieve"}


def test_odd_names_stay_data(host: Host) -> None:
    """Line ends, escapes, quotes and bytes of no encoding in names lead nowhere and break nothing."""
    store = os.fsencode(host.home() / "sieve")
    odd = [b"a\nb.sieve", b"\x1b[31m.sieve", b'"},{".sieve', b"\xff\xfe.sieve", b"..sieve.sieve", b"*.sieve"]
    for name in odd:
        Path(os.fsdecode(store + b"/" + name)).write_text("keep;")
    host.collect()
    manifest = host.manifest()
    (batch,) = host.batches()
    files = {path.name for path in batch.iterdir()}
    # A name that begins with a dot is hidden, and no script of the store.
    assert len(manifest.files) == len(odd) - 1
    assert files == {NAME, *(f"{number + 1:04}.sieve" for number in range(len(odd) - 1))}
    assert any(one.path.endswith("a\nb.sieve") for one in manifest.files)
    assert any(one.path.endswith("\\udcff\\udcfe.sieve") for one in manifest.files)
    alice = Account(key="login:alice", login="alice")
    source = DropFolderSource("host", Options(path="drop"), folder=host.folder, clock=lambda: NOW)
    assert not collect_account(alice, [source], lambda *_: None, None).incomplete


@pytest.mark.parametrize("login", ["../../etc", "..", "done", ".hidden", "a\nb", "x" * 200, "-rf", "a/b"])
def test_odd_logins_lead_nowhere(host: Host, login: str) -> None:
    """Whatever a login is, its batch lies right below the drop, in a folder of its own."""
    home = host.home("someone")
    (home / ".forward").write_text("a@elsewhere.example")
    host.users = [User(login=login, uid=os.geteuid(), home=str(home))]
    (one,) = host.collect()
    assert one.batch is not None
    assert len(Path(one.batch).parts) == 2
    assert (host.drop / one.batch / NAME).is_file()
    assert {path.name for path in host.folder.iterdir()} == {"drop", "homes", "state"}


@pytest.mark.parametrize("swap", ["file", "folder"])
def test_a_race_of_renames_never_reads_the_other_file(host: Host, secret: Path, swap: str) -> None:
    """A user who swaps the file, or its folder, with a link as fast as possible never gets the link followed."""
    home = host.home()
    (secret.parent / "elsewhere").mkdir()
    (secret.parent / "elsewhere" / "a.sieve").write_bytes(SECRET)
    store = home / "sieve"
    (store / "a.sieve").write_text("keep;")
    if swap == "file":
        honest, other = store / "a.sieve", store / "b"
        other.symlink_to(secret)
    else:
        honest, other = store, home / "b"
        other.symlink_to(secret.parent / "elsewhere")
    stop = threading.Event()

    def swapping() -> None:
        middle = honest.with_name("c")
        while not stop.is_set():
            honest.rename(middle)
            other.rename(honest)
            honest.rename(other)
            middle.rename(honest)

    thread = threading.Thread(target=swapping)
    thread.start()
    outcomes = set()
    try:
        for _ in range(300):
            gathered = gather.gather(host.users[0], host.files)
            for _, raw in gathered.files:
                outcomes.add(raw)
    finally:
        stop.set()
        thread.join()
    assert outcomes <= {b"keep;"}
    assert SECRET not in outcomes


def test_one_hostile_user_costs_the_others_nothing(host: Host) -> None:
    """Everybody else is collected as ever."""
    os.mkfifo(host.home("mallory") / ".forward")
    (host.home("bob") / ".forward").write_text("a@elsewhere.example")
    assert [len(one.problems) for one in host.collect()] == [1, 0]
    assert host.taken("bob") == {".forward": b"a@elsewhere.example"}


def test_another_file_system_below_the_home_is_not_entered(host: Host) -> None:
    """What somebody has mounted in a home is not the home's; it may be a program that answers as it likes."""
    host.users = [User(login="alice", home="/")]
    host.files = (
        Files(kind="forward", path="%h/proc/version"),
        Files(kind="sieve", path="%h/proc/*.sieve"),
    )
    host.collect()
    assert host.manifest().files == ()
    assert set(problems(host)) == {"version", "proc"}
    assert all("another file system" in message for message in problems(host).values())
