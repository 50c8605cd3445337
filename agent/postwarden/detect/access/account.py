"""Everything that is remembered of one account while its sessions are followed."""

from functools import cached_property

from msgspec import Struct, field

from postwarden.access.networks import Place
from postwarden.detect.access.entry import End, Entry
from postwarden.detect.access.habits import Habits
from postwarden.detect.access.settings import DAY, HOUR
from postwarden.detect.access.stay import Stay
from postwarden.model.window import Verdict

#: Sessions of an account that are compared with the next one.
LATELY = 64
#: How long a log-in at a webmail lasts.
WEBMAIL_LASTS = 12 * HOUR

#: Family, place and protocol of a stay; `None` where it is not told.
Key = tuple[str | None, str | None, str]


class Lesson(Struct, frozen=True, array_like=True):
    """What a stay in a window would have taught: learnt only where the owner says that it was theirs."""

    begin: int
    country: str | None
    network: str | None
    place: str | None
    family: str | None
    protocol: str


class Opened(Struct, array_like=True):
    """A window under way. `reasons` have weight and words by sign; `lessons` are its stays, the first of each kind."""

    subject: str
    opened: int
    first: int
    last: int
    sessions: int = 0
    weight: int = 0
    bytes_out: int = 0
    reasons: dict[str, tuple[int, str]] = field(default_factory=dict)
    networks: dict[str, str] = field(default_factory=dict)
    countries: dict[str, None] = field(default_factory=dict)
    places: dict[str, None] = field(default_factory=dict)
    addresses: dict[str, None] = field(default_factory=dict)
    families: dict[str, None] = field(default_factory=dict)
    protocols: dict[str, None] = field(default_factory=dict)
    rows: list[int] = field(default_factory=list)
    lessons: list[Lesson] = field(default_factory=list)
    habits_since: int | None = None
    verdict: Verdict | None = None
    until: int | None = None
    #: Values under suspicion: networks and places that only the window has; while it is called its owner's they are habits.
    suspects: list[str] = field(default_factory=list)
    #: Client families that only somebody's word made habits.
    taught: list[str] = field(default_factory=list)


class State(Struct, dict=True, array_like=True):
    """One account. `name` is its key. `today` and `yesterday` count sessions, to know what silence means."""

    name: str
    habits: Habits | None = None
    stays: dict[Key, Stay] = field(default_factory=dict)
    windows: list[Opened] = field(default_factory=list)
    day: int = -1
    today: int = 0
    yesterday: int = 0
    #: The latest session from anywhere that is not under suspicion, and where that was.
    seen_time: int = 0
    seen_place: Place | None = None
    #: Since when its owner has left, where somebody says so.
    departed: int | None = None
    #: What was made or changed at the account: when, and in words.
    occasions: list[tuple[int, str]] = field(default_factory=list)
    #: The latest log-in at a webmail, and where the browser was.
    browser: tuple[int, Place] | None = None
    #: The latest sessions, so that none counts twice.
    lately: dict[str, None] = field(default_factory=dict)
    ended: dict[str, None] = field(default_factory=dict)
    tokens: dict[str, tuple[str, str | None, int]] = field(default_factory=dict)

    @cached_property
    def watched(self) -> list[Stay]:
        """The stays that are looked at again."""
        return [stay for stay in self.stays.values() if stay.watched]

    def count(self, time: int) -> None:
        """One more session on a day."""
        day = time // DAY
        if day != self.day:
            self.yesterday = self.today if day == self.day + 1 else 0
            self.day, self.today = day, 0
        self.today += 1

    def rate(self, time: int) -> float:
        """Sessions an hour, lately."""
        hours = 24 + (time % DAY) / 3_600_000
        return (self.yesterday + self.today) / hours

    def is_ended_again(self, end: End) -> bool:
        """Whether the end of the same session was told before."""
        if end.session is None:
            return False
        if end.session in self.ended:
            return True
        self.ended[end.session] = None
        if len(self.ended) > LATELY:
            del self.ended[next(iter(self.ended))]
        return False

    def is_told_again(self, entry: Entry) -> bool:
        """Whether the same session was told before: by another log, or a second time in an export."""
        # The id of a sign-in session comes with each sign-in of it.
        key = (
            f"{entry.session}"
            if entry.session is not None and entry.protocol != "sign_in"
            else f"{entry.session} {entry.time} {entry.address}"
        )
        if key in self.lately:
            return True
        self.lately[key] = None
        if len(self.lately) > LATELY:
            del self.lately[next(iter(self.lately))]
        return False

    def behind(self, time: int) -> Place | None:
        """Where the account's browser is, by the webmail's own log."""
        if self.browser is None or time - self.browser[0] > WEBMAIL_LASTS:
            return None
        return self.browser[1]

    def fetched(self, subject: str, count: int, time: int) -> None:
        """A session of a window ended, after so many bytes."""
        for window in self.windows:
            if window.subject == subject:
                window.bytes_out += count
                window.last = max(window.last, time)

    def occasion(self, time: int, within: int) -> str | None:
        """What was made or changed lately."""
        return next((words for when, words in reversed(self.occasions) if 0 <= time - when <= within), None)

    def suspect(self, *values: str | None) -> Opened | None:
        """The window that holds one of these values under suspicion."""
        for window in self.windows:
            if window.verdict != "yours" and any(value in window.suspects for value in values if value):
                return window
        return None
