"""Whatever a feed has in it, reading it ends, and nothing is made up."""

import json
from datetime import UTC, datetime
from ipaddress import ip_network

from hypothesis import given
from hypothesis import strategies as st

from postwarden.formats.indicators import read_indicators

NOW = datetime(2026, 11, 23, tzinfo=UTC)

words = st.sampled_from(
    [
        "ip",
        "type",
        "value",
        "192.0.2.1",
        "10.0.0.0/8",
        "::1",
        ",",
        ";",
        "\t",
        '"',
        "\n",
        "#",
        "'",
        "[",
        "]",
        "=",
    ]
)
patterns = st.lists(
    st.sampled_from(
        ["[", "]", "(", ")", "ipv4-addr:value", "=", "OR", "AND", "IN", "'192.0.2.1'", "'x'", " "]
    ),
    max_size=20,
).map("".join)


@given(st.binary(max_size=500) | st.lists(words, max_size=40).map("".join).map(str.encode))
def test_any_bytes_are_read_to_their_end(data: bytes) -> None:
    """No file stops us, and what is an address stands in the file."""
    for one in read_indicators("feed", data, NOW).indicators:
        if one.kind in {"ip", "network"}:
            assert str(ip_network(one.value)).removesuffix("/32").removesuffix("/128") == one.value


@given(st.lists(patterns, max_size=5))
def test_any_pattern_gives_what_it_names_or_a_sentence(given_patterns: list[str]) -> None:
    """Each object leaves an indicator or a sentence with its id, and only values that it names."""
    objects = [{"type": "indicator", "id": f"i{n}", "pattern": one} for n, one in enumerate(given_patterns)]
    found = read_indicators("feed", json.dumps({"type": "bundle", "objects": objects}).encode(), NOW)
    assert {one.text for one in found.indicators} <= {"ip 192.0.2.1"}
    named = {word.split(":")[0].split(" ")[0] for word in found.unread}
    assert found.indicators or named == {f"i{n}" for n in range(len(objects))}
