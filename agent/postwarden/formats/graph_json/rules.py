"""Message rules of the inbox, as Graph lists them, into mail flows."""

from collections.abc import Iterator, Mapping

from msgspec import Raw, Struct

from postwarden.formats import json_text
from postwarden.formats.asked import Asked
from postwarden.formats.exchange_keeping import keeps_copy
from postwarden.formats.graph_json.answer import read_listing
from postwarden.formats.graph_json.rule_actions import effects_of
from postwarden.formats.graph_json.rule_predicates import exception_of, predicates_of
from postwarden.formats.json_text import JsonError
from postwarden.mailflow.conditions import all_of
from postwarden.model.encoding import encodable
from postwarden.model.evidence import MailFlow
from postwarden.model.mailflow import NOTHING, Path
from postwarden.model.reading import Item, Observed


class _Rule(Struct, frozen=True, kw_only=True, rename="camel"):
    id: str
    display_name: str | None = None
    sequence: int | None = None
    is_enabled: bool | None = None
    has_error: bool | None = None
    conditions: dict[str, Raw] | None = None
    actions: dict[str, Raw] | None = None
    exceptions: dict[str, Raw] | None = None


def decode_rules(raw: bytes, asked: Asked) -> Iterator[Item]:
    """One MailFlow for each rule of a whole answer, and gaps; no bytes raise."""
    try:
        listing = read_listing(raw)
        if listing.next is not None:
            yield asked.gap("malformed", "the list of rules goes on, and this is not all of it")
        items = listing.value
    except JsonError as error:
        yield asked.failed(error)
        return
    for number, item in enumerate(dict.fromkeys(map(bytes, items)), 1):
        yield from decode_rule(item, number, asked)


def decode_rule(raw: bytes, number: int, asked: Asked) -> Iterator[Item]:
    """One rule of a listing, the `number`th; no bytes raise."""
    try:
        rule = json_text.item(raw, _Rule)
        yield from _flow(rule, raw, asked)
    except JsonError as error:
        yield asked.failed(error, part=f"rule {number}")


def _flow(rule: _Rule, raw: bytes, asked: Asked) -> Iterator[Item]:
    shown = encodable(rule.display_name or "")
    part = f'rule "{shown}"'
    flaws = []
    if not shown:
        flaws.append("the rule has no name")
    if rule.has_error:
        flaws.append("the server has the rule in error")
    conditions = predicates_of(_told(rule.conditions))
    exceptions = predicates_of(_told(rule.exceptions))
    effects = effects_of(_told(rule.actions))
    for word in (*conditions.unknown, *exceptions.unknown, *effects.unknown):
        yield asked.gap(
            "unsupported",
            f"{word[:100]!r} is not known",
            part=part,
            hint="look at the rule in Outlook on the web",
        )
    condition = all_of((*conditions.parts, exception_of(exceptions)))
    path = Path(
        condition=condition,
        effects=effects.effects,
        reachable=condition != NOTHING,
        keeps_copy=keeps_copy(effects.effects),
    )
    flow = MailFlow(
        scope=asked.scope,
        source=asked.source,
        check=asked.check,
        observed=asked.observed,
        origin="inbox_rule",
        key=encodable(rule.id),
        name=shown,
        # A rule that does not say is taken for one that runs.
        enabled=rule.is_enabled is not False,
        order=rule.sequence if rule.sequence is not None and 0 <= rule.sequence < 2**31 else 0,
        paths=(path,) if effects.effects else (),
        flaws=tuple(flaws),
    )
    yield Observed(evidence=flow, raw=raw)


def _told(parts: Mapping[str, Raw] | None) -> dict[str, bytes]:
    """What is set: Graph writes what is not as null, and notes of its own with an @."""
    found = {name: bytes(value) for name, value in (parts or {}).items() if not name.startswith("@")}
    return {name: value for name, value in found.items() if value != b"null"}
