"""`postwarden findings answer`."""

import argparse
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from postwarden.config.settings import Config
    from postwarden.model.account import Account
    from postwarden.model.standing import Standing
    from postwarden.pipeline.record import Recorder

#: Characters of who, how and what else was said.
MAX_NAME, MAX_REASON = 200, 1_000


def answer(args: argparse.Namespace, recorder: "Recorder", config: "Config") -> None:
    """Records what was said of an access window, and hunts for one that was not the owner's."""
    from postwarden.cli.operator import now
    from postwarden.cli.show_audit import finding_object
    from postwarden.cli.show_finding import account_name
    from postwarden.cli.terminal import clean
    from postwarden.cli.times import until_time
    from postwarden.config.directory import ConfiguredDirectory
    from postwarden.errors import UsageError
    from postwarden.model.encoding import encode
    from postwarden.pipeline.answers import Said
    from postwarden.pipeline.answers import answer as record

    until = until_time(args.until) if args.until else None
    if until is not None and args.verdict != "yours":
        raise UsageError("--until is for --yours only", "that it was not the owner stands for good")
    if until is not None and until <= now():
        raise UsageError(f"--until {args.until} is not in the future", "name a later day")
    said = Said(
        verdict=args.verdict,
        by=_text(args.by, "--by", MAX_NAME),
        channel=_text(args.channel, "--channel", MAX_NAME),
        reason=_text(args.reason, "--reason", MAX_REASON) if args.reason else "",
        until=until,
    )
    configured = {one.key: one for one in ConfiguredDirectory(config).accounts()}
    taken = record(recorder, args.id, said, configured)
    standing = taken.standing
    words = said.verdict.replace("_", " ")
    if args.json:
        name = account_name(standing, recorder)
        print(encode(finding_object(standing.finding, standing, name)).decode("ascii"))
    elif taken.worthless is None:
        print(f"answered {standing.finding.id}: {words}" + (f" until {args.until}" if until else ""))
    if taken.worthless is not None:
        print(
            clean(f"postwarden: warning: the answer is recorded and worthless: {taken.worthless}"),
            file=sys.stderr,
        )
        print("postwarden: hint: ask over another channel, and answer again", file=sys.stderr)
    elif said.verdict == "not_mine":
        _hunt(args, standing, recorder, config, configured)


def answer_words(record: dict[str, Any]) -> str:
    """A `finding_answered` record in words."""
    words = f"{record['verdict'].replace('_', ' ')}, said by {record['by']} over {record['channel']}"
    if record.get("reason"):
        words += f": {record['reason']}"
    if record.get("worthless"):
        words += f"; worthless: {record['worthless']}"
    return words


def _text(text: str, option: str, most: int) -> str:
    from postwarden.errors import UsageError
    from postwarden.model.encoding import encodable

    text = encodable(text.strip())
    if not text:
        raise UsageError(f"{option} is empty", "say who was asked, and over which channel")
    if len(text) > most:
        raise UsageError(f"{option} has more than {most} characters", "say it shorter")
    return text


def _hunt(
    args: argparse.Namespace,
    standing: "Standing",
    recorder: "Recorder",
    config: "Config",
    configured: "dict[str, Account]",
) -> None:
    """Looks for the window's addresses in all that the logs told."""
    from postwarden.cli.hunt import show_hunt
    from postwarden.cli.operator import now
    from postwarden.cli.terminal import clean
    from postwarden.config.locate import state_folder
    from postwarden.history.history import exists, open_history
    from postwarden.pipeline.answers import indicators_of
    from postwarden.pipeline.hunting import hunt, record_hunt
    from postwarden.pipeline.judge import load_rules
    from postwarden.pipeline.places import open_networks
    from postwarden.pipeline.pseudonyms import Pseudonyms
    from postwarden.pipeline.views import Views

    state = state_folder(config)
    networks = open_networks(config)
    indicators, left = indicators_of(standing.finding, networks)
    for sentence in left:
        print(clean(f"postwarden: note: not looked for: {sentence}"), file=sys.stderr)
    if not indicators:
        print(
            "postwarden: warning: nothing was looked for: the window has no address for it", file=sys.stderr
        )
        return
    if not exists(state):
        print(
            "postwarden: warning: nothing was looked for: there is no history in the state folder",
            file=sys.stderr,
        )
        return
    accounts = {one.key: one for one in recorder.store.accounts()} | configured
    with open_history(state) as history:
        made = hunt(history, indicators, accounts.values(), config, now=int(now().timestamp() * 1000))
        reason = f"answered not mine: {standing.finding.id}"
        findings = record_hunt(recorder, made, reason, load_rules(config), config, now)
        conceal = Pseudonyms(state).of if config.history.pseudonyms else None
        views = Views(history, state, config, networks, accounts.values(), conceal)
        show_hunt(made, findings, views, as_json=args.json)
