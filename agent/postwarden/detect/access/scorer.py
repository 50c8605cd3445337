"""Sessions in the order of their times, one after the other: what fits is learnt, what does not becomes a window."""

import heapq
from collections.abc import Callable, Iterator

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from postwarden.access.networks import Place
from postwarden.detect.access import signs
from postwarden.detect.access.account import Key, Opened, State
from postwarden.detect.access.crowd import Crowd
from postwarden.detect.access.entry import Answer, End, Entry
from postwarden.detect.access.habits import Habits
from postwarden.detect.access.learning import Pupil, forget_lesson, learn_lesson
from postwarden.detect.access.settings import DAY, HOUR, Settings
from postwarden.detect.access.stay import BEGINNINGS, ROWS, Stay, identity_of, network_of
from postwarden.detect.access.weighing import level_of, roams, weigh_elsewhere, weigh_hour, weigh_novelty
from postwarden.detect.access.windows import add_reasons, belongs, grow, open_window, shown
from postwarden.model.window import Window

#: Hour of the week (0 to 167) of a time in milliseconds, in the zone of a country.
HourOf = Callable[[int, str | None], int]

#: What is looked at again, and when: the time, a number that keeps the order, the account, and the stay; without one it
#: is the end of an answer.
Due = tuple[int, int, str, Key | None]

_STATE = msgspec.msgpack.Decoder(State)


def utc_hour(time: int, _country: str | None = None) -> int:
    """The hour of the week in UTC, Monday's first is 0: 1970 began on a Thursday."""
    return (time // HOUR + 72) % 168


def not_known(_one: Place, _other: Place) -> float | None:
    """Without a table of distances nothing is too far."""
    return None


class Common(Struct):
    """What a scorer knows beside its accounts."""

    crowd: Crowd = msgspec.field(default_factory=Crowd)
    field: signs.Field = msgspec.field(default_factory=signs.Field)
    due: list[Due] = msgspec.field(default_factory=list)
    number: int = 0


class Scorer:
    """Judges one organisation's sessions. Entries and answers come in the order of their times; equal ones, equal windows.

    Where `base` is given it looks ahead: it goes on from what that one knows, learns nothing, and leaves it as it is.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        hour_of: HourOf = utc_hour,
        hours: signs.Hours = not_known,
        *,
        base: "Scorer | None" = None,
    ) -> None:
        self.settings = settings or Settings()
        self._hour_of, self._hours = hour_of, hours
        self._base = base
        self.accounts: dict[str, State] = {}
        self.touched: set[str] = set()
        #: Names of accounts that have another one now, and are not to be kept under this.
        self.gone: set[str] = set()
        self.common: Common = Common() if base is None else _copied(base.common)
        self._changed: dict[tuple[str, str], None] = {}

    def ahead(self) -> "Scorer":
        """One that looks ahead from here."""
        return Scorer(self.settings, self._hour_of, self._hours, base=self)

    def take(self, entry: Entry) -> tuple[Window, ...]:
        """The windows that this entry opened or changed, or that time alone did until then."""
        time = entry.time
        due = self.common.due
        if due and due[0][0] <= time:
            self._pass(time)
        if entry.refused:
            self._refused(entry)
            return self._told() if self._changed else ()
        state = self.accounts.get(entry.account) or self._state(entry.account)
        self.touched.add(entry.account)
        if state.is_told_again(entry):
            return self._told() if self._changed else ()
        place = entry.place if not entry.gateway else state.behind(time)
        key = (entry.family, place.place if place is not None else None, entry.protocol)
        stay = state.stays.get(key)
        state.count(time)
        if entry.protocol == "webmail" and place is not None:
            state.browser = time, place
        if stay is None or time - stay.last > self.settings.pause or time - stay.begin >= DAY:
            self._begin(entry, state, key, place)
            return self._told() if self._changed else ()
        stay.sessions += 1
        stay.last = max(stay.last, time)
        if stay.level is not None or stay.subject is not None:
            self._more(entry, state, stay)
        else:
            if state.watched:
                self._elsewhere(entry, state, stay)
            if stay.fixed:
                state.seen_time, state.seen_place = stay.last, place
        return self._told() if self._changed else ()

    def end(self, end: End) -> None:
        """A session is over."""
        time = end.time
        due = self.common.due
        if due and due[0][0] <= time:
            self._pass(time)
        state = self._known(end.account)
        if state is None or state.is_ended_again(end):
            return
        place = end.place if not end.gateway else state.behind(time)
        stay = state.stays.get((end.family, place.place if place is not None else None, end.protocol))
        # A session that lasts longer than a stay belongs to the one that is there at its end.
        if stay is None:
            return
        self.touched.add(end.account)
        stay.last = max(stay.last, time)
        if end.bytes_out is not None:
            stay.bytes_out += end.bytes_out
            if stay.subject is not None:
                state.fetched(stay.subject, end.bytes_out, time)
                self._changed[state.name, stay.subject] = None

    def wait(self, time: int) -> tuple[Window, ...]:
        """The windows that time alone opened or changed until `time`."""
        self._pass(time)
        return self._told()

    def answer(self, answer: Answer) -> None:
        """Takes in what somebody said about a window. What is not the owner's stays that for good."""
        self._pass(answer.time)
        state = self._known(answer.account)
        window = (
            next((one for one in state.windows if one.subject == answer.subject), None) if state else None
        )
        if state is None or window is None or window.verdict == "not_mine":
            return
        self.touched.add(state.name)
        taught = window.verdict == "yours"
        if answer.verdict == "not_mine":
            if taught:
                self._take_back(state, window, answer.time)
            window.verdict, window.until = answer.verdict, None
            return
        window.verdict, window.until = answer.verdict, answer.until
        pupil = self._pupil(state, answer.time)
        if not taught:
            known = self._habits(state, answer.time).families
            window.taught = sorted({one.family for one in window.lessons if one.family} - known.keys())
        for lesson in window.lessons:
            learn_lesson(pupil, lesson, answer.time)
        if answer.until is not None:
            self._later(answer.until, state.name, None)

    def note(self, account: str, time: int, words: str) -> None:
        """Something was made or changed at an account: a rule, a grant, a new password."""
        state = self.accounts.get(account) or self._state(account)
        if (time, words) not in state.occasions:
            state.occasions = sorted((*state.occasions, (time, words)))[-20:]
            self.touched.add(account)

    def leaves(self, account: str, time: int) -> None:
        """The account's owner has left the organisation."""
        state = self.accounts.get(account) or self._state(account)
        state.departed = time

    def rename(self, name: str, key: str) -> None:
        """What was known by a name is known by a key, unless that has habits of its own."""
        if name == key or name not in self.accounts or key in self.accounts:
            return
        state = self.accounts[key] = self.accounts.pop(name)
        state.name = key
        self.common.due = [
            (at, number, key if one == name else one, of) for at, number, one, of in self.common.due
        ]
        self.touched.add(key)
        self.touched.discard(name)
        self.gone.add(name)

    def windows(self) -> Iterator[Window]:
        """All windows that are known."""
        for name, state in self.accounts.items():
            yield from (shown(name, one) for one in state.windows)

    def saved(self) -> tuple[bytes, dict[str, bytes]]:
        """What is known in common, and of each account that was touched since this was last asked."""
        touched = {name: msgspec.msgpack.encode(self.accounts[name]) for name in sorted(self.touched)}
        self.touched.clear()
        return msgspec.msgpack.encode(self.common), touched

    def load(self, common: bytes, accounts: Iterator[tuple[str, bytes]]) -> None:
        """Goes on from what was saved. Raises msgspec.MsgspecError where it is none of ours."""
        self.common = msgspec.msgpack.decode(common, type=Common)
        self.accounts = {name: _STATE.decode(saved) for name, saved in accounts}

    def _known(self, name: str) -> State | None:
        """What is known of an account, None where it was never used."""
        state = self.accounts.get(name)
        if state is None and self._base is not None and name in self._base.accounts:
            state = self._state(name)
        return state

    def _state(self, name: str) -> State:
        known = self._base.accounts.get(name) if self._base is not None else None
        state = _STATE.decode(msgspec.msgpack.encode(known)) if known is not None else State(name=name)
        self.accounts[name] = state
        return state

    def _refused(self, entry: Entry) -> None:
        """A log-in was refused. Whoever guesses names makes no accounts of them."""
        state = self._known(entry.account)
        if state is not None:
            self.touched.add(entry.account)
            if state.is_told_again(entry):
                return
        self.common.field.tried(entry)

    def _begin(self, entry: Entry, state: State, key: Key, place: Place | None) -> None:
        """A stay begins."""
        time, settings = entry.time, self.settings
        self._close_old(state, time)
        habits = self._habits(state, time)
        weight = habits.weight_at(time, settings.half_life)
        common = self.common
        stay = state.stays[key] = _stay(entry, key, place)
        stay.arrival = not any(
            other is not stay and other.network == stay.network and time - other.last <= settings.pause
            for other in state.stays.values()
        )
        stay.level = level_of(habits, common.crowd, stay, weight)
        if state.watched:
            self._elsewhere(entry, state, stay)
        held = state.suspect(stay.place, stay.network)
        odd = (
            stay.level is not None
            or held is not None
            or state.departed is not None
            or _odd(entry, stay, habits)
        )
        if odd:
            weigh_novelty(stay, habits, common.crowd, state.name, weight)
            if stay.level is not None and sum(stay.novelty.values()) > 3:
                hours = [self._hour(habits, time)]
                if stay.level == "country" and stay.country is not None:
                    hours.append(self._hour_of(time, stay.country))
                weigh_hour(stay, habits, common.crowd, tuple(hours), weight)
                if self._base is None:
                    common.crowd.begin(stay.network or "", state.name, time)
            signs.at_begin(entry, place, stay, state, habits, common.field, common.crowd, self._hours)
            if held is not None:
                self._join(state, stay, held)
            stay.watched = True
            state.watched.append(stay)
            self._judge(state, stay, habits)
            self._later(time + settings.settle, state.name, key)
        stay.fixed = place is not None and not roams(habits, stay.network)
        if stay.fixed and stay.subject is None and stay.level is None:
            state.seen_time, state.seen_place = stay.last, place

    def _more(self, entry: Entry, state: State, stay: Stay) -> None:
        """One more session of a stay that is watched or part of a window."""
        if len(stay.beginnings) < BEGINNINGS:
            stay.beginnings.append(entry.time)
        if len(stay.rows) < ROWS:
            stay.rows.append(entry.row)
        if len(state.watched) > 1:
            self._elsewhere(entry, state, stay)
        if stay.subject is not None:
            grow(state, stay, entry)
            self._changed[state.name, stay.subject] = None

    def _elsewhere(self, entry: Entry, state: State, stay: Stay) -> None:
        """A session comes from `stay` while others of the account are watched."""
        habits, time = state.habits, entry.time
        assert habits is not None
        if stay.subject is not None:
            return
        for other in tuple(state.watched):
            if other is stay or other.place == stay.place or time - other.last > self.settings.pause:
                continue
            other.others += 1
            if _between(stay, other):
                other.between += 1
                if other.far is None and stay.where is not None and other.where is not None:
                    other.far = signs.too_far(stay.where, time, other.where, other.last, self._hours)
                other.elsewhere = stay.name or stay.network
                if other.between <= 2:
                    self._judge(state, other, habits)

    def _judge(self, state: State, stay: Stay, habits: Habits) -> None:
        """Opens a window where the weight is enough, also if the owner should turn out to have moved."""
        if stay.level is not None:
            expected = state.rate(stay.last) * (stay.last - stay.begin) / HOUR
            weight = habits.weight_at(stay.last, self.settings.half_life)
            weigh_elsewhere(stay, habits, self.common.crowd, weight, expected)
        if stay.subject is not None:
            # What shows while the window is open is one more reason for it.
            if add_reasons(state, stay):
                self._changed[state.name, stay.subject] = None
            return
        trial = habits.trials.get(trial_key(stay))
        total = stay.weight + (trial.weight if trial is not None else 0.0)
        may_move = 0 if stay.settled or stay.between or stay.level is None else MAY_MOVE
        if total - may_move >= self.settings.threshold:
            window = belongs(state, stay, self.settings)
            if window is None:
                window = open_window(state, stay, habits, trial)
            self._join(state, stay, window)

    def _join(self, state: State, stay: Stay, window: Opened) -> None:
        """The stay is one of the window's; its values are under suspicion as far as they are no habits."""
        stay.subject = window.subject
        grow(state, stay, None)
        habits = state.habits
        assert habits is not None
        for value, known in ((stay.network, habits.networks), (stay.place, habits.places)):
            if value is not None and value not in known and value not in window.suspects and not stay.own:
                window.suspects.append(value)
        self._changed[state.name, window.subject] = None

    def _pass(self, time: int) -> None:
        """Time goes on to `time`."""
        due = self.common.due
        while due and due[0][0] <= time:
            at, _, account, key = heapq.heappop(due)
            state = self.accounts.get(account) or self._state(account)
            self.touched.add(account)
            if key is None:
                self._end_answers(at, state)
            else:
                self._look_again(at, state, key)

    def _look_again(self, at: int, state: State, key: Key) -> None:
        """Time has passed for a stay that is watched."""
        stay, habits = state.stays.get(key), state.habits
        if stay is None or habits is None or not stay.watched:
            return
        if at - stay.last > self.settings.pause or at - stay.begin >= DAY:
            self._close(state, key, stay)
            return
        if not stay.settled and stay.subject is None and stay.novelty:
            # Others may have come there too meanwhile.
            weight = habits.weight_at(at, self.settings.half_life)
            weigh_novelty(stay, habits, self.common.crowd, state.name, weight)
        stay.settled = True
        signs.later(stay, self.common.crowd, state.name)
        self._judge(state, stay, habits)
        self._later(at + self.settings.settle, state.name, key)

    def _end_answers(self, at: int, state: State) -> None:
        """What somebody called theirs for a time is under suspicion again."""
        for window in state.windows:
            if window.verdict == "yours" and window.until is not None and window.until <= at:
                window.verdict = window.until = None
                self._take_back(state, window, at)
                self._changed[state.name, window.subject] = None

    def _take_back(self, state: State, window: Opened, time: int) -> None:
        """Forgets what somebody's word alone had taught; what was a habit before the window stays one."""
        pupil = self._pupil(state, time)
        for one in window.lessons:
            network = one.network if one.network in window.suspects else None
            place = one.place if one.place in window.suspects else None
            family = one.family if one.family in window.taught else None
            forget_lesson(pupil, replace(one, network=network, place=place, family=family))

    def _later(self, at: int, account: str, key: Key | None) -> None:
        self.common.number += 1
        heapq.heappush(self.common.due, (at, self.common.number, account, key))

    def _close_old(self, state: State, time: int) -> None:
        pause = self.settings.pause
        over = [
            key for key, stay in state.stays.items() if time - stay.last > pause or time - stay.begin >= DAY
        ]
        for key in over:
            self._close(state, key, state.stays[key])

    def _close(self, state: State, key: Key, stay: Stay) -> None:
        """A stay is over: it is learnt, or put on trial, or kept out."""
        habits = state.habits
        assert habits is not None
        if stay.watched:
            stay.settled = True
            signs.later(stay, self.common.crowd, state.name)
            self._judge(state, stay, habits)
            state.watched.remove(stay)
        del state.stays[key]
        if stay.subject is None and self._base is None:
            pupil = self._pupil(state, stay.begin)
            pupil.overlap(stay, state.stays.values())
            pupil.learn(stay, self._hour(habits, stay.begin))

    def _pupil(self, state: State, time: int) -> Pupil:
        # One that looks ahead takes in answers too, and what all have in common is not its own.
        crowd = self.common.crowd if self._base is None else Crowd()
        return Pupil(self._habits(state, time), crowd, self.settings, time)

    def _habits(self, state: State, time: int) -> Habits:
        if state.habits is None:
            state.habits = Habits(since=time, epoch=time)
            if self._base is None:
                self.common.crowd.accounts += 1
        return state.habits

    def _hour(self, habits: Habits, time: int) -> int:
        country = max(habits.countries, key=lambda one: habits.countries[one].count, default=None)
        return self._hour_of(time, country)

    def _told(self) -> tuple[Window, ...]:
        if not self._changed:
            return ()
        told = tuple(
            shown(account, one)
            for account, subject in self._changed
            for one in self.accounts[account].windows
            if one.subject == subject
        )
        self._changed.clear()
        return told


#: Decibans that a stay may still lose while it lasts less than `Settings.settle`: its owner may have gone there.
MAY_MOVE = 8


def trial_key(stay: Stay) -> str:
    """What is on trial: a network, or that there are new places in one that is known."""
    return f"in {stay.network}" if stay.level == "place" else f"{stay.network}"


def _copied(common: Common) -> Common:
    """What one that looks ahead may change: not what was learnt."""
    own = msgspec.msgpack.decode(
        msgspec.msgpack.encode((common.field, common.due)), type=tuple[signs.Field, list[Due]]
    )
    return Common(crowd=common.crowd, field=own[0], due=own[1], number=common.number)


def _stay(entry: Entry, key: Key, place: Place | None) -> Stay:
    stay = Stay(
        begin=entry.time, last=entry.time, place=key[1], network=None, country=None,
        family=entry.family, protocol=entry.protocol, address=entry.address, session=identity_of(entry), sessions=1,
        rows=[entry.row], beginnings=[entry.time],
    )  # fmt: skip
    if place is not None:
        stay.where = place
        stay.network, stay.country, stay.name = network_of(place), place.country, place.network
        stay.hosting, stay.own = place.hosting, place.address_class in {"own", "private"}
    return stay


def _odd(entry: Entry, stay: Stay, habits: Habits) -> bool:
    """Whether anything but the place is new, or may be."""
    return (
        (stay.family is not None and stay.family not in habits.families)
        or stay.protocol not in habits.protocols
        or entry.token is not None
        or entry.method == signs.DEVICE_CODE_METHOD
    )


def _between(stay: Stay, other: Stay) -> bool:
    """Whether a session of `stay` shows that the account is elsewhere too while `other` lasts: it was there before and is
    there now, and nobody comes and goes so quickly. A carrier's network goes with its owner.
    """
    if stay.begin >= other.begin or stay.place is None or other.place is None or not stay.fixed:
        return False
    if other.level == "place":
        # The two kinds of addresses that one line has say nothing.
        return stay.network == other.network and (":" in stay.place) == (":" in other.place)
    return stay.level is None
