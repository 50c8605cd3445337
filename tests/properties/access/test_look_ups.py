"""Look-ups of addresses against plain ones."""

from ipaddress import IPv4Address, IPv6Address, ip_network

from hypothesis import given
from hypothesis import strategies as st

from postwarden.access.addresses import Address, parse_address
from postwarden.access.clients import client_family
from postwarden.access.facts import NOTHING, Facts, facts_of
from postwarden.access.hosting import HostingTable
from postwarden.access.networks import Networks
from postwarden.access.prefixes import Network, Prefixes
from postwarden.access.ranges import read_ranges
from postwarden.errors import ConfigError

#: Close together and at the borders of 64 bits, so that look-ups meet ranges.
NUMBERS4 = st.one_of(st.integers(0, 300), st.integers(2**32 - 300, 2**32 - 1), st.integers(0, 2**32 - 1))
NUMBERS6 = st.one_of(
    st.integers(2**64 - 20, 2**64 + 20),
    st.integers(5 * 2**64 - 20, 5 * 2**64 + 20),
    st.integers(2**32, 2**128 - 1),
)


def _ranges(numbers: st.SearchStrategy[int]) -> st.SearchStrategy[list[tuple[int, int]]]:
    """Ranges in order and apart from each other."""

    def pairs(found: set[int]) -> list[tuple[int, int]]:
        ordered = sorted(found)
        return list(zip(ordered[::2], ordered[1::2], strict=False))

    return st.sets(numbers, max_size=24).map(pairs)


@given(_ranges(NUMBERS4), _ranges(NUMBERS6), st.lists(NUMBERS4), st.lists(NUMBERS6), st.booleans())
def test_arrays_answer_as_a_plain_search_does(
    ranges4: list[tuple[int, int]],
    ranges6: list[tuple[int, int]],
    asked4: list[int],
    asked6: list[int],
    dotted: bool,
) -> None:
    """The compact table finds what a walk over all ranges finds, at their borders too."""
    plain: list[tuple[Address, Address, Facts]] = []
    rows: list[str] = []
    for number, (first, last) in enumerate([*ranges4, *ranges6], start=1):
        kind = IPv4Address if number <= len(ranges4) else IPv6Address
        plain.append((kind(first), kind(last), Facts(asn=number % 5 + 1, name=f"n{number % 5}")))
        ends = (kind(first), kind(last)) if dotted else (first, last)
        rows.append(f"{ends[0]},{ends[1]},{number % 5 + 1},n{number % 5}")
    table = read_ranges([("x", rows)])
    borders4 = [
        end + step for pair in ranges4 for end in pair for step in (-1, 0, 1) if 0 <= end + step < 2**32
    ]
    borders6 = [
        end + step for pair in ranges6 for end in pair for step in (-1, 0, 1) if 0 <= end + step < 2**128
    ]
    asked: list[Address] = [IPv4Address(number) for number in asked4 + borders4]
    asked += [IPv6Address(number) for number in asked6 + borders6]
    for address in asked:
        expected = next(
            (
                facts
                for first, last, facts in plain
                if first.version == address.version and int(first) <= int(address) <= int(last)
            ),
            NOTHING,
        )
        assert table.find(address) == expected
    assert len(table) == len(rows)


@given(st.lists(st.text(alphabet='0123456789.:,abf"-\n ', max_size=60)))
def test_any_rows_are_a_table_or_are_refused(rows: list[str]) -> None:
    """A file of ranges is read or named as wrong, with a line."""
    line: int | None = 1
    try:
        read_ranges([("x", rows)])
    except ConfigError as exc:
        line = exc.line
    assert line is not None


NETWORKS: st.SearchStrategy[Network] = st.one_of(
    st.tuples(NUMBERS4, st.integers(0, 32)).map(lambda pair: ip_network((pair[0], pair[1]), strict=False)),
    st.tuples(NUMBERS6, st.integers(0, 128)).map(
        lambda pair: ip_network((IPv6Address(pair[0]), pair[1]), strict=False)
    ),
)


@given(
    st.lists(NETWORKS, max_size=12), st.lists(st.one_of(NUMBERS4.map(IPv4Address), NUMBERS6.map(IPv6Address)))
)
def test_the_narrowest_network_is_found(networks: list[Network], asked: list[Address]) -> None:
    """A set of networks answers as a comparison with each of them does."""
    prefixes = Prefixes((network, network) for network in networks)
    for address in [*asked, *(network.network_address for network in networks)]:
        around = [network for network in networks if address in network]
        expected = max(around, key=lambda network: network.prefixlen) if around else None
        assert prefixes.find(address) == expected


@given(st.text())
def test_any_text_has_a_place_or_none(text: str) -> None:
    """What a log has for an address is located, or is nowhere, and asking again says the same."""
    networks = Networks(hosting=HostingTable(systems={}, prefixes=Prefixes()))
    place = networks.locate(text)
    assert (place is None) == (parse_address(text) is None)
    assert networks.locate(text) == place


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["country", "country_code", "asn", "traits", "iso_code", "name"]), inner
            )
        ),
    )
)
def test_any_record_has_facts(record: object) -> None:
    """Whatever a database holds, its facts are of their form."""
    facts = facts_of(record)
    assert facts.country is None or (len(facts.country) == 2 and facts.country.isupper())
    assert facts.asn is None or 0 < facts.asn < 2**32


@given(st.text(max_size=300))
def test_any_client_has_a_family_or_is_empty(text: str) -> None:
    """A client that says anything has a family."""
    assert (client_family(text) is None) == (not text.strip())
