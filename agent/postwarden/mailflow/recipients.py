"""Whom a name reaches: its own domain, or what the directory says stands behind it."""

from collections.abc import Mapping

from msgspec import Struct

from postwarden.model.address import AddressClass, Domains, classify
from postwarden.model.evidence import Recipient

#: From the worst on: of several addresses behind one name, the first of these counts.
_WORST: tuple[AddressClass, ...] = ("external", "unresolved", "partner", "internal", "own")
_OUTSIDE: frozenset[AddressClass] = frozenset({"external", "partner"})


class Directory(Struct, frozen=True, kw_only=True):
    """The organisation's domains, the account's own addresses (lower case), and what was looked up.

    `recipients` are by the name as it was asked, case folded.
    """

    domains: Domains
    own: tuple[str, ...] = ()
    recipients: Mapping[str, Recipient] = {}


class Reached(Struct, frozen=True, kw_only=True):
    """Whose a target is, and the addresses behind its name that make it so, the telling ones first.

    `resolved`: the target was an address, or the directory knows its name. `recipient` is the directory's entry.
    """

    target_class: AddressClass
    addresses: tuple[str, ...]
    resolved: bool
    recipient: Recipient | None = None


def directory(domains: Domains, own: tuple[str, ...], recipients: tuple[Recipient, ...]) -> Directory:
    """The directory of one account; its own entry's aliases are its own addresses too."""
    known = {recipient.asked.casefold(): recipient for recipient in recipients}
    addresses = {address.lower() for address in own}
    for address in own:
        entry = known.get(address.casefold())
        if entry is not None and entry.mailbox_type == "mailbox":
            addresses.update(alias.lower() for alias in entry.addresses)
    return Directory(domains=domains, own=tuple(sorted(addresses)), recipients=known)


def reached(target: str, known: Directory, *, resolved: bool = True) -> Reached:
    """Whom `target` reaches: an address, or with `resolved` False a name that only a directory can tell.

    A contact's mail goes to one of its addresses, nobody can say which, and an internal-looking contact does not
    say where. A group is as far outside as its farthest member. What the directory does not know is unresolved,
    never internal.
    """
    own_class = classify(target, known.domains, known.own) if resolved else "unresolved"
    found = known.recipients.get(target.strip().casefold())
    if found is None or own_class == "own":
        return Reached(target_class=own_class, addresses=(target,), resolved=resolved)
    target_class: AddressClass
    match found.mailbox_type:
        case "contact":
            target_class, ordered = _among(found.addresses, known)
            told = target_class in _OUTSIDE
        case "mailbox":
            target_class, ordered = _among(found.addresses[:1], known)
            told = bool(ordered)
        case "group":
            target_class, ordered = _among(found.members, known)
            told = bool(ordered) and (found.complete or target_class == "external")
        case "public_folder":
            target_class, ordered, told = "internal", (), True
        case "nobody" | "ambiguous":
            # An address outside needs no entry in a directory of ours.
            told = own_class in _OUTSIDE
            target_class, ordered = own_class, (target,) if told else ()
    return Reached(
        target_class=target_class if told else "unresolved", addresses=ordered, resolved=told, recipient=found
    )


def _among(addresses: tuple[str, ...], known: Directory) -> tuple[AddressClass, tuple[str, ...]]:
    """The class that counts among `addresses`, and all of them, those that have it first."""
    classes = {address: classify(address, known.domains, known.own) for address in addresses}
    worst: AddressClass = next((one for one in _WORST if one in classes.values()), "unresolved")
    return worst, tuple(sorted(classes, key=lambda address: classes[address] != worst))
