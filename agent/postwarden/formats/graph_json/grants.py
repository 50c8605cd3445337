"""What applications were allowed: by persons or for everybody (delegated), and by themselves (roles)."""

from msgspec import Struct

from postwarden.formats import json_text
from postwarden.formats.graph_json.applications import time
from postwarden.model.application import Dated
from postwarden.model.encoding import encodable


class Delegated(Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """A permission to act for somebody. `client_id` and `resource_id` are service principals' ids, no application's."""

    id: str
    client_id: str
    resource_id: str
    scope: str | None = None
    consent_type: str | None = None
    principal_id: str | None = None

    @property
    def for_everybody(self) -> bool:
        """By its type; one of a type that is not known and that names nobody is taken for everybody's."""
        return self.consent_type == "AllPrincipals" or self.principal_id is None

    @property
    def scopes(self) -> tuple[str, ...]:
        """The scopes, which Graph writes with spaces in all places (RFC 6749 section 3.3 has one between two)."""
        return tuple(dict.fromkeys(encodable(one) for one in (self.scope or "").split()))


class Assigned(Struct, frozen=True, kw_only=True, rename="camel"):
    """A role that an application has by itself, on the resource `resource_id`."""

    id: str
    app_role_id: str
    principal_id: str
    resource_id: str
    principal_type: str | None = None
    created_date_time: str | None = None

    @property
    def granted(self) -> Dated | None:
        moment = time(self.created_date_time)
        return Dated(time=moment, origin="api") if moment else None


def read_delegated(raw: bytes) -> Delegated:
    """Raises JsonError."""
    return json_text.item(raw, Delegated)


def read_assigned(raw: bytes) -> Assigned:
    """Raises JsonError."""
    return json_text.item(raw, Assigned)
