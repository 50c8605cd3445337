"""ResolveNames and ExpandDL: who stands behind a name ([MS-OXWSRSLNM], [MS-OXWSDLIST])."""

from collections.abc import Iterable

from postwarden.lab.exchange.access import Actor, Refused
from postwarden.lab.exchange.elements import Element, new, text
from postwarden.lab.exchange.messages import attempt, failure, response, success
from postwarden.lab.exchange.model import State
from postwarden.lab.exchange.organisation import DirectoryEntry

#: A mail user is an account with a mailbox elsewhere, and shown as one.
_TYPES = {"mailbox": "Mailbox", "mail_user": "Mailbox", "contact": "Contact", "group": "PublicDL"}
#: The most that one answer has.
_MOST = 100
#: A contact's entry has no more addresses than this.
_ADDRESSES = 3


def resolve_names(state: State, _who: Actor, operation: Element) -> Element:
    """Whoever has this address or legacy DN, else those whose name or address begins so."""
    tag = "m:ResolveNamesResponseMessage"
    full = operation.get("ReturnFullContactData") in {"true", "1"}
    found = _matching(state.directory.values(), text(operation, "m:UnresolvedEntry"))
    if not found:
        return response("ResolveNames", [failure(tag, Refused("ErrorNameResolutionNoResults"))])
    resolutions = new(
        "m:ResolutionSet",
        *(_resolution(entry, full=full) for entry in found[:_MOST]),
        TotalItemsInView=str(len(found)),
        IncludesLastItemInRange=str(len(found) <= _MOST).lower(),
    )
    if len(found) == 1:
        return response("ResolveNames", [success(tag, resolutions)])
    several = Refused("ErrorNameResolutionMultipleResults")
    return response("ResolveNames", [failure(tag, several, resolutions, kind="Warning")])


def expand_dl(state: State, _who: Actor, operation: Element) -> Element:
    """The direct members of a distribution list; a list among them is a member like the others."""
    tag = "m:ExpandDLResponseMessage"

    def make() -> Element:
        written = text(operation, "m:Mailbox", "t:EmailAddress")
        lists = [one for one in _exact(state.directory.values(), written) if one.kind == "group"]
        if not lists:
            raise Refused("ErrorNameResolutionNoResults")
        members = [_mailbox(state.directory[alias]) for alias in lists[0].members if alias in state.directory]
        expansion = new(
            "m:DLExpansion",
            *members,
            TotalItemsInView=str(len(members)),
            IncludesLastItemInRange="true",
        )
        return success(tag, expansion)

    return response("ExpandDL", [attempt(tag, make)])


def _matching(entries: Iterable[DirectoryEntry], written: str) -> list[DirectoryEntry]:
    known = list(entries)
    return _exact(known, written) or [entry for entry in known if _begins(entry, written.casefold())]


def _exact(entries: Iterable[DirectoryEntry], written: str) -> list[DirectoryEntry]:
    """By legacy DN, by the primary address, or, with `smtp:` before it, by any address.

    So says Microsoft's page on ResolveNames: without a routing type the other addresses are not searched.
    """
    wanted = written.casefold()
    if wanted.startswith("smtp:"):
        wanted = wanted.removeprefix("smtp:")
        return [entry for entry in entries if wanted in {one.casefold() for one in entry.addresses}]
    return [
        entry
        for entry in entries
        if wanted == entry.legacy_dn.casefold() or wanted in {one.casefold() for one in entry.addresses[:1]}
    ]


def _begins(entry: DirectoryEntry, wanted: str) -> bool:
    """Ambiguous name resolution: the alias, an address, or a word of the name begins with it."""
    shown = entry.name.casefold()
    words = {entry.alias.casefold(), shown, *shown.replace("(", "").replace(")", "").split()}
    words |= {address.casefold() for address in entry.addresses[:1]}
    words |= {f"smtp:{address.casefold()}" for address in entry.addresses}
    return bool(wanted) and any(word.startswith(wanted) for word in words)


def _mailbox(entry: DirectoryEntry) -> Element:
    return new(
        "t:Mailbox",
        new("t:Name", entry.name),
        new("t:EmailAddress", entry.addresses[0]),
        new("t:RoutingType", "SMTP"),
        new("t:MailboxType", _TYPES[entry.kind]),
    )


def _resolution(entry: DirectoryEntry, *, full: bool) -> Element:
    return new("t:Resolution", _mailbox(entry), _contact(entry) if full else None)


def _contact(entry: DirectoryEntry) -> Element:
    addresses = (
        new("t:Entry", f"{'SMTP' if number == 1 else 'smtp'}:{address}", Key=f"EmailAddress{number}")
        for number, address in enumerate(entry.addresses[:_ADDRESSES], 1)
    )
    return new(
        "t:Contact",
        new("t:DisplayName", entry.name),
        new("t:EmailAddresses", *addresses),
        new("t:ContactSource", "ActiveDirectory"),
    )
