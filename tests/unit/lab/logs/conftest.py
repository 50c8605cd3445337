"""Organisations whose logs are made once and read by many tests."""

import pytest

from postwarden.lab.logs import Plan, SessionTruth, Written, write
from tests.unit.lab.logs.made import AUTUMN, YEAR, Make, truth


@pytest.fixture(scope="session")
def make(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Makes the logs of a plan in a folder of their own."""

    def made(plan: Plan) -> Written:
        return write(plan, tmp_path_factory.mktemp("logs"))

    return made


@pytest.fixture(scope="session")
def autumn(make: Make) -> Written:
    """The logs of AUTUMN."""
    return make(AUTUMN)


@pytest.fixture(scope="session")
def year(make: Make) -> Written:
    """The logs of YEAR."""
    return make(YEAR)


@pytest.fixture(scope="session")
def year_truth(year: Written) -> list[SessionTruth]:
    """The sessions of YEAR."""
    return truth(year)
