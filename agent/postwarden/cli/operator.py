"""Who runs this command, when, and with which state folder."""

import os
import pwd
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from postwarden import __version__
from postwarden.cli.as_owner import command
from postwarden.errors import LedgerError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from postwarden.cli.terminal import Progress
    from postwarden.config.settings import Config
    from postwarden.pipeline.committing import Keys
    from postwarden.pipeline.record import Recorder


def now() -> datetime:
    """The clock of the command line; everything below takes it as an argument."""
    return datetime.now(UTC)  # noqa: TID251 - here the time comes from


def actor() -> str:
    """The caller as records name it: uid, name, and who called sudo."""
    uid = os.geteuid()
    name = user_name(uid)
    behind = os.environ.get("SUDO_USER")
    return f"uid {uid} ({name})" + (f" for {behind}" if behind and uid == 0 else "")


def user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return "no name"


def agent() -> str:
    return f"postwarden/{__version__}"


def open_recorder(
    config: "Config",
    *,
    run: str | None = None,
    wait: float = 10.0,
    clock: "Callable[[], datetime] | None" = None,
) -> "Recorder":
    """The recorder on the configured ledger; raises LedgerError where it is missing or not the caller's."""
    from postwarden.config.locate import state_folder
    from postwarden.pipeline.record import Recorder
    from postwarden.witness.configured import read_outside

    state = state_folder(config)
    check_owner(state, config.path)
    progress = Reading()
    recorder = Recorder(
        state,
        run=run or uuid.uuid4().hex,
        actor=actor(),
        agent=agent(),
        clock=clock or now,
        wait=wait,
        outside=read_outside(config),
        keys=ledger_keys(config),
        progress=progress.show,
    )
    progress.clear()
    if config.ledger.origin is not None and recorder.ledger.origin != config.ledger.origin:
        recorder.close()
        raise UsageError(
            f"agent.toml names the ledger {config.ledger.origin}, the state folder has {recorder.ledger.origin}",
            "use the state folder that belongs to this configuration",
        )
    return recorder


class Reading:
    """Progress of reading a long ledger that no index tells of; without cost where it is not long."""

    def __init__(self) -> None:
        self._line: Progress | None = None

    def show(self, count: int) -> None:
        from postwarden.cli.terminal import Progress

        self._line = self._line or Progress()
        self._line.show(f"reading the ledger: {count} records")

    def clear(self) -> None:
        if self._line is not None:
            self._line.clear()


def ledger_keys(config: "Config") -> "Keys":
    """How the configured ledger's signing keys are kept and changed; a passphrase is read when it is needed."""
    from postwarden import secrets
    from postwarden.pipeline.committing import Keys

    section = config.ledger
    passphrase = section.passphrase

    def unlock() -> bytes:
        assert passphrase is not None
        return secrets.resolve(passphrase, login="", folder=config.folder).reveal().encode()

    return Keys(
        days=section.new_key_days,
        records=section.new_key_records,
        unlock=unlock if passphrase is not None else None,
        second=section.second_signature,
    )


def check_owner(state: Path, config: Path) -> None:
    """Raises LedgerError where the state folder belongs to another user than the caller, also where that is root."""
    try:
        status = state.stat()
    except FileNotFoundError:
        raise LedgerError(
            f"there is no ledger in {state}", "run postwarden init first, or audit with --no-record"
        ) from None
    except OSError as exc:
        raise LedgerError(
            f"the state folder {state} cannot be used: {exc.strerror}", _as_owner(state)
        ) from exc
    if status.st_mode & 0o022:
        raise LedgerError(
            f"others can write the state folder {state} (mode {status.st_mode & 0o7777:04o})",
            f"chmod 700 {state}",
        )
    if status.st_uid != os.geteuid():
        owner = user_name(status.st_uid)
        raise LedgerError(
            f"the state folder {state} belongs to {owner}, and you are {user_name(os.geteuid())}",
            f"run: {command(owner, config, sys.argv[1:])}",
        )


def _as_owner(state: Path) -> str:
    return f"check the owner and mode of {state}"
