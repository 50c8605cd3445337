"""From a plan to a folder of log files."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, Protocol

import msgspec

from postwarden.lab.logs import entra, exchange_imap4
from postwarden.lab.logs.dovecot import Dovecot
from postwarden.lab.logs.entra import Entra
from postwarden.lab.logs.exchange_imap4 import ExchangeImap4
from postwarden.lab.logs.happenings import Happening, Session
from postwarden.lab.logs.journal import Form, Journal, rotated
from postwarden.lab.logs.networks import asn_table, country_table
from postwarden.lab.logs.organisation import Organisation
from postwarden.lab.logs.plan import Log, Plan
from postwarden.lab.logs.postfix import Postfix
from postwarden.lab.logs.roundcube import Roundcube
from postwarden.lab.logs.truth import Book, Written, truth_of


class Product(Protocol):
    """A server that writes a log: what happens is given to it in order, and it puts lines into its journal."""

    journal: Journal

    def take(self, happening: Happening) -> None: ...


def _dovecot(plan: Plan, journal: Journal, book: Book) -> Product:
    return Dovecot(plan, journal, book, "dovecot")


def _dovecot_syslog(plan: Plan, journal: Journal, book: Book) -> Product:
    return Dovecot(plan, journal, book, "dovecot_syslog")


_PRODUCTS: dict[Log, tuple[Callable[[Plan], Form], Callable[[Plan, Journal, Book], Product]]] = {
    "dovecot": (lambda plan: rotated("dovecot", plan, "dovecot.log"), _dovecot),
    "dovecot_syslog": (lambda plan: rotated("dovecot_syslog", plan, "mail.log"), _dovecot_syslog),
    "exchange_imap4": (lambda _plan: exchange_imap4.form(), ExchangeImap4),
    "entra": (entra.form, Entra),
    "roundcube": (lambda plan: rotated("roundcube", plan, "userlogins.log"), Roundcube),
    "postfix": (lambda plan: rotated("postfix", plan, "mail.log"), Postfix),
}


def write(plan: Plan, folder: Path) -> Written:
    """Make the logs of a plan in `folder`, which exists and is empty, each log in a folder of its name.

    Beside them lie `asn.csv`, `country.csv` and, where asked for, `truth.jsonl`. Takes about ten microseconds a line,
    and memory for a day of them. Raises OSError where a file cannot be written.
    """
    book = Book()
    products = [
        make(plan, Journal(plan, folder / log, form(plan), book), book) for log, (form, make) in _chosen(plan)
    ]
    networks, countries = folder / "asn.csv", folder / "country.csv"
    networks.write_text(asn_table(), encoding="utf-8")
    countries.write_text(country_table(), encoding="utf-8")
    truth = folder / "truth.jsonl" if plan.truth else None
    if truth is None:
        _fill(plan, products, None)
    else:
        with truth.open("xb") as out:
            _fill(plan, products, out)
    return Written(
        files=tuple(book.files),
        tallies=book.tallies,
        deliveries=book.deliveries,
        networks=networks,
        countries=countries,
        truth=truth,
    )


def _chosen(
    plan: Plan,
) -> Iterable[tuple[Log, tuple[Callable[[Plan], Form], Callable[[Plan, Journal, Book], Product]]]]:
    return [(log, row) for log, row in _PRODUCTS.items() if log in plan.logs]


def _fill(plan: Plan, products: list[Product], truth: IO[bytes] | None) -> None:
    encode = msgspec.json.Encoder().encode
    first = plan.begin.toordinal()
    for day, happenings in Organisation(plan).days():
        for happening in happenings:
            for product in products:
                product.take(happening)
            if truth is not None and isinstance(happening, Session) and happening.begin >= plan.first_ms:
                truth.write(encode(truth_of(happening, plan.end_ms)) + b"\n")
        if day >= first:
            for product in products:
                product.journal.close_day(day)
    for product in products:
        product.journal.close()
