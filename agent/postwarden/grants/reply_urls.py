"""Where an application has its tokens sent: addresses that are odd for one that others may trust.

RFC 8252 section 7.3 lets programs on a desk listen on loopback, so that is ordinary. Schemes of their own
(`msal…://auth`) are ordinary too.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from msgspec import Struct

from postwarden.grants.weights import Hosts
from postwarden.model.address import domain_of, in_domains

#: Addresses of one application that are looked at, and characters of each.
MAX_ADDRESSES, MAX_CHARACTERS = 100, 2_000

#: What a campaign that Proofpoint follows as MACT 1445 registered.
_ACCESS = re.compile(r"http://localhost:\d+/access/?", re.IGNORECASE)
_DOMAIN = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+", re.IGNORECASE)
_WEB = frozenset({"http", "https"})

#: Flags that say little by themselves.
WEAK = frozenset({"other_domain", "unreadable"})


class ReplyFlags(Struct, frozen=True, kw_only=True):
    """What is odd about the addresses: `flags` by their names, a sentence for each, in the same order.

    `access_path`: a loopback address of a known campaign's form; `cleartext`: http beyond loopback; `address`: an IP
    address for a host; `tunnel`, `free_host`: a host name that anybody gets; `wildcard`: any address at all;
    `other_domain`: none is of the publisher's domain; `unreadable`.
    """

    flags: tuple[str, ...] = ()
    sentences: tuple[str, ...] = ()


@lru_cache(maxsize=4096)
def reply_flags(addresses: tuple[str, ...], publisher: str, hosts: Hosts) -> ReplyFlags:
    """What is odd about an application's reply URLs; each flag once, by the first address that has it."""
    found: dict[str, str] = {}
    for address in addresses[:MAX_ADDRESSES]:
        for flag, sentence in _flags(address[:MAX_CHARACTERS], hosts):
            found.setdefault(flag, sentence)
    if strangers := _other_domain(addresses[:MAX_ADDRESSES], publisher):
        found["other_domain"] = strangers
    return ReplyFlags(flags=tuple(found), sentences=tuple(found.values()))


def hosts_of(addresses: tuple[str, ...]) -> tuple[str, ...]:
    """The hosts of the web addresses among them, in lower case."""
    found = (_split(address[:MAX_CHARACTERS]) for address in addresses[:MAX_ADDRESSES])
    return tuple(dict.fromkeys(one.hostname for one in found if one and one.scheme in _WEB and one.hostname))


def _flags(address: str, hosts: Hosts) -> Iterator[tuple[str, str]]:
    if _ACCESS.fullmatch(address.strip()):
        yield "access_path", f"tokens are sent to {address}, an address that a phishing campaign registered"
    parts = _split(address)
    if parts is None:
        yield "unreadable", f"tokens are sent to {address}, which is no address"
        return
    host = (parts.hostname or "").rstrip(".")
    if address.strip() == "*" or "*" in host or (parts.scheme in _WEB and not host):
        yield "wildcard", f"tokens may be sent to any address ({address})"
        return
    if parts.scheme not in _WEB or _is_loopback(host):
        return
    if parts.scheme == "http":
        yield "cleartext", f"tokens are sent without encryption, to {address}"
    if _is_ip(host):
        yield "address", f"tokens are sent to an IP address, {host}"
    if in_domains(host, hosts.tunnel):
        yield "tunnel", f"tokens are sent through a tunnel to somebody's own machine, {host}"
    if in_domains(host, hosts.free):
        yield "free_host", f"tokens are sent to a host that anybody gets for nothing, {host}"


def _other_domain(addresses: tuple[str, ...], publisher: str) -> str | None:
    """A publisher that gives a domain for its name, and has no address there."""
    domain = domain_of(f"x@{publisher}") if _DOMAIN.fullmatch(publisher[:MAX_CHARACTERS]) else None
    hosts = [host for host in hosts_of(addresses) if not _is_loopback(host)]
    if domain is None or not hosts:
        return None
    # Without a list of public suffixes: the publisher's last two labels, three where they are short (co.uk).
    labels = domain.split(".")
    count = 3 if len(labels) > 2 and len(labels[-2]) <= 3 else 2
    own = ".".join(labels[-count:])
    if any(in_domains(host.rstrip("."), (own,)) for host in hosts):
        return None
    return f"none of the addresses that tokens are sent to is of {domain}"


def _split(address: str) -> SplitResult | None:
    try:
        parts = urlsplit(address.strip())
        # The host is parsed only when it is asked for.
        parts.hostname  # noqa: B018 - it raises where there is none
    except ValueError:
        return None
    return parts


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _is_ip(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
