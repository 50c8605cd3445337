"""Mail flow: anything that makes mail go, be copied, hide or vanish by itself, in one normal form."""

from typing import Literal

from msgspec import Struct

#: Where a mail flow lives. `inbox_rule` is as Exchange lists it, `rule_item` as it is stored in the inbox's
#: associated items, where the hidden ones are too. `forward_file` is a user's `.forward` on the mail host,
#: `mailbox_forwarding` an attribute of the mailbox that no rule shows, `gmail_filter` and `gmail_forwarding` are
#: Gmail's.
Origin = Literal[
    "sieve_script",
    "inbox_rule",
    "rule_item",
    "forward_file",
    "mailbox_forwarding",
    "gmail_filter",
    "gmail_forwarding",
]

#: What a path does to a message. `keep` files it in the inbox on purpose; `label` sets a category or another
#: property; `defer` leaves something to the owner's client, which only that client understands.
EffectKind = Literal[
    "redirect",
    "forward",
    "forward_as_attachment",
    "copy_to_folder",
    "move",
    "delete",
    "mark_read",
    "reject",
    "reply",
    "notify",
    "execute",
    "keep",
    "stop",
    "label",
    "defer",
]

Operator = Literal["contains", "is", "matches", "regex", "over", "under", "exists", "other"]


class Test(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="is", tag="test"):
    """One comparison: some value of `field` compares by `operator` to one of `values`.

    `field` is `subject`, `from`, `to`, `cc`, `sender`, `body`, `size` (values in bytes), `envelope_from`,
    `envelope_to`, `header:<name>` (`header:*` for any line), or `other` for a test that has no word here; then `values` holds its
    text. `exists` takes no values.
    """

    __test__ = False  # not a test of pytest's
    field: str
    operator: Operator
    values: tuple[str, ...] = ()


class All(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="is", tag="all"):
    """Every part holds; without parts: every message."""

    parts: tuple["Condition", ...] = ()


class AnyOf(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="is", tag="any"):
    """At least one part holds; without parts: no message."""

    parts: tuple["Condition", ...] = ()


class Not(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="is", tag="not"):
    """The part does not hold."""

    part: "Condition"


Condition = Test | All | AnyOf | Not

EVERYTHING = All()
NOTHING = AnyOf()


class Effect(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing done to a message, and where it goes: an address, a folder's name, a program, or nothing.

    `resolved` is False where the target is put together from the message, or names somebody or a folder by an
    id that was not looked up, so that it cannot be read off. `permanent`: what is deleted cannot be found in
    the trash either. `folder_id` is the folder's id at the server, `distinguished` the server's own word for
    its purpose, where the target is a folder and the source gives them.
    """

    what: EffectKind
    target: str | None = None
    resolved: bool = True
    permanent: bool = False
    folder_id: str | None = None
    distinguished: str | None = None


class Path(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Effects that happen together, under one condition.

    `reachable` is False where the path stands behind a stop or under a condition that never holds.
    `keeps_copy`: whether the owner still gets the message in a folder, whenever this path runs; None where
    that depends on the rest of the flow. `line` is the first line of the path in the source, 1-based.
    """

    condition: "Condition" = EVERYTHING
    effects: tuple[Effect, ...] = ()
    reachable: bool = True
    keeps_copy: bool | None = None
    line: int | None = None
