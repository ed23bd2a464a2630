"""
The whole story of an id: what carries it, and everything of the traces that what carries it belongs to, logs and spans in time order.
"""

from __future__ import annotations

from typing import Any

from tocsin.errors import InvalidInput
from tocsin.model.answers import Story, StoryEntry
from tocsin.query.period import checked_limit
from tocsin.query.reading import Reading
from tocsin.store.read_correlate import SAME_TRACE, carrying_logs, carrying_spans, resources_with, trace_logs, trace_spans_of
from tocsin.store.read_range import Within
from tocsin.store.read_records import LOG_RECORD_WIDTH, SPAN_WIDTH, log_record, span
from tocsin.store.sql import ParameterNames

ENTRIES_MAX = 10_000
TRACES_MAX = 200  # traces followed; an id that sits in more of them is no request's id
ID_CHARACTERS_MAX = 500


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
        carrying, truncated = self._carrying(wanted, within, limit)
        trace_ids = list(dict.fromkeys(trace_id for entry in carrying if (trace_id := _trace_id(entry))))
        followed = trace_ids[:TRACES_MAX]
        related, cut = self._related(followed, within, limit) if followed else ([], False)
        entries = _merged(carrying, related)
        truncated = truncated or cut or len(entries) > limit or len(trace_ids) > len(followed)
        return Story(identifier, entries[:limit], followed, truncated)

    def _carrying(self, identifier: str, within: Within, limit: int) -> tuple[list[StoryEntry], bool]:
        names = ParameterNames()
        resources: dict[str, list[str]] = {"logs": [], "traces": []}
        for signal, resource in self._reading.rows(resources_with(identifier, names)):
            resources[signal].append(resource)
        logs = self._rows(carrying_logs(identifier, within, resources=resources["logs"], limit=limit + 1, names=ParameterNames()))
        spans = self._rows(carrying_spans(identifier, within, resources=resources["traces"], limit=limit + 1, names=ParameterNames()))
        entries = [_log_entry(row, row[LOG_RECORD_WIDTH]) for row in logs] + [_span_entry(row, row[SPAN_WIDTH]) for row in spans]
        return entries, len(logs) > limit or len(spans) > limit

    def _related(self, trace_ids: list[str], within: Within, limit: int) -> tuple[list[StoryEntry], bool]:
        logs = self._rows(trace_logs(trace_ids, within, limit=limit + 1, names=ParameterNames()))
        spans = self._rows(trace_spans_of(trace_ids, within, limit=limit + 1, names=ParameterNames()))
        entries = [_log_entry(row, SAME_TRACE) for row in logs] + [_span_entry(row, SAME_TRACE) for row in spans]
        return entries, len(logs) > limit or len(spans) > limit

    def _rows(self, statement: Any) -> list[list[Any]]:
        return self._reading.rows(statement)


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


def _span_entry(row: list[Any], matched: str) -> StoryEntry:
    found = span(row[:SPAN_WIDTH])
    return StoryEntry(found.start, found.service, matched, span=found)
