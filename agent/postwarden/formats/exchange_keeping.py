"""Whether the owner of an Exchange mailbox still gets a message that a rule acted on."""

from collections.abc import Sequence

from postwarden.model.mailflow import Effect


def keeps_copy(effects: Sequence[Effect]) -> bool:
    """Whether the message stays in a folder of the mailbox, be it one that nobody looks into.

    Exchange delivers to the inbox whatever is forwarded or redirected; only what is deleted or rejected is
    gone, unless it was filed as well.
    """
    kinds = {effect.what for effect in effects}
    if not kinds.isdisjoint({"move", "copy_to_folder", "keep"}):
        return True
    return kinds.isdisjoint({"delete", "reject"})
