"""The command that does the same as this one, as the user whom the state folder belongs to.

Where that is the service's user, its credentials are needed too: so the template unit, or a transient unit with the
service's own `LoadCredential=`, which only the service manager can read.
"""

import os
import shlex
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

#: Where systemd looks for units, what an administrator changed first (systemd.unit(5)).
UNITS = tuple(
    Path(folder)
    for folder in (
        "/etc/systemd/system",
        "/run/systemd/system",
        "/usr/local/lib/systemd/system",
        "/usr/lib/systemd/system",
        "/lib/systemd/system",
    )
)
SERVICE = "postwarden.service"
TEMPLATE = "postwarden-audit@.service"
#: A unit is a page; a larger file is none.
_MAX_BYTES = 65_536
_CREDENTIALS = ("LoadCredential=", "LoadCredentialEncrypted=")
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:_.")


def command(owner: str, config: Path, arguments: Sequence[str]) -> str:
    """What to run instead of `postwarden arguments…`; `config` is the agent.toml that was found."""
    with_config = [*arguments] if "--config" in arguments else [*arguments, "--config", str(config)]
    absolute = [
        str(Path(word).absolute()) if before == "--config" else word
        for before, word in zip(["", *with_config], with_config, strict=False)
    ]
    unit = _unit(SERVICE)
    if unit is None or f"User={owner}" not in _lines(unit):
        return _shell(["sudo", "-u", owner, *_program(), *absolute])
    rights = [] if os.geteuid() == 0 else ["sudo"]
    account = _only_account(arguments)
    if account is not None and _unit(TEMPLATE) is not None:
        name = f"postwarden-audit@{escape(account)}"
        return f"{_shell([*rights, 'systemctl', 'start', name])}; {_shell(['journalctl', '-n', '100', '-u', name])}"
    properties = [
        f"--property={line}"
        for line in _every_line(unit)
        if line.startswith((*_CREDENTIALS, "StateDirectory="))
    ]
    return _shell(
        [
            *rights,
            "systemd-run",
            "--pipe",
            "--wait",
            "--collect",
            "--quiet",
            f"--uid={owner}",
            "--property=UMask=0077",
            *properties,
            *_program(),
            *absolute,
        ]
    )


def escape(text: str) -> str:
    """`text` as the instance of a template unit, as systemd-escape(1) writes it."""
    return "".join(
        "-" if char == "/" else char if char in _PLAIN and (index or char != ".") else _bytes(char)
        for index, char in enumerate(text)
    )


def _bytes(char: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in char.encode("utf-8", "surrogateescape"))


def _only_account(arguments: Sequence[str]) -> str | None:
    """The account of an audit of one account with the service's configuration and no further wishes."""
    match list(arguments):
        case ["audit", "--account", account]:
            return account
        case ["audit", word] if word.startswith("--account="):
            return word.removeprefix("--account=")
        case _:
            return None


def _program() -> list[str]:
    """How we were called, by a path that holds in any folder."""
    called = Path(sys.argv[0])
    if called.name == "postwarden":
        return [shutil.which(sys.argv[0]) or str(called.absolute())]
    return [sys.executable, "-m", "postwarden"]


def _unit(name: str) -> Path | None:
    return next((folder / name for folder in UNITS if (folder / name).is_file()), None)


def _every_line(unit: Path) -> Iterator[str]:
    """The lines of a unit, then those of its drop-ins."""
    yield from _lines(unit)
    for folder in UNITS:
        for dropped in sorted((folder / f"{unit.name}.d").glob("*.conf")):
            yield from _lines(dropped)


def _lines(path: Path) -> list[str]:
    try:
        with path.open(encoding="utf-8", errors="replace") as stream:
            return [line.strip() for line in stream.read(_MAX_BYTES).splitlines()]
    except OSError:
        # Not ours to read: then nothing is known of it.
        return []


def _shell(words: Sequence[str]) -> str:
    return " ".join(shlex.quote(word) for word in words)
