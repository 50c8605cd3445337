"""Mail addresses and whose they are."""

import re
import unicodedata
from typing import Literal

from msgspec import Struct

#: Whose an address is. `own` belongs to the account itself, `partner` to a domain that the organisation
#: named; `unresolved` could not be read as an address, or no internal domain is configured.
AddressClass = Literal["internal", "own", "partner", "external", "unresolved"]


_LABEL = re.compile(r"[a-z0-9_-]{1,63}")
#: An address literal, RFC 5321 section 4.1.3: it is nobody's domain.
_LITERAL = re.compile(r"\[[0-9A-Za-z:.]{1,60}\]")
_NEVER = frozenset(' <>(),;:@[]\\"')


class Domains(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The organisation's accepted domains and its allowed partners, lower case.

    A domain also stands for its sub-domains, compared label by label: `mail.example.org` is in
    `example.org`, `evil-example.org` is not.
    """

    internal: tuple[str, ...] = ()
    partners: tuple[str, ...] = ()


def domain_of(address: str) -> str | None:
    """The lower-case domain in ASCII of `user@domain`, or None if it is not such an address.

    International labels are normalised as RFC 5895 does and written in Punycode (RFC 5891); letters that
    IDNA 2003 merged (`ß` with `ss`) stay apart, since they are registered apart.
    """
    local, at, domain = address.strip().strip("<>").rpartition("@")
    if not at or not local:
        return None
    if _LITERAL.fullmatch(domain):
        return domain.lower()
    normal = unicodedata.normalize("NFKC", domain).lower().replace("\u3002", ".").removesuffix(".")
    labels = [_label(label) for label in normal.split(".")]
    return ".".join(label for label in labels if label is not None) if None not in labels else None


def _label(label: str) -> str | None:
    if label.isascii():
        return label if _LABEL.fullmatch(label) else None
    if any(not char.isprintable() or char in _NEVER for char in label):
        return None
    try:
        encoded = "xn--" + label.encode("punycode").decode("ascii")
    except UnicodeError:
        return None
    return encoded if _LABEL.fullmatch(encoded) else None


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
