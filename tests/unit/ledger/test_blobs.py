"""Blobs are salted, named by their whole file's digest, and given back only as they were."""

from contextlib import suppress
from hashlib import sha256

import pytest

from postwarden.errors import LedgerError, LedgerUnsound
from postwarden.ledger.store import Ledger
from tests.unit.ledger.conftest import Faults, Killed, Place


def test_content_comes_back(place: Place, ledger: Ledger) -> None:
    """Content of any bytes comes back, by name and in the list, and no salt is used twice."""
    contents = [b"", b"text", bytes(range(256)) * 10, b"text"]
    names = [ledger.put_blob(content) for content in contents]
    assert len(set(names)) == 4
    assert [place.open().blob(name) for name in names] == contents
    assert list(ledger.blobs()) == sorted(zip(names, contents, strict=True))


def test_the_name_is_the_digest_of_the_whole_file(place: Place, ledger: Ledger) -> None:
    """A blob's file is sixteen bytes of salt and the content, its name their digest, for its owner only."""
    name = ledger.put_blob(b"content")
    path = place.folder / "blobs" / name
    assert path.read_bytes()[16:] == b"content"
    assert sha256(path.read_bytes()).hexdigest() == name
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["", "../checkpoint", "A" * 64, "a" * 63, "a" * 64 + "\n", "/etc/passwd"])
def test_other_names_are_refused(ledger: Ledger, name: str) -> None:
    """What is not 64 lower-case hexadecimal digits is no blob's name."""
    with pytest.raises(LedgerError, match="not a blob's name"):
        ledger.blob(name)


def test_erased_and_changed_blobs_are_told_apart(place: Place, ledger: Ledger) -> None:
    """A blob that is gone is missing, one that was changed or cut or linked is not sound."""
    name = ledger.put_blob(b"content")
    path = place.folder / "blobs" / name
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(LedgerUnsound, match="not what its name says"):
        ledger.blob(name)
    path.unlink()
    with pytest.raises(LedgerError, match="there is no blob") as caught:
        ledger.blob(name)
    assert not isinstance(caught.value, LedgerUnsound)
    short = place.folder / "blobs" / sha256(b"short").hexdigest()
    short.write_bytes(b"short")
    with pytest.raises(LedgerUnsound, match="not what its name says"):
        list(ledger.blobs())
    short.unlink()
    path.symlink_to("/etc/passwd")
    with pytest.raises(LedgerUnsound, match="not a regular file"):
        ledger.blob(name)


def test_a_failing_disk_leaves_no_half_blob(ledger: Ledger, faults: Faults) -> None:
    """Whichever system call fails or is the last, there is a whole blob or none, and the error is ours."""
    ledger.put_blob(b"content")
    total = len(faults.log)
    for fault in ("EIO", "ENOSPC", "kill", "short", "torn"):
        for number in range(total):
            faults.restart()
            faults.at(number, fault)
            with suppress(LedgerError, Killed):
                ledger.put_blob(b"content")
            faults.restart()
            assert {content for _, content in ledger.blobs()} == {b"content"}
