"""IIS's log in front of Exchange."""

import pytest

from postwarden.errors import ConfigError
from postwarden.formats.server_logs import About, open_log
from postwarden.model.event import Access
from tests.log_samples import accesses, decode, sample

FORWARDED = About(options={"forwarded_field": "X-Forwarded-For"})


def test_every_front_door_is_a_protocol() -> None:
    """Requests under a name are told with the door that they came through."""
    found = accesses(decode("w3c", sample("iis/doors.log")))
    assert [(one.protocol, one.name, one.stage) for one in found] == [
        ("owa", "alice@example.org", "request"),
        ("ews", "EXAMPLE\\bob", "request"),
        ("mapi", "EXAMPLE\\carol", "request"),
        ("ecp", "EXAMPLE\\carol", "refused"),
        ("activesync", "EXAMPLE\\dave", "refused"),
        ("oab", "EXAMPLE\\bob", "request"),
        ("powershell", "EXAMPLE\\root", "request"),
        ("autodiscover", "EXAMPLE\\bob", "request"),
        ("rest", "bob@example.org", "request"),
        ("owa", "HealthMailbox0123abc@example.org", "request"),
        ("owa", "EXAMPLE\\alice", "request"),
        ("owa", "EXAMPLE\\alice", "request"),
    ]


def test_a_request_has_all_that_the_line_tells() -> None:
    """Time, addresses, client and bytes are taken as the columns name them."""
    content = sample("iis/doors.log")
    found = accesses(decode("w3c", content))[0]
    assert found == Access(
        at=content.index(b"2026-11-23 00:00:03"),
        time=1795392003000,
        stage="request",
        protocol="owa",
        name="alice@example.org",
        address="203.0.113.7",
        server="192.0.2.10",
        client="Mozilla/5.0 (Windows NT 10.0; Win64; x64)",
        encrypted=True,
        bytes_in=1204,
        bytes_out=88213,
    )


def test_a_refused_device_is_told_with_status_and_device() -> None:
    """A wrong password over ActiveSync names the device and the error of Windows."""
    found = accesses(decode("w3c", sample("iis/doors.log")))[4]
    assert found.reason == "401.1 1326"
    assert found.client == "Apple-iPhone15C2/2107.102 (iPhone; ApplDMPX+1)"


def test_published_lines_are_read() -> None:
    """Exchange's own probe is passed over, an iPad's search is an access without bytes."""
    decoded = decode("w3c", sample("iis/front_end.log"))
    (found,) = accesses(decoded)
    assert (found.name, found.address, found.protocol) == ("EXAMPLE\\sean", "192.168.124.83", "activesync")
    assert found.client == "Apple-iPad7C2/1805.212 (iPad; N273TC3QE567H90G6LH4LTK89G)"
    assert found.bytes_out is None
    assert (decoded.passed, decoded.unread) == (5, [])


def test_the_client_behind_a_proxy_is_the_last_public_hop() -> None:
    """What the client itself may have written in front of the proxy's word is not believed."""
    found = accesses(decode("w3c", sample("iis/doors.log"), FORWARDED))[-2:]
    assert [one.forwarded for one in found] == ["203.0.113.7", None]


def test_a_line_that_does_not_fit_its_columns_is_unread() -> None:
    """A torn line is kept as a sample, and told where it begins."""
    content = sample("iis/doors.log")
    at = content.index(b"2026-11-23 09:30:02")
    assert decode("w3c", content).unread == [(at, b"2026-11-23 09:30:02 10.0.0.5 EXAMPLE\\alice /owa/ 200")]


def test_lines_before_any_columns_are_unread() -> None:
    """Without a head nobody knows what a line says."""
    decoded = decode("w3c", b"2026-11-23 00:00:01 203.0.113.7 alice /owa/ 200\n")
    assert (decoded.events, len(decoded.unread)) == ([], 1)


def test_the_day_of_the_head_is_used_where_no_column_has_one() -> None:
    """A log without a column for the day takes that of its head, and says so."""
    content = b"#Date: 2026-11-23 08:00:00\n#Fields: time c-ip cs-username cs-uri-stem sc-status\n08:00:01 203.0.113.7 a /owa 200\n"
    decoded = decode("w3c", content)
    assert accesses(decoded)[0].time == 1795420801000
    assert [at for at, _ in decoded.doubtful] == [content.index(b"08:00:01")]


def test_a_client_that_is_no_address_makes_a_line_unread() -> None:
    """A shifted line is not taken for an access from nowhere."""
    head = b"#Fields: date time c-ip cs-username cs-uri-stem sc-status\n"
    decoded = decode("w3c", head + b"2026-11-23 08:00:01 alice 203.0.113.7 /owa 200\n")
    assert (decoded.events, len(decoded.unread)) == ([], 1)


def test_a_line_beyond_all_bounds_is_unread() -> None:
    """A request of a hundred kilobytes is not read, and kept as a short sample."""
    head = b"#Fields: date time c-ip cs-username cs-uri-stem cs(User-Agent) sc-status\n"
    line = b"2026-11-23 08:00:01 203.0.113.7 alice /owa " + b"x" * 100_000 + b" 200\n"
    decoded = decode("w3c", head + line)
    assert (decoded.events, [len(raw) for _, raw in decoded.unread]) == ([], [1024])


def test_an_unknown_option_is_refused() -> None:
    """A wrong option is named when the log is opened."""
    with pytest.raises(ConfigError, match="forwarded"):
        open_log("w3c", About(options={"forwarded": "x"}))
