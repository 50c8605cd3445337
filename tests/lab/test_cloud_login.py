"""Logging in to the lab's Microsoft: tokens by secret and certificate, as Microsoft's own library asks for them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msal
import requests

from postwarden.lab.cloud import CloudLab
from tests.lab.cloud import (
    StartCloud,
    assert_valid,
    graph,
    unsigned,
)


def session(lab: CloudLab) -> requests.Session:
    made = requests.Session()
    made.trust_env = False
    made.verify = str(lab.ca_file)
    return made


def msal_token(lab: CloudLab, credential: Any) -> dict[str, Any]:
    made = lab.microsoft
    with session(lab) as http:
        application = msal.ConfidentialClientApplication(
            made.client_id,
            authority=made.authority,
            client_credential=credential,
            instance_discovery=False,
            http_client=http,
        )
        token: dict[str, Any] = application.acquire_token_for_client(["https://graph.microsoft.com/.default"])
    return token


def certificate(lab: CloudLab) -> dict[str, str]:
    return {
        "private_key": lab.microsoft.key_file.read_text(),
        "public_certificate": lab.microsoft.certificate_file.read_text(),
    }


class TestLoggingIn:
    """Entra's token endpoint."""

    def test_msal_logs_in_with_the_secret(self, running_cloud: CloudLab) -> None:
        """Microsoft's own library gets a token for Graph, with the roles that the application holds."""
        token = msal_token(running_cloud, running_cloud.microsoft.client_secret)
        claims = unsigned(token["access_token"])
        assert claims["roles"] == sorted(
            running_cloud.microsoft.state.roles_of(running_cloud.microsoft.client_id, "graph")
        )
        assert (claims["aud"], claims["tid"]) == (
            "https://graph.microsoft.com",
            running_cloud.microsoft.tenant_id,
        )

    def test_msal_logs_in_with_the_certificate(self, running_cloud: CloudLab) -> None:
        """Microsoft's own library gets one with a signed assertion, too."""
        token = msal_token(running_cloud, certificate(running_cloud))
        assert token["token_type"] == "Bearer"
        assert running_cloud.microsoft.bearers.given == 1
        assert_valid(running_cloud)

    def test_a_wrong_secret_gives_no_token(self, running_cloud: CloudLab) -> None:
        """The refusal is Microsoft's, and counted."""
        token = msal_token(running_cloud, "wrong")
        assert token["error"] == "invalid_client"
        assert token["error_codes"] == [7000215]
        assert running_cloud.microsoft.bearers.refused == 1

    def test_a_strangers_key_gives_no_token(self, running_cloud: CloudLab) -> None:
        """An assertion that another key signed proves nothing."""
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import rsa

        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        token = msal_token(running_cloud, {**certificate(running_cloud), "private_key": pem.decode()})
        assert "signature is invalid" in token["error_description"]

    def test_a_token_for_exchange_is_none_for_graph(self, running_cloud: CloudLab) -> None:
        """A token holds for the resource that it was asked for."""
        client = graph(running_cloud, "https://outlook.office365.com")
        status, answer = client.ask("/v1.0/users")
        assert (status, answer["error"]["code"]) == (401, "InvalidAuthenticationToken")
        assert [one.problem for one in running_cloud.problems] == ["a token for something else"]

    def test_a_token_ends_with_its_time(self, start_cloud: StartCloud) -> None:
        """After its lifetime by the lab's clock, a token is refused."""
        shift = [timedelta(0)]
        lab = start_cloud(clock=lambda: datetime(2026, 11, 22, tzinfo=UTC) + shift[0])
        lab.microsoft.bearers.seconds = 60
        client = graph(lab)
        assert client.ask("/v1.0/users?$top=1")[0] == 200
        shift[0] = timedelta(seconds=61)
        assert client.ask("/v1.0/users?$top=1")[0] == 401

    def test_a_token_ends_after_so_many_requests(self, running_cloud: CloudLab) -> None:
        """With a number of uses, a token ends whatever it said."""
        running_cloud.microsoft.bearers.uses = 2
        client = graph(running_cloud)
        assert [client.ask("/v1.0/users?$top=1")[0] for _ in range(3)] == [200, 200, 401]

    def test_the_resource_may_be_named_by_the_labs_own_address(self, running_cloud: CloudLab) -> None:
        """A client whose Graph is the lab's asks for a token for that address."""
        assert graph(running_cloud, running_cloud.microsoft.graph_url).ask("/v1.0/users?$top=1")[0] == 200
