"""The alarm of a ledger that may not be written to any more: told, and recorded nowhere."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from postwarden import logs
from postwarden.errors import LedgerError, LedgerUnsound, NotifyError
from postwarden.ledger import checkpoint, files
from postwarden.ledger.note import MAX_NOTE
from postwarden.model import moment
from postwarden.model.encoding import decodable, encodable
from postwarden.model.finding import Finding
from postwarden.model.finding_id import finding_id
from postwarden.model.scope import agent_scope
from postwarden.notify import Attached
from postwarden.notify.notice import Notice

#: It is no rule's finding, but has an id like one, so that receivers can tell doubles.
_RULE = "8f3b5c0e-7d42-4b6a-9a51-2c1de0f7a906"
_NAME = "ledger_not_sound"


def tell_unsound(
    failure: LedgerUnsound,
    attached: Sequence[Attached],
    ledger: Path,
    *,
    origin: str,
    now: datetime,
    actor: str,
    agent: str,
) -> None:
    """Tells every notifier, whatever its level; what cannot be told is a warning of the log.

    The checkpoint in the folder `ledger` goes with it as it stands, for nobody can vouch for it.
    """
    scope = agent_scope(origin)
    what = encodable(failure.message)
    finding = Finding(
        id=finding_id(_RULE, scope, (what,)),
        rule=_RULE,
        name=_NAME,
        title="the ledger is not sound, and nothing is recorded any more",
        level="critical",
        scope=scope,
        subject=(what,),
        checks=(),
        why=(what,),
        advice=(encodable(failure.hint),) if failure.hint else (),
    )
    record = failure.record or 0
    notice = Notice(
        key=f"{finding.id}-{record}",
        change="opened",
        ledger=origin,
        record=record,
        time=moment.text(now),
        actor=actor,
        agent=agent,
        account=f"agent {origin}",
        finding=finding,
        checkpoint=_checkpoint(ledger),
    )
    for one in attached:
        try:
            one.notifier.send(notice)
        except NotifyError as exc:
            logs.get("alarm").error("notice_failed", notifier=one.name, notice=notice.key, error=str(exc))


def _checkpoint(ledger: Path) -> str:
    """What is there, whatever it is; nothing where it cannot be read, which may be what is told."""
    try:
        with files.folder(ledger) as root:
            return decodable(files.read(root, checkpoint.NAME, owner=None, limit=MAX_NOTE) or b"")
    except LedgerError:
        return ""
