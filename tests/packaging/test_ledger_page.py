"""docs/ledger.md: its commands are ones that there are, and what it says to check with a shell and OpenSSL works."""

import re
import shlex
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest

from postwarden.cli import build_parser
from tests.packaging.conftest import ROOT
from tests.unit.ledger.conftest import Place, put, record, rotate

PAGE = (ROOT / "docs" / "ledger.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^    (postwarden .*)$", PAGE.replace("\\\n", " "), re.MULTILINE)
NOTES, LEAF = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_on_the_page_is_one(command: str) -> None:
    """The command line that stands there is accepted."""
    words = shlex.split(re.sub(r"\$\([^)]*\)", "x+0123abcd+AAAA", command))
    assert vars(build_parser().parse_args(words[1:]))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A ledger of three epochs with second signatures, and the first key beside its files."""
    made = Place(tmp_path / "state")
    ledger = made.make(second=True)
    for _ in range(2):
        put(ledger, record())
        ledger = made.open(second=True)
        rotate(ledger)
    put(ledger, record())
    (made.folder / "postwarden.vkey").write_text(f"{ledger.verifier_key}\n")
    return made


def shell(place: Place, script: str) -> str:
    """What a plain shell prints; the page's temporary files lie in the test's own folder."""
    script = script.replace("/tmp/", f"{place.state}/")
    done = subprocess.run(
        ["sh", "-c", script], cwd=place.folder, capture_output=True, text=True, check=False, timeout=60
    )
    return done.stdout + done.stderr


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_openssl_verifies_every_certificate_and_the_checkpoint(place: Place) -> None:
    """As the page says it, OpenSSL takes three certificates and the checkpoint, and none that was changed."""
    success = "Signature Verified Successfully\n"
    assert shell(place, NOTES) == 4 * success
    for name, sound in (("keys/00000001", 1), ("keys/00000002", 2), ("checkpoint", 3)):
        path = place.folder / name
        content = path.read_bytes()
        path.write_bytes(content.replace(b"postwarden", b"Postwarden", 1))
        assert shell(place, NOTES).count(success) == sound
        path.write_bytes(content)


def test_the_hash_of_a_record(place: Place) -> None:
    """As the page says it, the first leaf's hash comes out."""
    line = place.segment.read_bytes().split(b"\n")[0]
    assert shell(place, LEAF).split()[0] == sha256(b"\x00" + line).hexdigest()
