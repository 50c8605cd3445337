"""What a grant is and why it is judged so, in sentences for people who have to decide about a finding."""

from collections.abc import Iterator

from postwarden.grants.assessment import Assessment
from postwarden.model.application import Credential
from postwarden.model.evidence import Grant, GrantType
from postwarden.model.finding import Fact

#: Scopes that one sentence names, and characters of a name.
_SCOPES, _CHARACTERS = 12, 120

_THINGS: dict[GrantType, str] = {
    "delegated": "the application",
    "application": "the application by itself",
    "domain_wide": "the service account",
    "client": "the client, without anybody's consent,",
    "offline_session": "the client in an offline session",
    "app_password": "the app password",
    "add_in": "the add-in",
    "registered": "the application",
}


def grant_sentences(grant: Grant, judged: Assessment, scopes: tuple[str, ...]) -> Iterator[str]:
    """First what it is, then the risk, then one sentence for each factor, then what else is to be known.

    `scopes` are this grant's alone; `judged` is about all that the application has.
    """
    yield _what(grant, scopes)
    yield from _listed(judged)
    yield (
        f"risk {judged.risk} of 100 ({judged.band}): reach {judged.reach} of 100, times {judged.trust} % for how far "
        "it can be trusted"
    )
    for factor in judged.factors:
        yield factor.text()
    yield from _keys(grant, judged)
    yield from _use(grant, judged)


def grant_facts(grant: Grant) -> Iterator[Fact]:
    """What a change of makes the finding another one; numbers of holders and ages move by themselves."""
    application = grant.application
    yield Fact(name=f"scopes on {grant.resource or 'no resource'}", values=tuple(sorted(set(grant.scopes))))
    yield Fact(name="publisher", values=(application.publisher,))
    # Of one account's at Microsoft an audit log tells it, which forgets: that would be a change where nothing changed.
    if grant.consent is not None and not (grant.provider == "graph" and grant.reaches == "account"):
        yield Fact(name="consent", values=(grant.consent,))
    if application.reply_urls:
        yield Fact(name="reply URLs", values=tuple(sorted(application.reply_urls)))
    if application.credentials:
        yield Fact(name="keys", values=tuple(sorted(map(_key, application.credentials))))
    if application.owners:
        yield Fact(name="owners", values=tuple(sorted(owner.name for owner in application.owners)))


def _what(grant: Grant, scopes: tuple[str, ...]) -> str:
    application = grant.application
    name = _short(application.name) or "without a name"
    told = ", ".join(scopes[:_SCOPES]) + (
        f" and {len(scopes) - _SCOPES} more" if len(scopes) > _SCOPES else ""
    )
    parts = [f'{_THINGS[grant.grant_type]} "{name}" ({application.id})']
    if grant.grant_type == "registered":
        parts.append("is known here")
    elif grant.grant_type == "app_password":
        parts.append("opens the account")
    else:
        parts.append(f"has {told or 'no scopes that are told'}")
        parts.append(f"on {grant.resource}" if grant.resource else "")
        parts.append("for everybody" if grant.reaches == "everybody" else "for this account")
    sentence = " ".join(part for part in parts if part)
    if grant.granted is not None:
        sentence += f", since {grant.granted.time.date()} ({grant.granted.origin.replace('_', ' ')})"
    if grant.granted_by:
        sentence += f", let in by {_short(grant.granted_by)}"
    return sentence


def _listed(judged: Assessment) -> Iterator[str]:
    if judged.listed == "block":
        yield "the administrator has blocked it, in [grants] of agent.toml"
    elif judged.listed == "allow":
        yield "the administrator allows it, in [grants] of agent.toml"


def _keys(grant: Grant, judged: Assessment) -> Iterator[str]:
    if grant.scope.kind != "source":
        return
    for credential in judged.keys.living:
        state = "lately, and replaces none" if credential in judged.keys.added else ""
        state = "lately, in place of one that ends" if credential in judged.keys.rotated else state
        by = f" by {_short(credential.added_by)}" if credential.added_by else ""
        came = f"; it was added{by} {state}" if state else ""
        yield f"it can log in by itself with the {_key(credential)}{came}"
    for owner in grant.application.owners:
        since = f" since {owner.added.time.date()}" if owner.added is not None else ""
        by = f", made so by {_short(owner.added_by)}" if owner.added_by else ""
        yield f"{_short(owner.name)} may change it and add keys{since}{by}"


def _use(grant: Grant, judged: Assessment) -> Iterator[str]:
    if judged.unused_days is not None:
        yield f"it was last used {judged.unused_days} days ago"
    if grant.account_enabled is False:
        yield "the account is switched off, and the grant is still there"
    if grant.application.enabled is False:
        yield "the application is switched off here"
    if is_disabled(grant):
        yield f"its provider has switched it off: {_short(grant.application.disabled_by_provider or '')}"


def is_disabled(grant: Grant) -> bool:
    """Whether the provider switched the application off; Microsoft has a word for that it did not, too."""
    return (grant.application.disabled_by_provider or "").casefold() not in {"", "notdisabled"}


def _key(credential: Credential) -> str:
    name = f' "{_short(credential.name)}"' if credential.name else ""
    until = f" until {credential.ends.date()}" if credential.ends is not None else " without an end"
    return f"{credential.type}{name} {credential.id}{until}"


def _short(text: str) -> str:
    return text if len(text) <= _CHARACTERS else text[:_CHARACTERS] + "…"
