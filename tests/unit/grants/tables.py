"""The shipped tables, as grants are judged by them."""

import tomllib
from typing import Any

from msgspec.structs import replace

from postwarden.config.rule_files import read_table
from postwarden.grants.catalogue import catalogue_from
from postwarden.grants.tables import GrantTables
from postwarden.grants.weights import weights_from

WEIGHTS = weights_from(tomllib.loads(read_table("grants.toml").raw.decode("utf-8")))
CATALOGUE = catalogue_from(read_table("applications.csv").raw.decode("utf-8"))
TABLES = GrantTables(weights=WEIGHTS, catalogue=CATALOGUE)


def tables(**fields: Any) -> GrantTables:
    """The shipped tables with other fields, such as lists of an administrator's."""
    return replace(TABLES, **fields)
