"""The connectors on real servers: every way to log in, every kind of TLS, rights as the server has them."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from postwarden import lab
from postwarden.config.settings import SourceEntry, decode
from postwarden.connectors import open_source
from postwarden.model.account import Account, login_key
from postwarden.model.evidence import Delegation, Folder, MailFlow
from postwarden.pipeline.collect import Reading, collect_account
from tests.lab.conftest import StartLab

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def account(running: lab.Lab, login: str) -> Account:
    return Account(key=login_key(login), login=login, addresses=running.account(login).addresses)


def read(
    running: lab.Lab, login: str, folder: Path, kind: str, how: dict[str, Any], **options: Any
) -> Reading:
    port = running.sieve_port if kind == "managesieve" else running.imaps_port
    entry = SourceEntry(
        name=kind,
        kind=kind,
        options={
            "host": running.host,
            "port": port,
            "ca_file": str(running.ca_file),
            "login": how,
            **options,
        },
    )
    config = decode(b"", folder / "agent.toml")
    source = open_source(entry, 0, config, lambda: NOW)
    return collect_account(account(running, login), [source], lambda *_: None, None)


def secret(folder: Path, text: str) -> dict[str, str]:
    path = folder / "secret"
    path.touch(mode=0o600)
    path.write_text(text + "\n")
    return {"file": "secret"}


def assert_read(reading: Reading) -> None:
    assert reading.gaps == ()
    assert {row.status for row in reading.coverage} == {"read"}


@pytest.mark.parametrize("kind", ["imap", "managesieve"])
@pytest.mark.parametrize("how", ["master as user", "master by authzid", "own password", "login command"])
def test_every_kind_of_password_login_opens_the_account(
    dovecot: lab.Lab, tmp_path: Path, kind: str, how: str
) -> None:
    """Dovecot's master syntax, SASL's authorisation identity, the account's own password, and plain LOGIN."""
    master = dovecot.master
    assert master is not None
    own = dovecot.passwords["naomi.sato"]
    logins: dict[str, dict[str, Any]] = {
        "master as user": {"user": f"{{login}}*{master.login}", "secret": {"file": "secret"}},
        "master by authzid": {"user": master.login, "act_as": "{login}", "secret": {"file": "secret"}},
        "own password": {"secret": {"table": "table"}},
        "login command": {"mechanism": "login", "secret": {"file": "secret"}},
    }
    secret(tmp_path, own if how == "login command" else master.password)
    (tmp_path / "table").touch(mode=0o600)
    (tmp_path / "table").write_text(f"somebody:else\nNaomi.Sato:{own}\n")
    reading = read(dovecot, "naomi.sato", tmp_path, kind, logins[how])
    assert_read(reading)
    (session,) = reading.sessions
    assert session.local_port > 0
    assert own not in repr(session)


@pytest.mark.parametrize("mechanism", ["oauthbearer", "xoauth2"])
@pytest.mark.parametrize("kind", ["imap", "managesieve"])
def test_tokens_open_the_account_and_an_expired_one_is_refused(
    start_dovecot: StartLab, tmp_path: Path, kind: str, mechanism: str
) -> None:
    """A bearer token from a command works, an expired one is a refused credential and no crash."""
    running = start_dovecot(oauth=True)
    for expired in (False, True):
        token = running.token("naomi.sato", expired=expired)
        command = [sys.executable, "-c", f"print('{token}')"]
        how: dict[str, Any] = {"mechanism": mechanism, "secret": {"command": command}}
        reading = read(running, "naomi.sato", tmp_path, kind, how)
        if not expired:
            assert_read(reading)
            continue
        assert {gap.reason for gap in reading.gaps} == {"refused"}
        assert token not in " ".join(gap.message for gap in reading.gaps)


def test_imap_over_starttls(dovecot: lab.Lab, tmp_path: Path) -> None:
    """STARTTLS on the plain port gives the same as TLS from the first byte."""
    assert dovecot.master is not None
    how = {"user": f"{{login}}*{dovecot.master.login}", "secret": secret(tmp_path, dovecot.master.password)}
    plain = read(dovecot, "naomi.sato", tmp_path, "imap", how, port=dovecot.imap_port, tls="starttls")
    whole = read(dovecot, "naomi.sato", tmp_path, "imap", how)
    assert_read(plain)
    assert plain.evidence == whole.evidence


def test_tls_to_a_plain_port_is_a_gap(dovecot: lab.Lab, tmp_path: Path) -> None:
    """A port that does not speak TLS is named with the option to check."""
    how = {"secret": secret(tmp_path, "x")}
    reading = read(dovecot, "naomi.sato", tmp_path, "imap", how, port=dovecot.imap_port, timeout=5)
    assert {gap.reason for gap in reading.gaps} == {"unreachable"}


def test_folders_and_rights_are_as_the_organisation_has_them(dovecot: lab.Lab, tmp_path: Path) -> None:
    """Subscriptions, special uses and every entry of every access list arrive, owners told from others."""
    assert dovecot.master is not None
    how = {"user": f"{{login}}*{dovecot.master.login}", "secret": secret(tmp_path, dovecot.master.password)}
    for one in dovecot.accounts:
        reading = read(dovecot, one.login, tmp_path, "imap", how)
        folders = {item.name: item for item in reading.evidence if isinstance(item, Folder)}
        assert set(folders) == {"INBOX"} | {folder.name for folder in one.folders}
        for folder in one.folders:
            assert folders[folder.name].subscribed == folder.subscribed
            if folder.special_use:
                assert folder.special_use.strip("\\").lower() in folders[folder.name].uses
        given = {
            (item.folder, item.grantee)
            for item in reading.evidence
            if isinstance(item, Delegation) and item.grantee_kind != "owner"
        }
        assert given == {(entry.folder, entry.identifier) for entry in one.acl}


def test_negative_rights_are_told_from_rights(fresh_dovecot: lab.Lab, tmp_path: Path) -> None:
    """An entry that takes rights away is marked so, and everybody with an account is not `anyone`."""
    assert fresh_dovecot.master is not None
    fresh_dovecot.set_acl("jan.novotny", "INBOX", "-naomi.sato", "lr")
    fresh_dovecot.set_acl("jan.novotny", "INBOX", "authenticated", "l")
    how = {
        "user": f"{{login}}*{fresh_dovecot.master.login}",
        "secret": secret(tmp_path, fresh_dovecot.master.password),
    }
    reading = read(fresh_dovecot, "jan.novotny", tmp_path, "imap", how)
    entries = {
        item.grantee: (item.grantee_kind, item.rights, item.negative)
        for item in reading.evidence
        if isinstance(item, Delegation) and item.grantee_kind != "owner"
    }
    assert entries["naomi.sato"] == ("user", ("lookup", "read"), True)
    assert entries["authenticated"] == ("authenticated", ("lookup",), False)


def test_scripts_arrive_byte_for_byte(dovecot: lab.Lab, tmp_path: Path) -> None:
    """Every script of an account is a mail flow, and the active one is marked."""
    assert dovecot.master is not None
    how = {"user": f"{{login}}*{dovecot.master.login}", "secret": secret(tmp_path, dovecot.master.password)}
    for one in dovecot.accounts:
        reading = read(dovecot, one.login, tmp_path, "managesieve", how)
        flows = {item.name: item.enabled for item in reading.evidence if isinstance(item, MailFlow)}
        assert flows == {script.name: script.active for script in one.scripts}


def test_a_server_that_ignores_whom_we_act_for_is_not_believed(pymap: lab.Lab, tmp_path: Path) -> None:
    """Pymap gives the scripts of the one who logged in, whoever was asked for: a gap, not somebody's scripts."""
    how = {
        "user": "jan.novotny",
        "act_as": "{login}",
        "secret": secret(tmp_path, pymap.passwords["jan.novotny"]),
    }
    reading = read(pymap, "naomi.sato", tmp_path, "managesieve", how)
    assert {gap.reason for gap in reading.gaps} == {"malformed"}
    assert "jan.novotny" in reading.gaps[0].message
    assert reading.evidence == ()
