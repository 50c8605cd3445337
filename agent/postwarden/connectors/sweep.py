"""What the connectors share: a sweep's credential, gaps of an account, our own sessions."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from postwarden.connectors.identity import Identity
from postwarden.connectors.wire import Tls
from postwarden.errors import ConnectorError
from postwarden.model.account import Account
from postwarden.model.evidence import Setting
from postwarden.model.reading import CheckDone, Gap, Item, Observed, OwnSession
from postwarden.model.scope import Scope, source_scope


class Sweep:
    """Remembers, for one pass over a source, whether its credential was refused.

    Servers delay the whole address after refusals, and directories lock accounts: so the first refusal
    ends the sweep, unless the same shared secret worked before, which shows that only the account is at
    fault.
    """

    def __init__(self) -> None:
        self._refused: str | None = None
        self._worked = False

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
            if exc.reason == "refused" and not (identity.shared and self._worked):
                self._refused = identity.name
            raise
        self._worked = True


def account_gaps(exc: ConnectorError, scope: Scope, source: str, checks: Iterable[str]) -> Iterator[Gap]:
    """One gap for each check that an error kept us from reading."""
    for check in checks:
        yield Gap(
            scope=scope, source=source, check=check, reason=exc.reason, message=exc.message, hint=exc.hint
        )


def own_session(
    source: str,
    protocol: str,
    identity: Identity,
    account: Account,
    host: str,
    port: int,
    local: tuple[str, int],
    now: datetime,
) -> OwnSession:
    return OwnSession(
        source=source,
        protocol=protocol,
        identity=identity.user,
        account=account.key,
        server=f"{host}:{port}",
        local_address=local[0],
        local_port=local[1],
        opened=now,
    )


def transport_setting(
    source: str, tls: Tls, host: str, cleartext_to: str | None, now: datetime
) -> Iterator[Item]:
    """How the source is reached, as a setting: `tls`, `cleartext`, or `loopback` (cleartext on this host).

    Cleartext elsewhere than to loopback works only with `cleartext_to`, so that name alone decides.
    """
    value = "tls" if tls != "none" else "cleartext" if cleartext_to is not None else "loopback"
    scope = source_scope(source)
    setting = Setting(
        scope=scope, source=source, check="transport", observed=now, name="transport_encryption", value=value
    )
    yield Observed(evidence=setting, raw=f"tls = {tls}\nhost = {host}\n".encode())
    yield CheckDone(scope=scope, source=source, check="transport")
