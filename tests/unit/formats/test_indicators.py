"""Lists of indicators as feeds and notices bring them."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from postwarden.formats.indicators import MAX_BYTES, parse_indicator, read_indicators

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def read(text: str) -> tuple[list[str], list[str]]:
    found = read_indicators("feed", text.encode(), NOW)
    return [one.text for one in found.indicators], list(found.unread)


def stix(*patterns: str, **more: Any) -> tuple[list[str], list[str]]:
    objects = [
        {
            "type": "indicator",
            "id": f"indicator--{number}",
            "pattern_type": "stix",
            "pattern": pattern,
            **more,
        }
        for number, pattern in enumerate(patterns)
    ]
    return read(json.dumps({"type": "bundle", "id": "bundle--1", "objects": objects}))


def test_a_plain_list_has_a_value_a_line() -> None:
    """Comments are passed by, addresses that were made harmless are taken, twice is once."""
    found, unread = read(
        "# a list\n192.0.2[.]1\n\n192.0.2.1\n2001:DB8::1  # seen\n203.0.113.0/24\n::ffff:192.0.2.9\n"
    )
    assert found == ["ip 192.0.2.1", "ip 192.0.2.9", "ip 2001:db8::1", "network 203.0.113.0/24"]
    assert unread == []


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_table_is_read_by_the_names_of_its_columns(mark: str, delimiter: str) -> None:
    """As MISP exports it, with whatever stands between the cells; what log-ins do not have is told with its line."""
    lines = [
        "uuid,type,value,comment",
        "1,ip-dst|port,192.0.2.1|443,c2",
        "2,md5,abc,",
        "3,user-agent,evil agent,x",
    ]
    found, unread = read(mark + "\n".join(line.replace(",", delimiter) for line in lines))
    assert found == ["client evil agent", "ip 192.0.2.1"]
    assert len(unread) == 1
    assert unread[0].startswith("line 3:")
    assert "'md5' is nothing that log-ins have" in unread[0]


def test_a_table_without_names_is_understood_by_its_words() -> None:
    """A kind beside a value is enough; what follows is a note."""
    assert read("ip,192.0.2.1,bad host\n192.0.2.2,ip\napp,1fec8e78-bce4\n")[0] == [
        "app 1fec8e78-bce4", "ip 192.0.2.1", "ip 192.0.2.2",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("[ipv4-addr:value = '192.0.2.1']", ["ip 192.0.2.1"]),
        ("[ipv4-addr:value ISSUBSET '192.0.2.0/24']", ["network 192.0.2.0/24"]),
        ("[ipv6-addr:value IN ('2001:db8::1', '2001:db8::2')]", ["ip 2001:db8::1", "ip 2001:db8::2"]),
        (
            "[ipv4-addr:value = '192.0.2.1' OR ipv4-addr:value = '192.0.2.2']",
            ["ip 192.0.2.1", "ip 192.0.2.2"],
        ),
        (
            "([ipv4-addr:value = '192.0.2.1']) OR [ipv4-addr:value='192.0.2.2']",
            ["ip 192.0.2.1", "ip 192.0.2.2"],
        ),
        ("[network-traffic:src_ref.value = '192.0.2.1']", ["ip 192.0.2.1"]),
        (
            "[network-traffic:extensions.'http-request-ext'.request_header.'User-Agent' = 'it\\'s me']",
            ["client it's me"],
        ),
    ],
)
def test_the_comparisons_of_a_pattern_are_indicators(pattern: str, found: list[str]) -> None:
    """Each by itself, where any of them is enough."""
    assert stix(pattern) == (found, [])


@pytest.mark.parametrize(
    "pattern",
    [
        "[ipv4-addr:value = '192.0.2.1' AND file:name = 'a']",
        "[ipv4-addr:value = '192.0.2.1'] FOLLOWEDBY [ipv4-addr:value = '192.0.2.2']",
        "[ipv4-addr:value != '192.0.2.1']",
        "[NOT ipv4-addr:value = '192.0.2.1']",
        "[ipv4-addr:value MATCHES '^192']",
        "[domain-name:value = 'evil.example']",
        "[ipv4-addr:value = ",
        "[ipv4-addr:value = '0.0.0.0/0']",
        "(" * 5000,
    ],
)
def test_what_cannot_be_looked_for_is_told_with_its_id(pattern: str) -> None:
    """Several things together, other things, too much, and no pattern at all."""
    found, unread = stix(pattern)
    assert found == []
    assert len(unread) == 1
    assert "indicator--0" in unread[0]


def test_indicators_whose_time_is_over_are_not_looked_for() -> None:
    """Revoked and expired ones are told; one that still counts is taken."""
    pattern = "[ipv4-addr:value = '192.0.2.1']"
    assert "is revoked" in stix(pattern, revoked=True)[1][0]
    assert "was valid until" in stix(pattern, valid_until="2026-11-23T00:00:00.000Z")[1][0]
    assert stix(pattern, valid_until="2026-11-23T00:00:01Z") == (["ip 192.0.2.1"], [])


def test_addresses_as_objects_and_objects_a_line_are_read() -> None:
    """A bundle without indicators has addresses; a feed may have an object a line."""
    objects = [{"type": "ipv4-addr", "id": "a", "value": "192.0.2.1"}, {"type": "malware", "id": "m"}]
    assert read(json.dumps({"type": "bundle", "objects": objects})) == (["ip 192.0.2.1"], [])
    assert read("\n".join(json.dumps(one) for one in objects) + "\nbroken") == (
        ["ip 192.0.2.1"],
        ["line 3 is no JSON"],
    )


@pytest.mark.parametrize(
    ("kind", "text", "words"),
    [
        ("ip", "192.0.2.300", "no address"),
        ("ip", "evil.example", "no address"),
        ("network", "192.0.2.0/33", "no network"),
        ("network", "10.0.0.0/7", "too wide"),
        ("network", "2000::/3", "too wide"),
        ("network", "::/16", "too wide"),
        ("network", "::fffe:0:0/95", "too wide"),
        ("client", "cur", "needs 4"),
        ("app", "", "needs 4"),
    ],
)
def test_what_is_no_indicator_is_refused_with_the_reason(kind: Any, text: str, words: str) -> None:
    """Whoever mistypes an address is told, instead of finding nothing."""
    with pytest.raises(ValueError, match=words):
        parse_indicator(kind, text)


def test_a_host_in_a_network_means_the_network() -> None:
    """The bits behind the prefix do not matter; a whole prefix is an address."""
    assert parse_indicator("network", "192.0.2.77/24").text == "network 192.0.2.0/24"
    assert parse_indicator("network", "192.0.2.77/32").text == "ip 192.0.2.77"


def test_files_beyond_reason_are_not_read() -> None:
    """Neither a huge file nor one that is no text."""
    assert read_indicators("feed", b"1" * (MAX_BYTES + 1), NOW).unread == (
        "feed is longer than 20000000 bytes",
    )
    assert read_indicators("feed", b"\xff\xfe\xff", NOW).unread == ("feed is not UTF-8 text",)
    assert read_indicators("feed", "192.0.2.1\n".encode("utf-16"), NOW).indicators != ()
