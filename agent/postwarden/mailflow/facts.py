"""The facts that follow from a mail flow: one row for each effect and target, with its path's facts repeated.

So "goes outside *and* is deleted" speaks of one path of one flow.
"""

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from postwarden.mailflow.folders import is_unread
from postwarden.mailflow.keywords import Keywords, selected
from postwarden.mailflow.targets import addresses
from postwarden.mailflow.wording import condition_text
from postwarden.model.address import AddressClass, Domains, classify, domain_of
from postwarden.model.evidence import Folder, MailFlow
from postwarden.model.mailflow import EVERYTHING, Effect, EffectKind, Path

#: Whose a target is; `folder` is one of the account's own folders, `none` where an effect has no target of these.
TargetClass = AddressClass | Literal["folder", "none"]

#: Whether the owner still gets the message in a folder.
Keeps = Literal["yes", "no", "depends"]

_KEEPS: dict[bool | None, Keeps] = {True: "yes", False: "no", None: "depends"}
_TO_FOLDER = frozenset({"move", "copy_to_folder"})


class Surroundings(Struct, frozen=True, kw_only=True):
    """What a mail flow is judged by: the organisation's domains, and the account that the flow is in.

    `own` has the account's addresses in lower case; `folders` is None where they could not be read.
    """

    domains: Domains
    own: tuple[str, ...] = ()
    folders: tuple[Folder, ...] | None = None
    keywords: Keywords = Keywords()


class PathFacts(Struct, frozen=True, kw_only=True):
    """One effect of one path, towards one target.

    `target` is the address, folder or program; `target_domain` an address' domain in ASCII; `resolved` whether
    the target could be read off. `fires`: the flow is `enabled` and the path `reachable`. `everything`: the
    condition holds for every message. `deletes`: the path deletes, and the owner is not sure to keep a copy.
    `moved_to` is the folder that the message is gone to and no longer in the inbox; `folder_unread` whether
    nobody looks there (None: not known, or it is not moved). `condition_text` is plain English; `line` the
    path's first line.
    """

    effect: EffectKind
    target: str | None
    target_class: TargetClass
    target_domain: str | None
    resolved: bool
    enabled: bool
    reachable: bool
    fires: bool
    everything: bool
    keywords: tuple[str, ...]
    keyword_classes: tuple[str, ...]
    keeps_copy: Keeps
    deletes: bool
    marks_read: bool
    moved_to: str | None
    folder_unread: bool | None
    condition_text: str
    line: int | None


def facts(flow: MailFlow, around: Surroundings) -> Iterator[PathFacts]:
    """The rows of a mail flow, in its own order; those that never fire too."""
    for path in flow.paths:
        selection = selected(path.condition, around.keywords)
        text = condition_text(path.condition)
        kinds = {effect.what for effect in path.effects}
        moved_to, unread = _gone(path, around.folders)
        for effect in path.effects:
            for target, target_class in _targets(effect, around):
                yield PathFacts(
                    effect=effect.what,
                    target=target,
                    target_class=target_class,
                    target_domain=_domain(target, target_class),
                    resolved=effect.resolved,
                    enabled=flow.enabled,
                    reachable=path.reachable,
                    fires=flow.enabled and path.reachable,
                    everything=path.condition == EVERYTHING,
                    keywords=selection.words,
                    keyword_classes=selection.classes,
                    keeps_copy=_KEEPS[path.keeps_copy],
                    deletes="delete" in kinds and path.keeps_copy is not True,
                    marks_read="mark_read" in kinds,
                    moved_to=moved_to,
                    folder_unread=unread,
                    condition_text=text,
                    line=path.line,
                )


def _targets(effect: Effect, around: Surroundings) -> Iterator[tuple[str | None, TargetClass]]:
    if effect.what in _TO_FOLDER:
        yield effect.target, "folder"
        return
    named = addresses(effect)
    if not named:
        yield effect.target, "none"
    for address in named:
        yield address, classify(address, around.domains, around.own) if effect.resolved else "unresolved"


def _domain(target: str | None, target_class: TargetClass) -> str | None:
    return domain_of(target) if target is not None and target_class not in {"folder", "none"} else None


def _gone(path: Path, folders: tuple[Folder, ...] | None) -> tuple[str | None, bool | None]:
    """The folder that the message is gone to, and whether nobody looks there.

    Of several folders, the one that somebody looks into; none, where the message is kept in the inbox as well.
    """
    if any(effect.what == "keep" for effect in path.effects):
        return None, None
    places = [
        (effect.target, is_unread(effect.target, folders) if effect.resolved else None)
        for effect in path.effects
        if effect.what == "move" and effect.target is not None
    ]
    for wanted in (False, None, True):
        for place in places:
            if place[1] is wanted:
                return place
    return None, None
