"""The lab's pymap: the same organisation where no Dovecot is installed."""

import imaplib

import pytest
from imapclient import IMAPClient

from postwarden import lab
from postwarden.errors import LabError
from postwarden.lab.ports import Endpoints, is_free
from postwarden.lab.wire import imap_session, sieve_session, trusting
from tests.lab.conftest import start_labs


def test_every_account_has_its_folders(pymap: lab.Lab) -> None:
    """Each account opens its own mailbox, and finds its folders and subscriptions."""
    for account in pymap.accounts:
        how = pymap.credentials(account.login)
        assert (how.authcid, how.authzid) == (account.login, "")
        with IMAPClient(pymap.host, pymap.imap_port, ssl=False, timeout=20) as session:
            session.starttls(trusting(pymap.ca_file))
            session.login(how.authcid, how.password)
            folders = {name for _, _, name in session.list_folders()}
            subscribed = {name for _, _, name in session.list_sub_folders()}
            assert b"ACL" not in session.capabilities()
        assert folders == {"INBOX"} | {folder.name for folder in account.folders}
        assert subscribed == {"INBOX"} | {folder.name for folder in account.folders if folder.subscribed}


def test_every_account_has_its_scripts(pymap: lab.Lab) -> None:
    """Each account finds its own Sieve scripts, byte for byte, and which of them is active."""
    for account in pymap.accounts:
        with sieve_session(pymap.sieve_port, pymap.ca_file, account.login, account.password) as session:
            assert session.scripts() == {script.name: script.active for script in account.scripts}
            for script in account.scripts:
                assert session.text(script.name) == script.text


def test_a_wrong_password_is_refused(pymap: lab.Lab) -> None:
    """An account's mailbox opens with its own password only, and there is no master."""
    assert pymap.master is None
    for login, password in (("scanner", "wrong"), ("scanner", pymap.passwords["reception"]), ("nobody", "")):
        with pytest.raises(LabError), imap_session(pymap.imaps_port, pymap.ca_file, login, password):
            pass


def test_its_users_change_things(changing_pymap: lab.Lab) -> None:
    """Scripts, folders, messages and passwords change as on Dovecot."""
    running = changing_pymap
    running.put_script("scanner", 'Férien "1"', "keep;", active=True)
    running.put_script("scanner", "other", "discard;", active=False)
    running.create_folder("scanner", "Pläne")
    running.subscribe("scanner", "Sent", subscribed=False)
    running.deliver("scanner", b"Subject: page 1\r\n\r\nhello\r\n")
    running.set_password("scanner", "another")
    with sieve_session(running.sieve_port, running.ca_file, "scanner", "another") as sieve:
        assert sieve.scripts() == {'Férien "1"': True, "other": False}
    with IMAPClient(
        running.host, running.imaps_port, ssl_context=trusting(running.ca_file), timeout=20
    ) as session:
        session.login("scanner", "another")
        assert {name for _, _, name in session.list_sub_folders()} == {"INBOX", "Pläne"}
        assert session.folder_status("INBOX", "MESSAGES") == {b"MESSAGES": 1}
    running.remove_script("scanner", 'Férien "1"')
    running.activate("scanner", "other")
    with sieve_session(running.sieve_port, running.ca_file, "scanner", "another") as sieve:
        assert sieve.scripts() == {"other": True}
    with pytest.raises(LabError, match="create Sent"):
        running.create_folder("scanner", "Sent")


def test_it_says_what_it_cannot_do(pymap: lab.Lab) -> None:
    """What only Dovecot has is refused with a hint, and so are Dovecot's options."""
    for attempt in (
        pymap.commands,
        lambda: pymap.token("scanner"),
        lambda: pymap.set_acl("scanner", "INBOX", "anyone", "lr"),
        lambda: lab.start(pymap.ca_file.parent, server="pymap", oauth=True),
    ):
        with pytest.raises(LabError) as caught:
            attempt()
        assert "dovecot" in (caught.value.hint or "")


def test_it_stops() -> None:
    """After the end its ports are free."""
    labs = start_labs("pymap")
    running = next(labs)()
    ports = Endpoints(running.imap_port, running.imaps_port, running.sieve_port).all()
    assert not any(is_free(port) for port in ports)
    next(labs, None)
    assert all(is_free(port) for port in ports)
    with pytest.raises(OSError), imaplib.IMAP4(running.host, running.imap_port):
        pass
