"""What all accounts of the organisation have in common: the prior of each, and what colleagues share."""

from msgspec import Struct, field

from postwarden.detect.access.settings import DAY

#: Levels on which something can be new.
LEVELS = ("country", "network", "place", "family", "protocol")
#: What is expected of an account before anything is known, as shares of its days; and for how many days that counts.
EXPECTED = {"country": 0.02, "network": 0.04, "place": 0.1, "family": 0.02, "protocol": 0.01}
PRIOR_DAYS = 14.0
#: New things of the last so many milliseconds that colleagues have in common.
LATELY = 7 * DAY


class Crowd(Struct):
    """`accounts` are those with habits; `users` counts them by level and value; `lately` names, for what is new, who began with
    it and when.
    """

    accounts: int = 0
    users: dict[str, int] = field(default_factory=dict)
    lately: dict[str, dict[str, int]] = field(default_factory=dict)
    days: float = 0.0
    novel: dict[str, float] = field(default_factory=dict)
    together: dict[str, float] = field(default_factory=dict)
    hours: list[float] = field(default_factory=lambda: [1.0] * 168)
    arrivals: float = 168.0

    def add(self, level: str, value: str) -> None:
        key = f"{level} {value}"
        self.users[key] = self.users.get(key, 0) + 1

    def remove(self, level: str, value: str) -> None:
        key = f"{level} {value}"
        self.users[key] = max(0, self.users.get(key, 0) - 1)

    def saw_new(self, level: str, *, together: bool) -> None:
        """Something new turned out to be its owner's."""
        self.novel[level] = self.novel.get(level, 0.0) + 1
        if together:
            self.together[level] = self.together.get(level, 0.0) + 1

    def hosted_rate(self, expected: float) -> float:
        """The share of owners' new networks that rent out servers."""
        return (self.novel.get("hosting", 0.0) + 20 * expected) / (self.novel.get("network", 0.0) + 20)

    def arrive(self, hour: int) -> None:
        """Somebody begins to use a network at this hour of the week."""
        self.hours[hour] += 1
        self.arrivals += 1

    def share(self, level: str, value: str) -> float:
        """The share of accounts that have this as a habit."""
        return self.users.get(f"{level} {value}", 0) / max(self.accounts, 10)

    def count(self, level: str, value: str) -> int:
        return self.users.get(f"{level} {value}", 0)

    def begin(self, value: str, account: str, time: int) -> None:
        """An account begins with something that is new to it."""
        known = self.lately.setdefault(value, {})
        known.setdefault(account, time)
        if len(self.lately) > 20_000:
            self.forget(time)

    def forget(self, time: int) -> None:
        for value, accounts in list(self.lately.items()):
            for account, began in list(accounts.items()):
                if time - began > LATELY:
                    del accounts[account]
            if not accounts:
                del self.lately[value]

    def begun(self, value: str, account: str, time: int) -> int:
        """How many others began with it within the last days."""
        return sum(
            1
            for other, began in self.lately.get(value, {}).items()
            if other != account and 0 <= time - began <= LATELY
        )

    def rate(self, level: str) -> float:
        """On what share of an account's days something is new on this level."""
        return (self.novel.get(level, 0.0) + EXPECTED[level] * 200) / (self.days + 200)
