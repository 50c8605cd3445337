"""The lab's cloud for tests: started with every exchange checked, asked by clients without a mind of their own."""

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests

from postwarden.lab import cloud
from postwarden.lab.cloud import CloudLab
from tests.cloud_schema import SchemaObserver, published

StartCloud = Callable[..., CloudLab]
GOOGLE_SCOPE = "https://www.googleapis.com/auth/"


@pytest.fixture
def start_cloud(tmp_path: Path) -> Iterator[StartCloud]:
    """Start any number of clouds; whatever they were asked and answered fits the schemas.

    What a fault answered is exempt, and so is nothing else.
    """
    observer = SchemaObserver()
    with ExitStack() as running:

        def start(**options: Any) -> CloudLab:
            folder = tmp_path / f"cloud-{len(list(tmp_path.iterdir()))}"
            folder.mkdir()
            made = running.enter_context(cloud.start(folder, **options))
            if published():
                made.observers.append(observer.observe)
            return made

        yield start
    assert observer.violations == []


@pytest.fixture
def running_cloud(start_cloud: StartCloud) -> CloudLab:
    """A cloud as it is by itself, for a test that may change it."""
    return start_cloud()


def assert_valid(lab: CloudLab) -> None:
    """Every request was one that a client may send, and none went astray."""
    assert [f"{one.host} {one.method} {one.path}?{one.query}: {one.problem}" for one in lab.problems] == []
    assert lab.strays == ()


class CloudClient:
    """Asks one host with a token, and takes what comes."""

    def __init__(self, lab: CloudLab, origin: str, token: str) -> None:
        self.origin = origin
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = str(lab.ca_file)
        self.session.headers["Authorization"] = f"Bearer {token}"

    def ask(self, target: str, method: str = "GET", **details: Any) -> tuple[int, Any]:
        """Status and JSON of an answer; `target` is a path, or a link that an answer gave."""
        answer = self.response(target, method, **details)
        return answer.status_code, answer.json() if answer.content else None

    def get(self, target: str, **details: Any) -> Any:
        """The JSON of an answer that must be one."""
        status, value = self.ask(target, **details)
        assert status == 200, value
        return value

    def response(self, target: str, method: str = "GET", **details: Any) -> requests.Response:
        url = target if target.startswith("https://") else self.origin + target
        return self.session.request(method, url, timeout=20, allow_redirects=False, **details)

    def whole(self, target: str) -> tuple[list[Any], int, str]:
        """All items of an OData list, the number of its pages, and the link to later changes, if there is one."""
        items, pages = [], 0
        while True:
            page = self.get(target)
            items += page["value"]
            pages += 1
            if "@odata.nextLink" not in page:
                return items, pages, page.get("@odata.deltaLink", "")
            target = page["@odata.nextLink"]

    def batch(self, *urls: str) -> dict[str, Any]:
        """The answers to these, by their places counted from 1."""
        asked = [{"id": str(place), "method": "GET", "url": url} for place, url in enumerate(urls, start=1)]
        status, value = self.ask("/v1.0/$batch", "POST", json={"requests": asked})
        assert status == 200, value
        return {one["id"]: one for one in value["responses"]}


def graph(lab: CloudLab, resource: str = "https://graph.microsoft.com") -> CloudClient:
    """Graph, asked by postwarden's application with its secret."""
    return CloudClient(lab, lab.microsoft.graph_url, microsoft_token(lab, resource))


def microsoft_token(lab: CloudLab, resource: str) -> str:
    made = lab.microsoft
    form = {
        "grant_type": "client_credentials",
        "client_id": made.client_id,
        "client_secret": made.client_secret,
        "scope": f"{resource}/.default",
    }
    answer = requests.post(made.token_url, data=form, verify=str(lab.ca_file), timeout=20)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


def exchange(lab: CloudLab) -> CloudClient:
    """Exchange's cmdlets, asked by postwarden's application."""
    client = CloudClient(
        lab, lab.microsoft.exchange_url, microsoft_token(lab, "https://outlook.office365.com")
    )
    client.session.headers["X-AnchorMailbox"] = f"UPN:anchor@{lab.microsoft.state.domain}"
    return client


def invoke(client: CloudClient, lab: CloudLab, cmdlet: str, **parameters: Any) -> tuple[int, Any]:
    """One page of what a cmdlet says."""
    body = {"CmdletInput": {"CmdletName": cmdlet, "Parameters": parameters}}
    target = f"/adminapi/beta/{lab.microsoft.tenant_id}/InvokeCommand"
    return client.ask(target, "POST", json=body)


def google(lab: CloudLab, origin: str, subject: str | None, *scopes: str) -> CloudClient:
    """A Google interface, asked by the service account that acts as `subject`."""
    from google.auth.transport.requests import Request
    from google.oauth2 import service_account

    session = requests.Session()
    session.trust_env = False
    session.verify = str(lab.ca_file)
    credentials = service_account.Credentials.from_service_account_file(  # type: ignore[no-untyped-call]  # the library's
        str(lab.google.key_file), scopes=list(scopes), subject=subject
    )
    credentials.refresh(Request(session))
    session.close()
    return CloudClient(lab, origin, credentials.token)


def google_admin(lab: CloudLab, *scopes: str) -> CloudClient:
    """Directory and Reports, asked as an administrator."""
    names = scopes or (
        "admin.directory.user.readonly",
        "admin.reports.audit.readonly",
        "admin.directory.user.security",
    )
    return google(lab, lab.google.admin_url, lab.google.admin, *(GOOGLE_SCOPE + name for name in names))


def gmail(lab: CloudLab, address: str) -> CloudClient:
    """Gmail's settings, asked as this user."""
    return google(lab, lab.google.gmail_url, address, GOOGLE_SCOPE + "gmail.settings.basic")


def keycloak(lab: CloudLab) -> CloudClient:
    """The realm's admin REST API, asked by postwarden's client."""
    made = lab.keycloak
    form = {
        "grant_type": "client_credentials",
        "client_id": made.client_id,
        "client_secret": made.client_secret,
    }
    answer = requests.post(made.token_url, data=form, verify=str(lab.ca_file), timeout=20)
    assert answer.status_code == 200, answer.text
    client = CloudClient(lab, made.url, str(answer.json()["access_token"]))
    client.origin = f"{made.url}/admin/realms/{made.realm}"
    return client


def unsigned(token: str) -> dict[str, Any]:
    """The claims of a JSON Web Token, unchecked."""
    part = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims
