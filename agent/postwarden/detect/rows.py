"""Evidence into rows: what rules see, with the sentences and facts that a finding will carry."""

from collections.abc import Iterator, Sequence

from postwarden.detect.delegation_rows import delegation_rows
from postwarden.detect.flow_rows import flow_rows
from postwarden.detect.row import Context, Row, Value, check_of
from postwarden.detect.setting_sentences import setting_sentence
from postwarden.mailflow.order import blocked
from postwarden.model.evidence import Delegation, Evidence, MailFlow, Setting
from postwarden.model.finding import Fact

__all__ = ["Context", "Row", "Value", "rows"]


def rows(evidence: Sequence[Evidence], context: Context) -> Iterator[Row]:
    """The rows of all evidence of one scope, in its order."""
    flows = [item for item in evidence if isinstance(item, MailFlow)]
    behind = blocked(flows)
    for item in evidence:
        match item:
            case MailFlow():
                yield from flow_rows(item, flows, behind, context)
            case Delegation():
                yield from delegation_rows(item, context)
            case Setting():
                yield _setting(item)
            case _:
                # Folders and recipients are context; the other kinds get their rows with the sources that give them.
                continue


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
