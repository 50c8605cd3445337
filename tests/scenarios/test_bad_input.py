"""Bad input: one clear error that names what failed and what to do next, and nothing recorded is lost."""

import contextlib
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from postwarden import lab
from tests.contracts.conftest import lines, misbehaving
from tests.scenarios.conftest import Done, Workplace

ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="root only: it needs another user or a mount")


def assert_clear(done: Done, code: int, *words: str) -> None:
    """One error, a hint, the words, no traceback."""
    assert done.code == code, (done.out, done.err)
    errors = [line for line in done.err.splitlines() if line.startswith("postwarden: error: ")]
    assert len(errors) == 1, done.err
    assert any(line.startswith("postwarden: hint: ") for line in done.err.splitlines()), done.err
    assert "Traceback" not in done.err
    for word in words:
        assert word in done.err, (word, done.err)


def gaps_of(done: Done) -> list[dict[str, str]]:
    return [one["gap"] for one in done.of("gap")]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('host = "127', 'hots = "127', ("source[0]", "hots")),
        ("port = ", 'port = "many" # ', ("source[0].port", "str")),
        ('kind = "imap"', 'kind = "pigeon"', ("source[0].kind", "pigeon", "imap, managesieve")),
        ("[organisation]", "[organization]", ("organization",)),
        (
            "internal_domains = [",
            'internal_domains = ["Example Org", ',
            ("organisation.internal_domains[0]",),
        ),
        ("[ledger]", "[ledger", ("agent.toml:",)),
        ('name = "sieve"', 'name = "imap"', ("source[1].name", "twice")),
        ("  { login = ", '  "scanner",\n  { login = ', ("scanner", "twice")),
        ('secret = { file = "secrets" }', 'secret = { file = "elsewhere" }', ("source[", "elsewhere")),
        ('secret = { file = "secrets" }', 'secret = { env = "NOT_SET_ANYWHERE" }', ("NOT_SET_ANYWHERE",)),
        ('secret = { file = "secrets" }', "secret = { }", ("exactly one of",)),
    ],
)
def test_a_wrong_configuration_is_named_with_its_key(
    workplace: Workplace, old: str, new: str, words: tuple[str, ...]
) -> None:
    """Each mistake in agent.toml ends in exit 2 with the path of the key, for audit and check-config alike."""
    workplace.change(old, new)
    for verb in (("audit", "--all"), ("check-config", "--offline")):
        assert_clear(workplace.run(*verb), 2, *words)


def test_a_secret_file_that_others_can_read_is_refused(workplace: Workplace) -> None:
    """A world-readable secret is exit 2, with the chmod that mends it."""
    (workplace.folder / "secrets").chmod(0o644)
    assert_clear(workplace.run("audit", "--all"), 2, "0644", "chmod 600")


def test_a_configuration_that_others_can_write_is_not_trusted(workplace: Workplace) -> None:
    """Somebody else's hand in agent.toml or its folder is exit 2, with the chmod that mends it."""
    workplace.config.chmod(0o666)
    assert_clear(workplace.run("audit", "--all"), 2, "not trusted", "chmod go-w")
    workplace.config.chmod(0o600)
    workplace.folder.chmod(0o777)
    assert_clear(workplace.run("audit", "--all"), 2, "not trusted", "chmod go-w")
    workplace.folder.chmod(0o700)


def test_an_account_that_no_directory_knows_is_a_usage_error(workplace: Workplace) -> None:
    """A misspelt account is exit 2, before anything is connected to."""
    assert_clear(workplace.run("audit", "--account", "naomi.satoo"), 2, "naomi.satoo")


def test_without_a_configuration_the_places_are_named(tmp_path: Path) -> None:
    """Where no agent.toml is found, the error says where it was looked for and how to write one."""
    environment = {**os.environ, "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "postwarden", "audit", "--all"],
        capture_output=True, text=True, cwd=tmp_path, env=environment, check=False,
    )  # fmt: skip
    assert_clear(Done(done.returncode, done.stdout, done.stderr), 2, "agent.toml", "postwarden init")


def test_an_unreachable_host_is_a_gap_and_exit_3(workplace: Workplace) -> None:
    """A dead server costs its own checks; the other source is read and judged all the same."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    imaps = next(line for line in workplace.config.read_text().splitlines() if line.startswith("port = "))
    workplace.change(imaps, f"port = {port}")
    done = workplace.run("audit", "--account", "jan.novotny", "--json")
    assert done.code == 3
    assert {(gap["source"], gap["check"], gap["reason"]) for gap in gaps_of(done)} == {
        ("imap", "folders", "unreachable"),
        ("imap", "folder_acl", "unreachable"),
    }
    assert all(gap["hint"] for gap in gaps_of(done))
    assert workplace.run("check-config").code == 3
    found = workplace.run("audit", "--account", "naomi.sato", "--json")
    assert found.code == 1
    assert {one["finding"]["name"] for one in found.of("finding")} == {
        "external_redirect_everything",
        "external_redirect_silent",
    }
    assert "NOT fully read" in workplace.run("audit", "--account", "naomi.sato").out


def test_an_unreachable_server_resolves_nothing(workplace: Workplace) -> None:
    """What was found before stays open, and counts, while its check cannot be read."""
    workplace.run("audit", "--account", "naomi.sato")
    before = workplace.findings()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    for line in workplace.config.read_text().splitlines():
        if line.startswith("port = "):
            workplace.change(line, f"port = {port}")
    assert workplace.run("audit", "--account", "naomi.sato").code == 1
    assert workplace.findings() == before


def test_an_accepted_gap_stays_visible_and_does_not_count(workplace: Workplace) -> None:
    """A gap named in [coverage.accepted] is shown and recorded with its reason, until the day it names."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    imaps = next(line for line in workplace.config.read_text().splitlines() if line.startswith("port = "))
    workplace.change(imaps, f"port = {port}")
    for check in ("folders", "folder_acl"):
        with workplace.config.open("a") as stream:
            stream.write(
                f'\n[[coverage.accepted]]\nsource = "imap"\nscope = "jan.novotny"\ncheck = "{check}"\n'
                'reason = "moving house"\nuntil = 2999-12-31\n'
            )
    done = workplace.run("audit", "--account", "jan.novotny")
    assert done.code == 0
    assert "moving house" in done.out
    assert workplace.run("audit", "--account", "mei.chen").code == 3
    workplace.change("2999-12-31", "2001-12-31")
    assert workplace.run("audit", "--account", "jan.novotny").code == 3


def test_a_bad_certificate_is_a_gap_with_the_remedy(workplace: Workplace) -> None:
    """A server whose CA is not known is not talked to, and the hint names ca_file."""
    text = "\n".join(
        line for line in workplace.config.read_text().splitlines() if not line.startswith("ca_file")
    )
    workplace.config.write_text(text)
    done = workplace.run("audit", "--account", "jan.novotny", "--json")
    assert done.code == 3
    assert all("not trusted" in gap["message"] and "ca_file" in gap["hint"] for gap in gaps_of(done))
    assert len(gaps_of(done)) == 3


def test_a_name_that_the_certificate_is_not_for_is_a_gap(workplace: Workplace, dovecot: lab.Lab) -> None:
    """The certificate's names are compared with the configured host."""
    workplace.config.write_text(
        workplace.config.read_text().replace(f'host = "{dovecot.host}"', 'host = "127.0.0.3"')
    )
    with _forward("127.0.0.3", dovecot.imaps_port, dovecot.host):
        done = workplace.run("audit", "--account", "jan.novotny", "--json")
    assert done.code == 3
    imap = [gap for gap in gaps_of(done) if gap["source"] == "imap"]
    assert all("not trusted" in gap["message"] for gap in imap), imap


@contextlib.contextmanager
def _forward(host: str, port: int, to: str) -> Iterator[None]:
    """A listener on another loopback address that hands everything on."""
    listener = socket.create_server((host, port))

    def pump(one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while block := one.recv(65_536):
                other.sendall(block)
            other.shutdown(socket.SHUT_WR)

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                peer, _ = listener.accept()
                with peer, socket.create_connection((to, port)) as server:
                    back = threading.Thread(target=pump, args=(server, peer))
                    back.start()
                    pump(peer, server)
                    back.join()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
        listener.close()


def test_a_wrong_password_stops_the_sweep_and_shows_nothing_of_itself(
    own_workplace: Workplace, own_dovecot: lab.Lab
) -> None:
    """One refusal for each source, however many accounts; the password is nowhere in output or ledger."""
    wrong = "WrongHorseBattery-4711"
    (own_workplace.folder / "secrets").write_text(wrong + "\n")
    done = own_workplace.run("audit", "--all", "--json")
    assert done.code == 3
    reasons = {gap["reason"] for gap in gaps_of(done)}
    assert reasons == {"refused"}
    refused = [line for line in own_dovecot.log_lines() if "unknown user" in line or "mismatch" in line]
    assert 0 < len(refused) <= 4, refused
    everything = done.out + done.err + "".join(map(str, own_workplace.records()))
    assert wrong not in everything


def test_an_account_that_the_server_does_not_know_costs_only_itself(
    workplace: Workplace, dovecot: lab.Lab
) -> None:
    """After the credential has worked once, a refusal is that account's gap and the sweep goes on."""
    workplace.change("list = [\n", 'list = [\n  "jan.novotny.",\n')
    done = workplace.run(
        "audit", "--account", "mei.chen", "--account", "jan.novotny.", "--account", "emre.kaya", "--json"
    )
    assert done.code == 3
    assert {one["account"] for one in done.of("gap")} == {"jan.novotny."}
    assert all("jan.novotny." in gap["message"] for gap in gaps_of(done))


def test_a_master_without_rights_is_a_gap_with_the_remedy(start_blind: Workplace) -> None:
    """A master user for whom acl_user is not set logs in and opens nothing: never a clean mailbox."""
    done = start_blind.run("audit", "--account", "naomi.sato", "--json")
    imap = [gap for gap in gaps_of(done) if gap["source"] == "imap"]
    assert {gap["check"] for gap in imap} == {"folders", "folder_acl"}
    assert all("acl_user = %u" in gap["hint"] for gap in imap)
    assert not [one for one in done.of("finding") if one["finding"]["name"] == "acl_anyone"]
    assert start_blind.run("audit", "--account", "jan.novotny").code == 3


def test_a_script_nested_without_end_costs_only_itself(
    own_workplace: Workplace, own_dovecot: lab.Lab
) -> None:
    """A script of 1 MB nested 10,000 deep is a gap of that script, and the other scripts are judged."""
    deep = "if true {" * 10_000 + "keep;" + "}" * 10_000
    bomb = (deep + "\r\n# " + "x" * (1_000_000 - len(deep)) + "\r\n").encode()
    folder = next(path for path in _homes(own_dovecot) if path.name == "priya.raman") / "sieve"
    (folder / "bomb.sieve").write_bytes(bomb)
    done = own_workplace.run("audit", "--account", "priya.raman", "--json")
    (gap,) = gaps_of(done)
    assert gap["part"].startswith("script bomb")
    assert "deep" in gap["message"]
    assert {one["finding"]["name"] for one in done.of("finding")} == {
        "hide_keyword", "hide_seen", "inactive_external_redirect",
    }  # fmt: skip


def _homes(running: lab.Lab) -> Iterator[Path]:
    config = Path(running.ca_file).parent
    while not any(config.rglob("priya.raman")):
        config = config.parent
    return config.rglob("priya.raman")


def test_escapes_and_bidi_controls_in_names_never_reach_the_terminal(
    own_workplace: Workplace, own_dovecot: lab.Lab
) -> None:
    """A script's and a folder's name with escapes and direction marks are shown as escapes."""
    name, folder = "in\u202evoice\u200b\u2066", "Old\u202etxt\u2066"
    script = (
        'require ["fileinto", "mailbox", "imap4flags"];\r\n'
        f'if header :contains "subject" "invoice" {{ addflag "\\\\Seen"; fileinto "{folder}"; }}\r\n'
        'if header :contains "subject" "\u001b[31mred\u001b[0m\u0007" { redirect "x@elsewhere.example"; }\r\n'
    )
    own_dovecot.create_folder("jan.novotny", folder, subscribed=False)
    own_dovecot.put_script("jan.novotny", name, script, active=True)
    for arguments in (("audit", "--account", "jan.novotny"), ("findings", "list")):
        done = own_workplace.run(*arguments)
        assert not set(done.out + done.err) & set("\u202e\u200b\u2066\x1b\x07"), arguments
    assert "\\u{202e}" in own_workplace.run("audit", "--account", "jan.novotny").out
    for one in own_workplace.run("findings", "list", "--json").of("finding"):
        assert "\x1b" not in own_workplace.run("findings", "show", one["finding"]["id"]).out


def test_a_rule_file_with_a_yaml_bomb_is_an_error_with_its_line(workplace: Workplace) -> None:
    """Aliases that grow without bound are refused by name when rules load, at once."""
    rules = workplace.folder / "rules"
    rules.mkdir(mode=0o700)
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "\n".join(
        f"{new}: &{new} [{', '.join(['*' + old] * 9)}]"
        for old, new in zip("abcdefgh", "bcdefghi", strict=True)
    )
    (rules / "bomb.yml").write_text(bomb + "\n")
    workplace.config.write_text(workplace.config.read_text() + '\n[rules]\nfolders = ["rules"]\n')
    assert_clear(workplace.run("audit", "--all"), 2, "bomb.yml:1", "aliases")
    assert_clear(workplace.run("rules", "list"), 2, "bomb.yml:1")


@ROOT
def test_a_full_disk_prints_what_was_judged_and_loses_nothing(workplace: Workplace) -> None:
    """With no space left the findings are printed, the exit code is 2, and the ledger is sound and goes on."""
    workplace.run("audit", "--account", "jan.novotny")
    state = workplace.folder / "state"
    kept = workplace.folder / "kept"
    subprocess.run(["cp", "-a", str(state), str(kept)], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2600k,mode=0700", "tmpfs", str(state)], check=True)
    try:
        subprocess.run(["cp", "-a", f"{kept}/.", str(state)], check=True)
        before = workplace.records()
        ballast = state / "ballast"
        with contextlib.suppress(OSError), ballast.open("wb") as stream:
            while True:
                stream.write(b"x" * 4096)
                stream.flush()
        with ballast.open("r+b") as stream:
            stream.truncate(max(0, ballast.stat().st_size - 20_000))
        done = workplace.run("audit", "--account", "naomi.sato", "--account", "lars.eriksen")
        assert done.code == 2, (done.out, done.err)
        assert "external_redirect_everything" in done.out
        assert "external_redirect_keyword" in done.out
        assert "not recorded" in done.err
        assert "Traceback" not in done.err
        assert workplace.run("verify").code == 0
        after = workplace.records()
        assert after[: len(before)] == before
        assert "ledger_full" in {record["kind"] for record in after[len(before) :]}
        ballast.unlink()
        assert workplace.run("audit", "--account", "naomi.sato").code == 1
        assert workplace.run("verify").code == 0
        assert workplace.records()[: len(before)] == before
    finally:
        subprocess.run(["umount", str(state)], check=True)


@ROOT
def test_a_ledger_of_somebody_else_is_not_touched(workplace: Workplace) -> None:
    """Root does not write into a state folder that belongs to another user; the hint has the command."""
    for path in [workplace.folder / "state", *(workplace.folder / "state").rglob("*")]:
        os.chown(path, 65_534, 65_534)
    before = {path: path.stat().st_mtime_ns for path in workplace.ledger.rglob("*")}
    done = workplace.run("audit", "--account", "jan.novotny")
    assert_clear(done, 2, "belongs to nobody", "sudo -u nobody")
    assert {path: path.stat().st_mtime_ns for path in workplace.ledger.rglob("*")} == before
    assert workplace.run("verify").code == 0


def test_a_torn_last_line_is_put_aside_and_recorded(workplace: Workplace) -> None:
    """Bytes beyond the checkpoint are reported by verify, and the next writer quarantines and records them."""
    workplace.run("audit", "--account", "jan.novotny")
    segment = workplace.ledger / "records" / "00000000.jsonl"
    before = segment.read_bytes()
    segment.write_bytes(before + b'{"actor":"someone","agent":"pos')
    done = workplace.run("verify", "--json")
    assert done.code == 0
    assert done.objects[0]["uncommitted"]["bytes"] == 31
    assert workplace.run("audit", "--account", "jan.novotny").code == 0
    assert segment.read_bytes().startswith(before)
    (recovery,) = [record for record in workplace.records() if record["kind"] == "recovery"]
    assert recovery["length"] == 31
    assert (
        workplace.ledger / "quarantine" / recovery["file"]
    ).read_bytes() == b'{"actor":"someone","agent":"pos'
    assert workplace.run("verify").code == 0


def test_a_changed_record_is_not_sound_and_stops_every_writer(workplace: Workplace) -> None:
    """One flipped byte makes verify, audit and findings exit 4, and nothing is signed over it."""
    workplace.run("audit", "--account", "jan.novotny")
    segment = workplace.ledger / "records" / "00000000.jsonl"
    raw = bytearray(segment.read_bytes())
    raw[len(raw) // 2] ^= 1
    segment.write_bytes(raw)
    assert workplace.run("verify").code == 4
    done = workplace.run("audit", "--account", "jan.novotny")
    assert_clear(done, 4)
    assert segment.read_bytes() == bytes(raw)


def test_a_locked_ledger_is_waited_for_and_then_given_up(workplace: Workplace) -> None:
    """A lock that is held for longer than ten seconds is exit 2 with a hint."""
    import fcntl

    with (workplace.ledger / "lock").open("rb") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        done = workplace.run("findings", "list")
    assert_clear(done, 2, "lock")


def test_a_ledger_of_another_name_is_not_written_to(workplace: Workplace) -> None:
    """A state folder that belongs to another configuration is refused."""
    workplace.change('origin = "postwarden/demo"', 'origin = "postwarden/other"')
    assert_clear(workplace.run("audit", "--all"), 2, "postwarden/other", "postwarden/demo")


def test_a_server_that_lies_costs_only_itself(workplace: Workplace) -> None:
    """An IMAP server that answers with another user's mailbox is a gap; ManageSieve is judged beside it."""

    def serve(peer: socket.socket) -> None:
        peer.sendall(b"* OK ready\r\n")
        tag = b""
        for line in lines(peer):
            if b" " not in line:
                peer.sendall(tag + b" OK in\r\n")
                continue
            tag, command = line.split(b" ")[:2]
            said = {
                b"CAPABILITY": b"* CAPABILITY IMAP4rev1 AUTH=PLAIN ACL\r\n",
                b"LIST": b'* LIST () "/" INBOX\r\n',
                b"LSUB": b'* LSUB () "/" INBOX\r\n',
                b"MYRIGHTS": b"* MYRIGHTS INBOX lra\r\n",
                b"GETACL": b"* ACL INBOX ceo lrswipkxtea\r\n",
            }.get(command, b"")
            peer.sendall(b"+ \r\n" if command == b"AUTHENTICATE" else said + tag + b" OK done\r\n")

    with misbehaving(serve) as server:
        text = workplace.config.read_text()
        start, end = text.index('kind = "imap"'), text.index("[[source]]", text.index('kind = "imap"'))
        login = text[text.index("login = ", start) : end]
        workplace.config.write_text(
            text[:start]
            + f'kind = "imap"\nhost = "127.0.0.1"\nport = {server.port}\ntls = "none"\n{login}'
            + text[end:]
        )
        done = workplace.run("audit", "--account", "naomi.sato", "--json")
    assert [gap["check"] for gap in gaps_of(done)] == ["folder_acl"]
    assert "the mailbox of ceo" in gaps_of(done)[0]["message"]
    assert {one["finding"]["name"] for one in done.of("finding")} == {
        "external_redirect_everything", "external_redirect_silent",
    }  # fmt: skip


def test_a_state_folder_that_others_can_write_is_refused(workplace: Workplace) -> None:
    """Whoever can write the state folder could replace the ledger as a whole: exit 2 with the chmod."""
    (workplace.folder / "state").chmod(0o777)
    assert_clear(workplace.run("audit", "--account", "jan.novotny"), 2, "others can write", "chmod 700")
