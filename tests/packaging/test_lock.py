"""requirements.lock: what `make` installs, and nothing else, from wherever pip is told to."""

import re
import tomllib
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution

import pytest
from packaging.markers import Environment, default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.packaging.conftest import ROOT

VERSIONS = ("3.11", "3.12", "3.13")
_HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class Pin:
    """One pinned package, and the line where it stands."""

    requirement: Requirement
    hashes: tuple[str, ...]


def pins() -> list[Pin]:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8").replace("\\\n", " ")
    found = []
    for line in text.splitlines():
        content = line.partition("#")[0].strip()
        if content:
            requirement, *hashes = re.split(r"\s+(?=--hash)", content)
            found.append(Pin(Requirement(requirement), tuple(hashes)))
    return found


def direct() -> list[Requirement]:
    """Every dependency that pyproject.toml names: of the program, its extras, and the tests.

    The extra `kerberos` is not locked: it builds against the system's Kerberos library.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    named = [*project["project"]["dependencies"], *project["build-system"]["requires"]]
    extras = project["project"]["optional-dependencies"]
    for group in (
        *(names for extra, names in extras.items() if extra != "kerberos"),
        *project["dependency-groups"].values(),
    ):
        named += group
    return [Requirement(one) for one in named]


def environment(version: str) -> dict[str, str]:
    values: Environment = default_environment()
    return {**values, "python_version": version, "python_full_version": f"{version}.9", "extra": ""}  # type: ignore[dict-item]  # all of its values are texts


def chosen(version: str) -> dict[str, Requirement]:
    """The pins that apply to a version of Python, by name."""
    return {
        canonicalize_name(pin.requirement.name): pin.requirement
        for pin in pins()
        if pin.requirement.marker is None or pin.requirement.marker.evaluate(environment(version))
    }


def test_every_pin_is_exact_and_has_hashes() -> None:
    """Each package is pinned to one version, and every file of it that may be installed has its hash."""
    for pin in pins():
        (specifier,) = pin.requirement.specifier
        assert specifier.operator == "==", pin
        assert pin.hashes, pin
        assert all(_HASH.fullmatch(one) for one in pin.hashes), pin


def test_the_lock_names_no_index_and_no_place() -> None:
    """Where packages come from is the machine's business: the lock has no index, address or path."""
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert not re.search(r"--(extra-)?index|--find-links|--trusted|-e |://|file:|\s@\s", text)
    assert all(pin.requirement.url is None for pin in pins())


@pytest.mark.parametrize("version", VERSIONS)
def test_every_dependency_is_pinned_within_its_bounds(version: str) -> None:
    """Each dependency of pyproject.toml has one pin for each version of Python, which its bounds allow."""
    known = chosen(version)
    for requirement in direct():
        pin = known.get(canonicalize_name(requirement.name))
        assert pin is not None, f"{requirement} is not pinned: make lock"
        (exact,) = pin.specifier
        assert requirement.specifier.contains(exact.version, prereleases=True), f"{requirement}: make lock"


@pytest.mark.parametrize("version", VERSIONS)
def test_a_version_of_python_gets_one_pin_a_package(version: str) -> None:
    """No package has two pins that apply to the same version of Python."""
    names = [
        canonicalize_name(pin.requirement.name)
        for pin in pins()
        if pin.requirement.marker is None or pin.requirement.marker.evaluate(environment(version))
    ]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("version", VERSIONS)
def test_what_the_pins_need_is_pinned(version: str) -> None:
    """Whatever an installed pinned package needs on a version of Python is pinned for it too."""
    known = chosen(version)
    wanted = {(canonicalize_name(one.name), extra) for one in direct() for extra in ("", *one.extras)}
    seen: set[tuple[str, str]] = set()
    while wanted - seen:
        name, extra = (wanted - seen).pop()
        seen.add((name, extra))
        assert name in known, f"{name} is not pinned for Python {version}: make lock"
        try:
            needed = distribution(name).requires or []
        except PackageNotFoundError:
            continue  # pinned for another version of Python than the one that runs this
        for one in map(Requirement, needed):
            if one.marker is None or one.marker.evaluate({**environment(version), "extra": extra}):
                wanted |= {(canonicalize_name(one.name), more) for more in ("", *one.extras)}
