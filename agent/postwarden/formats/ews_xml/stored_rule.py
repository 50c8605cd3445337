"""What the properties of one rule item say ([MS-OXORULE] section 2.2.4)."""

import base64
import binascii
from collections.abc import Callable

from msgspec import Struct

from postwarden.errors import Reason
from postwarden.formats.ews_xml.extended import (
    ACTIONS,
    CONDITION,
    EXTENDED_ACTIONS,
    EXTENDED_CONDITION,
    NAME,
    PROVIDER,
    SEQUENCE,
    STATE,
    Properties,
)
from postwarden.formats.exchange_keeping import keeps_copy
from postwarden.formats.exchange_rule_blob import (
    ActionsRead,
    ConditionRead,
    Form,
    RuleBlobError,
    read_actions,
    read_condition,
)
from postwarden.mailflow.conditions import all_of
from postwarden.model.mailflow import EVERYTHING, NOTHING, Condition, Effect, Path, Test

_ENABLED, _ERROR, _EXIT_LEVEL, _PARSE_ERROR = 0x01, 0x02, 0x10, 0x40
# The rules of an automatic reply run by the second one.
_ONLY_WHEN_AWAY = 0x04 | 0x100
_AWAY = Test(field="other", operator="other", values=("the automatic reply is on",))
_UNREAD = Test(field="other", operator="other", values=("a condition that could not be read",))


class Missing(Struct, frozen=True, kw_only=True):
    """Something about a rule that could not be read."""

    reason: Reason
    message: str


class Stored(Struct, frozen=True, kw_only=True):
    """One rule; `flaws` are what is odd about it, `missing` what of it was not read."""

    name: str
    provider: str
    enabled: bool
    sequence: int
    paths: tuple[Path, ...]
    flaws: tuple[str, ...]
    missing: tuple[Missing, ...]


def stored(properties: Properties) -> Stored:
    """The rule in an item's properties; never raises."""
    flaws: list[str] = []
    missing: list[Missing] = []
    state = _number(properties, STATE)
    if state is None:
        flaws.append("the rule has no state: whether it is switched on is not told")
        state = _ENABLED
    if state & (_ERROR | _PARSE_ERROR):
        flaws.append("the server has the rule in error")
    for tag, word in ((NAME, "name"), (PROVIDER, "provider")):
        if not properties.values.get(tag, "").strip():
            flaws.append(f"the rule has no {word}")
    actions = _actions(properties, flaws, missing)
    condition = _condition(properties, flaws, missing)
    if state & _ONLY_WHEN_AWAY and not state & _ENABLED:
        condition = all_of((condition, _AWAY))
    effects = (*actions, *((Effect(what="stop"),) if state & _EXIT_LEVEL else ()))
    path = Path(
        condition=condition,
        effects=effects,
        reachable=condition != NOTHING,
        keeps_copy=keeps_copy(actions),
    )
    return Stored(
        name=properties.values.get(NAME, ""),
        provider=properties.values.get(PROVIDER, ""),
        enabled=bool(state & (_ENABLED | _ONLY_WHEN_AWAY)),
        sequence=_number(properties, SEQUENCE) or 0,
        paths=(path,) if actions else (),
        flaws=tuple(flaws),
        missing=tuple(missing),
    )


def _actions(properties: Properties, flaws: list[str], missing: list[Missing]) -> tuple[Effect, ...]:
    read = _either(properties, (EXTENDED_ACTIONS, ACTIONS), "actions", read_actions, flaws, missing)
    if isinstance(read, ActionsRead):
        return read.effects
    if read is None:
        missing.append(Missing(reason="unsupported", message="the answer has no actions of this rule"))
        flaws.append("the rule has no actions")
    return ()


def _condition(properties: Properties, flaws: list[str], missing: list[Missing]) -> Condition:
    read = _either(properties, (EXTENDED_CONDITION, CONDITION), "condition", read_condition, flaws, missing)
    if isinstance(read, ConditionRead):
        return read.condition
    # A rule without a condition is for every message; one that cannot be read is for some, nobody knows which.
    return EVERYTHING if read is None else _UNREAD


def _either(
    properties: Properties,
    tags: tuple[int, int],
    word: str,
    read: Callable[[bytes, Form], ActionsRead | ConditionRead],
    flaws: list[str],
    missing: list[Missing],
) -> ActionsRead | ConditionRead | RuleBlobError | None:
    """What the extended property says, else the standard one; the error where it is damaged."""
    forms: tuple[Form, Form] = ("extended", "standard")
    given = [
        (form, properties.values[tag])
        for form, tag in zip(forms, tags, strict=True)
        if properties.values.get(tag)
    ]
    if not given:
        return None
    if len(given) > 1:
        flaws.append(f"the rule has its {word} in two forms; the extended one is shown")
    form, written = given[0]
    try:
        found = read(_bytes(written), form)
    except RuleBlobError as error:
        missing.append(
            Missing(
                reason="malformed", message=f"its {word} cannot be read: byte {error.offset}: {error.message}"
            )
        )
        flaws.append(f"the rule's {word} cannot be read")
        return error
    flaws += found.flaws
    return found


def _bytes(written: str) -> bytes:
    try:
        return base64.b64decode(written.encode(), validate=False)
    except (binascii.Error, ValueError) as exc:
        raise RuleBlobError("not base64", 0) from exc


def _number(properties: Properties, tag: int) -> int | None:
    written = properties.values.get(tag, "").strip()
    digits = written.removeprefix("-")
    if not (digits.isascii() and digits.isdecimal() and len(digits) < 12):
        return None
    return int(written)
