"""How many times likelier a stay is where somebody else is in than where the owner is: signs with weights.

After Freeman et al., "Who are you? A statistical approach to measuring user authenticity" (NDSS 2016), with two
differences that an organisation's own log asks for: in a small one, nothing ever seen is as rare for all as for one, so
the numerator is not how common a value is but what intruders do (a server, another country, any hour); and the
denominator is how often something new turned out to be the owner's, so that first-seen levels weigh more the longer the
history and less for those who travel. Weights add up as decibans (Good 1985). Wiefling et al. (TOPS 2022) compare such
features. A cumulative sum (Page 1954) over days lets what is weak add up, see `habits.Trial`.
"""

from math import log10

from postwarden.detect.access.crowd import EXPECTED, PRIOR_DAYS, Crowd
from postwarden.detect.access.habits import Habits
from postwarden.detect.access.stay import Stay

#: Where intruders come from: of all, the share whose place is new on this level and on none above it.
INTRUDERS = {"country": 0.6, "network": 0.3, "place": 0.08, None: 0.02}
#: Shares of intruders that come from a network known to rent out servers, who use another program or protocol, and who are
#: there while the owner is somewhere else.
HOSTED, OTHER_CLIENT, OTHER_PROTOCOL, TOGETHER = 0.5, 0.5, 0.15, 0.6
#: The share of owners' new networks that are hosting ones, or where they are elsewhere at the same time.
OWNERS_HOSTED, OWNERS_TOGETHER = 0.015, 0.05

#: What a new address in a known network may weigh at least: where a provider gives one every day, an intruder at the same
#: provider is not told by it, and must not be hidden by it.
LEAST_PLACE = -3
#: Days of use from which a place is known, somewhat less than three for what decays meanwhile.
KNOWN_DAYS = 2.2
#: Hours that a stay lasts on average in a network where people stay.
STAYS = 2.5
#: So many colleagues make an address an office's or a gateway's.
SHARED = 2
#: What somebody who never travelled may weigh at most on their first journey.
MOST = {"country": 21, "network": 19, "place": 12}
#: The same for a client or a protocol: people get new ones.
MOST_OTHER = 9
#: What is taken off where the owner was elsewhere once: a program may have been left running; and where it is only known that
#: they were too far away shortly before.
LEFT_RUNNING, BEFORE_ONLY = 8, 10
#: What is added where nobody could have gone from one place to the other.
TOO_FAR = 9
#: The share of owners that keep no hours in a new place, but that they sleep.
ELSEWHERE = 0.3
#: Days of use after which an account is half as young.
YOUNG = 1.5


def decibans(ratio: float) -> int:
    """The weight of a likelihood ratio."""
    return round(10 * log10(ratio))


def novelty_rate(habits: Habits, crowd: Crowd, level: str, weight: float) -> float:
    """On what share of days something is new to this account on a level, leaning on the organisation where little is known."""
    prior = PRIOR_DAYS * weight
    rate = (habits.novel.get(level, 0.0) + prior * crowd.rate(level)) / (habits.days + prior)
    return _grown(habits, min(1.0, rate), weight)


def _grown(habits: Habits, rate: float, weight: float) -> float:
    """In its first days anything about an account is new."""
    young = 2.0 ** -(habits.days / weight / YOUNG)
    return float(young + (1 - young) * rate)


def roams(habits: Habits, network: str | None) -> bool:
    """Whether the account only passes through a network, as through a carrier's, and does not stay as in an office or home."""
    used = habits.networks.get(network or "")
    return used is None or habits.lasting.get(network or "", 0.0) < STAYS * used.count


def place_rate(habits: Habits, network: str, weight: float) -> float:
    """On what share of days that the account is in a network it has another address there."""
    used = habits.networks.get(network)
    days = used.days if used is not None else 0.0
    prior = PRIOR_DAYS * weight
    return min(1.0, (habits.spread.get(network, 0.0) + prior * EXPECTED["place"]) / (days + prior))


def level_of(habits: Habits, crowd: Crowd, stay: Stay, weight: float) -> str | None:
    """The highest level on which the stay's place is new; a place is a habit from the third day on."""
    if stay.place is None or stay.own:
        return None
    if stay.country is not None and stay.country not in habits.countries:
        return "country"
    if stay.network is not None and stay.network not in habits.networks:
        return "network"
    if roams(habits, stay.network) or crowd.count("place", stay.place) >= SHARED:
        return None
    place = habits.places.get(stay.place)
    return "place" if place is None or place.days < KNOWN_DAYS * weight else None


def weigh_novelty(stay: Stay, habits: Habits, crowd: Crowd, account: str, weight: float) -> None:
    """Writes what is new about a stay into its `novelty`."""
    level = stay.level
    if level is not None:
        rate = (
            place_rate(habits, stay.network or "", weight)
            if level == "place"
            else novelty_rate(habits, crowd, level, weight)
        )
        points = min(MOST[level], decibans(INTRUDERS[level] / rate))
        points -= _shared(stay, level, crowd, account)
        if level == "place":
            points = max(points, LEAST_PLACE)
        stay.novelty[f"new_{level}"] = points
    elif stay.place is not None:
        stay.novelty["known_place"] = decibans(INTRUDERS[None] / 0.9)
    if level in {"country", "network"}:
        owners = _grown(habits, min(0.5, crowd.hosted_rate(OWNERS_HOSTED)), weight)
        # Lists of hosting networks have gaps: that a network is on none speaks for its owner a little.
        stay.novelty["hosting"] = max(0, decibans(HOSTED / owners)) if stay.hosting is not None else -1
    if stay.family is not None and stay.family not in habits.families:
        rate = novelty_rate(habits, crowd, "family", weight)
        points = decibans(OTHER_CLIENT / rate) - decibans(1 + 20 * crowd.share("family", stay.family))
        stay.novelty["new_client"] = max(0, min(MOST_OTHER, points))
    if stay.protocol not in habits.protocols:
        rate = novelty_rate(habits, crowd, "protocol", weight)
        points = decibans(OTHER_PROTOCOL / rate) - decibans(1 + 20 * crowd.share("protocol", stay.protocol))
        stay.novelty["new_protocol"] = max(0, min(MOST_OTHER, points))


def _shared(stay: Stay, level: str, crowd: Crowd, account: str) -> int:
    """What is taken off since colleagues have it: an office, a gateway, a conference; and where many move alike."""
    value = {"country": stay.country, "network": stay.network, "place": stay.place}[level]
    off = min(8, decibans(1 + 30 * crowd.share(level, value or "")))
    if stay.place is not None and crowd.count("place", stay.place) >= SHARED:
        # The very address that colleagues work from.
        off += 12
    if moves_alike(stay, crowd, account):
        off += 12
    return off


def moves_alike(stay: Stay, crowd: Crowd, account: str) -> bool:
    """Whether many accounts begin with this network in the same days: a provider, an office or a gateway changed."""
    return crowd.begun(stay.network or "", account, stay.begin) >= max(4, crowd.accounts // 20)


def weigh_hour(stay: Stay, habits: Habits, crowd: Crowd, hours: tuple[int, ...], weight: float) -> None:
    """Nobody's hours are an intruder's: any hour is as likely. `hours` are those of the week, at home and where the stay is: who
    travels lives by either.
    """
    hour = hours[0]
    share = max(habits.density(one, weight, crowd.hours[one] / crowd.arrivals) for one in hours)
    # In a new place also the owner has other hours, but seldom at night.
    share = (1 - ELSEWHERE) * share + ELSEWHERE * (1 / 112 if 7 <= hour % 24 < 23 else 0.0)
    # Another address of a known network means little at any hour, and who travels arrives when they arrive.
    most = 6 if stay.level == "network" else 4
    stay.conduct["hour"] = max(-4, min(most, decibans(1 / 168 / max(share, 1e-6))))


def weigh_elsewhere(stay: Stay, habits: Habits, crowd: Crowd, weight: float, expected: float) -> None:
    """Whether the owner was somewhere else at the same time, or evidently came here: `expected` sessions from elsewhere
    would have come meanwhile, had nobody moved.
    """
    level = "place" if stay.level == "place" else "network"
    times = habits.together.get(level, 0.0) + 3 * weight * _crowd_together(crowd, level)
    share = _grown(habits, min(0.9, times / (habits.novel.get(level, 0.0) + 3 * weight)), weight)
    share = max(share, min(0.9, habits.plural / (habits.days + 3 * weight)))
    for sign in ("together", "impossible_travel", "moved"):
        stay.conduct.pop(sign, None)
    points = decibans(TOGETHER / max(share, 0.03))
    if crowd.count("place", stay.place or "") >= SHARED:
        # An office or gateway of the organisation: a tunnel ends there, and its user is elsewhere.
        points = 0
    if points > 0 and stay.far is not None:
        off = 0 if stay.between >= 2 else LEFT_RUNNING if stay.between == 1 else BEFORE_ONLY
        stay.conduct["impossible_travel"] = max(0, points + min(points, TOO_FAR) - off)
        stay.words["impossible_travel"] = stay.far
    elif points > 0 and stay.between >= 1:
        stay.conduct["together"] = max(0, points - (LEFT_RUNNING if stay.between == 1 else 0))
    elif stay.others == 0 and expected >= 0.7:
        stay.conduct["moved"] = -round(min(8.0, 3 * expected))


def _crowd_together(crowd: Crowd, level: str) -> float:
    return (crowd.together.get(level, 0.0) + 20 * OWNERS_TOGETHER) / (crowd.novel.get(level, 0.0) + 20)
