"""Samples of logs, and what their readers make of them."""

from pathlib import Path

from postwarden.formats.server_logs import About, Decoded, open_log
from postwarden.model.event import Access, Transfer

SAMPLES = Path(__file__).with_name("samples") / "logs"


def sample(name: str) -> bytes:
    """The bytes of a sample."""
    return (SAMPLES / name).read_bytes()


def decode(format_name: str, content: bytes, about: About | None = None) -> Decoded:
    """A whole log at once."""
    return open_log(format_name, about or About()).decode(content, 0)


def accesses(decoded: Decoded) -> list[Access]:
    """The events, of which all are accesses."""
    found = [event for event in decoded.events if isinstance(event, Access)]
    assert len(found) == len(decoded.events)
    return found


def transfers(decoded: Decoded) -> list[Transfer]:
    """The events, of which all are transfers."""
    found = [event for event in decoded.events if isinstance(event, Transfer)]
    assert len(found) == len(decoded.events)
    return found
