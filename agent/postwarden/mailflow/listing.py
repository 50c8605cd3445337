"""Which stored rules the listed ones account for: what is left is hidden."""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence

from postwarden.mailflow.exchange_own import is_kept_back
from postwarden.model.evidence import MailFlow
from postwarden.model.mailflow import EVERYTHING

_SENDING = frozenset({"redirect", "forward", "forward_as_attachment"})
#: Stored rules of one name that a listed one is compared with: nobody has more, and a hostile server must not cost more.
_MOST_OF_A_NAME = 200
_SHOWN = frozenset({*_SENDING, "copy_to_folder", "move", "delete", "reply", "reject"})


def accounted(items: Sequence[MailFlow], listed: Sequence[MailFlow]) -> Mapping[int, MailFlow]:
    """The listed rule that each stored rule is, by the stored rule's position.

    A listed rule accounts for one stored rule at most: the one of its name that does the same, where both tell
    what they do; of several, the one that agrees in its condition and order too. A rule whose name or provider
    nobody can see is no listed one.
    """
    left: dict[str, list[int]] = {}
    for index, item in enumerate(items):
        if is_listable(item.name, item.provider or ""):
            left.setdefault(item.name.strip(), []).append(index)
    found: dict[int, MailFlow] = {}
    for rule in listed:
        same = left.get(rule.name.strip(), [])
        alike = [index for index in same[:_MOST_OF_A_NAME] if _agree(items[index], rule)]
        if alike:
            best = max(alike, key=lambda index: _likeness(items[index], rule))
            same.remove(best)
            found[best] = rule
    return found


def is_listable(name: str, provider: str) -> bool:
    """Whether Exchange would list a stored rule: with a visible name and provider, and none of its own."""
    return not is_blank(name) and not is_blank(provider) and not is_kept_back(provider)


def is_blank(shown: str) -> bool:
    """Nothing that anybody could see: no characters, or only spaces, controls and format characters."""
    return all(unicodedata.category(char)[0] in "ZC" for char in shown)


def does_the_same(item: MailFlow, rule: MailFlow) -> bool:
    """Whether both tell what they do, and it is the same, for the same messages as far as that shows."""
    return bool(item.paths and rule.paths) and _agree(item, rule) and _is_whole(item) == _is_whole(rule)


def _likeness(item: MailFlow, rule: MailFlow) -> tuple[bool, bool, int]:
    # Exchange numbers what it lists from 1, and what it stores from 10.
    return does_the_same(item, rule), item.enabled == rule.enabled, -abs(item.order - rule.order - 9)


def _is_whole(flow: MailFlow) -> bool:
    return any(path.condition == EVERYTHING for path in flow.paths)


def _agree(item: MailFlow, rule: MailFlow) -> bool:
    """Whether nothing contradicts that they are one rule; a listed one with flaws may not tell all that it does."""
    if not item.paths or not rule.paths or rule.flaws:
        return True
    if set(_kinds(item)) != set(_kinds(rule)):
        return False
    return all(
        _within(item, rule, kind) and _within(rule, item, kind)
        for kind in _SENDING.intersection(_kinds(item))
    )


def _within(one: MailFlow, other: MailFlow, kind: str) -> bool:
    """Whether the addresses of `one` are among those of `other`, or may be behind a name that it has."""
    targets = {target for target, resolved in _targets(other, kind) if resolved}
    if not all(resolved for _, resolved in _targets(other, kind)):
        return True
    return all(target in targets for target, resolved in _targets(one, kind) if resolved)


def _targets(flow: MailFlow, kind: str) -> Iterator[tuple[str, bool]]:
    for path in flow.paths:
        for effect in path.effects:
            if effect.what == kind:
                yield (effect.target or "").casefold(), effect.resolved


def _kinds(flow: MailFlow) -> Iterator[str]:
    """What a rule does, as both ways of telling it have words for."""
    for path in flow.paths:
        for effect in path.effects:
            if effect.what == "delete" and not effect.permanent:
                # Listed as deleting, stored as moving into Deleted Items.
                yield "move"
            elif effect.what in _SHOWN:
                yield effect.what
