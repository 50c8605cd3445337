"""How a grant is taken back: the exact steps, in the order that loses no evidence. postwarden takes none of them.

From Microsoft's reference of Graph (oAuth2PermissionGrant, appRoleAssignment, servicePrincipal, revokeSignInSessions)
and its playbook on consent grants, Google's Admin SDK Directory API (tokens, asps) and Admin console, Keycloak's Admin
REST API, and Exchange's cmdlets.
"""

from collections.abc import Iterator

from postwarden.grants.credentials import Keys
from postwarden.grants.home import Home
from postwarden.model.evidence import Grant

#: Keys that one sentence names.
_KEYS = 5


def steps(grant: Grant, keys: Keys, home: Home) -> tuple[str, ...]:
    """Preserve, revoke, reset: sentences in that order, for the provider and the kind of grant."""
    return tuple(_steps(grant, keys, home))


def _steps(grant: Grant, keys: Keys, home: Home) -> Iterator[str]:
    yield _preserve(grant)
    match grant.provider:
        case "graph":
            yield from _graph(grant, keys, home)
        case "google":
            yield from _google(grant)
        case "keycloak":
            yield from _keycloak(grant)
        case "exchange":
            yield from _exchange(grant)
    yield from _reset(grant)


def _preserve(grant: Grant) -> str:
    logs = {
        "graph": "export the directory's audit log and the sign-ins, which go after 30 days",
        "google": "export the token and Gmail log events, which go after 180 days",
        "keycloak": "export the realm's user and admin events, and the mail server's log",
        "exchange": "export the mailbox's audit log",
    }[grant.provider]
    kept = "what was read is kept in the ledger's blobs; " if grant.blob is not None else ""
    return f"preserve first: {kept}{logs}"


def _graph(grant: Grant, keys: Keys, home: Home) -> Iterator[str]:
    application = grant.application.id
    place = f"Entra admin center > Enterprise applications > {application}"
    if grant.grant_type == "delegated":
        consent = "User consent" if grant.reaches == "account" else "Admin consent"
        yield (
            f"then revoke: {place} > Permissions > {consent}, or DELETE /oauth2PermissionGrants/{{id}}; the id is in "
            "what was kept"
        )
    elif grant.grant_type == "application":
        yield (
            f"then revoke: {place} > Permissions > Admin consent, or DELETE "
            "/servicePrincipals/{id of the resource}/appRoleAssignedTo/{id}; the id is in what was kept"
        )
    elif grant.grant_type == "app_password":
        yield "then revoke: delete the app password in the account's security info, and forbid app passwords"
    if (keys.living and grant.reaches == "everybody") or grant.grant_type in {"application", "registered"}:
        yield from _remove_keys(grant, keys)
    if home != "first_party" and grant.grant_type != "app_password":
        yield (
            f"if nobody needs the application: {place} > Properties > Enabled for users to sign in: No, or PATCH "
            f"/servicePrincipals(appId='{application}') with accountEnabled false; do not delete it, for a deleted one "
            "can come back"
        )


def _remove_keys(grant: Grant, keys: Keys) -> Iterator[str]:
    told, application = keys.added or keys.living, grant.application.id
    if told:
        ids = ", ".join(one.id for one in told[:_KEYS]) + (" and others" if len(told) > _KEYS else "")
        yield (
            f"remove keys that nobody asked for, by their ids ({ids}): POST "
            f"/servicePrincipals(appId='{application}')/removePassword with the keyId, for certificates PATCH "
            f"keyCredentials without it; the same under /applications(appId='{application}') if it is registered here"
        )
    if grant.application.owners:
        yield (
            "remove owners who are not to change it, for they can add keys: DELETE "
            f"/servicePrincipals(appId='{application}')/owners/{{id}}/$ref, and the same under /applications"
        )


def _google(grant: Grant) -> Iterator[str]:
    application = grant.application.id
    if grant.grant_type == "app_password":
        yield (
            "then revoke: Admin console > Directory > Users > the account > Security > Application-specific "
            f"passwords, or asps.delete with codeId {application.rpartition(':')[2]}"
        )
    elif grant.grant_type == "domain_wide":
        yield (
            "then revoke: Admin console > Security > Access and data control > API controls > Domain-wide delegation "
            f"> delete the client {application}; it ends for all accounts at once, so ask first whose it is"
        )
        yield "delete the service account's keys in the project that it belongs to, if it is yours"
    else:
        yield (
            "then revoke: Admin console > Directory > Users > the account > Security > Connected applications, or "
            f"tokens.delete with clientId {application}"
        )
        yield (
            "if nobody needs the application: Admin console > Security > Access and data control > API controls > App "
            "access control: blocked"
        )


def _keycloak(grant: Grant) -> Iterator[str]:
    client = grant.application.id
    if grant.grant_type == "offline_session":
        yield (
            f"then revoke: Admin console > Clients > {client} > Sessions, sign out the account's offline session, or "
            "DELETE /admin/realms/{realm}/sessions/{id}?isOffline=true"
        )
    elif grant.grant_type == "client":
        yield (
            f"then revoke: Admin console > Clients > {client} > Settings > Enabled: Off, or Consent required: On, and "
            "Advanced > Revocation > Set to now"
        )
    else:
        yield (
            f"then revoke: Admin console > Users > the account > Consents > {client} > Revoke, or DELETE "
            "/admin/realms/{realm}/users/{id}/consents/{client}, which ends its offline sessions too"
        )


def _exchange(grant: Grant) -> Iterator[str]:
    if grant.grant_type == "add_in":
        yield (
            f"then revoke: Disable-App or Remove-App -Mailbox ACCOUNT -Identity {grant.application.id}; for all "
            "mailboxes, the Exchange admin center > Organization > Add-ins"
        )
    else:
        yield (
            "then revoke: Get-ManagementRoleAssignment tells the name, Remove-ManagementRoleAssignment takes it away "
            f"(application {grant.application.id})"
        )


def _reset(grant: Grant) -> Iterator[str]:
    if grant.reaches == "everybody" or grant.grant_type in {
        "application",
        "registered",
        "domain_wide",
        "client",
    }:
        by = f" ({grant.granted_by})" if grant.granted_by else ""
        yield f"then reset who let it in{by}, as an account that may be taken over: password, sessions, second factors"
        return
    ending = {
        "graph": "end its sessions (POST /users/{id}/revokeSignInSessions)",
        "google": "end its sessions (users.signOut)",
        "keycloak": "end its sessions (POST /admin/realms/{realm}/users/{id}/logout)",
        "exchange": "end its sessions",
    }[grant.provider]
    yield (
        f"then reset the account, for a new password alone does not end a grant: password, second factors; {ending}; "
        "look at its rules and forwarding"
    )
