"""The source kind `graph` from sweep to sweep: what is asked again, how much, and what stays unsaid."""

import logging
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from postwarden.lab.cloud import CloudLab
from postwarden.lab.cloud.microsoft_state import secret
from postwarden.pipeline.collect import Reading
from tests.lab.cloud import StartCloud
from tests.lab.graph import (
    ACCOUNT_READ,
    DOMAIN,
    SOURCE_READ,
    grants,
    named,
    now,
    read,
    read_all,
    source,
    status,
)


@pytest.fixture
def lab(running_cloud: CloudLab) -> CloudLab:
    """A cloud as it is by itself; whatever it is asked and answers fits the schemas."""
    return running_cloud


def test_the_next_sweep_asks_only_for_what_changed(lab: CloudLab, tmp_path: Path) -> None:
    """Added, changed and withdrawn grants are seen by the link of the sweep before, without listing all again."""
    memory: dict[str, Any] = {}
    first = source(lab, tmp_path, memory=memory)
    before = grants(read(first, "haruka.endo"))
    state = lab.microsoft.state
    user = state.user(f"haruka.endo@{DOMAIN}")
    assert user is not None
    gone = next(row for row in state.consents if row.principal == user.id and "Mail.Read" in row.scope)
    state.withdraw(gone.id)
    lab.forget()
    second = source(lab, tmp_path, memory=memory)
    after = grants(read(second, "haruka.endo"))
    assert len(after) == len(before) - 1
    assert lab.counts["graph.grants_delta"] == 1
    fresh = source(lab, tmp_path)
    assert {item.application.id for item in grants(read(fresh, "haruka.endo"))} == {
        item.application.id for item in after
    }


@pytest.mark.parametrize("fault", ["gone", "not_json", "link_elsewhere"])
def test_where_changes_cannot_be_followed_all_is_listed_again(
    fault: str, lab: CloudLab, tmp_path: Path
) -> None:
    """A link that is too old, or an odd answer, costs a full listing; where that fails too it is a gap."""
    memory: dict[str, Any] = {}
    before = grants(read(source(lab, tmp_path, memory=memory), "haruka.endo"))
    lab.faults.add(fault, kind="grants_delta")
    again = source(lab, tmp_path, memory=memory)
    found = read(again, "haruka.endo")
    if fault == "link_elsewhere":
        assert lab.strays == ()
    assert len(grants(found)) in {len(before), 0}
    assert (status(found)["grants"] == "read") is (len(grants(found)) == len(before))
    third = grants(read(source(lab, tmp_path, memory=memory), "haruka.endo"))
    assert len(third) == len(before)


def test_a_day_later_all_is_listed_again(lab: CloudLab, tmp_path: Path) -> None:
    """Changes alone are not trusted for longer than a day."""
    memory: dict[str, Any] = {}
    read(source(lab, tmp_path, memory=memory), "haruka.endo")
    pages = lab.counts["graph.grants_delta"]
    lab.forget()
    read(source(lab, tmp_path, memory=memory, clock=lambda: now() + timedelta(hours=25)), "haruka.endo")
    assert lab.counts["graph.grants_delta"] == pages
    lab.forget()
    read(source(lab, tmp_path, memory=memory, clock=lambda: now() + timedelta(hours=26)), "haruka.endo")
    assert lab.counts["graph.grants_delta"] == 1


def test_a_new_key_shows_in_the_next_sweep(lab: CloudLab, tmp_path: Path) -> None:
    """A secret that was added since is on the application, with when and by whom."""
    state = lab.microsoft.state
    app = next(one for one in lab.organisation.applications if one.key == "graph")
    before = read_all(source(lab, tmp_path))
    state.add_key(app.id, secret("backdoor", now()), by=state.user(f"sara.lindqvist@{DOMAIN}"))
    after = read_all(source(lab, tmp_path))
    added = {one.application.id for one in grants(after, "applications")} - {
        one.application.id for one in grants(before, "applications")
    }
    assert added == {app.id}
    (key,) = named(grants(after, "applications"), "Microsoft Graph").application.credentials
    assert (key.name, key.added_by) == ("backdoor", f"sara.lindqvist@{DOMAIN}")


# --- How much is asked ---


def test_a_tenant_costs_no_more_requests_than_its_pages(start_cloud: StartCloud, tmp_path: Path) -> None:
    """2,000 people and 12,000 grants: at most a fifth more requests than the fewest that paging allows."""
    lab = start_cloud(users=2_000, grants=12_000)
    state = lab.microsoft.state
    made = source(lab, tmp_path)
    found = read_all(made)
    assert status(found) == SOURCE_READ

    def pages(rows: int, size: int = 999) -> int:
        return max(1, -(-rows // size))

    resources = sum(
        row.app_id in {"00000003-0000-0000-c000-000000000000", "00000002-0000-0ff1-ce00-000000000000"}
        for row in state.principals
    )
    owned = -(-(len(state.principals) + len(state.registrations)) // 20)
    fewest = (
        pages(len(state.users))
        + pages(len(state.principals))
        + pages(len(state.registrations))
        + pages(len(state.consents))
        + resources
        + pages(len(state.audits), 1000)
        + owned
    )
    sent = sum(count for name, count in lab.counts.items() if name.startswith("graph."))
    assert sent <= fewest * 1.2


def test_outlook_is_asked_four_at_a_time(lab: CloudLab, tmp_path: Path) -> None:
    """However many threads read, no more than four requests to mailboxes are there at once: none is turned away."""
    made = source(lab, tmp_path)
    names = [person.login.partition("@")[0] for person in made.accounts()][:24]
    read_all(made)
    lab.forget()
    lab.latency = 0.02
    found: list[Reading] = []
    threads = [
        threading.Thread(target=lambda part=part: found.extend(read(made, name) for name in part))
        for part in (names[start::8] for start in range(8))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 24
    assert all(status(one) == ACCOUNT_READ for one in found)
    assert not [one for one in lab.requests if one.status == 429]
    assert lab.counts["graph.batch"] == 24


def test_nothing_but_reading_left(lab: CloudLab, tmp_path: Path) -> None:
    """All that arrived is on the list of what may be asked, with low priority, and never a token in a log."""
    made = source(lab, tmp_path, exchange_cmdlets=True)
    read_all(made)
    read(made, "oliver.brandt")
    assert {(one.method, one.kind) for one in lab.requests if one.method != "GET"} == {
        ("POST", "token"), ("POST", "batch"), ("POST", "invoke_command"),
    }  # fmt: skip
    assert lab.problems == ()
    for one in lab.requests:
        if one.host == "graph" and one.part is None:
            assert (
                one.headers.get("x-ms-throttle-priority", one.headers.get("X-Ms-Throttle-Priority", "Low"))
                == "Low"
            )


def test_no_log_has_what_was_said(
    lab: CloudLab, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """With debugging on, neither tokens nor secrets nor people's names are logged."""
    with caplog.at_level(logging.DEBUG):
        made = source(lab, tmp_path)
        read_all(made)
        read(made, "oliver.brandt")
    token = made._service.token().reveal()
    said = caplog.text + "".join(capfd.readouterr())
    for word in (token, lab.microsoft.client_secret, "oliver.brandt", "eyJ"):
        assert word not in said
