"""What the demo's audit found against what was planted."""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from postwarden.cli.demo_configuration import CLOUD
from postwarden.findings.windows import FIRST_ACCESS, is_window, values
from postwarden.model import moment
from postwarden.model.account import Account
from postwarden.model.finding import Finding, at_least
from postwarden.model.standing import Standing

if TYPE_CHECKING:
    from postwarden.lab import Archive, CloudLab, ExchangeLab, Lab


#: What the demo itself looks for in the history is no finding of the audit.
HUNTED = "indicator_seen"
#: Seconds before the first session in which an intruder signs in, in logs of whole seconds.
SIGNS_IN = 60
#: Of the applications that look odd and are harmless, so many may be findings.
MOST_ODD = 2


def of_cloud(finding: Finding) -> bool:
    """Whether the finding is about something that a cloud provider told."""
    return bool(finding.checks) and all(check.source in CLOUD for check in finding.checks)


def compare_mailboxes(
    running: "Lab", exchange: "ExchangeLab | None", standings: Iterable[Standing]
) -> tuple[bool, int]:
    """Whether the findings on mail servers of one's own are exactly the planted ones, and how many they are."""
    planted = list(running.organisation.findings[running.server])
    if exchange is not None:
        planted += exchange.organisation.findings
    found = sorted(
        (one.finding.scope.key.removeprefix("login:"), one.finding.name)
        for one in standings
        if one.status == "open"
        and not of_cloud(one.finding)
        and not is_window(one.finding)
        and one.finding.name != HUNTED
    )
    wanted = sorted((one.account, one.rule) for one in planted)
    return difference("finding", wanted, found), len(found)


def compare_cloud(
    cloud: "CloudLab", standings: Iterable[Standing], accounts: Iterable[Account]
) -> tuple[bool, str]:
    """Whether each bad application and each mailbox with bad rules was found, and nothing else of level medium.

    The words say how many of which were found.
    """
    logins = {account.key: account.login.partition("@")[0] for account in accounts}
    findings = [
        one.finding
        for one in standings
        if one.status == "open" and of_cloud(one.finding) and at_least(one.finding.level, "medium")
    ]
    whole = cloud.organisation
    applications = {_application(cloud, one) for one in findings if one.subject[0] == "grant"}
    mailboxes = {logins[one.scope.key] for one in findings if one.subject[0] != "grant"}
    bad, odd = set(whole.expected.bad), set(whole.expected.harmless)
    wanted = {one.person for one in whole.mail_rules if one.case is not None}
    wanted |= {one.person for one in whole.gmail if one.case is not None}
    exact = difference("application", sorted(bad), sorted(applications - odd))
    exact = difference("mailbox", sorted(wanted), sorted(mailboxes)) and exact
    if len(applications & odd) > MOST_ODD:
        exact = difference("application", [], sorted(applications & odd))
    return exact, (
        f"{len(applications & bad)} of {len(bad)} bad applications, {len(applications & odd)} of {len(odd)} that only "
        f"look odd, {len(mailboxes)} mailboxes with rules of an intruder's"
    )


def compare_history(state: Path, archives: "Sequence[Archive]") -> tuple[bool, int]:
    """Whether the history has exactly the sessions that the logs were written with, and how many they are."""
    from postwarden.history.history import open_history

    with open_history(state) as history:
        totals = [(one.name, history.read.totals(one.name)) for one in archives]
    found = [(name, one.begun, one.ended, one.refused) for name, one in totals]
    wanted = [(one.name, one.tally.begun, one.tally.ended, one.tally.attempts) for one in archives]
    return difference("sessions", wanted, found), sum(one.begun for _, one in totals)


def compare_windows(
    archives: "Sequence[Archive]", standings: Iterable[Standing], accounts: Iterable[Account]
) -> tuple[bool, int]:
    """Whether each intruder has a window that opened at the entry or later, and nobody else has one; and how many they are."""
    logins = {account.key: account.login.partition("@")[0] for account in accounts}
    entries = {one.victim: one.entry for archive in archives for one in archive.intrusions}
    found: set[str] = set()
    for standing in standings:
        finding = standing.finding
        if is_window(finding):
            victim = logins.get(finding.scope.key, finding.scope.key)
            (first,) = values(finding, FIRST_ACCESS)
            early = moment.parse(first).timestamp() < entries.get(victim, 0) / 1000 - SIGNS_IN
            found.add(f"{victim} before the entry" if early else victim)
    return difference("access window", sorted(entries), sorted(found)), len(entries.keys() & found)


def _application(cloud: "CloudLab", finding: Finding) -> str:
    """The lab's name for what the finding is about."""
    _, grant_type, identifier = finding.subject
    if grant_type == "app_password":
        names = {str(one.code): one.name for one in cloud.google.state.app_passwords}
        keys = {one.name: one.key for one in cloud.organisation.app_passwords}
        return keys.get(names.get(identifier.rpartition(":")[2], ""), identifier)
    ids = {one.id: one.key for one in cloud.organisation.applications}
    return ids.get(identifier, identifier)


def gaps(lines: Iterable[bytes]) -> Iterator[tuple[str, str, str]]:
    """Account, source and check of every gap in the records that nobody accepted."""
    for line in lines:
        record = json.loads(line)
        if record["kind"] == "audit_finished":
            for row in record["coverage"]:
                if row["status"] == "gap" and row["accepted"] is None:
                    yield record["scope"]["key"].removeprefix("login:"), row["source"], row["check"]


def difference(what: str, wanted: Sequence[object], found: Sequence[object]) -> bool:
    """Prints what is missing and what nobody planted; whether there was nothing to print."""
    for one in wanted:
        if one not in found:
            print(f"MISSING {what}: {_words(one)}")
    for one in found:
        if one not in wanted:
            print(f"NOT PLANTED {what}: {_words(one)}")
    return list(wanted) == list(found)


def _words(one: object) -> str:
    return " ".join(str(word) for word in one) if isinstance(one, tuple) else str(one)
