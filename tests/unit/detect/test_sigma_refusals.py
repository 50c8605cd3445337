"""What a rule may not say is refused when it loads, with file and line."""

import socket
from typing import Any

import pytest

from postwarden.detect.sigma import Rule
from postwarden.errors import RuleError
from tests.unit.detect.rules import HEAD, PATH, compiled, document

ITEM = 10  # the line of the first item of `document`
BOMB = "x: &a [b, b]\n" + "".join(f"x{n}: &a{n} [*a, *a, *a, *a]\n" for n in range(20))

REFUSED: list[tuple[str, bytes, int | None, str]] = [
    # modifiers
    *[
        (f"modifier {name}", document(f"target|{name}: a"), ITEM, f"the modifier {name!r}")
        for name in ("neq", "base64", "base64offset", "wide", "utf16", "utf16le", "utf16be", "windash", "minute", "hour", "day",
                     "week", "month", "year", "lt", "gte", "unknown", "")
    ],
    ("modifier on a flag", document("flag|contains: true"), ITEM, "the modifier 'contains'"),
    ("modifier on a number", document("size|re: 5"), ITEM, "the modifier 're'"),
    ("fieldref on a number", document("size|fieldref: limit"), ITEM, "the modifier 'fieldref'"),
    ("flags without re", document("target|i: a"), ITEM, "a flag of re without re"),
    ("all of one comparison", document("target|cidr|contains: 10.0.0.0/8"), None, ""),
    ("base64 then contains", document("target|base64|contains: a"), ITEM, "'base64'"),
    # keywords
    ("keyword", document("- evil"), ITEM, "a keyword without a field"),
    ("keyword number", document("- 5"), ITEM, "a keyword without a field"),
    ("keyword among items", document("- target: a\n- evil"), ITEM + 1, "a keyword without a field"),
    ("keyword modifier", document("'|all': [a, b]"), ITEM, "a keyword without a field"),
    ("keyword scalar", document("a").replace(b"  a:\n    a", b"  a: evil"), ITEM - 1, "a keyword without a field"),
    # fields and values
    ("unknown field", document("target: a\ncolour: red"), ITEM + 1, "'colour', which mail_flow does not have"),
    ("field in capitals", document("Target: a"), ITEM, "'Target'"),
    ("number in a text", document("target: 5"), ITEM, "compares target, which is a text, with 5"),
    ("flag in a text", document("target: yes"), ITEM, "which is a text, with True"),
    ("float in a text", document("target: 1.5"), ITEM, "which is a text, with 1.5"),
    ("date in a text", document("target: 2026-11-23"), ITEM, "which is a text"),
    ("list in a list", document("target: [[a]]"), ITEM, "which is a text"),
    ("map in a text", document("target: {a: b}"), ITEM, "which is a text"),
    ("null with a modifier", document("target|contains: null"), ITEM, "with None"),
    ("text in a flag", document("flag: 'true'"), ITEM, "compares flag, which is a flag, with 'true'"),
    ("number in a flag", document("flag: 1"), ITEM, "which is a flag"),
    ("text in a number", document("size: '5'"), ITEM, "which is a number"),
    ("flag in a number", document("size: true"), ITEM, "which is a number"),
    ("float in a number", document("size: 5.5"), ITEM, "which is a number"),
    ("float to compare", document("size|gt: 5.5"), ITEM, "which is a number"),
    ("infinity", document("size|gt: .inf"), ITEM, "which is a number"),
    ("no value", document("target: []"), ITEM, "gives no value for target"),
    ("exists with text", document("target|exists: 'yes'"), ITEM, "exists with something else"),
    ("exists with null", document("target|exists: null"), ITEM, "exists with something else"),
    ("exists and contains", document("target|exists|contains: true"), ITEM, "exists with something else"),
    ("fieldref to nothing", document("target|fieldref: colour"), ITEM, "'colour', which is no field of the same type"),
    ("fieldref to another type", document("target|fieldref: words"), ITEM, "'words', which is no field of the same type"),
    ("fieldref to a list", document("target|fieldref: [[other]]"), ITEM, "no field of the same type"),
    ("fieldref to a map", document("target|fieldref: {other: x}"), ITEM, "no field of the same type"),
    # regular expressions and networks
    ("open bracket", document("target|re: '(a'"), None, ""),
    ("look-ahead", document("target|re: 'a(?=b)'"), None, ""),
    ("look-behind", document("target|re: '(?<=a)b'"), None, ""),
    ("negative look-ahead", document("target|re: 'a(?!b)'"), None, ""),
    ("back-reference", document("target|re: '(a)\\1'"), None, ""),
    ("named back-reference", document("target|re: '(?P<x>a)(?P=x)'"), None, ""),
    ("atomic group", document("target|re: '(?>a)'"), None, ""),
    ("repetition beyond bounds", document("target|re: '(a{500}){500}'"), None, ""),
    ("no network", document("target|cidr: 10.0.0.0/99"), None, ""),
    ("host bits", document("target|cidr: 10.0.0.1/8"), None, ""),
    # placeholders
    ("unknown placeholder", document("target|expand: '%suppliers%'"), None, "%suppliers% has no value"),
    # conditions
    ("undefined identifier", document("target: a", "a and b"), ITEM + 1, "'b' not defined"),
    ("one of nothing", document("target: a", "a or 1 of nothing*"), ITEM + 1, "nothing*"),
    ("all of nothing", document("target: a", "all of nothing*"), ITEM + 1, "nothing*"),
    ("pipe", document("target: a", "a | count() > 5"), ITEM + 1, "pipe"),
    ("near", document("target: a", "a | near b"), ITEM + 1, "pipe"),
    ("two of them", document("target: a", "2 of them"), ITEM + 1, "does not parse"),
    ("open bracket in a condition", document("target: a", "(a"), ITEM + 1, "does not parse"),
    ("two names", document("target: a", "a a"), ITEM + 1, "does not parse"),
    ("no condition", document("target: a").replace(b"  condition: a\n", b""), None, "condition"),
    ("empty condition", document("target: a", '""'), ITEM + 1, "does not parse"),
    ("condition of null", document("target: a", "null"), ITEM + 1, ""),
    ("condition of a number", document("target: a", "5"), ITEM + 1, ""),
    ("condition of a map", document("target: a", "{a: b}"), ITEM + 1, ""),
    ("no conditions", document("target: a", "[]"), None, ""),
    ("too deep", document("target: a", "not " * 5000 + "a"), ITEM + 1, ""),
    # what Sigma has and we do not
    ("timeframe", document("target: a", more="  timeframe: 5m\n"), ITEM + 1, "timeframe"),
    ("timeframe above", document("target: a", head=HEAD + "timeframe: 5m\n"), None, "timeframe"),
    ("correlation", document("target: a", head=HEAD + "correlation: {type: event_count}\n"), 8, "correlation"),
    ("correlation alone", b"title: x\ncorrelation:\n  type: event_count\n", None, ""),
    # the head
    ("no detection", HEAD.encode(), None, "has no detection"),
    ("detection of a list", HEAD.encode() + b"detection: [a]\n", 8, "has no detection"),
    ("empty detection", document("{}"), None, ""),
    ("null detection", document("~"), None, ""),
    ("other product", document("target: a", head=HEAD.replace("postwarden", "windows")), 5, "is not for the product postwarden"),
    ("no product", document("target: a", head=HEAD.replace("  product: postwarden\n", "")), 5, "is not for the product"),
    ("no logsource", document("target: a", head=HEAD.partition("logsource")[0]), None, "is not for the product"),
    ("logsource of a text", document("target: a", head=HEAD.partition("logsource")[0] + "logsource: x\n"), 5, "is not for the product"),
    ("unknown category", document("target: a", head=HEAD.replace("mail_flow", "webserver")), 7, "'webserver', which is unknown"),
    ("no category", document("target: a", head=HEAD.replace("  category: mail_flow\n", "")), None, "is for the category None"),
    ("category of a list", document("target: a", head=HEAD.replace("mail_flow", "[mail_flow]")), 7, "which is unknown"),
    ("category of a map", document("target: a", head=HEAD.replace("mail_flow", "{a: b}")), 7, "which is unknown"),
    ("category without fields", document("target: a", head=HEAD.replace("mail_flow", "grant")), ITEM, "which grant does not have"),
    ("no level", document("target: a", head=HEAD.replace("level: high\n", "")), None, "level"),
    ("unknown level", document("target: a", head=HEAD.replace("high", "urgent")), None, "urgent"),
    ("level of a list", document("target: a", head=HEAD.replace("high", "[high]")), None, ""),
    ("no id", document("target: a", head=HEAD.replace("id: 8a857a7e-c13c-45c1-a0ca-541aa0637660\n", "")), None, "has no UUID"),
    ("id that is none", document("target: a", head=HEAD.replace("8a857a7e-c13c-45c1-a0ca-541aa0637660", "17")), None, "UUID"),
    ("no title", document("target: a", head=HEAD.replace("title: A rule\n", "")), None, "title"),
    ("blank title", document("target: a", head=HEAD.replace("A rule", "' '")), 1, "has no title"),
    ("no description", document("target: a", head=HEAD.replace("description: What it is for.\n", "")), None, "has no description"),
    ("tags of a text", document("target: a", head=HEAD + "tags: attack.t1114\n"), None, "tags"),
    ("false positives of a text", document("target: a", head=HEAD + "falsepositives: x\n"), None, "falsepositives"),
    ("references of numbers", document("target: a", head=HEAD + "references: [5]\n"), None, "references"),
    ("own key of a text", document("target: a", head=HEAD + "postwarden: x\n"), 8, "knows advice only"),
    ("own unknown key", document("target: a", head=HEAD + "postwarden: {colour: red}\n"), 8, "knows advice only"),
    ("advice of a text", document("target: a", head=HEAD + "postwarden:\n  advice: x\n"), 9, "advice is not a list"),
    ("status", document("target: a", head=HEAD + "status: fresh\n"), None, "status"),
    # the file
    ("twice the same key", document("target: a\ntarget: b"), ITEM + 1, "'target' twice"),
    ("twice the same detection", document("target: a", more="  a:\n    other: b\n"), ITEM + 1, "'a' twice"),
    ("twice the title", document("target: a", head=HEAD + "title: Another\n"), 8, "'title' twice"),
    ("twice the same key in a flow", document("{target: a, target: b}"), ITEM, "'target' twice"),
    ("merge key", document("<<: {target: a}"), ITEM, ""),
    ("anchor", document("target: &x a"), ITEM, "anchors and aliases"),
    ("alias", document("target: &x a\nother: *x"), ITEM, "anchors and aliases"),
    ("bomb", BOMB.encode() + document("target: a"), 1, "anchors and aliases"),
    ("key of a list", document("? [a]\n: b"), ITEM, "a key that is not text"),
    ("deep lists", document("target: " + "[" * 30 + "a" + "]" * 30), ITEM, "nested too deep"),
    ("deep maps", document("target: " + "{a: " * 30 + "b" + "}" * 30), ITEM, "nested too deep"),
    ("very deep", b"[" * 30_000, 1, "nested too deep"),
    ("tab", document("target: a").replace(b"    target", b"\ttarget"), ITEM, ""),
    ("not utf-8", document("target: '\xff'").replace(b"\xc3\xbf", b"\xff"), None, "is not YAML"),
    ("control character", document("target: a").replace(b": a\n  cond", b": a\x00\n  cond"), None, "is not YAML"),
    ("two documents", document("target: a") + b"---\n" + document("target: a"), 12, "document"),
    ("empty", b"", 1, "is not a Sigma rule"),
    ("remark", b"# nothing\n", 1, "is not a Sigma rule"),
    ("list", b"- a\n", 1, "is not a Sigma rule"),
    ("text", b"hello\n", 1, "is not a Sigma rule"),
    ("open quote", document("target: 'a"), None, "is not YAML"),
    ("python object", document("target: !!python/object/apply:os.system [id]"), None, ""),
    ("unknown tag", document("target: !secret a"), ITEM, "is not YAML"),
    ("odd timestamp", document("target: a", head=HEAD + "date: !!timestamp x\n"), None, ""),
    ("odd flag", document("target: a", head=HEAD + "date: !!bool maybe\n"), None, ""),
    ("odd number", document("target: a", head=HEAD + 'date: !!int ""\n'), None, ""),
    ("odd sign", document("target: a", head=HEAD + 'date: !!int "-"\n'), None, ""),
    ("odd float", document("target: a", head=HEAD + 'date: !!float ""\n'), None, ""),
    ("impossible date", document("target: a", head=HEAD + "date: 2026-13-45\n"), None, ""),
    ("endless number", document("target: a", head=HEAD + "date: " + "1" * 5000 + "\n"), None, ""),
]  # fmt: skip


@pytest.mark.parametrize(
    ("raw", "line", "words"), [one[1:] for one in REFUSED], ids=[one[0] for one in REFUSED]
)
def test_what_is_not_supported_is_refused_with_file_and_line(
    raw: bytes, line: int | None, words: str
) -> None:
    """Nothing loads as a rule that would silently not match, and the message says where it is wrong."""
    with pytest.raises(RuleError) as caught:
        compiled(raw)
    assert caught.value.path == PATH
    assert words in str(caught.value)
    assert str(caught.value).startswith(PATH)
    if line is not None:
        assert caught.value.line == line


MESSAGES = [one for one in REFUSED if one[0] in {
    "not utf-8", "control character", "two documents", "look-ahead", "condition of a number", "condition of a map",
    "condition of null", "too deep", "open bracket",
}]  # fmt: skip


@pytest.mark.parametrize("raw", [one[1] for one in MESSAGES], ids=[one[0] for one in MESSAGES])
def test_a_refusal_is_a_sentence_for_people(raw: bytes) -> None:
    """Messages are one line in words of rules, not of Python's or a library's insides."""
    with pytest.raises(RuleError) as caught:
        compiled(raw)
    message = caught.value.message
    assert "\n" not in message
    assert "b'" not in message
    assert not message.startswith("is not YAML: but")
    assert not any(
        word in message for word in ("unhashable", "NoneType", "argument of type", "recursion", "object")
    )


def test_a_broken_expression_prints_nothing_by_itself(capfd: pytest.CaptureFixture[str]) -> None:
    """The library of expressions does not write to stderr beside our message."""
    with pytest.raises(RuleError):
        compiled(document("target|re: '(a'"))
    assert capfd.readouterr().err == ""


def test_loading_a_rule_opens_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sigma's library would fetch ATT&CK's data for its validators; loading a rule touches no network."""

    def refuse(*_: object, **__: object) -> Any:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    made = compiled(document("target: a", head=HEAD + "tags: [attack.t1114.003, attack.collection]\n"))
    assert isinstance(made, Rule)
    assert made.attack == ("T1114.003",)


def test_sixty_four_kilobytes_of_rule_load_in_bounded_time() -> None:
    """The longest file that is read, full of alternatives, loads and matches."""
    names = ", ".join(f"v{number}" for number in range(8000))
    made = compiled(document(f"target: [{names}]"))
    assert made.matches({"target": "v7999"})
    assert not made.matches({"target": "v8000"})
    assert compiled(document("target: a", " or ".join(["a"] * 2000))).matches({"target": "a"})
