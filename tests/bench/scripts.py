"""Sieve scripts: parsed and taken apart into what they do."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from postwarden import lab
from postwarden.formats.sieve.decoding import decode
from postwarden.model.reading import Item
from postwarden.model.scope import account_scope
from tests.bench.measure import Ratio, compare

RUNS = 7
#: Scripts in one run: those of the lab's organisation, again and again.
COUNT = 100

_CONFIG = "mail_location = maildir:{folder}/mail\nssl = no\n"
_OBSERVED = datetime(2026, 11, 23, 2, 36, tzinfo=UTC)


def ratios() -> Iterator[Ratio]:
    texts = [script.text.encode() for account in lab.organisation().accounts for script in account.scripts]
    texts = [texts[number % len(texts)] for number in range(COUNT)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "scripts").mkdir()
        for number, text in enumerate(texts):
            (folder / "scripts" / f"{number:03d}.sieve").write_bytes(text)
        yield compare(
            "a Sieve script parsed and decoded",
            lambda: [_decode(text) for text in texts],
            "reading its file",
            lambda: [path.read_bytes() for path in sorted((folder / "scripts").iterdir())],
            runs=RUNS,
            parts=(COUNT, COUNT),
            per="script",
        )
        if shutil.which("sievec"):
            (folder / "dovecot.conf").write_text(_CONFIG.format(folder=folder))
            yield compare(
                "a Sieve script parsed and decoded",
                lambda: [_decode(text) for text in texts],
                "sievec, all scripts in one process",
                lambda: _compile(folder),
                runs=RUNS,
                parts=(COUNT, COUNT),
                per="script",
            )


def _decode(text: bytes) -> list[Item]:
    found = decode(
        text,
        name="main",
        active=True,
        scope=account_scope("login:alice"),
        source="sieve",
        check="sieve_scripts",
        observed=_OBSERVED,
    )
    return list(found)


def _compile(folder: Path) -> None:
    for path in (folder / "scripts").glob("*.svbin"):
        path.unlink()
    command = ["sievec", "-c", str(folder / "dovecot.conf"), str(folder / "scripts")]
    subprocess.run(
        command, check=True, capture_output=True, env={"HOME": str(folder), "PATH": "/usr/bin:/bin"}
    )
