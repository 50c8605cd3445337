"""Risk = reach x trust, and the reasons for both."""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Literal

from postwarden.grants.ages import Age, age_of, days
from postwarden.grants.assessment import Assessment, Band, Factor
from postwarden.grants.catalogue import Entry
from postwarden.grants.credentials import keys
from postwarden.grants.home import home_of
from postwarden.grants.names import name_flags
from postwarden.grants.reply_urls import reply_flags
from postwarden.grants.scopes import ScopeFacts, scope_facts, together
from postwarden.grants.tables import GrantTables
from postwarden.grants.trust import Known, trust_factors
from postwarden.grants.weights import Bands, Weights
from postwarden.model.application import FirstSeen
from postwarden.model.evidence import Grant

#: When grants were first seen, with all that they allow now, by `Grant.key`.
FirstSeenTimes = Mapping[tuple[str, str, str, str], FirstSeen]

#: Severities of a list that alone make an application as bad as it can be.
_GRAVE = frozenset({"critical", "high"})


def assess(
    grants: Sequence[Grant], tables: GrantTables, names: frozenset[str], first_seen: FirstSeenTimes
) -> Assessment:
    """The verdict on what one application has in one scope: `grants` are all of its grants of one type there.

    `names` are those of people here, as `grants.names.people` gives them. Ages are counted from when the evidence was
    observed; of several grants the youngest counts (of those that reach mail, where any does), and the one used last.
    """
    grant, weights = grants[0], tables.weights
    application = grant.application
    facts = tuple(scope_facts(one, weights) for one in grants)
    scopes = together(facts)
    home = home_of(grant, weights, tables.catalogue)
    entry = tables.catalogue.get(application.id)
    # What was let in today and reaches no mail makes the mail's grant no younger.
    counted = [one for one, its in zip(grants, facts, strict=True) if its.mail or not scopes.mail]
    age = _youngest([age_of(one, first_seen.get(one.key), weights.limits.young_days) for one in counted])
    known = Known(
        grant=grant,
        home=home,
        age=age,
        here=_here_for(grants, first_seen),
        holders=grant.holders,
        population=grant.population,
        names=name_flags(application.name, weights, tables.catalogue, names),
        replies=reply_flags(application.reply_urls, application.publisher, weights.hosts),
        keys=keys(application, grant.observed, weights.limits),
    )
    reaching = tuple(_reach_factors(grant, scopes, weights))
    trusting = tuple(trust_factors(known, weights))
    reach, trust = _reach(reaching), _product(100, trusting)
    listing = _listing(entry)
    risk = next((one.weight for one in listing if one.effect == "fixed"), min(100, _product(reach, trusting)))
    return Assessment(
        reach=reach,
        trust=trust,
        risk=risk,
        band=band_of(risk, weights.bands),
        factors=(*listing, *reaching, *trusting),
        home=home,
        scopes=scopes,
        entry=entry,
        listed=_listed(application.id.casefold(), tables),
        names=known.names,
        replies=known.replies,
        keys=known.keys,
        age=age,
        prevalence=grant.holders * 100 // grant.population
        if grant.holders is not None and grant.population
        else None,
        unused_days=_unused(grants),
    )


def band_of(risk: int, bands: Bands) -> Band:
    """The band that a risk is in."""
    if risk >= bands.high:
        return "high"
    if risk >= bands.medium:
        return "medium"
    return "low" if risk >= bands.low else "inventory"


def _reach_factors(grant: Grant, scopes: ScopeFacts, weights: Weights) -> Iterator[Factor]:
    access = scopes.access
    if scopes.classes:
        yield Factor(name="scopes", effect="reach", weight=scopes.weight, sentence=_may(scopes, weights))
    if len(access) > 1:
        more = weights.reach.another_class * (len(access) - 1)
        yield Factor(
            name="classes", effect="reach", weight=more, sentence=f"it may do {len(access)} different things"
        )
    if scopes.unknown:
        told = ", ".join(scopes.unknown[:5]) + (" and others" if len(scopes.unknown) > 5 else "")
        yield Factor(
            name="unknown_scopes", effect="told", weight=0,
            sentence=f"what these scopes allow is not known here, and they are not taken for harmless: {told}",
        )  # fmt: skip
    if scopes.left_out:
        yield Factor(
            name="many_scopes", effect="told", weight=0, sentence=f"{scopes.left_out} more scopes were not looked at"
        )  # fmt: skip
    if access and scopes.offline and grant.grant_type not in {"app_password", "application"}:
        yield Factor(
            name="offline", effect="reach_times", weight=weights.reach.offline,
            sentence="it works on when nobody is logged in, and a new password does not end that",
        )  # fmt: skip
    if access and (grant.reaches == "everybody" or grant.grant_type in {"application", "domain_wide"}):
        yield Factor(
            name="everybody", effect="reach_times", weight=weights.reach.everybody,
            sentence="it reaches everybody's mailboxes" if scopes.mail else "it reaches everybody",
        )  # fmt: skip


@lru_cache(maxsize=8192)
def _may(scopes: ScopeFacts, weights: Weights) -> str:
    """What the scopes allow, the heaviest classes in words."""
    words = [weights.classes[name].words for name in scopes.access]
    if not words:
        return "it may only know who logs in"
    return "it may " + "; ".join(words)


def _listing(entry: Entry | None) -> tuple[Factor, ...]:
    """What a list says of it; of the provider's own applications nothing follows for a grant."""
    if entry is None or entry.class_name == "first_party":
        return ()
    called = "malicious" if entry.class_name == "malicious" else "honest, and used by intruders too"
    rated = f", {entry.severity}" if entry.severity else ""
    grave = entry.severity in _GRAVE
    return (
        Factor(
            name=entry.class_name, effect="fixed" if grave else "told", weight=100 if grave else 0,
            sentence=f"the list {entry.source} of {entry.date} has its id as {called}{rated}",
        ),
    )  # fmt: skip


def _reach(factors: Sequence[Factor]) -> int:
    points = sum(one.weight for one in factors if one.effect == "reach")
    return min(100, _product(min(100, points), factors))


def _product(start: int, factors: Sequence[Factor]) -> int:
    """`start` times all factors, rounded to the next whole number, half up."""
    above = start * (100 + sum(one.weight for one in factors if one.effect == "plus"))
    below = 100
    for one in factors:
        if one.effect in {"times", "reach_times"}:
            above *= one.weight
            below *= 100
    return (2 * above + below) // (2 * below)


def _here_for(grants: Sequence[Grant], first_seen: FirstSeenTimes) -> Age | None:
    """How long an application is known here, at the longest that anybody tells of one of its grants."""
    known = [
        Age(days=days(dated.time, one.observed), origin=dated.origin)
        for one in grants
        for dated in (one.granted, one.application.created)
        if dated is not None
    ]
    known += [
        Age(days=days(seen.time, one.observed), origin="first_seen", at_least=seen.initial)
        for one in grants
        if (seen := first_seen.get(one.key)) is not None
    ]
    return max(known, key=lambda age: age.days, default=None)


def _youngest(ages: Sequence[Age | None]) -> Age | None:
    known = [age for age in ages if age is not None]
    return min(known, key=lambda age: (age.at_least, age.days)) if known else None


def _unused(grants: Sequence[Grant]) -> int | None:
    used = [days(one.last_used.time, one.observed) for one in grants if one.last_used is not None]
    return min(used) if used else None


def _listed(application: str, tables: GrantTables) -> Literal["allow", "block"] | None:
    if application in tables.block:
        return "block"
    return "allow" if application in tables.allow else None
