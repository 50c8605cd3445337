"""How far apart two places are at least."""

from zoneinfo import ZoneInfo

import pytest

from postwarden.access.distances import SPEED, km_between, read_countries
from postwarden.errors import ConfigError
from postwarden.pipeline.places import open_countries

HEADER = "# a comment\ncode,neighbours,zone,places\n"
TABLE = HEADER + (
    "AA,BB,Europe/Berlin,50.0/10.0 52.0/12.0\n"
    "BB,AA,Europe/Paris,50.0/9.0\n"
    "CC,,Asia/Tokyo,50.0/-179.9\n"
    "DD,,Asia/Tokyo,50.0/179.9\n"
    "EE,,UTC,52.0/22.0\n"
)


@pytest.mark.parametrize(
    ("a", "b", "kilometres"),
    [
        ((52.52, 13.405), (48.8566, 2.3522), 877),
        ((35.6762, 139.6503), (40.7128, -74.006), 10848),
        ((0.0, 179.5), (0.0, -179.5), 111),
        ((90.0, 0.0), (-90.0, 0.0), 20015),
        ((1.5, 2.5), (1.5, 2.5), 0),
    ],
)
def test_two_points_are_a_great_circle_apart(
    a: tuple[float, float], b: tuple[float, float], kilometres: int
) -> None:
    """Distances go over the pole and the date line, and are the same both ways."""
    assert abs(km_between(a, b) - kilometres) <= 3
    assert km_between(a, b) == km_between(b, a)


def test_neighbours_and_one_country_are_no_distance_apart() -> None:
    """Where one can walk over, no journey is too fast."""
    countries = read_countries(TABLE, "countries.csv")
    assert countries.neighbours("AA", "BB")
    assert countries.neighbours("BB", "AA")
    assert not countries.neighbours("AA", "AA")
    assert countries.least_km("AA", "BB") == countries.least_km("EE", "EE") == 0
    assert countries.least_hours("AA", "BB") == 0


def test_the_nearest_towns_count_and_the_distance_is_rather_too_short() -> None:
    """It is that of the towns nearest to each other, less a margin, and over the date line where that is nearer."""
    countries = read_countries(TABLE, "countries.csv")
    true = km_between((52.0, 12.0), (52.0, 22.0))
    least = countries.least_km("AA", "EE")
    assert least is not None
    assert true * 0.9 < least < true
    assert countries.least_hours("EE", "AA") == least / SPEED
    assert countries.least_km("CC", "DD") == 0


def test_of_a_country_that_is_not_known_nothing_is_said() -> None:
    """No distance, no neighbours, no zone."""
    countries = read_countries(TABLE, "countries.csv")
    assert countries.least_km("AA", "XX") is None
    assert countries.least_hours("XX", "XX") is None
    assert not countries.neighbours("XX", "AA")
    assert countries.zone("XX") is None


@pytest.mark.parametrize(
    ("a", "b", "least", "most"),
    [
        # Shortest distances between towns, from maps.
        ("JP", "KR", 40, 110),
        ("GB", "FR", 0, 40),
        ("DE", "JP", 7500, 7900),
        ("US", "RU", 150, 400),
        ("IS", "GB", 650, 800),
        ("AU", "NZ", 1450, 2100),
        ("DE", "NG", 3600, 4300),
        ("RE", "FR", 7900, 8500),
        ("JP", "US", 3000, 3900),
    ],
)
def test_the_shipped_table_has_what_maps_show(a: str, b: str, least: int, most: int) -> None:
    """Between countries it is the way between their nearest towns, far islands and territories included."""
    kilometres = open_countries().least_km(a, b)
    assert kilometres is not None
    assert least <= kilometres <= most


def test_the_shipped_table_knows_neighbours_and_zones() -> None:
    """Borders on land count, the sea does not, and each zone is one that exists."""
    countries = open_countries()
    assert countries.neighbours("DE", "PL")
    assert countries.neighbours("HK", "CN")
    assert not countries.neighbours("DK", "SE")
    assert not countries.neighbours("JP", "KR")
    for code in ("JP", "DE", "US", "XK", "SJ", "VA"):
        zone = countries.zone(code)
        assert zone is not None
        assert ZoneInfo(zone).key == zone


@pytest.mark.parametrize(
    ("text", "words", "line"),
    [
        ("code,zone\n", "first line", 1),
        (HEADER + "AA,,UTC\n", "3 columns", 3),
        (HEADER + "aa,,UTC,1.0/2.0\n", "no country", 3),
        (HEADER + "AA,B,UTC,1.0/2.0\n", "no country", 3),
        (HEADER + "AA,,UTC,1.0/2.0\nAA,,UTC,1.0/2.0\n", "twice", 4),
        (HEADER + "AA,,UTC,\n", "0 places", 3),
        (HEADER + "AA,,UTC," + "1.0/2.0 " * 33 + "\n", "33 places", 3),
        (HEADER + "AA,,UTC,91.0/2.0\n", "latitude/longitude", 3),
        (HEADER + "AA,,UTC,1.0/181.0\n", "latitude/longitude", 3),
        (HEADER + "AA,,UTC,1/2\n", "latitude/longitude", 3),
        (HEADER + "AA,,../../x,1.0/2.0\n", "time zone", 3),
        (HEADER + 'AA,,UTC,"1.0/2.0\n', "unexpected end", 3),
        (HEADER + "AA," + "BB " * 21 + ",UTC,1.0/2.0\n", "neighbours", 3),
        (HEADER + "AA,BB,UTC,1.0/2.0\nBB,,UTC,1.0/2.0\n", "AA has BB", None),
        (HEADER + "AA,BB,UTC,1.0/2.0\n", "AA has BB", None),
    ],
)
def test_a_table_of_another_form_names_its_line(text: str, words: str, line: int | None) -> None:
    """What is wrong, and where, is in the error."""
    with pytest.raises(ConfigError, match=words) as caught:
        read_countries(text, "countries.csv")
    assert caught.value.path == "countries.csv"
    assert caught.value.line == line


def test_a_table_is_bounded() -> None:
    """More countries than there could be are an error."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    rows = "".join(f"{a}{b},,UTC,1.0/2.0\n" for a in letters for b in letters)
    with pytest.raises(ConfigError, match="more than 400"):
        read_countries(HEADER + rows, "countries.csv")
