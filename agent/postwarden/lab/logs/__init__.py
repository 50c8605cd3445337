"""Logs of an organisation that does not exist, in the forms of real products: people, machines and strangers, for months.

    written = write(Plan(seed=1, people=made_up_people(100), begin=date(2025, 10, 1)), folder)

    found = happenings(replace(plan, intrusions=draw_intrusions(plan, "x", [("token_only", date(2026, 1, 7))])))

Intruders come where a plan has intrusions; what else may happen to the servers joins `organisation.Organisation.days`.
All of it is synthetic: it shows what a detector does with habits and intrusions that somebody made up. Nothing of the
readers, of history or of detection is used here, so that they can be tried against it.
"""

from postwarden.lab.logs.drawing import draw_intrusions
from postwarden.lab.logs.happenings import Happening, Refusal, Session, SignIn, Visit
from postwarden.lab.logs.intrusion import FAMILIES, Family, Intrusion
from postwarden.lab.logs.networks import NETWORKS, Network, hosting_list
from postwarden.lab.logs.organisation import happenings
from postwarden.lab.logs.plan import LOGS, Log, Plan, made_up_people
from postwarden.lab.logs.truth import Deliveries, LogFile, SessionTruth, Tally, Written
from postwarden.lab.logs.writing import write

__all__ = [
    "FAMILIES",
    "LOGS",
    "NETWORKS",
    "Deliveries",
    "Family",
    "Happening",
    "Intrusion",
    "Log",
    "LogFile",
    "Network",
    "Plan",
    "Refusal",
    "Session",
    "SessionTruth",
    "SignIn",
    "Tally",
    "Visit",
    "Written",
    "draw_intrusions",
    "happenings",
    "hosting_list",
    "made_up_people",
    "write",
]
