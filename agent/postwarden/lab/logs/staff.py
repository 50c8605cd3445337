"""Who there is in an organisation, by log-in."""

from postwarden.lab.logs.changes import changes
from postwarden.lab.logs.lively import lively
from postwarden.lab.logs.people import Person, person
from postwarden.lab.logs.places import sites
from postwarden.lab.logs.plan import Plan
from postwarden.lab.logs.services import members


def staff(plan: Plan) -> tuple[Person, ...]:
    """The people of a plan, in its order."""
    offices = sites(plan.seed)
    people = tuple(person(plan, name, offices) for name in plan.people)
    if plan.ordinary == "plain":
        return people
    changed = changes(plan)
    return tuple(lively(plan, one, changed) for one in people)


def owner(plan: Plan, login: str) -> Person:
    """Whose account it is; of a shared mailbox, one of those who keep it open."""
    name = login if login in plan.people else members(plan, login)[0]
    found = person(plan, name, sites(plan.seed))
    return found if plan.ordinary == "plain" else lively(plan, found, changes(plan))
