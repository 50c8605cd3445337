"""Postfix's lines about messages, through a syslog without years, in the words of Postfix 3.7.

A connection is `connect from` and `disconnect from`. One message is `client=`, `message-id=`, `from=`, a line `to=`
for each recipient, and `removed`, all with its queue id. Few are put off and delivered minutes later; few are given
up.
"""

from random import Random

from postwarden.lab.logs.happenings import Happening, Message, Scan
from postwarden.lab.logs.journal import Journal
from postwarden.lab.logs.moments import syslog_local
from postwarden.lab.logs.plan import Plan
from postwarden.lab.logs.truth import Book

HOST = "mail"


class Postfix:
    """Writes messages."""

    def __init__(self, plan: Plan, journal: Journal, book: Book) -> None:
        self.journal = journal
        self._tallies = book.accounts("postfix")
        self._deliveries = book.messages("postfix")
        self._rng = Random(f"{plan.seed} postfix")
        self._zone = plan.zone
        self._domain = plan.domain

    def take(self, happening: Happening) -> None:
        """Write what this product says about it, if anything."""
        if isinstance(happening, Message):
            self._message(happening)
        elif isinstance(happening, Scan):
            peer, process = f"unknown[{happening.address}]", f"smtpd[{self._pid()}]"
            self._add(happening.time, f"{process}: connect from {peer}")
            self._add(happening.time + 90, f"{process}: lost connection after CONNECT from {peer}")
            self._add(happening.time + 90, f"{process}: disconnect from {peer} commands=0/0")

    def _message(self, one: Message) -> None:
        queue = f"{self._rng.getrandbits(44):011X}"
        time = one.time
        sender = self._full(one.sender)
        if one.name is None:
            process, peer = f"smtpd[{self._pid()}]", f"mx.{sender.partition('@')[2]}[{one.address}]"
            client, commands = (
                f"client={peer}",
                f"ehlo=1 mail=1 rcpt={len(one.recipients)} data=1 quit=1 commands=5",
            )
        else:
            process, peer = f"submission/smtpd[{self._pid()}]", f"unknown[{one.address}]"
            client = f"client={peer}, sasl_method=PLAIN, sasl_username={one.name}"
            commands = f"ehlo=2 starttls=1 auth=1 mail=1 rcpt={len(one.recipients)} data=1 quit=1 commands=8"
        self._add(time - 120, f"{process}: connect from {peer}")
        if self._add(time, f"{process}: {queue}: {client}"):
            self._deliveries.messages += 1
            if one.name is not None:
                self._tallies[one.name].begun += 1
        stem = f"{self._rng.getrandbits(64):016x}"
        self._add(
            time + 40, f"cleanup[{self._pid()}]: {queue}: message-id=<{stem}@{sender.partition('@')[2]}>"
        )
        self._add(
            time + 200,
            f"qmgr[812]: {queue}: from=<{sender}>, size={one.size}, nrcpt={len(one.recipients)} (queue active)",
        )
        self._add(time + 230, f"{process}: disconnect from {peer} {commands}")
        last = time + 250
        for recipient in one.recipients:
            last = max(last, self._deliver(queue, time + 250, self._full(recipient)))
        self._add(last + 15, f"qmgr[812]: {queue}: removed")

    def _deliver(self, queue: str, time: int, recipient: str) -> int:
        """The lines of one recipient; when the last of them was written."""
        fate = self._rng.random()
        if recipient.endswith(f"@{self._domain}"):
            done = time + 30 + int(self._rng.random() * 300)
            words = f"250 2.0.0 <{recipient}> {self._rng.getrandbits(48):012x} Saved"
            self._outcome(
                done,
                "lmtp",
                queue,
                recipient,
                f"{HOST}[private/dovecot-lmtp]",
                time,
                ("sent", "2.0.0", words),
            )
            return done
        domain = recipient.partition("@")[2]
        relay = f"mx.{domain}[28.{26 + len(domain) % 8}.201.{1 + len(recipient) % 250}]:25"
        done = time + 400 + int(self._rng.random() * 3000)
        if fate < 0.01:
            words = f"host mx.{domain} said: 550 5.1.1 <{recipient}>: Recipient address rejected (in reply to RCPT TO command)"
            self._outcome(done, "smtp", queue, recipient, relay, time, ("bounced", "5.1.1", words))
            return done
        if fate < 0.03:
            words = (
                f"host mx.{domain} said: 450 4.2.0 <{recipient}>: Greylisted (in reply to RCPT TO command)"
            )
            self._outcome(done, "smtp", queue, recipient, relay, time, ("deferred", "4.2.0", words))
            done += 300_000 + int(self._rng.random() * 600_000)
        words = f"250 2.0.0 Ok: queued as {self._rng.getrandbits(40):010X}"
        self._outcome(done, "smtp", queue, recipient, relay, time, ("sent", "2.0.0", words))
        return done

    def _outcome(
        self,
        done: int,
        agent: str,
        queue: str,
        recipient: str,
        relay: str,
        since: int,
        answer: tuple[str, str, str],
    ) -> None:
        status, code, words = answer
        delay = (done - since) / 1000
        text = (
            f"{agent}[{self._pid()}]: {queue}: to=<{recipient}>, relay={relay}, delay={delay:.2g}, "
            f"delays=0.1/0.01/0.05/{delay:.2g}, dsn={code}, status={status} ({words})"
        )
        if self._add(done, text):
            self._deliveries.delivered += status == "sent"
            self._deliveries.deferred += status == "deferred"
            self._deliveries.failed += status == "bounced"

    def _full(self, name: str) -> str:
        return name if "@" in name else f"{name}@{self._domain}"

    def _pid(self) -> int:
        return 1000 + int(self._rng.random() * 31_000)

    def _add(self, time: int, text: str) -> bool:
        return self.journal.add(time, f"{syslog_local(time, self._zone)} {HOST} postfix/{text}")
