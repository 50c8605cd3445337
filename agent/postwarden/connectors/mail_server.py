"""What the mail servers that are logged in to have in common: options, secrets, one sweep's credential."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Generic, Protocol, TypeVar

from msgspec import Meta, Struct

from postwarden.connectors.identity import Identity, Login, identity_for, prepare
from postwarden.connectors.wire import Tls, context
from postwarden.errors import ConfigError, ConnectorError, SecretError
from postwarden.model.account import Account
from postwarden.model.evidence import Setting
from postwarden.model.reading import (
    SAME_GRADE,
    CheckDone,
    Gap,
    Grade,
    Item,
    NotSupported,
    Observed,
    OwnSession,
)
from postwarden.model.scope import Scope, account_scope, source_scope

TRANSPORT = "transport"


Port = Annotated[int, Meta(ge=1, le=65_535)]

#: A name that a resolver can look up, or an address.
_HOST = re.compile(r"(?=.{1,253}\Z)[^\s.]{1,63}(\.[^\s.]{1,63})*\.?|[0-9A-Fa-f:.]+(%\S+)?")


class Options(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the server is and how to log in; `timeout` is in seconds, for each wait."""

    host: str
    login: Login
    port: Port
    tls: Tls
    ca_file: str | None = None
    cleartext_to: str | None = None
    timeout: Annotated[int, Meta(ge=1, le=600)] = 20


class Session(Protocol):
    """An open connection."""

    @property
    def local(self) -> tuple[str, int]: ...

    def authenticate(self, identity: Identity) -> None: ...

    def leave(self) -> None: ...


_Opened = TypeVar("_Opened", bound=Session)


class MailServer(ABC, Generic[_Opened]):
    """A source that is logged in to for each account; what it reads then is the subclass's."""

    protocol: str
    checks: tuple[str, ...]
    source_checks = (TRANSPORT,)
    grade: Grade = "observed live"
    grades: Mapping[str, Grade] = SAME_GRADE
    #: Servers slow an address down that logs in too often: one account after another.
    connections = 1

    def __init__(self, name: str, options: Options, *, folder: Path, clock: Callable[[], datetime]) -> None:
        self.name = name
        if not _HOST.fullmatch(options.host):
            raise ConfigError(f"{options.host!r} is no host", "write a name or an address", key="host")
        self._options = options
        self._folder = folder
        self._clock = clock
        self._context = context(str(folder / options.ca_file) if options.ca_file else None)
        self._sweep = Sweep()

    def prepare(self, accounts: Sequence[Account]) -> None:
        prepare(self._options.login, accounts, source=self.name, folder=self._folder)

    def read_source(self) -> Iterator[Item]:
        """How the source is reached: `tls`, `cleartext`, or `loopback` (cleartext on this host).

        Cleartext elsewhere than to loopback works only with `cleartext_to`, so that name alone decides.
        """
        options, scope = self._options, source_scope(self.name)
        value = "tls" if options.tls != "none" else "cleartext" if options.cleartext_to else "loopback"
        setting = Setting(
            scope=scope,
            source=self.name,
            check=TRANSPORT,
            observed=self._clock(),
            name="transport_encryption",
            value=value,
        )
        yield Observed(evidence=setting, raw=f"tls = {options.tls}\nhost = {options.host}\n".encode())
        yield CheckDone(scope=scope, source=self.name, check=TRANSPORT)

    def read_account(self, account: Account) -> Iterator[Item]:
        """What the server says about an account; an error leaves a gap for each check that was not ended."""
        scope = account_scope(account.key)
        missing = list(self.checks)
        try:
            # A secret of its own that cannot be had costs only this account; shared ones were looked at before.
            self._sweep.ensure_open()
            for item in self._log_in_and_read(account, scope):
                if isinstance(item, CheckDone | NotSupported):
                    missing.remove(item.check)
                yield item
        except (ConnectorError, SecretError) as exc:
            for check in missing:
                yield Gap(
                    scope=scope,
                    source=self.name,
                    check=check,
                    reason=exc.reason if isinstance(exc, ConnectorError) else "refused",
                    message=exc.message,
                    hint=exc.hint,
                )

    def _log_in_and_read(self, account: Account, scope: Scope) -> Iterator[Item]:
        identity = identity_for(self._options.login, account, source=self.name, folder=self._folder)
        session = self._connect()
        try:
            address, port = session.local
            yield OwnSession(
                source=self.name,
                protocol=self.protocol,
                identity=identity.user,
                account=account.key,
                server=f"{self._options.host}:{self._options.port}",
                local_address=address,
                local_port=port,
                opened=self._clock(),
            )
            self._sweep.log_in(identity, lambda: session.authenticate(identity))
            yield from self._read(session, account, scope)
        finally:
            session.leave()

    @abstractmethod
    def _connect(self) -> _Opened:
        """A connection that is not logged in yet."""

    @abstractmethod
    def _read(self, session: _Opened, account: Account, scope: Scope) -> Iterator[Item]:
        """What a logged-in session reads."""


#: Accounts in a row whose log-in is refused, after which a secret that worked before is no longer taken to be right.
MOST_REFUSALS = 3


class Sweep:
    """Remembers, for one pass over a source, whether its credential was refused.

    Servers delay the whole address after refusals, and directories lock accounts: so the first refusal
    ends the sweep, unless the same shared secret worked before, which shows that only the account is at
    fault. A few such in a row end it all the same: the secret may have been changed meanwhile.
    """

    def __init__(self) -> None:
        self._refused: str | None = None
        self._worked = False
        self._in_a_row = 0

    def ensure_open(self) -> None:
        """Raises ConnectorError where the sweep has ended."""
        if self._refused is not None:
            raise ConnectorError(
                f"not tried: the server refused {self._refused} in this sweep",
                "mend the credential and run again",
                reason="refused",
            )

    def log_in(self, identity: Identity, attempt: Callable[[], None]) -> None:
        try:
            attempt()
        except ConnectorError as exc:
            if exc.reason == "refused":
                self._in_a_row += 1
                if not (identity.shared and self._worked) or self._in_a_row >= MOST_REFUSALS:
                    self._refused = identity.name
            raise
        self._worked = True
        self._in_a_row = 0
