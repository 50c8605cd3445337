"""The lab on pymap, a mail server in Python, for machines without Dovecot."""

import json
import sys
from importlib.util import find_spec
from pathlib import Path

from postwarden.errors import LabError
from postwarden.lab import certificates
from postwarden.lab.lab import Command, Lab
from postwarden.lab.organisation import load
from postwarden.lab.ports import free_endpoints
from postwarden.lab.process import ServerProcess
from postwarden.lab.wire import imap_session

INSTALL = "pip install 'postwarden[pymap]'"

#: The file in the lab's folder that says which passwords are good now.
PASSWORDS = "passwords.json"


def installed() -> bool:
    """Whether pymap is here, with what its ManageSieve server needs."""
    return all(find_spec(name) is not None for name in ("pymap", "sievelib"))


def start(folder: Path) -> "PymapLab":
    """Start pymap with the organisation in its memory; its files are in `folder`."""
    if not installed():
        raise LabError("pymap is not installed, or lacks sievelib", INSTALL)
    people = load()
    made = certificates.make(folder)
    _write_passwords(folder, {account.login: account.password for account in people.accounts})
    output = folder / "output.log"
    command = [sys.executable, "-m", "postwarden.lab.pymap_server", str(folder.resolve())]
    ports = free_endpoints()
    process = ServerProcess([*command, *map(str, ports.all())], output=output, ports=ports)
    process.wait_until_ready({ports.imap: b"* OK", ports.sieve: b'"IMPLEMENTATION"'}, hint=INSTALL)
    return PymapLab(people, ports, made.ca_file, output, process)


class PymapLab(Lab):
    """A running pymap: no ACL, no master user, and no record of the commands that reached it."""

    server = "pymap"
    master = None

    def commands(self) -> list[Command]:
        raise LabError("pymap does not record commands", "use the lab on dovecot")

    def set_password(self, login: str, password: str) -> None:
        self.passwords[self.account(login).login] = password
        _write_passwords(self.ca_file.parent, self.passwords)
        with imap_session(self.imaps_port, self.ca_file, login, password):
            pass

    def set_acl(self, login: str, folder: str, identifier: str, rights: str | None) -> None:  # noqa: ARG002 (as in Lab)
        raise LabError("pymap has no access control lists", "use the lab on dovecot")

    def token(self, login: str, *, expired: bool = False) -> str:  # noqa: ARG002 (as in Lab)
        raise LabError("the lab on pymap accepts no tokens", "use the lab on dovecot, with oauth=True")


def _write_passwords(folder: Path, passwords: dict[str, str]) -> None:
    """Replace the file at once, for the server reads it whenever somebody logs in."""
    new = folder / f"{PASSWORDS}.new"
    new.touch(mode=0o600)
    new.write_text(json.dumps(passwords), encoding="utf-8")
    new.replace(folder / PASSWORDS)
