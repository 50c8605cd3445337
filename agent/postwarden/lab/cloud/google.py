"""Google's part of the lab's cloud: the token endpoint, Directory and Reports, and Gmail's settings."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import Message
from pathlib import Path

from postwarden.lab.assertions import Clock
from postwarden.lab.cloud import google_filling
from postwarden.lab.cloud.bearers import Bearer, Bearers
from postwarden.lab.cloud.cursors import Cursors
from postwarden.lab.cloud.gmail import GmailSettingsHost
from postwarden.lab.cloud.google_admin import GoogleAdmin
from postwarden.lab.cloud.google_dialect import GoogleDialect, GoogleTokenDialect
from postwarden.lab.cloud.google_state import GoogleState
from postwarden.lab.cloud.google_tokens import GoogleTokens, ServiceAccount, write_key
from postwarden.lab.cloud.host import Host
from postwarden.lab.cloud.occasions import Dialect
from postwarden.lab.cloud.organisation import CloudOrganisation
from postwarden.lab.cloud.routing import Refused
from postwarden.lab.cloud.surroundings import Surroundings
from postwarden.lab.entra import rsa_key


@dataclass(frozen=True)
class GoogleCloud:
    """The domain as it runs.

    `key_file` is the service account's key, `admin` an administrator that it may act as; `admin_url` is the origin of
    Directory and Reports, `gmail_url` Gmail's.
    """

    state: GoogleState
    domain: str
    customer_id: str
    client_number: str
    service_account: str
    key_file: Path
    admin: str
    token_url: str
    admin_url: str
    gmail_url: str
    bearers: Bearers
    cursors: Cursors


class GoogleHosts:
    """The three hosts, before they listen; `started` is called with their origins once they do."""

    def __init__(
        self,
        folder: Path,
        whole: CloudOrganisation,
        surroundings: Surroundings,
        *,
        start: datetime,
        computer_clock: Clock,
    ) -> None:
        """Assertions are checked by `computer_clock`, since clients make them by it."""
        self.state = google_filling.filled(whole, start)
        self._account = ServiceAccount(
            whole.application("postwarden-google").id,
            "postwarden@kitano-audit.iam.gserviceaccount.example",
            folder / "google-key.json",
            rsa_key("application"),
        )
        self.bearers = Bearers(surroundings.clock)
        self.cursors = Cursors()
        self._tokens = GoogleTokens(self.state, self._account, self.bearers, computer_clock)
        self._token = Host(
            "google_token", self._tokens.operations, dialect=GoogleTokenDialect(), surroundings=surroundings
        )
        self._admin = Host(
            "google_admin",
            GoogleAdmin(self.state, self.cursors).operations,
            dialect=GoogleDialect("admin"),
            surroundings=surroundings,
            identify=self._identify(GoogleDialect("admin")),
        )
        self._gmail = Host(
            "gmail",
            GmailSettingsHost(self.state).operations,
            dialect=GoogleDialect("gmail"),
            surroundings=surroundings,
            identify=self._identify(GoogleDialect("gmail")),
        )

    @property
    def hosts(self) -> Sequence[Host]:
        return (self._token, self._admin, self._gmail)

    def started(self) -> GoogleCloud:
        """The domain, once each host knows its origin."""
        self._tokens.origin = self._token.origin
        write_key(self._account, self._tokens.token_url)
        admin = next(user for user in self.state.users if user.admin)
        return GoogleCloud(
            self.state,
            self.state.domain,
            self.state.customer_id,
            self._account.client_number,
            self._account.email,
            self._account.key_file,
            admin.email,
            self._tokens.token_url,
            self._admin.origin,
            self._gmail.origin,
            self.bearers,
            self.cursors,
        )

    def _identify(self, dialect: Dialect) -> Callable[[Message], Bearer]:
        def identified(headers: Message) -> Bearer:
            scheme, _, token = headers.get("Authorization", "").partition(" ")
            if scheme != "Bearer" or not token:
                raise Refused(401, "required", "Login Required.", problem="no token")
            bearer = self.bearers.use(token)
            if bearer == "unknown":
                raise Refused(401, "authError", "Invalid Credentials", problem="a token of nobody here")
            if bearer == "expired":
                raise dialect.expired()
            return bearer

        return identified
