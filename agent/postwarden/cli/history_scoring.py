"""Scoring for `postwarden history read` and `history rescore`."""

import argparse
from typing import TYPE_CHECKING

from postwarden.cli.exits import CLEAN

if TYPE_CHECKING:
    from collections.abc import Iterable

    from postwarden.config.settings import Config
    from postwarden.model.account import Account
    from postwarden.pipeline.record import Recorder
    from postwarden.pipeline.scoring import Turn


def score(
    config: "Config", recorder: "Recorder", listed: "Iterable[Account]" = (), *, anew: bool = False
) -> "Turn":
    """Scores what is new in the history, or all of it, and records the windows. `listed` are accounts that sources just told,
    beside those that the ledger and the configuration know.
    """
    from contextlib import nullcontext

    from postwarden.cli.operator import now
    from postwarden.cli.terminal import Progress
    from postwarden.config.directory import ConfiguredDirectory
    from postwarden.config.locate import state_folder
    from postwarden.history.history import open_history
    from postwarden.pipeline.judging_access import judge_access, scoring_for

    state = state_folder(config)
    known = (*recorder.store.accounts(), *ConfiguredDirectory(config).accounts(), *listed)
    accounts = {one.key: one for one in known}
    progress = Progress()
    try:
        with open_history(state) as history:
            scoring = scoring_for(state, config, accounts, history)
            return judge_access(
                scoring, history, lambda: nullcontext(recorder), accounts, config, now, anew=anew,
                tell=lambda count: progress.show(f"{count} sessions scored"),
            )  # fmt: skip
    finally:
        progress.clear()


def rescore(args: argparse.Namespace, config: "Config") -> int:
    """Replays the whole history, and says what is different."""
    from postwarden.cli.operator import open_recorder
    from postwarden.cli.show_finding import account_name
    from postwarden.cli.terminal import clean
    from postwarden.findings.windows import is_window
    from postwarden.model.encoding import encode

    recorder = open_recorder(config)
    try:
        before = {one.finding.id: one.finding for one in recorder.store.findings() if is_window(one.finding)}
        turn = score(config, recorder, anew=True)
        standings = [one for one in recorder.store.findings() if is_window(one.finding)]
        changed = [one for one in standings if before.get(one.finding.id) != one.finding]
        if args.json:
            told = {
                "type": "rescored",
                "sessions": turn.scored,
                "windows": len(standings),
                "changed": [one.finding.id for one in changed],
            }
            print(encode(told).decode("ascii"))
            return CLEAN
        print(f"scored {turn.scored} sessions anew: {len(standings)} windows, {len(changed)} new or changed")
        for one in changed:
            print(clean(f"  {one.finding.id}  {one.finding.level:<8}  {account_name(one, recorder)}"))
    finally:
        recorder.close()
    return CLEAN


def show_habits(config: "Config", *, as_json: bool) -> None:
    """How far sessions were scored by habits."""
    from postwarden.cli.times import shown
    from postwarden.config.locate import state_folder
    from postwarden.history.kept import look
    from postwarden.model.encoding import encode
    from postwarden.pipeline.scored import progress_of

    known = look(state_folder(config))
    progress = progress_of(known) if known is not None else None
    if as_json:
        told = {
            "type": "habits",
            "sessions": progress.scored if progress else 0,
            "accounts": known.accounts if known else 0,
            "bytes": known.bytes if known else 0,
            "looked": shown(progress.looked) if progress else None,
            "horizon": shown(progress.horizon) if progress else None,
            "late": progress.late if progress else 0,
        }
        print(encode(told).decode("ascii"))
        return
    print("habits")
    if known is None or progress is None:
        print("  scored    nothing yet: postwarden history read, or the daemon, does so")
        return
    print(
        f"  scored    {progress.scored} sessions, finally until {shown(progress.horizon)}; last {shown(progress.looked)}"
    )
    print(
        f"  accounts  {known.accounts}, {known.bytes // max(1, known.accounts)} bytes each; not known to be clean"
    )
    if progress.late:
        print(f"  late      {progress.late} sessions came too late to be learnt: postwarden history rescore")
