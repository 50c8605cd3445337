"""The table of weights."""

import tomllib
from collections.abc import Callable
from csv import DictReader
from pathlib import Path
from typing import Any

import pytest

from postwarden.config.rule_files import read_table
from postwarden.errors import ConfigError
from postwarden.grants.weights import index, weights_from
from tests.unit.formats.conftest import shared
from tests.unit.grants.tables import WEIGHTS

__all__ = ["shared"]


def content() -> dict[str, Any]:
    return tomllib.loads(read_table("grants.toml").raw.decode("utf-8"))


def test_no_scope_stands_twice() -> None:
    """A scope is of one class for each kind, in any case."""
    for classes in (classes for kinds in WEIGHTS.scopes.values() for classes in kinds.values()):
        names = [scope.casefold() for scopes in classes.values() for scope in scopes]
        assert len(names) == len(set(names))


def test_every_class_is_used_and_has_words() -> None:
    """A class that nothing is of would be a leftover."""
    made = {"mail_unknown", "unknown", "password", "session"}
    used = {known.class_name for table in index(WEIGHTS).values() for known in table.values()}
    assert used | made == set(WEIGHTS.classes)
    assert all(one.words for one in WEIGHTS.classes.values())


def test_what_opens_mail_weighs_more_than_what_does_not() -> None:
    """Reading mail by itself is never low, and knowing who logs in is never anything."""
    for (provider, kind), table in index(WEIGHTS).items():
        for scope, known in table.items():
            if known.class_name in {"mail_full", "rules_write"}:
                assert known.weight >= 65, (provider, kind, scope)
            if known.class_name in {"identity", "persist"}:
                assert known.weight <= 10, (provider, kind, scope)


@pytest.mark.parametrize("kind", ["delegated", "application"])
def test_every_scope_of_graph_about_mail_is_known(shared: Callable[[str], Path], kind: str) -> None:
    """What Microsoft lists with mail or mailbox in its name is in the table, for persons or for applications."""
    file = {"delegated": "GraphDelegateRoles.csv", "application": "GraphAppRoles.csv"}[kind]
    with (shared("data/oauth/microsoft-info") / file).open(encoding="utf-8-sig", newline="") as lines:
        listed = {row["Value"] for row in DictReader(lines)}
    tables = index(WEIGHTS)
    known = {*tables["graph", "delegated"], *tables["graph", "application"]}
    about = {
        name for name in listed if name.casefold().startswith(("mail", "imap", "pop.", "smtp", "ews", "eas."))
    }
    assert len(about) > 8
    assert {name for name in about if name.casefold() not in known} == set()


@pytest.mark.parametrize(
    "change",
    [
        lambda table: table.pop("bands"),
        lambda table: table["trust"].update(more=5),
        lambda table: table["trust"].update(own=-1),
        lambda table: table["reach"].update(unknown=101),
        lambda table: table["trust"].update(own=0.5),
        lambda table: table["scopes"]["graph"]["delegated"].update(odd={"x": 5}),
    ],
)
def test_a_table_of_another_form_is_refused(change: Callable[[dict[str, Any]], None]) -> None:
    """A missing table, an unknown key, a number out of bounds, a fraction, and a class without words."""
    table = content()
    change(table)
    with pytest.raises(ConfigError):
        weights_from(table)
