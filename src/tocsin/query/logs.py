"""Log records: pages with cursors, counts over time, the commonest values of fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tocsin.model.answers import Facet, FacetValue, HistogramBucket, LogHistogram, LogPage
from tocsin.query.cursor import read_cursor, write_cursor
from tocsin.query.fields import LOG_FIELDS, LOG_SCOPES, field_named, fields_predicate, log_meaning, parse_log_query
from tocsin.query.period import checked_limit
from tocsin.query.reading import Reading
from tocsin.store.plan import And, Field, Predicate
from tocsin.store.read_logs import Order, log_extent, log_facet, log_histogram, log_keys, log_records_at, log_times
from tocsin.store.read_range import Within
from tocsin.store.read_records import LOG_RECORD_WIDTH, log_record
from tocsin.store.render import LOGS, Vocabulary
from tocsin.store.sql import ParameterNames

RECORDS_MAX = 10_000
BUCKETS_MAX = 2_000
FACETS_MAX = 50
DEFAULT_FACETS = ("service", "severity")
COMMON_KEYS = 10
# Widths that people read: 1, 2, 5 of a decimal unit below a second, then clock units.
STEPS_NS = [
    *(factor * int(10**power) for power in range(9) for factor in (1, 2, 5)),
    *(
        seconds * 10**9
        for seconds in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 604_800)
    ),
]
WEEK_NS = 604_800 * 10**9


class LogSearch:
    """Questions about log records."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    def page(
        self,
        query: str,
        within: Within,
        *,
        limit: int,
        order: Order,
        cursor: str | None,
        fields: Mapping[str, object],
    ) -> LogPage:
        """
        One page of records.

        The cursor names the last record by time and content, so that records arriving meanwhile neither shift nor repeat any.
        """
        limit = checked_limit(limit, most=RECORDS_MAX)
        predicate = log_predicate(query, fields)
        kind = f"logs/{order}"
        place = _Place(*read_cursor(cursor, kind, (int, int, int, int))) if cursor else None  # type: ignore[arg-type]
        vocabulary = self._reading.vocabulary(predicate, LOGS)
        rows, more = self._rows(predicate, vocabulary, within, place, order, limit)
        records = [log_record(row[:LOG_RECORD_WIDTH]) for row in rows[:limit]]
        more = more or len(rows) > limit
        next_cursor = write_cursor(kind, _after(rows[:limit], place).parts()) if more and records else None
        return LogPage(records, next_cursor)

    def histogram(self, query: str, within: Within, *, buckets: int) -> LogHistogram:
        """Counts over time in at most `buckets` equal buckets (two more where the range does not start on a bucket's edge)."""
        buckets = checked_limit(buckets, most=BUCKETS_MAX, name="buckets")
        predicate = log_predicate(query, {})
        vocabulary = self._reading.vocabulary(predicate, LOGS)
        closed = self._closed(predicate, vocabulary, within)
        if closed is None:
            return LogHistogram(step_ns=0, buckets=[])
        start, end = closed
        step_ns = step_for(end - start, buckets)
        start = start // step_ns * step_ns
        names = ParameterNames()
        condition = self._reading.condition(predicate, LOGS, vocabulary, names)
        rows = self._reading.rows(log_histogram(condition, Within(within.start, end), start=start, step_ns=step_ns, names=names))
        counts = {number: (count, errors) for number, count, errors in rows}
        numbers = range(max(1, -(-(end - start) // step_ns)))
        return LogHistogram(step_ns, [HistogramBucket(start + number * step_ns, *counts.get(number, (0, 0))) for number in numbers])

    def facets(self, query: str, within: Within, *, fields: Sequence[str], limit: int) -> list[Facet]:
        """The commonest values of each field; without fields, of service, severity and the commonest attribute keys."""
        limit = checked_limit(limit, most=1_000)
        predicate = log_predicate(query, {})
        vocabulary = self._reading.vocabulary(predicate, LOGS)
        if fields:
            checked_limit(len(fields), most=FACETS_MAX, name="number of fields")
            asked = list(fields)
        else:
            asked = [*DEFAULT_FACETS, *self._common_keys(predicate, vocabulary, within)]
        return [self._facet(name, predicate, vocabulary, within, limit) for name in asked]

    def _rows(
        self, predicate: Predicate, vocabulary: Vocabulary, within: Within, place: _Place | None, order: Order, limit: int
    ) -> tuple[list[list[Any]], bool]:
        """Up to `limit` + 1 rows after the place, and whether there are certainly more than that."""
        ahead = limit + 1
        while True:
            times = self._times(predicate, vocabulary, within, place, order, ahead)
            if not times:
                return [], False
            rows = self._records(predicate, vocabulary, times, place, order, limit)
            if len(rows) > limit or len(times) < ahead:
                return rows, False
            # Records arrived among those already passed, at the same instant: look further ahead.
            ahead *= 4

    def _times(
        self, predicate: Predicate, vocabulary: Vocabulary, within: Within, place: _Place | None, order: Order, ahead: int
    ) -> list[int]:
        names = ParameterNames()
        condition = self._reading.condition(predicate, LOGS, vocabulary, names)
        if place is not None and order == "newest":
            within = Within(within.start, place.time + 1)
        elif place is not None:
            within = Within(place.time, within.end)
        passed = place.passed if place else 0
        statement = log_times(condition, within, order=order, limit=ahead, offset=passed, names=names)
        return [row[0] for row in self._reading.rows(statement)]

    def _records(
        self, predicate: Predicate, vocabulary: Vocabulary, times: list[int], place: _Place | None, order: Order, limit: int
    ) -> list[list[Any]]:
        names = ParameterNames()
        condition = self._reading.condition(predicate, LOGS, vocabulary, names)
        after = (place.time, place.digest) if place else None
        equal = place.equal if place else 0
        statement = log_records_at(condition, sorted(set(times)), after=after, order=order, limit=limit + 1 + equal, names=names)
        rows = self._reading.rows(statement)
        passed = sum((row[0], row[LOG_RECORD_WIDTH]) == after for row in rows[:equal])
        return rows[passed:][: limit + 1]

    def _closed(self, predicate: Predicate, vocabulary: Vocabulary, within: Within) -> tuple[int, int] | None:
        """The range with its open ends set to the first and last matching record; None when an end is open and nothing matches."""
        if within.start is not None and within.end is not None:
            return within.start, max(within.end, within.start + 1)
        names = ParameterNames()
        condition = self._reading.condition(predicate, LOGS, vocabulary, names)
        first, last, count = self._reading.rows(log_extent(condition, within, names))[0]
        if not count:
            return None
        return first if within.start is None else within.start, last + 1 if within.end is None else within.end

    def _common_keys(self, predicate: Predicate, vocabulary: Vocabulary, within: Within) -> list[str]:
        names = ParameterNames()
        condition = self._reading.condition(predicate, LOGS, vocabulary, names)
        return [row[0] for row in self._reading.rows(log_keys(condition, within, limit=COMMON_KEYS, names=names))]

    def _facet(self, name: str, predicate: Predicate, vocabulary: Vocabulary, within: Within, limit: int) -> Facet:
        names = ParameterNames()
        condition = self._reading.condition(predicate, LOGS, vocabulary, names)
        rows = self._reading.rows(log_facet(facet_field(name), condition, within, limit=limit, names=names))
        return Facet(name, [FacetValue(value, count) for value, count in rows])


def log_predicate(query: str, fields: Mapping[str, object]) -> Predicate:
    """A query and exact fields together."""
    parsed = parse_log_query(query)
    return And((parsed, fields_predicate(fields, log_meaning))) if fields else parsed


def facet_field(name: str) -> Field:
    """The field whose values a facet counts."""
    return field_named(name, LOG_FIELDS, LOG_SCOPES)[0]


def step_for(duration_ns: int, buckets: int) -> int:
    """The smallest readable width that covers a duration in at most `buckets` steps, nanoseconds."""
    needed = -(-duration_ns // buckets)
    for step in STEPS_NS:
        if step >= needed:
            return step
    return -(-needed // WEEK_NS) * WEEK_NS


@dataclass(frozen=True, slots=True)
class _Place:
    """
    Where a page ended.

    Args:
        time, digest: Time and hash of the last record.
        equal: Records passed that have this time and this hash.
        passed: Records passed that have this time.
    """

    time: int
    digest: int
    equal: int
    passed: int

    def parts(self) -> tuple[int, int, int, int]:
        return self.time, self.digest, self.equal, self.passed


def _after(rows: Sequence[Sequence[Any]], before: _Place | None) -> _Place:
    """The place after these rows."""
    time, digest = rows[-1][0], rows[-1][LOG_RECORD_WIDTH]
    same_time = [row for row in rows if row[0] == time]
    equal, passed = sum(row[LOG_RECORD_WIDTH] == digest for row in same_time), len(same_time)
    if before is not None and before.time == time:
        passed += before.passed
        equal += before.equal if before.digest == digest else 0
    return _Place(time, digest, equal, passed)
