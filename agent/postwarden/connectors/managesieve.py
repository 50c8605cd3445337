"""The source kind `managesieve`: every Sieve script of an account, and which one is active.

Observed live against Dovecot 2.3 with Pigeonhole, and pymap.
"""

from collections.abc import Iterator

from postwarden.connectors import mail_server
from postwarden.connectors.mail_server import MailServer
from postwarden.connectors.managesieve_session import Session
from postwarden.connectors.wire import Tls
from postwarden.errors import ConnectorError
from postwarden.formats.sieve.decoding import decode
from postwarden.model.account import Account
from postwarden.model.encoding import decodable
from postwarden.model.reading import CheckDone, Gap, Item
from postwarden.model.scope import Scope

SIEVE_SCRIPTS = "sieve_scripts"

#: More scripts than this in one account is taken for a server's mistake.
MAX_SCRIPTS = 1_000


class Options(mail_server.Options, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """As for every mail server; ManageSieve with STARTTLS by default (RFC 5804 section 1.8)."""

    port: mail_server.Port = 4190
    tls: Tls = "starttls"


class ManageSieveSource(MailServer[Session]):
    """One ManageSieve server."""

    protocol = "managesieve"
    checks = (SIEVE_SCRIPTS,)

    def _connect(self) -> Session:
        options = self._options
        return Session(
            options.host,
            options.port,
            tls=options.tls,
            cleartext_to=options.cleartext_to,
            timeout=options.timeout,
            context=self._context,
        )

    def _read(self, session: Session, account: Account, scope: Scope) -> Iterator[Item]:
        self._check_owner(session, account)
        yield from self._read_scripts(session, scope)

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
