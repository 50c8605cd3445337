"""The lab's cloud when it is busy, broken or hostile: what a client gets to see."""

import gzip
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from postwarden.errors import LabError
from postwarden.lab import cloud
from postwarden.lab.cloud import CloudLab
from postwarden.lab.cloud.answer_faults import ANSWERS, NEW_MEMBER, UNKNOWN_VALUE
from postwarden.lab.cloud.reply_faults import REPLIES
from tests.cloud_schema import SchemaObserver, published
from tests.lab.cloud import CloudClient, exchange, gmail, google_admin, graph, invoke, keycloak

USERS = "/v1.0/users?$top=50"
OLIVER = "oliver.brandt@kitano-trading.example"
LENA = "lena.fischer@kitano-design.example"
#: Faults that end in time by themselves, with the pace that they get here, and large ones with their size.
PACED = {"drip": 0.0001, "stall": 0.2, "silence": 0.2}
SMALL = {"large": 3_000_000, "gzip_bomb": 3_000_000, "deep": 10_000}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudLab]:
    with cloud.start(tmp_path_factory.mktemp("cloud")) as lab:
        yield lab


@pytest.fixture
def lab(running: CloudLab) -> Iterator[CloudLab]:
    """The servers without faults and memories of other tests."""
    running.forget()
    yield running
    running.faults.clear()
    running.observers.clear()


@pytest.fixture
def client(lab: CloudLab) -> CloudClient:
    return graph(lab)


def seen(client: CloudClient, target: str = USERS) -> Any:
    """What an answer is, as far as it can be read."""
    try:
        answer = client.response(target)
        return answer.status_code, answer.headers.get("Content-Type"), answer.content
    except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError) as exc:
        return type(exc).__name__


@pytest.mark.parametrize("name", [*REPLIES, *ANSWERS])
def test_each_fault_shows_and_passes(lab: CloudLab, client: CloudClient, name: str) -> None:
    """A fault that waits for one request changes what that one gets, is in the journal, and then is over."""
    details: dict[str, Any] = {}
    if name in PACED:
        details["seconds"] = PACED[name]
    if name in SMALL:
        details["size"] = SMALL[name]
    target = f"/v1.0/users/{OLIVER}/mailboxSettings" if name == "other_account" else USERS
    if name == "other_account":
        details["shown"] = {"id": "marek.kowal@kitano-trading.example"}
    if name == "unknown_values":
        target = "/v1.0/oauth2PermissionGrants?$top=5"
    sane = seen(client, target)
    lab.forget()
    lab.faults.add(name, host="graph", **details)
    started = time.monotonic()
    odd = seen(client, target)
    if name == "drip":
        assert time.monotonic() - started > 0.3
    else:
        assert odd != sane
    assert [one.fault for one in lab.requests] == [name]
    assert lab.faults.waiting == ()
    # On a connection of its own: some faults leave theirs unusable.
    assert seen(graph(lab), target)[0] == 200


def test_an_unknown_fault_is_an_error(lab: CloudLab) -> None:
    """A name that no fault has is said, with those that there are."""
    with pytest.raises(LabError, match="no fault 'bad weather'"):
        lab.faults.add("bad weather")


def test_a_fault_of_the_connection_is_none_of_a_part(lab: CloudLab) -> None:
    """A part of a batch has no connection that could end."""
    with pytest.raises(LabError, match="fault of the connection"):
        lab.faults.add("cut_off", part=True)


def test_every_tenth_request_for_ever(lab: CloudLab, client: CloudClient) -> None:
    """A fault that comes now and then keeps its rhythm, beside another one."""
    lab.faults.add("throttled", host="graph", every=10, times=None)
    lab.faults.add("server_error", host="graph", every=7, times=None)
    statuses = [client.ask("/v1.0/users?$top=1")[0] for _ in range(40)]
    assert [place for place, status in enumerate(statuses, 1) if status == 429] == [10, 20, 30, 40]
    assert [place for place, status in enumerate(statuses, 1) if status == 500] == [7, 14, 21, 28, 35]


def test_a_fault_can_be_of_one_operation(lab: CloudLab, client: CloudClient) -> None:
    """Other operations and hosts do not meet it."""
    lab.faults.add("throttled", host="graph", kind="rules")
    assert client.ask(USERS)[0] == 200
    assert client.ask(f"/v1.0/users/{OLIVER}/mailFolders/inbox/messageRules")[0] == 429


@pytest.mark.parametrize("text", [None, "2", "Sun, 22 Nov 2026 00:00:05 GMT", "-5", "999999999", "soon"])
@pytest.mark.parametrize("name", ["throttled", "unavailable"])
def test_retry_after_is_as_it_is_set(lab: CloudLab, client: CloudClient, name: str, text: str | None) -> None:
    """Seconds, dates, nonsense, or no such header."""
    lab.faults.add(name, host="graph", retry_after=text)
    answer = client.response(USERS)
    assert answer.status_code in {429, 503}
    assert answer.headers.get("Retry-After") == text


def test_google_throttles_with_403_429_and_503(lab: CloudLab) -> None:
    """Each of Google's ways to say too much, and the reason that tells it from a missing right."""
    client = google_admin(lab)
    target = "/admin/directory/v1/users?customer=my_customer"
    for reason in ("userRateLimitExceeded", "rateLimitExceeded", "quotaExceeded"):
        lab.faults.add("rate_limited", host="google_admin", reason=reason)
        status, answer = client.ask(target)
        assert (status, answer["error"]["errors"][0]["reason"]) == (403, reason)
        assert answer["error"]["errors"][0]["domain"] == "usageLimits"
    lab.faults.add("throttled", host="gmail")
    assert gmail(lab, LENA).ask("/gmail/v1/users/me/settings/imap")[0] == 429
    lab.faults.add("unavailable", host="google_admin")
    assert client.ask(target)[0] == 503
    lab.faults.add("forbidden", host="google_admin")
    status, answer = client.ask(target)
    assert (status, answer["error"]["errors"][0]["reason"]) == (403, "insufficientPermissions")


def test_a_part_of_a_batch_meets_its_own_faults(lab: CloudLab, client: CloudClient) -> None:
    """The batch is answered with 200 while one part is throttled, with its own Retry-After."""
    lab.faults.add("throttled", host="graph", kind="rules", part=True, retry_after="3")
    path = f"/users/{OLIVER}/mailFolders/inbox/messageRules"
    answers = client.batch(path, path)
    assert [answers["1"]["status"], answers["2"]["status"]] == [429, 200]
    assert answers["1"]["headers"]["Retry-After"] == "3"
    assert [(one.part, one.fault) for one in lab.requests if one.part] == [("1", "throttled"), ("2", None)]


def test_a_fault_of_whole_requests_is_none_of_parts(lab: CloudLab, client: CloudClient) -> None:
    """What waits for requests does not meet the parts of a batch."""
    lab.faults.add("throttled", host="graph", kind="mailbox_settings")
    answers = client.batch(f"/users/{OLIVER}/mailboxSettings")
    assert answers["1"]["status"] == 200


@pytest.mark.parametrize(
    ("name", "leads"),
    [
        ("link_elsewhere", lambda lab, link: not link.startswith(lab.microsoft.graph_url)),
        ("link_unencrypted", lambda _, link: link.startswith("http://")),
        (
            "link_other_path",
            lambda lab, link: link.startswith(f"{lab.microsoft.graph_url}/v1.0/me/messages?"),
        ),
        ("link_with_user", lambda lab, link: link.startswith(f"{lab.microsoft.graph_url}@127.0.0.1:")),
    ],
)
@pytest.mark.parametrize("target", [USERS, "/v1.0/users/delta?$top=999", "/v1.0/organization"])
def test_links_that_lead_astray(
    lab: CloudLab, client: CloudClient, name: str, leads: Callable[[CloudLab, str], bool], target: str
) -> None:
    """A link to the next page or to later changes leads elsewhere; where there was none, there is one."""
    lab.faults.add(name, host="graph")
    page = client.get(target)
    links = [page[word] for word in ("@odata.nextLink", "@odata.deltaLink") if word in page]
    assert len(links) == 1
    assert leads(lab, links[0])


def test_who_follows_is_seen(lab: CloudLab, client: CloudClient) -> None:
    """A request that was led astray is remembered with the token that it brought."""
    lab.faults.add("link_elsewhere", host="graph")
    client.ask(client.get(USERS)["@odata.nextLink"])
    assert lab.strays[-1].authorization == client.session.headers["Authorization"]


def test_a_loop_of_pages(lab: CloudLab, client: CloudClient) -> None:
    """Each page names the same next one, and that one is the same page."""
    lab.faults.add("loop", host="graph", times=None)
    first = client.get(USERS)
    second = client.get(first["@odata.nextLink"])
    third = client.get(second["@odata.nextLink"])
    assert first["value"] == second["value"] == third["value"]
    assert second["@odata.nextLink"] == third["@odata.nextLink"]


@pytest.mark.parametrize("name", ["endless", "empty_page"])
def test_lists_that_go_on(lab: CloudLab, client: CloudClient, name: str) -> None:
    """Each page has another link; an empty one leads to what should have been there."""
    lab.faults.add(name, host="graph", times=None if name == "endless" else 1)
    links, target = [], USERS
    for _ in range(6):
        page = client.get(target)
        target = page.get("@odata.nextLink", "")
        links.append(target)
        if not target:
            break
    assert len(set(links)) == len(links)
    if name == "endless":
        assert len(links) == 6
        assert "" not in links
    else:
        assert len(links) == 4


def test_an_empty_page_hides_nothing(lab: CloudLab, client: CloudClient) -> None:
    """With empty pages in between, the list is still whole."""
    whole, pages, _ = client.whole(USERS)
    lab.faults.add("empty_page", host="graph", every=2, times=None)
    again, more, _ = client.whole(USERS)
    assert again == whole
    assert more > pages


def test_pages_with_the_items_of_the_page_before(lab: CloudLab, client: CloudClient) -> None:
    """Items come again on the next page, and none is missing."""
    whole, _, _ = client.whole(USERS)
    lab.faults.add("duplicates", host="graph", times=None)
    again, _, _ = client.whole(USERS)
    assert len(again) == 2 * len(whole) - len(whole) % 50 + 50 - (50 if len(whole) % 50 == 0 else 0)
    assert {one["id"] for one in again} == {one["id"] for one in whole}


def test_googles_lists_go_wrong_too(lab: CloudLab) -> None:
    """Page tokens loop, go on for ever and lead to empty pages as links do."""
    client = google_admin(lab)
    target = "/admin/directory/v1/users?customer=my_customer&maxResults=20"

    def tokens(times: int) -> list[str]:
        found, token = [], ""
        for _ in range(times):
            page = client.get(f"{target}&pageToken={token}" if token else target)
            token = page.get("nextPageToken", "")
            found.append(token)
            if not token:
                break
        return found

    lab.faults.add("endless", host="google_admin", times=None)
    assert len(set(tokens(5))) == 5
    lab.faults.clear()
    lab.faults.add("loop", host="google_admin", times=None)
    assert len(set(tokens(5))) == 1
    lab.faults.clear()
    lab.faults.add("empty_page", host="google_admin")
    assert len(tokens(9)) == 3


def test_keycloaks_list_never_ends(lab: CloudLab) -> None:
    """Where pages are asked for by number, there is always one more."""
    client = keycloak(lab)
    lab.faults.add("endless", host="keycloak", times=None)
    assert client.get("/users?first=0&max=10")
    assert client.get("/users?first=100000&max=10")


def test_new_members_and_unknown_values_are_exempt_and_counted(lab: CloudLab, client: CloudClient) -> None:
    """What is new breaks the schema, so observers do not see it, and the journal counts it."""
    observer = SchemaObserver()
    if published():
        lab.observers.append(observer.observe)
    lab.faults.add("new_members", host="graph")
    lab.faults.add("unknown_values", host="graph")
    grown = client.get("/v1.0/oauth2PermissionGrants?$top=2")
    strange = client.get("/v1.0/oauth2PermissionGrants?$top=2")
    assert NEW_MEMBER in grown
    assert NEW_MEMBER in grown["value"][0]
    assert {one["consentType"] for one in strange["value"]} == {UNKNOWN_VALUE}
    assert [one.fault for one in lab.requests if one.host == "graph"] == ["new_members", "unknown_values"]
    assert observer.violations == []
    assert sum(observer.seen.values()) == 0


def test_a_lie_about_whose_data_it_is(lab: CloudLab, client: CloudClient) -> None:
    """A sound answer is about somebody else, which its context or keys give away."""
    other = "marek.kowal@kitano-trading.example"
    lab.faults.add("other_account", host="graph", kind="rules", shown={"id": other})
    page = client.get(f"/v1.0/users/{OLIVER}/mailFolders/inbox/messageRules")
    assert other in page["@odata.context"]
    assert [rule["displayName"] for rule in page["value"]] == ["RSS"]
    directory = google_admin(lab)
    lab.faults.add("other_account", host="google_admin", kind="tokens", shown={"user": LENA})
    tokens = directory.get("/admin/directory/v1/users/takumi.ono@kitano-design.example/tokens")["items"]
    user = lab.google.state.user(LENA)
    assert user is not None
    assert {one["userKey"] for one in tokens} == {user.id}


def test_cursors_end(lab: CloudLab, client: CloudClient) -> None:
    """A link that is too old is answered with 410 and Graph's word for it."""
    lab.faults.add("gone", host="graph", kind="grants_delta")
    status, answer = client.ask("/v1.0/oauth2PermissionGrants/delta?$deltatoken=latest")
    assert (status, answer["error"]["code"]) == (410, "syncStateNotFound")


def test_a_right_is_missing_for_one_operation(lab: CloudLab, client: CloudClient) -> None:
    """403 for one kind of request only, in the words of the service behind it."""
    lab.faults.add("forbidden", host="graph", kind="mailbox_settings", times=None)
    lab.faults.add("forbidden", host="graph", kind="grants", times=None)
    settings = client.ask(f"/v1.0/users/{OLIVER}/mailboxSettings")
    grants = client.ask("/v1.0/oauth2PermissionGrants")
    assert (settings[0], settings[1]["error"]["code"]) == (403, "ErrorAccessDenied")
    assert (grants[0], grants[1]["error"]["code"]) == (403, "Authorization_RequestDenied")
    assert client.ask(USERS)[0] == 200


def test_the_token_endpoint_can_fail(lab: CloudLab) -> None:
    """Faults reach the identity platforms, too."""
    lab.faults.add("unavailable", host="login", kind="token")
    with pytest.raises(AssertionError, match="temporarily_unavailable"):
        graph(lab)


def test_cmdlets_can_fail(lab: CloudLab) -> None:
    """Faults reach Exchange's endpoint, too; its next link can lead astray."""
    client = exchange(lab)
    lab.faults.add("link_elsewhere", host="exchange")
    _, page = invoke(client, lab, "Get-Mailbox")
    assert not page["@odata.nextLink"].startswith(lab.microsoft.exchange_url)


def test_a_bomb_is_small_on_the_wire(lab: CloudLab, client: CloudClient) -> None:
    """Few bytes become many."""
    lab.faults.add("gzip_bomb", host="graph", size=3_000_000)
    answer = client.response(USERS, stream=True)
    raw = answer.raw.read(decode_content=False)
    assert len(raw) < 10_000
    assert len(gzip.decompress(raw)) > 3_000_000


def test_a_cut_connection_is_followed_by_a_sound_one(lab: CloudLab, client: CloudClient) -> None:
    """Cut off at every third request, each is answered when it is asked again."""
    lab.faults.add("cut_off", host="graph", every=3, times=None)
    outcomes = [seen(client, "/v1.0/users?$top=5") for _ in range(9)]
    assert [isinstance(one, str) for one in outcomes] == [False, False, True] * 3
