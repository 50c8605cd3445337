"""Numbers by chance, in the ways that the things modelled here are spread."""

from math import exp, log
from random import Random


def between(low: float, high: float, rng: Random) -> float:
    """A number from a range in which each order of size is as likely; `low` is above 0."""
    return exp(log(low) + rng.random() * (log(high) - log(low)))


def whole_number(mean: float, rng: Random) -> int:
    """A whole number from 0 with a mean, small ones being the likeliest (a geometric distribution)."""
    return int(log(1 - rng.random()) / log(mean / (1 + mean))) if mean > 0 else 0
