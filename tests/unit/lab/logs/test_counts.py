"""What the generator says that it wrote is what a naive count of the lines gives."""

import json
from collections import Counter

from postwarden.lab.logs import Log, Tally, Written
from tests.unit.lab.logs.made import AUTUMN, between, lines, truth


def rows(
    begun: Counter[str], ended: Counter[str], refused: Counter[str], attempts: Counter[str]
) -> dict[str, Tally]:
    names = {*begun, *ended, *refused}
    return {
        name: Tally(begun=begun[name], ended=ended[name], refused=refused[name], attempts=attempts[name])
        for name in names
    }


def told(written: Written, log: Log) -> dict[str, Tally]:
    return {name: one for name, one in written.tallies[log].items() if one != Tally()}


def test_dovecots_lines_are_those_of_the_tallies(autumn: Written) -> None:
    """Each log-in, end and refusal in Dovecot's own log is counted under its name, and no other."""
    logs: tuple[Log, ...] = ("dovecot", "dovecot_syslog")
    for log in logs:
        begun, ended, refused, attempts = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
        for line in lines(autumn, log):
            if "-login: " in line and "Login: user=<" in line:
                begun[between(line, " user=<", ">")] += 1
            elif "(auth failed, " in line:
                name = between(line, " user=<", ">")
                refused[name] += 1
                attempts[name] += int(between(line, "(auth failed, ", " attempts"))
            elif "(no auth attempts" in line:
                assert "user=<>" in line
            elif "Disconnected: " in line:
                ended[between(line, "imap(" if "imap(" in line else "pop3(", ")")] += 1
            else:
                assert " auth: " in line or " master: " in line
        assert rows(begun, ended, refused, attempts) == told(autumn, log)
        assert sum(begun.values()) > 5000


def test_exchanges_lines_are_those_of_the_tallies(autumn: Written) -> None:
    """A session of Exchange's log begins where its log-in was answered OK, ends where it closes, and else was
    refused.
    """
    begun, ended, refused, attempts = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    seen: dict[str, str] = {}
    for line in lines(autumn, "exchange_imap4"):
        _, session, _, _, _, name, *_ = line.split(",")
        if ",login," in line and "R=OK" in line:
            begun[name] += 1
        elif "AuthFailed" in line:
            attempts[name] += 1
            refused[name] += session not in seen
            seen[session] = name
        elif "CloseSession" in line and name:
            ended[name] += 1
    assert rows(begun, ended, refused, attempts) == told(autumn, "exchange_imap4")


def test_sign_ins_and_visits_are_those_of_the_tallies(autumn: Written) -> None:
    """Sign-ins count by their error code, visits of the webmail by the word that their line begins with."""
    begun, refused = Counter[str](), Counter[str]()
    for line in lines(autumn, "entra"):
        one = json.loads(line)
        (refused if one["status"]["errorCode"] else begun)[one["userPrincipalName"]] += 1
    assert rows(begun, Counter(), refused, refused) == told(autumn, "entra")
    begun, refused = Counter(), Counter()
    for line in lines(autumn, "roundcube"):
        (begun if "> Successful" in line else refused)[between(line, " login for ", " ")] += 1
    assert rows(begun, Counter(), refused, refused) == told(autumn, "roundcube")


def test_deliveries_are_those_of_the_log(autumn: Written) -> None:
    """Each message that Postfix takes and each recipient's outcome is counted."""
    counts = Counter(between(line, "status=", " ") for line in lines(autumn, "postfix"))
    taken = sum(": client=" in line for line in lines(autumn, "postfix"))
    senders = Counter(
        between(line + " ", "sasl_username=", " ") for line in lines(autumn, "postfix") if "sasl_" in line
    )
    assert rows(senders, Counter(), Counter(), Counter()) == told(autumn, "postfix")
    said = autumn.deliveries["postfix"]
    assert (taken, counts["sent"], counts["deferred"], counts["bounced"]) == (
        said.messages,
        said.delivered,
        said.deferred,
        said.failed,
    )
    assert said.failed
    assert said.deferred


def test_the_truth_has_the_sessions_of_the_log(autumn: Written) -> None:
    """`truth.jsonl` has every log-in of Dovecot's log with the same name, address and port, in the same order of
    seconds.
    """
    logged = [
        (between(line, " user=<", ">"), between(line, "rip=", ","), int(between(line, "rport=", ",")))
        for line in lines(autumn, "dovecot")
        if "Login: user=<" in line
    ]
    true = [(row.name, row.address, row.port) for row in truth(autumn)]
    assert true == logged


def test_the_truth_knows_which_ends_are_missing(autumn: Written) -> None:
    """A session without an end in the truth has none in the log: it lasted beyond the log, or the server lost power."""
    rows = truth(autumn)
    open_ones = [row for row in rows if row.ended is None]
    assert 0 < len(open_ones) < 200
    assert all(row.ended < AUTUMN.end_ms for row in rows if row.ended is not None)
    from_before = autumn.total("dovecot").ended - (len(rows) - len(open_ones))
    assert 0 < from_before < 50
