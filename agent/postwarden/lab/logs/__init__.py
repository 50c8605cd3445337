"""Logs of an organisation that does not exist, in the forms of real products: people, machines and strangers, for months.

    written = write(Plan(seed=1, people=made_up_people(100), begin=date(2025, 10, 1)), folder)

Nobody here is an intruder; what else may happen to the servers joins `organisation.Organisation.days`. Nothing of the
readers, of history or of detection is used here, so that they can be tried against it.
"""

from postwarden.lab.logs.networks import NETWORKS, Network
from postwarden.lab.logs.plan import LOGS, Log, Plan, made_up_people
from postwarden.lab.logs.truth import Deliveries, LogFile, SessionTruth, Tally, Written
from postwarden.lab.logs.writing import write

__all__ = [
    "LOGS",
    "NETWORKS",
    "Deliveries",
    "Log",
    "LogFile",
    "Network",
    "Plan",
    "SessionTruth",
    "Tally",
    "Written",
    "made_up_people",
    "write",
]
