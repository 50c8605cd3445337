"""`postwarden hunt`."""

import argparse
from typing import TYPE_CHECKING

from postwarden.cli.common import add_config, add_json
from postwarden.cli.exits import CLEAN, FINDINGS, UNREADABLE

if TYPE_CHECKING:
    from postwarden.access.networks import Networks
    from postwarden.model.finding import Finding
    from postwarden.model.indicator import Indicator
    from postwarden.pipeline.hunting import Hit, Hunt
    from postwarden.pipeline.views import View, Views

HELP = "look in the history for addresses, networks, clients or applications"
DESCRIPTION = """\
Looks through all that the logs told, as far back as the history goes: which accounts, since when, how often. Each
hunt is a signed record with your name and reason; an account that was entered gets a finding, dated at the first
access. It says what of the time it could not look at: nothing found there is not nothing."""
EPILOG = """\
examples:
  postwarden hunt --ip 203.0.113.7 --reason "CERT notice 2026-118"
  postwarden hunt --network 203.0.113.0/24 --network 2001:db8:1::/48 --since 2025-10-01 --reason "ticket 4711"
  postwarden hunt --client python-requests --reason "unusual clients"
  postwarden hunt --file iocs.csv --file bundle.stix.json --reason "weekly feed"

exit codes:
  0 nobody was in, in all of the time   1 an account was entered
  3 nobody was in, but not all of the time could be looked at
  2 usage, configuration, local state   4 the ledger is not sound"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--ip", action="append", default=[], metavar="ADDRESS", help="an address, IPv4 or IPv6"
    )
    parser.add_argument(
        "--network", action="append", default=[], metavar="CIDR", help="a network: 203.0.113.0/24"
    )
    parser.add_argument(
        "--client",
        action="append",
        default=[],
        metavar="TEXT",
        help="part of what a client calls itself, in any case",
    )
    parser.add_argument(
        "--app", action="append", default=[], metavar="ID", help="the id of an application, or part of it"
    )
    parser.add_argument(
        "--file",
        action="append",
        default=[],
        metavar="FILE",
        help="a list of them: plain text, CSV or STIX 2.1",
    )
    parser.add_argument(
        "--since", metavar="TIME", help="sessions from then on (2026-06-01, or with a time in UTC)"
    )
    parser.add_argument("--until", metavar="TIME", help="sessions before then")
    parser.add_argument("--reason", required=True, metavar="TEXT", help="why; it is recorded")
    add_config(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    from postwarden.cli import log
    from postwarden.cli.operator import now, open_recorder
    from postwarden.cli.times import span
    from postwarden.config.directory import ConfiguredDirectory
    from postwarden.config.locate import load, state_folder
    from postwarden.history.history import open_history
    from postwarden.pipeline.hunting import hunt, record_hunt
    from postwarden.pipeline.judge import load_rules
    from postwarden.pipeline.places import open_networks
    from postwarden.pipeline.pseudonyms import Pseudonyms
    from postwarden.pipeline.views import Views

    log.begin(json=False)
    since, until = span(args.since, args.until)
    indicators = _indicators(args)
    config = load(args.config)
    state = state_folder(config)
    book, networks = load_rules(config), open_networks(config)
    recorder = open_recorder(config)
    milliseconds = int(now().timestamp() * 1000)
    try:
        accounts = {
            one.key: one for one in (*recorder.store.accounts(), *ConfiguredDirectory(config).accounts())
        }
        with open_history(state) as history:
            made = hunt(
                history, indicators, accounts.values(), config, now=milliseconds, since=since, until=until
            )
            findings = record_hunt(recorder, made, args.reason, book, config, now)
            conceal = Pseudonyms(state).of if config.history.pseudonyms else None
            views = Views(history, state, config, networks, accounts.values(), conceal)
            show_hunt(made, findings, views, as_json=args.json)
            _say_of(args, networks)
        recorder.publish()
    finally:
        recorder.close()
    if any(hit.entered for hit in made.hits):
        return FINDINGS
    return UNREADABLE if made.gaps else CLEAN


def _indicators(args: argparse.Namespace) -> "list[Indicator]":
    """What the caller looks for, each once; raises UsageError."""
    import sys
    from pathlib import Path

    from postwarden.cli.operator import now
    from postwarden.cli.terminal import clean
    from postwarden.errors import UsageError
    from postwarden.formats.indicators import MAX_BYTES, parse_indicator, read_indicators

    found: dict[str, Indicator] = {}
    for kind in ("ip", "network", "client", "app"):
        for text in getattr(args, kind):
            try:
                one = parse_indicator(kind, text)
            except ValueError as exc:
                raise UsageError(f"--{kind} {text!r}: {exc}", "postwarden hunt --help has examples") from exc
            found.setdefault(one.text, one)
    for name in args.file:
        try:
            with Path(name).open("rb") as file:
                data = file.read(MAX_BYTES + 1)
        except OSError as exc:
            raise UsageError(f"{name} cannot be read: {exc.strerror}", "name a file with indicators") from exc
        read = read_indicators(name, data, now())
        for one in read.indicators:
            found.setdefault(one.text, one)
        for sentence in read.unread[:10]:
            print(f"postwarden: warning: {clean(f'{name}: {sentence}')}", file=sys.stderr)
        if len(read.unread) > 10:
            print(f"postwarden: warning: {clean(name)}: and {len(read.unread) - 10} more", file=sys.stderr)
    if not found:
        raise UsageError("there is nothing to look for", "name an --ip, --network, --client, --app or --file")
    return list(found.values())


def show_hunt(made: "Hunt", findings: "tuple[Finding, ...]", views: "Views", *, as_json: bool) -> None:
    """Prints what a hunt came to."""
    from postwarden.cli.terminal import clean, paragraph

    if as_json:
        import json

        for hit in made.hits:
            print(json.dumps(_hit(hit, views), sort_keys=True, separators=(",", ":")))
        told = {
            "type": "hunt",
            "indicators": len(made.indicators),
            "hits": len(made.hits),
            "findings": [finding.id for finding in findings],
            "gaps": list(made.gaps),
        }
        print(json.dumps(told, sort_keys=True, separators=(",", ":")))
        return
    for hit in made.hits:
        _print(hit, views)
    entered = sum(hit.entered for hit in made.hits)
    print(
        f"looked for {len(made.indicators)} indicators: {entered} entered accounts, {len(made.hits) - entered} only tried"
    )
    for finding in findings:
        print(clean(f"finding {finding.id}  {finding.level}  {finding.name}"))
    for gap in made.gaps[:20]:
        print(paragraph(gap, "not looked at: "))
    if len(made.gaps) > 20:
        print(f"not looked at: and {len(made.gaps) - 20} more")


def _say_of(args: argparse.Namespace, networks: "Networks") -> None:
    """Whose the databases are, and what is weaker without them; on stderr, since it is no result."""
    import sys

    from postwarden.access.networks import licences, weaknesses
    from postwarden.cli.terminal import paragraph

    if not args.json:
        for sentence in (*licences(networks), *weaknesses(networks)):
            print(paragraph(sentence, "postwarden: note: "), file=sys.stderr)


def _print(hit: "Hit", views: "Views") -> None:
    from postwarden.cli.terminal import clean
    from postwarden.cli.times import shown

    view = views.of(hit.first)
    print(clean(f"{view.account}  {hit.indicator.text}"))
    print(clean(f"  first    {shown(hit.first.time)} {hit.first.protocol} {_place(view)}"))
    print(
        f"  last     {shown(hit.last)}; {hit.sessions} sessions in {hit.visits} visits, {hit.refused} refused"
    )
    if hit.clients:
        print(clean(f"  clients  {', '.join(hit.clients)}"))
    if view.known or view.own:
        print(clean(f"  is       {view.known or f'our own identity ({view.own})'}"))


def _place(view: "View") -> str:
    if view.session.address is None:
        return "from an address that the log does not tell"
    if view.behind is not None:
        return f"from {view.behind}, through the webmail at {view.session.address}" + _about(view)
    if view.shared:
        return f"from {view.session.address} (shared by many accounts: no place)"
    return f"from {view.session.address}{_about(view)}"


def _about(view: "View") -> str:
    words = (view.address_class, view.country, view.network, view.hosting)
    told = [one for one in words if one and one != "public"]
    return f" ({', '.join(told)})" if told else ""


def _hit(hit: "Hit", views: "Views") -> dict[str, object]:
    from postwarden.cli.times import shown

    view = views.of(hit.first)
    return {
        "type": "hit",
        "account": view.account,
        "indicator": {"kind": hit.indicator.kind, "value": hit.indicator.value, "note": hit.indicator.note},
        "first": shown(hit.first.time),
        "last": shown(hit.last),
        "sessions": hit.sessions,
        "visits": hit.visits,
        "refused": hit.refused,
        "protocol": hit.first.protocol,
        "addresses": list(hit.addresses),
        "clients": list(hit.clients),
        "country": view.country,
        "network": view.network,
        "hosting": view.hosting,
        "shared": view.shared,
        "known": view.known,
        "own": view.own,
        "source": hit.first.source,
    }
