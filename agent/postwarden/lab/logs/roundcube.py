"""Roundcube's log of log-ins, `userlogins.log`, in the words of its source (1.6): PHP's local times, session ids cut
short.
"""

from random import Random

from postwarden.lab.logs.happenings import Happening, Visit
from postwarden.lab.logs.journal import Journal
from postwarden.lab.logs.moments import php_local
from postwarden.lab.logs.plan import Plan
from postwarden.lab.logs.truth import Book


class Roundcube:
    """Writes visits of the webmail. It logs no end of them."""

    def __init__(self, plan: Plan, journal: Journal, book: Book) -> None:
        self.journal = journal
        self._tallies = book.accounts("roundcube")
        self._rng = Random(f"{plan.seed} roundcube")
        self._zone = plan.zone
        self._ids: dict[str, int] = {}

    def take(self, happening: Happening) -> None:
        """Write what this product says about it, if anything."""
        if not isinstance(happening, Visit):
            return
        session = f"{self._rng.getrandbits(64):016x}"
        tally = self._tallies[happening.name]
        if happening.let_in:
            number = self._ids.setdefault(happening.name, len(self._ids) + 1)
            text = f"Successful login for {happening.name} (ID: {number}) from {happening.address} in session {session}"
        else:
            text = (
                f"Failed login for {happening.name} from {happening.address} in session {session} (error: 0)"
            )
        if self.journal.add(
            happening.time, f"[{php_local(happening.time, self._zone)}]: <{session[:8]}> {text}"
        ):
            tally.begun += happening.let_in
            tally.refused += not happening.let_in
            tally.attempts += not happening.let_in
