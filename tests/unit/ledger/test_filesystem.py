"""A ledger is written on this machine's own disks only."""

import os
from pathlib import Path

import pytest

from postwarden.errors import LedgerError
from postwarden.ledger import filesystem
from postwarden.ledger.filesystem import NETWORK, kind_of, refuse_network
from postwarden.ledger.store import Ledger
from tests.unit.ledger.conftest import Place, put, record

TABLE = (
    "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
    "30 22 0:25 / /srv/mail\\040box rw,nosuid - nfs4 server:/export rw,vers=4.2\n"
    "31 22 0:26 /sub /srv rw shared:2 master:1 - btrfs /dev/sdb rw\n"
    "32 22 0:27 / /srv rw - cifs //server/share rw\n"
)


@pytest.fixture
def mounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A table of mounts in place of the kernel's."""
    path = tmp_path / "mountinfo"
    path.write_text(TABLE)
    monkeypatch.setattr(filesystem, "MOUNTS", path)
    return path


def mount(mounts: Path, device: int, kind: str) -> None:
    """A file system of a kind has the number of a device."""
    number = f"{os.major(device)}:{os.minor(device)}"
    mounts.write_text(TABLE + f"40 22 {number} / /elsewhere rw - {kind} server:/export rw\n")


@pytest.mark.usefixtures("mounts")
def test_the_device_decides_then_the_longest_mount_point() -> None:
    """A mount is found by its device's number, and where none has it by the longest mount point above."""
    assert kind_of(Path("/srv/mail"), os.makedev(8, 1)) == "ext4"
    assert kind_of(Path("/srv/mail"), os.makedev(0, 25)) == "nfs4"
    assert kind_of(Path("/srv/mail box/ledger"), os.makedev(0, 99)) == "nfs4"
    assert kind_of(Path("/srv/mail"), os.makedev(0, 99)) == "cifs"
    assert kind_of(Path("/srvother"), os.makedev(0, 99)) == "ext4"


@pytest.mark.parametrize("kind", sorted(NETWORK))
def test_no_ledger_is_made_on_another_machine(place: Place, mounts: Path, kind: str) -> None:
    """On a network's file system no ledger is made, the reason is given, and nothing is left behind."""
    mount(mounts, place.state.parent.stat().st_dev, kind)
    with pytest.raises(LedgerError, match=rf"another machine \({kind}\)") as caught:
        place.make()
    assert caught.value.hint
    assert not place.state.exists()


def test_a_ledger_on_another_machine_is_read_only(place: Place, ledger: Ledger, mounts: Path) -> None:
    """A ledger that has come to lie on a network's file system is read, and not written."""
    mount(mounts, place.folder.stat().st_dev, "nfs")
    there = place.open()
    with pytest.raises(LedgerError, match="neither locks nor syncs are certain"):
        put(there, record())
    assert there.position().size == 1
    mount(mounts, place.folder.stat().st_dev, "xfs")
    assert put(there, record()).size == 2


def test_without_a_table_nothing_is_refused(place: Place, mounts: Path) -> None:
    """Where the system has no table of mounts, a ledger is made."""
    mounts.unlink()
    refuse_network(place.state)
    assert put(place.make(), record()).size == 2
