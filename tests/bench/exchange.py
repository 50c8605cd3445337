"""An audit of many mailboxes on an Exchange that takes its time: at once against one after another."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path
from time import perf_counter
from typing import Any

from postwarden.cli import run
from tests.bench.measure import NotMeasured, Ratio

MAILBOXES = 200
#: Seconds that each request takes at least, and requests at once that the server bears, which is what we send by default.
LATENCY, LIMIT = 0.05, 8
#: Requests that rules, delegates, automatic replies and permissions of 60 folders may take.
NEEDED = 8
BESIDE = ("GetServerTimeZones", "GetAppManifests", "ResolveNames", "ExpandDL")


def ratios() -> Iterator[Ratio | NotMeasured]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "server").mkdir(mode=0o700)
        with _server(folder / "server", "--accounts", str(MAILBOXES)) as ready:
            _configure(folder, ready, 1)
            alone = _audit(folder)
        (folder / "again").mkdir(mode=0o700)
        with _server(folder / "again", "--accounts", str(MAILBOXES)) as ready:
            _configure(folder, ready, LIMIT)
            together = _audit(folder)
        served = ready["served"]
        (folder / "one").mkdir(mode=0o700)
        with _server(folder / "one") as ready:
            _configure(folder, ready, 1)
            _audit(folder, "--account", "astrid.berg@kitano-marine.example")
        asked = sum(count for what, count in ready["served"]["requests"].items() if what not in BESIDE)
    yield Ratio(
        f"{MAILBOXES} mailboxes, {LIMIT} requests at once ({together:.0f} s, most at once {served['peak']}, "
        f"refused as too many {served['busy']})",
        f"one after another ({alone:.0f} s), each request {LATENCY * 1000:.0f} ms",
        values=(together / alone,),
        target=1 / 6,
    )
    yield Ratio(
        f"requests for rules, delegates, automatic reply and permissions of 60 folders ({asked})",
        f"{NEEDED}",
        values=(asked / NEEDED,),
        target=1.0,
    )


@contextmanager
def _server(folder: Path, *options: str) -> Iterator[dict[str, Any]]:
    """The lab's Exchange as a process of its own; what it served stands in `served` when it has ended."""
    command = [
        sys.executable, "-m", "postwarden.lab.exchange", "--folder", str(folder), "--latency", str(LATENCY),
        "--limit", str(LIMIT), *options,
    ]  # fmt: skip
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        assert server.stdin is not None
        ready: dict[str, Any] = json.loads(server.stdout.readline())
        yield ready
        server.stdin.close()
        ready["served"] = json.loads(server.stdout.readline())


def _configure(folder: Path, ready: dict[str, Any], connections: int) -> None:
    secret = folder / "secret"
    secret.touch(mode=0o600)
    secret.write_text(ready["password"] + "\n")
    listed = "".join(f'  {{ login = "{one}" }},\n' for one in ready["accounts"])
    (folder / "agent.toml").write_text(
        f"""
[organisation]
internal_domains = ["kitano-marine.example"]
[accounts]
list = [
{listed}]
[[source]]
name = "exchange"
kind = "ews"
url = "{ready["url"]}"
access = "impersonation"
ca_file = "{ready["ca_file"]}"
connections = {connections}
login = {{ mechanism = "ntlm", user = '{ready["login"]}', secret = {{ file = "secret" }} }}
"""
    )
    (folder / "agent.toml").chmod(0o600)


def _audit(folder: Path, *which: str) -> float:
    """Seconds that an audit took, which must have read everything."""
    started = perf_counter()
    with redirect_stdout(StringIO()) as said:
        run(["audit", *(which or ("--all",)), "--no-record", "--config", str(folder / "agent.toml")])
    assert "everything configured was read" in said.getvalue(), said.getvalue()[-2000:]
    return perf_counter() - started
