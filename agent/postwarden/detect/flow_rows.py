"""Mail flows into rows: one for each effect and target, and one for a flow of which no effect could be read."""

from collections.abc import Iterator, Mapping, Sequence

from postwarden.detect.flow_sentences import flaw_sentences, flow_sentences, state
from postwarden.detect.row import Context, Row, Value, check_of
from postwarden.mailflow.exchange_own import is_known_provider
from postwarden.mailflow.facts import PathFacts, Surroundings, exchange_own, facts
from postwarden.mailflow.folders import ODD_USES
from postwarden.mailflow.listing import accounted, does_the_same
from postwarden.mailflow.order import Name
from postwarden.mailflow.tricks import unicode_tricks
from postwarden.model.evidence import MailFlow
from postwarden.model.finding import Fact


def flow_rows(
    flow: MailFlow, flows: Sequence[MailFlow], blocked: Mapping[Name, str], context: Context
) -> Iterator[Row]:
    """The rows of one of the account's `flows`.

    A stored rule that a listed one accounts for, and that has nothing to add, gives none: the listed one is
    judged.
    """
    hidden = flow.hidden
    if flow.origin == "rule_item" and context.listed is not None:
        items = [one for one in flows if one.origin == "rule_item" and one.source == flow.source]
        listed = accounted(items, [one for one in context.listed if one.source == flow.source]).get(
            items.index(flow)
        )
        if listed is None:
            hidden = True
        elif does_the_same(flow, listed) and not flow.flaws and is_known_provider(flow.provider or ""):
            return
    around = Surroundings(
        domains=context.domains,
        own=context.own,
        folders=context.folders,
        keywords=context.keywords,
        providers=context.providers,
        recipients=context.recipients,
        blocked=blocked,
    )
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
                *(context.folder_checks if path.moved_to is not None else ()),
                *((check_of(path.recipient),) if path.recipient is not None else ()),
            ),
            blob=flow.blob,
        )


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
            f'the {shown} rule "{flow.name}" does something that could not be read',
            *flaw_sentences(flow),
        ),
        facts=(Fact(name="state", values=(shown,)), Fact(name="flaws", values=flow.flaws)),
        checks=(check_of(flow),),
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
