"""The facts that follow from a mail flow: one row for each effect and target, with its path's facts repeated.

So "goes outside *and* is deleted" speaks of one path of one flow.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from msgspec import Struct

from postwarden.mailflow.catch_all import is_catch_all
from postwarden.mailflow.conditions import selecting_tests
from postwarden.mailflow.correspondents import correspondents
from postwarden.mailflow.exchange_own import is_exchange_own, is_known_provider
from postwarden.mailflow.folders import ODD_USES, is_unread, use_of
from postwarden.mailflow.keywords import Keywords, selected
from postwarden.mailflow.order import Name, name_of
from postwarden.mailflow.providers import Providers
from postwarden.mailflow.recipients import Directory, Reached, reached
from postwarden.mailflow.signs import weak_signs
from postwarden.mailflow.targets import addresses
from postwarden.mailflow.tricks import unicode_tricks
from postwarden.mailflow.wording import condition_text
from postwarden.model.address import AddressClass, Domains, classify, domain_of
from postwarden.model.evidence import Folder, FolderUse, MailFlow, Recipient
from postwarden.model.mailflow import EVERYTHING, Effect, EffectKind, Path

#: Whose a target is; `folder` is one of the account's own folders, `none` where an effect has no target of these.
TargetClass = AddressClass | Literal["folder", "none"]

#: Whether the owner still gets the message in a folder.
Keeps = Literal["yes", "no", "depends"]

_KEEPS: dict[bool | None, Keeps] = {True: "yes", False: "no", None: "depends"}
_TO_FOLDER = frozenset({"move", "copy_to_folder"})
#: Effects that send the message itself to somebody.
SENDING = frozenset({"redirect", "forward", "forward_as_attachment"})


class Surroundings(Struct, frozen=True, kw_only=True):
    """What a mail flow is judged by: the organisation's domains, and the account that the flow is in.

    `own` has the account's addresses in lower case; `folders` is None where they could not be read;
    `recipients` is what a directory says about names that mail flows send to, by the name case folded; `blocked`
    names the flow that keeps another from running.
    """

    domains: Domains
    own: tuple[str, ...] = ()
    folders: tuple[Folder, ...] | None = None
    keywords: Keywords = Keywords()
    providers: Providers = Providers()
    recipients: Mapping[str, Recipient] = {}
    blocked: Mapping[Name, str] = {}


class PathFacts(Struct, frozen=True, kw_only=True):
    """One effect of one path, towards one target.

    `target` is the address, folder or program as written; `addresses` are those behind it, the telling ones
    first; `target_domain` the first one's domain in ASCII, and `target_provider` its class where anybody gets an
    address there; `recipient` is the directory's entry; `resolved` whether the target could be read off or looked
    up. `fires`: the flow is `enabled`, the path `reachable`, and no earlier flow (`blocked_by`) ends the
    processing. `everything`: the condition holds for every message, by a trick (`by_trick`) too. `senders` are
    those that all messages are from, `sender_classes` whose they are. `deletes`: the path deletes, and the owner
    is not sure to keep a copy; `permanent`: not even in the trash. `moved_to` is the folder that the message is
    gone to and no longer in the inbox; `folder_unread` whether nobody looks there (None: not known, or it is not
    moved); `folder_use` what the folder is for. `tricks` are letters that mislead; `signs` are weak.
    `condition_text` is plain English; `line` the path's first line.
    """

    effect: EffectKind
    target: str | None
    target_class: TargetClass
    target_domain: str | None
    target_provider: str | None
    addresses: tuple[str, ...]
    recipient: Recipient | None
    resolved: bool
    enabled: bool
    reachable: bool
    blocked_by: str | None
    fires: bool
    everything: bool
    by_trick: bool
    senders: tuple[str, ...]
    sender_classes: tuple[str, ...]
    keywords: tuple[str, ...]
    keyword_classes: tuple[str, ...]
    keeps_copy: Keeps
    deletes: bool
    permanent: bool
    marks_read: bool
    moved_to: str | None
    folder_unread: bool | None
    folder_use: FolderUse | None
    tricks: tuple[str, ...]
    signs: tuple[str, ...]
    condition_text: str
    line: int | None


def facts(flow: MailFlow, around: Surroundings) -> Iterator[PathFacts]:
    """The rows of a mail flow, in its own order; those that never fire too."""
    known = Directory(domains=around.domains, own=around.own, recipients=around.recipients)
    blocked_by = around.blocked.get(name_of(flow))
    for path in flow.paths:
        selection = selected(path.condition, around.keywords)
        text = condition_text(path.condition)
        kinds = {effect.what for effect in path.effects}
        deletes = "delete" in kinds and path.keeps_copy is not True
        moved_to, unread, use = _gone(path, around.folders)
        signs = weak_signs(
            flow,
            path,
            odd_folder=use if use in ODD_USES else None,
            known_provider=is_known_provider(flow.provider) if flow.provider else None,
        )
        senders = correspondents(path.condition)
        by_trick = is_catch_all(path.condition, searched=flow.origin == "gmail_filter")
        for effect in path.effects:
            for target, reach in _targets(effect, known):
                yield PathFacts(
                    effect=effect.what,
                    target=target,
                    target_class=reach if isinstance(reach, str) else reach.target_class,
                    target_domain=_domain(reach),
                    target_provider=around.providers.class_of(_domain(reach)),
                    addresses=() if isinstance(reach, str) else reach.addresses,
                    recipient=None if isinstance(reach, str) else reach.recipient,
                    resolved=effect.resolved if isinstance(reach, str) else reach.resolved,
                    enabled=flow.enabled,
                    reachable=path.reachable,
                    blocked_by=blocked_by,
                    fires=flow.enabled and path.reachable and blocked_by is None,
                    everything=path.condition == EVERYTHING or by_trick,
                    by_trick=by_trick,
                    senders=senders,
                    sender_classes=tuple(
                        sorted({_class_of_sender(one, known.own, around.domains) for one in senders})
                    ),
                    keywords=selection.words,
                    keyword_classes=selection.classes,
                    keeps_copy=_KEEPS[path.keeps_copy],
                    deletes=deletes,
                    permanent=deletes and any(one.permanent for one in path.effects),
                    marks_read="mark_read" in kinds,
                    moved_to=moved_to,
                    folder_unread=unread,
                    folder_use=use,
                    tricks=_tricks(flow, path),
                    signs=signs,
                    condition_text=text,
                    line=path.line,
                )


def exchange_own(flow: MailFlow, told: Iterable[PathFacts]) -> bool | None:
    """Whether the flow, of which these are the facts, is one of Exchange's own rules; None where it may be."""
    sending = [row.target_class for row in told if row.effect in SENDING]
    return is_exchange_own(flow, [one for one in sending if one not in {"folder", "none"}])


def _tricks(flow: MailFlow, path: Path) -> tuple[str, ...]:
    """In the flow's name, and in the words that it looks for."""
    texts = [value for test in selecting_tests(path.condition) for value in test.values]
    return tuple(dict.fromkeys(trick for text in (flow.name, *texts) for trick in unicode_tricks(text)))


def _class_of_sender(sender: str, own: tuple[str, ...], domains: Domains) -> AddressClass:
    """Whose an address is, or a domain that stands for all of its addresses; a name is nobody's."""
    name, at, domain = sender.rpartition("@")
    if not at and "." not in domain:
        return "unresolved"
    return classify(sender if name else f"anybody@{domain}", domains, own)


def _targets(
    effect: Effect, known: Directory
) -> Iterator[tuple[str | None, Reached | Literal["folder", "none"]]]:
    if effect.what in _TO_FOLDER:
        yield effect.target, "folder"
        return
    named = addresses(effect)
    if not named:
        yield effect.target, "none"
    for address in named:
        yield address, reached(address, known, resolved=effect.resolved)


def _domain(reach: Reached | str) -> str | None:
    return domain_of(reach.addresses[0]) if isinstance(reach, Reached) and reach.addresses else None


def _gone(path: Path, folders: tuple[Folder, ...] | None) -> tuple[str | None, bool | None, FolderUse | None]:
    """The folder that the message is gone to, whether nobody looks there, and what it is for.

    Of several folders, the one that somebody looks into; none, where the message is kept in the inbox as well.
    """
    if any(effect.what == "keep" for effect in path.effects):
        return None, None, None
    places = [_place(effect, folders) for effect in path.effects if effect.what == "move" and effect.target]
    for wanted in (False, None, True):
        for place in places:
            if place[1] is wanted:
                return place
    return None, None, None


def _place(
    effect: Effect, folders: tuple[Folder, ...] | None
) -> tuple[str | None, bool | None, FolderUse | None]:
    name = effect.target or ""
    if not effect.resolved:
        return name, None, None
    if effect.folder_id is not None and not name.startswith("\\"):
        # Named by its id, it is there and has no special use, whatever other folder may be called the same.
        return name, False, None
    return name, is_unread(name, folders), use_of(name, folders)
