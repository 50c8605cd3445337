"""The lab's Google: service accounts, users, tokens, reports and Gmail's settings."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
import requests
from google.auth.exceptions import RefreshError
from google.auth.transport.requests import Request
from google.oauth2 import service_account

from postwarden.lab.cloud import CloudLab
from postwarden.lab.cloud.google_state import Client
from tests.lab.cloud import GOOGLE_SCOPE, CloudClient, StartCloud, assert_valid, gmail, google, google_admin

LENA = "lena.fischer@kitano-design.example"
TAKUMI = "takumi.ono@kitano-design.example"
AMELIE = "amelie.roux@kitano-design.example"
REPORT = "/admin/reports/v1/activity/users/all/applications/token"


def pages(client: CloudClient, target: str, member: str) -> tuple[list[Any], int]:
    """All items of a list with page tokens, and the number of its pages."""
    items: list[Any] = []
    count, token = 0, ""
    while True:
        page = client.get(f"{target}&pageToken={quote(token)}" if token else target)
        items += page.get(member, [])
        count += 1
        token = page.get("nextPageToken", "")
        if not token:
            return items, count


class TestLoggingIn:
    """The token endpoint."""

    def test_googles_library_logs_in_as_an_administrator(self, running_cloud: CloudLab) -> None:
        """google-auth gets a token that acts as the administrator, with the scopes that it asked for."""
        client = google_admin(running_cloud)
        assert client.get("/admin/directory/v1/users?customer=my_customer&maxResults=1")["users"]
        assert {one.who for one in running_cloud.requests if one.who} == {
            f"{running_cloud.google.client_number}/{running_cloud.google.admin}"
        }
        assert_valid(running_cloud)

    @pytest.mark.parametrize(
        ("subject", "scope", "words"),
        [
            (LENA, "gmail.readonly", "unauthorized_client"),
            ("nobody@kitano-design.example", "gmail.settings.basic", "Invalid email or User ID"),
            ("haruka.endo@kitano-trading.example", "gmail.settings.basic", "Invalid email or User ID"),
        ],
    )
    def test_what_was_not_delegated_gives_no_token(
        self, running_cloud: CloudLab, subject: str, scope: str, words: str
    ) -> None:
        """Scopes that the domain did not delegate, and people of other domains, are refused."""
        with pytest.raises(RefreshError, match=words):
            google(running_cloud, running_cloud.google.gmail_url, subject, GOOGLE_SCOPE + scope)
        assert running_cloud.google.bearers.refused == 1

    def test_a_delegation_that_was_taken_away_is_none(self, running_cloud: CloudLab) -> None:
        """Without its delegation the account acts as nobody."""
        made = running_cloud.google
        admin = made.state.user(made.admin)
        assert admin is not None
        made.state.undelegate(made.client_number, admin, datetime(2026, 11, 22, tzinfo=UTC))
        with pytest.raises(RefreshError, match="unauthorized_client"):
            google_admin(running_cloud)

    def test_a_strangers_key_gives_no_token(self, running_cloud: CloudLab) -> None:
        """An assertion that another key signed proves nothing."""
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import rsa

        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        information = {
            "client_email": running_cloud.google.service_account,
            "token_uri": running_cloud.google.token_url,
            "private_key": pem.decode(),
            "private_key_id": "1",
        }
        made = service_account.Credentials.from_service_account_info(  # type: ignore[no-untyped-call]  # the library's
            information, scopes=["openid"]
        )
        with requests.Session() as session:
            session.trust_env = False
            session.verify = str(running_cloud.ca_file)
            with pytest.raises(RefreshError, match="signature is invalid"):
                made.refresh(Request(session))

    def test_a_token_ends(self, start_cloud: StartCloud) -> None:
        """After its time by the lab's clock, a token is refused with 401."""
        shift = [timedelta(0)]
        lab = start_cloud(clock=lambda: datetime(2026, 11, 22, tzinfo=UTC) + shift[0])
        lab.google.bearers.seconds = 60
        client = google_admin(lab)
        target = "/admin/directory/v1/users?customer=my_customer"
        assert client.ask(target)[0] == 200
        shift[0] = timedelta(seconds=60)
        status, answer = client.ask(target)
        assert (status, answer["error"]["errors"][0]["reason"]) == (401, "authError")


class TestDirectory:
    """Users, tokens and app passwords."""

    @pytest.mark.parametrize("size", [0, 7, 500])
    def test_users_come_page_by_page(self, running_cloud: CloudLab, size: int) -> None:
        """Every user comes once, in as many pages as their size needs."""
        target = "/admin/directory/v1/users?customer=my_customer" + (f"&maxResults={size}" if size else "")
        users, count = pages(google_admin(running_cloud), target, "users")
        assert Counter(user["id"] for user in users) == Counter(
            row.id for row in running_cloud.google.state.users
        )
        assert count == -(-40 // (size or 100))
        assert_valid(running_cloud)

    def test_a_persons_tokens_have_no_dates(self, running_cloud: CloudLab) -> None:
        """What somebody let in is told with its scopes, and without when."""
        tokens = google_admin(running_cloud).get(f"/admin/directory/v1/users/{LENA}/tokens")["items"]
        worm = next(one for one in tokens if one["displayText"] == "Google Docs")
        assert "https://mail.google.com/" in worm["scopes"]
        assert not {name for name in worm if "ime" in name}

    def test_app_passwords_have_dates(self, running_cloud: CloudLab) -> None:
        """An app password is told with when it was made and last used; who has none has no list."""
        client = google_admin(running_cloud)
        made = client.get(f"/admin/directory/v1/users/{TAKUMI}/asps")["items"]
        assert [one["name"] for one in made] == ["conference guest"]
        assert int(made[0]["lastTimeUsed"]) > int(made[0]["creationTime"])
        assert "items" not in client.get(f"/admin/directory/v1/users/{LENA}/asps")

    def test_only_an_administrator_may_ask(self, running_cloud: CloudLab) -> None:
        """A token that acts as somebody else is refused."""
        scope = GOOGLE_SCOPE + "admin.directory.user.readonly"
        client = google(running_cloud, running_cloud.google.admin_url, LENA, scope)
        assert client.ask("/admin/directory/v1/users?customer=my_customer")[0] == 403

    def test_a_missing_scope_is_no_throttle(self, running_cloud: CloudLab) -> None:
        """403 has a reason that tells a missing scope from too many requests."""
        client = google_admin(running_cloud, "admin.directory.user.readonly")
        status, answer = client.ask(f"/admin/directory/v1/users/{LENA}/tokens")
        assert (status, answer["error"]["errors"][0]["reason"]) == (403, "insufficientPermissions")

    @pytest.mark.parametrize(
        "target",
        [
            "/admin/directory/v1/users",
            "/admin/directory/v1/users?customer=my_customer&maxResults=501",
            "/admin/directory/v1/users?customer=my_customer&pageToken=made-up",
            "/admin/directory/v1/users?customer=my_customer&colour=red",
            "/admin/directory/v1/groups?customer=my_customer",
            f"{REPORT}?maxResults=1001",
            f"{REPORT}?startTime=yesterday",
            "/admin/reports/v1/activity/users/all/applications/drive",
        ],
    )
    def test_what_nobody_should_ask_is_refused_and_noted(self, running_cloud: CloudLab, target: str) -> None:
        """Unknown paths, options and values are errors, and the journal says why."""
        assert google_admin(running_cloud).ask(target)[0] in {400, 404}
        assert len(running_cloud.problems) == 1


class TestReports:
    """Activities about tokens and delegations."""

    def test_consents_have_dates(self, running_cloud: CloudLab) -> None:
        """Who let what in when, the newest first, page by page without repeats."""
        items, count = pages(
            google_admin(running_cloud), f"{REPORT}?eventName=authorize&maxResults=10", "items"
        )
        times = [one["id"]["time"] for one in items]
        assert times == sorted(times, reverse=True)
        assert count == -(-len(items) // 10)
        assert len({one["id"]["uniqueQualifier"] for one in items}) == len(items)
        worm = [
            one
            for one in items
            if one["actor"]["email"] == LENA
            and {"name": "app_name", "value": "Google Docs"} in one["events"][0]["parameters"]
        ]
        assert len(worm) == 1
        scopes = next(one for one in worm[0]["events"][0]["parameters"] if one["name"] == "scope")
        assert "https://mail.google.com/" in scopes["multiValue"]

    def test_half_a_year_is_kept(self, running_cloud: CloudLab) -> None:
        """An old consent shows by its use only, for the report has 180 days."""
        client = google_admin(running_cloud)
        authorized, _ = pages(client, f"{REPORT}?eventName=authorize", "items")
        used, _ = pages(client, f"{REPORT}?eventName=activity", "items")

        def names(items: list[Any]) -> set[str]:
            return {
                one["value"]
                for item in items
                for one in item["events"][0]["parameters"]
                if one["name"] == "app_name"
            }

        assert "Tidewater Mail" not in names(authorized)
        assert "Tidewater Mail" in names(used)

    def test_what_grows_old_goes(self, start_cloud: StartCloud) -> None:
        """As time passes, activities leave the report."""
        shift = [timedelta(0)]
        lab = start_cloud(clock=lambda: datetime(2026, 11, 22, tzinfo=UTC) + shift[0])
        lab.google.bearers.seconds = 400 * 86_400
        client = google_admin(lab)
        before, _ = pages(client, REPORT, "items")
        shift[0] = timedelta(days=170)
        later, _ = pages(client, REPORT, "items")
        assert 0 < len(later) < len(before)
        shift[0] = timedelta(days=181)
        assert pages(client, REPORT, "items")[0] == []

    def test_a_window_of_time_and_one_person(self, running_cloud: CloudLab) -> None:
        """Times bound the activities, and a user's address asks for theirs only."""
        client = google_admin(running_cloud)
        every, _ = pages(client, f"{REPORT}?maxResults=1000", "items")
        middle = every[len(every) // 2]["id"]["time"]
        late, _ = pages(client, f"{REPORT}?startTime={middle}", "items")
        early, _ = pages(client, f"{REPORT}?endTime={middle}", "items")
        assert len(late) + len(early) >= len(every)
        assert min(one["id"]["time"] for one in late) >= middle >= max(one["id"]["time"] for one in early)
        hers, _ = pages(client, REPORT.replace("/all/", f"/{LENA}/") + "?maxResults=100", "items")
        assert {one["actor"]["email"] for one in hers} == {LENA}

    def test_delegations_to_the_whole_domain(self, running_cloud: CloudLab) -> None:
        """The administrators' report says which service accounts may act as everybody."""
        target = REPORT.replace("/token", "/admin") + "?eventName=AUTHORIZE_API_CLIENT_ACCESS"
        items, _ = pages(google_admin(running_cloud), target, "items")
        numbers = {
            one["value"]
            for item in items
            for one in item["events"][0]["parameters"]
            if one["name"] == "API_CLIENT_NAME"
        }
        keys = ("delegation-sync", "room-panels", "postwarden-google")
        assert numbers == {running_cloud.organisation.application(key).id for key in keys}

    def test_what_a_test_changes_is_reported(self, running_cloud: CloudLab) -> None:
        """An application that is let in and out again has both activities, and no token."""
        state, client = running_cloud.google.state, google_admin(running_cloud)
        user = state.user(AMELIE)
        assert user is not None
        made = Client("1-x.apps.googleusercontent.com", "New here", native=False)
        now = datetime.now(UTC)  # noqa: TID251 (the lab's own clock)
        state.authorize(user, made, ("openid",), now - timedelta(seconds=2))
        state.revoke(user, made, now - timedelta(seconds=1))
        items = client.get(f"{REPORT}?maxResults=2")["items"]
        assert [one["events"][0]["name"] for one in items] == ["revoke", "authorize"]
        tokens = client.get(f"/admin/directory/v1/users/{AMELIE}/tokens")["items"]
        assert made.id not in {one["clientId"] for one in tokens}


class TestGmail:
    """Settings of one mailbox."""

    def test_settings_of_somebody_whose_mail_flows(self, running_cloud: CloudLab) -> None:
        """Filters and addresses, forwarding, delegates, further senders and protocols are told as they are."""
        hers, his = gmail(running_cloud, LENA), gmail(running_cloud, TAKUMI)
        base = "/gmail/v1/users/me/settings"
        filters = hers.get(f"{base}/filters")["filter"]
        assert filters[0]["action"]["forward"] == "l.fischer.files@quickmail-post.example"
        assert hers.get(f"{base}/autoForwarding") == {"enabled": False}
        assert his.get(f"{base}/autoForwarding") == {
            "enabled": True,
            "emailAddress": "t.ono.studio@freemail-north.example",
            "disposition": "trash",
        }
        assert his.get(f"{base}/imap")["enabled"] is True
        assert his.get(f"{base}/pop")["accessWindow"] == "allMail"
        admin = gmail(running_cloud, running_cloud.google.admin)
        assert admin.get(f"{base}/delegates")["delegates"][0]["delegateEmail"] == AMELIE
        senders = gmail(running_cloud, AMELIE).get(f"/gmail/v1/users/{AMELIE}/settings/sendAs")["sendAs"]
        assert [one["sendAsEmail"] for one in senders] == [AMELIE, "studio@kitano-design.example"]
        assert_valid(running_cloud)

    def test_nothing_is_an_empty_object(self, running_cloud: CloudLab) -> None:
        """Where there is nothing, the list itself is missing."""
        client = gmail(running_cloud, "scanner@kitano-design.example")
        for name in ("forwardingAddresses", "filters", "delegates"):
            assert client.get(f"/gmail/v1/users/me/settings/{name}") == {}

    def test_a_token_is_for_one_mailbox(self, running_cloud: CloudLab) -> None:
        """Whom the token acts as, its settings come and nobody else's."""
        status, answer = gmail(running_cloud, LENA).ask(f"/gmail/v1/users/{TAKUMI}/settings/filters")
        assert (status, answer["error"]["errors"][0]["reason"]) == (403, "forbidden")
        assert len(running_cloud.problems) == 1

    def test_an_account_that_acts_as_itself_has_no_mailbox(self, running_cloud: CloudLab) -> None:
        """Without a subject there are no settings."""
        scope = GOOGLE_SCOPE + "gmail.settings.basic"
        client = google(running_cloud, running_cloud.google.gmail_url, None, scope)
        assert client.ask("/gmail/v1/users/me/settings/filters")[0] == 400

    @pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
    def test_nothing_can_be_written(self, running_cloud: CloudLab, method: str) -> None:
        """Although the scope could write, the lab notes whoever tries."""
        status, _ = gmail(running_cloud, LENA).ask("/gmail/v1/users/me/settings/filters", method, json={})
        assert status == 405
        assert len(running_cloud.problems) == 1
