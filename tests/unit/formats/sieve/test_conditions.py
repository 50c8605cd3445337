"""Sieve's tests in the normal form."""

from collections.abc import Callable

import pytest

from postwarden.formats.sieve.conditions import MAX_COMPARISONS, condition
from postwarden.formats.sieve.syntax import parse
from postwarden.formats.sieve.tokens import SieveError
from postwarden.model.mailflow import EVERYTHING, NOTHING, All, AnyOf, Condition, Not, Path, Test


def read(test: str) -> Condition:
    """The condition of a test that is written as Sieve."""
    (command,) = parse(f"if {test} {{}}".encode())
    return condition(command.tests[0])


def one(field: str, operator: str, *values: str) -> Test:
    """A test of the normal form."""
    return Test(field=field, operator=operator, values=values)  # type: ignore[arg-type]  # words from the tables


def other(text: str) -> Test:
    return one("other", "other", text)


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        ('header "Subject" "a"', one("subject", "is", "a")),
        ('header :CONTAINS "X-Foo" ["a", "b"]', one("header:x-foo", "contains", "a", "b")),
        ('header :matches "cc" "a*?"', one("cc", "matches", "a*?")),
        ('header :regex "subject" "a.*b"', one("subject", "regex", "a.*b")),
        ('header :is :comparator "i;ascii-casemap" "to" "a"', one("to", "is", "a")),
        ('address :is "from" "a@b.example"', one("from", "is", "a@b.example")),
        ('address :all :contains "sender" "b"', one("sender", "contains", "b")),
        ('address :domain "from" "b.example"', one("from", "matches", "*@b.example")),
        ('address :contains :domain "from" "b*"', one("from", "matches", "*@*b\\**")),
        ('address :matches :localpart "from" "a*"', one("from", "matches", "a*@*")),
        ('envelope "From" "a@b.example"', one("envelope_from", "is", "a@b.example")),
        ('envelope :domain "to" "b.example"', one("envelope_to", "matches", "*@b.example")),
        ('body :contains "a"', one("body", "contains", "a")),
        ('body :content "text" :matches "*a*"', one("body", "matches", "*a*")),
        ("size :over 1K", one("size", "over", "1024")),
        ("size :under 2G", one("size", "under", "2147483648")),
        ('exists "X-Foo"', one("header:x-foo", "exists")),
    ],
)
def test_plain_tests(test: str, expected: Condition) -> None:
    """Every test that the normal form has a word for keeps its field, operator and values."""
    assert read(test) == expected


def test_lists_of_headers() -> None:
    """One of several headers is enough for a comparison, while all must exist for exists."""
    subject, sender = one("subject", "contains", "a"), one("from", "contains", "a")
    assert read('header :contains ["subject", "from"] "a"') == AnyOf(parts=(subject, sender))
    assert read('exists ["x-a", "x-b"]') == All(
        parts=(one("header:x-a", "exists"), one("header:x-b", "exists"))
    )


@pytest.mark.parametrize(
    "test",
    [
        'header :count "ge" "to" "3"',
        'header :value "gt" :comparator "i;ascii-numeric" "x-score" "5"',
        'header :comparator "i;ascii-numeric" "x-score" "5"',
        'header :mime :anychild "content-type" "a"',
        'header :is :contains "subject" "a"',
        'header "subject"',
        'address :user "from" "a"',
        'address :domain :regex "from" "a"',
        'envelope "auth" "a"',
        'envelope :domain :regex "from" "a"',
        'currentdate :value "ge" "date" "2026-12-20"',
        'hasflag "x"',
        "size :over :under 5",
    ],
)
def test_tests_without_a_word_keep_their_text(test: str) -> None:
    """A test that the normal form cannot say stays as its text, and is neither true nor false."""
    assert read(test) == other(test)


def test_long_text_is_cut() -> None:
    """The text of a test without a word is cut to 200 characters."""
    found = read(f'hasflag "{"a" * 1000}"')
    assert isinstance(found, Test)
    assert len(found.values[0]) == 200


@pytest.mark.parametrize(
    "test",
    [
        "true",
        "not false",
        "not not true",
        'anyof (true, header "subject" "a")',
        'anyof (header "subject" "a", allof (true, not false))',
        "size :over 0",
        "size :over 32",
        "not size :under 1",
        'exists "From"',
        'exists ["from", "date"]',
        'header :contains "from" ""',
        'header :contains "Date" ["a", ""]',
        'header :contains ["subject", "from"] ""',
        'header :matches "from" "*"',
        'header :matches "from" "**"',
        'header :regex "from" ".*"',
        'header :contains "from" "@"',
        'header :matches "from" "*@*"',
        'header :contains "date" ":"',
        'header :comparator "i;octet" :contains "from" ""',
        'address :contains "from" ""',
        'address :domain :matches "from" "*"',
        'envelope :contains "from" ""',
        'envelope :matches :domain "to" "*"',
        'anyof (header :contains "subject" "a", not header :contains "subject" "a")',
    ],
)
def test_what_every_message_meets(test: str) -> None:
    """A condition that each well-formed message meets is everything, however it is dressed up."""
    assert read(test) == EVERYTHING


@pytest.mark.parametrize(
    "test",
    [
        "false",
        "not true",
        "not not false",
        'allof (header "subject" "a", false)',
        "anyof (false, not true)",
        "not anyof (true, false)",
        "size :under 0",
        'allof (header "subject" "a", not header "subject" "a")',
    ],
)
def test_what_no_message_meets(test: str) -> None:
    """A condition that no message can meet is nothing."""
    assert read(test) == NOTHING


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        ("size :over 33", one("size", "over", "33")),
        ("size :under 2G", one("size", "under", str(2 << 30))),
        ('header :contains "subject" ""', one("subject", "exists")),
        ('header :matches "X-Foo" "*"', one("header:x-foo", "exists")),
        ('address :contains "cc" ""', one("cc", "exists")),
        ('header :matches "from" "?*"', one("from", "matches", "?*")),
        ('header :is "from" ""', one("from", "is", "")),
        ('header :contains "subject" "@"', one("subject", "contains", "@")),
        ('address :domain :contains "from" "@"', one("from", "matches", "*@*@*")),
        ('body :contains ""', one("body", "contains", "")),
        ('header :index 2 :contains "from" ""', other('header :index 2 :contains "from" ""')),
    ],
)
def test_what_only_looks_like_everything(test: str, expected: Condition) -> None:
    """What some real message does not meet is not called everything."""
    assert read(test) == expected


@pytest.mark.parametrize(
    "test",
    [
        'not exists "from"',
        'not header :contains "from" ""',
        'not address :contains "from" ""',
        'not header :contains "date" ":"',
        "not size :over 10",
        'not envelope :contains "from" ""',
        "size :under 10",
        'allof (address "from" "a@b", not header "from" "a@b")',
        'allof (header :is "subject" "${a}", not header :is "subject" "${a}")',
        'allof (currentdate "hour" "10", not currentdate "hour" "10")',
    ],
)
def test_a_crafted_message_is_not_ruled_out(test: str) -> None:
    """What only a malformed or lucky message meets is no dead branch: its sender may be the intruder."""
    assert read(test) not in {NOTHING, EVERYTHING}


@pytest.mark.parametrize(
    ("test", "plain"),
    [
        ('header :index 1 :contains "subject" "a"', one("subject", "contains", "a")),
        ('header :comparator "i;octet" :contains "subject" "a"', one("subject", "contains", "a")),
        ('address :index 1 :last :is "from" "a@b"', one("from", "is", "a@b")),
    ],
)
def test_narrower_tests_keep_their_text_beside_them(test: str, plain: Test) -> None:
    """A test of one occurrence, or of exact case, is its plain form and its text together."""
    assert read(test) == All(parts=(plain, other(test)))


def test_an_address_that_is_missing_is_not_a_header_that_is_missing() -> None:
    """A header may be there without an address in it, which is why its negation is not that it is absent."""
    assert read('not address :contains "cc" ""') == Not(part=one("cc", "contains", ""))
    assert read('not header :contains "cc" ""') == Not(part=one("cc", "exists"))


@pytest.mark.parametrize("test", ["not (true, false)", "not", "anyof", "allof"])
def test_missing_tests_are_refused(test: str) -> None:
    """A test that needs others and has none, or too many, is an error with its place."""
    with pytest.raises(SieveError) as caught:
        read(test)
    assert (caught.value.line, caught.value.column) == (1, 4)


def test_huge_products_are_refused() -> None:
    """A test whose headers times keys would fill the memory is refused."""
    many = ", ".join(['"abcdefgh"'] * 2000)
    assert MAX_COMPARISONS < 2000 * 2000 * 9
    with pytest.raises(SieveError, match="too many headers and keys"):
        read(f"header [{many}] [{many}]")


def test_branches_of_a_chain(paths: Callable[[str], tuple[Path, ...]]) -> None:
    """Each branch holds when its own test does and none before it did, under the blocks around it."""
    script = """if header "subject" "a" {
        if header "subject" "b" { keep; } elsif header "subject" "c" { discard; } else { stop; }
    }"""
    a, b, c = (one("subject", "is", letter) for letter in "abc")
    assert [path.condition for path in paths(script)] == [
        All(parts=(a, b)),
        All(parts=(a, c, Not(part=b))),
        All(parts=(a, Not(part=b), Not(part=c))),
    ]


def test_long_chains_do_not_repeat_themselves(paths: Callable[[str], tuple[Path, ...]]) -> None:
    """In a long chain the tests before a branch are counted, and its else is not taken for everything."""
    script = 'if header "subject" "0" { keep; }'
    script += "".join(f' elsif header "subject" "{number}" {{ keep; }}' for number in range(1, 40))
    found = paths(script + " else { discard; }")
    text = "none of the 40 tests before it in the chain holds"
    assert found[-1].condition == other(text)
    assert found[39].condition == All(parts=(one("subject", "is", "39"), other(text.replace("40", "39"))))
