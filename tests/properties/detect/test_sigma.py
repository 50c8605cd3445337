"""Any bytes as a rule, and any row under any rule."""

import os
import time
from typing import Any

import pytest
import yaml
from hypothesis import example, given, seed, settings
from hypothesis import strategies as st

from postwarden.detect.sigma import Explanation, Rule
from postwarden.errors import RuleError
from tests.unit.detect.rules import FIELDS, HEAD, PATH, compiled, document

LONG = os.environ.get("POSTWARDEN_LONG")
SEED = int(os.environ.get("POSTWARDEN_SEED", "20261123"))
print(f"sigma: seed {SEED}")
counted = settings(max_examples=2000 if LONG else 200)
#: Seconds that no rule of our size may take, on a slow machine.
BOUND = 5.0

#: Python warns of some expressions; Sigma's library compiles them for its own purposes.
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")

words = st.sampled_from(
    ["a", "A", "ab", "b*", "?", "*", "\\*", "\\", "x.y", "\u00df", "\u0130", "", "10.0.0.1", "%p%", "("]
)
texts = st.lists(words, max_size=3).map("".join)
rows = st.fixed_dictionaries(
    {},
    optional={
        "target": st.none() | texts,
        "other": st.none() | texts,
        "words": st.none() | st.lists(texts, max_size=3).map(tuple),
        "more": st.none() | st.lists(texts, max_size=3).map(tuple),
        "size": st.none() | st.integers(-2, 7),
        "limit": st.none() | st.integers(-2, 7),
        "flag": st.none() | st.booleans(),
        "on": st.none() | st.booleans(),
    },
)


def listed(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return values | st.lists(values, min_size=2, max_size=3)


items = st.one_of(
    st.tuples(
        st.builds(
            "{}{}{}".format,
            st.sampled_from(["target", "other", "words"]),
            st.sampled_from(["", "|contains", "|startswith", "|endswith"]),
            st.sampled_from(["", "|cased"]),
        ),
        listed(texts),
    ),
    st.tuples(
        st.sampled_from(["target|contains|all", "words|contains|all"]),
        st.lists(texts, min_size=2, max_size=3),
    ),
    st.tuples(
        st.sampled_from(["target|re", "target|re|i", "words|re|s"]),
        listed(st.sampled_from(["a", "^a", "b+$", ".", "^$"])),
    ),
    st.tuples(st.just("target|cidr"), st.just("10.0.0.0/8")),
    st.tuples(st.sampled_from(["target", "words", "size", "flag"]), st.none()),
    st.tuples(
        st.sampled_from(["target|exists", "words|exists", "size|exists", "flag|exists"]), st.booleans()
    ),
    st.tuples(st.sampled_from(["flag", "on"]), listed(st.booleans())),
    st.tuples(
        st.sampled_from(["size", "size|lt", "size|lte", "limit|gt", "limit|gte"]), listed(st.integers(-1, 6))
    ),
    st.tuples(st.sampled_from(["target|fieldref", "target|fieldref|startswith"]), st.just("other")),
    st.tuples(st.just("words|fieldref"), st.just("more")),
    st.tuples(st.sampled_from(["target|expand", "target|contains|expand"]), st.just("x%p%")),
)
maps = st.lists(items, min_size=1, max_size=3).map(dict)
detections: st.SearchStrategy[Any] = st.one_of(maps, st.lists(maps, min_size=1, max_size=2))
conditions = st.recursive(
    st.sampled_from(["a", "b", "c1", "c2", "1 of c*", "all of c*", "1 of them", "all of them"]),
    lambda inner: st.one_of(
        st.builds("not ({})".format, inner),
        st.builds("({}) and ({})".format, inner, inner),
        st.builds("({}) or ({})".format, inner, inner),
    ),
    max_leaves=5,
)


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    """Any rule of supported constructs."""
    detection = {name: draw(detections) for name in ("a", "b", "c1", "c2")}
    tree = {**yaml.safe_load(HEAD), "detection": {**detection, "condition": draw(conditions)}}
    return compiled(yaml.safe_dump(tree, allow_unicode=True).encode(), {"p": ("a", "b")})


def holds(told: Explanation) -> bool:
    """Whether an explanation agrees with its own parts."""
    parts = [part.matched for part in told.parts]
    if not parts:
        return True
    wanted = {"not": not parts[0], "all of": all(parts), "any of": any(parts)}[told.text]
    return told.matched is wanted and all(holds(part) for part in told.parts)


@seed(SEED)
@counted
@given(rules(), st.lists(rows, min_size=1, max_size=5))
def test_an_explanation_agrees_with_the_verdict(made: Rule, found: list[dict[str, Any]]) -> None:
    """For any rule and row, what is explained is what is judged, step by step, and judging twice is the same."""
    for row in found:
        verdict = made.matches(row)
        told = made.explain(row)
        assert verdict is told.matched is made.matches(row)
        assert holds(told)


@seed(SEED)
@counted
@given(texts, texts)
def test_a_plain_value_is_compared_whole_in_any_case(wanted: str, found: str) -> None:
    """Escaped, any text matches itself in any case, and no other text."""
    escaped = wanted.replace("\\", "\\\\").replace("*", "\\*").replace("?", "\\?")
    made = compiled(
        yaml.safe_dump(
            {**yaml.safe_load(HEAD), "detection": {"a": {"target": escaped}, "condition": "a"}}
        ).encode()
    )
    assert made.matches({"target": wanted})
    assert made.matches({"target": wanted.casefold()})
    assert made.matches({"target": found}) is (wanted.casefold() == found.casefold())


VALID = document(
    "target|contains: [a, b]\nflag: true", "a and not 1 of filter*", more="  filter_x:\n    words|re: '^b'\n"
)
pieces = st.sampled_from(
    [
        b"\n", b"  ", b"    ", b": ", b"- ", b"{", b"}", b"[", b"]", b"'", b'"', b"|", b">", b"&a ", b"*a", b"? ", b"!!int ", b"!!bool ",
        b"!!timestamp ", b"!!float ", b"!!binary ", b"!!set ", b"!x ", b"<<: ", b"---\n", b"...\n", b"#", b"%p%", b"\t", b"\x00", b"\xff",
        b"\xef\xbb\xbf", b"null", b"true", b"5", b"1.5", b".inf", b".nan", b"2026-11-23", b"a", b"target", b"detection", b"condition",
        b"logsource", b"level", b"id", b"tags", b"timeframe", b"correlation", b"|re", b"|contains", b"|all", b"|cidr", b"|expand",
        b"(?=", b"\\1", b"{99999}", b"not ", b"1 of ", b"of them", b"9" * 4400,
    ]
)  # fmt: skip
soups = st.lists(pieces | st.binary(max_size=3), max_size=10).map(b"".join)


@st.composite
def spoiled(draw: st.DrawFn) -> bytes:
    """A good rule with a piece cut out, doubled or replaced."""
    start = draw(st.integers(0, len(VALID)))
    end = draw(st.integers(start, min(len(VALID), start + 30)))
    return VALID[:start] + draw(soups | st.just(VALID[start:end] * 2)) + VALID[end:]


values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats() | texts | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
KEYS = [
    "title", "id", "description", "level", "logsource", "detection", "tags", "falsepositives", "references", "postwarden", "date",
    "modified", "author", "status", "related", "fields", "license", "name", "taxonomy", "scope", "correlation", "filter", "action",
]  # fmt: skip


@st.composite
def reshaped(draw: st.DrawFn) -> bytes:
    """A good rule with some of its values, or its parts', replaced by any others."""
    tree = yaml.safe_load(VALID)
    for key in draw(st.lists(st.sampled_from(KEYS), max_size=3)):
        tree[key] = draw(values)
    for place in ("logsource", "detection"):
        if isinstance(tree.get(place), dict) and draw(st.booleans()):
            tree[place][draw(st.sampled_from(["category", "product", "a", "condition", "b"]))] = draw(values)
    return yaml.safe_dump(tree, allow_unicode=True).encode()


def loads_or_is_refused(raw: bytes) -> None:
    start = time.monotonic()
    try:
        made = compiled(raw)
    except RuleError as exc:
        refused = exc
    else:
        made.matches({})
        made.explain({"target": "x", "flag": True, "words": ("b",)})
        return
    assert time.monotonic() - start < BOUND
    assert refused.path == PATH
    assert refused.message
    assert refused.line is None or 1 <= refused.line <= raw.count(b"\n") + 2


@seed(SEED)
@counted
@given(soups | st.binary(max_size=60) | spoiled())
@example(VALID)
def test_any_bytes_are_a_rule_or_our_error(raw: bytes) -> None:
    """Whatever a file holds, it is a rule or an error with its place, soon."""
    loads_or_is_refused(raw)


@seed(SEED)
@counted
@given(reshaped())
def test_any_shape_is_a_rule_or_our_error(raw: bytes) -> None:
    """A rule whose values are of any other shape is a rule or an error with its place."""
    loads_or_is_refused(raw)


@pytest.mark.parametrize(
    "raw",
    [
        document("target: a", "(" * 30 + "a" + ")" * 30),
        document("target: a", "not " * 300 + "a"),
        document("target: a", " and ".join(["a"] * 3000)),
        document("target: a", " or not ".join(["(a)"] * 300)),
        document("target|re: '" + "(" * 2000 + ")" * 2000 + "'"),
        document("target|re: '" + "(a|b)*" * 3000 + "'"),
        document("target: '" + "*a" * 20_000 + "'"),
        document("target: [" + ", ".join(["'*a*b*'"] * 5000) + "]"),
        HEAD.encode() + b"detection:\n" + b"".join(b"  d%d: {target: a}\n" % n for n in range(2000)) + b"  condition: 1 of d*\n",
        document("target: " + "a " * 30_000),
        b"? " * 30_000,
        b"- " * 30_000,
        b"a: " * 20_000,
        b"'" * 60_000,
        b"|" + b"\n" * 60_000,
        b"[" + b"a, " * 20_000,
        b"a\n" * 30_000,
        b"a: 1" + b":1" * 30_000,
        b"a: " + b"1_" * 30_000,
    ],
    ids=[
        "brackets", "nots", "ands", "or nots", "groups", "stars", "wildcards", "list", "detections", "long text", "keys", "lists", "colons",
        "quotes", "block", "flow", "lines", "sexagesimal", "underscores",
    ],
)  # fmt: skip
def test_no_file_of_our_size_takes_long(raw: bytes) -> None:
    """What is made to be slow, within the size of a rule, still ends soon."""
    loads_or_is_refused(raw[:65_536])


def test_the_test_category_is_like_a_real_one() -> None:
    """The fields of these tests have every type that a real category may have."""
    assert {kind for fields in FIELDS.values() for kind in fields.values()} == {
        "text",
        "texts",
        "number",
        "flag",
    }
