"""What the lab writes for Dovecot: its configuration, mail store and passwords."""

import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from postwarden import lab
from postwarden.errors import LabError
from postwarden.lab import dovecot_config, dovecot_home, dovecot_store
from postwarden.lab.dovecot_config import Identities, Options
from postwarden.lab.organisation import AclEntry, Folder, Master, Organisation, Script
from postwarden.lab.ports import Endpoints

ORDINARY = Identities("me", "me", "us", "me", "us", root=False)
ROOT = Identities("dovenull", "dovecot", "dovecot", "mail", "mail", root=True)
PORTS = Endpoints(20143, 20993, 24190)


@pytest.fixture
def small() -> Organisation:
    """An organisation of one account that has everything."""
    people = lab.organisation()
    account = replace(
        people.accounts[0],
        login="ann",
        folders=(
            Folder("Pläne/2026 A", subscribed=True),
            Folder("Old", subscribed=False, special_use="\\Trash"),
        ),
        scripts=(Script("main", active=True, text="keep;\n"), Script("old", active=False, text="stop;\n")),
        acl=(AclEntry("INBOX", "anyone", "lr"), AclEntry("Pläne/2026 A", "bob", "lrs")),
    )
    return replace(people, accounts=(account,))


def configured(people: Organisation, who: Identities = ROOT, options: Options | None = None) -> list[str]:
    text = dovecot_config.text(Path("/lab"), PORTS, who, options or Options(), people)
    return [line.strip() for line in text.splitlines()]


def test_dovecot_listens_on_loopback_only(small: Organisation) -> None:
    """The configuration names one loopback address, the three ports, and no file outside the lab's folder."""
    lines = configured(small)
    assert [line for line in lines if line.startswith("listen")] == ["listen = 127.0.0.2"]
    assert {"port = 20143", "port = 20993", "port = 24190"} <= set(lines)
    assert not any("include" in line or "/etc" in line or "/run/dovecot" in line for line in lines)


@pytest.mark.parametrize(
    ("option", "line"),
    [
        (Options(acl_user=False), "acl_user = %u"),
        (Options(auth_delay=True), "auth_failure_delay = 0"),
        (Options(plaintext=True), "disable_plaintext_auth = yes"),
        (Options(oauth=True), "auth_mechanisms = plain login"),
    ],
)
def test_an_option_takes_a_line_away(small: Organisation, option: Options, line: str) -> None:
    """Each option changes the line of the configuration that it is about."""
    assert line in configured(small)
    assert line not in configured(small, options=option)


def test_an_ordinary_user_has_no_chroot(small: Organisation) -> None:
    """For an ordinary user all processes are that user's and keep their root folder."""
    lines = configured(small, ORDINARY)
    assert {"default_login_user = me", "mail_uid = me", "default_internal_group = us"} <= set(lines)
    assert lines.count("chroot =") == 4
    assert "chroot =" not in configured(small, ROOT)


def test_special_uses_are_by_name(small: Organisation) -> None:
    """A folder with a special use gets its line."""
    lines = configured(small)
    assert lines[lines.index('mailbox "Old" {') + 1] == "special_use = \\Trash"


def test_the_store_holds_what_the_account_has(tmp_path: Path, small: Organisation) -> None:
    """Folders, subscriptions, scripts and rights are in the files where Dovecot looks for them."""
    dovecot_store.write(tmp_path, ORDINARY, small)
    home = tmp_path / "mail" / "ann"
    folder = home / "Maildir" / ".Pl&AOQ-ne.2026 A"
    assert (folder / "cur").is_dir()
    assert (home / "Maildir" / ".Old" / "new").is_dir()
    assert (home / "Maildir" / "subscriptions").read_text() == "V\t2\n\nINBOX\nPl&AOQ-ne\t2026 A\n"
    assert (home / "Maildir" / "dovecot-acl").read_text() == "anyone lr\n"
    assert (folder / "dovecot-acl").read_text() == "user=bob lrs\n"
    assert (home / ".dovecot.sieve").readlink() == Path("sieve/main.sieve")
    assert (home / "sieve" / "old.sieve").read_text() == "stop;\n"
    assert (tmp_path / "acl" / "shared-mailboxes.db").read_text() == (
        "shared/shared-boxes/anyone/ann\n1\nshared/shared-boxes/user/bob/ann\n1\n"
    )


def test_a_changed_password_file_looks_changed(tmp_path: Path) -> None:
    """Each change of a password file moves its time by a whole second, however fast they follow."""
    dovecot_home.write_masters(tmp_path, Master("auditor", "one"))
    times = [int((tmp_path / "masters").stat().st_mtime)]
    for password in ("two", "six"):
        dovecot_home.write_masters(tmp_path, Master("auditor", password))
        times.append(int((tmp_path / "masters").stat().st_mtime))
    assert len(set(times)) == 3
    assert (tmp_path / "masters").read_text() == "auditor:{PLAIN}six\n"


def test_an_ordinary_user_keeps_the_folder() -> None:
    """A folder that only its owner can enter is good enough where all processes are the owner's."""
    # pytest's own folders can be too long for a socket's path.
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        assert dovecot_home.choose(folder, ORDINARY) == folder
        assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("name", ["with space", "l" * 90])
def test_an_unusable_path_is_replaced(tmp_path: Path, name: str) -> None:
    """Where a path has a space or is too long for a socket, a temporary folder takes its place."""
    (tmp_path / name).mkdir()
    home = dovecot_home.choose(tmp_path / name, ORDINARY)
    assert home.parent == Path(tempfile.gettempdir()).resolve()
    home.rmdir()


def test_no_reachable_folder_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where other users can enter neither the folder nor the temporary one, the error says what to set."""
    tmp_path.chmod(0o700)
    (tmp_path / "lab").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(LabError) as caught:
        dovecot_home.choose(tmp_path / "lab", ROOT)
    assert "TMPDIR" in (caught.value.hint or "")
    assert [path.name for path in tmp_path.iterdir()] == ["lab"]


def test_a_missing_system_user_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where root finds no user that Dovecot's packages make, the error names it."""

    def unknown(name: str) -> None:
        raise KeyError(f"getpwnam(): name not found: '{name}'")

    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("pwd.getpwnam", unknown)
    with pytest.raises(LabError, match="dovecot"):
        dovecot_config.identities()
