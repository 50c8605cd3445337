"""Everything that is asked of Keycloak: one table, which the transport enforces, and the roles that it takes."""

from postwarden.connectors.rest.allowed import Allowed, Row

#: Entries of a page.
PAGE = 500

VIEW_USERS, VIEW_CLIENTS = "view-users", "view-clients"
#: The table of least rights, roles of the client `realm-management`; the README's is this one.
NEEDS: dict[str, tuple[str, ...]] = {
    VIEW_USERS: ("grants", "offline_sessions"),
    VIEW_CLIENTS: ("grants", "offline_sessions", "clients"),
}
#: Roles that come with the ones above by themselves.
COMPOSED = frozenset({"query-users", "query-groups", "query-clients"})

_PAGES = frozenset({"first", "max"})


def allowed(origin: str, base: str, realm: str) -> Allowed:
    """What may be asked below `base`, the path of Keycloak at `origin`; none of it changes anything."""
    admin = f"{base}/admin/realms/{realm}"
    return Allowed(
        origin,
        (
            Row(path=f"{admin}/users", query=_PAGES | {"briefRepresentation"}, needs=VIEW_USERS),
            Row(path=f"{admin}/users/{{id}}/consents", needs=VIEW_USERS),
            Row(path=f"{admin}/clients", query=_PAGES, needs=VIEW_CLIENTS),
            Row(path=f"{admin}/clients/{{id}}/offline-sessions", query=_PAGES, needs=VIEW_CLIENTS),
        ),
    )
