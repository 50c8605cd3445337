"""Mail flows into rows: one for each effect and target, and one for a flow of which no effect could be read."""

from collections.abc import Iterator, Mapping, Sequence

from postwarden.detect.flow_sentences import flaw_sentences, flow_sentences, state, subject_words
from postwarden.detect.row import Context, Row, Value, check_of
from postwarden.mailflow.exchange_own import is_known_provider
from postwarden.mailflow.facts import PathFacts, Surroundings, exchange_own, facts
from postwarden.mailflow.folders import ODD_USES
from postwarden.mailflow.listing import accounted, does_the_same, is_listable
from postwarden.mailflow.tricks import unicode_tricks
from postwarden.model.evidence import MailFlow
from postwarden.model.finding import CheckRef, Fact

#: The check that lists the rules which a client shows.
LISTED = "inbox_rules"


def same_rules(flows: Sequence[MailFlow], context: Context) -> Mapping[int, MailFlow]:
    """The listed rule that each stored one of `flows` is, by the stored one's `id()`."""
    found: dict[int, MailFlow] = {}
    for source in {flow.source for flow in context.listed or ()}:
        items = [flow for flow in flows if flow.origin == "rule_item" and flow.source == source]
        listed = [flow for flow in context.listed or () if flow.source == source]
        found |= {id(items[index]): rule for index, rule in accounted(items, listed).items()}
    return found


def flow_rows(
    flow: MailFlow, around: Surroundings, context: Context, same: Mapping[int, MailFlow]
) -> Iterator[Row]:
    """The rows of one mail flow; `same` is what `same_rules` found.

    A stored rule that a listed one accounts for, and that has nothing to add, gives none: the listed one is
    judged.
    """
    listed = same.get(id(flow))
    hidden = flow.hidden or _is_left(flow, listed, context)
    if listed is not None and not hidden and _adds_nothing(flow, listed):
        return
    told = tuple(facts(flow, around))
    own = exchange_own(flow, told)
    label: dict[str, Value] = {
        "origin": flow.origin,
        "name": flow.name,
        "enabled": flow.enabled,
        "hidden": hidden,
        "exchange_own": own,
        "provider": flow.provider,
        "provider_known": is_known_provider(flow.provider) if flow.provider else None,
        "flaws": flow.flaws,
    }
    if not told and flow.flaws:
        yield _flawed(flow, label)
    for path in told:
        yield Row(
            category="mail_flow",
            scope=flow.scope,
            subject=(flow.origin, flow.key),
            values=label | _values(path),
            sentences=tuple(flow_sentences(flow, path, hidden=hidden, own=own)),
            facts=tuple(_facts(flow, path)),
            checks=(
                check_of(flow),
                *_listing_checks(flow),
                *(context.folder_checks if path.moved_to is not None else ()),
                *((check_of(path.recipient),) if path.recipient is not None else ()),
            ),
            blob=flow.blob,
        )


def _is_left(flow: MailFlow, listed: MailFlow | None, context: Context) -> bool:
    was_listed = any(rule.source == flow.source for rule in context.listed or ())
    return flow.origin == "rule_item" and was_listed and listed is None


def _adds_nothing(flow: MailFlow, listed: MailFlow) -> bool:
    return does_the_same(flow, listed) and not flow.flaws and is_known_provider(flow.provider or "")


def _listing_checks(flow: MailFlow) -> Iterator[CheckRef]:
    """What a stored rule is depends on what is listed: without that list, its absence means nothing."""
    if flow.origin == "rule_item" and is_listable(flow.name, flow.provider or ""):
        yield CheckRef(source=flow.source, check=LISTED)


def _values(path: PathFacts) -> dict[str, Value]:
    recipient = path.recipient
    return {
        "fires": path.fires,
        "blocked": path.blocked_by is not None,
        "effect": path.effect,
        "target": path.target,
        "target_class": path.target_class,
        "target_external": path.target_class == "external",
        "target_domain": path.target_domain,
        "target_provider": path.target_provider,
        "target_addresses": path.addresses,
        "target_directory": recipient.mailbox_type if recipient is not None else None,
        "target_resolved": path.resolved,
        "everything": path.everything,
        "everything_by_trick": path.by_trick,
        "condition": path.condition_text,
        "senders": path.senders,
        "sender_classes": path.sender_classes,
        "keywords": path.keywords,
        "keyword_classes": path.keyword_classes,
        "keeps_copy": path.keeps_copy,
        "deletes": path.deletes,
        "permanent": path.permanent,
        "marks_read": path.marks_read,
        "moved_to": path.moved_to,
        "folder_use": path.folder_use,
        "folder_odd": path.folder_use in ODD_USES if path.moved_to is not None else None,
        "folder_unread": path.folder_unread,
        "unicode_tricks": path.tricks,
        "signs": path.signs,
        "sign_count": len(path.signs),
    }


def _flawed(flow: MailFlow, label: Mapping[str, Value]) -> Row:
    """A flow of which no effect could be read, and that is odd: all that is known is what is odd."""
    shown = state(flow, hidden=bool(label["hidden"]))
    return Row(
        category="mail_flow",
        scope=flow.scope,
        subject=(flow.origin, flow.key),
        values={**label, "fires": flow.enabled, "unicode_tricks": unicode_tricks(flow.name)},
        sentences=(
            f"{subject_words(flow, hidden=bool(label['hidden']))} does something that could not be read",
            *flaw_sentences(flow),
        ),
        facts=(Fact(name="state", values=(shown,)), Fact(name="flaws", values=flow.flaws)),
        checks=(check_of(flow), *_listing_checks(flow)),
        blob=flow.blob,
    )


def _facts(flow: MailFlow, path: PathFacts) -> Iterator[Fact]:
    yield Fact(name="state", values=("active" if flow.enabled else "inactive",))
    yield Fact(name="effect", values=(path.effect,))
    if path.target is not None:
        yield Fact(name="target", values=(path.target,))
    if path.recipient is not None:
        yield Fact(name="behind the target", values=(path.recipient.mailbox_type, *path.addresses))
    condition = "every message" if path.everything and not path.by_trick else path.condition_text
    yield Fact(name="condition", values=(condition,))
    yield Fact(name="copy kept", values=(path.keeps_copy,))
