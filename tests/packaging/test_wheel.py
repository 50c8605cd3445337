"""What is built from a clone, and what an installation of it does."""

import os
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Iterator
from email.message import Message
from email.parser import BytesParser
from pathlib import Path

import pytest

from postwarden import __version__


def build(tree: Path, target: str, folder: Path) -> Path:
    """Builds a wheel or sdist without network, and returns its path."""
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(folder)],
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (made,) = folder.glob("*.whl" if target == "wheel" else "*.tar.gz")
    return made


@pytest.fixture(scope="module")
def wheel(clone: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel built from a clone."""
    return build(clone, "wheel", tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def sdist(clone: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sdist built from a clone."""
    return build(clone, "sdist", tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the wheel is installed into, alone."""
    folder = tmp_path_factory.mktemp("installed")
    command = [sys.executable, "-m", "pip", "--isolated", "install", "--quiet", "--no-index", "--no-deps"]
    command += [
        "--disable-pip-version-check",
        "--root-user-action=ignore",
        "--target",
        str(folder),
        str(wheel),
    ]
    subprocess.run(command, check=True, capture_output=True)
    return folder


def run(installed: Path, cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The installed program in the empty folder `cwd`, which is its home too; the tree cannot be imported."""
    # Without site, `.pth` files are not read: only the two folders of PYTHONPATH are there.
    packages = os.pathsep.join([str(installed), sysconfig.get_path("purelib")])
    return subprocess.run(
        [sys.executable, "-S", "-P", *arguments],
        cwd=cwd,
        env={"PATH": os.defpath, "HOME": str(cwd), "PYTHONPATH": packages},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        return BytesParser().parsebytes(archive.read(f"postwarden-{__version__}.dist-info/METADATA"))


def in_wheel(files: tuple[Path, ...]) -> Iterator[str]:
    """Where each file of the tree lies in the wheel, if it does."""
    for path in files:
        if path.parts[0] == "agent":
            yield path.relative_to("agent").as_posix()
        elif path.parts[0] == "rules" or path == Path("agent.toml"):
            yield f"postwarden/{path.as_posix()}"


def test_the_wheel_holds_the_package_the_rules_and_the_example_configuration(
    wheel: Path, files: tuple[Path, ...]
) -> None:
    """Everything that the program reads is in the wheel, and no test, document or script."""
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    info = f"postwarden-{__version__}.dist-info"
    about = {
        f"{info}/{name}" for name in ("METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE")
    }
    assert names == {*in_wheel(files), *about}
    assert {
        "postwarden/agent.toml",
        "postwarden/lab/organisation.toml",
        "postwarden/model/record.schema.json",
        "postwarden/py.typed",
        "postwarden/rules/applications.NOTICE",
        "postwarden/rules/applications.csv",
        "postwarden/rules/countries.NOTICE",
        "postwarden/rules/countries.csv",
        "postwarden/rules/grants.toml",
        "postwarden/rules/keywords.toml",
        "postwarden/rules/mail_flow/external_redirect.examples.yml",
        "postwarden/rules/mail_flow/external_redirect.yml",
    } <= names


def test_the_wheel_says_what_it_is(wheel: Path) -> None:
    """Name, version, licence, Python versions and dependencies stand in the metadata."""
    about = metadata(wheel)
    assert (about["Name"], about["Version"]) == ("postwarden", __version__)
    assert about["License-Expression"] == "Apache-2.0"
    assert about["Requires-Python"] == ">=3.11"
    assert any(needed.startswith("cryptography>=") for needed in about.get_all("Requires-Dist", []))
    assert about.get_all("Provides-Extra") == ["kerberos", "pymap"]
    with zipfile.ZipFile(wheel) as archive:
        points = archive.read(f"postwarden-{__version__}.dist-info/entry_points.txt").decode()
    assert points.split() == ["[console_scripts]", "postwarden", "=", "postwarden.__main__:main"]


def test_the_wheel_fits_every_platform(wheel: Path) -> None:
    """There is one wheel for all, for nothing in it is compiled."""
    assert wheel.name == f"postwarden-{__version__}-py3-none-any.whl"


def test_the_sdist_holds_what_the_wheel_is_built_from(
    sdist: Path, wheel: Path, tmp_path: Path, files: tuple[Path, ...]
) -> None:
    """A wheel built from the sdist has the same files; tests, documents and the lock are in the sdist too."""
    subprocess.run(["tar", "-xf", str(sdist), "-C", str(tmp_path)], check=True)
    tree = tmp_path / f"postwarden-{__version__}"
    shipped = {"agent", "rules", "tests", "docs", "deploy"}
    single = {"agent.toml", "Makefile", "requirements.lock", "pyproject.toml", "LICENSE"}
    single |= {"README.md", "CHANGELOG.md"}
    missing = [
        path
        for path in files
        if (path.parts[0] in shipped or str(path) in single) and not (tree / path).is_file()
    ]
    assert missing == []
    again = build(tree, "wheel", tmp_path / "wheel")
    with zipfile.ZipFile(wheel) as first, zipfile.ZipFile(again) as second:
        assert sorted(first.namelist()) == sorted(second.namelist())


def test_an_installation_is_used_from_where_it_lies(installed: Path, tmp_path: Path) -> None:
    """The tests of the installation run the installed package, not this tree."""
    done = run(installed, tmp_path, "-c", "import postwarden; print(postwarden.__file__)")
    assert done.stdout.strip() == str(installed / "postwarden" / "__init__.py"), done.stderr


def test_an_installation_finds_its_rules(installed: Path, tmp_path: Path) -> None:
    """`rules list` and `rules test` work in an empty folder, with every shipped rule and all of its examples."""
    listed = run(installed, tmp_path, "-m", "postwarden", "rules", "list")
    rules = list((installed / "postwarden" / "rules").rglob("*.examples.yml"))
    assert (listed.returncode, len(listed.stdout.splitlines())) == (0, len(rules)), listed.stderr
    tested = run(installed, tmp_path, "-m", "postwarden", "rules", "test")
    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert tested.stdout.endswith(" examples, 0 failed\n")


def test_an_installation_writes_its_example_configuration(installed: Path, tmp_path: Path) -> None:
    """`init` writes the shipped agent.toml with the origin filled in, creates a ledger, and `verify` accepts it."""
    config = tmp_path / "agent.toml"
    made = run(
        installed, tmp_path, "-m", "postwarden", "init", "--config", str(config), "--origin", "test/wheel"
    )
    assert made.returncode == 0, made.stderr
    shipped = (installed / "postwarden" / "agent.toml").read_text()
    assert config.read_text() == shipped.replace(
        '# origin = "postwarden/mail.example.org"', 'origin = "test/wheel"'
    )
    checked = run(
        installed,
        tmp_path,
        "-m",
        "postwarden",
        "verify",
        "--config",
        str(config),
        "--key",
        made.stdout.strip(),
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert (tmp_path / ".local" / "state" / "postwarden" / "ledger" / "checkpoint").is_file()


def test_an_installation_has_its_program(installed: Path, tmp_path: Path) -> None:
    """The console script starts the program."""
    done = run(installed, tmp_path, str(installed / "bin" / "postwarden"), "--version")
    assert done.stdout == f"postwarden {__version__}\n", done.stderr
