"""Real mail servers for the tests: one for those that only read, fresh ones for those that change something."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from postwarden import lab
from postwarden.lab import exchange
from postwarden.lab.exchange import ExchangeLab
from tests.ews_schema import SCHEMA_FILE, SchemaObserver
from tests.lab.cloud import running_cloud, start_cloud  # noqa: F401 (fixtures)

StartLab = Callable[..., lab.Lab]


def require(component: str, *, present: bool) -> None:
    """Skip the test where a component is missing, or fail it where POSTWARDEN_REQUIRE says it must be there."""
    if present:
        return
    if component in os.environ.get("POSTWARDEN_REQUIRE", "").split():
        pytest.fail(f"{component} is missing, and POSTWARDEN_REQUIRE asks for it")
    pytest.skip(f"{component} is not installed")


def start_labs(server: lab.Server) -> Iterator[StartLab]:
    """Yield a function that starts the lab on this server, with options; all are stopped at the end."""
    require(server, present=server in lab.available())
    with ExitStack() as running:

        def start(**options: bool) -> lab.Lab:
            folder = Path(tempfile.mkdtemp(prefix="postwarden-test-"))
            running.callback(shutil.rmtree, folder)
            return running.enter_context(lab.start(folder, server=server, **options))

        yield start


@pytest.fixture(scope="module")
def changing_dovecot() -> Iterator[lab.Lab]:
    """A running Dovecot for a module's tests that change different things."""
    for start in start_labs("dovecot"):
        yield start()


@pytest.fixture
def start_dovecot() -> Iterator[StartLab]:
    """Start any number of Dovecots, with options of `lab.start`."""
    yield from start_labs("dovecot")


@pytest.fixture
def fresh_dovecot(start_dovecot: StartLab) -> lab.Lab:
    """A running Dovecot for a test that wants everything as it was."""
    return start_dovecot()


@pytest.fixture(scope="session")
def dovecot() -> Iterator[lab.Lab]:
    """A running Dovecot for tests that only read."""
    for start in start_labs("dovecot"):
        yield start()


@pytest.fixture(scope="module")
def changing_pymap() -> Iterator[lab.Lab]:
    """A running pymap for a module's tests that change different things."""
    for start in start_labs("pymap"):
        yield start()


@pytest.fixture(scope="session")
def pymap() -> Iterator[lab.Lab]:
    """A running pymap for tests that only read."""
    for start in start_labs("pymap"):
        yield start()


StartExchange = Callable[..., ExchangeLab]


@pytest.fixture
def start_exchange(tmp_path: Path) -> Iterator[StartExchange]:
    """Start any number of Exchanges; whatever they were asked and answered fits the published schema."""
    observer = SchemaObserver()
    with ExitStack() as running:

        def start(**options: Any) -> ExchangeLab:
            folder = tmp_path / f"exchange-{len(list(tmp_path.iterdir()))}"
            folder.mkdir()
            made = running.enter_context(exchange.start(folder, **options))
            if SCHEMA_FILE.is_file():
                made.observers.append(observer.observe)
            return made

        yield start
    assert observer.violations == []


@pytest.fixture
def running_exchange(start_exchange: StartExchange) -> ExchangeLab:
    """An Exchange as it is by itself, for a test that may change it."""
    return start_exchange()
