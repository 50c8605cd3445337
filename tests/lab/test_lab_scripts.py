"""The organisation's Sieve scripts under the real compiler and interpreter of Pigeonhole."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from postwarden import lab
from tests.lab.conftest import require

#: Pigeonhole refuses to run scripts for root.
NOBODY = 65534

HELLO = "From: Ann <ann@elsewhere.example>\nTo: {to}\nSubject: Hello\n\nHow are you?\n"
INVOICE = HELLO.replace("Hello", "Your invoice 4711")
WARNING = HELLO.replace("Hello", "Security alert: new sign-in")


@dataclass(frozen=True)
class Outcome:
    """What a script does to one message."""

    redirects: tuple[str, ...]
    folders: tuple[str, ...]
    discarded: bool
    seen: bool


@dataclass(frozen=True)
class Pigeonhole:
    """Runs `sievec` and `sieve-test` in a folder of their user."""

    folder: Path

    def run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        user = NOBODY if os.geteuid() == 0 else None
        return subprocess.run(
            [program, "-c", str(self.folder / "dovecot.conf"), *arguments],
            capture_output=True,
            text=True,
            check=False,
            user=user,
            group=user,
            extra_groups=None if user is None else [],
            env={"HOME": str(self.folder), "USER": "nobody", "PATH": "/usr/bin:/bin"},
            cwd=self.folder,
        )

    def write(self, name: str, text: str) -> str:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        path.chmod(0o644)
        return str(path)

    def outcome(self, account: lab.Account, message: str) -> Outcome:
        script = account.active_script()
        assert script is not None
        result = self.run(
            "sieve-test",
            *("-f", "ann@elsewhere.example", "-a", account.addresses[0], "-r", account.addresses[0]),
            self.write(f"{account.login}.sieve", script.text),
            self.write("message.eml", message.format(to=account.addresses[0])),
        )
        assert result.returncode == 0, result.stderr
        return Outcome(
            redirects=tuple(re.findall(r"redirect message to: <(.*)>", result.stdout)),
            folders=tuple(re.findall(r"store message in folder: (.*)", result.stdout)),
            discarded=" * discard" in result.stdout,
            seen="\\seen" in result.stdout,
        )


@pytest.fixture
def pigeonhole() -> Iterator[Pigeonhole]:
    require("dovecot", present=all(shutil.which(name) for name in ("sievec", "sieve-test")))
    folder = Path(tempfile.mkdtemp(prefix="postwarden-test-"))
    if os.geteuid() == 0:
        shutil.chown(folder, NOBODY, NOBODY)
    made = Pigeonhole(folder)
    made.write("dovecot.conf", f"mail_home = {folder}\nmail_location = maildir:{folder}/Maildir\n")
    yield made
    shutil.rmtree(folder)


def test_every_script_compiles(pigeonhole: Pigeonhole) -> None:
    """Pigeonhole's compiler accepts every script of the organisation, the inactive ones too."""
    for account in lab.organisation().accounts:
        for script in account.scripts:
            path = pigeonhole.write("script.sieve", script.text)
            result = pigeonhole.run("sievec", path, f"{path}c")
            assert result.returncode == 0, f"{account.login} {script.name}: {result.stderr}"


def test_ordinary_mail_leaves_two_accounts_only(pigeonhole: Pigeonhole) -> None:
    """An ordinary message is redirected to the look-alike by one account, to a colleague by another, else kept."""
    outcomes = {
        account.login: pigeonhole.outcome(account, HELLO)
        for account in lab.organisation().accounts
        if account.active_script() is not None
    }
    assert {login: seen.redirects for login, seen in outcomes.items() if seen.redirects} == {
        "naomi.sato": ("naomi.sato@evil-kitano-works.example",),
        "mateus.oliveira": ("chiara.rossi@kitano-logistics.example",),
    }
    assert all(seen.folders == ("INBOX",) and not seen.discarded for seen in outcomes.values())


def test_invoices_leave_without_a_copy(pigeonhole: Pigeonhole) -> None:
    """Accounts payable sends an invoice away and keeps nothing; the tidy-up script files it."""
    organisation = lab.organisation()
    assert pigeonhole.outcome(organisation.account("lars.eriksen"), INVOICE) == Outcome(
        redirects=("ap.eriksen@quickmail-post.example",), folders=(), discarded=False, seen=False
    )
    assert pigeonhole.outcome(organisation.account("tomasz.zielinski"), INVOICE) == Outcome(
        redirects=(), folders=("Invoices",), discarded=False, seen=False
    )


def test_warnings_vanish_in_two_accounts(pigeonhole: Pigeonhole) -> None:
    """A security warning is discarded by one intruder and hidden, marked read, by another."""
    organisation = lab.organisation()
    assert pigeonhole.outcome(organisation.account("lars.eriksen"), WARNING).discarded
    assert pigeonhole.outcome(organisation.account("priya.raman"), WARNING) == Outcome(
        redirects=(), folders=("RSS Feeds",), discarded=False, seen=True
    )
    assert pigeonhole.outcome(organisation.account("sofia.novak"), WARNING).folders == ("INBOX",)
