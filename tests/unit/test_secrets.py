"""Where secrets come from, and that none shows itself."""

import copy
import logging
import pickle
import stat
import traceback
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from postwarden import secrets
from postwarden.errors import SecretError
from postwarden.secrets import MAX_BYTES, Secret, SecretSource, check, resolve

VALUE = "correct horse battery staple"

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a file into the folder that relative paths start at."""

    def made(name: str, content: bytes, mode: int = 0o600) -> Path:
        path = tmp_path / name
        path.touch(mode=0o600)
        path.write_bytes(content)
        path.chmod(mode)
        return path

    return made


def source_of(field: str, place: str) -> SecretSource:
    return SecretSource(file=place) if field == "file" else SecretSource(table=place)


def refused(source: SecretSource, folder: Path, *, login: str = "alice") -> SecretError:
    """The error that resolving raises; it has a next step, and no trace of the value."""
    with pytest.raises(SecretError) as caught:
        resolve(source, login=login, folder=folder)
    shown = "".join(traceback.format_exception(caught.value)) + str(caught.value.hint)
    assert VALUE not in shown
    assert caught.value.hint
    assert caught.value.__cause__ is None or VALUE not in repr(vars(caught.value.__cause__))
    return caught.value


@pytest.mark.parametrize(
    "content", [b"%s\n", b"%s\r\n", b"%s", b"%s\nand a remark\n"], ids=["lf", "crlf", "bare", "more lines"]
)
def test_a_file_gives_its_first_line(content: bytes, write: Write, tmp_path: Path) -> None:
    """The first line without its end is the secret, spaces in it included."""
    write("imap.secret", content % VALUE.encode())
    source = SecretSource(file="imap.secret")
    assert resolve(source, login="alice", folder=tmp_path).reveal() == VALUE
    check(source, logins=["alice"], folder=tmp_path)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o602, 0o620, 0o601, 0o610])
@pytest.mark.parametrize("field", ["file", "table"])
def test_a_file_that_others_can_touch_is_refused(field: str, mode: int, write: Write, tmp_path: Path) -> None:
    """Any right for group or others makes a secret file unusable, and the hint is the command that mends it."""
    path = write("secret", b"alice:" + VALUE.encode(), mode)
    error = refused(source_of(field, "secret"), tmp_path)
    assert f"{mode:04o}" in str(error)
    assert error.hint == f"chmod 600 {path}"
    with pytest.raises(SecretError, match="by others"):
        check(source_of(field, "secret"), logins=["alice"], folder=tmp_path)


def test_a_file_for_reading_only_is_good(write: Write, tmp_path: Path) -> None:
    """A secret that its owner cannot change either is no less private."""
    write("secret", VALUE.encode(), 0o400)
    assert resolve(SecretSource(file="secret"), login="alice", folder=tmp_path).reveal() == VALUE


@pytest.mark.parametrize("field", ["file", "table"])
def test_a_missing_file_is_named(field: str, tmp_path: Path) -> None:
    """A file that is not there is named with its whole path, and how to create it."""
    error = refused(source_of(field, "nowhere"), tmp_path)
    assert str(tmp_path / "nowhere") in str(error)
    assert "0600" in str(error.hint)


@pytest.mark.parametrize("field", ["file", "table"])
def test_a_folder_is_no_secret_file(field: str, tmp_path: Path) -> None:
    """Only plain files hold secrets."""
    (tmp_path / "secret").mkdir(mode=0o700)
    assert "not a regular file" in str(refused(source_of(field, "secret"), tmp_path))


BAD_LINES = [
    (b"", "is empty"),
    (b"\n", "is empty"),
    (b"\r\nsecond", "is empty"),
    (b"x" * (MAX_BYTES + 1), "is too long"),
    (b"\xff\xfe" + VALUE.encode(), "is not UTF-8"),
]
bad_lines = pytest.mark.parametrize(("line", "what"), BAD_LINES, ids=["none", "lf", "crlf", "long", "bytes"])


@bad_lines
def test_a_bad_line_in_a_file_is_refused(line: bytes, what: str, write: Write, tmp_path: Path) -> None:
    """An empty, endless or undecodable secret is said to be so, without showing a byte of it."""
    write("secret", line)
    assert what in str(refused(SecretSource(file="secret"), tmp_path))
    with pytest.raises(SecretError, match=what):
        check(SecretSource(file="secret"), logins=["alice"], folder=tmp_path)


@bad_lines
def test_a_bad_value_in_a_table_is_refused(line: bytes, what: str, write: Write, tmp_path: Path) -> None:
    """The same holds for an account's own line of a table."""
    write("table", b"bob:fine\nalice:" + line)
    assert what in str(refused(SecretSource(table="table"), tmp_path))


@bad_lines
def test_a_bad_value_in_a_table_is_noticed_before_connecting(
    line: bytes, what: str, write: Write, tmp_path: Path
) -> None:
    """The check that runs before anything is connected to finds what resolving would find later."""
    write("table", b"bob:fine\nalice:" + line)
    with pytest.raises(SecretError, match=what):
        check(SecretSource(table="table"), logins=["bob", "alice"], folder=tmp_path)


def test_a_file_that_is_far_too_large_is_not_read_whole(write: Write, tmp_path: Path) -> None:
    """A disk image named by mistake is refused instead of read into memory."""
    path = write("secret", b"")
    with path.open("r+b") as stream:
        stream.truncate(MAX_BYTES * 64 + 1)
    assert "too large" in str(refused(SecretSource(file="secret"), tmp_path))


def test_a_table_has_a_line_for_each_login(write: Write, tmp_path: Path) -> None:
    """The login's case does not matter, colons in the secret do, and lines without a colon are skipped."""
    write(
        "table", f"# own passwords\nal:x\nalice2:x\nbob:b:{VALUE}\r\n Alice :{VALUE}\nalice:second\n".encode()
    )
    source = SecretSource(table="table")
    assert resolve(source, login="ALICE", folder=tmp_path).reveal() == VALUE
    assert resolve(source, login="bob", folder=tmp_path).reveal() == f"b:{VALUE}"
    check(source, logins=["alice", "Bob"], folder=tmp_path)


def test_a_login_without_a_line_is_named(write: Write, tmp_path: Path) -> None:
    """Who has no line in the table is named, with the line to add."""
    write("table", f"bob:{VALUE}\n".encode())
    error = refused(SecretSource(table="table"), tmp_path)
    assert "no line for alice" in str(error)
    assert error.hint == "add a line alice:SECRET"
    with pytest.raises(SecretError, match="no line for carol"):
        check(SecretSource(table="table"), logins=["bob", "carol"], folder=tmp_path)


def test_an_environment_variable_gives_its_value(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A variable is taken as it is."""
    monkeypatch.setenv("POSTWARDEN_TEST", VALUE)
    source = SecretSource(env="POSTWARDEN_TEST")
    assert resolve(source, login="alice", folder=tmp_path).reveal() == VALUE
    check(source, logins=["alice"], folder=tmp_path)


@pytest.mark.parametrize("value", [None, ""])
def test_a_variable_that_is_not_set_is_named(
    value: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A variable that is missing or empty is named."""
    monkeypatch.delenv("POSTWARDEN_TEST", raising=False)
    if value is not None:
        monkeypatch.setenv("POSTWARDEN_TEST", value)
    assert "POSTWARDEN_TEST is not set" in str(refused(SecretSource(env="POSTWARDEN_TEST"), tmp_path))
    with pytest.raises(SecretError):
        check(SecretSource(env="POSTWARDEN_TEST"), logins=[], folder=tmp_path)


@pytest.mark.parametrize(
    ("value", "what"),
    [("x" * (MAX_BYTES + 1), "too long"), (f"{VALUE}\udcff", "not UTF-8")],
    ids=["long", "bytes"],
)
def test_a_bad_variable_is_refused(
    value: str, what: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A variable is held to the same as a file: it must be a password that can be sent."""
    monkeypatch.setenv("POSTWARDEN_TEST", value)
    assert what in str(refused(SecretSource(env="POSTWARDEN_TEST"), tmp_path))


def test_a_credential_is_read_from_systemds_folder(
    write: Write, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A credential may have the mode that systemd gives it."""
    write("imap", f"{VALUE}\n".encode(), 0o440)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    source = SecretSource(credential="imap")
    assert resolve(source, login="alice", folder=Path("/nowhere")).reveal() == VALUE
    check(source, logins=["alice"], folder=Path("/nowhere"))


def test_a_credential_outside_systemd_is_explained(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without CREDENTIALS_DIRECTORY the message says what to run, or what to use instead."""
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    error = refused(SecretSource(credential="imap"), tmp_path)
    assert "systemd gave no credentials" in str(error)
    assert "LoadCredential=imap" in str(error.hint)
    with pytest.raises(SecretError):
        check(SecretSource(credential="imap"), logins=[], folder=tmp_path)


@pytest.mark.parametrize("name", ["../passwords", "a/b", "/etc/shadow", "", ".", ".."])
def test_a_credentials_name_leads_nowhere_else(
    name: str, write: Write, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A name with a slash is no way out of systemd's folder."""
    write("passwords", VALUE.encode())
    (tmp_path / "sub").mkdir()
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "sub"))
    assert "is not a credential's name" in str(refused(SecretSource(credential=name), tmp_path))


@bad_lines
def test_a_bad_credential_is_refused(
    line: bytes, what: str, write: Write, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A credential is held to the same as a file."""
    write("imap", line)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert what in str(refused(SecretSource(credential="imap"), tmp_path))


def test_a_missing_credential_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A credential that the unit does not load is named."""
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert "imap" in str(refused(SecretSource(credential="imap"), tmp_path))


def command(script: str) -> SecretSource:
    return SecretSource(command=("/bin/sh", "-c", script, "{login}"))


def test_a_command_is_run_without_a_shell_for_the_login(tmp_path: Path) -> None:
    """The first line that the program prints is the secret, and the login is one argument whatever is in it."""
    # Harmless where it is run after all: a test of what must not happen is run on broken code too.
    source = SecretSource(command=("/bin/echo", "for {login}"))
    login = f"alice; touch {tmp_path}/ran"
    assert resolve(source, login=login, folder=tmp_path).reveal() == f"for {login}"
    assert not (tmp_path / "ran").exists()


def test_the_check_runs_no_command(tmp_path: Path) -> None:
    """Looking for secrets beforehand starts no program."""
    check(command(f"touch {tmp_path}/ran"), logins=["alice"], folder=tmp_path)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("script", "what"),
    [
        (f"echo '{VALUE}'; exit 3", "status 3"),
        (f"echo '{VALUE}' >&2; kill -9 $$", "status -9"),
        ("true", "is empty"),
        (f"printf '\\377{VALUE}'", "is not UTF-8"),
        (f"head -c {MAX_BYTES + 1} /dev/zero", "is too long"),
    ],
)
def test_a_command_that_fails_is_named_without_its_output(script: str, what: str, tmp_path: Path) -> None:
    """A failing program is named with how it ended, and nothing that it printed."""
    error = refused(command(script), tmp_path)
    assert what in str(error)
    assert "/bin/sh" in str(error)


def test_a_command_that_is_not_there_is_named(tmp_path: Path) -> None:
    """A program that cannot be started is named."""
    assert "/nowhere/pass" in str(refused(SecretSource(command=("/nowhere/pass",)), tmp_path))


def test_a_command_that_hangs_is_stopped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A program that does not end costs its time limit and no more, and what it printed stays hidden."""
    monkeypatch.setattr(secrets, "COMMAND_TIMEOUT", 0.2)
    error = refused(SecretSource(command=("/bin/sh", "-c", f"echo '{VALUE}'; exec sleep 60")), tmp_path)
    assert "did not run to its end" in str(error)
    assert error.__cause__ is None


@pytest.mark.parametrize(
    "tree", [{}, {"file": "a", "env": "B"}, {"command": []}, {"value": VALUE}, {"file": 5}, VALUE]
)
def test_a_source_names_exactly_one_place(tree: object) -> None:
    """No place, two places, or the secret itself in the configuration are refused, without repeating it."""
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert(tree, SecretSource)
    assert VALUE not in str(caught.value)


class Holder(msgspec.Struct):
    secret: Secret


def test_a_secret_never_shows_itself() -> None:
    """No way of printing, logging or formatting a secret, or what holds it, shows its value."""
    secret = Secret(VALUE)
    shown = [
        repr(secret), str(secret), f"{secret}", f"{secret!r}", f"{[secret]}", f"{Holder(secret)}", ascii(secret),
        str({"secret": secret}),
        logging.LogRecord("x", 0, "x", 0, "%s", (secret,), None).getMessage(),
    ]  # fmt: skip
    assert not any(VALUE in one for one in shown)
    assert secret.reveal() == VALUE
    assert not hasattr(secret, "__dict__")


@pytest.mark.parametrize(
    "carry",
    [
        pickle.dumps,
        lambda secret: pickle.dumps(secret, protocol=0),
        copy.copy,
        copy.deepcopy,
        lambda secret: copy.deepcopy(Holder(secret)),
        lambda secret: msgspec.json.encode(Holder(secret)),
        lambda secret: msgspec.to_builtins(Holder(secret)),
    ],
    ids=["pickle", "pickle 0", "copy", "deepcopy", "inside", "json", "builtins"],
)
def test_a_secret_cannot_be_carried_away(carry: Callable[[Secret], object]) -> None:
    """A secret is not pickled, copied or encoded, not even inside something else."""
    with pytest.raises(TypeError) as caught:
        carry(Secret(VALUE))
    assert VALUE not in str(caught.value)


def test_modes_are_compared_as_they_are(write: Write, tmp_path: Path) -> None:
    """The file's mode is left as it was: nothing is mended behind the administrator's back."""
    path = write("secret", VALUE.encode(), 0o644)
    refused(SecretSource(file="secret"), tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
