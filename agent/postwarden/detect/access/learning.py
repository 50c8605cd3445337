"""What an account's sessions teach: habits, and what is on trial before it becomes one."""

from collections.abc import Iterable

from postwarden.detect.access.account import Lesson
from postwarden.detect.access.crowd import Crowd
from postwarden.detect.access.habits import MOST, MOST_PLACES, Habits, Trial, Used, touch
from postwarden.detect.access.settings import DAY, HOUR, Settings
from postwarden.detect.access.stay import Stay

#: What is new is put on trial from this weight on.
TRIED = 5
#: Decibans of the cumulative sum: what each day takes off, the most that one adds, and the most that all do, by what is new.
DRIFT, DAILY = 2.0, 10.0
CAP = {"country": 14.0, "network": 14.0, "place": 12.0}
#: What an odd hour adds to a trial at most.
ODD_HOURS = 3
#: A trial whose sum stays below this ends well. A day on which the owner evidently moved there has at least this against it.
INNOCENT, MOVED = 4.0, -6

_Values = tuple[str | None, str | None, str | None, str | None, str]


class Pupil:
    """Learns for one account at a time."""

    def __init__(self, habits: Habits, crowd: Crowd, settings: Settings, time: int) -> None:
        self._habits, self._crowd, self._settings = habits, crowd, settings
        self._weight = habits.weight_at(time, settings.half_life)

    def learn(self, stay: Stay, hour: int) -> None:
        """Takes in a stay that is over and not under suspicion; what is new about it may have to be seen more often."""
        habits, weight, level = self._habits, self._weight, stay.level
        if level is not None:
            novelty = sum(points for points in stay.novelty.values() if points > 0)
            conduct = sum(stay.conduct.values())
            tried = novelty + max(0, conduct) >= TRIED or conduct >= TRIED
            if tried and not self._try(stay, level, conduct):
                return
            for sums, times in ((habits.novel, True), (habits.together, stay.between > 0)):
                if times:
                    sums[level] = sums.get(level, 0.0) + weight
            self._crowd.saw_new(level, together=stay.between > 0)
            if stay.hosting is not None and level != "place":
                self._crowd.saw_new("hosting", together=False)
        day = stay.begin // DAY
        new_day = day > habits.last_day
        if new_day:
            habits.last_day = day
            habits.days += weight
            self._crowd.days += 1
        habits.stays += weight
        habits.last = max(habits.last, stay.last)
        self.values(
            (stay.country, stay.network, None if stay.own else stay.place, stay.family, stay.protocol),
            stay.begin,
        )
        if stay.network is not None:
            hours = (stay.last - stay.begin) / HOUR * weight
            habits.lasting[stay.network] = habits.lasting.get(stay.network, 0.0) + hours
        if stay.device_code:
            self._use("family", habits.families, stay.device_code, stay.begin, MOST)
        if stay.arrival:
            habits.learn_arrival(hour, weight)
            self._crowd.arrive(hour)

    def overlap(self, stay: Stay, others: Iterable[Stay]) -> None:
        """Takes note that the account is somewhere else as well: several people have it, or a program was left running."""
        habits, day = self._habits, stay.begin // DAY
        if day <= habits.plural_day:
            return
        if stay.country is not None and stay.fixed:
            before = habits.country, habits.country_day
            habits.country, habits.country_day = stay.country, day
            if before[1] == day and before[0] != stay.country:
                habits.plural += self._weight
                habits.plural_day = day
                return
        if not stay.fixed:
            return
        for other in others:
            lasts = min(stay.last, other.last) - max(stay.begin, other.begin)
            if other.fixed and other.network != stay.network and lasts >= HOUR:
                habits.plural += self._weight
                habits.plural_day = day
                return

    def values(self, values: _Values, time: int) -> None:
        """Makes values habits, or more so."""
        habits = self._habits
        country, network, place, family, protocol = values
        for level, used, value, most in (
            ("country", habits.countries, country, MOST),
            ("network", habits.networks, network, MOST),
            ("family", habits.families, family, MOST),
            ("protocol", habits.protocols, protocol, MOST),
        ):
            if value is not None:
                self._use(level, used, value, time, most)
        if (
            place is not None
            and self._use("place", habits.places, place, time, MOST_PLACES)
            and network is not None
        ):
            habits.spread[network] = habits.spread.get(network, 0.0) + self._weight

    def forget(self, values: _Values) -> None:
        """What was learnt by somebody's word, and by nothing else since, is no habit any more."""
        habits = self._habits
        country, network, place, family, _ = values
        for level, used, value in (
            ("country", habits.countries, country),
            ("network", habits.networks, network),
            ("place", habits.places, place),
            ("family", habits.families, family),
        ):
            if value is not None and used.pop(value, None) is not None:
                self._crowd.remove(level, value)

    def _use(self, level: str, used: dict[str, Used], value: str, time: int, most: int) -> bool:
        before = used.get(value)
        if before is None and len(used) >= most:
            oldest = min(used, key=lambda one: (used[one].last, one))
            del used[oldest]
            self._crowd.remove(level, oldest)
        new_day = before is None or before.last // DAY < time // DAY
        first = touch(used, value, time, self._weight, day=new_day)
        if first:
            self._crowd.add(level, value)
        return first

    def _try(self, stay: Stay, level: str, conduct: int) -> bool:
        """Adds the stay to the trial of what is new about it; whether that ends now, and well."""
        trials, settings, day = self._habits.trials, self._settings, stay.begin // DAY
        key = f"in {stay.network}" if level == "place" else f"{stay.network}"
        trial = trials.get(key)
        if trial is None or stay.begin - trial.last > settings.journey:
            if trial is None and len(trials) >= MOST:
                del trials[min(trials, key=lambda one: (trials[one].last, one))]
            # What was seen long ago still counts against it; the days of use do not speak for it any more.
            trial = trials[key] = Trial(
                first=stay.begin, last=stay.begin, weight=trial.weight if trial is not None else 0.0
            )
        # Odd hours come together, as on a journey: they are not as many reasons.
        odd = max(0, stay.conduct.get("hour", 0) - ODD_HOURS)
        gain = max(-DAILY, min(DAILY, conduct - odd - DRIFT))
        if trial.last_day != day:
            trial.days += 1
            trial.moved += stay.conduct.get("moved", 0) <= MOVED
            trial.last_day, trial.today = day, 0.0
        if gain > trial.today or trial.today == 0.0:
            trial.weight = min(CAP[level], max(0.0, trial.weight + gain - trial.today))
            trial.today = gain
        trial.last = max(trial.last, stay.begin)
        enough = trial.moved >= settings.days_moved or trial.days >= settings.days_unclear
        if enough and trial.weight <= INNOCENT:
            del trials[key]
            return True
        return False


def learn_lesson(pupil: Pupil, lesson: Lesson, time: int) -> None:
    """What a session that its owner called theirs teaches, from `time` on."""
    pupil.values((lesson.country, lesson.network, lesson.place, lesson.family, lesson.protocol), time)


def forget_lesson(pupil: Pupil, lesson: Lesson) -> None:
    pupil.forget((None, lesson.network, lesson.place, lesson.family, lesson.protocol))
