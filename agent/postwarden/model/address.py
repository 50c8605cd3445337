"""Mail addresses and whose they are."""

from typing import Literal

from msgspec import Struct

#: Whose an address is. `own` belongs to the account itself, `partner` to a domain that the organisation
#: named; `unresolved` could not be read as an address, or no internal domain is configured.
AddressClass = Literal["internal", "own", "partner", "external", "unresolved"]


class Domains(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The organisation's accepted domains and its allowed partners, lower case.

    A domain also stands for its sub-domains, compared label by label: `mail.example.org` is in
    `example.org`, `evil-example.org` is not.
    """

    internal: tuple[str, ...] = ()
    partners: tuple[str, ...] = ()


def domain_of(address: str) -> str | None:
    """The lower-case domain in ASCII (IDNA) of `user@domain`, or None if it is not such an address."""
    local, at, domain = address.strip().strip("<>").rpartition("@")
    domain = domain.rstrip(".").lower()
    if not at or not local or not domain or any(char.isspace() or char in "<>()," for char in domain):
        return None
    try:
        return domain if domain.isascii() else domain.encode("idna").decode("ascii")
    except UnicodeError:
        return None


def in_domains(domain: str, domains: tuple[str, ...]) -> bool:
    """Whether `domain` is one of `domains` or below one, per label."""
    return any(domain == known or domain.endswith("." + known) for known in domains)


def classify(address: str, domains: Domains, own: tuple[str, ...]) -> AddressClass:
    """Whose `address` is, for an account whose own addresses are `own` (lower case)."""
    domain = domain_of(address)
    if domain is None:
        return "unresolved"
    if address.strip().strip("<>").lower() in own:
        return "own"
    if not domains.internal:
        return "unresolved"
    if in_domains(domain, domains.internal):
        return "internal"
    return "partner" if in_domains(domain, domains.partners) else "external"
