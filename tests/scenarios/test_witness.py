"""An old state folder is put back, and hosts witness each other: nothing is signed that others would contradict."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from tlog_scales.signing import Vkey
from tlog_scales.tlog import Checkpoint

from postwarden import lab
from postwarden.cli.demo import write_configuration
from postwarden.lab import certificates
from postwarden.lab.ports import free_endpoints
from postwarden.ledger.cosignature import find_cosignature, parse_cosigner
from postwarden.ledger.note import parse_note
from tests.scenarios.conftest import Workplace
from tests.scenarios.journal_files import REMOTE, JournalFiles
from tests.scenarios.test_daemon import quick, running, until

NAOMI = "naomi.sato@kitano-works.example"


def make_named(dovecot: lab.Lab, name: str) -> tuple[Workplace, str]:
    """A workplace whose ledger has this name, and the ledger's first key."""
    folder = Path(tempfile.mkdtemp(prefix="postwarden-scenario-"))
    write_configuration(folder, dovecot)
    place = Workplace(folder)
    place.change("postwarden/demo", f"postwarden/{name}.example")
    done = place.run("init")
    assert done.code == 0
    return place, done.out.strip()


@contextmanager
def witnessing(folder: Path, name: str, log: str, *, tls: certificates.Certificates) -> Iterator[str]:
    """A witness as its own process: what a configuration says of it."""
    ports = free_endpoints()
    port = ports.imap
    command = [
        sys.executable, "-m", "postwarden", "witness", "--listen", f"127.0.0.1:{port}", "--state", str(folder),
        "--name", name, "--log", log, "--tls-certificate", str(tls.certificate_file), "--tls-key", str(tls.key_file),
    ]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    try:
        key = process.stdout.readline().strip()
        url = f"https://localhost:{port}"
        yield f'\n[[ledger.witness]]\nurl = "{url}"\nkey = "{key}"\nca_file = "{tls.ca_file}"\n'
    finally:
        process.send_signal(signal.SIGTERM)
        code = process.wait(20)
        process.stdout.close()
        ports.give_back()
    assert code == 0


def configure(place: Workplace, text: str) -> None:
    place.config.write_text(place.config.read_text() + text)


def sealed(place: Workplace) -> tuple[bytes, int]:
    """The checkpoint, and the bytes of the records."""
    return (place.ledger / "checkpoint").read_bytes(), sum(
        each.stat().st_size for each in (place.ledger / "records").iterdir()
    )


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> certificates.Certificates:
    return certificates.make(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def places(dovecot: lab.Lab) -> Iterator[tuple[tuple[Workplace, str], tuple[Workplace, str]]]:
    """Two hosts, each with a ledger of its own."""
    made = make_named(dovecot, "a"), make_named(dovecot, "b")
    yield made
    for place, _ in made:
        shutil.rmtree(place.folder)


@pytest.fixture
def one(dovecot: lab.Lab) -> Iterator[tuple[Workplace, str]]:
    place, key = make_named(dovecot, "a")
    yield place, key
    shutil.rmtree(place.folder)


def test_two_hosts_witness_each_other(
    places: tuple[tuple[Workplace, str], tuple[Workplace, str]], tls: certificates.Certificates
) -> None:
    """Each host's audit is cosigned by the other's witness, and alarms carry the cosigned checkpoint."""
    (a, key_a), (b, key_b) = places
    script = a.folder / "tell"
    script.write_text(f"#!/bin/sh\ncat >> '{a.folder}/told'\n")
    script.chmod(0o700)
    with (
        witnessing(a.folder / "witness", "a.example/witness", key_b, tls=tls) as at_a,
        witnessing(b.folder / "witness", "b.example/witness", key_a, tls=tls) as at_b,
    ):
        configure(a, at_b)
        configure(b, at_a)
        configure(
            a, f'\n[[notify]]\nname = "keep"\nkind = "command"\nlevel = "low"\ncommand = ["{script}"]\n'
        )
        for place, told in ((a, at_b), (b, at_a)):
            assert place.run("audit", "--account", NAOMI).code == 1
            witness = told.split('key = "')[1].split('"')[0]
            cosigned = [each.read_bytes() for each in sorted((place.ledger / "witnessed").iterdir())]
            assert cosigned
            for content in cosigned:
                assert find_cosignature(content, parse_cosigner(witness)) is not None
                Checkpoint.from_text(content.decode()).verify(Vkey.from_string(witness))
            lines = place.run("status", "--json").of("checkpoint_place")
            assert [(each["failure"], each["size"] > 0) for each in lines] == [(None, True)]
            assert place.run("verify").code == 0
        first = (a.folder / "told").read_text().splitlines()[0]
        assert parse_note(cosigned_in(first)).signatures[-1].name == "b.example/witness"


def cosigned_in(line: str) -> bytes:
    return str(json.loads(line)["checkpoint"]).encode()


def test_a_witness_that_is_away_is_said_and_no_reason_to_stop(
    one: tuple[Workplace, str], tls: certificates.Certificates
) -> None:
    """Without its witness an audit is recorded all the same, warns, and status names the witness."""
    place, key = one
    with witnessing(place.folder / "witness", "b.example/witness", key, tls=tls) as told:
        configure(place, told)
    done = place.run("audit", "--account", NAOMI)
    assert done.code == 1
    assert "checkpoint_not_out" in done.err
    (line,) = place.run("status", "--json").of("checkpoint_place")
    assert line["place"] == "the witness b.example/witness"
    assert line["failure"]
    # It is sound by itself, and one that was to be asked could not be.
    assert place.run("verify").code == 3
    assert place.run("verify", str(place.ledger)).code == 0


class Memories:
    """The ways to remember, each set up for a workplace; what is given back says who remembers, in an error."""

    def __init__(self, stack: ExitStack, tls: certificates.Certificates) -> None:
        self._stack, self._tls = stack, tls

    def witness(self, place: Workplace, key: str) -> tuple[str, Callable[[], object]]:
        folder = place.folder / "witness"
        told = self._stack.enter_context(witnessing(folder, "b.example/witness", key, tls=self._tls))
        configure(place, told)
        return "the witness b.example/witness", lambda: None

    def file(self, place: Workplace, _: str) -> tuple[str, Callable[[], object]]:
        elsewhere = place.folder / "elsewhere"
        elsewhere.mkdir()
        configure(place, f'\n[ledger.checkpoints]\nfile = "{elsewhere}/checkpoint"\n')
        return f"the file {elsewhere}/checkpoint", lambda: None

    def journal(self, place: Workplace, _: str) -> tuple[str, Callable[[], object]]:
        if not REMOTE.exists():
            pytest.skip("systemd-journal-remote is not installed")
        journal = JournalFiles(place.folder / "journal")
        self._stack.callback(journal.close)
        configure(place, f'\n[ledger.checkpoints]\nlog = "journal"\nsocket = "{journal.socket}"\n')
        place.environment["PATH"] = f"{journal.programs}:{os.environ['PATH']}"
        return "the journal", journal.write


@pytest.mark.parametrize("kind", ["witness", "file", "journal"])
def test_an_old_state_is_stopped_before_anything_is_signed(
    one: tuple[Workplace, str], tls: certificates.Certificates, kind: str
) -> None:
    """Whoever puts an old state folder back is stopped with exit code 4 and both sizes, and not a byte is signed."""
    place, key = one
    with ExitStack() as stack:
        who, settle = getattr(Memories(stack, tls), kind)(place, key)
        assert place.run("audit", "--account", NAOMI).code == 1
        settle()
        shutil.copytree(place.folder / "state", place.folder / "backup")
        before = size_of(place)
        assert place.run("audit", "--account", NAOMI).code == 1
        settle()
        after = size_of(place)
        shutil.rmtree(place.folder / "state")
        shutil.copytree(place.folder / "backup", place.folder / "state")
        restored = sealed(place)
        done = place.run("audit", "--account", NAOMI)
        assert done.code == 4
        assert f"{who} has seen {after} records of this ledger, and it has {before}" in done.err
        assert "postwarden ledger succeed --from OLD" in done.err
        assert sealed(place) == restored
        # Reading goes on, and verify says what is wrong.
        assert place.run("findings", "list").code == 0
        assert place.run("verify").code == 4
        assert sealed(place) == restored


def test_what_a_verifier_remembers_stops_the_writer_too(one: tuple[Workplace, str]) -> None:
    """The file that `verify --state` keeps may be the file that is asked before anything is signed."""
    place, _ = one
    state = place.folder / "elsewhere"
    state.mkdir()
    state /= "verified"
    assert place.run("audit", "--account", NAOMI).code == 1
    shutil.copytree(place.folder / "state", place.folder / "backup")
    before = size_of(place)
    assert place.run("audit", "--account", NAOMI).code == 1
    after = size_of(place)
    assert place.run("verify", "--state", str(state)).code == 0
    shutil.rmtree(place.folder / "state")
    shutil.copytree(place.folder / "backup", place.folder / "state")
    configure(place, f'\n[ledger.checkpoints]\nfile = "{state}"\n')
    restored, remembered = sealed(place), state.read_bytes()
    done = place.run("audit", "--account", NAOMI)
    assert done.code == 4
    assert f"the file {state} has seen {after} records of this ledger, and it has {before}" in done.err
    assert (sealed(place), state.read_bytes()) == (restored, remembered)


def test_the_daemon_stops_at_an_old_state_and_alarms(one: tuple[Workplace, str]) -> None:
    """The daemon on an old state tells its notifiers, ends with exit code 4, and signs nothing."""
    place, _ = one
    place = quick(place, interval=60)
    elsewhere = place.folder / "elsewhere"
    elsewhere.mkdir()
    script = place.folder / "tell"
    script.write_text(f"#!/bin/sh\ncat >> '{place.folder}/told'\n")
    script.chmod(0o700)
    configure(place, f'\n[ledger.checkpoints]\nfile = "{elsewhere}/checkpoint"\n')
    shutil.copytree(place.folder / "state", place.folder / "backup")
    assert place.run("audit", "--account", NAOMI).code == 1
    shutil.rmtree(place.folder / "state")
    shutil.copytree(place.folder / "backup", place.folder / "state")
    configure(
        place, f'\n[[notify]]\nname = "keep"\nkind = "command"\nlevel = "low"\ncommand = ["{script}"]\n'
    )
    restored = sealed(place)
    with running(place) as daemon:
        assert daemon.wait(40) == 4
    assert sealed(place) == restored
    (told,) = (place.folder / "told").read_text().splitlines()
    assert '"name":"ledger_not_sound"' in told
    assert "has seen" in told
    assert json.loads(told)["checkpoint"] == (place.ledger / "checkpoint").read_text()


def size_of(place: Workplace) -> int:
    return int((place.ledger / "checkpoint").read_bytes().split(b"\n")[1])


def test_the_daemon_asks_its_witness_and_stops_when_it_was_overtaken(
    one: tuple[Workplace, str], tls: certificates.Certificates
) -> None:
    """The daemon gets cosignatures as it goes; where its witness has seen more, it ends with exit code 4."""
    place, key = one
    place = quick(place, interval=60)
    with witnessing(place.folder / "witness", "b.example/witness", key, tls=tls) as told:
        configure(place, told)
        shutil.copytree(place.folder / "state", place.folder / "backup")
        with running(place) as daemon:
            until(lambda: any(place.ledger.glob("witnessed/*")))
            daemon.send_signal(signal.SIGTERM)
            assert daemon.wait(40) == 0
        assert place.run("verify").code == 0
        shutil.rmtree(place.folder / "state")
        shutil.copytree(place.folder / "backup", place.folder / "state")
        restored = sealed(place)
        with running(place) as daemon:
            assert daemon.wait(40) == 4
        assert sealed(place) == restored
        assert "the witness b.example/witness has seen" in (place.folder / "log").read_text()
