"""`[ledger.checkpoints]`, `[[ledger.witness]]` and `[[ledger.timestamp]]`: where checkpoints go, so that others remember."""

from typing import Annotated, Literal
from urllib.parse import urlsplit

from msgspec import Meta, Struct

from postwarden.errors import ConfigError

#: Where cleartext is taken: what is there does not leave the host.
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


class CheckpointsSection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Each new checkpoint goes to the `log` and the `file` at once; to `command`, witnesses and time stamping authorities
    at most every `every` minutes. `socket` is where journald listens, `syslog` a socket's path, udp:// or tcp://.
    """

    log: Literal["journal", "syslog", "none"] = "none"
    socket: Annotated[str, Meta(min_length=1)] = "/run/systemd/journal/socket"
    syslog: Annotated[str, Meta(min_length=1)] = "/dev/log"
    file: str | None = None
    command: tuple[str, ...] = ()
    every: Annotated[int, Meta(ge=1, le=1_440)] = 10


class WitnessSection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A C2SP witness: its address, its key as it printed it, and a file with roots other than the system's."""

    url: str
    key: str
    ca_file: str | None = None


class TimestampSection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A time stamping authority (RFC 3161), and a PEM file with the roots that its answers are verified against."""

    url: str
    roots: str


def check_checkpoints(
    checkpoints: CheckpointsSection,
    witnesses: tuple[WitnessSection, ...],
    authorities: tuple[TimestampSection, ...],
    where: str,
) -> None:
    """Raises ConfigError for an address that is none, or that would send in the clear what must not be."""
    if checkpoints.command and not checkpoints.command[0].startswith("/"):
        raise ConfigError(
            f"{checkpoints.command[0]!r} is no absolute path",
            "name the program with its folder",
            path=where,
            key="ledger.checkpoints.command[0]",
        )
    if not checkpoints.syslog.startswith("/") and not _has_host(checkpoints.syslog, {"udp", "tcp"}):
        raise ConfigError(
            f"{checkpoints.syslog!r} is no syslog address",
            'for example "/dev/log" or "udp://192.0.2.7:514"',
            path=where,
            key="ledger.checkpoints.syslog",
        )
    for index, witness in enumerate(witnesses):
        _check_url(witness.url, f"ledger.witness[{index}].url", where, clear=False)
        if witness.key.count("+") < 2:
            raise ConfigError(
                "is not a witness's key",
                "it looks like name+0123abcd+base64; postwarden witness prints it when it starts",
                path=where,
                key=f"ledger.witness[{index}].key",
            )
    for index, authority in enumerate(authorities):
        # A time stamp is asked for by a digest and is signed: most authorities offer nothing but http.
        _check_url(authority.url, f"ledger.timestamp[{index}].url", where, clear=True)


def _check_url(url: str, key: str, where: str, *, clear: bool) -> None:
    if not _has_host(url, {"https", "http"}):
        raise ConfigError(
            f"{url!r} is no address", 'for example "https://b.example.org:8446"', path=where, key=key
        )
    parts = urlsplit(url)
    if parts.scheme == "http" and not clear and parts.hostname not in _LOOPBACK:
        raise ConfigError(
            "is not https",
            "start the witness with --tls-certificate; cleartext is for this host alone",
            path=where,
            key=key,
        )


def _has_host(url: str, schemes: set[str]) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in schemes and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False
