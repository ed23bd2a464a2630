"""Which silences match an alert, without holding every alert against every silence."""

from __future__ import annotations

from collections.abc import Iterable

from tocsin.alert.dispatch.kept import Kept
from tocsin.model.alert import ALERT_NAME, Silence
from tocsin.model.instant import Instant
from tocsin.model.labels import Labels
from tocsin.model.series import Matcher, MatchOperator

_REMEMBERED_MAX = 100_000  # values of labels whose candidates are remembered


class SilenceIndex:
    """
    Silences, found by one matcher each: those that ask for a value by a look-up, the others by the name of their label.

    Alerts remember what matches them until the silences change.
    """

    def __init__(self) -> None:
        self._version = 0
        self._by_value: dict[tuple[str, str], list[Silence]] = {}
        self._by_name: dict[str, list[tuple[Matcher, Silence]]] = {}
        self._candidates: dict[tuple[str, str], tuple[Silence, ...]] = {}

    def replace(self, silences: Iterable[Silence]) -> None:
        """Take other silences in place of those before."""
        self._version += 1
        self._by_value, self._by_name, self._candidates = {}, {}, {}
        for silence in silences:
            key = _key(silence)
            if key is None:
                continue  # a silence without matchers silences nothing
            if _asks_for_value(key):
                self._by_value.setdefault((key.name, key.value), []).append(silence)
            else:
                self._by_name.setdefault(key.name, []).append((key, silence))

    def holding(self, kept: Kept, now: Instant) -> tuple[str, ...]:
        """Ids of the silences that hold and match an alert."""
        if kept.silences_version != self._version:
            kept.silences = self._matching(kept.alert.labels)
            kept.silences_version = self._version
        return tuple(silence.id for silence in kept.silences if silence.holds(now)) if kept.silences else ()

    def _matching(self, labels: Labels) -> tuple[Silence, ...]:
        if not self._by_value and not self._by_name:
            return ()
        found = [silence for pair in labels for silence in self._by_value.get(pair, ())]
        for name in self._by_name:
            found += self._candidates_of(name, labels.get(name))
        return tuple(silence for silence in found if silence.matches(labels))

    def _candidates_of(self, name: str, value: str) -> tuple[Silence, ...]:
        found = self._candidates.get((name, value))
        if found is None:
            found = tuple(silence for matcher, silence in self._by_name[name] if matcher.matches(value))
            if len(self._candidates) < _REMEMBERED_MAX:
                self._candidates[name, value] = found
        return found


def _asks_for_value(matcher: Matcher) -> bool:
    return matcher.operator is MatchOperator.EQUAL and matcher.value != ""


def _key(silence: Silence) -> Matcher | None:
    """The matcher that a silence is found by: one that asks for a value, else one on the name, which has the fewest values."""
    return min(silence.matchers, key=lambda matcher: (not _asks_for_value(matcher), matcher.name != ALERT_NAME), default=None)
