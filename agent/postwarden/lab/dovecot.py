"""The lab on a real Dovecot with Pigeonhole, as root or as an ordinary user."""

import os
import secrets
import shutil
import time
from pathlib import Path

from postwarden.errors import LabError
from postwarden.lab import dovecot_config, dovecot_home, dovecot_log, tokens
from postwarden.lab.dovecot_config import Options
from postwarden.lab.lab import Command, Lab
from postwarden.lab.organisation import Master, Organisation, load
from postwarden.lab.ports import Endpoints, free_endpoints
from postwarden.lab.process import ServerProcess
from postwarden.lab.wire import folder_argument, imap_done, imap_session, quoted

INSTALL = "apt install dovecot-imapd dovecot-managesieved dovecot-sieve"

#: PATH lacks `sbin` for ordinary users.
_PROGRAMS = ("/usr/sbin/dovecot", "/usr/local/sbin/dovecot")
#: Where packages put the servers that the program starts.
_LIBRARIES = ("/usr/lib/dovecot", "/usr/libexec/dovecot", "/usr/local/libexec/dovecot")
_SECONDS = 10
#: Dovecot looks at its password files once in every second of the clock.
_PASSWORD_SECONDS = 1.1
#: A field of the lab's own ID commands, by which their sessions are known.
_MARKER = "postwarden-lab-marker"


def program() -> str | None:
    """Dovecot's master program, or None unless it is installed with its IMAP and ManageSieve servers."""
    complete = any(
        all(Path(library, server).exists() for server in ("imap", "managesieve")) for library in _LIBRARIES
    )
    if not complete:
        return None
    return shutil.which("dovecot") or next((path for path in _PROGRAMS if os.access(path, os.X_OK)), None)


def start(folder: Path, options: Options) -> "DovecotLab":
    """Fill a mail store in `folder` and start Dovecot on it; LabError when it does not start."""
    found = program()
    if found is None:
        raise LabError("dovecot is not installed, or lacks imap or managesieve", INSTALL)
    people = load()
    who = dovecot_config.identities()
    token_key = secrets.token_bytes(32)
    home = dovecot_home.choose(folder, who)
    borrowed = home != folder.resolve()
    ports = free_endpoints()
    try:
        dovecot_home.fill(home, who, people, ports, options, token_key)
        process = ServerProcess(
            [found, "-F", "-c", f"{home}/dovecot.conf"], output=home / "output.log", ports=ports
        )
        process.wait_until_ready(
            {ports.imap: b"* OK", ports.sieve: b'"IMPLEMENTATION"'}, log=home / "dovecot.log", hint=INSTALL
        )
    except BaseException:
        ports.give_back()
        if borrowed:
            shutil.rmtree(home)
        raise
    return DovecotLab(
        people, ports, home, process, borrowed=borrowed, token_key=token_key if options.oauth else None
    )


class DovecotLab(Lab):
    """A running Dovecot; `borrowed` says that its folder is to be removed at the end."""

    server = "dovecot"

    def __init__(
        self,
        people: Organisation,
        ports: Endpoints,
        home: Path,
        process: ServerProcess,
        *,
        borrowed: bool,
        token_key: bytes | None,
    ) -> None:
        super().__init__(people, ports, home / "tls" / "ca.pem", home / "dovecot.log", process)
        self._home = home
        self._borrowed = borrowed
        self._master = people.master
        self._token_key = token_key

    @property
    def master(self) -> Master:
        return self._master

    def stop(self) -> None:
        super().stop()
        if self._borrowed:
            shutil.rmtree(self._home, ignore_errors=True)

    def commands(self) -> list[Command]:
        marker = secrets.token_hex(8)
        login = self.accounts[-1].login
        with imap_session(self.imaps_port, self.ca_file, login, self.passwords[login]) as session:
            imap_done(session.xatom("ID", f'("{_MARKER}" "{marker}")'), "answer ID")
        found = list(dovecot_log.commands(self._log_with(marker)))
        own = {command.session for command in found if command.name == "ID" and _MARKER in command.arguments}
        return [command for command in found if command.session not in own]

    def _log_with(self, marker: str) -> list[str]:
        """The log, once the marker is in it: events pass through two more processes on their way."""
        end = time.monotonic() + _SECONDS
        while time.monotonic() < end:
            lines = self.log_lines()
            if any(marker in line for line in reversed(lines)):
                return lines
            time.sleep(0.01)
        raise LabError(f"dovecot's last events were not in its log after {_SECONDS} s")

    def set_password(self, login: str, password: str) -> None:
        if login == self._master.login:
            self._master = Master(login, password)
            dovecot_home.write_masters(self._home, self._master)
            login = f"{self.accounts[-1].login}*{login}"
        else:
            self.passwords[self.account(login).login] = password
            dovecot_home.write_users(self._home, self.passwords)
        time.sleep(_PASSWORD_SECONDS)
        with imap_session(self.imaps_port, self.ca_file, login, password):
            pass

    def set_acl(self, login: str, folder: str, identifier: str, rights: str | None) -> None:
        name = folder_argument(folder)
        with imap_session(self.imaps_port, self.ca_file, login, self.passwords[login]) as session:
            if rights is None:
                imap_done(session.deleteacl(name, quoted(identifier)), f"take away rights to {folder}")
            else:
                imap_done(session.setacl(name, quoted(identifier), rights), f"give rights to {folder}")

    def token(self, login: str, *, expired: bool = False) -> str:
        if self._token_key is None:
            raise LabError("this lab accepts no tokens", "start it with oauth=True")
        return tokens.token(self._token_key, login, expired=expired)
