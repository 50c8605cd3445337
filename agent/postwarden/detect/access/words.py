"""Why, in sentences."""

from postwarden.detect.access.stay import Stay

#: Signs that say nothing by themselves, and are not told.
SILENT = frozenset({"known_place"})


def sentence(sign: str, stay: Stay, days: int = 0) -> str:
    """What a sign means for a stay; `days` are those before on which the same was seen."""
    if sign in stay.words:
        return stay.words[sign]
    where = stay.name or stay.network or "an unknown network"
    match sign:
        case "new_country":
            return f"the account was never used from {stay.country} before ({where})"
        case "new_network":
            return f"the account never used the network {where} before"
        case "new_place":
            return f"the address {stay.address} in {where} is new to the account"
        case "hosting" if stay.hosting is not None:
            return f"{where} rents out servers or hides where somebody is ({stay.hosting})"
        case "hosting":
            return f"{where} is not known to rent out servers"
        case "new_client":
            return f"the client {stay.family} is new to the account"
        case "new_protocol":
            return f"the account never used {stay.protocol} before"
        case "hour":
            points = stay.conduct.get("hour", 0)
            return f"the account is {'seldom' if points > 0 else 'often'} used at this hour of the week"
        case "together":
            return f"at the same time the account was in use from {stay.elsewhere}, before and after"
        case "moved":
            return "the account fell silent everywhere else meanwhile, as if its owner had gone there"
        case "before":
            return f"the same was seen on {days} days before, each time too little for an alarm"
        case _:
            raise AssertionError(f"no words for the sign {sign}")
