"""One script into one mail flow and its gaps."""

from collections.abc import Callable

import pytest

from postwarden.model.encoding import encode
from postwarden.model.evidence import MailFlow
from postwarden.model.reading import Gap, Item, Observed

Items = Callable[[str | bytes], list[Item]]
Gaps = Callable[[str | bytes], list[Gap]]


def test_a_script_is_one_mail_flow(items: Items) -> None:
    """A script becomes one enabled flow under its name, with its own bytes as raw, and no gap."""
    raw = 'redirect "x@y.example"; # ü'.encode()
    (item,) = items(raw)
    assert isinstance(item, Observed)
    assert isinstance(item.evidence, MailFlow)
    flow = item.evidence
    assert (flow.origin, flow.key, flow.name, flow.enabled) == ("sieve_script", "main", "main", True)
    assert (flow.scope.key, flow.source, flow.check) == ("login:alice", "sieve", "sieve_scripts")
    assert item.raw == raw


def test_an_empty_script_is_a_flow_without_paths(items: Items) -> None:
    """A script that does nothing was read all the same."""
    (item,) = items(b"# no rules yet\n")
    assert isinstance(item, Observed)
    assert isinstance(item.evidence, MailFlow)
    assert item.evidence.paths == ()


def test_what_does_not_parse_is_a_gap_with_its_place(items: Items) -> None:
    """A script that is no Sieve gives one gap that names script, line and column, and no flow."""
    (gap,) = items(b"keep;\n  keep")
    assert isinstance(gap, Gap)
    assert (gap.reason, gap.part) == ("malformed", "script main line 2")
    assert gap.message == "line 2, column 7: script ends too early"
    assert gap.hint


@pytest.mark.parametrize(
    ("script", "construct", "line"),
    [
        ('require "variables";\nset "a" "b";', "not analysed: variables (set)", 2),
        ('require "variables";\nset :encodeurl "a" "b";', "not analysed: variables (:encodeurl)", 2),
        ('require "variables";\n\nkeep :flags "${a}";', "not analysed: variables in strings", 3),
        ('require "variables";\nif header "subject" "${a}" {}', "not analysed: variables in strings", 2),
        (
            'require "variables";\nif anyof (true, hasflag "${a}") {}',
            "not analysed: variables in strings",
            2,
        ),
        ('require "encoded-character";\nredirect "${hex:61}";', "not analysed: encoded characters", 2),
        ('include :personal "other";', "not analysed: include of another script", 1),
        ("foreverypart { keep; }", "not analysed: foreverypart loop", 1),
        ('addheader "X-A" "b";', "not analysed: editheader (addheader)", 1),
        ('deleteheader "X-A";', "not analysed: editheader (deleteheader)", 1),
        ('if true {\n frobnicate "it";\n}', "not analysed: command frobnicate", 2),
        ('redirect :list "tag:example.org";', "not analysed: an external list (:list)", 1),
    ],
)
def test_constructs_that_are_not_analysed(gaps: Gaps, script: str, construct: str, line: int) -> None:
    """Each construct that is not analysed is a gap at its line, so that nothing is clean by silence."""
    found = [(gap.message, gap.reason, gap.part) for gap in gaps(script)]
    assert (construct, "unsupported", f"script main line {line}") in found


@pytest.mark.parametrize(
    "script",
    [
        'require ["vnd.example.unheard-of", "variables", "include"]; keep;',
        'redirect "${not-a-variable}";',
        'require "encoded-character"; fileinto "${plain}";',
        'if frobnicated :so "what" { keep; }',
        'mark; unmark; vacation "text";',
    ],
)
def test_what_is_harmless_is_no_gap(gaps: Gaps, script: str) -> None:
    """Required extensions that nothing uses, dollar signs without them, and unknown tests leave no gap."""
    assert gaps(script) == []


def test_a_construct_is_reported_once(gaps: Gaps) -> None:
    """A construct that is used often is one gap at its first line, which says how often."""
    (gap,) = gaps('include "a";\n' * 50)
    assert (gap.message, gap.part) == (
        "not analysed: include of another script (used 50 times)",
        "script main line 1",
    )


def test_effects_beside_a_gap_are_read_off(items: Items) -> None:
    """What stands beside a construct that is not analysed is still in the flow."""
    found, gap = items('require "variables"; set "a" "b"; redirect "x@y.example";')
    assert isinstance(found, Observed)
    assert isinstance(found.evidence, MailFlow)
    assert [effect.target for path in found.evidence.paths for effect in path.effects] == ["x@y.example"]
    assert isinstance(gap, Gap)


@pytest.mark.parametrize(
    "raw", [b'fileinto "caf\xe9";', b'redirect "\xed\xa0\x80@x";', b'if frob "\xff" {keep;}']
)
def test_foreign_bytes_can_be_recorded(items: Items, raw: bytes) -> None:
    """Text that is not UTF-8 comes out escaped, so that a record can hold it."""
    (item,) = items(raw)
    assert isinstance(item, Observed)
    assert b"\\\\x" in encode(item.evidence)
