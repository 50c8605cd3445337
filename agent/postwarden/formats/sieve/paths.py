"""The paths of a program: what each block does by itself, and on which condition."""

from collections.abc import Iterator

from msgspec import Struct

from postwarden.formats.sieve.keeping import (
    END,
    IN_INBOX,
    KEPT,
    LOST,
    START,
    STORED_SEEN,
    After,
    Ways,
    act,
    members,
    outcomes,
    stored_seen,
)
from postwarden.formats.sieve.program import Action, Choice, Node
from postwarden.mailflow.conditions import all_of, weight
from postwarden.model.mailflow import EVERYTHING, NOTHING, Condition, Effect, Path

#: Effects of one script. Servers allow some dozens for a message; a script has hundreds when it is long.
MAX_EFFECTS = 10_000
#: Characters of conditions of one script, as `weight` counts them; nested blocks repeat what surrounds them.
MAX_CONDITIONS = 8 << 20


class _Placed(Struct):
    """An action of a path: the states in which it is reached, and what may follow it."""

    action: Action
    states: int
    after: After


class _Segment(Struct):
    """The actions of a block that are all reachable, or all not, on one condition."""

    condition: Condition
    reachable: bool
    placed: list[_Placed]


def paths(program: tuple[Node, ...]) -> tuple[tuple[Path, ...], int | None]:
    """The paths in the order of the script, and the line from which on they were too many (None: never)."""
    found = []
    for segment in _segments(program, EVERYTHING, START, END, Ways(), reachable=True):
        doing = [placed for placed in segment.placed if placed.action.effects or _marks_read(placed)]
        if doing:
            first = doing[0].action
            found.append(((first.line, first.column), segment, doing))
    found.sort(key=lambda entry: entry[0])
    made: list[Path] = []
    effects = size = 0
    for (line, _), segment, doing in found:
        size += weight(segment.condition)
        if effects >= MAX_EFFECTS or size > MAX_CONDITIONS:
            return tuple(made), line
        path, cut = _path(segment, doing, MAX_EFFECTS - effects)
        effects += len(path.effects)
        made.append(path)
        if cut is not None:
            return tuple(made), cut
    return tuple(made), None


def _segments(
    nodes: tuple[Node, ...], condition: Condition, states: int, after: After, ways: Ways, *, reachable: bool
) -> Iterator[_Segment]:
    """The segments of a block that is reached in `states` and followed by `after`, and of the blocks in it."""
    reached, dead_from = _reached(nodes, states, ways)
    rests = _rests(nodes, reached, after, ways)
    segment = _Segment(condition=condition, reachable=reachable, placed=[])
    for index, node in enumerate(nodes):
        if index == dead_from:
            yield segment
            segment = _Segment(condition=condition, reachable=False, placed=[])
        if isinstance(node, Action):
            segment.placed.append(_Placed(action=node, states=reached[index], after=rests[index + 1]))
            continue
        # After a turn of a loop comes the loop once more.
        follows = rests[index] if node.loop else rests[index + 1]
        for branch in node.branches:
            whole = all_of((condition, branch.condition))
            alive = segment.reachable and whole != NOTHING
            yield from _segments(branch.body, whole, reached[index], follows, ways, reachable=alive)
    yield segment


def _reached(nodes: tuple[Node, ...], states: int, ways: Ways) -> tuple[list[int], int | None]:
    """The states in which each node is reached, and the first node behind a stop, if there is one.

    What is behind a stop is looked at as if a script began there, so that its effects can be shown.
    """
    reached = []
    dead_from = None
    for index, node in enumerate(nodes):
        if not states:
            states = START
            dead_from = index if dead_from is None else dead_from
        begin = ways.again(node, states) if isinstance(node, Choice) and node.loop else states
        reached.append(begin)
        states, _ = ways.through(node, begin)
    return reached, dead_from


def _rests(nodes: tuple[Node, ...], reached: list[int], after: After, ways: Ways) -> list[After]:
    """For each node, and the end: the outcomes of going on from there, for the states that it is reached in."""
    rests = [after]
    for node, states in zip(reversed(nodes), reversed(reached), strict=True):
        following = rests[-1]
        table = [0] * len(after)
        for state in members(states):
            left, found = ways.through(node, 1 << state)
            table[state] = found | outcomes(left, following)
        rests.append(tuple(table))
    rests.reverse()
    return rests


def _path(segment: _Segment, doing: list[_Placed], room: int) -> tuple[Path, int | None]:
    """The path of a segment, and the line from which on its effects had no room (None: all had)."""
    effects: dict[Effect, None] = {}  # servers do the same thing once, however often it is said
    marked = False
    cut = None
    for placed in doing:
        if not marked and _marks_read(placed):
            marked = True
            computed = "may" in {placed.action.flag, placed.action.flagged}
            effects[Effect(what="mark_read", resolved=not computed)] = None
        effects.update(dict.fromkeys(_in_effect(effect, placed) for effect in placed.action.effects))
        if len(effects) > room:
            cut = placed.action.line
            break
    # From the first effect on: what ended before it, without it, does not belong to the path.
    begin = next((placed for placed in doing if placed.action.effects), doing[0])
    ends = _come_to(begin) & (KEPT | LOST)
    path = Path(
        condition=segment.condition,
        effects=tuple(effects)[:room],
        reachable=segment.reachable,
        keeps_copy={KEPT: True, LOST: False}.get(ends) if segment.reachable else None,
        line=doing[0].action.line,
    )
    return path, cut


def _come_to(placed: _Placed) -> int:
    """The outcomes of an action and what follows it."""
    found = 0
    for state in members(placed.states):
        left, ended = act(placed.action, state)
        found |= ended | outcomes(left, placed.after)
    return found


def _marks_read(placed: _Placed) -> bool:
    """Whether the action stores with `\\Seen`, or sets it for a place that the message is stored in later."""
    action = placed.action
    if action.flag in {"set", "may"}:
        return bool(_come_to(placed) & STORED_SEEN)
    return any(stored_seen(action, state) for state in members(placed.states))


def _in_effect(effect: Effect, placed: _Placed) -> Effect:
    """A copy that is the only one left, since the message never stays in the inbox, was a move."""
    if effect.what == "copy_to_folder" and not _come_to(placed) & IN_INBOX:
        return Effect(what="move", target=effect.target, resolved=effect.resolved)
    return effect
