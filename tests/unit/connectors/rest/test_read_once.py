"""What is read once for all who ask for it."""

import pytest

from postwarden.connectors.rest.once import Once
from postwarden.errors import ConnectorError


def test_what_could_not_be_read_is_tried_once() -> None:
    """Everybody who asks hears the same reason and the same next step, and the service is asked once."""
    tried: list[int] = []

    def read() -> int:
        tried.append(1)
        raise ConnectorError("no right", "consent to it", reason="forbidden")

    once = Once(read)
    for _ in range(3):
        with pytest.raises(ConnectorError) as caught:
            once.get()
        assert (caught.value.reason, caught.value.message) == ("forbidden", "no right")
        assert caught.value.hint == "consent to it"
    assert once.get_or(5) == 5
    assert len(tried) == 1


def test_what_was_read_is_kept() -> None:
    """The first answer is everybody's."""
    answers = iter([1, 2])
    once = Once(lambda: next(answers))
    assert [once.get(), once.get(), once.get_or(5)] == [1, 1, 1]
