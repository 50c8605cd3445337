"""Small databases in MaxMind's format, made for the tests that read them."""

from pathlib import Path

import maxminddb
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from postwarden.access.databases import mmdb_database
from postwarden.access.networks import Database


def write_mmdb(path: Path, records: dict[str, dict[str, object]], *, ip_version: int = 6) -> Path:
    """A database with a record for each network."""
    writer = MMDBWriter(
        ip_version=ip_version,
        database_type="Test",
        languages=["en"],
        description={"en": "a test's own"},
        ipv4_compatible=ip_version == 6,
    )
    for network, record in records.items():
        writer.insert_network(IPSet([network]), record)
    writer.to_db_file(str(path))
    return path


def mmdb(path: Path, records: dict[str, dict[str, object]], *, ip_version: int = 6) -> Database:
    """Such a database, opened in memory."""
    written = write_mmdb(path, records, ip_version=ip_version)
    return mmdb_database(maxminddb.open_database(str(written), maxminddb.MODE_MEMORY), "public domain")
