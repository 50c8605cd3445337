"""The source kind `managesieve`: every Sieve script of an account, and which one is active.

Observed live against Dovecot 2.3 with Pigeonhole.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from msgspec import Struct

from postwarden.connectors.identity import Login, identity_for, prepare
from postwarden.connectors.managesieve_session import Session
from postwarden.connectors.sweep import Sweep, account_gaps, own_session, transport_setting
from postwarden.connectors.wire import Tls, context
from postwarden.errors import ConnectorError
from postwarden.formats.sieve.decoding import decode
from postwarden.model.account import Account
from postwarden.model.encoding import decodable
from postwarden.model.reading import CheckDone, Gap, Item
from postwarden.model.scope import Scope, account_scope

SIEVE_SCRIPTS = "sieve_scripts"

#: More scripts than this in one account is taken for a server's mistake.
MAX_SCRIPTS = 1_000


class Options(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the server is and how to log in; `timeout` is in seconds, for each wait."""

    host: str
    login: Login
    port: int = 4190
    tls: Tls = "starttls"
    ca_file: str | None = None
    cleartext_to: str | None = None
    timeout: int = 20


class ManageSieveSource:
    """One ManageSieve server."""

    checks = (SIEVE_SCRIPTS,)
    source_checks = ("transport",)

    def __init__(self, name: str, options: Options, *, folder: Path, clock: Callable[[], datetime]) -> None:
        self.name = name
        self._options = options
        self._folder = folder
        self._clock = clock
        self._context = context(str(folder / options.ca_file) if options.ca_file else None)
        self._sweep = Sweep()

    def prepare(self, accounts: Sequence[Account]) -> None:
        prepare(self._options.login, accounts, source=self.name, folder=self._folder)

    def read_source(self) -> Iterator[Item]:
        """The source's own settings, from its options."""
        yield from transport_setting(
            self.name, self._options.tls, self._options.host, self._options.cleartext_to, self._clock()
        )

    def read_account(self, account: Account) -> Iterator[Item]:
        scope = account_scope(account.key)
        try:
            self._sweep.ensure_open()
            yield from self._read(account, scope)
        except ConnectorError as exc:
            yield from account_gaps(exc, scope, self.name, self.checks)

    def _read(self, account: Account, scope: Scope) -> Iterator[Item]:
        options = self._options
        identity = identity_for(options.login, account, source=self.name, folder=self._folder)
        session = Session(
            options.host,
            options.port,
            tls=options.tls,
            cleartext_to=options.cleartext_to,
            timeout=options.timeout,
            context=self._context,
        )
        try:
            yield own_session(
                self.name,
                "managesieve",
                identity,
                account,
                options.host,
                options.port,
                session.local,
                self._clock(),
            )
            self._sweep.log_in(identity, lambda: session.authenticate(identity))
            self._check_owner(session, account)
            yield from self._read_scripts(session, scope)
        finally:
            session.leave()

    def _check_owner(self, session: Session, account: Account) -> None:
        """Refuses the scripts of somebody else, as a server gives them that ignores the one we act for."""
        owner = session.owner()
        own = {account.login.casefold(), account.login_at(self.name).casefold(), *account.addresses}
        if owner is not None and owner.casefold() not in own:
            raise ConnectorError(
                f"{self._options.host}:{self._options.port} answered with the scripts of {owner}",
                "the server does not let this log-in act for others: use a master user that it knows",
                reason="malformed",
            )

    def _read_scripts(self, session: Session, scope: Scope) -> Iterator[Item]:
        scripts = session.scripts()
        if len(scripts) > MAX_SCRIPTS:
            raise ConnectorError(
                f"the server lists {len(scripts)} scripts", "look at the server", reason="malformed"
            )
        for name, active in scripts:
            shown = decodable(name)
            try:
                raw = session.script(name)
            except ConnectorError as exc:
                if exc.reason != "forbidden":
                    raise
                yield Gap(
                    scope=scope,
                    source=self.name,
                    check=SIEVE_SCRIPTS,
                    reason=exc.reason,
                    message=exc.message,
                    part=f"script {shown}",
                    hint=exc.hint,
                )
                continue
            yield from decode(
                raw,
                name=shown,
                active=active,
                scope=scope,
                source=self.name,
                check=SIEVE_SCRIPTS,
                observed=self._clock(),
            )
        yield CheckDone(scope=scope, source=self.name, check=SIEVE_SCRIPTS)
