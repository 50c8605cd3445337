"""The README's table of least rights is the connectors' own."""

from collections.abc import Iterator

from postwarden.connectors.google import requests as google
from postwarden.connectors.graph import rights as graph
from postwarden.connectors.keycloak import requests as keycloak
from tests.packaging.conftest import ROOT


def lines() -> Iterator[str]:
    for where, needs in (
        ("Microsoft Graph", graph.NEEDS),
        ("Exchange Online, with `exchange_cmdlets`", graph.CMDLET_NEEDS),
        ("Microsoft Graph, identity *incident*", graph.INCIDENT_NEEDS),
    ):
        for need in needs:
            yield row(where, f"`{need.permission}`", need.checks)
    for where, scopes in (
        ("Google", google.NEEDS),
        ("Google, with `list_tokens`", google.TOKEN_NEEDS),
    ):
        for one in scopes:
            name = f"`{one.scope.rpartition('/')[2]}`"
            yield row(where, f"{name} (could write)" if one.could_write else name, one.checks)
    for url in sorted(google.INCIDENT):
        yield row("Google, identity *incident*", f"`{url.rpartition('/')[2]}`", ("exposure",))
    for role, checks in keycloak.NEEDS.items():
        yield row("Keycloak, `realm-management`", f"`{role}`", checks)


def row(where: str, right: str, checks: tuple[str, ...]) -> str:
    return f"| {where} | {right} | {', '.join(f'`{check}`' for check in checks)} |"


def test_the_table_is_what_the_connectors_need() -> None:
    """Each right that a check needs stands there with the checks, and no other does."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    table = text.split("<!-- rights -->")[1].strip().splitlines()
    assert table[2:] == list(lines())
