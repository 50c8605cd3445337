"""agent.toml as it is shipped: every option that exists, and none that does not."""

import importlib
import re
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import msgspec
import pytest
from msgspec import Struct

from postwarden import notify
from postwarden.config import settings
from postwarden.config.access import AccessSection
from postwarden.config.checkpoints import CheckpointsSection, TimestampSection, WitnessSection
from postwarden.config.directory import ConfiguredDirectory
from postwarden.config.networks import NetworksSection
from postwarden.config.settings import AccountEntry, Config, Section
from postwarden.connectors import KINDS, open_sources, prepare
from postwarden.connectors.ews import login as ews_login
from postwarden.connectors.google import login as google_login
from postwarden.connectors.google import requests as google_requests
from postwarden.connectors.google import source as google_source
from postwarden.connectors.graph import login as graph_login
from postwarden.connectors.graph import rights as graph_rights
from postwarden.connectors.graph.clouds import Urls
from postwarden.connectors.identity import Login
from postwarden.connectors.keycloak import login as keycloak_login
from postwarden.connectors.keycloak import requests as keycloak_requests
from postwarden.lab import certificates
from postwarden.pipeline.judge import load_rules
from postwarden.secrets import SecretSource
from tests.google_key import google_key
from tests.packaging.conftest import ROOT

TEXT = (ROOT / "agent.toml").read_text(encoding="utf-8")
NOW = datetime(2026, 11, 23, 2, 36, tzinfo=UTC)
#: A commented line of TOML begins right after `# `; examples inside prose are indented.
_COMMENTED = re.compile(r"^# (?=\[|[a-z_]+ = )", re.MULTILINE)


def uncommented() -> str:
    return _COMMENTED.sub("", TEXT)


def keys(kind: type[Struct]) -> set[str]:
    return {field.encode_name for field in msgspec.structs.fields(kind)}


def sections(kind: type[Struct], table: Any, path: str = "") -> Iterator[tuple[str, set[str], set[str]]]:
    """Path, keys of the type and keys in the file, of each table that the type of agent.toml has."""
    if path:
        yield path, keys(kind), set(table)
    for field in msgspec.structs.fields(kind):
        below = f"{path}.{field.encode_name}".lstrip(".")
        if isinstance(field.type, type) and issubclass(field.type, Section):
            yield from sections(field.type, table[field.encode_name], below)
        for part in get_args(field.type):
            if isinstance(part, type) and issubclass(part, Section) and part is not AccountEntry:
                for entry in table[field.encode_name]:
                    yield from sections(part, entry, below)


def sources_chapter() -> str:
    return TEXT[TEXT.index("\n# Sources:") :]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with everything that the uncommented agent.toml names."""
    (tmp_path / "agent.toml").write_text(uncommented())
    (tmp_path / "accounts.csv").write_text("login,addresses,name\nbob,bob@example.org,Bob\n")
    (tmp_path / "google-key.json").touch(mode=0o600)
    (tmp_path / "google-key.json").write_text(google_key())
    for secret in ("imap.secret", "exchange.secret", "graph.secret", "keycloak.secret"):
        (tmp_path / secret).touch(mode=0o600)
        (tmp_path / secret).write_text("swordfish\n")
    certificates.make(tmp_path)
    return tmp_path


def decoded(place: Path) -> Config:
    path = place / "agent.toml"
    return settings.decode(path.read_bytes(), path)


def test_no_line_is_wider_than_a_terminal() -> None:
    """Lines are at most 120 characters wide."""
    assert [line for line in TEXT.splitlines() if len(line) > 120] == []


def test_as_shipped_it_is_sound() -> None:
    """Without a change it is a configuration, with no account and no source."""
    config = settings.decode(TEXT.encode(), ROOT / "agent.toml")
    assert (config.accounts.list, config.sources) == ((), ())


def test_uncommented_it_is_sound(place: Path) -> None:
    """With every line uncommented, and the files it names, it loads: accounts, sources, secrets and rules."""
    config = decoded(place)
    accounts = ConfiguredDirectory(config).accounts()
    assert [account.login for account in accounts] == ["bob"]
    sources = open_sources(config, lambda: NOW)
    prepare(sources, accounts, config)
    assert len(load_rules(config).rules) > 0


def test_every_kind_of_source_is_shown() -> None:
    """There is one `[[source]]` of each kind that exists."""
    assert [source["kind"] for source in tomllib.loads(uncommented())["source"]] == list(KINDS)


def test_every_option_of_every_section_is_shown() -> None:
    """Each table has exactly the keys that its type has."""
    found = list(sections(settings._File, tomllib.loads(uncommented())))
    assert {"organisation", "accounts", "ledger", "state", "rules", "coverage.accepted"} <= {
        path for path, _, _ in found
    }
    for path, known, shown in found:
        assert shown == known, path
    assert set(tomllib.loads(uncommented())["networks"]) == keys(NetworksSection)
    assert set(tomllib.loads(uncommented())["access"]) == keys(AccessSection)
    ledger = tomllib.loads(uncommented())["ledger"]
    assert set(ledger["checkpoints"]) == keys(CheckpointsSection)
    assert [set(table) for table in ledger["witness"]] == [keys(WitnessSection)]
    assert [set(table) for table in ledger["timestamp"]] == [keys(TimestampSection)]


def test_every_kind_and_option_of_notifiers_is_shown(place: Path) -> None:
    """There is one `[[notify]]` of each kind, with all its options, and they open."""
    tables = tomllib.loads(uncommented())["notify"]
    assert [table["kind"] for table in tables] == list(notify.KINDS)
    for table in tables:
        module: ModuleType = importlib.import_module(notify.KINDS[table["kind"]].partition(":")[0])
        assert set(table) - {"name", "kind", "level"} == keys(module.Options)
    assert [one.level for one in notify.open_notifiers(decoded(place))] == ["low", "high"]


def test_every_option_of_every_source_is_mentioned() -> None:
    """Each option of a kind of source stands in its example, or is named in the text above it."""
    chapter = sources_chapter()
    for source in tomllib.loads(uncommented())["source"]:
        module: ModuleType = importlib.import_module(KINDS[source["kind"]].partition(":")[0])
        known = keys(module.Options)
        assert set(source) - {"name", "kind"} <= known
        unmentioned = {name for name in known - set(source) if not re.search(rf"\b{name}\b", chapter)}
        assert unmentioned == set(), source["kind"]


def test_every_part_of_a_login_is_explained() -> None:
    """The list of a log-in's keys has those of its type, and each way to give a secret stands below it once."""
    chapter = sources_chapter()
    assert set(re.findall(r"^#   ([a-z_]+) {2,}\S", chapter, re.MULTILINE)) == keys(Login)
    ways = re.findall(r"^#\s+(\{ .+? \})(?=  )", chapter, re.MULTILINE)
    given = [tomllib.loads(f"secret = {way}")["secret"] for way in ways]
    for one in given:
        msgspec.convert(one, SecretSource)
    assert sorted(key for one in given for key in one) == sorted(keys(SecretSource))


def test_the_example_of_an_account_is_one() -> None:
    """The list of accounts in the text decodes, and shows every key of an account."""
    (example,) = re.findall(r"^#   (list = .+)$", TEXT, re.MULTILINE)
    source = '[[source]]\nname = "exchange"\nkind = "ews"\n'
    config = settings.decode(f"[accounts]\n{example}\n{source}".encode(), ROOT / "agent.toml")
    tables = [entry for entry in tomllib.loads(example)["list"] if isinstance(entry, dict)]
    assert len(ConfiguredDirectory(config).accounts()) == 2
    assert {key for table in tables for key in table} == keys(AccountEntry)


def test_every_part_of_an_exchange_login_is_mentioned() -> None:
    """Each key of its log-in, and each way to log in, stands in the text above the example."""
    chapter = TEXT[TEXT.index("\n# EWS:") :]
    words = {*keys(ews_login.Login), *get_args(ews_login.Mechanism)}
    assert {word for word in words if not re.search(rf"\b{word}\b", chapter)} == set()


@pytest.mark.parametrize(
    ("chapter", "kinds"),
    [
        ("\n# Microsoft Graph:", (graph_login.Login, Urls)),
        ("\n# Google Workspace:", (google_login.Login, google_source.Urls)),
        ("\n# Keycloak:", (keycloak_login.Login,)),
    ],
)
def test_every_part_of_a_clouds_login_is_mentioned(chapter: str, kinds: tuple[type[Struct], ...]) -> None:
    """Each key of its log-in and of its places stands in the chapter."""
    text = TEXT[TEXT.index(chapter) :].partition("\n\n")[0]
    words = {word for kind in kinds for word in keys(kind)}
    assert {word for word in words if not re.search(rf"\b{word}\b", text)} == set()


def test_the_rights_that_are_named_are_those_that_checks_need() -> None:
    """Permissions, scopes and roles in the text are the connectors' tables of least rights."""
    for need in (*graph_rights.NEEDS, *graph_rights.CMDLET_NEEDS):
        assert need.permission in TEXT
    for scope in (*google_requests.NEEDS, *google_requests.TOKEN_NEEDS):
        assert scope.scope.rpartition("/")[2] in TEXT
    for role in keycloak_requests.NEEDS:
        assert role in TEXT
