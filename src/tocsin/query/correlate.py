"""
The whole story of an id: what carries it, and everything of the traces that what carries it belongs to, logs and spans in time order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from tocsin.errors import InvalidInput
from tocsin.model.answers import Story, StoryEntry
from tocsin.query.period import checked_limit
from tocsin.query.reading import Reading
from tocsin.store.read_correlate import SAME_TRACE, carrying_logs, carrying_spans, resources_with, trace_logs, trace_spans_of
from tocsin.store.read_range import Within
from tocsin.store.read_records import LOG_RECORD_WIDTH, log_record, span
from tocsin.store.read_traces import trace_place
from tocsin.store.sql import ParameterNames

ENTRIES_MAX = 10_000
TRACES_MAX = 200  # traces followed; an id that sits in more of them is no request's id
ID_CHARACTERS_MAX = 500


SpanIdentity: TypeAlias = "tuple[str, str, int]"  # trace id, span id, start


@dataclass(frozen=True, slots=True)
class _Carrying:
    """Log records that carry an id, and why spans do, by span."""

    logs: list[StoryEntry]
    spans: dict[SpanIdentity, str]
    truncated: bool


class Correlation:
    """Answers what belongs to an id."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    def story(self, identifier: str, within: Within, *, limit: int) -> Story:
        """
        Everything that carries the id or shares a trace with what carries it, oldest first.

        Raises:
            InvalidInput: The id is empty or too long.
        """
        limit = checked_limit(limit, most=ENTRIES_MAX)
        wanted = identifier.strip()
        if not wanted or len(wanted) > ID_CHARACTERS_MAX:
            raise InvalidInput(
                f"an id has between 1 and {ID_CHARACTERS_MAX} characters, found {len(wanted)}; pass a request id or a trace id"
            )
        found = self._carrying(wanted, within, limit)
        named = [*(trace_id for trace_id, _, _ in found.spans), *(_trace_id(entry) for entry in found.logs)]
        trace_ids = [trace_id for trace_id in dict.fromkeys(named) if trace_id]
        followed = trace_ids[:TRACES_MAX]
        related, cut = self._related(followed, found.spans, within, limit) if followed else ([], False)
        entries = _merged(found.logs, related)
        truncated = found.truncated or cut or len(entries) > limit or len(trace_ids) > TRACES_MAX
        return Story(identifier, entries[:limit], followed, truncated)

    def _carrying(self, identifier: str, within: Within, limit: int) -> _Carrying:
        resources: dict[str, list[str]] = {"logs": [], "traces": []}
        for signal, resource in self._reading.rows(resources_with(identifier, ParameterNames())):
            resources[signal].append(resource)
        logs, spans = self._reading.rows_of_both(
            carrying_logs(identifier, within, resources=resources["logs"], limit=limit + 1, names=ParameterNames()),
            carrying_spans(identifier, within, resources=resources["traces"], limit=limit + 1, names=ParameterNames()),
        )
        return _Carrying(
            logs=[_log_entry(row, row[LOG_RECORD_WIDTH]) for row in logs],
            spans={(trace_id, span_id, start): reason for trace_id, span_id, start, reason in spans},
            truncated=len(logs) > limit or len(spans) > limit,
        )

    def _related(
        self, trace_ids: list[str], reasons: Mapping[SpanIdentity, str], within: Within, limit: int
    ) -> tuple[list[StoryEntry], bool]:
        asked_logs = trace_logs(trace_ids, within, limit=limit + 1, names=ParameterNames())
        place = self._place(trace_ids, within)
        if place is None:
            logs = self._reading.rows(asked_logs)
            spans: list[list[Any]] = []
        else:
            asked_spans = trace_spans_of(trace_ids, place, limit=limit + 1, names=ParameterNames())
            logs, spans = self._reading.rows_of_both(asked_logs, asked_spans)
        entries = [_log_entry(row, SAME_TRACE) for row in logs]
        for found in (span(row) for row in spans):
            matched = reasons.get((found.trace_id, found.span_id, found.start), SAME_TRACE)
            entries.append(StoryEntry(found.start, found.service, matched, span=found))
        return entries, len(logs) > limit or len(spans) > limit

    def _place(self, trace_ids: list[str], within: Within) -> Within | None:
        """Where in the range the spans of these traces lie; None when there are none."""
        first, last, spans = self._reading.rows(trace_place(trace_ids, ParameterNames()))[0]
        start = first if within.start is None else max(first, within.start)
        end = last + 1 if within.end is None else min(last + 1, within.end)
        return Within(start, end) if spans and start < end else None


def _merged(carrying: list[StoryEntry], related: list[StoryEntry]) -> list[StoryEntry]:
    """Both lists in time order; what carries the id itself is not told twice."""
    known = {_identity(entry) for entry in carrying}
    return sorted([*carrying, *(entry for entry in related if _identity(entry) not in known)], key=_order)


def _order(entry: StoryEntry) -> tuple[int, int]:
    """By time; a span before the logs written at the instant it began."""
    return entry.time, 0 if entry.span else 1


def _identity(entry: StoryEntry) -> tuple[Any, ...]:
    if entry.span is not None:
        return "span", entry.span.trace_id, entry.span.span_id, entry.time, entry.span.name, entry.service
    assert entry.log is not None, "an entry is a log record or a span"
    return "log", entry.time, entry.service, repr(entry.log.body), entry.log.span_id, repr(entry.log.attributes)


def _trace_id(entry: StoryEntry) -> str:
    return entry.span.trace_id if entry.span else entry.log.trace_id if entry.log else ""


def _log_entry(row: list[Any], matched: str) -> StoryEntry:
    record = log_record(row[:LOG_RECORD_WIDTH])
    return StoryEntry(record.time, record.service, matched, log=record)
