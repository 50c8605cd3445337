"""The lab's cloud as it runs: one server a host, on free ports of the loopback interface, changed and asked by tests."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import Self

from postwarden.lab import certificates
from postwarden.lab.assertions import Clock
from postwarden.lab.cloud import ordinary
from postwarden.lab.cloud.elsewhere import Elsewhere, Stray
from postwarden.lab.cloud.faults import Faults
from postwarden.lab.cloud.google import GoogleCloud, GoogleHosts
from postwarden.lab.cloud.host import Host
from postwarden.lab.cloud.journal import Journal, RequestRecord
from postwarden.lab.cloud.keycloak import KeycloakCloud, KeycloakServer
from postwarden.lab.cloud.microsoft import MicrosoftCloud, MicrosoftHosts
from postwarden.lab.cloud.organisation import CloudOrganisation
from postwarden.lab.cloud.surroundings import Observer, Surroundings
from postwarden.lab.https import Front, HttpsServer

_ADDRESS = "127.0.0.1"


class CloudLab:
    """A running cloud of the lab; a context manager that stops it.

    `organisation` is what it was filled with; each provider has its state, its URLs and the log-in of postwarden;
    `faults` is what goes wrong, `observers` see every request with its answer.
    """

    def __init__(
        self,
        servers: Sequence[HttpsServer],
        surroundings: Surroundings,
        elsewhere: Elsewhere,
        *,
        organisation: CloudOrganisation,
        microsoft: MicrosoftCloud,
        google: GoogleCloud,
        keycloak: KeycloakCloud,
        ca_file: Path,
        stopping: Event,
    ) -> None:
        self.organisation = organisation
        self.microsoft = microsoft
        self.google = google
        self.keycloak = keycloak
        self.ca_file = ca_file
        self._servers = servers
        self._surroundings = surroundings
        self._elsewhere = elsewhere
        self._stopping = stopping

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def faults(self) -> Faults:
        return self._surroundings.faults

    @property
    def observers(self) -> list[Observer]:
        return self._surroundings.observers

    @property
    def requests(self) -> tuple[RequestRecord, ...]:
        """All requests and parts of batches, in the order in which they were answered."""
        return self._surroundings.journal.requests

    @property
    def counts(self) -> Mapping[str, int]:
        """Requests by host and kind, as the journal counts them."""
        return self._surroundings.journal.counts()

    @property
    def problems(self) -> tuple[RequestRecord, ...]:
        """Requests that no client should send: unknown paths, options and properties, foreign cursors and tokens."""
        return self._surroundings.journal.problems

    @property
    def peaks(self) -> Mapping[str, int]:
        """By host, the most requests that were there at once."""
        return self._surroundings.journal.peaks

    @property
    def strays(self) -> tuple[Stray, ...]:
        """What reached the server that no client has any business with."""
        return self._elsewhere.strays

    @property
    def latency(self) -> float:
        """Seconds that each request takes at least."""
        return self._surroundings.latency

    @latency.setter
    def latency(self, seconds: float) -> None:
        self._surroundings.latency = seconds

    def forget(self) -> None:
        """Empty the journal."""
        self._surroundings.journal.clear()

    def stop(self) -> None:
        """Close every connection and end every thread; harmless when repeated."""
        self._stopping.set()
        for server in self._servers:
            server.stop()


def start(
    folder: Path,
    *,
    users: int = 0,
    grants: int = 0,
    latency: float = 0.0,
    clock: Clock | None = None,
) -> CloudLab:
    """Start it in `folder`, which must exist, and where it keeps certificates and keys.

    With `users` and `grants` the Microsoft tenant has at least so many; `latency` are seconds that each request takes at
    least; `clock` tells what is now for everything that is dated and for the end of tokens, but not for the
    assertions of clients, which go by this computer's.
    """
    whole = ordinary.load()
    clock = clock or _now
    made = certificates.make(folder)
    surroundings = Surroundings(clock, latency, Journal(), Faults(), Event())
    microsoft = MicrosoftHosts(
        folder,
        whole,
        surroundings,
        start=clock(),
        computer_clock=_now,
        users=users,
        grants=grants,
    )
    google = GoogleHosts(folder, whole, surroundings, start=clock(), computer_clock=_now)
    keycloak = KeycloakServer(whole, surroundings, start=clock())
    elsewhere = Elsewhere()
    servers: list[HttpsServer] = []

    def listen(front: Front, software: str) -> str:
        server = HttpsServer(
            certificate_file=made.certificate_file, key_file=made.key_file, software=software
        )
        server.start(front)
        servers.append(server)
        return f"https://{_ADDRESS}:{server.port}"

    def listen_all(hosts: Sequence[Host], software: str) -> None:
        for host in hosts:
            host.origin = listen(host, software)

    surroundings.elsewhere = listen(elsewhere, "elsewhere")
    listen_all(microsoft.hosts, "Microsoft-IIS/10.0")
    listen_all(google.hosts, "ESF")
    listen_all((keycloak.host,), "keycloak")
    return CloudLab(
        servers,
        surroundings,
        elsewhere,
        organisation=whole,
        microsoft=microsoft.started(),
        google=google.started(),
        keycloak=keycloak.started(),
        ca_file=made.ca_file,
        stopping=surroundings.stopping,
    )


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - clients sign assertions by this computer's clock
