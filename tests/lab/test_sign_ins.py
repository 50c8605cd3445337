"""Sign-ins of the lab's tenant and domain: as the services list them, and as the connectors read them."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from postwarden.connectors.google import sign_ins as google_sign_ins
from postwarden.connectors.google.requests import REPORTS
from postwarden.connectors.graph import sign_ins as graph_sign_ins
from postwarden.connectors.rest.sign_ins import ReadTo, SignIn, Told
from postwarden.errors import ConnectorError
from postwarden.formats.asked import Asked
from postwarden.lab.cloud import CloudLab
from postwarden.lab.cloud.microsoft_filling import WRONG_PASSWORD
from postwarden.model.reading import Gap
from postwarden.model.scope import source_scope
from tests.lab import google as google_source
from tests.lab import graph as graph_source
from tests.lab.cloud import assert_valid, google_admin, graph

MONTH = timedelta(days=30)
ASKED = Asked(
    scope=source_scope("cloud"), source="cloud", check="sign_ins", observed=datetime(2026, 11, 23, tzinfo=UTC)
)
Read = Callable[[CloudLab, Path, datetime, datetime], Iterator[Told]]


def read_graph(lab: CloudLab, folder: Path, since: datetime, until: datetime) -> Iterator[Told]:
    session = graph_source.source(lab, folder)._service.graph.get()
    return graph_sign_ins.read_sign_ins(session, ASKED, since, until)


def read_google(lab: CloudLab, folder: Path, since: datetime, until: datetime) -> Iterator[Told]:
    made = google_source.source(lab, folder)
    return google_sign_ins.read_sign_ins(made._as(made._admin, REPORTS), ASKED, since, until)


def recent(moment: datetime) -> datetime:
    """Now, where the lab has everything of before."""
    return moment.replace(microsecond=0) + timedelta(seconds=1)


#: A row of the lab, as an event tells it: name, address, milliseconds, stage.
Row = tuple[str, str, int, str]


def of_microsoft(lab: CloudLab) -> list[Row]:
    return [
        (row.user.upn, row.address, int(row.time.timestamp() * 1000), "refused" if row.error else "whole")
        for row in lab.microsoft.state.sign_ins
    ]


def of_google(lab: CloudLab) -> list[Row]:
    stages = {"login_success": "whole", "login_failure": "refused"}
    return [
        (row.actor.email, row.address, int(row.time.timestamp() * 1000), stages[row.name])
        for row in lab.google.state.activities
        if row.application == "login"
    ]


def rows(told: list[Told]) -> list[Row]:
    """What was told, once for each record."""
    found = {one.id: one.access for one in told if isinstance(one, SignIn)}
    return [(one.name, one.address or "", one.time, one.stage) for one in found.values()]


BOTH = pytest.mark.parametrize(
    ("read", "of", "kind"),
    [(read_graph, of_microsoft, "graph.sign_ins"), (read_google, of_google, "google_admin.activities")],
    ids=["graph", "google"],
)


class TestLists:
    """What the services answer by themselves."""

    def test_graph_lists_sign_ins_newest_first(self, running_cloud: CloudLab) -> None:
        """A page has the newest, and page by page every sign-in comes once."""
        items, pages, _ = graph(running_cloud).whole("/v1.0/auditLogs/signIns?$top=100")
        times = [item["createdDateTime"] for item in items]
        assert times == sorted(times, reverse=True)
        assert {item["id"] for item in items} == {row.id for row in running_cloud.microsoft.state.sign_ins}
        assert len(items) == len(running_cloud.microsoft.state.sign_ins) > 400
        assert pages == -(-len(items) // 100)
        assert_valid(running_cloud)

    def test_graph_compares_the_time_of_a_sign_in_in_three_ways(self, running_cloud: CloudLab) -> None:
        """Both bounds of `ge` and `le` are within; other comparisons are refused."""
        client = graph(running_cloud)
        time = client.get("/v1.0/auditLogs/signIns?$top=1")["value"][0]["createdDateTime"]
        for word, count in (("ge", 1), ("eq", 1)):
            items, _, _ = client.whole(f"/v1.0/auditLogs/signIns?$filter=createdDateTime {word} {time}")
            assert len(items) == count
        assert client.ask(f"/v1.0/auditLogs/signIns?$filter=createdDateTime lt {time}")[0] == 400
        assert client.ask("/v1.0/auditLogs/signIns?$top=1001")[0] == 400

    def test_a_tenant_without_the_licence_is_refused(self, running_cloud: CloudLab) -> None:
        """Graph answers 403 with its own code, whatever the token may."""
        running_cloud.microsoft.state.licensed = False
        status, answer = graph(running_cloud).ask("/v1.0/auditLogs/signIns")
        assert status == 403
        assert answer["error"]["code"] == "Authentication_RequestFromNonPremiumTenantOrB2CTenant"

    def test_google_reports_log_ins_between_two_times(self, running_cloud: CloudLab) -> None:
        """The application `login` has successes and failures of people, newest first, with where they came from."""
        client = google_admin(running_cloud)
        path = "/admin/reports/v1/activity/users/all/applications/login"
        items = client.get(path)["items"]
        assert len(items) == len(of_google(running_cloud)) > 150
        assert {event["name"] for item in items for event in item["events"]} == {
            "login_success",
            "login_failure",
        }
        middle = items[50]["id"]["time"]
        late, early = (client.get(f"{path}?{side}={middle}")["items"] for side in ("startTime", "endTime"))
        assert (len(late), len(early)) == (51, len(items) - 50)
        assert (
            items[0]["ipAddress"] != items[-1]["ipAddress"] or len({item["ipAddress"] for item in items}) > 1
        )
        assert_valid(running_cloud)


@BOTH
class TestReading:
    """What the connectors make of it."""

    def test_every_sign_in_is_told_with_all_that_matters(
        self,
        read: Read,
        of: Callable[[CloudLab], list[Row]],
        kind: str,
        running_cloud: CloudLab,
        tmp_path: Path,
    ) -> None:
        """Each record of the month comes once, with name, address, time and whether it was let in."""
        until = recent(graph_source.now())
        told = list(read(running_cloud, tmp_path, until - MONTH, until))
        assert sorted(rows(told)) == sorted(of(running_cloud))
        ats = [one.access.at for one in told if isinstance(one, SignIn)]
        assert len(set(ats)) == len(ats)
        assert_valid(running_cloud)
        assert running_cloud.counts[kind] <= 31

    def test_only_the_time_that_is_asked_for_is_told(
        self,
        read: Read,
        of: Callable[[CloudLab], list[Row]],
        kind: str,
        running_cloud: CloudLab,
        tmp_path: Path,
    ) -> None:
        """Sign-ins before and behind the time are not told, those at its bounds are."""
        times = sorted(time for _, _, time, _ in of(running_cloud))
        since, until = (datetime.fromtimestamp(times[place] / 1000, UTC) for place in (40, -40))
        found = rows(list(read(running_cloud, tmp_path, since, until)))
        assert sorted(time for _, _, time, _ in found) == times[40:-39]

    def test_it_says_how_far_it_has_read(
        self,
        read: Read,
        of: Callable[[CloudLab], list[Row]],
        kind: str,
        running_cloud: CloudLab,
        tmp_path: Path,
    ) -> None:
        """Marks rise to the end of the time; nothing that comes behind a mark is of the time before it."""
        until = recent(graph_source.now())
        told = list(read(running_cloud, tmp_path, until - MONTH, until))
        marks = [one.time for one in told if isinstance(one, ReadTo)]
        assert marks == sorted(set(marks))
        assert marks[-1] == until
        assert len(marks) >= 4
        reached = until - MONTH
        for one in told:
            if isinstance(one, ReadTo):
                reached = one.time
            elif isinstance(one, SignIn):
                assert one.access.time >= reached.timestamp() * 1000

    def test_busy_and_broken_answers_change_nothing(
        self,
        read: Read,
        of: Callable[[CloudLab], list[Row]],
        kind: str,
        running_cloud: CloudLab,
        tmp_path: Path,
    ) -> None:
        """Throttled, cut off and with members that nobody knows yet: the same sign-ins."""
        host, _, name = kind.partition(".")
        running_cloud.faults.add("unavailable", host=host, kind=name, every=3, times=None, retry_after="1")
        running_cloud.faults.add("cut_off", host=host, kind=name, every=5, times=None)
        running_cloud.faults.add("new_members", host=host, kind=name, every=2, times=None)
        until = recent(graph_source.now())
        told = list(read(running_cloud, tmp_path, until - MONTH, until))
        assert sorted(rows(told)) == sorted(of(running_cloud))

    def test_a_listing_that_breaks_off_is_no_whole_one(
        self,
        read: Read,
        of: Callable[[CloudLab], list[Row]],
        kind: str,
        running_cloud: CloudLab,
        tmp_path: Path,
    ) -> None:
        """Where the right goes missing in the middle, the mark stays where it was, and the error says why."""
        host, _, name = kind.partition(".")
        until = recent(graph_source.now())
        reading = read(running_cloud, tmp_path, until - MONTH, until)
        while not isinstance(next(reading), ReadTo):
            pass
        running_cloud.faults.add("forbidden", host=host, kind=name)
        rest: list[Told] = []
        with pytest.raises(ConnectorError) as caught:
            rest.extend(reading)
        assert caught.value.reason == "forbidden"
        assert not [one for one in rest if isinstance(one, ReadTo)]


def test_many_sign_ins_of_a_day_come_in_pages(running_cloud: CloudLab, tmp_path: Path) -> None:
    """More than a page has of one hour is read to its end, each from where it came."""
    first = datetime(2026, 11, 20, 12, tzinfo=UTC)
    user = next(iter(running_cloud.microsoft.state.users))
    someone = next(iter(running_cloud.google.state.users))
    for n in range(2300):
        time, address = first + timedelta(seconds=n), f"28.1.{n // 250}.{n % 250}"
        running_cloud.microsoft.state.sign_in(user, time, address, error=WRONG_PASSWORD if n % 2 else 0)
        running_cloud.google.state.sign_in(someone, time, address, let_in=n % 2 == 0)
    for read, name in ((read_graph, user.upn), (read_google, someone.email)):
        found = rows(list(read(running_cloud, tmp_path, first, first + timedelta(hours=1))))
        mine = {
            (address, stage) for who, address, _, stage in found if who == name and address.startswith("28.")
        }
        assert len(mine) == 2300
        assert ("28.1.0.1", "refused") in mine
    assert running_cloud.counts["graph.sign_ins"] == 3
    assert running_cloud.counts["google_admin.activities"] == 3


def test_sign_ins_of_one_moment_are_each_told(running_cloud: CloudLab, tmp_path: Path) -> None:
    """Two people who sign in at the same time, and one who does so twice, have records that are told apart."""
    moment = datetime(2026, 11, 20, 12, tzinfo=UTC)
    tenant, domain = running_cloud.microsoft.state, running_cloud.google.state
    people, others = list(tenant.users), list(domain.users)
    for place, address in ((0, "28.1.1.1"), (1, "28.1.1.1"), (1, "28.1.1.2")):
        tenant.sign_in(people[place], moment, address)
        domain.sign_in(others[place], moment, address)
    for read in (read_graph, read_google):
        found = rows(list(read(running_cloud, tmp_path, moment, moment + timedelta(seconds=1))))
        assert sorted(address for _, address, _, _ in found if address.startswith("28.")) == [
            "28.1.1.1",
            "28.1.1.1",
            "28.1.1.2",
        ]


def test_graph_says_what_it_does_not_list(running_cloud: CloudLab, tmp_path: Path) -> None:
    """Each reading has the gap of the sign-ins that are not interactive, with what to do."""
    until = recent(graph_source.now())
    (gap,) = [
        one for one in read_graph(running_cloud, tmp_path, until - MONTH, until) if isinstance(one, Gap)
    ]
    assert gap.reason == "unsupported"
    assert gap.part == "sign-ins that are not interactive"
    assert "NonInteractiveUserSignInLogs" in (gap.hint or "")


def test_a_refused_sign_in_says_why(running_cloud: CloudLab, tmp_path: Path) -> None:
    """Entra's error code and words, and Google's type of failure, are the reason; the program is told where it is
    known.
    """
    until = recent(graph_source.now())
    of_graph = [
        one.access
        for one in read_graph(running_cloud, tmp_path, until - MONTH, until)
        if isinstance(one, SignIn)
    ]
    refused = [one for one in of_graph if one.stage == "refused"]
    assert refused
    assert all((one.reason or "").startswith(str(WRONG_PASSWORD)) for one in refused)
    assert all((one.client or "").startswith("Mozilla/") and one.application for one in of_graph)
    of_google = [
        one.access
        for one in read_google(running_cloud, tmp_path, until - MONTH, until)
        if isinstance(one, SignIn)
    ]
    assert {one.reason for one in of_google if one.stage == "refused"} == {"login_failure_invalid_password"}
    assert {one.method for one in of_google} == {"google_password"}


def test_a_tenant_without_the_licence_is_told_what_else_there_is(
    running_cloud: CloudLab, tmp_path: Path
) -> None:
    """The error is none of rights: it names the licence, and the export as the other way."""
    running_cloud.microsoft.state.licensed = False
    until = recent(graph_source.now())
    with pytest.raises(ConnectorError) as caught:
        list(read_graph(running_cloud, tmp_path, until - MONTH, until))
    assert caught.value.reason == "unsupported"
    assert "without Entra ID P1" in caught.value.message
    assert "export sign-ins" in (caught.value.hint or "")
