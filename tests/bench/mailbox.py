"""What an audit asks of a mail server: commands, which cost a round trip each."""

import tempfile
from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

from postwarden import lab
from postwarden.cli import run
from postwarden.cli.demo import write_configuration
from tests.bench.measure import NotMeasured, Ratio

LOGIN = "jan.novotny"
FOLDERS = 60
#: A folder's access list, and our own rights to it.
NEEDED = 2


def ratios() -> Iterator[Ratio | NotMeasured]:
    work = f"IMAP commands of an audit of {FOLDERS} folders"
    if "dovecot" not in lab.available():
        yield NotMeasured(work, "dovecot is not installed")
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "lab").mkdir(mode=0o700)
        with lab.start(folder / "lab", server="dovecot") as running:
            config = write_configuration(folder, running)
            there = len(running.account(LOGIN).folders) + 1  # and INBOX
            for number in range(FOLDERS - there):
                running.create_folder(LOGIN, f"Folder {number}")
            before = len(running.commands())
            with redirect_stdout(StringIO()):
                run(["audit", "--account", LOGIN, "--no-record", "--config", str(config)])
            asked = [one for one in running.commands()[before:] if one.protocol == "imap"]
    yield Ratio(f"{work} ({len(asked)})", f"{NEEDED} a folder", values=(len(asked) / (NEEDED * FOLDERS),))
