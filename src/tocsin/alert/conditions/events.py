"""
Conditions over events: how many spans or log records matched in the last minutes, or what share of others, beyond a threshold?

    logs   service:checkout level:error   over 5m   above 20                       37 log records matched in 5 min: more than 20
    spans  error:true  of  kind:server    over 10m  above 5 %    by service        one alert for each service

An instant is one statement. A stretch of the past is one statement per day of it, in buckets that every window is made of.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from math import gcd

from tocsin.alert.conditions.thresholds import held
from tocsin.alert.definition import Condition, Element, EventsCompare, Vector
from tocsin.errors import LimitExceeded
from tocsin.model.instant import NANOSECONDS, Instant
from tocsin.model.labels import Labels
from tocsin.model.telemetry import SPAN_KINDS, SPAN_STATUSES
from tocsin.query.fields import LOG_FIELDS, LOG_SCOPES, SPAN_FIELDS, SPAN_SCOPES, field_named
from tocsin.query.reading import Reading
from tocsin.slo.words import count_words, duration_words, percent_words
from tocsin.store.plan import Field, Scope
from tocsin.store.read_event_counts import EventBuckets, event_counts
from tocsin.store.render import LOGS, SPANS
from tocsin.store.sql import ParameterNames

GROUPS_MAX = 500  # combinations of values that `by` may split a condition into
BUCKETS_MAX = 20_000  # in one statement
CHUNK_S = 86_400  # of the past, per statement
NAMED: dict[str, tuple[str, ...]] = {"kind": SPAN_KINDS, "status": SPAN_STATUSES}
NOUNS = {"spans": "spans", "logs": "log records"}
Values = tuple[str, ...]


def fields_of(condition: EventsCompare) -> list[Field]:
    """What splits a condition, as the tables know it."""
    intrinsics, scopes = (LOG_FIELDS, LOG_SCOPES) if condition.signal == "logs" else (SPAN_FIELDS, SPAN_SCOPES)
    return [field_named(name, intrinsics, scopes)[0] for name in condition.by]


def label_of(attribute: str) -> str:
    """The label that an attribute becomes: `service` for `service.name`, `http_route` for `http.route`."""
    if attribute in {"service", "service.name"}:
        return "service"
    text = "".join(character if character.isascii() and character.isalnum() else "_" for character in attribute)
    return f"_{text}" if text[:1].isdigit() else text


@dataclass(slots=True)
class _Counts:
    """Of one combination of values: buckets in order, and running sums of both counts before each, one more than buckets."""

    buckets: list[int] = field(default_factory=list)
    counted: list[float] = field(default_factory=list)
    of: list[float] = field(default_factory=list)

    def between(self, first: int, last: int) -> tuple[float, float]:
        """Both counts of the buckets from `first` to before `last`."""
        low, high = bisect_left(self.buckets, first), bisect_left(self.buckets, last)
        return self.counted[high] - self.counted[low], self.of[high] - self.of[low]


class EventsEvaluator:
    """
    Answers `EventsCompare`. Safe to use from several threads.

    Args:
        reading: Asks the store.
    """

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    def at(self, condition: Condition, at: Instant) -> Vector:
        """
        What holds for the events of the window before an instant, which is left out.

        Raises:
            LimitExceeded: `by` has too many values.
            TocsinError: The store can't be asked now.
        """
        assert isinstance(condition, EventsCompare)
        window_ns = condition.window_s * NANOSECONDS
        counts = self._counts(condition, EventBuckets(at - window_ns, window_ns, 1))
        return _elements(condition, counts, 0, 1)

    def over(self, condition: Condition, times: Sequence[Instant]) -> Sequence[Vector]:
        """The same at each of many instants."""
        assert isinstance(condition, EventsCompare)
        window_ns = condition.window_s * NANOSECONDS
        steps = {later - earlier for earlier, later in pairwise(times)}
        step_ns = gcd(window_ns, *steps) if steps else window_ns
        if not steps or min(steps) <= 0 or (window_ns + max(steps)) // step_ns > BUCKETS_MAX:
            return [self.at(condition, at) for at in times]
        found: list[Vector] = []
        for chunk in _chunks(times, min(CHUNK_S * NANOSECONDS, BUCKETS_MAX * step_ns - window_ns)):
            start = chunk[0] - window_ns
            counts = self._counts(condition, EventBuckets(start, step_ns, (chunk[-1] - start) // step_ns))
            for at in chunk:
                last = (at - start) // step_ns
                found.append(_elements(condition, counts, last - window_ns // step_ns, last))
        return found

    def _counts(self, condition: EventsCompare, buckets: EventBuckets) -> dict[Values, _Counts]:
        """Counts by values; without `by` there is always one, of nothing if need be."""
        table = LOGS if condition.signal == "logs" else SPANS
        by = fields_of(condition)
        of = condition.of_predicate if condition.of_query else None
        names = ParameterNames()
        rows = self._reading.rows(event_counts(table, condition.predicate, of, by, buckets, limit=GROUPS_MAX + 1, names=names))
        grouped: dict[Values, list[tuple[int, float, float]]] = defaultdict(list)
        for bucket, *values, counted, compared in rows:
            named = tuple(_named(one, str(value)) for one, value in zip(by, values, strict=True))
            grouped[named].append((int(bucket), float(counted), float(compared)))
        if len(grouped) > GROUPS_MAX:
            raise LimitExceeded(
                f"the events of {condition.query!r} have more than {GROUPS_MAX} values of {', '.join(condition.by)}: one alert for each "
                "would drown everybody; narrow the query, or split it by fewer attributes"
            )
        if not by:
            grouped.setdefault((), [])
        return {values: _running(found) for values, found in grouped.items()}


def _chunks(times: Sequence[Instant], length_ns: int) -> Iterator[list[Instant]]:
    chunk: list[Instant] = []
    for at in times:
        if chunk and at - chunk[0] > length_ns:
            yield chunk
            chunk = []
        chunk.append(at)
    if chunk:
        yield chunk


def _running(found: Sequence[tuple[int, float, float]]) -> _Counts:
    return _Counts(
        [bucket for bucket, _, _ in found],
        list(accumulate((counted for _, counted, _ in found), initial=0.0)),
        list(accumulate((of for _, _, of in found), initial=0.0)),
    )


def _named(asked: Field, value: str) -> str:
    """Kinds and statuses by their names."""
    words = NAMED.get(asked.name) if asked.scope is Scope.INTRINSIC else None
    return words[int(value)] if words and value.isdecimal() and int(value) < len(words) else value


def _elements(condition: EventsCompare, counts: dict[Values, _Counts], first: int, last: int) -> Vector:
    found = []
    for values, known in sorted(counts.items()):
        counted, of = known.between(first, last)
        if condition.by and counted == 0 and of == 0:
            continue
        if condition.of_query and (of <= 0 or of < condition.total_min):
            continue
        value = counted / of if condition.of_query else counted
        if held(value, condition.comparison, condition.threshold):
            labels = Labels({label_of(name): text for name, text in zip(condition.by, values, strict=True)})
            found.append(Element(labels, value, _note(condition, counted, of)))
    return found


def _note(condition: EventsCompare, counted: float, of: float) -> str:
    noun, lasted = NOUNS[condition.signal], duration_words(condition.window_s)
    sign, threshold = condition.comparison.value, condition.threshold
    matched = f"matched {condition.query!r}" if condition.query else "were there"
    if condition.of_query:
        share = f"{count_words(counted)} of {count_words(of)} {noun} {matched} in {lasted}: {percent_words(counted / of)}"
        return f"{share}, {sign} {percent_words(threshold)}"
    return f"{count_words(counted)} {noun} {matched} in {lasted}, {sign} {count_words(threshold)}"
