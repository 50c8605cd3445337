"""Names of applications that mislead: letters that look like others, borrowed brands, people's names, nothing at all.

A name in one script, or with Japanese, Chinese or Korean beside Latin letters, is an ordinary name.
"""
# ruff: noqa: RUF001 - letters that look alike are what this is about

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from msgspec import Struct

from postwarden.grants.catalogue import Catalogue
from postwarden.grants.weights import Brands, Weights
from postwarden.mailflow.tricks import unicode_tricks
from postwarden.model.account import Account

#: Characters of a name that are looked at; what a consent screen shows is shorter.
MAX_CHARACTERS = 256

# Letters of other scripts, and digits within words, by the Latin letter that they pass for.
_LIKENESS = str.maketrans(
    {
        "а": "a", "в": "b", "е": "e", "к": "k", "м": "m", "н": "h", "о": "o", "р": "p", "с": "c", "т": "t", "у": "y",
        "х": "x", "і": "i", "ї": "i", "ј": "j", "ѕ": "s", "г": "r", "п": "n", "ԁ": "d", "ԛ": "q", "ԝ": "w", "ӏ": "l",
        "ь": "b", "һ": "h", "ɡ": "g", "ı": "i", "α": "a", "β": "b", "ε": "e", "η": "n", "ι": "i", "κ": "k", "μ": "m",
        "ν": "v", "ο": "o", "ρ": "p", "σ": "o", "τ": "t", "υ": "u", "χ": "x", "ω": "w", "օ": "o", "ո": "n", "ս": "u",
        "հ": "h", "ց": "g", "ւ": "l",
    }
)  # fmt: skip
_DIGITS = str.maketrans({"0": "o", "1": "l", "3": "e", "5": "s"})
_WORD = re.compile(r"[^\W_]+")
_TEST_WORDS = frozenset({"test", "tests", "testing", "app", "application", "apptest", "testapp"})


class NameFlags(Struct, frozen=True, kw_only=True):
    """What is odd about a name: `flags` by their names, `sentences` for each, in the same order.

    `letters`: letters that look like others; `brand_disguised`, `first_party_disguised`: so written, it is a known
    name; `brand`, `first_party`: it is a known name as it stands; `user_name`: somebody's name or address here;
    `no_letters`; `test`.
    """

    flags: tuple[str, ...] = ()
    sentences: tuple[str, ...] = ()


def people(accounts: Iterable[Account]) -> frozenset[str]:
    """Names and addresses of people, as names of applications are compared with them.

    A display name of one word is left out: shared mailboxes are called like things.
    """
    names: set[str] = set()
    for account in accounts:
        names.update(plain(address) for address in account.addresses)
        shown = plain(account.display_name)
        if " " in shown:
            names.add(shown)
        if "@" in account.login:
            names.add(plain(account.login))
    return frozenset(names)


def name_flags(name: str, weights: Weights, catalogue: Catalogue, names: frozenset[str]) -> NameFlags:
    """What is odd about an application's name; an empty one is one that the source does not tell."""
    found, compared = _by_itself(name, weights, catalogue)
    if compared not in names:
        return found
    return NameFlags(
        flags=(*found.flags, "user_name"),
        sentences=(*found.sentences, "it is called like somebody's account here"),
    )


# Without the people here: as part of the key their names would be kept once for each change of the directory.
@lru_cache(maxsize=4096)
def _by_itself(name: str, weights: Weights, catalogue: Catalogue) -> tuple[NameFlags, str]:
    """What is odd about the name as such, and the name as it is compared with those of people."""
    shown = name[:MAX_CHARACTERS]
    found: list[tuple[str, str]] = []
    tricks = unicode_tricks(shown)
    if tricks:
        found.append(("letters", f"its name has {' and '.join(tricks)}"))
    if shown and not any(char.isalnum() for char in shown):
        found.append(("no_letters", "its name has neither letters nor digits"))
    elif shown:
        found += _known_names(shown, weights.brands, catalogue)
        if set(_words(plain(shown))) <= _TEST_WORDS and "test" in plain(shown):
            found.append(("test", "it is called a test"))
    flags = NameFlags(
        flags=tuple(flag for flag, _ in found), sentences=tuple(sentence for _, sentence in found)
    )
    return flags, plain(shown)


def plain(text: str) -> str:
    """Text as names are compared: compatibility forms and case made equal, single spaces."""
    return " ".join(unicodedata.normalize("NFKC", text[:MAX_CHARACTERS]).casefold().split())


def skeleton(text: str) -> str:
    """The Latin letters that a name reads as; the same for names that look the same."""
    seen = "".join(char for char in plain(text) if unicodedata.category(char) not in {"Cf", "Mn"})
    words = (
        word.translate(_DIGITS) if any(map(str.isalpha, word)) else word
        for word in _words(seen.translate(_LIKENESS))
    )
    return " ".join(words).replace("rn", "m").replace("vv", "w")


def _known_names(name: str, brands: Brands, catalogue: Catalogue) -> list[tuple[str, str]]:
    written, read = " ".join(_words(plain(name))), skeleton(name)
    if brand := _brand(written, brands, read=False):
        return [("brand", f"it is called like {brand}, and is not theirs")]
    if brand := _brand(read, brands, read=True):
        return [("brand_disguised", f"it reads as {brand}, in other letters, and is not theirs")]
    known = _first_party_names(catalogue)
    if written in known.written:
        return [("first_party", "it is called like an application of the provider's own, and is none")]
    if read in known.read:
        return [("first_party_disguised", "it reads as an application of the provider's own, and is none")]
    return []


def _brand(name: str, brands: Brands, *, read: bool) -> str | None:
    """The brand that a name passes for: of the name as written, or of what it reads as."""
    known = _brand_words(brands, read=read)
    words = tuple(name.split())
    for count, maker in known.makers:
        if words[:count] == maker:
            return " ".join(maker)
    bare = tuple(word for word in words if word not in known.padding)
    for candidate in (words, bare):
        if candidate in known.products:
            return " ".join(candidate)
    return None


class _BrandWords(Struct, frozen=True):
    makers: tuple[tuple[int, tuple[str, ...]], ...]
    products: frozenset[tuple[str, ...]]
    padding: frozenset[str]


@lru_cache(maxsize=8)
def _brand_words(brands: Brands, *, read: bool) -> _BrandWords:
    form = skeleton if read else plain
    makers = tuple(tuple(form(one).split()) for one in brands.makers)
    return _BrandWords(
        makers=tuple((len(maker), maker) for maker in makers),
        products=frozenset(tuple(form(one).split()) for one in brands.products),
        padding=frozenset(form(one) for one in brands.padding),
    )


class _FirstPartyNames(Struct, frozen=True):
    written: frozenset[str]
    read: frozenset[str]


@lru_cache(maxsize=8)
def _first_party_names(catalogue: Catalogue) -> _FirstPartyNames:
    """Names of the provider's own applications; those of one word, or short, are anybody's."""
    names = [entry.name for entry in catalogue.entries.values() if entry.class_name == "first_party"]
    telling = [name for name in names if len(name) >= 12 and len(_words(name)) > 1]
    return _FirstPartyNames(
        frozenset(" ".join(_words(plain(name))) for name in telling),
        frozenset(skeleton(name) for name in telling),
    )


def _words(text: str) -> list[str]:
    return _WORD.findall(text)
