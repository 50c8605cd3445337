"""What was asked about whom, and when: what every piece of evidence and every gap of one answer has."""

from datetime import datetime

from msgspec import Struct

from postwarden.errors import ConnectorError, Reason
from postwarden.model.encoding import encodable
from postwarden.model.evidence import Setting
from postwarden.model.reading import CheckDone, Gap, NotSupported, Observed
from postwarden.model.scope import Scope


class Asked(Struct, frozen=True, kw_only=True):
    """`observed` is in UTC."""

    scope: Scope
    source: str
    check: str
    observed: datetime

    def gap(self, reason: Reason, message: str, *, part: str | None = None, hint: str | None = None) -> Gap:
        return Gap(
            scope=self.scope,
            source=self.source,
            check=self.check,
            reason=reason,
            message=encodable(message),
            part=encodable(part) if part is not None else None,
            hint=hint,
        )

    def failed(self, error: ConnectorError, part: str | None = None) -> Gap:
        return self.gap(error.reason, error.message, part=part, hint=error.hint)

    def setting(self, name: str, value: str, raw: bytes = b"") -> Observed:
        """A setting; without bytes of the source's own, `raw` is the setting itself."""
        found = Setting(
            scope=self.scope,
            source=self.source,
            check=self.check,
            observed=self.observed,
            name=name,
            value=encodable(value),
        )
        return Observed(evidence=found, raw=raw or f"{name} = {value}\n".encode("utf-8", "backslashreplace"))

    def done(self) -> CheckDone:
        return CheckDone(scope=self.scope, source=self.source, check=self.check)

    def not_supported(self, message: str) -> NotSupported:
        return NotSupported(scope=self.scope, source=self.source, check=self.check, message=message)
