"""Addresses and ports as logs write them."""

from collections.abc import Iterable
from functools import lru_cache

from postwarden.access.addresses import MAX_TEXT, parse_address, reach


def address_of(text: str) -> str | None:
    """An IP address in its shortest form, IPv4 where it is one in IPv6, without a zone; None for anything else."""
    found = parse_address(text)
    return str(found) if found is not None else None


def is_public(address: str) -> bool:
    """Whether the address is one that anybody in the internet may have."""
    found = parse_address(address)
    return found is not None and reach(found) == "public"


def endpoint(text: str) -> tuple[str, int | None] | None:
    """Address and port of `1.2.3.4`, `1.2.3.4:143`, `[::1]:143` or `::1`; None for anything else."""
    return _endpoint(text) if len(text) <= MAX_TEXT else None


@lru_cache(maxsize=16_384)
def _endpoint(text: str) -> tuple[str, int | None] | None:
    whole = address_of(text)
    if whole is not None:
        return whole, None
    host, _, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif text.startswith("[") and text.endswith("]"):
        host, port = text[1:-1], ""
    address = address_of(host)
    if address is None or (port and not (port.isascii() and port.isdecimal() and int(port[:6]) < 65_536)):
        return None
    return address, int(port) if port else None


def forwarded_client(hops: Iterable[str]) -> str | None:
    """Whom proxies name as the client: the last public address of the list, or its last address.

    Each proxy appends the address that it saw, so the end of the list is what ours say, and everything before
    may have been written by the client itself.
    """
    found = [place[0] for hop in hops if (place := endpoint(hop.strip())) is not None]
    return next((one for one in reversed(found) if is_public(one)), found[-1] if found else None)
