"""What a message rule does (messageRuleActions)."""

from collections.abc import Mapping

from msgspec import Struct

from postwarden.formats import json_text
from postwarden.formats.graph_json.recipients import Recipient
from postwarden.model.encoding import encodable
from postwarden.model.mailflow import Effect, EffectKind

_RECIPIENTS: dict[str, EffectKind] = {
    "forwardTo": "forward",
    "forwardAsAttachmentTo": "forward_as_attachment",
    "redirectTo": "redirect",
}
_FOLDERS: dict[str, EffectKind] = {"moveToFolder": "move", "copyToFolder": "copy_to_folder"}
_FLAGS = {
    # "delete" moves to Deleted Items.
    "delete": Effect(what="delete"),
    "permanentDelete": Effect(what="delete", permanent=True),
    "markAsRead": Effect(what="mark_read"),
    "stopProcessingRules": Effect(what="stop"),
}


class Actions(Struct, frozen=True, kw_only=True):
    """Effects, those that send first, and the names of actions that are not known."""

    effects: tuple[Effect, ...]
    unknown: tuple[str, ...]


def effects_of(actions: Mapping[str, bytes]) -> Actions:
    """The effects of a rule's actions; raises JsonError where one has another form."""
    effects: list[Effect] = []
    unknown: list[str] = []
    for word, raw in actions.items():
        found = _effects(word, raw)
        if found is None:
            unknown.append(word)
        else:
            effects += found
    return Actions(effects=tuple(effects), unknown=tuple(unknown))


def _effects(word: str, raw: bytes) -> list[Effect] | None:
    if word in _FLAGS:
        return [_FLAGS[word]] if json_text.item(raw, bool) else []
    if word in _RECIPIENTS:
        found = [one.name_or_address for one in json_text.item(raw, tuple[Recipient, ...])]
        return [Effect(what=_RECIPIENTS[word], target=one or None, resolved="@" in one) for one in found]
    if word in _FOLDERS:
        # Graph names folders by ids, and what they are called is asked with a right to read mail.
        folder = encodable(json_text.item(raw, str))
        return (
            [Effect(what=_FOLDERS[word], target=folder, resolved=False, folder_id=folder)] if folder else []
        )
    match word:
        case "assignCategories":
            names = json_text.item(raw, tuple[str, ...])
            return [Effect(what="label", target=f"category {encodable(one)}") for one in names]
        case "markImportance":
            return [Effect(what="label", target=f"importance {encodable(json_text.item(raw, str))}")]
        case _:
            return None
