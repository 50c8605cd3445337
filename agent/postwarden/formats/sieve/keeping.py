"""Where the message ends up: Sieve's implicit keep (RFC 5228 section 2.10.2) followed through a program.

Every way through the program is followed, whatever the conditions: a set of ways is a set of *states*, and
what they come to is a set of *outcomes*, both kept as bits of an integer. There are only sixteen states, so a
block is worked out once for each state that really comes to it, however often it is reached.
"""

from functools import cache

from postwarden.formats.sieve.program import Action, Choice, Node, Seen
from postwarden.model.mailflow import NOTHING

# A state: what happened to the message so far, and whether \Seen is among the flags to store with.
_CANCELLED = 1
_FILED = 2
_IN_INBOX = 4
_SEEN = 8
_ALL_STATES = range(16)

#: The set of states that has the one in which a script starts.
START = 1 << 0

#: Outcomes. The owner has the message in a folder; has it nowhere; has it in the inbox.
KEPT = 1
LOST = 2
IN_INBOX = 4
#: On the way, or at the end, the message was stored with \Seen.
STORED_SEEN = 8

#: For each state, the outcomes of what follows.
After = tuple[int, ...]


def _finished(state: int) -> int:
    """What a script comes to that ends in this state."""
    in_inbox = state & _IN_INBOX or not state & _CANCELLED
    outcomes = KEPT if in_inbox or state & _FILED else LOST
    if in_inbox:
        outcomes |= IN_INBOX
    if state & _SEEN and not state & _CANCELLED:
        outcomes |= STORED_SEEN
    return outcomes


#: What follows the last command of a script: its end.
END: After = tuple(_finished(state) for state in _ALL_STATES)


@cache
def members(states: int) -> tuple[int, ...]:
    """The states of a set."""
    return tuple(state for state in _ALL_STATES if states >> state & 1)


def outcomes(states: int, after: After) -> int:
    """What any of these states may come to."""
    found = 0
    for state in members(states):
        found |= after[state]
    return found


class Ways:
    """The ways through one program, with each block and choice worked out once for each state."""

    def __init__(self) -> None:
        # By identity: equal blocks are rare, and to compare them would take longer than to walk them.
        self._known: dict[tuple[int, int], tuple[int, int]] = {}

    def through(self, node: Node, states: int) -> tuple[int, int]:
        """The states in which the commands after `node` are reached, and the outcomes of ways that end in it."""
        left = found = 0
        for state in members(states):
            if isinstance(node, Action):
                more_left, more_found = act(node, state)
            else:
                key = id(node), state
                if key not in self._known:
                    self._known[key] = self._choose(node, state)
                more_left, more_found = self._known[key]
            left |= more_left
            found |= more_found
        return left, found

    def again(self, loop: Choice, states: int) -> int:
        """The states in which a turn of a loop may begin that is first reached in `states`."""
        (branch,) = loop.branches
        while True:
            left = self._block(branch.body, states)[0]
            if left | states == states:
                return states
            states |= left

    def _choose(self, choice: Choice, state: int) -> tuple[int, int]:
        states = self.again(choice, 1 << state) if choice.loop else 1 << state
        left = states if choice.skips else 0
        found = 0
        for branch in choice.branches:
            if branch.condition != NOTHING:
                more_left, more_found = self._block(branch.body, states)
                left |= more_left
                found |= more_found
        return left, found

    def _block(self, body: tuple[Node, ...], states: int) -> tuple[int, int]:
        key = id(body), -states  # negative: a set of states, not the number of one
        if key not in self._known:
            left, found = states, 0
            for node in body:
                left, more = self.through(node, left)
                found |= more
            self._known[key] = left, found
        return self._known[key]


def act(action: Action, state: int) -> tuple[int, int]:
    """The states after an action, and the outcomes if it ends the script."""
    if action.fails:  # what was done before it is undone, and the implicit keep happens
        return 0, KEPT | IN_INBOX
    if action.ends:
        return 0, _finished(state)
    if action.opaque:
        way = _CANCELLED | _FILED | _IN_INBOX
        return sum(1 << (state & ~way | other) for other in range(way + 1)), KEPT | LOST | IN_INBOX
    found = STORED_SEEN if stored_seen(action, state) else 0
    state |= _CANCELLED * action.cancels | _FILED * action.files | _IN_INBOX * action.into_inbox
    return _flagged(action.flag, state), found


def stored_seen(action: Action, state: int) -> bool:
    """Whether the action stores the message with `\\Seen`, or may."""
    if not (action.files or action.into_inbox):
        return False
    return action.flagged in {"set", "may"} or (action.flagged is None and bool(state & _SEEN))


def _flagged(flag: Seen | None, state: int) -> int:
    match flag:
        case None:
            return 1 << state
        case "set":
            return 1 << (state | _SEEN)
        case "clear":
            return 1 << (state & ~_SEEN)
        case "may":
            return 1 << (state | _SEEN) | 1 << (state & ~_SEEN)
