"""The folder that all files of one Dovecot of the lab are in."""

import base64
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from postwarden.errors import LabError
from postwarden.lab import certificates, dovecot_config, dovecot_store, tokens
from postwarden.lab.dovecot_config import Identities, Options
from postwarden.lab.organisation import Master, Organisation
from postwarden.lab.ports import Endpoints

#: The kernel takes 107 bytes for the path of a socket, and this is Dovecot's longest one.
_LONGEST_PATH = 107 - len("/run/token-login/imap-urlauth")
#: Dovecot separates arguments by spaces and has no way to quote them.
_PLAIN_PATH = re.compile(r"[\w/.+-]+", re.ASCII)


def choose(folder: Path, who: Identities) -> Path:
    """Return `folder`, or a new temporary folder where Dovecot could not work in that one.

    Dovecot's processes have several users, who must be able to enter the folder and all above it; `folder` itself is
    opened to them (mode 0711), what lies above is not ours to change.
    """
    home = folder.resolve()
    if _usable(home, who):
        return home
    home = Path(tempfile.mkdtemp(prefix="postwarden-lab-")).resolve()
    if _usable(home, who):
        return home
    home.rmdir()
    raise LabError(
        f"dovecot's users cannot enter folders in {home.parent}",
        "set TMPDIR to a short path open to everybody",
    )


def _usable(home: Path, who: Identities) -> bool:
    if len(os.fsencode(home)) > _LONGEST_PATH or not _PLAIN_PATH.fullmatch(str(home)):
        return False
    if not who.root:
        return True
    home.chmod(0o711)
    return all(above.stat().st_mode & 0o001 for above in home.parents)


def fill(
    home: Path,
    who: Identities,
    organisation: Organisation,
    ports: Endpoints,
    options: Options,
    token_key: bytes,
) -> None:
    """Write everything that Dovecot reads: configuration, certificates, passwords, the key of tokens, mail."""
    for name in ("run", "state", "tls"):
        (home / name).mkdir(mode=0o755)
    certificates.make(home / "tls")
    write_masters(home, organisation.master)
    write_users(home, {account.login: account.password for account in organisation.accounts})
    secret = [home / "masters", home / "users"]
    if options.oauth:
        # Named by the client, the algorithm and the key that a token states: ours states neither client nor key.
        key_file = home / "keys" / "default" / "HS256" / "default"
        key_file.parent.mkdir(parents=True)
        key_file.write_bytes(base64.b64encode(token_key))
        settings = (
            "introspection_mode = local",
            f"local_validation_key_dict = fs:posix:prefix={home}/keys/",
            "username_attribute = sub",
            f"issuers = {tokens.ISSUER}",
        )
        (home / "oauth2.conf").write_text("\n".join(settings) + "\n", encoding="utf-8")
        secret += [key_file, home / "oauth2.conf"]
    for path in secret:
        path.chmod(0o640)
        if who.root:
            shutil.chown(path, group=who.internal_group)
    dovecot_store.write(home, who, organisation)
    text = dovecot_config.text(home, ports, who, options, organisation)
    (home / "dovecot.conf").write_text(text, encoding="utf-8")


def write_users(home: Path, passwords: Mapping[str, str]) -> None:
    """Write the accounts' passwords, by login; a running Dovecot takes notice."""
    rows = "".join(f"{login}:{{PLAIN}}{password}::::::\n" for login, password in passwords.items())
    _write_noticeably(home / "users", rows)


def write_masters(home: Path, master: Master) -> None:
    """Write the master user's password; a running Dovecot takes notice."""
    _write_noticeably(home / "masters", f"{master.login}:{{PLAIN}}{master.password}\n")


def _write_noticeably(path: Path, text: str) -> None:
    before = path.stat().st_mtime if path.exists() else None
    path.write_text(text, encoding="utf-8")
    if before is not None:
        # Dovecot compares whole seconds, so that a second change within one would be lost.
        os.utime(path, (before + 1, before + 1))
