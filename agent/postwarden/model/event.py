"""What happened, as a log or a service tells it, before anybody looked up whose account it was.

Events are compact, since there are millions: times are whole milliseconds since 1970 in UTC, and `at` is where the line
begins in the content of its file (or, where there is no file, the number of the event in its answer), so that equal lines
at different places are two events. Names, clients and words are as the source writes them, foreign bytes as backslash
escapes. None is always "not told", never nothing and never zero.
"""

from typing import Literal

from msgspec import Struct

#: Which way a session came: the protocol for mail servers, the front door for Exchange, `sign_in` for an identity
#: provider, `webmail` for a webmail's own log-in.
Protocol = Literal[
    "imap",
    "pop3",
    "managesieve",
    "submission",
    "lmtp",
    "webmail",
    "owa",
    "ecp",
    "ews",
    "activesync",
    "mapi",
    "rpc",
    "oab",
    "powershell",
    "autodiscover",
    "rest",
    "sign_in",
    "other",
]

#: `begun`: a log-in whose end is not known yet. `ended`: the end of a session, joined to its beginning by `session`.
#: `whole`: a session of which one line tells everything. `request`: one of many lines that make a session together,
#: where a format has no session ids. `refused`: a log-in that was not let in.
Stage = Literal["begun", "ended", "whole", "request", "refused"]


class Access(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False, tag="access", tag_field="kind"
):
    """One stage of a session or sign-in.

    `name` is the account as the source knows it; `identity` who authenticated, where the log tells it apart from the
    account (a master user). `server` is the address of ours that was connected to, `address` and `port` are the other side's;
    `forwarded` is the address that a proxy in front gives for the client. `client` is a user agent or the like, `application`
    the id of one at an identity provider. `ended` is the time of the end where a line of another stage knows it. `attempts` counts the
    tries that a refusal stands for, `reason` is why it ended or was refused, in the source's words.

    Bytes are as the server counts them, `bytes_in` from the client, `bytes_out` to it. `bodies` and `headers` are how many
    were fetched: Dovecot counts neither ENVELOPE nor SEARCH nor PREVIEW there, so zero proves nothing.
    """

    at: int
    time: int
    stage: Stage
    protocol: Protocol
    name: str
    address: str | None = None
    port: int | None = None
    server: str | None = None
    forwarded: str | None = None
    client: str | None = None
    application: str | None = None
    session: str | None = None
    identity: str | None = None
    method: str | None = None
    encrypted: bool | None = None
    ended: int | None = None
    attempts: int = 1
    reason: str | None = None
    bytes_in: int | None = None
    bytes_out: int | None = None
    bodies: int | None = None
    body_bytes: int | None = None
    headers: int | None = None
    header_bytes: int | None = None
    deleted: int | None = None
    expunged: int | None = None


#: `opened`: the server read the message to answer. `fetched`: a command that asks for messages or their parts ended.
#: `searched`, `saved`, `copied`, `deleted` (marked so), `expunged`, `flagged`: what else was done to messages. `folder`:
#: a folder was made, renamed or removed. `script`: a Sieve script was put, fetched or switched on.
Deed = Literal[
    "opened",
    "fetched",
    "searched",
    "saved",
    "copied",
    "deleted",
    "expunged",
    "flagged",
    "folder",
    "script",
    "command",
]


class Act(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False, tag="act", tag_field="kind"
):
    """What a session did to messages, folders or scripts. `detail` is the command or the fields as the log has them."""

    at: int
    time: int
    deed: Deed
    protocol: Protocol
    name: str
    session: str | None = None
    address: str | None = None
    folder: str | None = None
    uid: int | None = None
    message_id: str | None = None
    size: int | None = None
    detail: str | None = None


class Transfer(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False, tag="transfer", tag_field="kind"
):
    """One message handed over by a mail server, or not: `outcome`.

    `sender` is the envelope's, empty for the null sender. `name` is who was authenticated when it came in, where told.
    `address` is the host that it came from or went to. `size` is in bytes. `direction` is None where the log does not say;
    who is inside is for others to judge. `original` is the recipient that an alias or a forwarding made this one of.
    """

    at: int
    time: int
    sender: str
    recipients: tuple[str, ...]
    message_id: str | None = None
    size: int | None = None
    direction: Literal["in", "out", "local"] | None = None
    outcome: Literal["delivered", "deferred", "failed", "expanded", "received"] = "delivered"
    name: str | None = None
    address: str | None = None
    queue: str | None = None
    original: str | None = None


Event = Access | Act | Transfer
