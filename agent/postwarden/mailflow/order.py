"""Rules that never get a message, because an earlier one takes all and ends the processing."""

from collections.abc import Iterable, Mapping

from postwarden.model.evidence import MailFlow
from postwarden.model.mailflow import EVERYTHING

#: Origins of which one account has many flows, run in their order.
_ORDERED = frozenset({"inbox_rule", "rule_item"})

#: What tells a flow apart within an account: source, origin, key.
Name = tuple[str, str, str]


def name_of(flow: MailFlow) -> Name:
    return flow.source, flow.origin, flow.key


def blocked(flows: Iterable[MailFlow]) -> Mapping[Name, str]:
    """The flows behind one that ends the processing of every message, each with the name of that one.

    Flows of equal order run in an order that nobody tells, so only those of a higher one are blocked.
    """
    flows = [flow for flow in flows if flow.origin in _ORDERED]
    last: dict[tuple[str, str], MailFlow] = {}
    for flow in sorted(filter(_ends, flows), key=lambda flow: flow.order):
        last.setdefault((flow.source, flow.origin), flow)
    found: dict[Name, str] = {}
    for flow in flows:
        end = last.get((flow.source, flow.origin))
        if end is not None and flow.order > end.order:
            found[name_of(flow)] = end.name
    return found


def _ends(flow: MailFlow) -> bool:
    """A rule that the server has in error, or that could not be read whole, may not run at all."""
    return (
        flow.enabled
        and not flow.flaws
        and any(
            path.reachable
            and path.condition == EVERYTHING
            and any(effect.what == "stop" for effect in path.effects)
            for path in flow.paths
        )
    )
