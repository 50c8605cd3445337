"""A user's `.forward`, as local(8) of Postfix and Sendmail take it: one mail flow, and a gap for what is elsewhere.

Targets stand between commas and line ends: an address, a local name, `\\name` for the mailbox without a further
`.forward`, `|command`, `/file`, `:include:/file`; `"` quotes; a line that begins with `#` is a comment.
"""

import re
from collections.abc import Iterator
from datetime import datetime

from msgspec import Struct

from postwarden.errors import Reason
from postwarden.formats import sieve
from postwarden.model.account import Account
from postwarden.model.encoding import decodable
from postwarden.model.evidence import MailFlow
from postwarden.model.mailflow import Effect, Path
from postwarden.model.reading import Gap, Item, Observed
from postwarden.model.scope import Scope

#: Postfix itself stops at 50 kB for a line; a user's file is a few lines.
MAX_BYTES = 65_536
MAX_TARGETS = 1_000

#: The first line of a file that is a program instead (Exim's "forward files" may be).
_PROGRAM = re.compile(rb"#[ \t]*(exim|sieve)[ \t]+filter\b", re.IGNORECASE)
_REMARK = re.compile(r"\([^()]*\)")


class _Target(Struct, frozen=True, kw_only=True):
    """One target as it is written, without quotes; `whole` where quotes keep its blanks together."""

    text: str
    line: int
    whole: bool


def decode(
    raw: bytes, account: Account, *, name: str, scope: Scope, source: str, check: str, observed: datetime
) -> Iterator[Item]:
    """What the file `raw` of this name does with the account's mail, as one MailFlow, and the gaps in that.

    `observed` is in UTC. No bytes raise. A file without targets is no forwarding: a flow without paths, for mail
    is delivered as if it were not there.
    """

    def gap(reason: Reason, message: str, line: int, hint: str) -> Gap:
        part = f"file {name} line {line}"
        return Gap(
            scope=scope, source=source, check=check, reason=reason, message=message, part=part, hint=hint
        )

    program = _PROGRAM.match(raw)
    if program is not None and program[1].lower() == b"sieve":
        yield from sieve.decode(
            raw, name=name, active=True, scope=scope, source=source, check=check, observed=observed
        )
        return
    if program is not None or len(raw) > MAX_BYTES:
        message = "a filter of Exim is not analysed" if program else f"more than {MAX_BYTES} bytes"
        yield gap("unsupported" if program else "malformed", message, 1, "read the file yourself")
        return
    targets, unfinished = _targets(decodable(raw))
    effects, missing = _effects(targets[:MAX_TARGETS], account)
    path = Path(
        effects=effects, keeps_copy=_keeps(effects, account), line=targets[0].line if targets else None
    )
    flow = MailFlow(
        scope=scope,
        source=source,
        check=check,
        observed=observed,
        origin="forward_file",
        key=name,
        name=name,
        enabled=True,
        paths=(path,) if effects else (),
    )
    yield Observed(evidence=flow, raw=raw)
    for target in missing:
        message = f"what {target.text} holds is not in this file"
        yield gap("unsupported", message, target.line, "read that file: its targets are missing here")
    if unfinished is not None:
        yield gap("malformed", "a quoted text is not ended", unfinished, "read the file yourself")
    if len(targets) > MAX_TARGETS:
        line = targets[MAX_TARGETS].line
        yield gap("unsupported", f"more than {MAX_TARGETS} targets", line, "read the file from this line on")


def _targets(text: str) -> tuple[list[_Target], int | None]:
    """Targets in their order, and the line where a quote begins that is not ended."""
    found: list[_Target] = []
    unfinished = None
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), start=1):
        if line.lstrip().startswith("#"):
            continue
        letters: list[str] = []
        quoted = whole = False
        rest = iter(line)
        for letter in rest:
            if letter == '"':
                quoted = not quoted
            elif quoted and letter == "\\":
                after = next(rest, "")
                letters.append(after if after in {'"', "\\"} else letter + after)
            elif letter == "," and not quoted:
                found += _several("".join(letters), number, whole=whole)
                letters, whole = [], False
            else:
                whole = whole or (quoted and letter.isspace())
                letters.append(letter)
        found += _several("".join(letters), number, whole=whole)
        if quoted and unfinished is None:
            unfinished = number
    return found, unfinished


def _several(text: str, line: int, *, whole: bool) -> Iterator[_Target]:
    """What stands between two commas: one target, or without quotes as many as there are words in it."""
    text = text.strip()
    if text.startswith(("|", "/", ":")) or whole or ("<" in text and text.endswith(">")):
        words = [text]
    else:
        words = _REMARK.sub(" ", text).split()
    for word in words:
        yield _Target(text=word, line=line, whole=whole)


def _effects(targets: list[_Target], account: Account) -> tuple[tuple[Effect, ...], list[_Target]]:
    """What the targets do, and those that stand for something that is not in this file."""
    effects: list[Effect] = []
    missing: list[_Target] = []
    for target in targets:
        text, low = target.text, target.text.lower()
        if text.startswith("|"):
            effects.append(Effect(what="execute", target=text[1:].strip()))
        elif text == "/dev/null" or low == ":blackhole:":
            effects.append(Effect(what="delete", permanent=True))
        elif text.startswith("/"):
            # A mailbox of the owner's, or any file: nothing here tells which.
            effects.append(Effect(what="copy_to_folder", target=text, resolved=False))
        elif low.startswith((":fail:", ":defer:")):
            effects.append(Effect(what="reject"))
        elif text.startswith(":"):
            missing.append(target)
        elif _is_owner(text, account):
            effects.append(Effect(what="keep"))
        else:
            named = text if "@" in text else text.removeprefix("\\")
            effects.append(Effect(what="redirect", target=named, resolved="@" in named))
    return tuple(dict.fromkeys(effects)), missing


def _is_owner(text: str, account: Account) -> bool:
    """Whether a local name is the account's own, which ends the forwarding: the mailbox gets the message."""
    name = text.removeprefix("\\").casefold()
    login = account.login.casefold()
    return name in {login, login.partition("@")[0]}


def _keeps(effects: tuple[Effect, ...], account: Account) -> bool | None:
    """Whether the owner gets a copy; not to be told where a file or an address of the owner's may be a mailbox."""
    if any(effect.what == "keep" for effect in effects):
        return True
    own = {address.casefold() for address in account.addresses}
    if any(
        effect.what in {"copy_to_folder", "execute"} or (effect.target or "").casefold() in own
        for effect in effects
    ):
        return None
    return False
