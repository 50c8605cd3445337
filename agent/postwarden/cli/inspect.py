"""`postwarden inspect`."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from postwarden.cli.audit import LEVELS
from postwarden.cli.common import add_config
from postwarden.cli.exits import CLEAN, FINDINGS, UNREADABLE
from postwarden.formats.kinds import KINDS, kind_of

if TYPE_CHECKING:
    from postwarden.config.settings import Config
    from postwarden.model.account import Account
    from postwarden.model.reading import Gap

HELP = "judge exported files without connecting to anything"
DESCRIPTION = """\
Judges material that somebody exported: Sieve scripts, users' .forward files, saved answers of Exchange Web Services
(inbox rules, hidden rules, permissions, delegates), and the stored form of Exchange's rules. Prints one JSON object a
line (evidence, finding, gap, summary; docs/json.md describes them) and records nothing. Uses agent.toml for the
organisation's domains where one is found."""
EPILOG = """\
examples:
  postwarden inspect alice.sieve --internal-domain example.org
  postwarden inspect --kind sieve /var/mail/alice/sieve/* --account alice@example.org
  postwarden inspect ~/.forward --account alice@example.org
  postwarden inspect --kind ews GetInboxRules.xml GetDelegate.xml --internal-domain example.org

exit codes: as audit"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("--kind", choices=KINDS, help="what the files are (default: by their names)")
    parser.add_argument(
        "--internal-domain", action="append", default=[], metavar="D", help="a domain of the organisation"
    )
    parser.add_argument("--account", metavar="A", help="whose material it is (an address)")
    parser.add_argument(
        "--fail-on", choices=LEVELS, default="medium", help="exit 1 from this level on (default: medium)"
    )
    add_config(parser)


def run(args: argparse.Namespace) -> int:
    from postwarden.cli.operator import now
    from postwarden.model.encoding import encodable
    from postwarden.model.finding import at_least
    from postwarden.pipeline.inspect import read_material, shapes
    from postwarden.pipeline.judge import judge, load_rules

    config = configuration(args.config, args.internal_domain)
    account = account_of(args.account, config)
    book = load_rules(config)
    gaps: list[Gap] = []
    if not config.organisation.internal_domains:
        gaps.append(_no_domains(account))
        _print_as("gap", None, gaps[0])
    seen: set[bytes] = set()
    counted = findings = 0
    for path in args.files:
        raw = read_file(path)
        if raw in seen:
            continue
        seen.add(raw)
        material = read_material(
            raw,
            name=encodable(Path(path).name),
            kind=args.kind or _kind(path),
            account=account,
            observed=now(),
        )
        for evidence in material.evidence:
            _print_as("evidence", path, evidence)
        for gap in material.gaps:
            _print_as("gap", path, gap)
        for finding in judge(material, account, config.domains, book):
            findings += 1
            counted += at_least(finding.level, args.fail_on)
            _print_as(
                "finding", path, finding, rule=finding.name, rule_id=finding.rule, account=account.address
            )
        gaps += material.gaps
    _print(
        {
            "type": "summary",
            "origin": {"file": None, "line": None},
            "read": len(seen),
            "duplicates": len(args.files) - len(seen),
            "findings": findings,
            "not_understood": shapes(gaps),
        }
    )
    return FINDINGS if counted else UNREADABLE if gaps else CLEAN


def _no_domains(account: "Account") -> "Gap":
    from postwarden.model.reading import Gap
    from postwarden.model.scope import account_scope
    from postwarden.pipeline.inspect import SOURCE

    return Gap(
        scope=account_scope(account.key),
        source=SOURCE,
        check="domains",
        reason="unsupported",
        message="no internal domain is known, so every target is unresolved",
        hint="name the organisation's domains with --internal-domain",
    )


def configuration(explicit: str | None, domains: "list[str]") -> "Config":
    """agent.toml where one is found, with the domains of the command line added."""
    import msgspec

    from postwarden.config.locate import candidates, load
    from postwarden.config.settings import Config, is_domain
    from postwarden.errors import UsageError

    if explicit is not None or any(path.exists() for path in candidates()):
        config = load(explicit)
    else:
        config = Config(path=Path.cwd() / "agent.toml")
    for domain in domains:
        if not is_domain(domain):
            raise UsageError(f"{domain!r} is not a domain in lower case", "write it as in mail addresses")
    organisation = msgspec.structs.replace(
        config.organisation, internal_domains=(*config.organisation.internal_domains, *domains)
    )
    return msgspec.structs.replace(config, organisation=organisation)


def account_of(name: str | None, config: "Config") -> "Account":
    """The account that the directory knows by `name`, or a new one; without a name, nobody's."""
    from postwarden.config.directory import ConfiguredDirectory
    from postwarden.model.account import Account, find, login_key

    known = find(ConfiguredDirectory(config).accounts(), name) if name else None
    if known is not None:
        return known
    login = name or "unknown"
    return Account(key=login_key(login), login=login, addresses=(login.lower(),) if "@" in login else ())


def read_file(path: str) -> bytes:
    """The file's bytes; raises UsageError where it cannot be read or is too large."""
    from postwarden.errors import UsageError
    from postwarden.pipeline.inspect import MAX_BYTES

    try:
        with Path(path).open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as exc:
        raise UsageError(f"{path} cannot be read: {exc.strerror}", "check its path and mode") from exc
    if len(raw) > MAX_BYTES:
        raise UsageError(f"{path} is larger than {MAX_BYTES} bytes", "split it")
    return raw


def _kind(path: str) -> str:
    from postwarden.errors import UsageError

    kind = kind_of(path)
    if kind is None:
        raise UsageError(
            f"cannot tell what kind of file {path} is", f"name it with --kind ({', '.join(KINDS)})"
        )
    return kind


def _print_as(kind: str, path: str | None, value: object, **more: object) -> None:
    """The value's own fields, with `type` and `origin`; a mail flow's origin is called `flow_origin` here."""
    import msgspec

    from postwarden.model.encoding import encodable

    fields = msgspec.to_builtins(value)
    if "origin" in fields:
        fields["flow_origin"] = fields.pop("origin")
    paths = fields.get("paths")
    line = paths[0]["line"] if paths else None
    file = encodable(path) if path is not None else None
    _print({**fields, "type": kind, "origin": {"file": file, "line": line}, **more})


def _print(value: object) -> None:
    from postwarden.model.encoding import encode

    print(encode(value).decode("ascii"))
