"""A script as a program: straight-line actions, and choices between blocks."""

from typing import Literal

from msgspec import Struct

from postwarden.model.mailflow import Condition, Effect

#: What becomes of the flag `\\Seen`; `may` where the flags are computed.
Seen = Literal["set", "clear", "may"]


class Action(Struct, frozen=True, kw_only=True):
    """One action, and what it does to the message's way into a folder (RFC 5228 section 2.10.2).

    It `cancels` the implicit keep; it stores into a folder (`files`) or into the inbox (`into_inbox`). `flag`
    changes `\\Seen` among the flags that later actions store with (RFC 5232 section 3), `flagged` is what this
    action alone stores with. It `ends` the script, or `fails` it, so that nothing but the implicit keep happens.
    `opaque`: it may keep the message or cancel the implicit keep.
    """

    line: int
    column: int
    effects: tuple[Effect, ...] = ()
    cancels: bool = False
    files: bool = False
    into_inbox: bool = False
    flag: Seen | None = None
    flagged: Seen | None = None
    ends: bool = False
    fails: bool = False
    opaque: bool = False


class Branch(Struct, frozen=True, kw_only=True):
    """A block, and the condition on which its choice comes to it."""

    condition: Condition
    body: tuple["Node", ...]


class Choice(Struct, frozen=True, kw_only=True):
    """At most one of the branches runs; where `skips`, there may be none.

    A `loop` has one branch, which may run again and again.
    """

    branches: tuple[Branch, ...]
    skips: bool
    loop: bool = False


Node = Action | Choice
