"""Grants into rows: one for each application and resource, judged for all of the application's resources together."""

from collections.abc import Iterator, Sequence

from postwarden.detect.grant_sentences import grant_facts, grant_sentences, is_disabled
from postwarden.detect.row import Context, Row, Value, check_of
from postwarden.grants.assessment import Assessment
from postwarden.grants.revoking import steps
from postwarden.grants.risk import assess
from postwarden.grants.scopes import scope_facts
from postwarden.grants.trust import counted_names, is_vouched
from postwarden.model.evidence import Grant, GrantType

#: Whoever is looking for an application's keys finds them once, in the first of its grants in this order.
_CARRIERS: tuple[GrantType, ...] = ("application", "domain_wide", "delegated", "client", "registered")
#: Flags of a name that mislead whatever the application may do; the others need a grant that matters.
_DISGUISED = frozenset({"letters", "brand_disguised", "first_party_disguised"})
_BORROWED = frozenset({"brand", "first_party", "user_name", "no_letters"})

_Subject = tuple[str, GrantType, str]


def grant_rows(grants: Sequence[Grant], context: Context) -> Iterator[Row]:
    """The rows of all grants of one scope, those of one application and type beside each other."""
    found: dict[_Subject, list[Grant]] = {}
    carriers: dict[tuple[str, str], GrantType] = {}
    for grant in grants:
        key = grant.provider, grant.application.id
        found.setdefault((grant.provider, grant.grant_type, grant.application.id), []).append(grant)
        if grant.scope.kind == "source" and grant.grant_type in _CARRIERS:
            carriers[key] = min(carriers.get(key, grant.grant_type), grant.grant_type, key=_CARRIERS.index)
    for (provider, grant_type, application), together in found.items():
        judged = assess(together, context.grants, context.names, context.first_seen)
        carries = carriers.get((provider, application)) == grant_type
        for grant in together:
            yield _row(grant, judged, context, carries=carries)


def _row(grant: Grant, judged: Assessment, context: Context, *, carries: bool) -> Row:
    return Row(
        category="grant",
        scope=grant.scope,
        subject=("grant", grant.grant_type, grant.application.id),
        values=_values(grant, judged, context, carries=carries),
        sentences=tuple(grant_sentences(grant, judged, scope_facts(grant, context.grants.weights).names)),
        facts=tuple(grant_facts(grant)),
        checks=(check_of(grant),),
        blob=grant.blob,
        advice=steps(grant, judged.keys, judged.home),
    )


def _values(grant: Grant, judged: Assessment, context: Context, *, carries: bool) -> dict[str, Value]:
    application, weights = grant.application, context.grants.weights
    here = scope_facts(grant, weights)
    names = tuple(flag for flag, _ in counted_names(grant, judged.home, judged.names))
    known_age = judged.age if judged.age is not None and not judged.age.at_least else None
    return {
        "provider": grant.provider,
        "grant_type": grant.grant_type,
        "judged_in": grant.scope.kind,
        "application": application.id,
        "application_name": application.name,
        "publisher": application.publisher,
        "publisher_verified": application.publisher_verified,
        "vouched": is_vouched(grant, judged.home) or judged.home == "first_party",
        "home": judged.home,
        "resource": grant.resource,
        "scopes": here.names,
        "scope_classes": here.classes,
        "unknown_scopes": here.unknown,
        "mail": judged.scopes.mail,
        "mail_write": judged.scopes.mail and judged.scopes.writes,
        "offline": judged.scopes.offline,
        "reaches": grant.reaches,
        "consent": grant.consent,
        "granted_by": grant.granted_by,
        "reach": judged.reach,
        "trust": judged.trust,
        "risk": judged.risk,
        "band": judged.band,
        "catalogue": judged.entry.class_name if judged.entry is not None else None,
        "catalogue_severity": (judged.entry.severity or None) if judged.entry is not None else None,
        "listed_by_admin": judged.listed,
        "known_as": _known_as(judged),
        "name_flags": names,
        "name_misleads": _misleads(grant, judged, names),
        "reply_urls": application.reply_urls,
        "reply_url_flags": judged.replies.flags,
        "age_days": known_age.days if known_age is not None else None,
        "age_origin": judged.age.origin if judged.age is not None else None,
        "young": known_age.days <= weights.limits.young_days if known_age is not None else None,
        "holders": grant.holders,
        "population": grant.population,
        "prevalence": judged.prevalence,
        "credential_count": len(judged.keys.living) if carries else None,
        "credentials_added": len(judged.keys.added) if carries else None,
        "owner_count": len(application.owners) if carries else None,
        "owners_added": len(judged.keys.owners_added) if carries else None,
        "unused_days": judged.unused_days,
        "account_enabled": grant.account_enabled,
        "enabled": application.enabled,
        "disabled_by_provider": application.disabled_by_provider if is_disabled(grant) else None,
    }


def _known_as(judged: Assessment) -> str | None:
    """What decides about it before anything else: the administrator's lists, then the shipped ones."""
    if judged.listed is not None:
        return {"allow": "allowed", "block": "blocked"}[judged.listed]
    if judged.entry is not None and judged.entry.class_name != "first_party":
        return judged.entry.class_name
    return None


def _misleads(grant: Grant, judged: Assessment, names: tuple[str, ...]) -> bool:
    if _DISGUISED & set(names):
        return True
    matters = judged.band in {"high", "medium"} and not is_vouched(grant, judged.home)
    return matters and bool(_BORROWED & set(names))
