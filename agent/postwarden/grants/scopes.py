"""What scopes allow: their class, their weight, and whether they open mail.

A scope is written as its provider likes (RFC 6749 section 3.3: words between spaces): with spaces too many, in any
case, with the address of the resource before it, or as the name of an Exchange role (`Application Mail.Read`). What
`rules/grants.toml` does not know is not harmless: it counts as `unknown`, and on a resource that holds mail, or with
mail in its name, as `mail_unknown`.
"""

from collections.abc import Iterator
from functools import lru_cache

from msgspec import Struct

from postwarden.grants.weights import Known, Weights, index
from postwarden.model.evidence import Grant, GrantType

#: Scopes of one grant that are looked at, and characters of each: a provider has some hundreds, of some tens.
MAX_SCOPES, MAX_CHARACTERS = 1_000, 300

#: Classes that give no access to anything by themselves.
_NO_ACCESS = frozenset({"identity", "persist"})
_KINDS: dict[GrantType, str] = {"application": "application", "add_in": "add_in"}
_EXCHANGE_ROLE = "application "
_MAIL_WORDS = ("mail", "imap", "smtp", "pop3", "ews.")


class ScopeFacts(Struct, frozen=True, kw_only=True):
    """What the scopes of one grant are.

    `names` are the scopes as the source writes them, single and sorted; `classes` what they are, sorted; `weight` the
    largest of theirs; `unknown` those that the table does not have; `mail` whether any opens mail, `writes` whether
    any changes or sends it, `offline` whether the access outlives a log-in; `left_out` how many were not looked at.
    """

    names: tuple[str, ...]
    classes: tuple[str, ...]
    weight: int
    unknown: tuple[str, ...]
    mail: bool
    writes: bool
    offline: bool
    left_out: int = 0

    @property
    def access(self) -> tuple[str, ...]:
        """The classes that give access to something."""
        return tuple(name for name in self.classes if name not in _NO_ACCESS)


def scope_facts(grant: Grant, weights: Weights) -> ScopeFacts:
    """What the scopes of `grant` are; app passwords and offline sessions have a class without any scope."""
    return _facts(grant.provider, grant.grant_type, grant.resource, grant.scopes, weights)


@lru_cache(maxsize=8192)
def _facts(
    provider: str, grant_type: GrantType, resource: str, scopes: tuple[str, ...], weights: Weights
) -> ScopeFacts:
    written = list(dict.fromkeys(_words(scopes)))
    kept = [scope[:MAX_CHARACTERS] for scope in written[:MAX_SCOPES]]
    found: dict[str, int] = {}
    unknown = []
    for scope in kept:
        known = _known(provider, grant_type, scope, weights)
        if known is None:
            unknown.append(scope)
            known = _default(scope, resource, weights)
        found[known.class_name] = max(known.weight, found.get(known.class_name, 0))
    if grant_type == "app_password":
        found["password"] = weights.reach.app_password
    if grant_type == "offline_session":
        found["session"] = weights.reach.offline_session
    return ScopeFacts(
        names=tuple(sorted(kept)),
        classes=tuple(sorted(found)),
        weight=max(found.values(), default=0),
        unknown=tuple(sorted(unknown)),
        mail=any(weights.classes[name].mail for name in found),
        writes=any(weights.classes[name].writes for name in found),
        offline="persist" in found or grant_type in {"offline_session", "app_password"},
        left_out=len(written) - len(kept),
    )


def together(facts: tuple[ScopeFacts, ...]) -> ScopeFacts:
    """What one application has on all of its resources."""
    if len(facts) == 1:
        return facts[0]
    return ScopeFacts(
        names=tuple(sorted({name for one in facts for name in one.names})),
        classes=tuple(sorted({name for one in facts for name in one.classes})),
        weight=max((one.weight for one in facts), default=0),
        unknown=tuple(sorted({name for one in facts for name in one.unknown})),
        mail=any(one.mail for one in facts),
        writes=any(one.writes for one in facts),
        offline=any(one.offline for one in facts),
        left_out=sum(one.left_out for one in facts),
    )


def _words(scopes: tuple[str, ...]) -> Iterator[str]:
    """Single scopes; the name of an Exchange role, which has a space in it, is one."""
    for text in scopes:
        if text.strip().casefold().startswith(_EXCHANGE_ROLE):
            yield " ".join(text.split())
        else:
            yield from text.split()


def _known(provider: str, grant_type: GrantType, scope: str, weights: Weights) -> Known | None:
    kind = _KINDS.get(grant_type, "delegated")
    # Roles of Exchange reach the same mail as those of Graph, and have the same names.
    where = "graph" if provider == "exchange" and kind == "application" else provider
    name = _plain(scope, weights)
    tables = index(weights)
    here = tables.get((where, kind), {}).get(name)
    if here is not None:
        return here
    step = weights.reach.one_kind_up
    if kind == "application" and (other := tables.get((where, "delegated"), {}).get(name)):
        more = min(100, other.weight + step) if other.class_name not in _NO_ACCESS else other.weight
        return Known(other.class_name, more)
    if kind == "delegated" and (other := tables.get((where, "application"), {}).get(name)):
        return Known(other.class_name, max(0, other.weight - step))
    return None


def _plain(scope: str, weights: Weights) -> str:
    name = scope.casefold()
    name = name.removeprefix(_EXCHANGE_ROLE)
    for prefix in weights.prefixes:
        if name.startswith(prefix) and len(name) > len(prefix):
            return name.removeprefix(prefix).lstrip("/")
    return name


def _default(scope: str, resource: str, weights: Weights) -> Known:
    name = scope.casefold()
    about_mail = resource.casefold() in weights.mail_resources or "outlook.office" in name
    if about_mail or any(word in name for word in _MAIL_WORDS):
        return Known("mail_unknown", weights.reach.unknown_mail)
    return Known("unknown", weights.reach.unknown)
