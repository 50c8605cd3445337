"""Stable finding ids."""

import base64
import hashlib

from postwarden.model.scope import Scope

#: Characters of an id: 130 bits.
LENGTH = 26


def finding_id(rule: str, scope: Scope, subject: tuple[str, ...]) -> str:
    """The id of a rule's verdict on a subject: the same for the same three, whatever else changes.

    The first 26 base32 characters of SHA-256 over rule UUID, scope kind, scope key and the subject's words,
    with LF between; an LF within a word is written as `\\n`, so that words cannot run together.
    """
    words = (rule, scope.kind, scope.key, *subject)
    text = "\n".join(word.replace("\\", "\\\\").replace("\n", "\\n") for word in words)
    return base64.b32encode(hashlib.sha256(text.encode()).digest()).decode("ascii")[:LENGTH]
