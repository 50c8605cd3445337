"""Whose application it is."""

from typing import Literal

from postwarden.grants.catalogue import Catalogue
from postwarden.grants.reply_urls import hosts_of
from postwarden.grants.weights import Weights
from postwarden.model.address import in_domains
from postwarden.model.evidence import Grant

#: `own`: registered in the organisation; `first_party`: the provider's own; `foreign`: somebody else's; `unknown`: the
#: source does not tell.
Home = Literal["own", "first_party", "foreign", "unknown"]


def home_of(grant: Grant, weights: Weights, catalogue: Catalogue) -> Home:
    """Whose application a grant is for, by the tenant that owns it or by its id, never by its name.

    Of an add-in the manifest tells only what its author writes: it is the provider's own where it also lies on the
    provider's hosts.
    """
    application, first_party = grant.application, weights.first_party
    if application.home_tenant is not None and application.home_tenant.casefold() in first_party.tenants:
        return "first_party"
    if grant.provider == "keycloak":
        # Every realm has those clients; who keeps a session with one of them open is another matter.
        built_in = grant.grant_type == "client" and application.id in first_party.keycloak_clients
        return "first_party" if built_in else "own"
    if grant.grant_type == "add_in":
        hosts = hosts_of(application.reply_urls)
        of_microsoft = application.publisher.casefold().startswith("microsoft") and bool(hosts)
        if of_microsoft and all(in_domains(host, first_party.hosts) for host in hosts):
            return "first_party"
        return "unknown"
    if application.own is True:
        return "own"
    entry = catalogue.get(application.id)
    if entry is not None and entry.class_name == "first_party":
        return "first_party"
    if application.own is False or application.home_tenant is not None:
        return "foreign"
    return "unknown"
