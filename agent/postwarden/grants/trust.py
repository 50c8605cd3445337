"""How far an application can be trusted: one factor for each thing that speaks for or against it."""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from postwarden.grants.ages import Age
from postwarden.grants.assessment import Factor
from postwarden.grants.credentials import Keys
from postwarden.grants.home import Home
from postwarden.grants.names import NameFlags
from postwarden.grants.reply_urls import WEAK, ReplyFlags
from postwarden.grants.weights import Weights
from postwarden.model.evidence import Grant

#: Flags of a name that count for an application of the organisation itself, or of a verified publisher: what its
#: letters do. Who may call it by a brand's name is settled there.
_OF_LETTERS = frozenset({"letters", "no_letters", "user_name", "test"})

_ORIGINS = {"api": "the source says", "audit_log": "the audit log says", "first_seen": "we saw it first"}


class Known(Struct, frozen=True, kw_only=True):
    """What is known of an application beside its scopes: `age` is that of its access, `here` how long we know it."""

    grant: Grant
    home: Home
    age: Age | None
    here: Age | None
    holders: int | None
    population: int | None
    names: NameFlags
    replies: ReplyFlags
    keys: Keys


def is_vouched(grant: Grant, home: Home) -> bool:
    """Whether somebody stands for it: the organisation itself, or a publisher that the provider checked.

    That the administrator of a realm made a client says nothing about who keeps an offline session of it open.
    """
    if grant.application.publisher_verified is True:
        return True
    return home == "own" and grant.grant_type not in {"offline_session", "app_password"}


def trust_factors(known: Known, weights: Weights) -> Iterator[Factor]:
    """The factors; for the provider's own application there is one."""
    if known.home == "first_party":
        yield _times(
            "first_party",
            weights.trust.first_party,
            "it is the provider's own, by the tenant or id that it has",
        )
        return
    yield from _publisher(known, weights)
    yield from _age(known, weights)
    yield from _prevalence(known, weights)
    yield from _replies(known, weights)
    yield from _names(known, weights)
    yield from _credentials(known, weights)


def counted_names(grant: Grant, home: Home, names: NameFlags) -> Sequence[tuple[str, str]]:
    """Those flags of a name that count, with their sentences."""
    pairs = list(zip(names.flags, names.sentences, strict=True))
    if home == "first_party" or grant.grant_type == "app_password":
        return []
    return [pair for pair in pairs if pair[0] in _OF_LETTERS or not is_vouched(grant, home)]


def _publisher(known: Known, weights: Weights) -> Iterator[Factor]:
    grant, trust = known.grant, weights.trust
    publisher = grant.application.publisher
    if grant.grant_type == "app_password":
        yield _times(
            "owner_made", trust.owner_made, "it was made from within the account, past the second factor"
        )
        return
    if grant.grant_type == "offline_session":
        return
    if known.home == "own":
        yield _times("own", trust.own, "it is registered in the organisation itself")
    elif grant.application.publisher_verified is True:
        yield _times(
            "verified",
            trust.verified,
            f"the provider checked that {publisher or 'its publisher'} publishes it",
        )
    elif grant.application.publisher_verified is False or grant.provider == "graph":
        called = f"; it says that {publisher} does" if publisher else ""
        yield _times("unverified", trust.unverified, f"nobody checked who publishes it{called}")
    elif grant.provider == "google":
        yield _times(
            "untold", trust.untold, "whether anybody checked who publishes it, the source does not tell"
        )


def _age(known: Known, weights: Weights) -> Iterator[Factor]:
    age, limits, trust = known.age, weights.limits, weights.trust
    if age is None:
        yield _told("age", "since when it is here, nobody tells")
        return
    vouched = is_vouched(known.grant, known.home)
    said = f"({_ORIGINS[age.origin]}){_again(age)}"
    if _is_old(known, weights):
        least = "at least " if age.at_least else ""
        sentence = f"it has been here for {least}{age.days} days {said}"
        if vouched:
            # Somebody stands for it already; that it lasts says nothing more.
            yield _told("old", sentence)
        elif age.days >= limits.very_old_days:
            yield _times("very_old", trust.very_old, sentence)
        else:
            yield _times("old", trust.old, sentence)
    elif age.days <= limits.young_days and not age.at_least:
        weight = trust.young_trusted if vouched else trust.young
        yield _times("young", weight, _young(age, known.here))
    elif age.at_least:
        yield _told(
            "age", f"it was here {age.days} days ago, when we first looked, and may be far older{_again(age)}"
        )
    else:
        yield _told("age", f"it has been here for {age.days} days {said}")


def _young(age: Age, here: Age | None) -> str:
    said = f"({_ORIGINS[age.origin]})"
    if not age.consent:
        return f"it has been here for {age.days} days only {said}"
    sentence = f"it was let in {age.days} days ago {said}"
    if here is None or here.days <= age.days:
        return sentence
    least = "at least " if here.at_least else ""
    return f"{sentence}, and is known here for {least}{here.days} days ({_ORIGINS[here.origin]})"


def _again(age: Age) -> str:
    return f", and was let in once more {age.again} days ago" if age.again is not None else ""


def _is_old(known: Known, weights: Weights) -> bool:
    return known.age is not None and known.age.days >= weights.limits.old_days


def _prevalence(known: Known, weights: Weights) -> Iterator[Factor]:
    """Many people's own decisions say something; one administrator's for everybody says nothing more."""
    holders, population, limits = known.holders, known.population, weights.limits
    if holders is None or not population or known.grant.reaches == "everybody":
        return
    if known.grant.grant_type == "app_password":
        return
    percent = holders * 100 // population
    of = f"{holders} of {population} accounts have it"
    if holders == 1 and population >= limits.rare_population:
        # Who has had it alone for a year has it for a reason; and a new program often has one user first.
        alone = f"no other of {population} accounts has it"
        counts = not _is_old(known, weights) and not is_vouched(known.grant, known.home)
        yield _times("rare", weights.trust.rare, alone) if counts else _told("rare", alone)
    elif percent >= limits.widespread_percent and holders >= limits.widespread_holders:
        yield _many(known, "widespread", weights.trust.widespread, of)
    elif percent >= limits.common_percent and holders >= limits.common_holders:
        yield _many(known, "common", weights.trust.common, of)
    else:
        yield _told("holders", of)


def _many(known: Known, name: str, weight: int, sentence: str) -> Factor:
    if is_vouched(known.grant, known.home):
        return _told(name, sentence)
    return _times(name, weight, sentence)


def _replies(known: Known, weights: Weights) -> Iterator[Factor]:
    own = known.home == "own"
    for flag, sentence in zip(known.replies.flags, known.replies.sentences, strict=True):
        # Whoever develops an application in the house has it answer on a machine in the house.
        weak = own or flag in WEAK
        yield _plus(
            flag, weights.trust.plus_reply_url_weak if weak else weights.trust.plus_reply_url, sentence
        )


def _names(known: Known, weights: Weights) -> Iterator[Factor]:
    for flag, sentence in counted_names(known.grant, known.home, known.names):
        weight = weights.trust.plus_name_weak if flag == "test" else weights.trust.plus_name
        yield _plus(f"name_{flag}", weight, sentence)


def _credentials(known: Known, weights: Weights) -> Iterator[Factor]:
    if known.grant.scope.kind == "source" and known.keys.added:
        yield _plus(
            "credential", weights.trust.plus_credential, "a key was added to it lately, and replaces none"
        )


def _times(name: str, weight: int, sentence: str) -> Factor:
    return Factor(name=name, effect="times", weight=weight, sentence=sentence)


def _plus(name: str, weight: int, sentence: str) -> Factor:
    return Factor(name=name, effect="plus", weight=weight, sentence=sentence)


def _told(name: str, sentence: str) -> Factor:
    return Factor(name=name, effect="told", weight=0, sentence=sentence)
