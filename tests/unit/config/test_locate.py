"""Where agent.toml and the state folder are looked for, and which are trusted."""

import os
from pathlib import Path

import pytest

from postwarden.config import locate
from postwarden.config.settings import MAX_BYTES, decode
from postwarden.errors import ConfigError, PostwardenError, UsageError
from tests.unit.config.conftest import Configure

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")


def put(folder: Path, text: str = "", mode: int = 0o644) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "agent.toml"
    path.write_text(text)
    path.chmod(mode)
    return path


def test_the_nearest_configuration_is_used(home: Path) -> None:
    """The working folder comes before the user's folder, and that before the system's."""
    system = put(home / "system")
    assert locate.load(None).path == system
    user = put(home / "user" / "postwarden")
    assert locate.load(None).path == user
    here = put(home / "here")
    assert locate.load(None).path == here
    assert locate.candidates() == (here, user, system)


def test_without_xdg_the_users_folder_is_dot_config(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """XDG_CONFIG_HOME defaults to ~/.config."""
    monkeypatch.delenv("XDG_CONFIG_HOME")
    assert locate.user_config() == home / ".config" / "postwarden" / "agent.toml"


def test_where_there_is_none_all_places_are_named(home: Path) -> None:
    """The message names each place that was looked at, and the hint how to get a configuration."""
    with pytest.raises(UsageError) as caught:
        locate.load(None)
    assert all(str(path) in str(caught.value) for path in locate.candidates())
    assert caught.value.hint == "postwarden init writes one"


def test_a_named_file_must_be_there(home: Path) -> None:
    """A file that was asked for is not replaced by another one."""
    put(home / "here")
    with pytest.raises(UsageError, match=r"other\.toml does not exist"):
        locate.load("other.toml")


def test_a_named_file_is_used_from_where_it_is(home: Path) -> None:
    """Relative places in a configuration start at its folder, wherever the caller is."""
    put(home / "user")
    assert locate.load("../user/agent.toml").folder.resolve() == home / "user"


@pytest.mark.parametrize("mode", [0o664, 0o666, 0o646, 0o620, 0o602])
def test_a_file_that_others_can_write_is_not_trusted(mode: int, home: Path) -> None:
    """Whoever can write the configuration chooses which programs run for secrets."""
    path = put(home / "here", mode=mode)
    with pytest.raises(ConfigError, match=f"mode {mode:04o}") as caught:
        locate.load(None)
    assert caught.value.hint == f"chmod go-w {path}"
    assert caught.value.path == str(path)


@pytest.mark.parametrize("mode", [0o775, 0o777, 0o757, 0o1777, 0o2775])
def test_a_folder_that_others_can_write_is_not_trusted(mode: int, home: Path) -> None:
    """In a folder that others can write, they can put another file in the configuration's place."""
    path = put(home / "here")
    path.parent.chmod(mode)
    with pytest.raises(ConfigError, match="others can write") as caught:
        locate.load(str(path))
    assert caught.value.hint == f"chmod go-w {path.parent}"


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o444, 0o644, 0o755])
def test_who_may_read_does_not_matter(mode: int, home: Path) -> None:
    """A configuration holds no secret, so reading it is not a question of trust."""
    put(home / "here", mode=mode)
    locate.load(None)


@as_root
@pytest.mark.parametrize("what", ["file", "folder"])
def test_what_belongs_to_another_user_is_not_trusted(what: str, home: Path) -> None:
    """A configuration that a stranger owns is refused with the stranger's number, root's own is taken."""
    path = put(home / "here")
    os.chown(path if what == "file" else path.parent, 12345, -1)
    with pytest.raises(ConfigError, match=r"belongs to another user \(uid 12345\)") as caught:
        locate.load(None)
    assert str(locate.user_config()) in str(caught.value.hint)


@as_root
def test_roots_configuration_is_trusted_by_others(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What root owns and nobody else can write serves every user."""
    put(home / "here")
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    locate.load(None)


def test_a_link_is_followed_to_where_it_leads(home: Path) -> None:
    """A link from a trusted place into one that others can write is not trusted."""
    target = put(home / "open")
    target.parent.chmod(0o777)
    (home / "here" / "agent.toml").symlink_to(target)
    with pytest.raises(ConfigError, match="others can write"):
        locate.load(None)


def test_a_link_in_an_open_folder_does_not_choose_where_paths_start(home: Path) -> None:
    """A stranger's link to a trusted file does not make the stranger's folder the one that paths start at."""
    target = put(home / "user", '[accounts]\nfile = "accounts.csv"')
    link = home / "here" / "agent.toml"
    link.parent.chmod(0o1777)
    link.symlink_to(target)
    try:
        config = locate.load(None)
    except ConfigError:
        return
    assert config.folder == target.parent


def test_a_dangling_link_is_not_there(home: Path) -> None:
    """A link that leads nowhere is passed over like a missing file."""
    (home / "here" / "agent.toml").symlink_to(home / "gone")
    with pytest.raises(UsageError, match=r"no agent\.toml found"):
        locate.load(None)


def test_a_folder_in_the_files_place_is_an_error_of_ours(home: Path) -> None:
    """What cannot be read as a file is said to be so."""
    (home / "here" / "agent.toml").mkdir(mode=0o755)
    with pytest.raises(ConfigError, match="cannot be read"):
        locate.load(None)


def test_a_file_that_is_too_large_is_refused(home: Path) -> None:
    """A configuration of many megabytes is a mistake."""
    path = put(home / "here")
    with path.open("r+b") as stream:
        stream.truncate(MAX_BYTES + 1)
    with pytest.raises(ConfigError, match=f"is larger than {MAX_BYTES} bytes"):
        locate.load(None)


@pytest.mark.parametrize("name", ["a" * 300, "a/" * 3000 + "agent.toml"], ids=["name", "path"])
def test_a_name_that_no_file_can_have_is_an_error_of_ours(name: str, home: Path) -> None:
    """A place that the system refuses to look at is told like any other wrong place."""
    with pytest.raises(PostwardenError):
        locate.load(name)


def test_a_users_folder_that_cannot_be_looked_into_is_an_error_of_ours(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the system refuses a place on the way, as it does for a folder of root's, that is no bug of ours."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ("a" * 300)))
    put(home / "system")
    try:
        assert locate.load(None).path.parent == home / "system"
    except PostwardenError:
        return  # said as an error of ours, which is good too


def state(path: Path, text: str = "") -> Path:
    return locate.state_folder(decode(text.encode(), path))


def test_a_configured_state_folder_comes_first(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`[state] folder` starts at the file's folder where it is relative, whatever the environment says."""
    monkeypatch.setenv("STATE_DIRECTORY", "/run/state")
    path = home / "system" / "agent.toml"
    assert state(path, '[state]\nfolder = "state"') == home / "system" / "state"
    assert state(path, '[state]\nfolder = "/srv/pw"') == Path("/srv/pw")


def test_systemds_state_folder_comes_next(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of several folders that systemd names, the first is ours."""
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/postwarden:/var/lib/other")
    assert state(home / "here" / "agent.toml") == Path("/var/lib/postwarden")
    assert state(home / "system" / "agent.toml") == Path("/var/lib/postwarden")


def test_a_system_configuration_keeps_its_state_in_var(home: Path) -> None:
    """A configuration in /etc/postwarden has its state in /var/lib/postwarden."""
    assert state(home / "system" / "agent.toml") == home / "state"


def test_any_other_configuration_keeps_its_state_with_the_user(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """XDG_STATE_HOME where it is set, else ~/.local/state."""
    assert state(home / "here" / "agent.toml") == home / ".local" / "state" / "postwarden"
    monkeypatch.setenv("XDG_STATE_HOME", str(home / "s"))
    assert state(home / "here" / "agent.toml") == home / "s" / "postwarden"


def test_the_system_places_are_those_that_are_documented(configure: Configure) -> None:
    """The service reads /etc/postwarden/agent.toml and writes /var/lib/postwarden."""
    assert Path("/etc/postwarden") == locate.SYSTEM
    assert Path("/var/lib/postwarden") == locate.SYSTEM_STATE
    assert locate.FILE == "agent.toml"
