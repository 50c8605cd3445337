"""Where an address is."""

from datetime import date
from pathlib import Path

import pytest

from postwarden.access.addresses import parse_address
from postwarden.access.databases import ranges_database
from postwarden.access.facts import Facts, facts_of
from postwarden.access.hosting import HostingTable, read_hosting, with_listed
from postwarden.access.networks import Networks, Place, licences, weaknesses
from postwarden.access.prefixes import Prefixes, parse_networks
from postwarden.access.ranges import read_ranges
from postwarden.config.rule_files import read_table
from postwarden.errors import ConfigError
from tests.mmdb_files import mmdb

NO_HOSTING = HostingTable(systems={}, prefixes=Prefixes())
SYSTEMS = [
    "198.51.100.0,198.51.100.255,64500,Example Hosting",
    '203.0.113.0,203.0.113.127,64501,"Example, Telecom"',
]


def _shipped() -> HostingTable:
    file = read_table("hosting.csv")
    return read_hosting(file.raw.decode(), file.path)


@pytest.mark.parametrize(
    ("record", "facts"),
    [
        ({"country": {"iso_code": "JP", "names": {"en": "Japan"}}}, Facts(country="JP")),
        ({"country_code": "fr"}, Facts(country="FR")),
        (
            {"country": "DE", "asn": "AS64500", "as_name": "Example", "as_domain": "example.org"},
            Facts("DE", 64500, "Example"),
        ),
        (
            {"country": "Germany", "country_code": "DE", "asn": "AS64500", "as_domain": "example.org"},
            Facts("DE", 64500, "example.org"),
        ),
        (
            {"autonomous_system_number": 64500, "autonomous_system_organization": "Example"},
            Facts(None, 64500, "Example"),
        ),
        (
            {
                "country": {"iso_code": "JP"},
                "traits": {"autonomous_system_number": 1, "autonomous_system_organization": "x"},
            },
            Facts("JP", 1, "x"),
        ),
        ({"country_code": "ZZ", "asn": "AS0", "name": ["x"]}, Facts()),
        ({"country_code": "??", "asn": True}, Facts()),
        ({"country": {"iso_code": 5}}, Facts()),
        (
            {
                "country": {"iso_code": "JP"},
                "location": {"latitude": 35.7, "longitude": 139.7, "accuracy_radius": 20},
            },
            Facts("JP", coordinates=(35.7, 139.7)),
        ),
        ({"location": {"latitude": 37.751, "longitude": -97.822, "accuracy_radius": 1000}}, Facts()),
        ({"latitude": -33.5, "longitude": "151.2"}, Facts(coordinates=(-33.5, 151.2))),
        ({"lat": "50.1", "lng": "8.7"}, Facts(coordinates=(50.1, 8.7))),
        ({"country": "DE", "loc": "50.1,8.7"}, Facts("DE", coordinates=(50.1, 8.7))),
        ({"loc": "50.1"}, Facts()),
        ({"loc": "a,b"}, Facts()),
        ({"latitude": 91.0, "longitude": 1.0}, Facts()),
        ({"latitude": 1.0}, Facts()),
        ({"latitude": True, "longitude": 1.0}, Facts()),
        ({"latitude": 0, "longitude": 0.0}, Facts()),
        ({"latitude": float("nan"), "longitude": 0.0}, Facts()),
        (None, Facts()),
        ([1], Facts()),
    ],
)
def test_every_shape_of_a_record_is_understood(record: object, facts: Facts) -> None:
    """Nested and flat countries and systems, as the makers of databases write them."""
    assert facts_of(record) == facts


@pytest.mark.parametrize("record", [{"country": {"iso_code": "JP"}}, {"country_code": "JP"}])
def test_a_country_comes_from_an_mmdb_file(tmp_path: Path, record: dict[str, object]) -> None:
    """Both shapes of country databases answer for both versions of addresses."""
    country = mmdb(tmp_path / "c.mmdb", {"203.0.113.0/24": record, "2001:db8::/32": record})
    networks = Networks(hosting=NO_HOSTING, country=country)
    found = [
        networks.locate(text) for text in ("203.0.113.9", "2001:db8::9", "::ffff:203.0.113.9", "198.51.100.1")
    ]
    assert [one.country if one else "" for one in found] == ["JP", "JP", "JP", None]


def test_a_database_of_ipv4_knows_nothing_of_ipv6(tmp_path: Path) -> None:
    """A file for one version is no error for the other."""
    country = mmdb(tmp_path / "c.mmdb", {"203.0.113.0/24": {"country_code": "JP"}}, ip_version=4)
    networks = Networks(hosting=NO_HOSTING, country=country)
    assert networks.locate("2001:db8::9") == Place(
        address_class="public", place="2001:db8::/64", prefix="2001:db8::/48"
    )


def test_a_place_has_all_that_is_known(tmp_path: Path) -> None:
    """Country, system, its name, and whether it is hosting, come together."""
    networks = Networks(
        hosting=with_listed(NO_HOSTING, ["AS64500"], "networks.hosting"),
        country=mmdb(
            tmp_path / "c.mmdb",
            {"198.51.100.0/24": {"country_code": "NL", "location": {"latitude": 52.25, "longitude": 5.75}}},
        ),
        network=ranges_database(read_ranges([("asn.csv", SYSTEMS)]), "asn.csv"),
    )
    assert networks.locate("198.51.100.77") == Place(
        address_class="public",
        place="198.51.100.77",
        prefix="198.51.100.0/24",
        country="NL",
        asn=64500,
        network="Example Hosting",
        hosting="hosting",
        coordinates=(52.25, 5.75),
    )
    assert networks.locate("203.0.113.5") == Place(
        address_class="public",
        place="203.0.113.5",
        prefix="203.0.113.0/24",
        asn=64501,
        network="Example, Telecom",
    )


@pytest.mark.parametrize(
    ("text", "address_class"),
    [
        ("10.1.2.3", "private"),
        ("127.0.0.1", "private"),
        ("fe80::1%eth0", "private"),
        ("fd00::1", "private"),
        ("::1", "private"),
        ("100.64.3.4", "carrier_nat"),
        ("192.0.2.200", "carrier_nat"),
        ("192.0.2.10", "own"),
        ("10.9.0.1", "own"),
        ("198.51.100.1", "public"),
        ("2001:db8:5::1", "own"),
        ("2001:db8:6::1", "public"),
    ],
)
def test_addresses_have_a_class(text: str, address_class: str) -> None:
    """Own networks and a carrier's are those of the configuration; the narrower network counts."""
    networks = Networks(
        hosting=NO_HOSTING,
        own=parse_networks(["192.0.2.0/26", "10.9.0.0/16", "2001:db8:5::/48"], "networks.own"),
        carrier_nat=parse_networks(["192.0.2.0/24"], "networks.carrier_nat"),
    )
    place = networks.locate(text)
    assert place is not None
    assert place.address_class == address_class


def test_ipv6_is_judged_by_its_prefix() -> None:
    """Addresses of one /64 are one place, and a /48 is one network."""
    networks = Networks(hosting=NO_HOSTING)
    one, two, other = (
        networks.locate(text)
        for text in ("2001:db8:1:2::5", "2001:db8:1:2:aaaa:bbbb:cccc:dddd", "2001:db8:1:3::5")
    )
    assert one is not None
    assert other is not None
    assert (one.place, one.prefix) == ("2001:db8:1:2::/64", "2001:db8:1::/48")
    assert two == one
    assert (other.place, other.prefix) == ("2001:db8:1:3::/64", "2001:db8:1::/48")


def test_databases_are_not_asked_for_inside_addresses(tmp_path: Path) -> None:
    """A private address has no country, whatever a database says of it; an own public one has."""
    networks = Networks(
        hosting=NO_HOSTING,
        country=mmdb(
            tmp_path / "c.mmdb",
            {"10.0.0.0/8": {"country_code": "US"}, "192.0.2.0/24": {"country_code": "JP"}},
        ),
        network=ranges_database(read_ranges([("asn.csv", ["10.0.0.0,10.255.255.255,64500,x"])]), "asn.csv"),
        own=parse_networks(["192.0.2.0/24"], "networks.own"),
    )
    assert networks.locate("10.1.2.3") == Place(
        address_class="private", place="10.1.2.3", prefix="10.1.2.0/24"
    )
    own = networks.locate("192.0.2.9")
    assert own is not None
    assert (own.address_class, own.country) == ("own", "JP")


def test_a_zone_of_an_address_is_left_off() -> None:
    """A link-local address is the same on every interface."""
    networks = Networks(hosting=NO_HOSTING)
    assert networks.locate("fe80::1%eth0") == networks.locate("fe80::1")
    assert str(parse_address("fe80::1%eth0")) == "fe80::1"


def test_what_is_no_address_has_no_place() -> None:
    """Words of a log that are no address are nowhere."""
    networks = Networks(hosting=NO_HOSTING)
    assert [networks.locate(text) for text in ("", "mail.example.org", "1.2.3", "999.1.1.1", "1" * 5000)] == [
        None
    ] * 5


def test_the_administrators_list_is_on_top() -> None:
    """Systems and networks of the list count as hosting, also where no database is there."""
    hosting = with_listed(_shipped(), ["as64500", "203.0.113.0/25"], "networks.hosting")
    networks = Networks(
        hosting=hosting, network=ranges_database(read_ranges([("asn.csv", SYSTEMS)]), "asn.csv")
    )
    found = [networks.locate(text) for text in ("198.51.100.1", "203.0.113.5", "203.0.113.200")]
    assert [one.hosting if one else "" for one in found] == ["hosting", "hosting", None]
    assert hosting.listed == 2


@pytest.mark.parametrize("text", ["AS0", "example.org", "203.0.113.5/25", "AS99999999999"])
def test_a_wrong_entry_of_the_list_is_named(text: str) -> None:
    """The place in the configuration is told."""
    with pytest.raises(ConfigError) as caught:
        with_listed(NO_HOSTING, ["AS1", text], "networks.hosting")
    assert caught.value.key == "networks.hosting[1]"


def test_a_network_with_bits_behind_its_prefix_is_named() -> None:
    """A mistyped own network is refused with its place."""
    with pytest.raises(ConfigError) as caught:
        parse_networks(["192.0.2.0/24", "192.0.2.1/24"], "networks.own")
    assert caught.value.key == "networks.own[1]"


def test_the_shipped_table_is_dated_and_says_what_it_covers() -> None:
    """A hundred well-known networks, each once, with the three kinds."""
    table = _shipped()
    assert table.made is not None
    assert table.made >= date(2026, 11, 23)
    assert "may be one all the same" in table.statement
    assert 100 <= len(table.systems) <= 200
    assert {entry.kind for entry in table.systems.values()} == {"hosting", "vpn", "relay"}
    assert table.systems[24940].name == "Hetzner"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("asn,name\n", 1),
        ("# x\nasn,name,kind\n1,a,hosting\n1,b,hosting\n", 4),
        ("asn,name,kind\n1,a,house\n", 2),
        ("asn,name,kind\nx,a,hosting\n", 2),
        ("asn,name,kind\n1,,hosting\n", 2),
        ("asn,name,kind\n1,a\n", 2),
        ("", 0),
    ],
)
def test_a_broken_table_is_refused_with_its_line(text: str, line: int) -> None:
    """What is not of the table's form is named by file and line."""
    with pytest.raises(ConfigError) as caught:
        read_hosting(text, "hosting.csv")
    assert (caught.value.path, caught.value.line) == ("hosting.csv", line)


def test_without_databases_it_is_said_what_is_weaker(tmp_path: Path) -> None:
    """Each missing database, the missing own networks and the table's coverage have a sentence."""
    told = weaknesses(Networks(hosting=_shipped()))
    assert [sentence.partition(":")[0] for sentence in told[:3]] == [
        "no country database",
        "no database of autonomous systems",
        "no own networks are configured",
    ]
    assert "as of 2026-11-23" in told[3]
    full = Networks(
        hosting=_shipped(),
        country=mmdb(tmp_path / "c.mmdb", {"203.0.113.0/24": {"country_code": "JP"}}),
        network=ranges_database(read_ranges([("asn.csv", SYSTEMS)]), "asn.csv"),
        own=parse_networks(["192.0.2.0/24"], "networks.own"),
    )
    assert len(weaknesses(full)) == 1


def test_licences_are_shown(tmp_path: Path) -> None:
    """The file's own description stands beside the administrator's word, or that there is none."""
    networks = Networks(
        hosting=NO_HOSTING,
        country=mmdb(tmp_path / "c.mmdb", {"203.0.113.0/24": {"country_code": "JP"}}),
        network=ranges_database(read_ranges([("asn.csv", SYSTEMS)]), "asn.csv"),
    )
    countries, systems = licences(networks)
    assert countries.startswith("countries: a test's own, made 20")
    assert countries.endswith("; licence: public domain")
    assert (
        systems
        == "autonomous systems: asn.csv (2 ranges); licence: not stated (set `licence` beside the file)"
    )


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        (["1.0.0.0,1.0.0.255,1,a", "1.0.0.0,1.0.1.0,2,b"], 2),
        (["1.0.1.0,1.0.1.255,1,a", "1.0.0.0,1.0.0.255,2,b"], 2),
        (["1.0.0.9,1.0.0.1,1,a"], 1),
        (["1.0.0.0,2001:db8::,1,a"], 1),
        (["1.0.0.0,1.0.0.255,x,a"], 1),
        (["1.0.0.0,1.0.0.256,1,a"], 1),
        (["1.0.0.0,1.0.0.255"], 1),
        (["1.0.0.0,1.0.0.255,1,a,b"], 1),
        (['1.0.0.0,1.0.0.255,1,"a'], 1),
        ([f"1,{1 << 128},1,a"], 1),
        (["example.org,1.0.0.255,1,a"], 1),
        (["2001:db8::f,2001:db8::ff,1,a", "2001:db8::,2001:db8::f,1,a"], 2),
    ],
)
def test_a_broken_file_of_ranges_is_refused_with_its_line(rows: list[str], line: int) -> None:
    """Disorder and other rows are named by file and line."""
    with pytest.raises(ConfigError) as caught:
        read_ranges([("asn.csv", rows)])
    assert (caught.value.path, caught.value.line) == ("asn.csv", line)


def test_where_ranges_overlap_the_later_one_counts() -> None:
    """Published files have such ranges; how many they are is shown."""
    rows = [
        "1.0.0.0,1.0.0.9,1,a",
        "1.0.0.5,1.0.0.20,2,b",
        "2001:db8::,2001:db8:1::,3,c",
        "2001:db8:0:1::,2001:db8:0:1::5,4,d",
    ]
    table = read_ranges([("asn.csv", rows)])
    asked = ("1.0.0.4", "1.0.0.5", "1.0.0.20", "2001:db8:0:0:ffff::", "2001:db8:0:1::")
    found = [table.find(address).asn for text in asked if (address := parse_address(text))]
    assert found == [1, 2, 2, 3, 4]
    assert ranges_database(table, "x").description == "x (4 ranges, of which 2 begin inside the one before)"


def test_ranges_may_be_dotted_or_numbers_and_of_countries() -> None:
    """The published forms of a file give the same table."""
    dotted = read_ranges([("4", ["1.0.0.0,1.0.0.255,13335,X"]), ("6", ["2001:db8::,2001:db8::ffff,64500,Y"])])
    first = int("20010db8000000000000000000000000", 16)
    numbers = read_ranges(
        [("4", ["16777216,16777471,13335,X"]), ("6", [f"{first},{first + 0xFFFF},64500,Y"])]
    )
    for text in ("1.0.0.0", "1.0.0.255", "1.0.1.0", "0.255.255.255", "2001:db8::5", "2001:db8::1:0"):
        address = parse_address(text)
        assert address is not None
        assert dotted.find(address) == numbers.find(address)
    countries = read_ranges([("c", ["1.0.0.0,1.0.0.255,jp"])])
    inside = parse_address("1.0.0.7")
    assert inside is not None
    assert countries.find(inside) == Facts(country="JP")
    assert (len(dotted), dotted.find(inside)) == (2, Facts(asn=13335, name="X"))
