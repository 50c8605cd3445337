"""Evidence into rows: what rules see, with the sentences and facts that a finding will carry."""

from collections.abc import Iterator, Sequence

from postwarden.detect.delegation_rows import delegation_rows
from postwarden.detect.flow_rows import flow_rows, same_rules
from postwarden.detect.grant_rows import grant_rows
from postwarden.detect.row import Context, Row, Value, check_of
from postwarden.detect.setting_sentences import setting_sentence
from postwarden.mailflow.facts import Surroundings
from postwarden.mailflow.order import blocked
from postwarden.mailflow.recipients import directory
from postwarden.model.evidence import Delegation, Evidence, Grant, MailFlow, Setting
from postwarden.model.finding import Fact

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
    for item in evidence:
        match item:
            case MailFlow():
                yield from flow_rows(item, around, context, same)
            case Delegation():
                yield from delegation_rows(item, known, context.folders)
            case Setting():
                yield _setting(item)
            case _:
                # Grants follow together; folders and recipients are context; the other kinds get their rows with the sources that give them.
                continue
    yield from grant_rows([item for item in evidence if isinstance(item, Grant)], context)


def _setting(setting: Setting) -> Row:
    return Row(
        category="setting",
        scope=setting.scope,
        subject=("setting", setting.name),
        values={"name": setting.name, "value": setting.value},
        sentences=(setting_sentence(setting),),
        facts=(Fact(name=setting.name, values=(setting.value,)),),
        checks=(check_of(setting),),
        blob=setting.blob,
    )
