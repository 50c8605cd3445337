"""The daemon over a live Dovecot: it sweeps, is told things, and is beside others."""

import fcntl
import json
import os
import random
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from postwarden import lab
from tests.scenarios.conftest import Workplace, make_workplace
from tests.scenarios.test_audit import planted

NAOMI = "naomi.sato@kitano-works.example"
BROKEN = "title: nothing\n"
RULE = """\
title: A word of the test
id: 5a4f3b0e-2f4e-4f0e-9d57-0d2f4d1c7f10
description: A script that is called like a webmail's.
logsource: {product: postwarden, category: mail_flow}
detection:
  some:
    name|contains: roundcube
  condition: some
level: low
"""


def quick(place: Workplace, interval: int = 4) -> Workplace:
    """The workplace with a short interval, and a folder for rules of its own."""
    text = place.config.read_text()
    if "[daemon]" not in text:
        (place.folder / "own").mkdir(mode=0o700)
        text = text.replace(
            "[[source]]",
            f'[daemon]\ninterval = {interval}\ndisk_low = 0\n[rules]\nfolders = ["own"]\n[[source]]',
            1,
        )
        place.config.write_text(text)
    return place


@contextmanager
def running(place: Workplace, **environment: str) -> Iterator["subprocess.Popen[str]"]:
    """The daemon at work; its log goes to a file, and it is killed if the test ends before it."""
    with (place.folder / "log").open("a") as log:
        process = subprocess.Popen(
            [*place.command("run")], stderr=log, text=True, cwd=place.folder,
            env={**os.environ, **environment},
        )  # fmt: skip
        try:
            yield process
        except AssertionError as exc:
            said = (place.folder / "log").read_text(errors="replace").splitlines()
            exc.add_note("\n".join(["the daemon's last words:", *said[-20:]]))
            raise
        finally:
            process.kill()
            process.wait()


def until(
    what: Callable[[], object], seconds: float = 40, *, told: Callable[[], object] = lambda: ""
) -> None:
    """Waits until `what` gives something true; `told` says where it stands if it does not come to that."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, f"it did not come to pass: {told()}"
        time.sleep(0.1)


def events(place: Workplace) -> list[dict[str, Any]]:
    """What the daemon logged."""
    lines = (place.folder / "log").read_text().splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]


def logged(place: Workplace, event: str) -> Callable[[], int]:
    return lambda: sum(one["event"] == event for one in events(place))


def swept(place: Workplace) -> set[str]:
    """The accounts that were audited to the end."""
    return {
        record["scope"]["key"]
        for record in place.records()
        if record["kind"] == "audit_finished" and record["scope"]["kind"] == "account"
    }


def names(place: Workplace) -> set[tuple[str, str]]:
    """Account and rule of what stands open, but for what the lab's master user always is."""
    return {
        (account, rule)
        for account, rule, status in place.findings()
        if status == "open" and rule != "rights_beyond_need"
    }


def stop(process: "subprocess.Popen[str]") -> float:
    """Seconds that a stop took."""
    begin = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=20) == 0
    return time.monotonic() - begin


def _listen(systemd: socket.socket, heard: list[bytes]) -> None:
    with suppress(OSError):
        while data := systemd.recv(4096):
            heard.append(data)


def test_everything_is_swept_and_systemd_told(workplace: Workplace, dovecot: lab.Lab, tmp_path: Path) -> None:
    """READY, STATUS and WATCHDOG reach systemd, every account is audited, and SIGTERM ends it within ten seconds."""
    quick(workplace)
    address = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(address))
        heard: list[bytes] = []
        threading.Thread(target=_listen, args=(systemd, heard), daemon=True).start()
        with running(workplace, NOTIFY_SOCKET=str(address), WATCHDOG_USEC="3000000") as process:
            until(lambda: any(b"WATCHDOG=1" in one for one in heard))
            until(lambda: len(swept(workplace)) == len(dovecot.accounts))
            assert stop(process) < 10
        until(lambda: any(b"STOPPING=1" in one for one in heard))
    assert heard[0].startswith(b"READY=1\nSTATUS=")
    assert any(b"STATUS=28 accounts" in one for one in heard)
    assert names(workplace) == planted(dovecot)
    assert workplace.run("verify").code == 0
    starts = [record for record in workplace.records() if record["kind"] == "sweep_started"]
    assert {scope["key"] for record in starts for scope in record["scopes"]} >= swept(workplace)


def test_status_says_what_is_due_and_who_runs(workplace: Workplace, dovecot: lab.Lab) -> None:
    """Beside the daemon, `status` shows each source's accounts, and without one it exits 3."""
    quick(workplace)
    assert workplace.run("status").code == 3
    with running(workplace) as process:
        until(lambda: len(swept(workplace)) == len(dovecot.accounts))
        done = workplace.run("status", "--json")
        (daemon,) = done.of("daemon")
        assert daemon["pid"] == process.pid
        for source in done.of("source"):
            assert source["accounts"] == len(dovecot.accounts)
            assert source["never"] == source["failing"] == 0
            assert source["clean_since"] is not None
        other = workplace.run("run")
        assert other.code == 2
        assert "at work on this state folder already" in other.err
        stop(process)
    assert workplace.run("status").code == 3


def test_notifiers_are_told_while_it_runs(workplace: Workplace, dovecot: lab.Lab) -> None:
    """Each finding that a sweep opens reaches the command, once, and one that fails holds nobody up."""
    keeps, fails = workplace.folder / "keeps", workplace.folder / "fails"
    keeps.write_text(f"#!/bin/sh\ncat >> '{workplace.folder}/told'\n")
    fails.write_text("#!/bin/sh\nexit 1\n")
    for script in (keeps, fails):
        script.chmod(0o700)
    quick(workplace)
    with workplace.config.open("a") as config:
        for script in (fails, keeps):
            config.write(f'\n[[notify]]\nname = "{script.name}"\nkind = "command"\ncommand = ["{script}"]\n')
    told = workplace.folder / "told"
    with running(workplace) as process:
        until(lambda: names(workplace) >= planted(dovecot))
        until(lambda: told.exists() and len(told.read_text().splitlines()) >= len(planted(dovecot)))
        until(logged(workplace, "notice_failed"))
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    keys = [json.loads(line)["key"] for line in told.read_text().splitlines()]
    assert len(keys) == len(set(keys))
    assert workplace.run("verify").code == 0


def test_a_broken_configuration_is_refused_and_a_mended_one_taken_up(workplace: Workplace) -> None:
    """After SIGHUP with a broken rule the old rules go on, a finding says so, and a mended one is in force."""
    quick(workplace)
    own = workplace.folder / "own" / "mine.yml"
    with running(workplace) as process:
        until(logged(workplace, "started"))
        own.write_text(BROKEN)
        process.send_signal(signal.SIGHUP)
        until(lambda: "configuration_refused" in {rule for _, rule in names(workplace)})
        assert workplace.run("status", "--json").of("daemon")[0]["configuration_refused"]
        own.write_text(RULE)
        process.send_signal(signal.SIGHUP)
        until(lambda: (NAOMI, "mine") in names(workplace))
        until(lambda: "configuration_refused" not in {rule for _, rule in names(workplace)})
        stop(process)
    changes = [record["rules"] for record in workplace.records() if record["kind"] == "configuration_changed"]
    assert len(changes) == len(set(changes)) == 2


def test_a_secret_that_changes_on_the_disk_is_taken_up(
    own_workplace: Workplace, own_dovecot: lab.Lab
) -> None:
    """A refused log-in is tried once and more seldom then, is a finding, and a mended secret is used by itself."""
    place = quick(own_workplace, interval=5)
    master = own_dovecot.master
    assert master is not None
    with running(place) as process:
        until(lambda: len(swept(place)) == len(own_dovecot.accounts))
        own_dovecot.set_password(master.login, "another")
        until(lambda: "credential_refused" in {rule for _, rule in names(place)})
        time.sleep(8)
        refusals = sum("auth failed" in line or "Auth failed" in line for line in own_dovecot.log_lines())
        # Three accounts in a row, at each of two sources, then one a pass; not each of 28 accounts in each interval.
        assert refusals <= 12, "a refused log-in is hammered"
        (place.folder / "secrets").write_text("another\n")
        until(lambda: "credential_refused" not in {rule for _, rule in names(place)})
        assert stop(process) < 10
    assert planted(own_dovecot) <= names(place)
    assert "finding_resolved" not in {
        record["kind"] for record in place.records() if record.get("id") in _planted_ids(place)
    }


def _planted_ids(place: Workplace) -> set[str]:
    return {
        record["finding"]["id"]
        for record in place.records()
        if record["kind"] == "finding_opened" and record["finding"]["scope"]["kind"] == "account"
    }


def test_a_ledger_that_is_not_sound_stops_it(workplace: Workplace) -> None:
    """Once a record is changed behind its back, the daemon ends with 4, says why, and writes nothing more."""
    quick(workplace)
    with running(workplace) as process:
        until(lambda: len(swept(workplace)) > 3)
        checkpoint = workplace.ledger / "checkpoint"
        with (workplace.ledger / "lock").open("rb") as lock:
            # Between two commits: the next would put a sound checkpoint over it.
            fcntl.flock(lock, fcntl.LOCK_EX)
            changed = checkpoint.read_bytes().replace(b"postwarden/demo\n", b"postwarden/dema\n", 1)
            checkpoint.write_bytes(changed)
        assert process.wait(timeout=30) == 4
    assert "stopped" in {one["event"] for one in events(workplace)}
    assert "not sound" in (workplace.folder / "log").read_text()


def test_audits_and_acknowledgements_beside_a_sweeping_daemon(workplace: Workplace, dovecot: lab.Lab) -> None:
    """While the daemon sweeps, 20 audits and 50 acknowledgements get their turn, and each finding is opened once."""
    quick(workplace, interval=6)
    assert workplace.run("audit", "--all").code == 1
    ids = [one["finding"]["id"] for one in workplace.run("findings", "list", "--json").of("finding")]
    chance = random.Random(11)
    with running(workplace) as process:
        until(logged(workplace, "started"))
        jobs: list[tuple[str, ...]] = [
            ("audit", "--account", chance.choice(dovecot.accounts).login) for _ in range(20)
        ]
        jobs += [
            ("findings", "ack", chance.choice(ids), "--reason", f"asked, number {number}")
            for number in range(50)
        ]
        chance.shuffle(jobs)
        under_way = [workplace.start(*job) for job in jobs[:6]]
        for job in jobs[6:] + [()] * 6:
            one = under_way.pop(0)
            out, err = one.communicate(timeout=110)
            assert one.returncode in {0, 1}, (out, err)
            if job:
                under_way.append(workplace.start(*job))
        until(lambda: len(swept(workplace)) == len(dovecot.accounts))
        assert stop(process) < 10
    records = workplace.records()
    opened = [record["finding"]["id"] for record in records if record["kind"] == "finding_opened"]
    assert len(opened) == len(set(opened))
    acks = [record["reason"] for record in records if record["kind"] == "finding_acknowledged"]
    assert sorted(acks) == sorted(f"asked, number {number}" for number in range(50))
    assert len({record["run"] for record in records if record["kind"] == "audit_finished"}) == 22
    assert workplace.run("verify").code == 0
    assert "not_recorded" not in {one["event"] for one in events(workplace)}


def test_a_stalled_server_does_not_hold_up_the_end(tmp_path: Path, dovecot: lab.Lab) -> None:
    """With a reader waiting for a server that says nothing, SIGTERM still ends the daemon within ten seconds."""
    place = make_workplace(dovecot)
    with socket.create_server((dovecot.host, 0)) as mute:
        place.change(f"port = {dovecot.imaps_port}", f"port = {mute.getsockname()[1]}\ntimeout = 60")
        quick(place)
        with running(place) as process:
            until(lambda: place.run("status", "--json").of("daemon")[0]["reading"])
            assert stop(process) < 10
    assert place.run("verify").code == 0


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGTERM])
def test_whoever_was_swept_is_not_swept_again_after_a_restart(
    workplace: Workplace, sign: signal.Signals
) -> None:
    """Due times come from the ledger: a new daemon goes on where the last one ended."""
    quick(workplace, interval=60)
    workplace.run("audit", "--all")
    with running(workplace) as process:
        until(logged(workplace, "started"))
        time.sleep(3)
        process.send_signal(sign)
        process.wait(timeout=20)
    with running(workplace) as process:
        until(lambda: logged(workplace, "started")() == 2)
        time.sleep(3)
        stop(process)
    finished = [
        record["scope"]["key"]
        for record in workplace.records()
        if record["kind"] == "audit_finished" and record["scope"]["kind"] == "account"
    ]
    assert len(finished) == len(set(finished))
