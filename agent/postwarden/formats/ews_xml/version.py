"""Which server answered: the header of every answer ([MS-OXWSCDATA] ServerVersionInfo)."""

from msgspec import Struct

from postwarden.formats.ews_xml.tree import SOAP, TYPES, child, parse

#: Exchange Online counts its minor version from 20 on; servers of one's own are at 2.
_ONLINE = (15, 20)


class ServerVersion(Struct, frozen=True, kw_only=True):
    """Four numbers, as `15.2.1748.10`."""

    numbers: tuple[int, int, int, int]

    def __str__(self) -> str:
        return ".".join(str(number) for number in self.numbers)

    @property
    def is_online(self) -> bool:
        return self.numbers[:2] >= _ONLINE


def read_version(raw: bytes) -> ServerVersion | None:
    """The version in an answer's header, None where it has none; raises EwsXmlError for what is no XML."""
    info = child(parse(raw), SOAP + "Header", TYPES + "ServerVersionInfo")
    if info is None:
        return None
    told = [
        info.get(word, "0")
        for word in ("MajorVersion", "MinorVersion", "MajorBuildNumber", "MinorBuildNumber")
    ]
    if not all(one.isascii() and one.isdecimal() and len(one) < 10 for one in told):
        return None
    major, minor, build, revision = (int(one) for one in told)
    return ServerVersion(numbers=(major, minor, build, revision))
