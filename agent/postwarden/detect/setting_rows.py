"""Settings into rows: one each, with the addresses that stand in it."""

import re

from postwarden.detect.lookalikes import own_domain_like
from postwarden.detect.row import Row, check_of
from postwarden.detect.setting_sentences import Named, setting_sentences
from postwarden.mailflow.recipients import Directory
from postwarden.model.address import classify, domain_of
from postwarden.model.evidence import Setting
from postwarden.model.finding import Fact

#: Settings whose value begins with an address.
_WITH_ADDRESS = frozenset({"send_as", "forwarding_address"})
_ADDRESS = re.compile(r"(\S+?@[^\s,]+)")
_REPLY = re.compile(r", answers to (\S+?@[^\s,]+)")


def setting_row(setting: Setting, known: Directory) -> Row:
    named = _named(setting, known)
    return Row(
        category="setting",
        scope=setting.scope,
        subject=("setting", setting.name),
        values={
            "name": setting.name,
            "value": setting.value,
            "address": named.address,
            "address_class": named.address_class,
            "address_like": named.like,
            "reply_to": named.reply_to,
            "reply_class": named.reply_class,
        },
        sentences=tuple(setting_sentences(setting, named)),
        facts=(Fact(name=setting.name, values=(setting.value,)),),
        checks=(check_of(setting),),
        blob=setting.blob,
    )


def _named(setting: Setting, known: Directory) -> Named:
    if setting.name not in _WITH_ADDRESS:
        return Named()
    first, reply = _ADDRESS.match(setting.value), _REPLY.search(setting.value)
    address, reply_to = first[1] if first else None, reply[1] if reply else None
    domain = domain_of(address) if address is not None else None
    return Named(
        address=address,
        address_class=classify(address, known.domains, known.own) if address is not None else None,
        reply_to=reply_to,
        reply_class=classify(reply_to, known.domains, known.own) if reply_to is not None else None,
        like=own_domain_like(domain, known.domains) if domain is not None else None,
    )
