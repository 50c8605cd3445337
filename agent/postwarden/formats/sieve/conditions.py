"""Sieve's tests (RFC 5228 section 5, RFC 5173 body) in the normal form of conditions.

A result is *wide*: it holds whenever the test holds, and more often where the test cannot be read off. Under a
negation the *narrow* form is needed, which holds only when the test holds, so that the negation is wide again:
what is true of all well-formed mail must not make the opposite branch dead, for anybody can send a message
without `From`.
"""

from collections.abc import Iterable

from postwarden.formats.sieve.arguments import Arguments, told_apart
from postwarden.formats.sieve.syntax import Number, Strings, Test, written
from postwarden.formats.sieve.tokens import SieveError
from postwarden.mailflow.conditions import all_of, any_of, negate
from postwarden.model import mailflow
from postwarden.model.mailflow import EVERYTHING, NOTHING, Condition, Operator

#: Characters that a condition keeps of a test that it has no word for.
MAX_SOURCE = 200
#: Characters of keys times headers in one test; beyond it the test is refused, since it is repeated a header.
MAX_COMPARISONS = 1 << 20

_FIELDS = frozenset({"subject", "from", "to", "cc", "sender"})
_MATCHES: dict[str, Operator] = {"is": "is", "contains": "contains", "matches": "matches", "regex": "regex"}
_PARTS = frozenset({"all", "localpart", "domain"})
_KNOWN_TAGS = frozenset({*_MATCHES, *_PARTS, "comparator", "index", "last"})
_BODY_TAGS = frozenset({*_MATCHES, "comparator", "raw", "text", "content"})
_PURE = frozenset({"header", "address", "envelope", "exists", "size", "body"})
# The default, and the one that every server has (RFC 5228 section 2.7.3); i;octet tells cases apart.
_FOLDING = "i;ascii-casemap"
_OCTET = "i;octet"

# RFC 5322 section 3.6: these two headers, and no others, must be in every message; both have a character that
# their syntax demands (sections 3.4.1 and 3.3).
_IN_EVERY_MESSAGE = {"from": "@", "date": ":"}
# RFC 5228 section 5.4: the envelope always has both; the null sender compares as an empty string.
_ENVELOPE = {"from": "envelope_from", "to": "envelope_to"}
# `Date: 1 Jan 24 00:00 +0000` and `From: a@b` with their line ends take more octets than this.
_SMALLER_THAN_ANY_MESSAGE = 32
# Patterns that match every text, the empty one too.
_ANY_REGEX = frozenset({"", "^", "$", ".*", "^.*", ".*$", "^.*$", "(.*)", "^(.*)$"})


def condition(test: Test, *, narrow: bool = False) -> Condition:
    """The condition of a test, wide unless `narrow`.

    Raises SieveError where `not`, `allof` or `anyof` has no test to work on.
    """
    match test.name:
        case "true":
            return EVERYTHING
        case "false":
            return NOTHING
        case "not":
            return negate(condition(_only(test), narrow=not narrow))
        case "allof":
            parts = [condition(part, narrow=narrow) for part in _some(test)]
            return NOTHING if _contradictory(test.tests) else all_of(parts)
        case "anyof":
            parts = [condition(part, narrow=narrow) for part in _some(test)]
            return EVERYTHING if _contradictory(test.tests) else any_of(parts)
        case "header" | "address":
            return _header(test, told_apart(test.arguments), narrow=narrow)
        case "envelope":
            return _envelope(test, told_apart(test.arguments), narrow=narrow)
        case "exists":
            return _exists(test, told_apart(test.arguments), narrow=narrow)
        case "size":
            return _size(test, told_apart(test.arguments), narrow=narrow)
        case "body":
            return _body(test, told_apart(test.arguments))
        case _:
            return other(test)


def other(test: Test) -> Condition:
    """A test without a word in the normal form: its text."""
    return mailflow.Test(field="other", operator="other", values=(written(test, MAX_SOURCE),))


def _only(test: Test) -> Test:
    if len(test.tests) != 1:
        raise SieveError(f"{test.name} needs one test", test.line, test.column)
    return test.tests[0]


def _some(test: Test) -> tuple[Test, ...]:
    if not test.tests:
        raise SieveError(f"{test.name} needs a list of tests", test.line, test.column)
    return test.tests


def _contradictory(tests: tuple[Test, ...]) -> bool:
    """Whether a test stands beside its own negation, which makes anyof always true and allof never.

    They are compared as they were written: two tests can have one normal form (an address and the header that
    it stands in) and still differ. Neither may have a variable in it, since a test can set one.
    """
    plain = {
        (test.name, test.arguments)
        for test in tests
        if test.name in _PURE
        and not any(
            "${" in value for given in test.arguments if isinstance(given, Strings) for value in given.values
        )
    }
    opposites = (test.tests[0] for test in tests if test.name == "not" and len(test.tests) == 1)
    return any((test.name, test.arguments) in plain for test in opposites)


def _header(test: Test, given: Arguments, *, narrow: bool) -> Condition:
    if len(given.strings()) != 2 or not _is_plain(given, _KNOWN_TAGS):
        return other(test)
    operator = _operator(given)
    headers, keys = given.strings()
    _bound(test, headers, keys)
    part = next((tag for tag in given.tags if tag in _PARTS), "all")
    parts = []
    for header in map(str.lower, headers):
        if _holds_wherever_present(operator, keys) and (test.name == "header" or not narrow):
            parts.append(_present(header, narrow=narrow))
        elif part == "all" and not narrow and _demanded(header, operator, keys):
            parts.append(EVERYTHING)
        elif part == "all":
            parts.append(mailflow.Test(field=_field(header), operator=operator, values=keys))
        elif operator == "regex":
            parts.append(other(test))  # a pattern over a part of an address is no pattern over the whole
        else:
            values = tuple(_whole_address(part, operator, key) for key in keys)
            parts.append(mailflow.Test(field=_field(header), operator="matches", values=values))
    return _beside_its_text(test, given, any_of(parts))


def _envelope(test: Test, given: Arguments, *, narrow: bool) -> Condition:
    if len(given.strings()) != 2 or not _is_plain(given, _KNOWN_TAGS - {"index", "last"}):
        return other(test)
    operator = _operator(given)
    names, keys = given.strings()
    part = next((tag for tag in given.tags if tag in _PARTS), "all")
    fields = [_ENVELOPE.get(name.lower()) for name in names]
    if None in fields or (part != "all" and operator == "regex"):
        return other(test)
    _bound(test, names, keys)
    if _holds_wherever_present(operator, keys) and not narrow:
        return EVERYTHING
    if part != "all":
        keys = tuple(_whole_address(part, operator, key) for key in keys)
        operator = "matches"
    tests = (mailflow.Test(field=field, operator=operator, values=keys) for field in fields if field)
    return _beside_its_text(test, given, any_of(tests))


def _exists(test: Test, given: Arguments, *, narrow: bool) -> Condition:
    if len(given.strings()) != 1 or given.tags:
        return other(test)
    return all_of(_present(header.lower(), narrow=narrow) for header in given.last())


def _size(test: Test, given: Arguments, *, narrow: bool) -> Condition:
    limit = given.positional[0] if len(given.positional) == 1 else None
    if not isinstance(limit, Number) or set(given.tags) not in ({"over"}, {"under"}):
        return other(test)
    if "over" in given.tags:
        if limit.value <= _SMALLER_THAN_ANY_MESSAGE and not narrow:
            return EVERYTHING
        return mailflow.Test(field="size", operator="over", values=(str(limit.value),))
    if limit.value == 0 or (limit.value <= _SMALLER_THAN_ANY_MESSAGE and narrow):
        return NOTHING  # nothing is smaller than zero; when narrow, its negation is what every message meets
    return mailflow.Test(field="size", operator="under", values=(str(limit.value),))


def _body(test: Test, given: Arguments) -> Condition:
    if len(given.strings()) != 1 or not _is_plain(given, _BODY_TAGS):
        return other(test)
    # A key that is in every text does not hold for every message: a message may have no text part.
    tests = mailflow.Test(field="body", operator=_operator(given), values=given.last())
    return _beside_its_text(test, given, tests)


def _is_plain(given: Arguments, known: frozenset[str]) -> bool:
    """Whether all tags are known, none contradicts another, and the comparator compares texts."""
    comparator = given.tagged("comparator") or (_FOLDING,)
    return (
        known.issuperset(given.tags)
        and len(_MATCHES.keys() & given.tags.keys()) <= 1
        and len(_PARTS & given.tags.keys()) <= 1
        and comparator[0].lower() in {_FOLDING, _OCTET, "i;unicode-casemap"}
    )


def _operator(given: Arguments) -> Operator:
    return next((_MATCHES[tag] for tag in given.tags if tag in _MATCHES), "is")


def _beside_its_text(test: Test, given: Arguments, found: Condition) -> Condition:
    """With `:index`, or with capitals told from small letters, the test says more than its normal form.

    The test's text stands beside it then, so that the whole is neither wider nor narrower than the test.
    """
    folding = (given.tagged("comparator") or (_FOLDING,))[0].lower() != _OCTET
    if "index" not in given.tags and (folding or found == EVERYTHING):
        return found
    return all_of((found, other(test)))


def _holds_wherever_present(operator: Operator, keys: tuple[str, ...]) -> bool:
    """Whether any value, the empty one too, matches one of the keys."""
    match operator:
        case "contains":
            return "" in keys
        case "matches":
            return any(key and not key.strip("*") for key in keys)
        case "regex":
            return not _ANY_REGEX.isdisjoint(keys)
        case _:
            return False


def _demanded(header: str, operator: Operator, keys: tuple[str, ...]) -> bool:
    """Whether a key is a character that the header cannot be without."""
    char = _IN_EVERY_MESSAGE.get(header)
    if char is None:
        return False
    return char in keys if operator == "contains" else operator == "matches" and f"*{char}*" in keys


def _present(header: str, *, narrow: bool) -> Condition:
    if header in _IN_EVERY_MESSAGE and not narrow:
        return EVERYTHING
    return mailflow.Test(field=_field(header), operator="exists")


def _field(header: str) -> str:
    return header if header in _FIELDS else f"header:{header}"


def _whole_address(part: str, operator: Operator, key: str) -> str:
    """A pattern over the whole address that says the same as `key` over its part."""
    pattern = key if operator == "matches" else "".join("\\" + c if c in "\\*?" else c for c in key)
    if operator == "contains":
        pattern = f"*{pattern}*"
    return f"*@{pattern}" if part == "domain" else f"{pattern}@*"


def _bound(test: Test, headers: Iterable[str], keys: tuple[str, ...]) -> None:
    if sum(1 for _ in headers) * sum(len(key) + 1 for key in keys) > MAX_COMPARISONS:
        raise SieveError(f"{test.name} test compares too many headers and keys", test.line, test.column)
