"""
Traces: finding them by what one of their spans is like, and reading one whole.

All conditions of a search hold for one and the same span. The list is in the order of that span: of its start for `newest`, of its duration
for `slowest` (usually the root's; with `service:payments`, the longest one in payments).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tocsin.errors import InvalidInput, LimitExceeded, NotFound
from tocsin.model.answers import Trace, TracePage, TraceSummary
from tocsin.model.instant import parse_duration_ns
from tocsin.query.cursor import read_cursor, write_cursor
from tocsin.query.fields import parse_span_query
from tocsin.query.intrinsic import FAILED
from tocsin.query.period import checked_limit
from tocsin.query.reading import Reading
from tocsin.query.trace_tree import build_trace
from tocsin.store.plan import And, Compare, Equals, Field, Not, Predicate, Scope
from tocsin.store.read_range import Within
from tocsin.store.read_records import span
from tocsin.store.read_traces import Rank, newest_traces, slowest_spans, trace_place, trace_spans, trace_summaries
from tocsin.store.render import NEVER, SPANS, Vocabulary
from tocsin.store.sql import ParameterNames, Sql

TRACES_MAX = 1_000
SPANS_MAX = 100_000  # of one trace; more would not fit a screen, and hardly memory
SPANS_PER_TRACE_GUESS = 8  # how many of the longest spans are read for each trace that is wanted


@dataclass(frozen=True, slots=True)
class TraceConditions:
    """What a caller may ask of a trace beside the query; None asks nothing. Durations as `250ms`."""

    service: str | None = None
    operation: str | None = None
    errors: bool | None = None
    min_duration: str | None = None
    max_duration: str | None = None


class TraceSearch:
    """Questions about traces."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    def trace(self, trace_id: str) -> Trace:
        """
        One trace as a tree.

        Raises:
            InvalidInput: The id is no trace id.
            LimitExceeded: The trace has too many spans to be shown.
            NotFound: No span of it is stored.
        """
        wanted = read_trace_id(trace_id)
        place = self._place([wanted])
        if place is None:
            raise NotFound(f"no span of trace {wanted} is stored; it may have expired, or not have arrived yet")
        names = ParameterNames()
        rows = self._reading.rows(trace_spans(wanted, place, limit=SPANS_MAX + 1, names=names))
        if not rows:
            raise NotFound(f"no span of trace {wanted} is stored any more; only its entry in the index is left")
        if len(rows) > SPANS_MAX:
            raise LimitExceeded(f"trace {wanted} has more than {SPANS_MAX} spans; ask for parts of it by SQL")
        return build_trace(wanted, [span(row) for row in rows])

    def page(self, query: str, conditions: TraceConditions, within: Within, *, order: Rank, limit: int, cursor: str | None) -> TracePage:
        """One page of traces that have a matching span."""
        limit = checked_limit(limit, most=TRACES_MAX)
        predicate = And((parse_span_query(query), *_predicates(conditions)))
        kind = f"traces/{order}"
        below = origin = _below(cursor, kind)
        vocabulary = self._reading.vocabulary(predicate, SPANS)
        found: list[tuple[int, TraceSummary]] = []
        exhausted = False
        while len(found) <= limit and not exhausted:
            candidates, lowest, exhausted = self._candidates(predicate, vocabulary, within, order, below, limit + 1 - len(found))
            if origin is None:
                # The walk began at the top: a trace's first mention is its rank, and a later one a repetition.
                shown_before = {summary.trace_id for _, summary in found}
                fresh = {trace_id: rank for trace_id, rank in candidates.items() if trace_id not in shown_before}
                found += [(fresh[summary.trace_id], summary) for _, summary in self._summaries([*fresh], NEVER, within, order)]
            else:
                # A trace that ranks above the place we came from was on an earlier page.
                names = ParameterNames("c")
                condition = self._reading.condition(predicate, SPANS, vocabulary, names)
                ranked = self._summaries([*candidates], condition, within, order)
                found += [(rank, summary) for rank, summary in ranked if below is None or (rank, summary.trace_id) < below]
            found.sort(key=lambda entry: (entry[0], entry[1].trace_id), reverse=True)
            below = lowest or below
        shown = found[:limit]
        more = len(found) > limit
        next_cursor = write_cursor(kind, (shown[-1][0], shown[-1][1].trace_id)) if more else None
        return TracePage([summary for _, summary in shown], next_cursor)

    def _candidates(
        self, predicate: Predicate, vocabulary: Vocabulary, within: Within, order: Rank, below: tuple[int, str] | None, wanted: int
    ) -> tuple[dict[str, int], tuple[int, str] | None, bool]:
        """Traces that rank below a place with their best rank there, the last place looked at, and whether nothing lies below that."""
        names = ParameterNames()
        condition = self._reading.condition(predicate, SPANS, vocabulary, names)
        if order == "newest":
            rows = self._reading.rows(newest_traces(condition, within, below=below, limit=wanted, names=names))
            asked = wanted
        else:
            asked = wanted * SPANS_PER_TRACE_GUESS
            rows = self._reading.rows(slowest_spans(condition, within, below=below, limit=asked, names=names))
        best: dict[str, int] = {}
        for trace_id, rank in rows:
            best.setdefault(trace_id, rank)
        return best, (rows[-1][1], rows[-1][0]) if rows else None, len(rows) < asked

    def _summaries(self, trace_ids: list[str], condition: Sql, within: Within, order: Rank) -> list[tuple[int, TraceSummary]]:
        """Each trace with the rank of its best span that satisfies the condition, placeholders of which begin with `c`."""
        place = self._place(trace_ids) if trace_ids else None
        if place is None:
            return []
        statement = trace_summaries(trace_ids, condition, within, place=place, rank=order, names=ParameterNames())
        return [
            (rank, TraceSummary(trace_id, service, name, start, end - start, spans, errors, services))
            for trace_id, rank, service, name, start, end, spans, errors, services in self._reading.rows(statement)
        ]

    def _place(self, trace_ids: list[str]) -> Within | None:
        """Where in time all spans of these traces start; None when none of them is known."""
        first, last, spans = self._reading.rows(trace_place(trace_ids, ParameterNames()))[0]
        return Within(first, last + 1) if spans else None


def read_trace_id(text: str) -> str:
    """A trace id as 32 lower-case hexadecimal digits; dashes and blanks around it are forgiven."""
    digits = text.strip().replace("-", "").lower()
    if not re.fullmatch("[0-9a-f]{32}", digits):
        raise InvalidInput(f"{text!r} is no trace id: it has 32 hexadecimal digits; `tocsin correlate` finds other ids")
    return digits


def _predicates(conditions: TraceConditions) -> Sequence[Predicate]:
    predicates: list[Predicate] = []
    if conditions.service is not None:
        predicates.append(Equals(Field("service", Scope.INTRINSIC), conditions.service))
    if conditions.operation is not None:
        predicates.append(Equals(Field("name", Scope.INTRINSIC), conditions.operation))
    if conditions.errors is not None:
        predicates.append(FAILED if conditions.errors else Not(FAILED))
    duration = Field("duration", Scope.INTRINSIC)
    if conditions.min_duration is not None:
        predicates.append(Compare(duration, ">=", parse_duration_ns(conditions.min_duration)))
    if conditions.max_duration is not None:
        predicates.append(Compare(duration, "<=", parse_duration_ns(conditions.max_duration)))
    return predicates


def _below(cursor: str | None, kind: str) -> tuple[int, str] | None:
    if cursor is None:
        return None
    rank, trace_id = read_cursor(cursor, kind, (int, str))
    return int(rank), read_trace_id(str(trace_id))
