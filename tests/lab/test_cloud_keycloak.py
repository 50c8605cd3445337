"""The lab's Keycloak: its token endpoint, users, consents, offline sessions and clients."""

import base64
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
import requests

from postwarden.lab.cloud import CloudLab
from tests.lab.cloud import CloudClient, StartCloud, assert_valid, keycloak

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


class TestLoggingIn:
    """The token endpoint."""

    def test_the_issuer_says_where_to_log_in(self, running_cloud: CloudLab) -> None:
        """Discovery names the endpoints of the realm."""
        made = running_cloud.keycloak
        answer = CloudClient(running_cloud, made.url, "").get(
            f"/realms/{made.realm}/.well-known/openid-configuration"
        )
        assert (answer["issuer"], answer["token_endpoint"]) == (made.issuer, made.token_url)

    def test_name_and_secret_may_come_in_the_header(self, running_cloud: CloudLab) -> None:
        """RFC 6749's other way to say who one is."""
        made = running_cloud.keycloak
        text = base64.b64encode(f"{made.client_id}:{made.client_secret}".encode()).decode()
        answer = requests.post(
            made.token_url,
            data={"grant_type": "client_credentials"},
            headers={"Authorization": f"Basic {text}"},
            verify=str(running_cloud.ca_file),
            timeout=20,
        )
        assert answer.json()["token_type"] == "Bearer"

    @pytest.mark.parametrize(
        ("changed", "status", "error"),
        [
            ({"client_secret": "wrong"}, 401, "unauthorized_client"),
            ({"client_id": "nobody"}, 401, "unauthorized_client"),
            ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ],
    )
    def test_a_stranger_gets_no_token(
        self, running_cloud: CloudLab, changed: dict[str, str], status: int, error: str
    ) -> None:
        """A wrong secret, an unknown client and another flow are refused."""
        made = running_cloud.keycloak
        form = {
            "grant_type": "client_credentials",
            "client_id": made.client_id,
            "client_secret": made.client_secret,
            **changed,
        }
        answer = requests.post(made.token_url, data=form, verify=str(running_cloud.ca_file), timeout=20)
        assert (answer.status_code, answer.json()["error"]) == (status, error)

    def test_a_token_ends(self, start_cloud: StartCloud) -> None:
        """After five minutes by the lab's clock, a token is refused with 401."""
        shift = [timedelta(0)]
        lab = start_cloud(clock=lambda: NOW + shift[0])
        client = keycloak(lab)
        assert client.ask("/users/count") == (200, 28)
        shift[0] = timedelta(seconds=300)
        assert client.ask("/users/count")[0] == 401

    def test_roles_are_needed(self, running_cloud: CloudLab) -> None:
        """Without view-clients there are users but no clients."""
        running_cloud.keycloak.state.roles.discard("view-clients")
        client = keycloak(running_cloud)
        assert client.ask("/users")[0] == 200
        assert client.ask("/clients")[0] == 403


class TestRealm:
    """What the realm holds."""

    @pytest.mark.parametrize("size", [5, 28, 100])
    def test_users_come_by_number(self, running_cloud: CloudLab, size: int) -> None:
        """Every user comes once, until a page is not full."""
        client, names, first = keycloak(running_cloud), [], 0
        while True:
            page = client.get(f"/users?first={first}&max={size}&briefRepresentation=true")
            names += [user["username"] for user in page]
            first += size
            if len(page) < size:
                break
        assert Counter(names) == Counter(row.username for row in running_cloud.keycloak.state.users)
        assert_valid(running_cloud)

    def test_one_user_by_name(self, running_cloud: CloudLab) -> None:
        """A name is looked up exactly or in part."""
        client = keycloak(running_cloud)
        assert len(client.get("/users?username=an")) > 1
        assert [one["username"] for one in client.get("/users?username=mei.chen&exact=true")] == ["mei.chen"]

    def test_consents_and_offline_tokens(self, running_cloud: CloudLab) -> None:
        """A user's list has consents with dates, and marks of offline tokens, with a consent or without."""
        user = running_cloud.keycloak.state.user("mei.chen")
        rows = {one["clientId"]: one for one in keycloak(running_cloud).get(f"/users/{user.id}/consents")}
        share = rows["file-share"]
        assert share["grantedClientScopes"] == ["profile", "email", "offline_access"]
        assert share["additionalGrants"][0]["key"] == "Offline Token"
        assert rows["webmail"]["createdDate"] is None

    def test_offline_sessions_of_a_client_that_nobody_else_uses(self, running_cloud: CloudLab) -> None:
        """The session that an intruder holds is at its client and at its user."""
        state, client = running_cloud.keycloak.state, keycloak(running_cloud)
        helper, user = state.client("desktop-mail-helper"), state.user("kwame.mensah")
        sessions = client.get(f"/clients/{helper.id}/offline-sessions?first=0&max=100")
        assert [one["username"] for one in sessions] == ["kwame.mensah"]
        assert client.get(f"/users/{user.id}/offline-sessions/{helper.id}") == sessions
        assert client.get(f"/clients/{helper.id}/offline-session-count") == {"count": 1}

    def test_clients_without_consent(self, running_cloud: CloudLab) -> None:
        """Whether a client asks for consent is told, with the scopes that it has by default."""
        client = keycloak(running_cloud)
        clients = {one["clientId"]: one for one in client.get("/clients")}
        assert len(clients) == 30
        helper = clients["desktop-mail-helper"]
        assert (helper["consentRequired"], helper["defaultClientScopes"]) == (False, ["mail"])
        scopes = client.get(f"/clients/{helper['id']}/default-client-scopes")
        assert [one["name"] for one in scopes] == ["mail"]
        assert [one["clientId"] for one in client.get("/clients?first=1&max=2")] == sorted(clients)[1:3]

    def test_what_a_test_changes_shows(self, running_cloud: CloudLab) -> None:
        """Consents and sessions come and go."""
        state, client = running_cloud.keycloak.state, keycloak(running_cloud)
        user = state.user("hanae.mori")
        state.consent("hanae.mori", "file-share", ("profile",), NOW)
        state.consent("hanae.mori", "file-share", ("email",), NOW + timedelta(days=1))
        state.open_session("hanae.mori", "file-share", NOW)
        rows = {one["clientId"]: one for one in client.get(f"/users/{user.id}/consents")}
        assert rows["file-share"]["grantedClientScopes"] == ["profile", "email"]
        assert rows["file-share"]["lastUpdatedDate"] > rows["file-share"]["createdDate"]
        state.withdraw("hanae.mori", "file-share")
        assert "file-share" not in {one["clientId"] for one in client.get(f"/users/{user.id}/consents")}
        assert_valid(running_cloud)

    @pytest.mark.parametrize(
        ("target", "status"),
        [
            ("/users?first=x", 400),
            ("/users?colour=red", 400),
            ("/roles", 404),
            ("/users/no-such-user/consents", 404),
            ("/clients/no-such-client/offline-sessions", 404),
        ],
    )
    def test_what_is_not_there(self, running_cloud: CloudLab, target: str, status: int) -> None:
        """Unknown paths and options are noted; what a list may have named and is gone is not."""
        assert keycloak(running_cloud).ask(target)[0] == status
        assert len(running_cloud.problems) == (0 if "no-such" in target else 1)

    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
    def test_nothing_can_be_written(self, running_cloud: CloudLab, method: str) -> None:
        """A method that writes is refused and noted."""
        assert keycloak(running_cloud).ask("/clients", method, json={})[0] == 405
        assert len(running_cloud.problems) == 1
