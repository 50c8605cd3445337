"""Who stands behind the names that a mail flow sends to: the directory is asked once for each in a sweep."""

import threading
from collections.abc import Iterable, Iterator
from typing import Literal

from msgspec import Struct

from postwarden.connectors.ews import requests
from postwarden.connectors.ews.mailbox import Mailbox
from postwarden.connectors.ews.patience import NotLetIn
from postwarden.connectors.ews.reading import Reading
from postwarden.errors import ConnectorError
from postwarden.formats import ews_xml
from postwarden.formats.ews_xml import Mailbox as Known
from postwarden.model.encoding import encodable
from postwarden.model.evidence import MailFlow, Recipient
from postwarden.model.reading import Gap, Item, Observed

RECIPIENTS = "recipients"

#: Names of one account that are looked up; lists that are expanded for one name, and members that it may have.
MAX_NAMES, MAX_LISTS, MAX_MEMBERS = 100, 30, 5_000

_SENDS = frozenset({"redirect", "forward", "forward_as_attachment"})
_GROUPS = frozenset({"PublicDL", "GroupMailbox"})
_TYPES: dict[str, Literal["mailbox", "contact", "group", "public_folder"]] = {
    "Mailbox": "mailbox",
    "Contact": "contact",
    "PublicDL": "group",
    "GroupMailbox": "group",
    "PublicFolder": "public_folder",
}


class _Found(Struct, frozen=True, kw_only=True):
    type: Literal["mailbox", "contact", "group", "public_folder", "nobody", "ambiguous"]
    name: str = ""
    addresses: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    complete: bool = True
    raw: bytes = b""


class Directory:
    """What the directory behind a server said; shared by the threads of a sweep."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, _Found] = {}

    def find(self, name: str, mailbox: Mailbox) -> _Found:
        """Who `name` is; asks through `mailbox` where nobody asked before. Raises ConnectorError."""
        with self._lock:
            known = self._known.get(name.casefold())
        if known is None:
            known = _look_up(name, mailbox)
            with self._lock:
                self._known[name.casefold()] = known
        return known


def read_recipients(reading: Reading, flows: Iterable[MailFlow], directory: Directory) -> Iterator[Item]:
    """A Recipient for the account's own address and for each name that its mail flows send to, and gaps."""
    names = list(dict.fromkeys((reading.mailbox.address, *_targets(flows))))
    for name in names[:MAX_NAMES]:
        try:
            found = directory.find(name, reading.mailbox)
        except NotLetIn:
            raise
        except ConnectorError as error:
            if error.reason == "unreachable":
                raise
            yield reading.gap(RECIPIENTS, error, part=f"the name {name}")
            continue
        recipient = Recipient(
            scope=reading.scope,
            source=reading.source,
            check=RECIPIENTS,
            observed=reading.clock(),
            asked=encodable(name),
            mailbox_type=found.type,
            name=encodable(found.name),
            addresses=tuple(encodable(one) for one in found.addresses),
            members=tuple(encodable(one) for one in found.members),
            complete=found.complete,
        )
        yield Observed(evidence=recipient, raw=f"{name}\n".encode() + found.raw)
    if len(names) > MAX_NAMES:
        yield Gap(
            scope=reading.scope,
            source=reading.source,
            check=RECIPIENTS,
            reason="unsupported",
            message=f"{len(names) - MAX_NAMES} names that rules send to were not looked up",
            hint="look at the mailbox' rules: so many targets are not normal",
        )
    yield reading.done(RECIPIENTS)


def _targets(flows: Iterable[MailFlow]) -> Iterator[str]:
    """Names that can be looked up: addresses and legacy DNs."""
    for flow in flows:
        for path in flow.paths:
            for effect in path.effects:
                target = (effect.target or "").strip()
                if (
                    effect.what in _SENDS
                    and target
                    and len(target) <= 1_000
                    and ("@" in target or "/" in target)
                ):
                    yield target


def _look_up(name: str, mailbox: Mailbox) -> _Found:
    names = ews_xml.read_names(mailbox.ask(requests.resolve(name)))
    # The server looks for beginnings too: of several, the one that has exactly this address is meant.
    exact = [one for one in names.mailboxes if name.casefold() in {each.casefold() for each in one.addresses}]
    found = exact or list(names.mailboxes)
    if not found:
        return _Found(type="nobody")
    raw = b"\n".join(one.raw for one in found)
    if len(found) > 1 or not names.complete:
        return _Found(type="ambiguous", raw=raw)
    one = found[0]
    if "@" in name and not exact:
        # An address that begins like this, or one that the answer, which has three at most, does not show.
        return _Found(type="ambiguous", raw=raw)
    kind = _TYPES.get(one.kind)
    if kind is None:
        return _Found(type="ambiguous", name=one.name, addresses=one.addresses, raw=raw)
    if one.kind not in _GROUPS:
        return _Found(type=kind, name=one.name, addresses=one.addresses, raw=raw)
    members, complete, listed = _members(one, mailbox)
    return _Found(
        type=kind,
        name=one.name,
        addresses=one.addresses,
        members=members,
        complete=complete,
        raw=b"\n".join((raw, *listed)),
    )


def _members(group: Known, mailbox: Mailbox) -> tuple[tuple[str, ...], bool, list[bytes]]:
    """The addresses of a group's members and of those in the groups inside it; whether that is all of them.

    A list without members proves nothing: Exchange answers so for one that is hidden or gone.
    """
    found: dict[str, None] = {}
    raws: list[bytes] = []
    left, seen, complete = list(group.addresses[:1]), set[str](), bool(group.addresses)
    while left:
        address = left.pop(0)
        if address.casefold() in seen:
            continue
        seen.add(address.casefold())
        if len(seen) > MAX_LISTS or len(found) > MAX_MEMBERS:
            return tuple(found), False, raws
        names = ews_xml.read_names(mailbox.ask(requests.expand(address)))
        complete = complete and names.complete and bool(names.mailboxes)
        for member in names.mailboxes:
            raws.append(member.raw)
            if member.kind in _GROUPS and member.addresses:
                left.append(member.addresses[0])
            elif member.addresses:
                found[member.addresses[0]] = None
            else:
                complete = False
    return tuple(found), complete, raws
