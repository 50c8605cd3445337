"""Windows: anomalies that belong together."""

from postwarden.detect.access.account import Lesson, Opened, State
from postwarden.detect.access.entry import Entry
from postwarden.detect.access.habits import Habits, Trial
from postwarden.detect.access.settings import Settings
from postwarden.detect.access.stay import Stay
from postwarden.detect.access.words import SILENT, sentence
from postwarden.model.window import Reason, Window

#: Sessions, networks and the like that a window names: the first ones.
MOST_ROWS, MOST_NAMED, MOST_LESSONS = 1000, 30, 100


def belongs(state: State, stay: Stay, settings: Settings) -> Opened | None:
    """The window of the account that an odd stay belongs to: of the same place or network, soon after it from the same
    country, or at nearly the same time. What has nothing in common with an old window is a new one.
    """
    found = None
    for window in state.windows:
        since = stay.begin - window.last
        alike = stay.network in window.networks or stay.place in window.places
        near = stay.country in window.countries and since <= settings.alike
        if window.verdict is None and (
            (alike and since <= settings.belongs) or near or since <= settings.at_once
        ):
            found = window
    return found


def open_window(state: State, stay: Stay, habits: Habits, trial: Trial | None) -> Opened:
    """A new window of the account, opened by the stay; `trial` is what was seen of it before."""
    window = Opened(
        subject=stay.session,
        opened=stay.last,
        first=stay.begin,
        last=stay.last,
        habits_since=habits.since if habits.stays else None,
    )
    if trial is not None and trial.weight > 0:
        window.reasons["before"] = (round(trial.weight), sentence("before", stay, trial.days))
    state.windows.append(window)
    return window


def grow(state: State, stay: Stay, entry: Entry | None) -> None:
    """Adds what is new about the stay to its window: all of it, or one more session."""
    window = next(one for one in state.windows if one.subject == stay.subject)
    window.last = max(window.last, stay.last)
    if entry is not None:
        window.sessions += 1
        if len(window.rows) < MOST_ROWS:
            window.rows.append(entry.row)
        return
    window.first = min(window.first, stay.begin)
    window.sessions += stay.sessions
    window.bytes_out += stay.bytes_out
    window.rows.extend(stay.rows[: MOST_ROWS - len(window.rows)])
    lesson = Lesson(stay.begin, stay.country, stay.network, stay.place, stay.family, stay.protocol)
    if len(window.lessons) < MOST_LESSONS and not any(
        _values(one) == _values(lesson) for one in window.lessons
    ):
        window.lessons.append(lesson)
    for named, value in (
        (window.countries, stay.country),
        (window.addresses, stay.address),
        (window.families, stay.family),
        (window.protocols, stay.protocol),
        (window.places, stay.place),
    ):
        if value is not None and len(named) < MOST_NAMED:
            named[value] = None
    if stay.network is not None and len(window.networks) < MOST_NAMED:
        window.networks[stay.network] = stay.name or stay.network
    _weigh(window, stay, least=None)


def _values(lesson: Lesson) -> tuple[str | None, ...]:
    return lesson.country, lesson.network, lesson.place, lesson.family, lesson.protocol


def add_reasons(state: State, stay: Stay) -> bool:
    """Adds what now speaks more against the owner than when the stay joined its window; whether anything did."""
    window = next(one for one in state.windows if one.subject == stay.subject)
    return _weigh(window, stay, least=0)


def _weigh(window: Opened, stay: Stay, *, least: int | None) -> bool:
    """The heaviest of each sign counts, of those above `least`."""
    changed = False
    for sign, points in (*stay.novelty.items(), *stay.conduct.items()):
        known = window.reasons.get(sign)
        if sign in SILENT or not points or (least is not None and points <= least):
            continue
        if known is None or points > known[0]:
            window.reasons[sign] = points, sentence(sign, stay)
            changed = True
    window.weight = sum(points for points, _ in window.reasons.values())
    return changed


def shown(account: str, window: Opened) -> Window:
    """The window as others see it."""
    reasons = sorted(window.reasons.items(), key=lambda one: (-one[1][0], one[0]))
    return Window(
        account=account,
        subject=window.subject,
        opened=window.opened,
        first=window.first,
        last=window.last,
        sessions=window.sessions,
        weight=window.weight,
        reasons=tuple(Reason(sign=sign, weight=points, words=words) for sign, (points, words) in reasons),
        networks=tuple(window.networks.values()),
        countries=tuple(window.countries),
        addresses=tuple(window.addresses),
        clients=tuple(window.families),
        protocols=tuple(window.protocols),
        bytes_out=window.bytes_out or None,
        cited=tuple(window.rows),
        habits_since=window.habits_since,
        verdict=window.verdict,
    )
