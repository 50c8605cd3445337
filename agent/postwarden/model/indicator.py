"""What somebody looks for in the history."""

from typing import Literal

from msgspec import Struct

IndicatorKind = Literal["ip", "network", "client", "app"]


class Indicator(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, order=True):
    """An address, a network (CIDR), a part of a client's name (any case), or an application's id or a part of it.

    `value` is in its plain form: addresses and networks as the standard library writes them. `note` is what the one
    who made it says about it.
    """

    kind: IndicatorKind
    value: str
    note: str = ""

    @property
    def text(self) -> str:
        """Kind and value, as findings and records name it."""
        return f"{self.kind} {self.value}"
