"""The numbers that grants are judged by, out of `rules/grants.toml`.

Percentages are whole numbers: 120 makes a risk a fifth larger, 40 leaves two fifths of it. A reach is a number from
0 to 100.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from postwarden.errors import ConfigError

Percent = Annotated[int, Meta(ge=0, le=1000)]
Points = Annotated[int, Meta(ge=0, le=100)]
Count = Annotated[int, Meta(ge=0, le=1_000_000)]


class Table(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file."""


class Bands(Table, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The least risk of each band; what is below `low` is inventory."""

    high: Points
    medium: Points
    low: Points


class Reach(Table, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How what the scopes can do adds up; see the file."""

    another_class: Points
    offline: Percent
    everybody: Percent
    unknown: Points
    unknown_mail: Points
    one_kind_up: Points
    app_password: Points
    offline_session: Points


class Trust(Table, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Factors of trust in percent, those that begin with `plus` are added up; see the file."""

    first_party: Percent
    own: Percent
    verified: Percent
    untold: Percent
    unverified: Percent
    owner_made: Percent
    young: Percent
    young_trusted: Percent
    old: Percent
    very_old: Percent
    rare: Percent
    common: Percent
    widespread: Percent
    plus_reply_url: Percent
    plus_reply_url_weak: Percent
    plus_name: Percent
    plus_name_weak: Percent
    plus_credential: Percent


class Limits(Table, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where young ends and old begins (days), and how many accounts are many; see the file."""

    young_days: Count
    old_days: Count
    very_old_days: Count
    rare_population: Count
    common_percent: Percent
    common_holders: Count
    widespread_percent: Percent
    widespread_holders: Count
    unused_days: Count
    rotation_days: Count
    catalogue_days: Count


class ScopeClass(Table, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A class of scopes: what it allows in words; whether it opens mail, and changes or sends it."""

    words: str
    mail: bool = False
    writes: bool = False


class FirstParty(Table, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How applications of the providers themselves are known: owners' tenants, clients that every realm has, hosts."""

    tenants: tuple[str, ...]
    keycloak_clients: tuple[str, ...]
    hosts: tuple[str, ...]


class Hosts(Table, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Domains below which anybody gets a host name: tunnels to a machine at home, and free hosting."""

    tunnel: tuple[str, ...]
    free: tuple[str, ...]


class Brands(Table, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Names that others hide behind, in lower case.

    A name that begins with one of `makers`, or that is one of `products` with or without words of `padding`, is
    taken for theirs.
    """

    makers: tuple[str, ...]
    products: tuple[str, ...]
    padding: tuple[str, ...]


#: Class → scope → weight.
_Scopes = dict[str, dict[str, Points]]


class Weights(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, eq=False, rename={"classes": "class"}
):
    """The whole file. `scopes` is provider → kind (`delegated`, `application`, `add_in`) → class → scope → weight.

    Compared by identity, so that what follows from it is worked out once.
    """

    bands: Bands
    reach: Reach
    trust: Trust
    limits: Limits
    first_party: FirstParty
    hosts: Hosts
    brands: Brands
    mail_resources: tuple[str, ...]
    prefixes: tuple[str, ...]
    classes: dict[str, ScopeClass]
    scopes: dict[str, dict[str, _Scopes]]


class Known(Struct, frozen=True):
    """What the file says of a scope."""

    class_name: str
    weight: int


def weights_from(mapping: Mapping[str, object]) -> Weights:
    """The weights out of the file's content; raises ConfigError where the shape is another, or a class is unknown."""
    try:
        weights = msgspec.convert(mapping, Weights)
    except msgspec.ValidationError as exc:
        raise ConfigError(f"not the weights of grants: {exc}", "compare with the shipped file") from exc
    for provider, kinds in weights.scopes.items():
        for kind, classes in kinds.items():
            for name in classes:
                if name not in weights.classes:
                    raise ConfigError(
                        f"{name!r} is no class",
                        "give it a table [class.NAME]",
                        key=f"scopes.{provider}.{kind}",
                    )
    return weights


@lru_cache(maxsize=8)
def index(weights: Weights) -> Mapping[tuple[str, str], Mapping[str, Known]]:
    """Provider and kind → scope in lower case → what is known of it."""
    return {
        (provider, kind): {
            scope.casefold(): Known(name, weight)
            for name, scopes in classes.items()
            for scope, weight in scopes.items()
        }
        for provider, kinds in weights.scopes.items()
        for kind, classes in kinds.items()
    }
