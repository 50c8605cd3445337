"""Where Microsoft's clouds are, as their pages on national clouds say."""

from typing import Literal

from msgspec import Struct

Cloud = Literal["global", "usgov", "usgov_dod", "china"]


class Urls(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Origins (`https://host[:port]`): where tokens are from, of Graph, and of Exchange's cmdlets."""

    login: str
    graph: str
    exchange: str

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            url = getattr(self, name)
            if not url.startswith("https://") or "/" in url.removeprefix("https://"):
                raise ValueError(f"{name} must be https://HOST or https://HOST:PORT, without a path")


CLOUDS: dict[Cloud, Urls] = {
    "global": Urls(
        login="https://login.microsoftonline.com",
        graph="https://graph.microsoft.com",
        exchange="https://outlook.office365.com",
    ),
    "usgov": Urls(
        login="https://login.microsoftonline.us",
        graph="https://graph.microsoft.us",
        exchange="https://outlook.office365.us",
    ),
    "usgov_dod": Urls(
        login="https://login.microsoftonline.us",
        graph="https://dod-graph.microsoft.us",
        exchange="https://webmail.apps.mil",
    ),
    "china": Urls(
        login="https://login.partner.microsoftonline.cn",
        graph="https://microsoftgraph.chinacloudapi.cn",
        exchange="https://partner.outlook.cn",
    ),
}
