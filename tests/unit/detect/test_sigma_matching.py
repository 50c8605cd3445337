"""What each construct of a rule matches, and what it does not."""

from collections.abc import Mapping

import pytest

from postwarden.detect.sigma.rule import Value
from postwarden.errors import RuleError
from tests.unit.detect.rules import HEAD, compiled, document, rule

Row = Mapping[str, Value]

MATCHING: list[tuple[str, list[Row], list[Row]]] = [
    # plain values: whole, in any case
    ("target: abc", [{"target": "abc"}, {"target": "ABC"}], [{"target": "abcd"}, {"target": "xabc"}, {"target": None}, {}]),
    ("target: ''", [{"target": ""}], [{"target": "x"}, {"target": None}]),
    ("target: STRASSE", [{"target": "stra\u00dfe"}], [{"target": "strase"}]),
    ("target: [a, b]", [{"target": "a"}, {"target": "B"}], [{"target": "c"}, {"target": None}]),
    ("words: abc", [{"words": ("x", "ABC")}], [{"words": ("abcd",)}, {"words": ()}, {"words": None}]),
    ("target: a\nother: b", [{"target": "a", "other": "b"}], [{"target": "a", "other": "c"}, {"other": "b"}]),
    ("- target: a\n- other: b", [{"target": "a"}, {"other": "b"}], [{"target": "b", "other": "a"}]),
    # wildcards
    ("target: a*c", [{"target": "ac"}, {"target": "aBBc"}, {"target": "a\nc"}], [{"target": "acd"}, {"target": "xac"}]),
    ("target: a?c", [{"target": "abc"}, {"target": "a*c"}, {"target": "a\nc"}], [{"target": "ac"}, {"target": "abbc"}]),
    ("target: '*'", [{"target": ""}, {"target": "x"}], [{"target": None}]),
    ("target: a\\*c", [{"target": "a*c"}], [{"target": "abc"}, {"target": "a\\*c"}]),
    ("target: a\\?c", [{"target": "a?c"}], [{"target": "abc"}]),
    ("target: a.c*", [{"target": "a.cd"}], [{"target": "abcd"}]),
    ("target: a\\b", [{"target": "a\\b"}], [{"target": "ab"}]),
    ("words: 'in*'", [{"words": ("x", "Invoice")}], [{"words": ("main",)}]),
    # contains, startswith, endswith, all, cased
    ("target|contains: bc", [{"target": "aBCd"}, {"target": "bc"}], [{"target": "b c"}, {"target": None}]),
    ("target|contains: [x, bc]", [{"target": "abc"}, {"target": "x"}], [{"target": "b"}]),
    ("target|contains|all: [x, bc]", [{"target": "bcx"}], [{"target": "bc"}, {"target": "x"}]),
    ("target|contains: 'a*c'", [{"target": "xabbcx"}], [{"target": "xca"}]),
    ("target|startswith: ab", [{"target": "ABc"}, {"target": "ab"}], [{"target": "cab"}]),
    ("target|endswith: ab", [{"target": "cAB"}, {"target": "ab"}], [{"target": "abc"}]),
    ("words|contains: voice", [{"words": ("x", "INVOICE")}], [{"words": ("voic",)}, {"words": ()}]),
    ("words|contains|all: [a, b]", [{"words": ("xa", "yb")}, {"words": ("ab",)}], [{"words": ("a",)}]),
    ("words|startswith: in", [{"words": ("x", "invoice")}], [{"words": ("main",)}]),
    ("words|endswith: in", [{"words": ("x", "main")}], [{"words": ("inn",)}]),
    ("target|cased: Abc", [{"target": "Abc"}], [{"target": "abc"}, {"target": "ABC"}]),
    ("target|contains|cased: Bc", [{"target": "aBcd"}], [{"target": "abcd"}]),
    ("target|cased: A*", [{"target": "Ab"}], [{"target": "ab"}]),
    ("words|cased: A", [{"words": ("A",)}], [{"words": ("a",)}]),
    # regular expressions
    ("target|re: '^a.c$'", [{"target": "abc"}], [{"target": "ABC"}, {"target": "abcd"}, {"target": "a\nc"}, {"target": None}]),
    ("target|re: b", [{"target": "abc"}], [{"target": "ac"}]),
    ("target|re|i: '^a.c$'", [{"target": "ABC"}], [{"target": "AC"}]),
    ("target|re|m: '^b$'", [{"target": "a\nb\nc"}], [{"target": "abc"}]),
    ("target|re|s: 'a.c'", [{"target": "a\nc"}], [{"target": "ac"}]),
    ("target|re|i|m|s: '^B.C$'", [{"target": "a\nb\nc"}], [{"target": "abc"}]),
    ("target|re: '(a+)+$'", [{"target": "a" * 50}], [{"target": "a" * 5000 + "b"}]),
    ("target|re: ['^x', 'y$']", [{"target": "xa"}, {"target": "ay"}], [{"target": "axya"}]),
    ("words|re: '^x'", [{"words": ("a", "xb")}], [{"words": ("ax",)}]),
    ("target|re: 'a\\*b'", [{"target": "a*b"}], [{"target": "aab"}]),
    # networks
    ("target|cidr: 192.0.2.0/24", [{"target": "192.0.2.7"}], [{"target": "192.0.3.7"}, {"target": "x"}, {"target": "2001:db8::1"}]),
    ("target|cidr: 2001:db8::/32", [{"target": "2001:db8::1"}], [{"target": "2001:db9::1"}, {"target": "192.0.2.7"}]),
    ("target|cidr: [10.0.0.0/8, 192.0.2.0/24]", [{"target": "10.1.1.1"}, {"target": "192.0.2.1"}], [{"target": "11.0.0.1"}]),
    ("words|cidr: 10.0.0.0/8", [{"words": ("x", "10.0.0.1")}], [{"words": ("x",)}]),
    # null and exists
    ("target: null", [{"target": None}, {}], [{"target": ""}, {"target": "x"}]),
    ("target: [null, a]", [{"target": None}, {"target": "a"}], [{"target": "b"}]),
    ("words: null", [{"words": None}], [{"words": ()}]),
    ("target|exists: true", [{"target": ""}, {"target": "x"}], [{"target": None}, {}]),
    ("target|exists: false", [{"target": None}, {}], [{"target": ""}]),
    ("size|exists: true", [{"size": 0}], [{"size": None}]),
    ("flag|exists: true", [{"flag": False}], [{"flag": None}]),
    # flags and numbers
    ("flag: true", [{"flag": True}], [{"flag": False}, {"flag": None}, {"flag": 1}, {"flag": "true"}]),
    ("flag: false", [{"flag": False}], [{"flag": True}, {"flag": None}, {"flag": 0}]),
    ("flag: [true, false]", [{"flag": True}, {"flag": False}], [{"flag": None}]),
    ("flag: null", [{"flag": None}], [{"flag": False}]),
    ("size: 5", [{"size": 5}], [{"size": 6}, {"size": None}, {"size": "5"}]),
    ("size: 1", [{"size": 1}], [{"size": True}]),
    ("size: [5, 6]", [{"size": 5}, {"size": 6}], [{"size": 7}]),
    ("size|gt: 5", [{"size": 6}], [{"size": 5}, {"size": None}, {"size": True}]),
    ("size|gte: 5", [{"size": 5}, {"size": 6}], [{"size": 4}]),
    ("size|lt: 5", [{"size": 4}, {"size": -1}], [{"size": 5}, {"size": None}]),
    ("size|lte: 5", [{"size": 5}], [{"size": 6}]),
    # other fields
    ("target|fieldref: other", [{"target": "a", "other": "A"}], [{"target": "a", "other": "b"}, {"target": None, "other": None}]),
    ("target|fieldref|startswith: other", [{"target": "abc", "other": "AB"}], [{"target": "cab", "other": "ab"}]),
    ("target|fieldref|endswith: other", [{"target": "abc", "other": "BC"}], [{"target": "bcx", "other": "bc"}]),
    ("target|fieldref|contains: other", [{"target": "abc", "other": "B"}], [{"target": "abc", "other": "x"}]),
    ("words|fieldref: more", [{"words": ("a", "b"), "more": ("B",)}], [{"words": ("a",), "more": ("b",)}, {"words": ("a",), "more": None}]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("items", "matching", "others"), MATCHING, ids=[items.replace("\n", " ") for items, _, _ in MATCHING]
)
def test_a_construct_matches_what_it_says(items: str, matching: list[Row], others: list[Row]) -> None:
    """Each supported construct matches the rows that Sigma's specification says, and no others."""
    made = rule(items)
    assert [row for row in matching if not made.matches(row)] == []
    assert [row for row in others if made.matches(row)] == []
    assert [row for row in (*matching, *others) if made.explain(row).matched is not made.matches(row)] == []


MORE = "  b:\n    other: y\n  filter_one:\n    words: w\n  filter_two:\n    flag: true\n"
#: Which of the four detections hold, and the conditions that are true then.
CONDITIONS = [
    ("a and b", {"ab"}, {"a", "b", ""}),
    ("a or b", {"a", "b", "ab"}, {""}),
    ("not a", {"", "b"}, {"a", "ab"}),
    ("a and not b", {"a"}, {"ab", "b", ""}),
    ("a and (b or not a)", {"ab"}, {"a", "b"}),
    ("not (a or b)", {""}, {"a", "b", "ab"}),
    ("1 of them", {"a", "b", "1", "2"}, {""}),
    ("any of them", {"a", "2"}, {""}),
    ("all of them", {"ab12"}, {"ab1", "b12", ""}),
    ("1 of filter*", {"1", "2", "a2"}, {"ab", ""}),
    ("all of filter_*", {"12", "a12"}, {"1", "2", "ab"}),
    ("a and not 1 of filter*", {"a", "ab"}, {"a1", "a2", "b"}),
    ("a and not all of filter*", {"a", "a1"}, {"a12"}),
    ("[a, b]", {"a", "b", "ab"}, {"", "1"}),
]


def row_of(parts: str) -> Row:
    return {
        "target": "x" if "a" in parts else None,
        "other": "y" if "b" in parts else "z",
        "words": ("w",) if "1" in parts else (),
        "flag": "2" in parts,
    }


@pytest.mark.parametrize(("condition", "true", "false"), CONDITIONS, ids=[one for one, _, _ in CONDITIONS])
def test_a_condition_joins_its_detections(condition: str, true: set[str], false: set[str]) -> None:
    """`and`, `or`, `not`, brackets, `1 of` and `all of`, and several conditions of which one is enough."""
    made = rule("target: x", condition, more=MORE)
    assert {parts for parts in true | false if made.matches(row_of(parts))} == true
    for parts in true | false:
        assert made.explain(row_of(parts)).matched is made.matches(row_of(parts))


@pytest.mark.parametrize(
    ("items", "values", "matching", "others"),
    [
        ("target|expand: '%p%'", ("a.example", "B.example"), ["A.example", "b.example"], ["c.example", "%p%"]),
        ("target|expand: 'x-%p%'", ("a",), ["x-a"], ["a"]),
        ("target|endswith|expand: '.%p%'", ("a.example",), ["mail.a.example"], ["a.example"]),
        ("target|contains|expand: '%p%'", ("a", "b"), ["xay", "xby"], ["xy"]),
        ("target|expand: '%p%'", ("a*",), ["a*"], ["ab"]),
        ("target|expand: ['%p%', c]", ("a",), ["a", "c"], ["b"]),
        ("target|expand: '%p%'", (), [], ["", "%p%", "a"]),
        ("target|expand: '%p%'", tuple(f"d{n}.example" for n in range(1000)), ["d999.example"], ["d1000.example"]),
    ],
    ids=["whole", "part", "endswith", "contains", "wildcard", "list", "empty", "a thousand"],
)  # fmt: skip
def test_a_placeholder_stands_for_the_values_it_is_given(
    items: str, values: tuple[str, ...], matching: list[str], others: list[str]
) -> None:
    """Every configured value is meant, as it is written, however many there are."""
    made = rule(items, placeholders={"p": values})
    assert [text for text in matching if not made.matches({"target": text})] == []
    assert [text for text in others if made.matches({"target": text})] == []


def test_an_expression_with_a_placeholder_is_filled_in_or_refused() -> None:
    """`re` with `expand` never loads as a rule that looks for the placeholder's name."""
    try:
        made = rule("target|re|expand: '^x-%p%$'", placeholders={"p": ("a",)})
    except RuleError:
        return
    assert made.matches({"target": "x-a"})


def test_an_explanation_shows_each_step_with_what_was_found() -> None:
    """Every part of a condition is told in words, with the value that the row has and whether it matched."""
    made = rule("target|contains: bc\nflag: true", "a and not b", more="  b:\n    size|gte: 5\n")
    told = made.explain({"target": "abc", "flag": False, "size": 7})
    assert not told.matched
    assert told.text == "all of"
    flat = [(part.text, part.matched) for group in told.parts for part in (group.parts or (group,))]
    assert flat[0] == ('target matches "*bc*" (here: "abc")', True)
    assert flat[1] == ("flag is true (here: false)", False)


@pytest.mark.parametrize(
    ("items", "row", "text"),
    [
        ("size|gt: 5", {"size": 5}, "size > 5 (here: 5)"),
        ("size|gte: 5", {"size": 5}, "size >= 5 (here: 5)"),
        ("size|lt: 5", {"size": 5}, "size < 5 (here: 5)"),
        ("size|lte: 5", {"size": 5}, "size <= 5 (here: 5)"),
        ("size: 5", {"size": None}, "size is 5 (here: null)"),
        ("target: null", {"target": "x"}, 'target is null (here: "x")'),
        ("target|exists: false", {"target": None}, "target does not exist (here: null)"),
        ("target|re: '^a'", {"target": "b"}, 'target matches the expression ^a (here: "b")'),
        ("target|cidr: 10.0.0.0/8", {"target": "x"}, 'target in 10.0.0.0/8 (here: "x")'),
        ("words: a", {"words": ("b", "c")}, 'words matches "a" (here: b, c)'),
        ("words: a", {"words": ()}, 'words matches "a" (here: none)'),
        ("flag: true", {"flag": True}, "flag is true (here: true)"),
    ],
)
def test_each_comparison_is_told_in_words(items: str, row: Row, text: str) -> None:
    """A step of an explanation reads as a sentence about one field."""
    assert rule(items).explain(row).text == text


def test_a_rule_carries_what_people_need() -> None:
    """Title, description, level, techniques, false positives, references and advice come from the file."""
    made = compiled(
        document(
            "target: a",
            head=HEAD
            + "tags: [attack.collection, attack.T1114.003, attack.t1562.008, attack.t1114.003, cve.2024-1]\n"
            + "falsepositives: [Somebody's own address]\nreferences: [https://example.org]\n"
            + "postwarden: {advice: [ask first]}\n",
        )
    )
    assert (made.name, made.path, made.level, made.category) == ("rule", "my/rule.yml", "high", "mail_flow")
    assert made.id == "8a857a7e-c13c-45c1-a0ca-541aa0637660"
    assert made.attack == ("T1114.003", "T1685.002")
    assert made.false_positives == ("Somebody's own address",)
    assert made.references == ("https://example.org",)
    assert made.advice == ("ask first",)
    assert len(made.digest) == 64


def test_a_rule_is_told_from_a_changed_one_by_its_digest() -> None:
    """Any change of the file, also one that changes no verdict, gives another digest."""
    raw = document("target: a")
    assert compiled(raw).digest != compiled(raw + b"# remark\n").digest
