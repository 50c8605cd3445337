"""A life of the daemon: servers go and come back, credentials change, the clock jumps, rules break, it is killed."""

import itertools
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from postwarden import lab
from postwarden.findings.due import period
from tests.scenarios.conftest import Workplace, make_workplace
from tests.scenarios.gate import Gate
from tests.scenarios.test_daemon import BROKEN, RULE, quick, until

LONG = bool(os.environ.get("POSTWARDEN_LONG"))
#: Seconds of trouble, and kills in them: the whole, or a tenth.
TROUBLE, KILLS = (300, 20) if LONG else (30, 2)
#: Seconds from sweep to sweep as the daemon promises it, and what the machine may add to that while it is calm.
INTERVAL, SLACK = 6, 3.0
#: Seconds that a trouble lasts, and after which nothing is under way any more that began before it.
LASTS, SETTLED = 5.0, 2.5


@dataclass
class Life:
    """A daemon that is started again and again, and what is done to it."""

    place: Workplace
    server: lab.Lab
    gates: tuple[Gate, ...]
    chance: random.Random
    process: "subprocess.Popen[str] | None" = None
    #: Ranges of records that were written while nothing could be read.
    blind: list[tuple[int, int]] = field(default_factory=list)
    #: How many records there were at each jump of the clock.
    jumps: list[int] = field(default_factory=list)
    planted: list[tuple[str, str]] = field(default_factory=list)
    offset: int = 0
    secret: int = 0

    @property
    def clock(self) -> Path:
        return self.place.folder / "offset"

    def size(self) -> int:
        """How many records the checkpoint covers."""
        return int((self.place.ledger / "checkpoint").read_bytes().split(b"\n")[1])

    def start(self) -> None:
        log = (self.place.folder / "log").open("a")
        command = [
            sys.executable,
            "-m",
            "tests.scenarios.clocked_daemon",
            str(self.place.config),
            str(self.clock),
        ]
        self.process = subprocess.Popen(command, stderr=log, text=True)
        log.close()

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self.start()

    def is_up(self) -> bool:
        """Whether the process that was last started has begun to sweep."""
        path = self.place.folder / "state" / "running.json"
        return self.process is not None and path.exists() and f'"pid":{self.process.pid},' in path.read_text()

    def reload(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGHUP)

    def server_goes_away(self) -> None:
        for gate in self.gates:
            gate.shut()
        self._blind(LASTS)
        for gate in self.gates:
            gate.open()

    def credential_changes(self) -> None:
        master = self.server.master
        assert master is not None
        self.secret += 1
        self.server.set_password(master.login, f"secret {self.secret}")
        self._blind(LASTS)
        (self.place.folder / "secrets").write_text(f"secret {self.secret}\n")

    def _blind(self, seconds: float) -> None:
        time.sleep(SETTLED)
        begin = self.size()
        time.sleep(seconds - SETTLED)
        self.blind.append((begin, self.size()))

    def clock_jumps(self) -> None:
        self.jumps.append(self.size())
        self.offset += self.chance.choice([-86_400, -3600, -60, 60, 3600, 86_400])
        new = self.clock.with_suffix(".new")
        new.write_text(str(self.offset))
        new.rename(self.clock)
        time.sleep(1)
        self.jumps.append(self.size())

    def rules_break_and_are_mended(self) -> None:
        # One that begins while they are broken does not begin at all, and is the service manager's to start again.
        until(self.is_up)
        own = self.place.folder / "own" / "mine.yml"
        own.write_text(BROKEN)
        self.reload()
        time.sleep(1)
        own.write_text(RULE)
        self.reload()

    def something_is_planted(self) -> None:
        """An intruder's script, in an account that was clean until now and stays as it is from now on."""
        taken = {address for address, _ in self.planted}
        free = [
            account.login
            for account in self.server.accounts
            if account.addresses[0] not in taken and account.role == "ordinary"
        ]
        if free:
            login = self.chance.choice(free)
            self.server.put_script(login, "planted", 'redirect "out@elsewhere.example";\r\n', active=True)
            for rule in ("external_redirect_everything", "external_redirect_no_copy"):
                self.planted.append((self.server.account(login).addresses[0], rule))


@pytest.fixture
def life(own_dovecot: lab.Lab) -> Iterator[Life]:
    """A daemon over a lab that it reaches through gates."""
    gates = (Gate(own_dovecot.host, own_dovecot.imaps_port), Gate(own_dovecot.host, own_dovecot.sieve_port))
    place = quick(make_workplace(own_dovecot), INTERVAL)
    place.change(f"port = {own_dovecot.imaps_port}", f"port = {gates[0].port}\ntimeout = 5")
    place.change(f"port = {own_dovecot.sieve_port}", f"port = {gates[1].port}\ntimeout = 5")
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    made = Life(place, own_dovecot, gates, random.Random(seed))
    made.clock.write_text("0")
    yield made
    assert made.process is not None
    made.process.kill()
    made.process.wait()
    for gate in gates:
        gate.shut()
    shutil.rmtree(place.folder)


@pytest.mark.timeout(900)
def test_nobody_is_forgotten_and_nothing_is_clean_unread(life: Life) -> None:
    """After all kinds of trouble every account is swept as promised, each finding is there once, all is sound."""
    life.start()
    until(lambda: life.size() > 30)
    every = [
        life.server_goes_away,
        life.credential_changes,
        life.clock_jumps,
        life.rules_break_and_are_mended,
        life.something_is_planted,
    ]
    end = time.monotonic() + TROUBLE
    left, kills = list(every), KILLS
    while time.monotonic() < end or left:
        trouble = left.pop(life.chance.randrange(len(left))) if left else life.chance.choice(every)
        trouble()
        time.sleep(life.chance.uniform(0, 2))
        if kills and life.chance.random() < KILLS / (TROUBLE / 4):
            life.kill()
            kills -= 1
    for _ in range(kills):
        time.sleep(life.chance.uniform(0.5, 3))
        life.kill()
    until(life.is_up)
    time.sleep(3)
    calm = life.size()
    time.sleep(3 * INTERVAL)
    assert life.process is not None
    life.process.send_signal(signal.SIGTERM)
    assert life.process.wait(timeout=20) == 0, (life.place.folder / "log").read_text()[-3000:]
    _judge(life, life.place.records(), calm)


def _judge(life: Life, records: list[dict[str, Any]], calm: int) -> None:
    assert life.place.run("verify").code == 0
    finished = [
        (index, record)
        for index, record in enumerate(records)
        if record["kind"] == "audit_finished" and record["scope"]["kind"] == "account"
    ]
    _assert_everybody_is_swept(life, finished, calm)
    _assert_nothing_was_clean_unread(life, finished)
    opened = [record["finding"] for record in records if record["kind"] == "finding_opened"]
    assert len({one["id"] for one in opened}) == len(opened)
    by_login = {account.login: account.addresses[0] for account in life.server.accounts}
    expected = {(by_login[one.account], one.rule) for one in life.server.organisation.findings["dovecot"]}
    expected |= set(life.planted)
    about = {one["id"]: one for one in opened if one["scope"]["kind"] == "account"}
    addresses = {f"login:{login}": address for login, address in by_login.items()}
    found = [(addresses[one["scope"]["key"]], one["name"]) for one in about.values() if one["name"] != "mine"]
    assert sorted(found) == sorted(expected)
    # Nobody mended anything: whatever could not be read, no finding was taken for gone; but rules came and went.
    resolved = {record["id"] for record in records if record["kind"] == "finding_resolved"}
    assert not [one["name"] for one in about.values() if one["id"] in resolved]


def _assert_everybody_is_swept(life: Life, finished: list[tuple[int, dict[str, Any]]], calm: int) -> None:
    keys = {f"login:{account.login}" for account in life.server.accounts}
    assert {record["scope"]["key"] for index, record in finished if index >= calm} == keys
    for key in keys:
        mine = [(index, record) for index, record in finished if record["scope"]["key"] == key]
        for (before, one), (after, other) in itertools.pairwise(mine):
            if any(before <= jump <= after for jump in life.jumps):
                continue
            waited = _seconds(other) - _seconds(one)
            assert waited >= period(INTERVAL) / 3 - 0.1, f"{key} was swept twice"
            if before >= calm:
                assert waited <= INTERVAL + SLACK, f"{key} was swept late"


def _assert_nothing_was_clean_unread(life: Life, finished: list[tuple[int, dict[str, Any]]]) -> None:
    blind = [record for index, record in finished if any(begin <= index < end for begin, end in life.blind)]
    assert not [
        (record["scope"]["key"], row["check"])
        for record in blind
        for row in record["coverage"]
        if row["status"] != "gap"
    ]
    if len(life.blind) > 2:
        assert blind


def _seconds(record: dict[str, Any]) -> float:

    return datetime.fromisoformat(record["time"]).timestamp()
