"""What a setting says, in sentences for people who have to decide about a finding."""

from collections.abc import Iterator

from msgspec import Struct

from postwarden.model.evidence import Setting

#: Settings of the agent itself, and what they mean where all is not well.
_AGENT = {
    "sweep_overdue": "accounts were not swept within twice the interval at: {}",
    "credential_refused": "a log-in of ours was refused, or its secret was missing, at: {}",
    "rights_lost": "was read before and is denied, or no longer there, now: {}",
    "rights_beyond_need": "sources grant us what an audit does not need: {}",
    "clock_stepped": "the clock of this machine was set {}",
    "disk_low": "the disk with the state folder has {}",
    "notifier_failing": "notices could not be delivered, and are tried again, by: {}",
    "configuration_refused": "the configuration on the disk is not in force: {}",
}
#: Settings of accounts that have addresses in them, or need more words than their name.
_ACCOUNT = {
    "send_as": "an address to send mail as: {}",
    "forwarding_address": "an address stands ready to have mail forwarded to: {}",
    "pop": "mail may be fetched by POP: {}",
    "imap": "mail may be read by IMAP: {}",
}


class Named(Struct, frozen=True, kw_only=True):
    """The addresses in a setting: the one that it is about, and the one that answers go to, each with its class.

    `like` is the organisation's domain that the address passes for.
    """

    address: str | None = None
    address_class: str | None = None
    reply_to: str | None = None
    reply_class: str | None = None
    like: str | None = None


def setting_sentences(setting: Setting, named: Named) -> Iterator[str]:
    """One sentence for each fact."""
    known = (_AGENT if setting.scope.kind == "agent" else _ACCOUNT).get(setting.name)
    if known is None:
        yield f"the setting {setting.name.replace('_', ' ')} is {setting.value}"
    else:
        yield known.format(setting.value)
    if named.like is not None:
        yield f"{named.address} passes for an address at {named.like}, and is none"
    elif named.address_class == "external":
        yield f"{named.address} is neither of the organisation nor of an allowed partner"
    if named.reply_class == "external":
        yield f"answers go to {named.reply_to}, which is neither of the organisation nor of an allowed partner"
