"""The words that a mail flow picks messages by: which of the listed ones, and of which class."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import chain

from msgspec import Struct

from postwarden.errors import ConfigError
from postwarden.mailflow.conditions import selecting_tests
from postwarden.model.mailflow import Condition, Test

# Header fields that hold addresses, marks of filters and lists, or the message's way: no words of its author.
_NO_TEXT = re.compile(
    r"header:(?:(?:bcc|reply-to|return-path|delivered-to|errors-to|received|envelope-to|disposition-notification-to"
    r"|x-original-to|x-envelope-.*|x-delivered-to|x-sender|x-from|authentication-results|dkim-.*|arc-.*|resent-.*"
    r"|list-.*|mailing-list|x-mailing-list|precedence|auto-submitted)\Z|.*(?:spam|virus|phish|rspamd))"
)
#: How the text of a search of Gmail's begins that is not read further; its words still say what it is after.
_SEARCH = "the search "
_TEXT_OPERATORS = frozenset({"contains", "is", "matches", "regex"})
# Chinese, Japanese and Korean do not part words by spaces, or hang endings on to them.
_UNSPACED = "\u1100-\u11ff\u3040-\u30ff\u3130-\u318f\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff"
_WITHOUT_BOUNDARIES = re.compile(f"[{_UNSPACED}]")
_WORD = re.compile(rf"[^\W_{_UNSPACED}]+")
_SPACE = re.compile(r"\s+")
_WILDCARD = re.compile(r"[*?]+")
# `[Ii]nvoice` is how a pattern says that case does not matter.
_EITHER_CASE = re.compile(r"\[(\w)(\w)\]")
_PATTERN_SIGN = re.compile(r"\\[A-Za-z]|[^\w\s'\u2019&-]+")

#: Words and their classes by how the word begins.
_Index = Mapping[str, tuple[tuple[str, str], ...]]


class Keywords(Struct, frozen=True):
    """Words by class (`finance`, `security`), each folded as `folded` does it."""

    classes: tuple[tuple[str, tuple[str, ...]], ...] = ()


class Selection(Struct, frozen=True, kw_only=True):
    """The listed words that a condition picks messages by, and the classes that they are of; both sorted."""

    words: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()


def keywords_from(mapping: Mapping[str, object]) -> Keywords:
    """The word list out of `[class]` tables with an array of words for each language.

    Raises ConfigError where the shape is another.
    """
    classes = []
    for name, languages in mapping.items():
        if not isinstance(languages, Mapping):
            raise ConfigError("not a table of languages", "write [class], then language = [words]", key=name)
        words: set[str] = set()
        for language, listed in languages.items():
            if not isinstance(listed, list | tuple) or not all(isinstance(word, str) for word in listed):
                raise ConfigError(
                    "not an array of words", "write language = [words]", key=f"{name}.{language}"
                )
            words.update(folded(word) for word in listed)
        for word in words:
            if not (_WORD.match(word) or _WITHOUT_BOUNDARIES.match(word)):
                raise ConfigError(f"{word!r} does not begin with a letter or digit", "remove it", key=name)
        classes.append((name, tuple(sorted(words))))
    return Keywords(tuple(classes))


def selected(condition: Condition, keywords: Keywords) -> Selection:
    """The listed words that the condition picks messages by, in their subject, body or another text.

    Words that must be absent do not count, nor those in addresses, lists or a filter's own marks.
    """
    index = _index(keywords)
    found: set[tuple[str, str]] = set()
    for test in selecting_tests(condition):
        for text in _texts(test):
            found.update(_found(text, index))
    return Selection(
        words=tuple(sorted({word for word, _ in found})), classes=tuple(sorted({name for _, name in found}))
    )


def folded(text: str) -> str:
    """Text as words are compared: compatibility forms, case and apostrophes made equal, single spaces."""
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return _SPACE.sub(" ", text.replace("\u2019", "'")).strip()


def _texts(test: Test) -> Iterator[str]:
    if test.field == "other":
        yield from (folded(value) for value in test.values if value.startswith(_SEARCH))
        return
    is_text = test.field in {"subject", "body"} or (
        test.field.startswith("header:") and not _NO_TEXT.match(test.field)
    )
    if not is_text or test.operator not in _TEXT_OPERATORS:
        return
    for value in test.values:
        if test.operator == "matches":
            yield folded(_WILDCARD.sub(" ", value))
        elif test.operator == "regex":
            yield folded(_PATTERN_SIGN.sub(" ", _EITHER_CASE.sub(_same_letter, value)))
        else:
            yield folded(value)


def _same_letter(match: re.Match[str]) -> str:
    return match[1] if match[1].casefold() == match[2].casefold() else " "


def _found(text: str, index: _Index) -> Iterator[tuple[str, str]]:
    for match in chain(_WORD.finditer(text), _WITHOUT_BOUNDARIES.finditer(text)):
        for word, name in index.get(match[0], ()):
            end = match.start() + len(word)
            if text.startswith(word, match.start()) and (
                _WITHOUT_BOUNDARIES.match(match[0]) or not _WORD.match(text, end)
            ):
                yield word, name


@lru_cache(maxsize=8)
def _index(keywords: Keywords) -> _Index:
    """The words with their class by how they begin: the first word, or the first character without spaces."""
    index: dict[str, list[tuple[str, str]]] = {}
    for name, words in keywords.classes:
        for word in words:
            begin = _WITHOUT_BOUNDARIES.match(word) or _WORD.match(word)
            assert begin is not None  # keywords_from refuses others
            index.setdefault(begin[0], []).append((word, name))
    return {begin: tuple(found) for begin, found in index.items()}
