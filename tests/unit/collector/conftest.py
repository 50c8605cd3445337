"""A mail host in a folder: users with homes, a drop folder, and a configuration for both."""

import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from postwarden.collector.batch import Drop
from postwarden.collector.collecting import Collected, collect
from postwarden.collector.settings import Collection, Files, User, Users
from postwarden.formats.drop_manifest import NAME, Manifest, decode

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
FORWARD = Files(kind="forward", path="%h/.forward")
SIEVE = Files(kind="sieve", path="%h/sieve/*.sieve", active="%h/.dovecot.sieve")


@dataclass
class Host:
    """A mail host; `batches` are what was written, the newest last."""

    folder: Path
    files: tuple[Files, ...] = (FORWARD, SIEVE)
    users: list[User] = field(default_factory=list)
    domain: str | None = None

    @property
    def drop(self) -> Path:
        return self.folder / "drop"

    @property
    def collection(self) -> Collection:
        return Collection(
            drop=str(self.drop),
            state=str(self.folder / "state"),
            users=Users(domain=self.domain),
            files=self.files,
        )

    def home(self, login: str = "alice", *, uid: int | None = None) -> Path:
        """The home of a user, who is added at first sight."""
        home = self.folder / "homes" / login
        if not home.exists():
            (home / "sieve").mkdir(parents=True)
            self.users.append(User(login=login, uid=os.geteuid() if uid is None else uid, home=str(home)))
        return home

    def collect(self, now: datetime = NOW) -> list[Collected]:
        drop = Drop(str(self.drop), os.getegid())
        try:
            return list(collect(self.collection, self.users, drop, host="mail", now=now))
        finally:
            drop.close()

    def batches(self, login: str = "alice") -> list[Path]:
        return sorted((self.drop / login).iterdir())

    def manifest(self, login: str = "alice") -> Manifest:
        return decode((self.batches(login)[-1] / NAME).read_bytes())

    def taken(self, login: str = "alice") -> dict[str, bytes]:
        """Content by the name that it had, of the newest batch."""
        batch = self.batches(login)[-1]
        return {Path(one.path).name: (batch / one.file).read_bytes() for one in self.manifest(login).files}


@pytest.fixture
def host(tmp_path: Path) -> Host:
    for name in ("drop", "state", "homes"):
        (tmp_path / name).mkdir(mode=0o700)
    return Host(tmp_path)


def problems(host: Host, login: str = "alice") -> dict[str, str]:
    """What could not be taken, by name."""
    return {Path(one.path).name: one.message for one in host.manifest(login).problems}
