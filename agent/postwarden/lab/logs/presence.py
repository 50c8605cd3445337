"""What of a drawn day somebody was really there for, and from which address of their line."""

from collections.abc import Iterable, Iterator
from random import Random

from msgspec.structs import replace

from postwarden.lab.logs.happenings import Happening, Refusal, Session
from postwarden.lab.logs.moments import instant
from postwarden.lab.logs.people import Person, Spell


def present(person: Person, rows: Iterable[Happening], ordinal: int, spell: Spell) -> Iterator[Happening]:
    """Those of the `rows` of a local day that lie within the spell; what still goes on at its end is cut off there.

    What somebody left running in the office goes on without them. A home has one address at a time: where it gets
    another one at midnight, what is connected there is cut off, and programs other than phones come again at once.
    """
    midnight = instant(ordinal + 1, 0, person.site.zone)
    limit = 0 if spell.client is not None else min(spell.ends, midnight)
    for row in rows:
        # Nearly all: they began and ended where their owner was all the time.
        if isinstance(row, Session) and spell.begins <= row.begin and row.end <= limit:
            yield row
            continue
        time = row.begin if isinstance(row, Session | Refusal) else row.time
        if time < spell.begins or (spell.client is not None and getattr(row, "client", None) != spell.client):
            continue
        if not isinstance(row, Session):
            if time < spell.ends:
                yield row
            continue
        cut_off = row.end > spell.ends and not _left_on(person, row, spell)
        if cut_off and time >= spell.ends:
            continue
        kept = replace(row, end=spell.ends, closing="reset") if cut_off else row
        if kept.end > midnight:
            yield from _over_midnight(person, kept, ordinal, midnight, spell)
        else:
            yield kept


def _left_on(person: Person, row: Session, spell: Spell) -> bool:
    """Whether it is the mail program of a computer that keeps running in the office."""
    day = spell.day
    return (
        person.stays_on
        and day.commutes
        and day.work is not None
        and row.client == person.clients[0]
        and row.network is day.work.network
        and row.behind is None
    )


def _over_midnight(
    person: Person, row: Session, ordinal: int, midnight: int, spell: Spell
) -> Iterator[Session]:
    """The same session, as a line at home has it that gets another address at midnight."""
    home = spell.day.base
    if home.line is None or row.network is not home.network or home.line(ordinal) == home.line(ordinal + 1):
        yield row
        return
    if _left_on(person, row, spell):
        yield row
        return
    rng = Random(f"{person.name} {row.begin} {row.port} anew")
    address = home.address(ordinal + 1, 0, row.client)
    if row.begin >= midnight:
        yield replace(row, address=address)
        return
    yield replace(row, end=midnight, closing="reset")
    again = midnight + 1000 + int(rng.random() * 90_000)
    if row.client != person.phone_client(ordinal) and again < row.end:
        yield Session(
            begin=again,
            end=row.end,
            name=row.name,
            address=address,
            port=1024 + int(rng.random() * 64_000),
            network=row.network,
            client=row.client,
            protocol=row.protocol,
            bytes_in=300 + int(rng.random() * 900),
            bytes_out=1500 + int(rng.random() * 6000),
            closing=row.closing,
        )
