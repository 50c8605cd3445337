"""Lines that were not understood, as they may be shown."""

import pytest

from postwarden.history.shapes import sample_of, shape_of


@pytest.mark.parametrize(
    "line",
    [
        b"auth: sql(alice,192.0.2.1): Password mismatch (given password: hunter2)",
        b"auth: Debug: client in: AUTH 1 PLAIN service=imap resp=aHVudGVyMg== hunter2"[:-8],
        b'login failed password="hunter2"',
        b"Authorization: Bearer hunter2",
        b"token=hunter2,",
    ],
)
def test_no_secret_is_kept_with_a_line(line: bytes) -> None:
    """Where a server was told to write passwords, neither sample nor shape has them."""
    for shown in (sample_of(line), shape_of(line)):
        assert "hunter2" not in shown
        assert "aHVudGVyMg" not in shown
    assert "***" in sample_of(line)


def test_a_sample_is_bounded_and_is_text() -> None:
    """Whatever the bytes are."""
    assert sample_of(b"\xff" * 1000).startswith("\\xff")
    assert len(sample_of(b"a" * 1000)) == 200
    assert shape_of(b"at 17:00 <x> failed") == shape_of(b"at 18:30 <y> failed")
