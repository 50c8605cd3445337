"""Writing a batch into the drop folder: under a hidden name first, then at once and whole under its own.

The drop folder belongs to root, and the service's group may move things in it. So nothing in it is followed or
overwritten: folders are opened without links, files are created anew.
"""

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager

from postwarden.collector.beneath import held, names, open_below, open_folder
from postwarden.errors import ConnectorError, UsageError
from postwarden.formats.drop_manifest import NAME, Manifest, folder_of, written

#: Batches of one account that wait to be taken; more show that nobody takes them.
MAX_WAITING = 100

_FOLDER_MODE, _FILE_MODE = 0o770, 0o640
_MAX_NAME = 255
_ODD = re.compile(r"[^A-Za-z0-9.-]")


class Drop:
    """The drop folder, open; `group` is the id of the group that may read what is written."""

    def __init__(self, path: str, group: int) -> None:
        self.path = path
        self._group = group
        try:
            self._folder = open_folder(path)
        except OSError as exc:
            raise UsageError(
                f"the drop folder {path} cannot be opened: {exc.strerror}",
                "systemd-tmpfiles --create makes it as deploy/tmpfiles.d says; no part of its path may be a link",
            ) from exc
        status = os.fstat(self._folder)
        if status.st_uid not in {0, os.geteuid()} or status.st_mode & stat.S_IWOTH:
            os.close(self._folder)
            raise UsageError(
                f"the drop folder {path} belongs to uid {status.st_uid}, mode {stat.S_IMODE(status.st_mode):04o}",
                f"chown root:postwarden {path} && chmod 2770 {path}",
            )

    def close(self) -> None:
        os.close(self._folder)

    def write(self, manifest: Manifest, contents: dict[str, bytes]) -> str:
        """Writes a batch and returns its path below the drop; when it returns, it is on the disk.

        Raises OSError, and ConnectorError where too many wait, or no folder can be named like this account.
        """
        account = folder_of(manifest.login)
        name = f"{manifest.collected:%Y%m%dT%H%M%S.%fZ}-{_ODD.sub('_', manifest.host)[:60]}"
        if len(account) > _MAX_NAME:
            raise ConnectorError("its login is too long for a folder's name", reason="malformed")
        self._make(self._folder, account)
        with held(open_below(self._folder, account)) as folder:
            self._tidy(folder, manifest.host)
            if sum(not one.startswith(".") for one in names(folder)) >= MAX_WAITING:
                raise ConnectorError(
                    f"{MAX_WAITING} batches wait in {self.path}/{account}: no source takes them",
                    reason="unreachable",
                )
            with self._unfinished(folder, f".{name}.tmp") as unfinished:
                with held(open_below(folder, unfinished)) as batch:
                    for file, content in contents.items():
                        self._file(batch, file, content)
                    self._file(batch, NAME, written(manifest))
                    os.fsync(batch)
                os.rename(unfinished, name, src_dir_fd=folder, dst_dir_fd=folder)
            os.fsync(folder)
        return f"{account}/{name}"

    def _make(self, folder: int, name: str) -> None:
        try:
            os.mkdir(name, _FOLDER_MODE, dir_fd=folder)
        except FileExistsError:
            return
        with held(open_below(folder, name)) as made:
            self._give(made)

    def _file(self, folder: int, name: str, content: bytes) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with held(os.open(name, flags, _FILE_MODE, dir_fd=folder)) as opened:
            self._give(opened)
            left = memoryview(content)
            while left:
                left = left[os.write(opened, left) :]
            os.fsync(opened)

    def _give(self, opened: int) -> None:
        # Under the unit the group is right from the start, and its filter has no chown.
        if os.fstat(opened).st_gid != self._group:
            os.fchown(opened, -1, self._group)

    @contextmanager
    def _unfinished(self, folder: int, name: str) -> Iterator[str]:
        self._make(folder, name)
        try:
            yield name
        except BaseException:
            _remove(folder, name)
            raise

    @staticmethod
    def _tidy(folder: int, host: str) -> None:
        """Removes what an earlier run of this host left when it was killed; only ever its own hidden names."""
        ours = re.compile(rf"\.[0-9]{{8}}T[0-9.]+Z-{re.escape(_ODD.sub('_', host)[:60])}\.tmp")
        for name in names(folder):
            if ours.fullmatch(name):
                _remove(folder, name)


def _remove(folder: int, name: str) -> None:
    with held(open_below(folder, name)) as unfinished:
        for file in names(unfinished):
            os.unlink(file, dir_fd=unfinished)
    os.rmdir(name, dir_fd=folder)
