"""From commands to a program: here names get their meaning, and the structure is checked."""

from collections.abc import Callable, Iterator

from msgspec import Struct

from postwarden.formats.sieve.actions import HARMLESS, PASSIVE, action, run_by
from postwarden.formats.sieve.conditions import condition, other
from postwarden.formats.sieve.program import Action, Branch, Choice, Node
from postwarden.formats.sieve.syntax import Command, Test
from postwarden.formats.sieve.tokens import SieveError
from postwarden.mailflow.conditions import all_of, negate, weight
from postwarden.model import mailflow
from postwarden.model.mailflow import EVERYTHING, NOTHING, Condition

#: Beyond these, the tests before an `elsif` are counted instead of repeated; a chain of n branches would have
#: n² of them.
MAX_EARLIER_TESTS = 16
MAX_EARLIER_WEIGHT = 2000

_CHAIN = frozenset({"elsif", "else"})


def lowered(commands: tuple[Command, ...], computed: Callable[[str], bool]) -> tuple[Node, ...]:
    """The program of a script; `computed` says whether a string is put together while it runs.

    Raises SieveError where the structure is wrong: an `else` without `if`, an `if` without test or block.
    """
    nodes: list[Node] = []
    position = 0
    while position < len(commands):
        command = commands[position]
        position += 1
        if command.name == "if":
            end = position
            while end < len(commands) and commands[end].name in _CHAIN and commands[end - 1].name != "else":
                end += 1
            chain = commands[position - 1 : end]
            nodes += (run for link in chain for test in link.tests for run in run_by(test, computed))
            nodes.append(_choice(chain, computed))
            position = end
        elif command.name in _CHAIN:
            raise SieveError(f"{command.name} does not follow an if", command.line, command.column)
        else:
            nodes += _single(command, computed)
    return tuple(nodes)


class _Earlier(Struct):
    """The tests of a chain before the branch at hand; none of them held."""

    tests: list[Condition]
    count: int = 0
    weight: int = 0
    certain: bool = False

    def add(self, narrow: Condition) -> None:
        self.certain = self.certain or narrow == EVERYTHING
        self.count += 1
        self.weight += weight(narrow)
        self.tests.append(narrow)

    def failed(self) -> Condition:
        """That none of them held."""
        if self.certain:
            return NOTHING
        if self.count > MAX_EARLIER_TESTS or self.weight > MAX_EARLIER_WEIGHT:
            text = f"none of the {self.count} tests before it in the chain holds"
            return mailflow.Test(field="other", operator="other", values=(text,))
        return all_of(negate(test) for test in self.tests)


def _choice(chain: tuple[Command, ...], computed: Callable[[str], bool]) -> Choice:
    earlier = _Earlier(tests=[])
    branches = []
    for link in chain:
        if link.block is None:
            raise SieveError(f"{link.name} needs a block", link.line, link.column)
        body = lowered(link.block, computed)
        if link.name == "else":
            if link.tests or link.arguments:
                raise SieveError("else takes no test", link.line, link.column)
            branches.append(Branch(condition=earlier.failed(), body=body))
            return Choice(branches=tuple(branches), skips=False)
        test = _the_test(link)
        branches.append(Branch(condition=all_of((condition(test), earlier.failed())), body=body))
        earlier.add(condition(test, narrow=True))
    return Choice(branches=tuple(branches), skips=earlier.failed() != NOTHING)


def _the_test(link: Command) -> Test:
    if len(link.tests) != 1 or link.arguments:
        raise SieveError(f"{link.name} needs one test", link.line, link.column)
    return link.tests[0]


def _single(command: Command, computed: Callable[[str], bool]) -> Iterator[Node]:
    if command.name in HARMLESS:
        return
    for test in command.tests:
        yield from run_by(test, computed)
    known = action(command, computed)
    if known is not None:
        if command.block is not None or command.tests:
            raise SieveError(f"{command.name} takes neither test nor block", command.line, command.column)
        yield known
        return
    if command.name not in PASSIVE:
        yield Action(line=command.line, column=command.column, opaque=True)
    if command.block is not None:
        as_test = Test(
            name=command.name,
            arguments=command.arguments,
            tests=command.tests,
            line=command.line,
            column=command.column,
        )
        branch = Branch(condition=other(as_test), body=lowered(command.block, computed))
        yield Choice(branches=(branch,), skips=True, loop=True)
