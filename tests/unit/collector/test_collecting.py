"""A pass of the collector over honest users."""

import grp
import hashlib
import os
import stat
from datetime import timedelta
from pathlib import Path

import pytest

from postwarden.cli import run
from postwarden.collector import batch as batch_module
from postwarden.collector.batch import Drop
from postwarden.collector.collecting import STATE
from postwarden.collector.settings import Files, User
from postwarden.connectors.drop_folder import DropFolderSource, Options
from postwarden.errors import UsageError
from postwarden.formats.drop_manifest import NAME
from postwarden.model.account import Account
from postwarden.model.evidence import MailFlow
from postwarden.pipeline.collect import collect_account
from tests.unit.collector.conftest import NOW, Host, problems


def test_a_batch_says_whose_what_when_and_from_where(host: Host) -> None:
    """Content, path, owner, mode, times and digest are in the batch, under a name that tells time and host."""
    home = host.home()
    (home / ".forward").write_text("a@elsewhere.example\n")
    (home / ".forward").chmod(0o600)
    os.utime(home / ".forward", (1_700_000_000, 1_700_000_000))
    (one,) = host.collect()
    assert (one.login, one.files, one.problems) == ("alice", 1, ())
    assert one.batch == "alice/20261123T120000.000000Z-mail"
    manifest = host.manifest()
    assert (manifest.login, manifest.host, manifest.collected) == ("alice", "mail", NOW)
    assert set(manifest.kinds) == {"forward", "sieve"}
    (file,) = manifest.files
    assert file.path == str(home / ".forward")
    assert (file.owner, file.mode, file.size, file.active) == (os.geteuid(), 0o600, 20, True)
    assert file.modified.timestamp() == 1_700_000_000
    assert file.sha256 == hashlib.sha256(b"a@elsewhere.example\n").hexdigest()
    assert host.taken() == {".forward": b"a@elsewhere.example\n"}


def test_others_may_not_read_what_was_collected(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are the group's to read, folders the group's to move things in, and nobody else's."""
    before = os.umask(0o007)
    try:
        (host.home() / ".forward").write_text("x@elsewhere.example")
        host.collect()
    finally:
        os.umask(before)
    (folder,) = host.batches()
    assert stat.S_IMODE((host.drop / "alice").stat().st_mode) == 0o770
    assert stat.S_IMODE(folder.stat().st_mode) == 0o770
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o640}


def test_a_link_to_the_active_script_says_which_is_in_force(host: Host) -> None:
    """The link is read and not followed: the script that it names is active, the others are not."""
    home = host.home()
    (home / "sieve" / "main.sieve").write_text("keep;")
    (home / "sieve" / "old.sieve").write_text("discard;")
    (home / ".dovecot.sieve").symlink_to("sieve/main.sieve")
    host.collect()
    assert {Path(one.path).name: one.active for one in host.manifest().files} == {
        "main.sieve": True,
        "old.sieve": False,
    }
    assert host.manifest().problems == ()


def test_a_script_in_the_links_place_is_in_force(host: Host) -> None:
    """Where the active script is a file itself, it is taken too, and runs alone."""
    home = host.home()
    (home / "sieve" / "old.sieve").write_text("discard;")
    (home / ".dovecot.sieve").write_text("keep;")
    host.collect()
    assert {Path(one.path).name: one.active for one in host.manifest().files} == {
        ".dovecot.sieve": True,
        "old.sieve": False,
    }


def test_without_a_link_no_script_is_in_force(host: Host) -> None:
    """Stored scripts are not run by themselves."""
    (host.home() / "sieve" / "old.sieve").write_text("discard;")
    host.collect()
    assert [one.active for one in host.manifest().files] == [False]


def test_an_active_script_elsewhere_is_a_problem(host: Host) -> None:
    """A link to what was not taken leaves it unknown what runs."""
    home = host.home()
    (home / ".other").write_text("discard;")
    (home / ".dovecot.sieve").symlink_to(".other")
    host.collect()
    assert "leads to .other" in problems(host)[".dovecot.sieve"]
    assert host.manifest().files == ()


def test_virtual_users_have_their_files_by_name_and_domain(host: Host) -> None:
    """Logins are taken apart as in Dovecot's mail location."""
    store = host.folder / "vmail" / "example.org" / "bob" / "sieve"
    store.mkdir(parents=True)
    (store / "a.sieve").write_text("keep;")
    host.users = [User(login="bob@example.org"), User(login="nodomain")]
    host.files = (Files(kind="sieve", path=f"{host.folder}/vmail/%d/%n/sieve/*.sieve"),)
    assert [one.login for one in host.collect()] == ["bob@example.org"]
    assert host.taken("bob@example.org") == {"a.sieve": b"keep;"}
    assert [one.active for one in host.manifest("bob@example.org").files] == [True]


def test_a_login_is_completed_by_the_domain(host: Host) -> None:
    """Where accounts are known by address, the batch is the address's; paths keep to the login of the host."""
    (host.home() / ".forward").write_text("a@elsewhere.example")
    host.domain = "example.org"
    assert [one.login for one in host.collect()] == ["alice@example.org"]
    assert host.taken("alice@example.org") == {".forward": b"a@elsewhere.example"}


def test_a_user_without_anything_gets_an_empty_batch(host: Host) -> None:
    """That there is nothing is said too, so that a finding can end."""
    host.home()
    host.collect()
    assert host.manifest().files == ()
    assert host.manifest().problems == ()


def test_a_home_that_is_not_there_is_a_problem(host: Host) -> None:
    """A file system that is not mounted must not look like a user without a forwarding."""
    host.users = [User(login="alice", uid=os.geteuid(), home=str(host.folder / "homes" / "alice"))]
    host.collect()
    assert {one.kind for one in host.manifest().problems} == {"forward", "sieve"}
    assert "not there" in problems(host)["alice"]


def test_what_did_not_change_is_not_written_again_before_its_time(host: Host) -> None:
    """A change is written at once, the same again only after the hours that the configuration says."""
    home = host.home()
    (home / ".forward").write_text("a@elsewhere.example")
    assert [bool(one.batch) for one in host.collect()] == [True]
    assert [bool(one.batch) for one in host.collect(NOW + timedelta(minutes=15))] == [False]
    (home / ".forward").write_text("b@elsewhere.example")
    assert [bool(one.batch) for one in host.collect(NOW + timedelta(minutes=30))] == [True]
    assert [bool(one.batch) for one in host.collect(NOW + timedelta(hours=6))] == [False]
    assert [bool(one.batch) for one in host.collect(NOW + timedelta(hours=6, minutes=30))] == [True]
    assert len(host.batches()) == 3


@pytest.mark.parametrize("damage", ["nonsense", "a link", "gone", "ahead"])
def test_a_lost_memory_only_writes_again(host: Host, damage: str) -> None:
    """Without a sound note of what was written, or after the clock went back, everything is written."""
    host.home()
    host.collect(NOW + timedelta(days=1) if damage == "ahead" else NOW)
    note = host.folder / "state" / STATE
    if damage == "nonsense":
        note.write_text("{")
    elif damage != "ahead":
        note.rename(host.folder / "kept")
        if damage == "a link":
            note.symlink_to(host.folder / "kept")
    assert [bool(one.batch) for one in host.collect(NOW + timedelta(minutes=1))] == [True]


def test_a_run_that_was_killed_is_tidied_up(host: Host) -> None:
    """What an earlier run left half written goes; other hosts' and other names stay."""
    host.home()
    for name in (".20261122T120000.000000Z-mail.tmp", ".20261122T120000.000000Z-other.tmp", ".mine"):
        (host.drop / "alice" / name).mkdir(parents=True)
        (host.drop / "alice" / name / "0001.sieve").touch()
    host.collect()
    hidden = {path.name for path in host.batches() if path.name.startswith(".")}
    assert hidden == {".20261122T120000.000000Z-other.tmp", ".mine"}


def test_a_batch_appears_whole_or_not_at_all(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where writing fails half-way, nothing stays under the batch's name, and the next pass writes it."""
    (host.home() / ".forward").write_text("a@elsewhere.example")

    def fail(*_: object) -> bytes:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(batch_module, "written", fail)
        with pytest.raises(UsageError, match="No space left"):
            host.collect()
    assert host.batches() == []
    host.collect()
    assert host.taken() == {".forward": b"a@elsewhere.example"}


def test_where_nobody_takes_batches_no_more_are_written(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """One account that no source reads fills no disk, is told, and costs the others nothing."""
    monkeypatch.setattr(batch_module, "MAX_WAITING", 2)
    home = host.home()
    for number in range(4):
        (home / ".forward").write_text(f"{number}@elsewhere.example")
        last = host.collect(NOW + timedelta(minutes=number))
    host.home("bob")
    last = host.collect(NOW + timedelta(minutes=9))
    assert len(host.batches()) == 2
    assert "no source takes them" in last[0].problems[-1].message
    assert [one.batch is not None for one in last] == [False, True]


@pytest.mark.parametrize("wrong", ["missing", "a link", "below a link", "others write it"])
def test_a_drop_folder_that_is_not_as_it_should_be_is_refused(host: Host, wrong: str) -> None:
    """Root writes nowhere that somebody else could have put there."""
    path = host.drop
    if wrong == "missing":
        path.rmdir()
    elif wrong == "a link":
        path.rename(host.folder / "real")
        path.symlink_to(host.folder / "real")
    elif wrong == "below a link":
        (host.folder / "linked").symlink_to(host.folder)
        path = host.folder / "linked" / "drop"
    else:
        path.chmod(0o777)
    with pytest.raises(UsageError, match="drop folder") as caught:
        Drop(str(path), os.getegid())
    assert caught.value.hint


def test_an_account_folder_that_is_a_link_is_refused(host: Host) -> None:
    """The group may put things into the drop; root is not led out of it."""
    host.home()
    (host.folder / "elsewhere").mkdir()
    (host.drop / "alice").symlink_to(host.folder / "elsewhere")
    with pytest.raises(UsageError):
        host.collect()
    assert list((host.folder / "elsewhere").iterdir()) == []


def test_the_source_takes_what_the_collector_wrote(host: Host) -> None:
    """From a home folder to evidence: the forwarding is there, and gone once the user took it away."""
    (host.home() / ".forward").write_text("a@elsewhere.example")
    host.collect()
    alice = Account(key="login:alice", login="alice", addresses=("alice@example.org",))
    source = DropFolderSource("host", Options(path="drop"), folder=host.folder, clock=lambda: NOW)
    (flow,) = collect_account(alice, [source], lambda *_: None, None).evidence
    assert isinstance(flow, MailFlow)
    assert (flow.observed, flow.origin) == (NOW, "forward_file")
    (host.home() / ".forward").unlink()
    host.collect(NOW + timedelta(minutes=1))
    later = DropFolderSource(
        "host", Options(path="drop"), folder=host.folder, clock=lambda: NOW + timedelta(minutes=2)
    )
    # The batch that showed it was taken before, so only what stands now is judged.
    reading = collect_account(alice, [later], lambda *_: None, None)
    assert reading.evidence == ()
    assert not reading.incomplete


def test_the_command_collects_as_collect_toml_says(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    """`postwarden collect` exits 0 where all was taken, 3 where not, and says what."""
    home = host.home()
    (home / ".forward").write_text("a@elsewhere.example")
    people = host.folder / "passwd"
    me = os.geteuid()
    people.write_text(f"alice:x:{me}:{me}::{home}:/bin/sh\n# a comment\n\nroot2:x:99999999:0::/:/bin/sh\n")
    group = grp.getgrgid(os.getegid()).gr_name
    config = host.folder / "collect.toml"
    config.write_text(
        f'drop = "{host.drop}"\nstate = "{host.folder / "state"}"\ngroup = "{group}"\n'
        f'[users]\nfiles = ["{people}"]\nmin_uid = 0\nmax_uid = 70000\n[[files]]\nkind = "forward"\npath = "%h/.forward"\n'
    )
    umask = os.umask(0o022)
    try:
        assert run(["collect", "--config", str(config)]) == 0
        assert "1 users, 1 files, 1 batches written, 0 not taken" in capsys.readouterr().out
        (home / ".forward").unlink()
        (home / ".forward").symlink_to("/etc/hostname")
        assert run(["collect", "--config", str(config)]) == 3
        assert "it is a link" in capsys.readouterr().out
        config.write_text(config.read_text().replace(f'group = "{group}"', 'group = "no such group"'))
        assert run(["collect", "--config", str(config)]) == 2
    finally:
        os.umask(umask)


def test_a_manifest_is_there_last(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever sees a manifest sees all that it names."""
    (host.home() / ".forward").write_text("a@elsewhere.example")
    order: list[str] = []
    real = Drop._file

    def spy(self: Drop, folder: int, name: str, content: bytes) -> None:
        order.append(name)
        real(self, folder, name, content)

    monkeypatch.setattr(Drop, "_file", spy)
    host.collect()
    assert order == ["0001.forward", NAME]
