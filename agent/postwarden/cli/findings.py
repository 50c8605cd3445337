"""`postwarden findings`."""

import argparse
from typing import TYPE_CHECKING

from postwarden.cli.common import add_config, add_json
from postwarden.cli.exits import CLEAN

if TYPE_CHECKING:
    from postwarden.model.standing import Standing
    from postwarden.pipeline.record import Recorder

HELP = "list findings, show one with its history, acknowledge or answer one"
DESCRIPTION = """\
Findings as they stand in the ledger. An acknowledgement silences one finding, says who and why in a signed
record, may expire, and ends by itself when the subject changes; it teaches nothing.

An answer says whose the sessions of an access window were, who said so, and over which channel. --yours silences the
window, and lets exactly these sessions count as the owner's from then on, until --until. --not-mine keeps them out for
good, looks for their addresses in the whole history, and no acknowledgement undoes it. An answer that came through the
account's own mailbox is recorded as worthless and changes nothing, with a warning and exit code 0: whoever is in there
reads the question and answers it. So ask over another channel, and name it."""
EPILOG = """\
examples:
  postwarden findings list
  postwarden findings list --all --json
  postwarden findings show QKZL
  postwarden findings ack QKZL --reason "asked Naomi by telephone, it is hers" --until 2027-03-31
  postwarden findings list --account naomi --by-time        windows, mail flow and grants, oldest first
  postwarden findings answer QKZL --yours --by Naomi --channel telephone --until 2027-03-31
  postwarden findings answer QKZL --not-mine --by Naomi --channel "in person"
  postwarden findings rebuild            make the index anew from the ledger"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(metavar="ACTION", dest="action", required=True)
    listing = actions.add_parser("list", help="open and acknowledged findings", allow_abbrev=False)
    listing.add_argument("--all", action="store_true", help="resolved ones too")
    listing.add_argument("--account", metavar="A", help="only those of this account")
    listing.add_argument(
        "--by-time",
        action="store_true",
        help="oldest first: access windows by their first access, others by when they were first seen",
    )
    show = actions.add_parser("show", help="one finding and its history", allow_abbrev=False)
    show.add_argument("id", metavar="ID", help="the id, or how it starts")
    ack = actions.add_parser("ack", help="acknowledge a finding", allow_abbrev=False)
    ack.add_argument("id", metavar="ID", help="the id, or how it starts")
    ack.add_argument("--reason", required=True, help="why it is no reason for alarm, for those who ask later")
    ack.add_argument("--until", metavar="DATE", help="reopen on this day (YYYY-MM-DD, UTC)")
    answer = actions.add_parser("answer", help="say whose an access window was", allow_abbrev=False)
    answer.add_argument("id", metavar="ID", help="the id, or how it starts")
    verdict = answer.add_mutually_exclusive_group(required=True)
    verdict.add_argument(
        "--yours", dest="verdict", action="store_const", const="yours", help="it was the owner"
    )
    verdict.add_argument(
        "--not-mine",
        dest="verdict",
        action="store_const",
        const="not_mine",
        help="it was not; its addresses are hunted for",
    )
    answer.add_argument("--by", required=True, metavar="WHO", help="who said so")
    answer.add_argument(
        "--channel", required=True, metavar="HOW", help="over which channel: telephone, in person"
    )
    answer.add_argument(
        "--until", metavar="DATE", help="with --yours: not beyond this day (YYYY-MM-DD, UTC); then it reopens"
    )
    answer.add_argument("--reason", default="", metavar="TEXT", help="what else was said")
    rebuild = actions.add_parser("rebuild", help="make the index anew from the ledger", allow_abbrev=False)
    for action in (listing, show, ack, answer, rebuild):
        add_config(action)
        add_json(action)


def run(args: argparse.Namespace) -> int:
    from postwarden.cli.answer_finding import answer
    from postwarden.cli.operator import open_recorder
    from postwarden.config.locate import load

    config = load(args.config)
    recorder = open_recorder(config)
    try:
        if args.action == "list":
            _list(args, recorder)
        elif args.action == "show":
            _show(args, recorder, recorder.one(args.id))
        elif args.action == "ack":
            _acknowledge(args, recorder)
            recorder.publish()
        elif args.action == "answer":
            answer(args, recorder, config)
            recorder.publish()
        else:
            recorder.rebuild()
            size = recorder.ledger.position().size
            print(
                f'{{"records":{size},"type":"rebuilt"}}'
                if args.json
                else f"the index reflects {size} records"
            )
    finally:
        recorder.close()
    return CLEAN


def _list(args: argparse.Namespace, recorder: "Recorder") -> None:
    from postwarden.cli.operator import now
    from postwarden.cli.show_audit import finding_object
    from postwarden.cli.show_finding import account_name
    from postwarden.cli.terminal import clean
    from postwarden.findings.life import expired
    from postwarden.findings.windows import time_of
    from postwarden.model.encoding import encode
    from postwarden.model.finding import LEVELS

    standings = [
        standing
        for standing in recorder.store.findings()
        if (args.all or standing.status != "resolved") and _is_of(args.account, standing, recorder)
    ]
    if args.by_time:
        standings.sort(key=lambda one: (time_of(one), one.finding.id))
    else:
        standings.sort(key=lambda one: (-LEVELS.index(one.finding.level), one.finding.scope, one.finding.id))
    for standing in standings:
        finding = standing.finding
        name = account_name(standing, recorder)
        if args.json:
            print(encode(finding_object(finding, standing, name)).decode("ascii"))
            continue
        status = standing.status + (" (expired)" if expired(standing, now()) else "")
        if args.by_time:
            time = f"{time_of(standing):%Y-%m-%d %H:%M}"
            print(clean(f"{time}  {finding.level:<8}  {status:<12}  {name}  {finding.name}  {finding.title}"))
            continue
        print(clean(f"{finding.id}  {finding.level:<8}  {status:<12}  {name}  {finding.name}"))
    if not standings and not args.json:
        print("no findings")


def _show(args: argparse.Namespace, recorder: "Recorder", standing: "Standing") -> None:
    import json

    from postwarden.cli.answer_finding import answer_words
    from postwarden.cli.show_audit import finding_object
    from postwarden.cli.show_finding import account_name, advice_lines, finding_lines
    from postwarden.cli.terminal import clean
    from postwarden.model.encoding import encode

    wanted = recorder.store.history(standing.finding.id)
    first = recorder.ledger.first
    gone = [index for index in wanted if index < first]
    records = [
        (index, next(iter(recorder.ledger.records(index, index + 1)))[1])
        for index in wanted
        if index >= first
    ]
    name = account_name(standing, recorder)
    if args.json:
        print(encode(finding_object(standing.finding, standing, name)).decode("ascii"))
        for index, line in records:
            print(f'{{"index":{index},"record":{line.decode("ascii")},"type":"record"}}')
        return
    print(
        "\n".join((*finding_lines(standing.finding, standing, name), *advice_lines(standing.finding.advice)))
    )
    print(f"  ATT&CK {', '.join(standing.finding.attack) or 'none'}")
    for blob in standing.finding.evidence:
        print(f"  evidence blobs/{blob}")
    print("  history")
    if gone:
        removed = ", ".join(str(index) for index in gone[:5]) + (" and more" if len(gone) > 5 else "")
        print(f"    record {removed} removed by ledger prune; what they came to is above")
    for index, line in records:
        record = json.loads(line)
        words = "; ".join(record.get("changes", [])) or record.get("reason", "")
        if record["kind"] == "finding_answered":
            words = answer_words(record)
        until = f" until {record['until']}" if record.get("until") else ""
        text = f"{record['time'][:19]}Z  {record['kind'].removeprefix('finding_')}{until}  {words}"
        print(clean(f"    record {index}  {text}  by {record['actor']}"))


def _acknowledge(args: argparse.Namespace, recorder: "Recorder") -> None:
    from postwarden.cli.operator import now
    from postwarden.cli.show_audit import finding_object
    from postwarden.cli.show_finding import account_name
    from postwarden.cli.times import until_time
    from postwarden.errors import UsageError
    from postwarden.model.encoding import encodable, encode

    if not args.reason.strip():
        raise UsageError("an acknowledgement needs a reason", "say who was asked, and how")
    until = until_time(args.until) if args.until else None
    if until is not None and until <= now():
        raise UsageError(f"--until {args.until} is not in the future", "name a later day")
    standing = recorder.acknowledge(args.id, reason=encodable(args.reason.strip()), until=until)
    if args.json:
        print(
            encode(finding_object(standing.finding, standing, account_name(standing, recorder))).decode(
                "ascii"
            )
        )
        return
    print(f"acknowledged {standing.finding.id}" + (f" until {args.until}" if args.until else ""))


def _is_of(account: str | None, standing: "Standing", recorder: "Recorder") -> bool:
    if account is None:
        return True
    known = recorder.store.account(standing.finding.scope.key)
    names = {standing.finding.scope.key.casefold()}
    if known is not None:
        names |= {known.login.casefold(), *known.addresses}
    return account.casefold() in names
