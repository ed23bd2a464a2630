"""Which silences match an alert, without holding every alert against every silence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import re2

from tocsin.alert.dispatch.kept import Kept
from tocsin.model.alert import ALERT_NAME, Silence
from tocsin.model.instant import Instant
from tocsin.model.labels import Labels
from tocsin.model.series import Matcher, MatchOperator

_REMEMBERED_MAX = 100_000  # values of labels whose candidates are remembered
_PATTERNS_PER_SET = 50  # few enough for the machine of a set to fit into its memory, whatever the patterns are
_SET_BYTES_MAX = 32 << 20
_SURROGATES = re.compile("[\ud800-\udfff]")


class SilenceIndex:
    """
    Silences, found by one matcher each: those that ask for a value by a look-up, the others by the name of their label.

    Alerts remember what matches them until the silences change.
    """

    def __init__(self) -> None:
        self._version = 0
        self._by_value: dict[tuple[str, str], list[Silence]] = {}
        self._by_name: dict[str, _Choice] = {}
        self._candidates: dict[tuple[str, str], tuple[Silence, ...]] = {}

    def replace(self, silences: Iterable[Silence]) -> None:
        """Take other silences in place of those before."""
        self._version += 1
        self._by_value, self._by_name, self._candidates = {}, {}, {}
        by_name: dict[str, list[tuple[Matcher, Silence]]] = {}
        for silence in silences:
            key = min(silence.matchers, key=_effort, default=None)
            if key is None:
                continue  # a silence without matchers silences nothing
            if _asks_for_value(key):
                self._by_value.setdefault((key.name, key.value), []).append(silence)
            else:
                by_name.setdefault(key.name, []).append((key, silence))
        self._by_name = {name: _Choice(pairs) for name, pairs in by_name.items()}

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
        for name, choice in self._by_name.items():
            found += self._candidates_of(name, labels.get(name), choice)
        return tuple(silence for silence in found if silence.matches(labels))

    def _candidates_of(self, name: str, value: str, choice: _Choice) -> tuple[Silence, ...]:
        found = self._candidates.get((name, value))
        if found is None:
            found = choice.of(value)
            if len(self._candidates) < _REMEMBERED_MAX:
                self._candidates[name, value] = found
        return found


class _Choice:
    """
    Silences by one label's value: many regular expressions are matched in one walk over the value.

    One by one, five hundred of them against fifty thousand values took two minutes.
    """

    def __init__(self, pairs: Sequence[tuple[Matcher, Silence]]) -> None:
        self._others: list[tuple[Matcher, Silence]] = []
        self._sets: list[tuple[re2.Set, list[Silence]]] = []
        for matcher, silence in pairs:
            if matcher.operator is not MatchOperator.REGEX or not self._add(matcher.value, silence):
                self._others.append((matcher, silence))
        for patterns, _ in self._sets:
            patterns.Compile()

    def of(self, value: str) -> tuple[Silence, ...]:
        """Those whose matchers match a value."""
        found = [silence for matcher, silence in self._others if matcher.matches(value)]
        text = _SURROGATES.sub("\ufffd", value)
        for patterns, silences in self._sets:
            found += [silences[number] for number in patterns.Match(text) or ()]
        return tuple(found)

    def _add(self, pattern: str, silence: Silence) -> bool:
        if not self._sets or len(self._sets[-1][1]) == _PATTERNS_PER_SET:
            options = re2.Options()
            options.log_errors = False
            options.dot_nl = True
            options.max_mem = _SET_BYTES_MAX
            self._sets.append((re2.Set.FullMatchSet(options), []))
        patterns, silences = self._sets[-1]
        try:
            patterns.Add(pattern)
        except (re2.error, UnicodeEncodeError):
            return False
        silences.append(silence)
        return True


def _asks_for_value(matcher: Matcher) -> bool:
    return matcher.operator is MatchOperator.EQUAL and matcher.value != ""


def _effort(matcher: Matcher) -> int:
    """How little a matcher tells silences apart: least if it asks for a value; names of alerts have few values, so they tell little."""
    if _asks_for_value(matcher):
        return 0
    if matcher.operator is MatchOperator.REGEX:
        return 2 if matcher.name == ALERT_NAME else 1
    return 3
