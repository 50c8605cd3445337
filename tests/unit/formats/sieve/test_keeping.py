"""Whether the owner keeps a copy."""

from collections.abc import Callable

import pytest

from postwarden.model.mailflow import Path

Paths = Callable[[str], tuple[Path, ...]]

TO = 'redirect "x@y.example";'
COPY = 'redirect :copy "x@y.example";'
IF = 'if header "subject" "a"'


def kept(found: tuple[Path, ...]) -> list[bool | None]:
    """What the paths that redirect, or delete, say about a copy."""
    return [
        path.keeps_copy
        for path in found
        if any(e.what in {"redirect", "delete", "execute"} for e in path.effects)
    ]


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (TO, False),
        (COPY, True),
        (f"{TO} keep;", True),
        (f"keep; {TO}", True),
        (f'{TO} fileinto "A";', True),
        (f'{TO} fileinto :copy "A";', True),
        (f"{COPY} discard;", False),
        (f"{COPY} {TO}", False),
        ("discard; keep;", True),
        ("discard;", False),
        (f'{COPY} reject "no";', False),
        (f'{COPY} vacation "away";', True),
        (f"{TO} stop; keep;", False),
        ('pipe "x";', False),
        ('pipe :copy "x";', True),
        ('execute "x";', True),
    ],
)
def test_one_block(paths: Paths, script: str, *, expected: bool) -> None:
    """The implicit keep is cancelled by redirect, fileinto, discard and reject, unless they copy or store."""
    assert kept(paths(script))[0] is expected


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (f"{IF} {{ {TO} }} keep;", True),
        (f"keep; {IF} {{ {TO} }}", True),
        (f'{IF} {{ {TO} stop; }} fileinto "A";', False),
        (f"discard; {IF} {{ {COPY} }}", False),
        (f"{IF} {{ {COPY} }} discard;", False),
        (f"{IF} {{ {IF} {{ {TO} }} keep; }}", True),
        (f"{IF} {{ {TO} }} else {{ keep; }}", False),
        (f'{IF} {{ fileinto "A"; stop; }} {TO}', False),
        (f'addflag "\\\\Seen"; {IF} {{ fileinto "A"; stop; }} {TO}', False),
        (f'{IF} {{ fileinto "A"; }} {COPY}', True),
        (f'{COPY} {IF} {{ fileinto "A"; stop; }} else {{ keep; }}', True),
    ],
)
def test_surrounding_blocks(paths: Paths, script: str, *, expected: bool) -> None:
    """What the blocks around a path do before and after it, until a stop, counts for its copy."""
    assert kept(paths(script))[0] is expected


@pytest.mark.parametrize(
    "script",
    [
        f"{TO} {IF} {{ keep; }}",
        f"{IF} {{ keep; }} {TO}",
        f'{IF} {{ fileinto "A"; }} {TO}',
        f"{COPY} {IF} {{ discard; }}",
        f'{COPY} {IF} {{ stop; }} redirect "z@y.example";',
        f'{IF} {{ {TO} }} if header "subject" "b" {{ keep; }}',
        f'include "more"; {COPY}',
        f'{TO} include "more";',
        f'{COPY} frobnicate "it";',
        f"{COPY} foreverypart {{ discard; }}",
        f"{TO} foreverypart {{ {IF} {{ keep; break; }} }}",
    ],
)
def test_it_depends(paths: Paths, script: str) -> None:
    """Where another condition, or what is not analysed, decides about the copy, nothing is claimed."""
    assert None in kept(paths(script))


def test_constant_branches_decide(paths: Paths) -> None:
    """A branch that never runs changes nothing, and one that always runs leaves no doubt."""
    assert kept(paths(f"{TO} if false {{ keep; }}")) == [False]
    assert kept(paths(f"{TO} if true {{ keep; }}")) == [True]


def test_an_error_leaves_only_the_implicit_keep(paths: Paths) -> None:
    """A script that ends in an error undoes what it did, and the message is kept."""
    assert kept(paths(f'{TO} error "no";')) == [True]


def test_unreachable_paths_claim_nothing(paths: Paths) -> None:
    """A path that never runs says nothing about a copy."""
    assert kept(paths(f"stop; {TO}")) == [None]


def test_filing_into_the_inbox_is_keeping(paths: Paths) -> None:
    """A message that is filed into INBOX, in any case, stays where the owner looks."""
    (path,) = paths('fileinto "inbox"; fileinto :copy "A";')
    assert [effect.what for effect in path.effects] == ["move", "copy_to_folder"]
