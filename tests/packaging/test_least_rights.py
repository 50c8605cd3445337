"""The README's table of least rights is the connectors' own."""

from collections.abc import Iterator

from postwarden.connectors.google import requests as google
from postwarden.connectors.graph import rights as graph
from postwarden.connectors.keycloak import requests as keycloak
from tests.packaging.conftest import ROOT


def lines() -> Iterator[str]:
    for need in graph.NEEDS:
        yield row("Microsoft Graph", need.permission, need.checks)
    for need in graph.CMDLET_NEEDS:
        yield row("Exchange Online, with `exchange_cmdlets`", need.permission, need.checks)
    for need in graph.INCIDENT_NEEDS:
        yield row("Microsoft Graph, identity *incident*", need.permission, need.checks)
    for one in google.NEEDS:
        yield row("Google", scope(one.scope, could_write=one.could_write), one.checks)
    for one in google.TOKEN_NEEDS:
        yield row("Google, with `list_tokens`", scope(one.scope, could_write=one.could_write), one.checks)
    for one in sorted(google.INCIDENT):
        yield row("Google, identity *incident*", scope(one, could_write=False), ("exposure",))
    for role, checks in keycloak.NEEDS.items():
        yield row("Keycloak, `realm-management`", role, checks)


def scope(url: str, *, could_write: bool) -> str:
    name = url.rpartition("/")[2]
    return f"{name}` (could write) `" if could_write else name


def row(where: str, right: str, checks: tuple[str, ...]) -> str:
    told = f"`{right}`".replace(" ``", "")
    return f"| {where} | {told} | {', '.join(f'`{check}`' for check in checks)} |"


def test_the_table_is_what_the_connectors_need() -> None:
    """Each right that a check needs stands there with the checks, and no other does."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    table = text.split("<!-- rights -->")[1].strip().splitlines()
    assert table[2:] == list(lines())
