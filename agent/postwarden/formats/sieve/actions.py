"""What each of Sieve's actions does, by its name, for the extensions that Pigeonhole and Cyrus have."""

from collections.abc import Callable, Iterable

from postwarden.formats.sieve.arguments import Arguments, told_apart
from postwarden.formats.sieve.program import Action, Seen
from postwarden.formats.sieve.syntax import Command, Test
from postwarden.formats.sieve.tokens import SieveError
from postwarden.model.mailflow import Effect, EffectKind

#: Commands that do nothing which the normal form speaks of, and are fully understood.
HARMLESS = frozenset({"require", "mark", "unmark"})
#: Commands that leave the message's way into a folder alone, though they are not analysed yet.
PASSIVE = frozenset(
    {
        *("set", "global", "import", "export", "extracttext", "debug_log", "denotify", "break"),
        *("addheader", "deleteheader", "replaceheader"),
    }
)
#: Tests that run a program (vnd.dovecot.execute and vnd.dovecot.filter are commands and tests).
RUNNING_TESTS = frozenset({"execute", "filter"})

#: Whether a string is put together while the script runs.
Computed = Callable[[str], bool]


def action(command: Command, computed: Computed) -> Action | None:
    """What a command does, or None where its name is none that we know.

    Raises SieveError where an argument is missing that the action cannot do without.
    """
    given = told_apart(command.arguments)
    at = (command.line, command.column)
    copies = "copy" in given.tags
    match command.name:
        case "keep":
            effects: Iterable[Effect] = (Effect(what="keep"),)
            return _action(at, effects, cancels=True, into_inbox=True, flagged=_own_flags(given, computed))
        case "fileinto":
            return _fileinto(command, given, computed)
        case "redirect":
            effects = _each("redirect", _needed(command, given.last(), "an address"), computed)
            return _action(at, effects, cancels=not copies)
        case "discard":
            return _action(at, (Effect(what="delete"),), cancels=True)
        case "reject" | "ereject":
            return _action(at, (Effect(what="reject"),), cancels=True)
        case "vacation":
            return _action(at, (Effect(what="reply"),))
        case "notify" | "enotify":
            return _action(at, _each("notify", _methods(command, given), computed))
        case "addflag" | "setflag" | "removeflag":
            return _action(at, (), flag=_flag(command, given, computed))
        case "execute" | "filter":
            return _action(at, _each("execute", _program(command, given), computed))
        case "pipe":
            return _action(at, _each("execute", _program(command, given), computed), cancels=not copies)
        case "stop" | "return":  # outside an included script, `return` stops (RFC 6609 section 3.2)
            return _action(at, (Effect(what="stop"),), ends=True)
        case "error":  # RFC 5463 section 5: an error at run time
            return _action(at, (), fails=True)
        case _:
            return None


def run_by(test: Test, computed: Computed) -> Iterable[Action]:
    """The programs that a test, or a test inside it, runs to know its result."""
    if test.name in RUNNING_TESTS:
        names = told_apart(test.arguments).strings()
        effects = _each("execute", names[0] if names else (), computed)
        yield _action((test.line, test.column), effects)
    for inner in test.tests:
        yield from run_by(inner, computed)


def _action(
    at: tuple[int, int],
    effects: Iterable[Effect],
    *,
    cancels: bool = False,
    into_inbox: bool = False,
    files: bool = False,
    flag: Seen | None = None,
    flagged: Seen | None = None,
    ends: bool = False,
    fails: bool = False,
) -> Action:
    line, column = at
    return Action(
        line=line,
        column=column,
        effects=tuple(effects),
        cancels=cancels,
        into_inbox=into_inbox,
        files=files,
        flag=flag,
        flagged=flagged,
        ends=ends,
        fails=fails,
    )


def _fileinto(command: Command, given: Arguments, computed: Computed) -> Action:
    (*_, folder) = _needed(command, given.last(), "a folder")
    copies = "copy" in given.tags
    # RFC 8579: the folder of that special use, where there is one; an id (RFC 9042) cannot be read as a name.
    special = given.tagged("specialuse")
    effect = Effect(
        what="copy_to_folder" if copies else "move",
        target=special[0] if special else folder,
        resolved="mailboxid" not in given.tags and not any(map(computed, (folder, *special))),
    )
    inbox = folder.upper() == "INBOX" and not special
    return _action(
        (command.line, command.column),
        (effect,),
        cancels=not copies,
        files=not inbox,
        into_inbox=inbox,
        flagged=_own_flags(given, computed),
    )


def _methods(command: Command, given: Arguments) -> tuple[str, ...]:
    """The URIs that a notification goes to (RFC 5435), also in the older shape, `:method` with `:options`."""
    method = given.last() or given.tagged("method")
    options = given.tagged("options")
    if not given.last() and method and options:
        return tuple(f"{method[0]}:{option}" for option in options)
    return _needed(command, method, "a method")


def _program(command: Command, given: Arguments) -> tuple[str, ...]:
    strings = given.strings()
    return _needed(command, strings[0] if strings else (), "a program")


def _needed(command: Command, values: tuple[str, ...], what: str) -> tuple[str, ...]:
    if not values:
        raise SieveError(f"{command.name} needs {what}", command.line, command.column)
    return values


def _each(what: EffectKind, targets: tuple[str, ...], computed: Computed) -> Iterable[Effect]:
    for target in targets:
        yield Effect(what=what, target=target.strip(), resolved=not computed(target))


def _own_flags(given: Arguments, computed: Computed) -> Seen | None:
    if "flags" not in given.tags:
        return None
    return _seen(given.tagged("flags"), computed) or "clear"


def _flag(command: Command, given: Arguments, computed: Computed) -> Seen | None:
    """What the command does to `\\Seen`. Flags that go into a variable of their own change nothing here."""
    strings = given.strings()
    if len(strings) != 1:
        return None
    seen = _seen(strings[0], computed)
    if command.name == "setflag":
        return seen or "clear"
    if command.name == "addflag" or seen is None:
        return seen
    return "clear" if seen == "set" else "may"


def _seen(flags: tuple[str, ...], computed: Computed) -> Seen | None:
    """Whether the flags have `\\Seen`; one string may name several (RFC 5232 section 2)."""
    if any("\\seen" in flag.lower().split() for flag in flags):
        return "set"
    return "may" if any(map(computed, flags)) else None
