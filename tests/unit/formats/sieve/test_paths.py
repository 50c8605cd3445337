"""Paths: what is reachable, in which order, and how many."""

from collections.abc import Callable

import pytest

from postwarden.formats.sieve.paths import MAX_EFFECTS
from postwarden.model.mailflow import EVERYTHING, NOTHING, Path
from postwarden.model.reading import Gap

Paths = Callable[[str], tuple[Path, ...]]
Gaps = Callable[[str], list[Gap]]

TO = 'redirect "x@y.example";'
IF = 'if header "subject" "a"'


def redirects(found: tuple[Path, ...]) -> list[bool]:
    """Whether each path with a redirect is reachable."""
    return [path.reachable for path in found if any(effect.what == "redirect" for effect in path.effects)]


@pytest.mark.parametrize(
    "script",
    [
        f"stop; {TO}",
        f"return; {TO}",
        f'error "x"; {TO}',
        f"if true {{ stop; }} {TO}",
        f"{IF} {{ stop; }} else {{ stop; }} {TO}",
        f"{IF} {{ stop; {TO} }}",
        f"{IF} {{ stop; if true {{ {TO} }} }}",
        f"if false {{ {TO} }}",
        f"if not true {{ {TO} }}",
        f"if allof (true, false) {{ {TO} }}",
        f"if false {{ if true {{ {TO} }} }}",
        f"if true {{ }} else {{ {TO} }}",
        f"if true {{ }} elsif true {{ {TO} }}",
        f"{IF} {{ }} elsif true {{ }} elsif true {{ {TO} }}",
        f"if true {{ }} {f'els{IF} {{ }}' * 20} else {{ {TO} }}",
    ],
)
def test_unreachable(paths: Paths, script: str) -> None:
    """What is behind an unconditional stop, or under a constantly false condition, is shown as unreachable."""
    assert redirects(paths(script)) == [False]


@pytest.mark.parametrize(
    "script",
    [
        f"{IF} {{ stop; }} {TO}",
        f"if false {{ stop; }} {TO}",
        f"{IF} {{ stop; }} elsif true {{ }} {TO}",
        f"if not false {{ {TO} }}",
        f'if exists "from" {{ }} else {{ {TO} }}',
        f'include "a"; {TO}',
        f"foreverypart {{ stop; }} {TO}",
        f"foreverypart {{ {TO} }}",
        f"frobnicate {{ {TO} }}",
    ],
)
def test_reachable(paths: Paths, script: str) -> None:
    """What some message may come to is reachable."""
    assert redirects(paths(script)) == [True]


def test_a_path_is_a_block_in_the_order_of_the_script(paths: Paths) -> None:
    """The actions of one block are one path, placed at its first action, with what is behind a stop apart."""
    script = f"""keep;
{IF} {{
  fileinto "A";
}}
{TO}
stop;
discard;"""
    assert [
        (path.line, [effect.what for effect in path.effects], path.reachable) for path in paths(script)
    ] == [
        (1, ["keep", "redirect", "stop"], True),
        (3, ["move"], True),
        (7, ["delete"], False),
    ]


def test_conditions_of_straight_lines_and_dead_branches(paths: Paths) -> None:
    """The top level applies to every message, and a dead branch to none."""
    assert [path.condition for path in paths(f"{TO} if false {{ keep; }}")] == [EVERYTHING, NOTHING]


def test_too_many_effects_are_a_gap(paths: Paths, gaps: Gaps) -> None:
    """Beyond the bound paths are missing, and a gap says from which line on."""
    script = "\n".join(f'if size :over {number} {{ fileinto "{number}"; }}' for number in range(100, 10_102))
    assert sum(len(path.effects) for path in paths(script)) == MAX_EFFECTS
    (gap,) = gaps(script)
    assert (gap.reason, gap.part) == ("unsupported", f"script main line {MAX_EFFECTS + 1}")


def test_one_block_of_too_many_effects_is_cut(paths: Paths, gaps: Gaps) -> None:
    """A block of too many effects is not lost as a whole: what fits is there, and the rest is a gap."""
    script = "\n".join(f'fileinto "{number}";' for number in range(10_100))
    (path,) = paths(script)
    assert len(path.effects) == MAX_EFFECTS
    assert [gap.part for gap in gaps(script)] == [f"script main line {MAX_EFFECTS + 1}"]


def test_large_conditions_are_not_repeated_without_end(paths: Paths, gaps: Gaps) -> None:
    """A large condition around many blocks does not fill the memory: the rest is a gap."""
    inner = 'if header "to" "b" { keep; }' * 1000
    script = 'if header "subject" "' + "a" * 500_000 + '" {' + inner + "}"
    assert 10 < len(paths(script)) < 30
    assert len(gaps(script)) == 1
