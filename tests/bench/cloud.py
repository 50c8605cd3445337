"""An audit of a large Microsoft tenant: requests against the fewest that paging allows, memory, and judging."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests.bench.measure import Ratio

USERS, GRANTS = 20_000, 200_000
#: What an audit with a ledger is measured on, which waits for the disk; and the second sweep and judging.
RECORDED_USERS, RECORDED_GRANTS = 5_000, 50_000
FEW_USERS, FEW_GRANTS = 2_000, 20_000
#: MB; and how many times the fewest requests are good enough.
MEMORY, REQUESTS = 400.0, 1.2
#: Entries of a page, and of a page of audits; parts of one `$batch`.
PAGE, AUDIT_PAGE, PARTS = 999, 1000, 20
#: Resources that hold mail, whose roles are listed: Graph and Exchange Online.
RESOURCES = 2
#: What Graph shows to nobody.
_UNSHOWN = ("app_passwords", "hidden_rules", "mailbox_forwarding", "mailbox_permissions", "exchange_roles")


class Tenant:
    """The lab's cloud as a process of its own, and audits of it in others."""

    def __init__(self, folder: Path, users: int, grants: int, running: ExitStack) -> None:
        (folder / "cloud").mkdir(mode=0o700)
        self._folder = folder
        self._server = running.enter_context(
            _process(
                "postwarden.lab.cloud", "--folder", str(folder / "cloud"), "--users", str(users), "--grants", str(grants)
            )
        )  # fmt: skip
        self.ready: dict[str, Any] = _line(self._server)
        self.config = _configure(folder, self.ready)

    def audit(self, how: str) -> Iterator[dict[str, Any]]:
        """What each part of the work took, with the requests by kind."""
        with _process("tests.bench.cloud_audit", str(self.config), how) as audit:
            while told := _line(audit):
                yield {**told, "requests": _asked(self._server)["requests"]}
                _go_on(audit)

    @property
    def ledger(self) -> Path:
        return self._folder / "state" / "ledger"


def ratios() -> Iterator[Ratio]:
    yield from _large()
    yield _recorded()
    yield from _sweeps()


def _large() -> Iterator[Ratio]:
    with open_tenant(USERS, GRANTS) as tenant:
        (told,) = tenant.audit("audit")
        fewest = _fewest(tenant.ready["microsoft"])
    asked, mailboxes = _count(told["requests"]), tenant.ready["microsoft"]["users"]
    what = f"an audit of {USERS} users and {GRANTS} grants"
    yield Ratio(
        f"requests of {what} ({asked})",
        f"the fewest that paging allows ({fewest})",
        values=(asked / fewest,),
        target=REQUESTS,
    )
    yield Ratio(
        f"the same without those to mailboxes ({asked - mailboxes})",
        f"the fewest ({fewest - mailboxes})",
        values=((asked - mailboxes) / (fewest - mailboxes),),
        target=REQUESTS,
    )
    yield _peak(what, told)


def _recorded() -> Ratio:
    with open_tenant(RECORDED_USERS, RECORDED_GRANTS) as tenant:
        (told,) = tenant.audit("record")
        blobs = [one.stat().st_size for one in (tenant.ledger / "blobs").iterdir()]
        records = sum(one.stat().st_size for one in (tenant.ledger / "records").iterdir())
    kept = f"{len(blobs)} blobs ({sum(blobs) / 1e6:.0f} MB), {records / 1e6:.0f} MB of records"
    return _peak(f"{RECORDED_USERS} users and {RECORDED_GRANTS} grants with a new ledger of {kept}", told)


def _peak(what: str, told: dict[str, Any]) -> Ratio:
    return Ratio(
        f"peak memory of {what} ({told['peak_mb']:.0f} MB)",
        f"{MEMORY:.0f} MB",
        values=(told["peak_mb"] / MEMORY,),
        seconds=told["seconds"],
        per="audit",
        target=1,
    )


def _sweeps() -> Iterator[Ratio]:
    with open_tenant(FEW_USERS, FEW_GRANTS) as tenant:
        first, second = tenant.audit("sweeps")
        fewest = _fewest(tenant.ready["microsoft"], again=True)
    asked = _count(second["requests"])
    yield Ratio(
        f"requests of the second sweep of {FEW_USERS} users ({asked}; the first: {_count(first['requests'])})",
        f"the fewest where only changes are asked for ({fewest})",
        values=(asked / fewest,),
        target=REQUESTS,
    )
    yield Ratio(
        f"judging {FEW_USERS} users with {FEW_GRANTS} grants",
        "json.loads of what was read",
        values=tuple(one["judging"] / one["decoding"] for one in (first, second)),
        seconds=second["judging"] / second["accounts"],
        per="user",
    )


def _fewest(has: dict[str, int], *, again: bool = False) -> int:
    """The requests that a tenant takes: full pages, full batches, one batch for each mailbox, one token.

    In a sweep `again` the grants are one request, and the owners none.
    """
    listings = (
        _pages(has["users"], PAGE)
        + _pages(has["service_principals"], PAGE)
        + _pages(has["applications"], PAGE)
        + _pages(has["audits"], AUDIT_PAGE)
        + RESOURCES
    )
    grants = 1 if again else _pages(has["delegated"], PAGE)
    owners = 0 if again else _pages(has["service_principals"] + has["applications"], PARTS)
    names_of_roles = token = 1
    return listings + grants + owners + names_of_roles + token + has["users"]


def _pages(entries: int, size: int) -> int:
    return max(1, -(-entries // size))


def _count(requests: dict[str, int]) -> int:
    """Without the parts of batches, which have a slash in their name."""
    return sum(count for name, count in requests.items() if "/" not in name)


@contextmanager
def open_tenant(users: int, grants: int) -> Iterator[Tenant]:
    with tempfile.TemporaryDirectory() as name, ExitStack() as running:
        yield Tenant(Path(name), users, grants, running)


@contextmanager
def _process(module: str, *options: str) -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, "-m", module, *options]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            # The end of its standard input ends it.
            process.communicate()


def _line(process: "subprocess.Popen[bytes]") -> dict[str, Any]:
    """The next line that a process writes; nothing, where it has ended."""
    assert process.stdout is not None
    found: dict[str, Any] = json.loads(process.stdout.readline() or b"{}")
    return found


def _go_on(process: "subprocess.Popen[bytes]") -> None:
    assert process.stdin is not None
    process.stdin.write(b"\n")
    process.stdin.flush()


def _asked(server: "subprocess.Popen[bytes]") -> dict[str, Any]:
    """What the lab was asked since the last time."""
    _go_on(server)
    return _line(server)


def _configure(folder: Path, ready: dict[str, Any]) -> Path:
    microsoft = ready["microsoft"]
    secret = folder / "secret"
    secret.touch(mode=0o600)
    secret.write_text(microsoft["client_secret"] + "\n")
    accepted = "".join(
        f"""
[[coverage.accepted]]
source = "m365"
scope = "*"
check = "{check}"
reason = "Graph does not show it"
until = 2099-12-31
"""
        for check in _UNSHOWN
    )
    path = folder / "agent.toml"
    path.touch(mode=0o600)
    path.write_text(
        f"""
[organisation]
internal_domains = {json.dumps(ready["internal_domains"])}
partners = {json.dumps(ready["partners"])}
[accounts]
directories = ["m365"]
[state]
folder = "state"
[ledger]
origin = "postwarden/bench"
[[source]]
name = "m365"
kind = "graph"
tenant = "{microsoft["tenant_id"]}"
ca_file = "{ready["ca_file"]}"
login = {{ client_id = "{microsoft["client_id"]}", secret = {{ file = "secret" }} }}
[source.urls]
login = "{microsoft["authority"].rpartition("/")[0]}"
graph = "{microsoft["graph_url"]}"
exchange = "{microsoft["exchange_url"]}"
{accepted}"""
    )
    return path
