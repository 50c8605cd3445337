"""Weak signs: what intruders' rules have in common and honest ones have too, so that they only count together."""

import re
from collections.abc import Iterator

from postwarden.mailflow.listing import is_blank
from postwarden.model.evidence import FolderUse, MailFlow
from postwarden.model.mailflow import Path

#: Where the owner makes rules one by one in a client that asks for a name and offers to stop.
_RULES = frozenset({"inbox_rule", "rule_item"})
_UNSPACED = re.compile("[\u1100-\u11ff\u3040-\u30ff\u3130-\u318f\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]")
_REPEATED = re.compile(r"(.)\1+")


def weak_signs(
    flow: MailFlow, path: Path, *, odd_folder: FolderUse | None, known_provider: bool | None
) -> tuple[str, ...]:
    """Sentences, one for each sign; `odd_folder` is the use of the folder that mail goes to, where it is odd."""
    if flow.origin not in _RULES:
        return ()
    return tuple(_signs(flow, path, odd_folder, known_provider))


def _signs(
    flow: MailFlow, path: Path, odd_folder: FolderUse | None, known_provider: bool | None
) -> Iterator[str]:
    kinds = {effect.what for effect in path.effects}
    if is_careless(flow.name):
        yield "its name says nothing"
    if "stop" in kinds:
        yield "it keeps later rules from running"
    if odd_folder is not None:
        yield f"it moves mail to a folder for {odd_folder.replace('_', ' ')}"
    if "mark_read" in kinds:
        yield "it marks what it takes as read"
    if any(effect.what == "delete" and effect.permanent for effect in path.effects):
        yield "what it deletes cannot be found in the trash"
    if known_provider is False:
        yield "it was made by a program that Exchange does not know"


def is_careless(name: str) -> bool:
    """Whether a name is empty, of one or two signs, of punctuation only, or one sign over and over.

    Two characters are a word in Chinese, Japanese and Korean.
    """
    shown = name.strip()
    if is_blank(shown) or _REPEATED.fullmatch(shown) or not any(char.isalnum() for char in shown):
        return True
    return len(shown) <= (1 if _UNSPACED.search(shown) else 2)
