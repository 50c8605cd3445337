"""One Sieve script into one mail flow, and a gap for whatever of it is not read or not analysed."""

from collections.abc import Iterator
from datetime import datetime

from postwarden.errors import Reason
from postwarden.formats.sieve.lowering import lowered
from postwarden.formats.sieve.paths import MAX_EFFECTS, paths
from postwarden.formats.sieve.syntax import parse
from postwarden.formats.sieve.tokens import SieveError
from postwarden.formats.sieve.unsupported import computes, required, unsupported
from postwarden.model.evidence import MailFlow
from postwarden.model.reading import Gap, Item, Observed
from postwarden.model.scope import Scope


def decode(
    raw: bytes, *, name: str, active: bool, scope: Scope, source: str, check: str, observed: datetime
) -> Iterator[Item]:
    """What the script `raw` of this name does, as one MailFlow, and the gaps in that statement.

    `observed` is in UTC. No bytes raise: a script that does not parse is a gap of reason `malformed` without
    a MailFlow, and each construct that is not analysed yet one of reason `unsupported` beside it.
    """

    def gap(reason: Reason, message: str, line: int, hint: str) -> Gap:
        part = f"script {name} line {line}"
        return Gap(
            scope=scope, source=source, check=check, reason=reason, message=message, part=part, hint=hint
        )

    try:
        commands = parse(raw)
        extensions = required(commands)
        program = lowered(commands, computes(extensions))
    except SieveError as error:
        hint = "the server would refuse this script, or runs a Sieve that differs from RFC 5228; read it yourself"
        yield gap("malformed", f"line {error.line}, column {error.column}: {error.message}", error.line, hint)
        return
    found, missing_from = paths(program)
    flow = MailFlow(
        scope=scope,
        source=source,
        check=check,
        observed=observed,
        origin="sieve_script",
        key=name,
        name=name,
        enabled=active,
        paths=found,
    )
    yield Observed(evidence=flow, raw=raw)
    for one in unsupported(commands, extensions):
        times = f" (used {one.count} times)" if one.count > 1 else ""
        message = f"not analysed: {one.construct}{times}"
        yield gap("unsupported", message, one.line, "read the script: effects may be missing or differ")
    if missing_from is not None:
        message = (
            f"more than {MAX_EFFECTS} effects, or conditions too large: the rest of the script is missing"
        )
        yield gap("unsupported", message, missing_from, "read the script from this line on")
