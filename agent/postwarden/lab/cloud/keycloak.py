"""Keycloak's part of the lab's cloud: the provider in front of the company's own mail server."""

from dataclasses import dataclass, field
from datetime import datetime
from email.message import Message

from postwarden.lab.cloud import keycloak_state
from postwarden.lab.cloud.bearers import Bearer, Bearers
from postwarden.lab.cloud.host import Host
from postwarden.lab.cloud.keycloak_dialect import KeycloakDialect
from postwarden.lab.cloud.keycloak_host import KeycloakHost
from postwarden.lab.cloud.keycloak_state import KeycloakState
from postwarden.lab.cloud.organisation import CloudOrganisation
from postwarden.lab.cloud.routing import Refused
from postwarden.lab.cloud.surroundings import Surroundings

_SECRET = "lab-postwarden-Groyne"  # noqa: S105 (the lab's own)
#: How long Keycloak's access tokens live where nothing is set.
_SECONDS = 300


@dataclass(frozen=True)
class KeycloakCloud:
    """The realm as it runs; `url` is the server's origin."""

    state: KeycloakState
    realm: str
    client_id: str
    client_secret: str = field(repr=False)
    url: str
    issuer: str
    token_url: str
    bearers: Bearers


class KeycloakServer:
    """The host, before it listens; `started` is called once it knows its origin."""

    def __init__(self, whole: CloudOrganisation, surroundings: Surroundings, *, start: datetime) -> None:
        self.state = keycloak_state.filled(whole, start)
        self.bearers = Bearers(surroundings.clock, seconds=_SECONDS)
        self._client_id = whole.application("postwarden-keycloak").id
        self._answers = KeycloakHost(
            self.state, self.bearers, client_id=self._client_id, client_secret=_SECRET
        )
        self.host = Host(
            "keycloak",
            self._answers.operations,
            dialect=KeycloakDialect(),
            surroundings=surroundings,
            identify=self._identified,
        )

    def started(self) -> KeycloakCloud:
        """The realm, once its host knows its origin."""
        self._answers.origin = self.host.origin
        return KeycloakCloud(
            self.state,
            self.state.realm,
            self._client_id,
            _SECRET,
            self.host.origin,
            self._answers.issuer,
            self._answers.token_url,
            self.bearers,
        )

    def _identified(self, headers: Message) -> Bearer:
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or not token:
            raise Refused(401, "HTTP 401 Unauthorized", "", problem="no token")
        bearer = self.bearers.use(token)
        if bearer == "unknown":
            raise Refused(401, "HTTP 401 Unauthorized", "", problem="a token of nobody here")
        if bearer == "expired":
            raise KeycloakDialect().expired()
        return bearer
