"""The demo's logs of four hundred days have intruders in them, and say which."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from postwarden.lab import organisation
from postwarden.lab.archives import ENDS, Archive, write_archives
from postwarden.lab.logs import NETWORKS, Intrusion
from tests.unit.lab.logs.made import lines

CLOUD = (
    "haruka.endo", "oliver.brandt", "claire.dubois", "marek.kowal", "sara.lindqvist", "daniel.osei", "noriko.abe"
)  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Archive]:
    """The archives by the names of their sources."""
    return _write(tmp_path_factory.mktemp("archives"))


def _write(folder: Path) -> dict[str, Archive]:
    mail = tuple(one.login for one in organisation().accounts)
    found = write_archives(folder / "logs", mail=mail, exchange=("katrin.vogel", "tom.becker"), cloud=CLOUD)
    return {one.name: one for one in found}


def _ago(one: Intrusion) -> timedelta:
    return datetime(ENDS.year, ENDS.month, ENDS.day, tzinfo=UTC) - datetime.fromtimestamp(
        one.entry / 1000, UTC
    )


def test_three_intruders_are_in_the_mail_server_one_in_the_cloud_and_none_in_the_exchange(
    made: dict[str, Archive],
) -> None:
    """Each archive names the intruders that its log tells of, who entered forty to two hundred days ago."""
    families = {name: sorted(one.family for one in archive.intrusions) for name, archive in made.items()}
    assert families == {
        "imap-archive": ["foreign_hosting", "residential_inside", "spray_then_quiet"],
        "webmail": [],
        "exchange-log": [],
        "sign-ins": ["foreign_hosting"],
    }
    for archive in made.values():
        assert all(timedelta(40) < _ago(one) < timedelta(200) for one in archive.intrusions)


def test_intruders_are_where_nothing_else_is_planted(made: dict[str, Archive]) -> None:
    """The victims on the mail server are three ordinary people, without findings on either kind of server."""
    whole = organisation()
    victims = {one.victim for one in made["imap-archive"].intrusions}
    planted = {one.account for findings in whole.findings.values() for one in findings}
    assert len(victims) == 3
    assert not victims & planted
    assert {whole.account(name).role for name in victims} == {"ordinary"}


def test_the_logs_have_sessions_of_the_intruders(made: dict[str, Archive]) -> None:
    """Whoever comes to the mail server itself is seen there from their networks, and in the webmail's log who uses it."""
    for name, archive in made.items():
        for one in archive.intrusions:
            if name == "imap-archive" and one.webmail:
                continue
            rows = [line for line in lines(archive.written, archive.log) if one.victim in line]
            blocks = [prefix for network in one.lines.networks for prefix in _prefixes(network.number)]
            seen = [line for line in rows if any(block in line for block in blocks)]
            assert seen, (name, one.family)


def _prefixes(number: int) -> Iterator[str]:
    yield f"28.{number}."
    yield f"2d00:{number:x}:"


def test_the_cloud_intruder_signs_in_from_abroad(made: dict[str, Archive]) -> None:
    """Sign-ins of the victim succeed from the intruder's country."""
    (one,) = made["sign-ins"].intrusions
    countries = {network.country for network in one.lines.networks}
    found = [
        row
        for row in map(json.loads, lines(made["sign-ins"].written, "entra"))
        if row["userPrincipalName"].startswith(one.victim) and row["location"]["countryOrRegion"] in countries
    ]
    assert found
    assert 0 in {row["status"]["errorCode"] for row in found}


def test_the_offices_are_those_that_the_organisation_has(made: dict[str, Archive]) -> None:
    """Three networks are the organisation's own offices, one a country, and no other office's."""
    by_block = {network.v4: network for network in NETWORKS}
    for archive in made.values():
        offices = [by_block[block] for block in archive.offices]
        assert [(one.kind, one.country) for one in offices] == [("office", "DE"), ("office", "JP"), ("office", "US")]  # fmt: skip
        assert {one.name for one in offices} == {"Hafenkante Business", "Yodogawa Leased Lines", "Prairie Metro Fiber"}  # fmt: skip
