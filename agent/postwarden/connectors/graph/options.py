"""Which tenant is read, and as whom."""

from datetime import date
from typing import Annotated, Literal

from msgspec import Meta, Struct

from postwarden.connectors.graph.clouds import CLOUDS, Cloud, Urls
from postwarden.connectors.graph.login import Login
from postwarden.connectors.graph.rights import CMDLET_NEEDS, INCIDENT_NEEDS, NEEDS, Identity, Need


class Options(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which tenant, and as which application.

    `cloud` names Microsoft's cloud, `urls` other places instead. `version` is Graph's. `connections` are the
    requests at once to mailboxes (Outlook lets an application have four), `timeout` is in seconds for each wait.
    With `sign_ins`, interactive sign-ins go into the history; the tenant needs Entra ID P1 or P2 for that.
    `identity` is `watch`, or `incident` for one case until the day `until`.
    """

    tenant: str
    login: Login
    cloud: Cloud = "global"
    urls: Urls | None = None
    version: Literal["v1.0", "beta"] = "v1.0"
    connections: Annotated[int, Meta(ge=1, le=4)] = 4
    exchange_cmdlets: bool = False
    sign_ins: bool = False
    identity: Identity = "watch"
    until: date | None = None
    timeout: Annotated[int, Meta(ge=1, le=600)] = 60
    ca_file: str | None = None

    def __post_init__(self) -> None:
        if not self.tenant or not all(char.isalnum() or char in "-." for char in self.tenant):
            raise ValueError("tenant must be the tenant's id or one of its domains")
        if (self.identity == "incident") != (self.until is not None):
            raise ValueError(
                'identity "incident" is for one case: it needs until, a date, which "watch" has not'
            )

    @property
    def needs(self) -> tuple[Need, ...]:
        """The least rights for what is to be read."""
        cmdlets = CMDLET_NEEDS if self.exchange_cmdlets else ()
        return (*NEEDS, *cmdlets, *(INCIDENT_NEEDS if self.identity == "incident" else ()))

    @property
    def places(self) -> Urls:
        return self.urls or CLOUDS[self.cloud]
