"""`postwarden rules`."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from postwarden.cli.common import add_config, add_json
from postwarden.cli.exits import CLEAN, FINDINGS

if TYPE_CHECKING:
    from postwarden.detect.sigma import Explanation, Rule
    from postwarden.pipeline.judge import RuleBook

HELP = "list the rules, run their examples, explain a verdict"
DESCRIPTION = """\
Rules are Sigma files: the shipped ones and those in the folders that agent.toml names. Each has examples beside it
(NAME.examples.yml) that must and must not match; docs/fields.md lists the fields that rules may use."""
EPILOG = """\
examples:
  postwarden rules list
  postwarden rules test                                  the examples of every rule
  postwarden rules test ./my-rules                       only those of one folder
  postwarden rules explain external_redirect alice.sieve --internal-domain example.org

exit codes: 0 good    1 an example failed (test), or the rule does not match (explain)    2 a rule does not load"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(metavar="ACTION", dest="action", required=True)
    listing = actions.add_parser("list", help="every rule with level and ATT&CK", allow_abbrev=False)
    test = actions.add_parser("test", help="run the examples of the rules", allow_abbrev=False)
    test.add_argument(
        "path", nargs="?", metavar="PATH", help="a folder of rules (default: all that are in use)"
    )
    explain = actions.add_parser(
        "explain", help="why a rule matches a file or not, condition by condition", allow_abbrev=False
    )
    explain.add_argument("rule", metavar="RULE", help="a rule's name or id")
    explain.add_argument("file", metavar="FILE", help="exported material, as for inspect")
    explain.add_argument("--internal-domain", action="append", default=[], metavar="D")
    explain.add_argument("--account", metavar="A")
    for action in (listing, test, explain):
        add_config(action)
        add_json(action)


def run(args: argparse.Namespace) -> int:
    return {"list": _list, "test": _test, "explain": _explain}[args.action](args)


def _list(args: argparse.Namespace) -> int:
    from postwarden.cli.inspect import configuration
    from postwarden.cli.terminal import clean
    from postwarden.model.encoding import encode
    from postwarden.pipeline.judge import load_rules

    book = load_rules(configuration(args.config, []))
    for rule in sorted(book.rules, key=lambda one: (one.category, one.name)):
        if args.json:
            value = {"type": "rule", "name": rule.name, "id": rule.id, "level": rule.level, "title": rule.title,
                     "category": rule.category, "attack": list(rule.attack), "path": rule.path}  # fmt: skip
            print(encode(value).decode("ascii"))
        else:
            attack = ", ".join(rule.attack)
            print(clean(f"{rule.category:<11} {rule.level:<13} {rule.name:<30} {attack:<22} {rule.title}"))
    return CLEAN


def _test(args: argparse.Namespace) -> int:
    from postwarden.cli.inspect import configuration
    from postwarden.cli.operator import now
    from postwarden.cli.terminal import clean
    from postwarden.model.encoding import encode
    from postwarden.pipeline.examples import run_examples

    config = configuration(args.config, [])
    total = failed = 0
    for outcome in run_examples(config, Path(args.path) if args.path else None, now()):
        total += 1
        failed += not outcome.passed
        if args.json:
            value = {"type": "example", "rule": outcome.rule, "name": outcome.name, "must_match": outcome.must_match,
                     "passed": outcome.passed}  # fmt: skip
            print(encode(value).decode("ascii"))
        elif not outcome.passed:
            wanted = "should match and does not" if outcome.must_match else "should not match and does"
            print(clean(f"FAILED  {outcome.rule}: {outcome.name}: {wanted}"))
    if not args.json:
        print(f"{total} examples, {failed} failed")
    return FINDINGS if failed else CLEAN


def _explain(args: argparse.Namespace) -> int:
    from postwarden.cli.inspect import account_of, configuration, read_file
    from postwarden.cli.operator import now
    from postwarden.cli.terminal import clean
    from postwarden.errors import UsageError
    from postwarden.formats.kinds import KINDS, kind_of
    from postwarden.model.encoding import encodable, encode
    from postwarden.pipeline.inspect import read_material
    from postwarden.pipeline.judge import load_rules, rows_of

    config = configuration(args.config, args.internal_domain)
    account = account_of(args.account, config)
    book = load_rules(config)
    rule = _one(book, args.rule)
    kind = kind_of(args.file) or KINDS[0]
    material = read_material(
        read_file(args.file), name=encodable(Path(args.file).name), kind=kind, account=account, observed=now()
    )
    rows = [row for row in rows_of(material, account, config.domains, book) if row.category == rule.category]
    if not rows:
        raise UsageError(
            f"{args.file} gives nothing that {rule.name} judges", "postwarden inspect shows what it gives"
        )
    matched = False
    for row in rows:
        explanation = rule.explain(row.values)
        matched = matched or explanation.matched
        if args.json:
            value = {"type": "explanation", "rule": rule.name, "row": dict(row.values), "matched": explanation.matched,
                     "parts": _as_object(explanation)}  # fmt: skip
            print(encode(value).decode("ascii"))
        else:
            print(clean("; ".join(row.sentences) or row.category))
            _print(explanation, 1)
    return CLEAN if matched else FINDINGS


def _one(book: "RuleBook", name: str) -> "Rule":
    from postwarden.errors import UsageError

    for rule in book.rules:
        if name in {rule.name, rule.id}:
            return rule
    raise UsageError(f"there is no rule {name!r}", "postwarden rules list shows them")


def _print(explanation: "Explanation", depth: int) -> None:
    from postwarden.cli.terminal import clean

    mark = "yes" if explanation.matched else "no "
    print(clean(f"{'  ' * depth}{mark}  {explanation.text}"))
    for part in explanation.parts:
        _print(part, depth + 1)


def _as_object(explanation: "Explanation") -> dict[str, object]:
    return {
        "text": explanation.text,
        "matched": explanation.matched,
        "parts": [_as_object(part) for part in explanation.parts],
    }
