"""The verdict on one application in one scope, with all that it rests on."""

from typing import Literal

from msgspec import Struct

from postwarden.grants.ages import Age
from postwarden.grants.catalogue import Entry
from postwarden.grants.credentials import Keys
from postwarden.grants.home import Home
from postwarden.grants.names import NameFlags
from postwarden.grants.reply_urls import ReplyFlags
from postwarden.grants.scopes import ScopeFacts

Band = Literal["high", "medium", "low", "inventory"]

#: How a factor counts: `reach` in points, the largest of its kind or added; `reach_times` (on the reach) and `times` (on
#: the risk) in percent, multiplied; `plus` in percent, added up before it multiplies; `fixed` sets the risk itself;
#: `told` counts nothing.
Effect = Literal["reach", "reach_times", "times", "plus", "fixed", "told"]


class Factor(Struct, frozen=True, kw_only=True):
    """One thing that the risk rests on: its name, what it counts, and a sentence that says why."""

    name: str
    effect: Effect
    weight: int
    sentence: str

    def text(self) -> str:
        """The sentence with its weight, for people."""
        match self.effect:
            case "reach":
                return f"{self.sentence} (reach {self.weight})"
            case "reach_times":
                return f"{self.sentence} (reach times {self.weight} %)"
            case "times":
                return f"{self.sentence} (risk times {self.weight} %)"
            case "plus":
                return f"{self.sentence} (risk plus {self.weight} %)"
            case "fixed":
                return f"{self.sentence} (risk {self.weight})"
            case "told":
                return self.sentence


class Assessment(Struct, frozen=True, kw_only=True):
    """How far an application reaches, how far it can be trusted, and what follows.

    `reach` and `risk` go from 0 to 100; `trust` is in percent: the more, the less it can be trusted. `listed` is what
    the administrator's own lists say of it, `prevalence` the percentage of accounts that have it.
    """

    reach: int
    trust: int
    risk: int
    band: Band
    factors: tuple[Factor, ...]
    home: Home
    scopes: ScopeFacts
    entry: Entry | None
    listed: Literal["allow", "block"] | None
    names: NameFlags
    replies: ReplyFlags
    keys: Keys
    age: Age | None
    prevalence: int | None
    unused_days: int | None
