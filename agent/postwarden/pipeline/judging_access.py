"""One look at what is new in the history: scored, and the windows recorded."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path

from msgspec import Struct

from postwarden.access.networks import Networks
from postwarden.config.settings import Config
from postwarden.detect.access.entry import Answer
from postwarden.history.history import History
from postwarden.model.account import Account
from postwarden.pipeline.answers import given
from postwarden.pipeline.places import open_countries, open_networks
from postwarden.pipeline.record import Recorder
from postwarden.pipeline.scoring import Scoring, Turn, milliseconds
from postwarden.pipeline.sessions_told import Telling
from postwarden.pipeline.windows import record_windows

#: Gives the recorder for a moment.
Held = Callable[[], AbstractContextManager[Recorder]]

#: Findings on these are no occasion; those on rules, rights and grants are: somebody made them just before.
_NO_OCCASION = frozenset({"setting", "indicator", "session", "change", "window"})


def scoring_for(
    state: Path,
    config: Config,
    accounts: Mapping[str, Account],
    history: History,
    networks: Networks | None = None,
) -> Scoring:
    """What scores the history of a state folder; raises ConfigError where a table cannot be used."""
    return Scoring(state, config, open_countries(), telling_for(config, accounts, history, networks))


def telling_for(
    config: Config, accounts: Mapping[str, Account], history: History, networks: Networks | None = None
) -> Telling:
    """Whose sessions are, and from where, as it is known now."""
    shared = frozenset(
        one.address
        for source in history.read.sources()
        for one in history.read.shared(config.history.shared, source)
    )
    return Telling(config, accounts.values(), networks or open_networks(config), shared)


class Said(Struct, frozen=True, kw_only=True):
    """What the ledger has that scoring goes by: answers, oldest first, and what was made at accounts (account, time, words)."""

    answers: tuple[Answer, ...]
    occasions: tuple[tuple[str, int, str], ...]


def said(recorder: Recorder) -> Said:
    """Raises LedgerError."""
    recorder.refresh()
    return Said(
        answers=given(recorder.store),
        occasions=tuple(
            (standing.finding.scope.key, milliseconds(standing.first_seen), standing.finding.title)
            for standing in recorder.store.findings()
            if standing.finding.scope.kind == "account" and standing.finding.subject[0] not in _NO_OCCASION
        ),
    )


def judge_access(
    scoring: Scoring,
    history: History,
    held: Held,
    accounts: Mapping[str, Account],
    config: Config,
    clock: Callable[[], datetime],
    *,
    anew: bool = False,
    tell: Callable[[int], None] = lambda _count: None,
) -> Turn:
    """Scores what is new and records the windows; the recorder is not held while sessions are scored.

    Raises HistoryError, HistoryBusy, LedgerError.
    """
    with held() as recorder:
        known = said(recorder)
    turn = scoring.turn(history, milliseconds(clock()), known.answers, known.occasions, anew=anew, tell=tell)
    if turn.windows or scoring.provisional:
        with held() as recorder:
            record_windows(recorder, turn.windows, turn.horizon, accounts, history, config, clock)
    return turn
