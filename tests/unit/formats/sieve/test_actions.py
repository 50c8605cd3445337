"""What each action does."""

from collections.abc import Callable

import pytest

from postwarden.model.mailflow import Path
from postwarden.model.reading import Gap, Item

Effects = Callable[[str], list[list[str]]]
Paths = Callable[[str], tuple[Path, ...]]


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("keep;", ["keep"]),
        ("discard;", ["delete"]),
        ('redirect "a@b.example";', ["redirect a@b.example"]),
        ('redirect "Name <a@b.example>";', ["redirect Name <a@b.example>"]),
        ("redirect text:\na@b.example\n.\n;", ["redirect a@b.example"]),
        ('redirect :copy "a@b.example";', ["redirect a@b.example"]),
        ('redirect :notify "NEVER" :unknown "x" "a@b.example";', ["redirect a@b.example"]),
        ('fileinto "Ordner/Über";', ["move Ordner/Über"]),
        ('fileinto :create "&AOk-";', ["move &AOk-"]),
        ('fileinto :copy "A";', ["copy_to_folder A"]),
        ('fileinto :specialuse "\\\\Junk" "Spam";', ["move \\Junk"]),
        ('reject "no";', ["reject"]),
        ("ereject text:\nno\n.\n;", ["reject"]),
        ('vacation :days 7 :addresses ["a@b.example"] "away";', ["reply"]),
        ('notify :message "new" "mailto:a@b.example";', ["notify mailto:a@b.example"]),
        ('notify :method "mailto" :options ["a@b.example"];', ["notify mailto:a@b.example"]),
        ('execute :pipe "leak.sh" ["arg"];', ["execute leak.sh"]),
        ('filter "change.sh";', ["execute change.sh"]),
        ('pipe :copy "leak.sh";', ["execute leak.sh"]),
        ("stop;", ["stop"]),
        ("return;", ["stop"]),
        ("keep; keep;", ["keep"]),
    ],
)
def test_effects(effects: Effects, script: str, expected: list[str]) -> None:
    """Each action becomes its effect, with the target as it was written."""
    assert effects(script) == [expected]


def test_tests_that_run_programs(effects: Effects) -> None:
    """A program that a condition runs to know its result is an effect under the conditions around it."""
    script = 'if anyof (header "subject" "a", execute "leak.sh") { keep; }'
    assert effects(script) == [["execute leak.sh"], ["keep"]]


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ('addflag "\\\\Seen"; fileinto "A";', [["mark_read", "move A"]]),
        ('setflag ["\\\\flagged \\\\SEEN"]; keep;', [["mark_read", "keep"]]),
        ('fileinto :flags "\\\\Seen" "A";', [["mark_read", "move A"]]),
        ('addflag "\\\\Seen";', [["mark_read"]]),  # the implicit keep stores with it: RFC 5232 section 3
        (
            'addflag "\\\\Seen"; if header "subject" "a" { fileinto "A"; }',
            [["mark_read"], ["mark_read", "move A"]],
        ),
        (
            'if header "subject" "a" { addflag "\\\\Seen"; } fileinto "A";',
            [["mark_read"], ["mark_read", "move A"]],
        ),
        (
            'addflag "\\\\Seen"; if header "subject" "a" { stop; } fileinto "A";',
            [["mark_read", "move A"], ["stop"]],
        ),
        ('fileinto "A"; addflag "\\\\Seen";', [["move A"]]),
        ('addflag "\\\\Seen"; redirect "a@b.example";', [["redirect a@b.example"]]),
        ('addflag "\\\\Seen"; setflag "\\\\Flagged"; keep;', [["keep"]]),
        ('addflag "\\\\Seen"; removeflag "\\\\Seen"; keep;', [["keep"]]),
        ('addflag "\\\\Seen"; fileinto :flags "" "A";', [["move A"]]),
        ('addflag "\\\\Flagged"; keep;', [["keep"]]),
        (
            'if header "subject" "a" { addflag "\\\\Seen"; stop; } fileinto "A";',
            [["mark_read", "stop"], ["move A"]],
        ),
        ('addflag "\\\\Seen"; discard;', [["delete"]]),
        (
            'discard; foreverypart { fileinto "A"; addflag "\\\\Seen"; }',
            [["delete"], ["mark_read", "move A"]],
        ),
        (
            (
                'discard; foreverypart { if header "subject" "a" { fileinto "A"; } else { addflag "\\\\Seen"; } }'
                ' removeflag "\\\\Seen";'
            ),
            [["delete"], ["mark_read", "move A"], ["mark_read"]],
        ),
    ],
)
def test_marking_read(effects: Effects, script: str, expected: list[list[str]]) -> None:
    """A message is marked read where the flag is in force when the message is stored, and only there."""
    assert sorted(effects(script)) == sorted(expected)


@pytest.mark.parametrize(
    ("script", "resolved"),
    [
        ('require "variables"; redirect "${to}";', False),
        ('if ihave "variables" { redirect "${to}"; }', False),
        ('require "encoded-character"; redirect "${hex:61}@b.example";', False),
        ('redirect "${to}";', True),
        ('require "encoded-character"; redirect "${to}";', True),
        ('require "variables"; fileinto "lists/${1}";', False),
        ('require "variables"; notify "mailto:${to}";', False),
        ('require "variables"; keep :flags "${flags}";', False),
        ('require "variables"; addflag "${flags}"; keep;', False),
        ('require ["fileinto", "mailboxid"]; fileinto :mailboxid "F1" "A";', False),
        ('require "variables"; redirect "a@b.example";', True),
    ],
)
def test_computed_targets(paths: Paths, script: str, *, resolved: bool) -> None:
    """A target that the script puts together is not resolved, and only where the extension is there."""
    (path,) = (path for path in paths(script) if path.effects)
    assert path.effects[0].resolved is resolved


def test_flags_in_a_variable_of_their_own(effects: Effects) -> None:
    """Flags that go into a named variable do not mark what is stored without it."""
    assert effects('require "variables"; addflag "mine" "\\\\Seen"; keep;') == [["keep"]]
    assert effects('addflag "\\\\Seen"; setflag "mine" "\\\\Flagged"; keep;') == [["mark_read", "keep"]]


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ('fileinto :copy "A"; discard;', ["move A", "delete"]),
        ('redirect "a@b.example"; fileinto :copy "A";', ["redirect a@b.example", "move A"]),
        ('fileinto :copy "A"; discard; keep;', ["copy_to_folder A", "delete", "keep"]),
        ('fileinto :copy "A"; redirect :copy "a@b.example";', ["copy_to_folder A", "redirect a@b.example"]),
    ],
)
def test_a_copy_that_is_the_only_one_left_is_a_move(
    effects: Effects, script: str, expected: list[str]
) -> None:
    """A copy into a folder counts as a move where the message does not stay in the inbox."""
    assert effects(script) == [expected]


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("redirect;", "line 1, column 1: redirect needs an address"),
        ("keep; fileinto :copy 5;", "line 1, column 7: fileinto needs a folder"),
        ("notify;", "line 1, column 1: notify needs a method"),
        ("execute;", "line 1, column 1: execute needs a program"),
        ("keep {}", "line 1, column 1: keep takes neither test nor block"),
        ("else { keep; }", "line 1, column 1: else does not follow an if"),
        ("if true {} stop; elsif true {}", "line 1, column 18: elsif does not follow an if"),
        ("if true {} else {} else {}", "line 1, column 20: else does not follow an if"),
        ("if true {} else true {}", "line 1, column 12: else takes no test"),
        ("if {}", "line 1, column 1: if needs one test"),
        ("if (true, true) {}", "line 1, column 1: if needs one test"),
        ("if true;", "line 1, column 1: if needs a block"),
    ],
)
def test_structure_that_no_server_takes(
    items: Callable[[str], list[Item]], script: str, message: str
) -> None:
    """A script whose structure is wrong is one malformed gap with its place, and no mail flow."""
    (gap,) = items(script)
    assert isinstance(gap, Gap)
    assert (gap.reason, gap.message) == ("malformed", message)
