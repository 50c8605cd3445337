"""Secrets: where they may come from, and a value that never shows itself.

A secret comes from a systemd credential, a file that only its owner can read, an environment variable, or
a command; never from the command line and never as plain text in agent.toml.
"""

import os
import stat
import subprocess
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from msgspec import Struct

from postwarden.errors import SecretError

#: A secret is a password, key or token; anything longer is a mistake.
MAX_BYTES = 65_536
#: Seconds that a secret command may take.
COMMAND_TIMEOUT = 30


_hearers: list[Callable[[str], None]] = []


def tell(hearer: Callable[[str], None]) -> None:
    """Hands every secret that is read from now on to `hearer` too: the log's redaction must know what to look for."""
    if hearer not in _hearers:
        _hearers.append(hearer)


class Secret:
    """A secret value. `reveal()` is the only way to it; `repr`, `str` and formatting show stars."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value
        for hearer in _hearers:
            hearer(value)

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Secret('***')"

    def __reduce__(self) -> str:
        raise TypeError("a secret cannot be pickled or copied")


class SecretSource(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a secret is read from: exactly one of the fields is set.

    `credential` is a name in systemd's credentials folder; `file` a path, its first line is taken;
    `table` a path to lines `login:secret`, one an account; `env` a variable's name; `command` a program
    with arguments, in which `{login}` stands for the account, and whose first line of output is taken.
    """

    credential: str | None = None
    file: str | None = None
    table: str | None = None
    env: str | None = None
    command: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        given = [name for name in self.__struct_fields__ if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError("a secret names exactly one of credential, file, table, env, command")
        if self.command is not None and not self.command:
            raise ValueError("command is empty")

    @property
    def is_per_account(self) -> bool:
        """Whether each account has a secret of its own."""
        return self.table is not None or any("{login}" in part for part in self.command or ())


class PrivateFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole file that is secret, such as a private key: a path, or the name of a systemd credential."""

    credential: str | None = None
    file: str | None = None

    def __post_init__(self) -> None:
        if (self.credential is None) == (self.file is None):
            raise ValueError("name exactly one of credential, file")

    @property
    def place(self) -> str:
        return self.file or self.credential or ""


def read_whole(source: PrivateFile, folder: Path) -> Secret:
    """All of the file; a relative path starts at `folder`. Raises SecretError."""
    if source.credential is not None:
        return _decode(_read(_credential(source.credential)), source.place)
    return _decode(_read_private(folder / source.place), source.place)


def resolve(source: SecretSource, *, login: str, folder: Path) -> Secret:
    """The secret for the account `login`; relative paths start at `folder`.

    Raises SecretError, which names the place and the remedy, never the value.
    """
    if source.credential is not None:
        return _from_credential(source.credential)
    if source.file is not None:
        return _first_line(_read_private(folder / source.file), source.file)
    if source.table is not None:
        return _from_table(_read_private(folder / source.table), source.table, login)
    if source.env is not None:
        value = os.environ.get(source.env)
        if not value:
            raise SecretError(
                f"the environment variable {source.env} is not set", f"set {source.env}, or use a file"
            )
        place = f"the environment variable {source.env}"
        raw = os.fsencode(value)
        if len(raw) > MAX_BYTES:
            raise SecretError(f"the secret in {place} is too long", "is it the right variable?")
        return _decode(raw, place)
    assert source.command is not None
    return _from_command(source.command, login)


def check(source: SecretSource, *, logins: Iterable[str], folder: Path) -> None:
    """Whether the secrets of all logins are there and private; raises SecretError.

    A command that gives one secret for all is run; one for each account is not, before it is needed.
    """
    if source.credential is not None:
        _from_credential(source.credential)
    elif source.file is not None:
        _first_line(_read_private(folder / source.file), source.file)
    elif source.table is not None:
        known = dict(reversed(list(_table(_read_private(folder / source.table)))))
        for login in logins:
            if login.casefold() not in known:
                raise _no_line(source.table, login)
            _first_line(known[login.casefold()], source.table)
    elif source.env is not None or not source.is_per_account:
        resolve(source, login="", folder=folder)


def _from_credential(name: str) -> Secret:
    return _first_line(_read(_credential(name)), name)


def _credential(name: str) -> Path:
    """The file of a credential; systemd makes it readable for the unit's user only, with modes of its own."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if not folder:
        raise SecretError(
            f"the credential {name!r} is asked for, but systemd gave no credentials",
            f"run under a unit with LoadCredential={name}:…, or use a file",
        )
    if "/" in name or name in {"", ".", ".."}:
        raise SecretError(f"{name!r} is not a credential's name", "use the name from LoadCredential=")
    return Path(folder) / name


def _read_private(path: Path) -> bytes:
    try:
        mode = path.stat().st_mode
    except OSError as exc:
        raise SecretError(
            f"the secret file {path} cannot be read: {exc.strerror}", "create it with mode 0600"
        ) from exc
    if not stat.S_ISREG(mode):
        raise SecretError(f"the secret file {path} is not a regular file", "use a plain file")
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise SecretError(
            f"the secret file {path} can be read or written by others (mode {stat.S_IMODE(mode):04o})",
            f"chmod 600 {path}",
        )
    return _read(path)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES * 64 + 1)
    except OSError as exc:
        raise SecretError(
            f"the secret file {path} cannot be read: {exc.strerror}", "check its owner and mode"
        ) from exc
    if len(raw) > MAX_BYTES * 64:
        raise SecretError(f"the secret file {path} is too large", "is it the right file?")
    return raw


def _first_line(raw: bytes, place: str) -> Secret:
    line = raw.split(b"\n", 1)[0].rstrip(b"\r")
    if not line:
        raise SecretError(f"the secret in {place} is empty", "put it on the first line")
    if len(line) > MAX_BYTES:
        raise SecretError(f"the secret in {place} is too long", "is it the right file?")
    return _decode(line, place)


def _decode(line: bytes, place: str) -> Secret:
    try:
        return Secret(line.decode("utf-8"))
    except UnicodeDecodeError:
        # The decoding error carries the bytes; it must not become this error's cause.
        raise SecretError(f"the secret in {place} is not UTF-8", "write it as UTF-8") from None


def _from_table(raw: bytes, place: str, login: str) -> Secret:
    wanted = login.casefold()
    for name, value in _table(raw):
        if name == wanted:
            return _first_line(value, place)
    raise _no_line(place, login)


def _table(raw: bytes) -> Iterator[tuple[str, bytes]]:
    for line in raw.split(b"\n"):
        name, colon, value = line.rstrip(b"\r").partition(b":")
        if colon:
            yield name.strip().decode("utf-8", "replace").casefold(), value


def _no_line(place: str, login: str) -> SecretError:
    return SecretError(f"{place} has no line for {login}", f"add a line {login}:SECRET")


def _from_command(command: tuple[str, ...], login: str) -> Secret:
    arguments = [part.replace("{login}", login) for part in command]
    try:
        # The arguments come from a trusted configuration, and no shell is involved.
        done = subprocess.run(  # noqa: S603 - the administrator's own command, without a shell
            arguments, capture_output=True, timeout=COMMAND_TIMEOUT, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        # Either exception can carry the command's output.
        raise SecretError(
            f"the secret command {arguments[0]} did not run to its end", "run it by hand"
        ) from None
    if done.returncode != 0:
        raise SecretError(
            f"the secret command {arguments[0]} ended with status {done.returncode}", "run it by hand"
        )
    return _first_line(done.stdout, f"the output of {arguments[0]}")
