"""What others are told: one change of one finding."""

from typing import Literal

from msgspec import Struct

from postwarden.model.finding import Finding

Change = Literal["opened", "changed", "resolved", "acknowledged", "reopened"]


class Notice(Struct, frozen=True, kw_only=True):
    """One change, as record number `record` of the ledger with the name `ledger` has it.

    `key` stays the same when a notice is sent again after a crash: receivers tell doubles by it. `account` is its
    primary address; of another scope, kind and key. `finding` is as it stands now; `changes` says what is different,
    `reason` why it was resolved, acknowledged or reopened, `until` when an acknowledgement ends. `checkpoint` is the
    ledger's newest signed note when it was told: whoever keeps it can show later that the ledger was cut short.
    """

    v: int = 1
    key: str
    change: Change
    ledger: str
    record: int
    time: str
    actor: str
    agent: str
    account: str
    finding: Finding
    changes: tuple[str, ...] = ()
    reason: str = ""
    until: str | None = None
    checkpoint: str = ""

    @property
    def line(self) -> str:
        """The notice in one sentence."""
        finding = self.finding
        more = "; ".join(self.changes) or self.reason
        return f"{self.change}: {finding.level} {finding.name} in {self.account}: {finding.title}" + (
            f" ({more})" if more else ""
        )
