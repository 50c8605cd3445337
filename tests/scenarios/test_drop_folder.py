"""A forwarding on the mail host, from the user's home to the ledger and back."""

import grp
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scenarios.conftest import Workplace


@pytest.fixture
def place() -> Iterator[Workplace]:
    """A mail host with one user, its collector, and an audit of what that brings."""
    # Not below pytest's folder: its name may be a link, which the collector does not follow.
    folder = Path(tempfile.mkdtemp(prefix="postwarden-drop-")).resolve()
    for name in ("drop", "collector", "homes/alice"):
        (folder / name).mkdir(parents=True, mode=0o700)
    me, group = os.geteuid(), grp.getgrgid(os.getegid()).gr_name
    (folder / "passwd").write_text(f"alice:x:{me}:{me}::{folder}/homes/alice:/bin/sh\n")
    (folder / "collect.toml").write_text(
        f'drop = "{folder}/drop"\nstate = "{folder}/collector"\ngroup = "{group}"\n'
        f'[users]\nfiles = ["{folder}/passwd"]\nmin_uid = 0\nmax_uid = 70000\n'
        '[[files]]\nkind = "forward"\npath = "%h/.forward"\n'
    )
    (folder / "agent.toml").write_text(
        '[organisation]\ninternal_domains = ["example.org"]\n[accounts]\nlist = ["alice"]\ndomain = "example.org"\n'
        '[ledger]\norigin = "test/drop"\n[state]\nfolder = "state"\n'
        '[[source]]\nname = "host"\nkind = "drop_folder"\npath = "drop"\nmax_age = 1\n'
    )
    made = Workplace(folder)
    assert made.run("init").code == 0
    yield made
    shutil.rmtree(folder)


def collect(place: Workplace) -> None:
    assert place.run("collect", "--config", str(place.folder / "collect.toml")).code == 0


def test_a_forwarding_on_the_mail_host_is_found_and_its_end_is_noticed(place: Workplace) -> None:
    """Not clean before anything was collected; found, still found without news, and resolved once it is gone."""
    assert place.run("audit", "--all").code == 3
    forward = place.folder / "homes" / "alice" / ".forward"
    forward.write_text("\\alice, alice.private@elsewhere.example\n")
    collect(place)
    first = place.run("audit", "--all", "--json")
    assert first.code == 1
    found = {one["finding"]["name"]: one["finding"] for one in first.of("finding")}
    assert set(found) == {"external_redirect_everything", "external_redirect_silent"}
    assert any("the active file" in why for why in found["external_redirect_everything"]["why"])
    again = place.run("audit", "--all", "--json")
    assert (again.code, len(again.of("finding"))) == (1, 2)
    forward.unlink()
    collect(place)
    assert place.run("audit", "--all").code == 0
    assert place.run("verify").code == 0
    kinds = [record["kind"] for record in place.records()]
    assert (kinds.count("finding_opened"), kinds.count("finding_resolved")) == (2, 2)
    assert len(list((place.folder / "drop" / "done" / "alice").iterdir())) == 2


def test_a_drop_that_has_ended_is_never_clean(place: Workplace) -> None:
    """Once the newest is too old the audit is incomplete, what was found stays open, and what was empty is not clean."""
    old = place.folder / "drop" / "alice" / "a.forward"
    old.parent.mkdir()
    old.write_text("\\alice, alice.private@elsewhere.example\n")
    yesterday = time.time() - 86_400
    os.utime(old, (yesterday, yesterday))
    first = place.run("audit", "--all", "--json")
    assert first.code == 1
    assert [
        row["coverage"]["status"]
        for row in first.of("coverage")
        if row["coverage"]["check"] == "forward_files"
    ] == ["gap"]
    (done,) = (place.folder / "drop" / "done" / "alice").iterdir()
    done.write_text("")
    os.utime(done, (yesterday, yesterday))
    second = place.run("audit", "--all", "--json")
    assert second.code == 1
    assert [one["status"] for one in second.of("finding")] == ["open", "open"]
    assert "finding_resolved" not in [record["kind"] for record in place.records()]
