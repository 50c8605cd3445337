"""The source kind `drop_folder`: files that the collector, another system or an administrator put into a folder.

Observed live: it reads what our collector wrote, and files by themselves, on a real file system.
"""

import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct
from msgspec.structs import replace

from postwarden.connectors.drop_files import DONE, Contents, Dropped, contents, opened_folder
from postwarden.errors import ConnectorError, Reason
from postwarden.formats.drop_manifest import folder_of
from postwarden.formats.exported import FORWARD_FILES, RULE_ITEMS, SIEVE_SCRIPTS, check_of, decode
from postwarden.model.account import Account
from postwarden.model.encoding import encodable
from postwarden.model.reading import SAME_GRADE, CheckDone, Gap, Grade, Item, NotSupported, Observed
from postwarden.model.scope import Scope, account_scope, source_scope

#: What is dropped at all, and when: the check that says whether the folder can be relied on.
DROPPED_FILES = "dropped_files"
DROP = "drop"

#: A clock that goes ahead by more is wrong.
_AHEAD = timedelta(minutes=5)

_CHECK_OF_KIND = {"forward": FORWARD_FILES, "sieve": SIEVE_SCRIPTS}
_OPEN = "it must belong to root or the service's user, who alone and with the group may write it (deploy/README.md)"


class Options(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the folder is; after `max_age` hours what is in it says nothing about now.

    `accounts` is `all` where each account must have something in it, `present` where one without is not covered.
    """

    path: str
    max_age: Annotated[int, Meta(ge=1, le=8_760)] = 26
    accounts: Literal["all", "present"] = "all"


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    """The drop folder, open; raises ConnectorError where it cannot be used, or others could have written it."""
    try:
        with opened_folder(str(path)) as drop:
            status = os.fstat(drop)
            if status.st_uid not in {0, os.geteuid()} or status.st_mode & stat.S_IWOTH:
                raise ConnectorError(
                    f"the drop folder {path} is not trusted: uid {status.st_uid}, mode {stat.S_IMODE(status.st_mode):04o}",
                    _OPEN,
                    reason="forbidden",
                )
            yield drop
    except OSError as exc:
        raise ConnectorError(
            f"the drop folder {path} cannot be read: {exc.strerror}", _OPEN, reason="unreachable"
        ) from exc


class DropFolderSource:
    """One drop folder."""

    checks: tuple[str, ...] = (
        DROPPED_FILES, FORWARD_FILES, SIEVE_SCRIPTS, "inbox_rules", RULE_ITEMS, "delegates", "folder_permissions",
        "automatic_replies", "add_ins",
    )  # fmt: skip
    source_checks: tuple[str, ...] = (DROP,)
    #: Of the formats that it takes, the least tried one: `.forward` files.
    grade: Grade = "from documentation only"
    grades: Mapping[str, Grade] = SAME_GRADE
    connections = 1

    def __init__(self, name: str, options: Options, *, folder: Path, clock: Callable[[], datetime]) -> None:
        self.name = name
        self._path = folder / options.path
        self._age = timedelta(hours=options.max_age)
        self._all = options.accounts == "all"
        self._clock = clock

    def prepare(self, accounts: Sequence[Account]) -> None:
        """There is no secret to look at."""

    def read_source(self) -> Iterator[Item]:
        """Whether the folder can be used, and whether anything lies in it that belongs to no account."""
        scope = source_scope(self.name)
        try:
            for name in self._strays():
                yield self._gap(
                    scope,
                    DROP,
                    "malformed",
                    f"{name} belongs to no account",
                    "put it into a folder named by the login",
                )
        except ConnectorError as exc:
            yield self._gap(scope, DROP, exc.reason, exc.message, exc.hint)
        else:
            yield CheckDone(scope=scope, source=self.name, check=DROP)

    def read_account(self, account: Account) -> Iterator[Item]:
        """What was dropped about an account; where the folder cannot be used, a gap for each check."""
        scope = account_scope(account.key)
        try:
            found = self._contents(account)
        except ConnectorError as exc:
            for check in self.checks:
                yield self._gap(scope, check, exc.reason, exc.message, exc.hint)
            return
        ended: set[str] = set()
        for item in self._items(account, scope, found):
            if isinstance(item, Gap | CheckDone):
                ended.add(item.check)
            yield item
        for check in self.checks:
            if check not in ended:
                yield NotSupported(
                    scope=scope, source=self.name, check=check, message="nothing of this kind was dropped"
                )

    def _strays(self) -> Iterator[str]:
        with _opened(self._path) as drop, os.scandir(drop) as entries:
            for entry in entries:
                if not entry.is_dir(follow_symlinks=False) and not entry.name.startswith("."):
                    yield encodable(entry.name)

    def _contents(self, account: Account) -> tuple[Contents, ...]:
        """What lies under each name of the account; raises ConnectorError where the folder cannot be used."""
        names = dict.fromkeys(
            folder_of(name) for name in (account.login_at(self.name), account.login, *account.addresses)
        )
        with _opened(self._path) as drop:
            return tuple(contents(drop, name, self._clock()) for name in names)

    def _items(self, account: Account, scope: Scope, found: Sequence[Contents]) -> Iterator[Item]:
        standing = [one for part in found for one in part.now]
        for part in found:
            for trouble in part.troubles:
                yield self._gap(
                    scope, DROPPED_FILES, trouble.reason, trouble.message, trouble.hint, part=trouble.part
                )
        told: set[tuple[str, str, bytes, bool]] = set()
        for one in standing:
            yield from self._dropped(one, account, scope, told)
        for one in (one for part in found for one in part.before):
            # What came and went between two sweeps was there: it is judged, and what it lacks matters no more.
            items = self._evidence(one, account, scope, told)
            yield from (item for item in items if isinstance(item, Observed))
        if standing:
            yield CheckDone(scope=scope, source=self.name, check=DROPPED_FILES)
        elif self._all and not any(part.troubles for part in found):
            waits = any(part.waiting for part in found)
            yield self._gap(
                scope,
                DROPPED_FILES,
                "unreachable",
                f"what was dropped for {account.login} is not whole yet"
                if waits
                else f"nothing was dropped for {account.login}",
                f"see whether the collector runs; files belong into {self._path / folder_of(account.login)}",
            )

    def _dropped(
        self, one: Dropped, account: Account, scope: Scope, told: set[tuple[str, str, bytes, bool]]
    ) -> Iterator[Item]:
        """What one thing says that stands now: its evidence, what is missing, and the checks that it ends."""
        yield from self._evidence(one, account, scope, told)
        kinds = one.manifest.kinds if one.manifest else ()
        checks = dict.fromkeys(_CHECK_OF_KIND[kind] for kind in kinds)
        checks |= dict.fromkeys(check_of(file.raw, file.kind) or DROPPED_FILES for file in one.files)
        for problem in one.problems:
            yield self._gap(
                scope,
                _CHECK_OF_KIND[problem.kind],
                problem.reason,
                f"was not collected: {problem.message}",
                "look at it on the mail host",
                part=f"{one.manifest.host if one.manifest else ''}:{problem.path}",
            )
        wrong = self._time_wrong(one.collected)
        for check in checks:
            if wrong is not None:
                yield self._gap(scope, check, wrong[0], wrong[1], wrong[2], part=one.name)
            yield CheckDone(scope=scope, source=self.name, check=check)

    def _time_wrong(self, collected: datetime) -> tuple[Reason, str, str] | None:
        age = self._clock() - collected
        if age > self._age:
            return (
                "unreachable",
                f"is of {collected:%Y-%m-%d %H:%M} UTC, older than {self._age // timedelta(hours=1)} hours",
                f"see whether the collector runs; drop it anew, or move it out of {DONE}",
            )
        if age < -_AHEAD:
            return (
                "malformed",
                f"is of {collected:%Y-%m-%d %H:%M} UTC, which is still to come",
                "set the clocks",
            )
        return None

    def _evidence(
        self, one: Dropped, account: Account, scope: Scope, told: set[tuple[str, str, bytes, bool]]
    ) -> Iterator[Item]:
        for file in one.files:
            mark = (file.kind, file.name, file.raw, file.active)
            if mark in told:
                continue
            told.add(mark)
            for item in decode(
                file.raw,
                account,
                kind=file.kind,
                name=file.name,
                active=file.active,
                scope=scope,
                source=self.name,
                observed=one.collected,
            ):
                if isinstance(item, Gap):
                    check = item.check if item.check in self.checks else DROPPED_FILES
                    yield replace(item, check=check, part=item.part or file.name)
                elif isinstance(item, Observed):
                    yield item

    def _gap(
        self,
        scope: Scope,
        check: str,
        reason: Reason,
        message: str,
        hint: str | None,
        *,
        part: str | None = None,
    ) -> Gap:
        return Gap(
            scope=scope, source=self.name, check=check, reason=reason, message=message, part=part, hint=hint
        )
