"""The lab's Dovecot: what is on it, who gets in, what it records."""

import imaplib
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from imapclient import IMAPClient

from postwarden import lab
from postwarden.errors import LabError
from postwarden.lab.wire import SieveSession, sieve_session, trusting
from tests.lab.conftest import StartLab


@contextmanager
def imap(running: lab.Lab, login: str, password: str) -> Iterator[IMAPClient]:
    """An IMAP session that began with STARTTLS."""
    with IMAPClient(running.host, running.imap_port, ssl=False, timeout=20) as session:
        session.starttls(trusting(running.ca_file))
        session.login(login, password)
        yield session


@contextmanager
def imap_as_master(running: lab.Lab, login: str) -> Iterator[IMAPClient]:
    assert running.master is not None
    with imap(running, f"{login}*{running.master.login}", running.master.password) as session:
        yield session


@contextmanager
def sieve_as_master(running: lab.Lab, login: str) -> Iterator[SieveSession]:
    how = running.credentials(login)
    with sieve_session(
        running.sieve_port, running.ca_file, how.authcid, how.password, how.authzid
    ) as session:
        yield session


def own_folders(session: IMAPClient) -> dict[str, set[str]]:
    """The names and attributes of the folders that are not somebody else's."""
    rows = {name: {flag.decode() for flag in flags} for flags, _, name in session.list_folders()}
    return {name: flags for name, flags in rows.items() if not name.startswith("shared")}


def test_it_is_available(dovecot: lab.Lab) -> None:
    """Where Dovecot is installed the lab takes it before anything else."""
    assert lab.available()[0] == "dovecot"
    assert dovecot.server == "dovecot"


def test_every_account_logs_in_with_its_own_password(dovecot: lab.Lab) -> None:
    """Every account of the organisation opens its own mailbox over STARTTLS."""
    for account in dovecot.accounts:
        with imap(dovecot, account.login, account.password) as session:
            assert "INBOX" in own_folders(session)


def test_the_master_sees_the_folders_of_every_account(dovecot: lab.Lab) -> None:
    """The master finds each account's folders, subscriptions and special uses as the organisation states them."""
    for account in dovecot.accounts:
        with imap_as_master(dovecot, account.login) as session:
            folders = own_folders(session)
            subscribed = {name for _, _, name in session.list_sub_folders()}
        assert set(folders) == {"INBOX"} | {folder.name for folder in account.folders}
        assert subscribed == {"INBOX"} | {folder.name for folder in account.folders if folder.subscribed}
        for folder in account.folders:
            if folder.special_use is not None:
                assert folder.special_use in folders[folder.name]


def test_the_master_reads_the_scripts_of_every_account(dovecot: lab.Lab) -> None:
    """The master finds each account's Sieve scripts, byte for byte, and which of them is active."""
    for account in dovecot.accounts:
        with sieve_as_master(dovecot, account.login) as session:
            assert session.scripts() == {script.name: script.active for script in account.scripts}
            for script in account.scripts:
                assert session.text(script.name) == script.text


def test_the_master_reads_the_rights_to_every_folder(dovecot: lab.Lab) -> None:
    """Beside the owner's, exactly the rights that the organisation states are on each folder."""
    for account in dovecot.accounts:
        with imap_as_master(dovecot, account.login) as session:
            for folder in ("INBOX", *(each.name for each in account.folders)):
                stated = {row.identifier: set(row.rights) for row in account.acl if row.folder == folder}
                found = read_rights(session, folder)
                assert found.pop(account.login) == set("lrwstipekxa")
                assert found == stated


def read_rights(session: IMAPClient, folder: str) -> dict[str, set[str]]:
    """Rights by identifier, without the two obsolete ones that a server adds (RFC 4314, section 2.1.1)."""
    return {who.decode(): set(rights.decode()) - set("cd") for who, rights in session.getacl(folder)}


def test_rights_give_access(dovecot: lab.Lab) -> None:
    """Somebody with rights to a folder sees it among the shared ones, others see only what anyone may."""
    with imap(dovecot, "scanner", dovecot.passwords["scanner"]) as session:
        shared = {name for _, _, name in session.list_folders() if name.startswith("shared/")}
    assert shared == {"shared/naomi.sato", "shared/lars.eriksen"}
    with imap(dovecot, "kwame.mensah", dovecot.passwords["kwame.mensah"]) as session:
        shared = {name for _, _, name in session.list_folders() if name.startswith("shared/")}
    assert "shared/dispatch/Loads/Done" in shared
    assert "shared/lars.eriksen" not in shared


def seconds_after_a_failure(running: lab.Lab) -> float:
    """How long a good log-in takes after one with a wrong password."""
    with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"), imap(running, "scanner", "wrong"):
        pass
    started = time.monotonic()
    with imap(running, "scanner", running.passwords["scanner"]):
        return time.monotonic() - started


def test_a_failed_log_in_does_not_slow_the_next(dovecot: lab.Lab) -> None:
    """Dovecot's penalty for an address with failed log-ins is off."""
    assert seconds_after_a_failure(dovecot) < 1.5


def test_a_password_in_the_clear_is_refused(dovecot: lab.Lab) -> None:
    """Without TLS the server offers no log-in, over IMAP and over ManageSieve."""
    with IMAPClient(dovecot.host, dovecot.imap_port, ssl=False, timeout=20) as session:
        assert b"LOGINDISABLED" in session.capabilities()
        with pytest.raises(imaplib.IMAP4.error, match="PRIVACYREQUIRED"):
            session.login("scanner", dovecot.passwords["scanner"])
    address = (dovecot.host, dovecot.sieve_port)
    with (
        socket.create_connection(address, timeout=20) as connection,
        pytest.raises(LabError, match="refused"),
    ):
        SieveSession(connection).log_in("scanner", dovecot.passwords["scanner"])


def test_plaintext_accepts_a_password_in_the_clear(start_dovecot: StartLab) -> None:
    """A lab with cleartext log-ins takes a password without TLS."""
    running = start_dovecot(plaintext=True)
    with IMAPClient(running.host, running.imap_port, ssl=False, timeout=20) as session:
        session.login("scanner", running.passwords["scanner"])


def test_a_master_without_acl_user_is_blind(start_dovecot: StartLab) -> None:
    """Without `acl_user` the master logs in, and sees no folder but an INBOX that it cannot open."""
    running = start_dovecot(acl_user=False)
    with imap_as_master(running, "priya.raman") as session:
        assert set(own_folders(session)) == {"INBOX"}
        with pytest.raises(imaplib.IMAP4.error):
            session.select_folder("INBOX", readonly=True)


def test_auth_delay_keeps_the_penalty(start_dovecot: StartLab) -> None:
    """With `auth_delay` a failed log-in slows the next one from the same address by seconds."""
    assert seconds_after_a_failure(start_dovecot(auth_delay=True)) > 1.5


def test_oauth_accepts_a_token_of_the_account(start_dovecot: StartLab) -> None:
    """A token opens its own account, and neither another one nor any after it has expired."""
    running = start_dovecot(oauth=True)

    def log_in(mechanism: str, token: str) -> set[str]:
        context = trusting(running.ca_file)
        with IMAPClient(running.host, running.imaps_port, ssl_context=context, timeout=20) as session:
            if mechanism == "XOAUTH2":
                session.oauth2_login("lars.eriksen", token)
            else:
                session.oauthbearer_login("lars.eriksen", token)
            return set(own_folders(session))

    for mechanism in ("OAUTHBEARER", "XOAUTH2"):
        assert "Suppliers" in log_in(mechanism, running.token("lars.eriksen"))
        for refused in (running.token("scanner"), running.token("lars.eriksen", expired=True), "x.y.z"):
            with pytest.raises(imaplib.IMAP4.error):
                log_in(mechanism, refused)


def test_without_oauth_there_is_no_token(dovecot: lab.Lab) -> None:
    """A lab without oauth hands out no token that nobody would accept."""
    with pytest.raises(LabError, match="no tokens"):
        dovecot.token("scanner")


def test_commands_are_recorded(fresh_dovecot: lab.Lab) -> None:
    """Every command after a log-in is recorded with who sent it, for whom and with which arguments."""
    with imap_as_master(fresh_dovecot, "naomi.sato") as session:
        session.list_folders()
        session.getacl("INBOX")
    with sieve_as_master(fresh_dovecot, "naomi.sato") as sieve:
        sieve.scripts()
        sieve.text("roundcube")
    fresh_dovecot.deliver("scanner", b"Subject: a page\r\n\r\n")

    rows = [
        (row.protocol, row.user, row.auth_user, row.name, row.arguments)
        for row in fresh_dovecot.commands()
        if row.name != "LOGOUT"
    ]
    assert rows == [
        ("imap", "naomi.sato", "auditor", "LIST", '"" "*"'),
        ("imap", "naomi.sato", "auditor", "GETACL", '"INBOX"'),
        ("managesieve", "naomi.sato", "auditor", "LISTSCRIPTS", ""),
        ("managesieve", "naomi.sato", "auditor", "GETSCRIPT", '"roundcube"'),
        ("imap", "scanner", "scanner", "APPEND", '"INBOX" <19 byte literal>'),
    ]
    assert len({row.session for row in fresh_dovecot.commands()}) == 3


def test_no_password_is_in_the_log(changing_dovecot: lab.Lab) -> None:
    """What is recorded of log-ins, good and bad ones, holds no password."""
    with imap(changing_dovecot, "scanner", changing_dovecot.passwords["scanner"]):
        pass
    with pytest.raises(imaplib.IMAP4.error), imap(changing_dovecot, "scanner", "nearly-Right"):
        pass
    changing_dovecot.commands()
    log = "\n".join(changing_dovecot.log_lines())
    assert "scanner" in log
    assert changing_dovecot.passwords["scanner"] not in log
    assert "nearly-Right" not in log


def test_scripts_change(changing_dovecot: lab.Lab) -> None:
    """Scripts of any name are uploaded, activated and removed as their owner would do it."""
    changing_dovecot.put_script("yusuf.demir", 'Férien "1"', "keep;\r\n", active=True)
    with sieve_as_master(changing_dovecot, "yusuf.demir") as session:
        assert session.scripts() == {"roundcube": False, 'Férien "1"': True}
        assert session.text('Férien "1"') == "keep;\r\n"
    changing_dovecot.activate("yusuf.demir", "roundcube")
    changing_dovecot.put_script("yusuf.demir", "other", "discard;", active=False)
    changing_dovecot.remove_script("yusuf.demir", 'Férien "1"')
    changing_dovecot.remove_script("yusuf.demir", "roundcube")
    with sieve_as_master(changing_dovecot, "yusuf.demir") as session:
        assert session.scripts() == {"other": False}


def test_an_invalid_script_is_refused(changing_dovecot: lab.Lab) -> None:
    """A script that Pigeonhole does not compile is a LabError with its words."""
    with pytest.raises(LabError, match="unknown command 'frobnicate'"):
        changing_dovecot.put_script("scanner", "main", "frobnicate;", active=True)


def test_folders_and_rights_change(changing_dovecot: lab.Lab) -> None:
    """Folders are made and subscribed, rights are given and taken, as their owner would do it."""
    changing_dovecot.create_folder("scanner", 'Pläne "A"/2026', subscribed=False)
    changing_dovecot.create_folder("scanner", "Faxe")
    changing_dovecot.subscribe("scanner", "Sent", subscribed=False)
    changing_dovecot.set_acl("scanner", 'Pläne "A"/2026', "emre.kaya", "lrs")
    changing_dovecot.set_acl("scanner", "INBOX", "anyone", "lr")
    changing_dovecot.set_acl("scanner", "INBOX", "anyone", None)
    with imap_as_master(changing_dovecot, "scanner") as session:
        assert {'Pläne "A"/2026', "Faxe"} < set(own_folders(session))
        assert {name for _, _, name in session.list_sub_folders()} == {"INBOX", "Faxe"}
        assert read_rights(session, 'Pläne "A"/2026')["emre.kaya"] == set("lrs")
        assert set(read_rights(session, "INBOX")) == {"scanner"}
    with pytest.raises(LabError, match="create Faxe"):
        changing_dovecot.create_folder("scanner", "Faxe")


def test_a_message_is_delivered(changing_dovecot: lab.Lab) -> None:
    """A delivered message lies unread in the folder, as it was."""
    changing_dovecot.deliver("scanner", b"Subject: page 1\r\n\r\nhello\r\n")
    with imap_as_master(changing_dovecot, "scanner") as session:
        session.select_folder("INBOX", readonly=True)
        [(_, row)] = session.fetch(session.search(), [b"BODY.PEEK[]", b"FLAGS"]).items()
    assert row[b"BODY[]"] == b"Subject: page 1\r\n\r\nhello\r\n"
    assert b"\\Seen" not in row[b"FLAGS"]


def test_passwords_change(fresh_dovecot: lab.Lab) -> None:
    """A new password of an account or the master is good at once, also a second one, and the old one no longer."""
    for login, name in (("scanner", "scanner"), ("auditor", "scanner*auditor")):
        for new in ("first-One", "secondOne"):
            fresh_dovecot.set_password(login, new)
            with imap(fresh_dovecot, name, new):
                pass
        with pytest.raises(imaplib.IMAP4.error), imap(fresh_dovecot, name, "first-One"):
            pass
    assert fresh_dovecot.passwords["scanner"] == "secondOne"
    assert fresh_dovecot.credentials("naomi.sato").password == "secondOne"


def test_a_folder_in_use_is_refused(changing_dovecot: lab.Lab) -> None:
    """A second lab in the folder of a running one is a LabError that asks for an empty folder."""
    with pytest.raises(LabError) as caught:
        lab.start(changing_dovecot.ca_file.parents[1], server="dovecot")
    assert "empty folder" in (caught.value.hint or "")
    with imap(changing_dovecot, "scanner", changing_dovecot.passwords["scanner"]):
        pass
