"""How checks end, whatever is read: each in its own mark, or in a gap."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime

from postwarden.connectors.https import Within
from postwarden.errors import ConnectorError, SecretError
from postwarden.formats.asked import Asked
from postwarden.model.account import Account
from postwarden.model.reading import CheckDone, Gap, Item, NotSupported, OwnSession

#: Reads one check.
Read = Callable[[Asked], Iterator[Item]]


def one(asked: Asked, read: Read) -> Iterator[Item]:
    """The items of a check, and how it ended: an error after some of them is a gap beside them."""
    try:
        yield from read(asked)
    except (ConnectorError, SecretError) as error:
        yield failed(asked, error)
        return
    yield asked.done()


def every(
    checks: Sequence[str], items: Callable[[], Iterable[Item]], asked: Callable[[str], Asked]
) -> Iterator[Item]:
    """The items, and where they break off a gap for each check that was not ended."""
    missing = dict.fromkeys(checks)
    try:
        for item in items():
            match item:
                case CheckDone(check=check) | NotSupported(check=check) | Gap(check=check, part=None):
                    missing.pop(check, None)
                case _:
                    pass
            yield item
    except (ConnectorError, SecretError) as error:
        for check in missing:
            yield failed(asked(check), error)


def failed(asked: Asked, error: ConnectorError | SecretError) -> Gap:
    if isinstance(error, ConnectorError):
        return asked.failed(error)
    return asked.gap("refused", error.message, hint=error.hint)


def own_session(
    within: Within,
    account: Account,
    opened: datetime,
    *,
    source: str,
    protocol: str,
    identity: str,
    server: str,
) -> Iterator[OwnSession]:
    """The session that this thread's requests were, where any went out."""
    local = within.take_address()
    if local is not None:
        yield OwnSession(
            source=source,
            protocol=protocol,
            identity=identity,
            account=account.key,
            server=server,
            local_address=local[0],
            local_port=local[1],
            opened=opened,
        )
