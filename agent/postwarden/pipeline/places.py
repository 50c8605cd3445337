"""The databases that addresses are looked up in, opened as agent.toml names them."""

from collections.abc import Iterator
from contextlib import ExitStack
from ipaddress import ip_network
from pathlib import Path
from typing import TextIO

from postwarden.access.databases import mmdb_database, ranges_database
from postwarden.access.distances import Countries, read_countries
from postwarden.access.hosting import read_hosting, with_listed
from postwarden.access.networks import Database, Networks
from postwarden.access.prefixes import Network
from postwarden.access.ranges import read_ranges
from postwarden.config.networks import DatabaseEntry
from postwarden.config.rule_files import read_table
from postwarden.config.settings import Config
from postwarden.errors import ConfigError

HOSTING = "hosting.csv"
COUNTRIES = "countries.csv"


def open_networks(config: Config) -> Networks:
    """Raises ConfigError with key or file where a database cannot be used."""
    section = config.networks
    file = read_table(HOSTING)
    table = read_hosting(file.raw.decode("utf-8"), file.path)
    return Networks(
        hosting=with_listed(table, section.hosting, "networks.hosting"),
        country=_database(section.countries, "networks.countries", config),
        network=_database(section.systems, "networks.systems", config),
        own=tuple(_networks(section.own, "networks.own", config)),
        carrier_nat=tuple(_networks(section.carrier_nat, "networks.carrier_nat", config)),
    )


def open_countries() -> Countries:
    """The shipped table of countries and their distances."""
    file = read_table(COUNTRIES)
    return read_countries(file.raw.decode("utf-8"), file.path)


def _database(entry: DatabaseEntry | None, key: str, config: Config) -> Database | None:
    if entry is None:
        return None
    paths = [config.folder / name for name in entry.files]
    if len(paths) == 1 and paths[0].suffix == ".mmdb":
        return _mmdb(paths[0], entry.licence, key, config)
    if not paths or any(path.suffix == ".mmdb" for path in paths):
        raise ConfigError(
            "names neither one .mmdb file nor CSV files",
            "one for IPv4 and one for IPv6",
            path=str(config.path),
            key=key,
        )
    with ExitStack() as opened:
        files = [(str(path), opened.enter_context(_text(path, key, config))) for path in paths]
        ranges = read_ranges(files)
    return ranges_database(ranges, ", ".join(path.name for path in paths), entry.licence)


def _mmdb(path: Path, licence: str, key: str, config: Config) -> Database:
    import maxminddb

    try:
        # In memory: the file may be replaced while we have it open.
        reader = maxminddb.open_database(path, maxminddb.MODE_MEMORY)
    except (OSError, maxminddb.InvalidDatabaseError, ValueError) as exc:
        raise ConfigError(
            f"{path} cannot be used: {exc}",
            "take a database in MaxMind's format",
            path=str(config.path),
            key=key,
        ) from exc
    return mmdb_database(reader, licence)


def _text(path: Path, key: str, config: Config) -> TextIO:
    try:
        return path.open(encoding="utf-8", newline="")
    except OSError as exc:
        raise ConfigError(
            f"{path} cannot be read: {exc.strerror}",
            "take it where it is published",
            path=str(config.path),
            key=key,
        ) from exc


def _networks(texts: tuple[str, ...], key: str, config: Config) -> Iterator[Network]:
    for index, text in enumerate(texts):
        try:
            yield ip_network(text)
        except ValueError as exc:
            raise ConfigError(
                f"{text!r} is no network",
                'for example "192.0.2.0/24"',
                path=str(config.path),
                key=f"{key}[{index}]",
            ) from exc
