"""Evidence into rows: what rules see, with the sentences and facts that a finding will carry."""

from collections.abc import Iterator, Sequence

from postwarden.detect.delegation_rows import delegation_rows
from postwarden.detect.event_rows import access_row, change_row
from postwarden.detect.flow_rows import flow_rows, same_rules
from postwarden.detect.grant_rows import grant_rows
from postwarden.detect.row import Context, Row, Value
from postwarden.detect.setting_rows import setting_row
from postwarden.mailflow.facts import Surroundings
from postwarden.mailflow.order import blocked
from postwarden.mailflow.recipients import directory
from postwarden.model.evidence import Access, Change, Delegation, Evidence, Grant, MailFlow, Setting

__all__ = ["Context", "Row", "Value", "rows"]


def rows(evidence: Sequence[Evidence], context: Context) -> Iterator[Row]:
    """The rows of all evidence of one scope, in its order, grants last."""
    flows = [item for item in evidence if isinstance(item, MailFlow)]
    known = directory(context.domains, context.own, context.recipients)
    around = Surroundings(
        domains=known.domains,
        own=known.own,
        folders=context.folders,
        keywords=context.keywords,
        providers=context.providers,
        recipients=known.recipients,
        blocked=blocked(flows),
    )
    same = same_rules(flows, context)
    purposes = {
        item.source: item for item in evidence if isinstance(item, Setting) and item.name == "mailbox_purpose"
    }
    for item in evidence:
        match item:
            case MailFlow():
                yield from flow_rows(item, around, context, same)
            case Delegation():
                yield from delegation_rows(item, known, context.folders, purposes.get(item.source))
            case Setting():
                yield setting_row(item, known)
            case Access():
                yield access_row(item)
            case Change():
                yield change_row(item)
            case _:
                # Grants follow together; folders and recipients are context.
                continue
    yield from grant_rows([item for item in evidence if isinstance(item, Grant)], context)
