"""One exported property of a stored rule: hexadecimal text, as MAPI editors export it, or the bytes themselves."""

import re
from collections.abc import Callable, Iterator
from datetime import datetime

from msgspec import Struct

from postwarden.errors import Reason
from postwarden.formats.exchange_keeping import keeps_copy
from postwarden.formats.exchange_rule_blob import (
    ActionsRead,
    ConditionRead,
    Form,
    RuleBlobError,
    read_actions,
    read_condition,
)
from postwarden.model.evidence import MailFlow
from postwarden.model.mailflow import NOTHING, Condition, Effect, Path, Test
from postwarden.model.reading import Gap, Item, Observed
from postwarden.model.scope import Scope

_HEXADECIMAL = re.compile(rb"\s*(?:0[xX])?((?:[0-9A-Fa-f]{2}\s*)+)")
_ELSEWHERE = Test(field="other", operator="other", values=("a condition that is not in this file",))

_READERS: tuple[tuple[Callable[[bytes, Form], ActionsRead | ConditionRead], Form, str], ...] = (
    (read_actions, "extended", "extended actions"),
    (read_condition, "extended", "an extended condition"),
    (read_actions, "standard", "standard actions"),
    (read_condition, "standard", "a standard condition"),
)


class _Read(Struct, frozen=True, kw_only=True):
    condition: Condition
    effects: tuple[Effect, ...]
    flaws: tuple[str, ...]
    missing: str


def decode(
    raw: bytes, *, name: str, scope: Scope, source: str, check: str, observed: datetime
) -> Iterator[Item]:
    """The actions or the condition in `raw` as one MailFlow, and a gap for the other half, which is elsewhere.

    Which of the two it is, and in which form, the bytes do not say: the first reading that succeeds is taken,
    of the extended form before the standard one, of actions before conditions. `observed` is in UTC. No bytes
    raise: what is neither is a gap.
    """

    def gap(reason: Reason, message: str, hint: str) -> Gap:
        return Gap(scope=scope, source=source, check=check, reason=reason, message=message, hint=hint)

    found = _read(_bytes(raw))
    if isinstance(found, str):
        hint = (
            "export PidTagExtendedRuleMessageActions (0x0E99) or PidTagExtendedRuleMessageCondition (0x0E9A)"
        )
        yield gap("malformed", f"no stored rule: {found}", hint)
        return
    path = Path(
        condition=found.condition,
        effects=found.effects,
        reachable=found.condition != NOTHING,
        keeps_copy=keeps_copy(found.effects),
    )
    flow = MailFlow(
        scope=scope,
        source=source,
        check=check,
        observed=observed,
        origin="rule_item",
        key=name,
        name=name,
        enabled=True,
        paths=(path,),
        flaws=found.flaws,
    )
    yield Observed(evidence=flow, raw=raw)
    yield gap(
        "unsupported",
        f"this file does not have the rule's {found.missing}",
        "export the rule's other property too",
    )


def _bytes(raw: bytes) -> bytes:
    found = _HEXADECIMAL.fullmatch(raw)
    return bytes.fromhex(found[1].decode("ascii")) if found else raw


def _read(raw: bytes) -> _Read | str:
    """What the bytes say, or why they say nothing."""
    told: list[str] = []
    for read, form, kind in _READERS:
        try:
            found = read(raw, form)
        except RuleBlobError as error:
            told.append(f"as {kind}, byte {error.offset}: {error.message}")
            continue
        if isinstance(found, ActionsRead):
            return _Read(
                condition=_ELSEWHERE, effects=found.effects, flaws=found.flaws, missing="condition and state"
            )
        return _Read(condition=found.condition, effects=(), flaws=found.flaws, missing="actions and state")
    return "; ".join(told)
