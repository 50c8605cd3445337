"""Exchange's IMAP4 protocol log of the front end: CSV with `#` headers, one file a day, times in UTC.

Field names and the words of a refusal are those of published samples; the words of a log-in that is let in are from
public descriptions. No Exchange was run. There is no line for what Exchange does not serve over IMAP4: machines with
POP3, and master users.
"""

from datetime import date
from random import Random

from postwarden.lab.logs.happenings import Happening, Refusal, Scan, Session
from postwarden.lab.logs.journal import Form, Journal
from postwarden.lab.logs.moments import iso_utc
from postwarden.lab.logs.plan import Plan
from postwarden.lab.logs.truth import Book

SERVER = "10.20.0.6:993"

_FIELDS = "dateTime,sessionId,seqNumber,sIp,cIp,user,duration,rqsize,rpsize,command,parameters,context,puid"


def form() -> Form:
    """`IMAP420261103-1.LOG`, with its headers and Windows' line ends."""
    return Form(
        log="exchange_imap4",
        period=lambda day: day,
        name=lambda day, _age: f"IMAP4{date.fromordinal(day):%Y%m%d}-1.LOG",
        head=lambda day: (
            "#Software: Microsoft Exchange Server\r\n#Version: 15.0.0.0\r\n#Log-type: IMAP4 Log\r\n"
            f"#Date: {date.fromordinal(day).isoformat()}T00:00:00.000Z\r\n#Fields: {_FIELDS}\r\n"
        ),
        ending="\r\n",
    )


class ExchangeImap4:
    """Writes sessions and refusals, each with the session number that Exchange counts up."""

    def __init__(self, plan: Plan, journal: Journal, book: Book) -> None:
        self.journal = journal
        self._tallies = book.accounts("exchange_imap4")
        self._rng = Random(f"{plan.seed} exchange_imap4")
        self._domain = plan.domain
        self._number = 0

    def take(self, happening: Happening) -> None:
        """Write what this product says about it, if anything."""
        if isinstance(happening, Session) and happening.protocol == "imap" and happening.identity is None:
            self._session(happening)
        elif isinstance(happening, Refusal):
            self._refusal(happening)
        elif isinstance(happening, Scan):
            number, place = self._connection(happening.address, happening.port)
            self._add(happening.time, number, 0, place, ",1,0,53,OpenSession,,,")
            self._add(happening.time + 30, number, 1, place, ",0,0,0,CloseSession,,,")

    def _session(self, one: Session) -> None:
        number, place = self._connection(one.address, one.port)
        took = 80 + int(self._rng.random() * 400)
        self._opened(one.begin - took, number, place)
        login = (
            f"{one.name},{took},{30 + len(one.name)},24,login,{one.name}@{self._domain} *****,"
            f'"R=OK;Msg=""Proxy:EX01.{self._domain}:1993:SSL;ProxySuccess""",'
        )
        tally = self._tallies[one.name]
        if self._add(one.begin, number, 2, place, login):
            tally.begun += 1
        if one.closing == "cut":
            return
        if self._add(
            one.end, number, 3, place, f"{one.name},0,{one.bytes_in},{one.bytes_out},CloseSession,,,"
        ):
            tally.ended += 1

    def _refusal(self, one: Refusal) -> None:
        number, place = self._connection(one.address, one.port)
        self._opened(one.begin, number, place)
        counted = 0
        for n in range(one.attempts):
            refused = (
                f"{one.name},168,31,31,authenticate,PLAIN,"
                f'"R=""{n + 2} NO AUTHENTICATE failed."";Msg=""AuthFailed:LogonDenied,User: {one.name}"";'
                'ErrMsg=AuthFailed:LogonDenied",'
            )
            counted += self._add(one.begin + 300 + n * 4000, number, n + 2, place, refused)
        self._add(one.end, number, one.attempts + 2, place, ",0,0,0,CloseSession,,,")
        if counted:
            tally = self._tallies[one.name]
            tally.attempts += counted
            tally.refused += 1

    def _connection(self, address: str, port: int) -> tuple[str, str]:
        self._number += 1
        place = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
        return f"{self._number:016X}", place

    def _opened(self, time: int, number: str, place: str) -> None:
        self._add(time, number, 0, place, f",{int(self._rng.random() * 20)},0,53,OpenSession,,,")
        self._add(time + 20, number, 1, place, ",1,13,158,capability,,R=OK,")

    def _add(self, time: int, number: str, sequence: int, place: str, rest: str) -> bool:
        return self.journal.add(time, f"{iso_utc(time)},{number},{sequence},{SERVER},{place},{rest}")
