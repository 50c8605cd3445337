"""Whether a message that a rule acted on stays."""

import pytest

from postwarden.formats.exchange_keeping import keeps_copy
from postwarden.model.mailflow import Effect, EffectKind


@pytest.mark.parametrize(
    ("kinds", "kept"),
    [
        ((), True),
        (("redirect", "mark_read"), True),
        (("delete",), False),
        (("reject",), False),
        (("redirect", "delete"), False),
        (("copy_to_folder", "delete"), True),
        (("move", "delete"), True),
    ],
)
def test_what_stays(kinds: tuple[EffectKind, ...], kept: bool) -> None:
    """What is deleted or rejected is gone unless it was filed; everything else stays."""
    assert keeps_copy([Effect(what=kind) for kind in kinds]) is kept
