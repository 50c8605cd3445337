"""Databases that somebody else opened, as they are asked here: MaxMind's format (MMDB) and ranges as CSV."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Protocol

from postwarden.access.addresses import Address
from postwarden.access.facts import Facts, facts_of
from postwarden.access.networks import Database
from postwarden.access.ranges import Ranges


class MmdbMetadata(Protocol):
    """What an MMDB file says of itself, as MaxMind's "MaxMind DB File Format Specification" has it."""

    @property
    def database_type(self) -> str: ...
    @property
    def description(self) -> Mapping[str, str]: ...
    @property
    def build_epoch(self) -> int: ...
    @property
    def ip_version(self) -> int: ...


class MmdbReader(Protocol):
    """An opened MMDB file, as the package maxminddb has it; whoever opened it turns that package's errors into ours."""

    def get(self, ip_address: Address, /) -> object: ...
    def metadata(self) -> MmdbMetadata: ...


def mmdb_database(reader: MmdbReader, licence: str = "") -> Database:
    """An opened MMDB file; one for IPv4 only knows nothing of IPv6."""
    metadata = reader.metadata()
    only_v4 = metadata.ip_version == 4

    def find(address: Address) -> Facts:
        return facts_of(None if only_v4 and address.version == 6 else reader.get(address))

    return Database(
        find=find,
        description=metadata.description.get("en") or metadata.database_type,
        licence=licence,
        built=datetime.fromtimestamp(metadata.build_epoch, UTC).date(),
    )


def ranges_database(ranges: Ranges, name: str, licence: str = "") -> Database:
    """A table of ranges, which says nothing of itself but the name of its file."""
    cut = f", of which {ranges.overlaps} begin inside the one before" if ranges.overlaps else ""
    return Database(find=ranges.find, description=f"{name} ({len(ranges)} ranges{cut})", licence=licence)
