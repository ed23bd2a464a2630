"""
Statements that find traces, and that read one.

Traces are ranked by their best matching span: the newest, or the longest. The page after a place in that ranking starts from the spans
below it; a trace that also has a matching span above it was on an earlier page, which `trace_summaries` tells by its `rank`.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from tocsin.store.read_range import Within, in_range, instant, where
from tocsin.store.read_records import SPAN_COLUMNS
from tocsin.store.sql import ParameterNames, Sql

Rank: TypeAlias = Literal["newest", "slowest"]


def trace_place(trace_ids: list[str], names: ParameterNames) -> Sql:
    """First and last start of a span of these traces, nanoseconds, and the number of spans: one row."""
    columns = "SELECT toUnixTimestamp64Nano(min(first_ts)), toUnixTimestamp64Nano(max(last_ts)), sum(spans) FROM trace_index WHERE "
    return Sql(columns) + has_trace_id(trace_ids, names)


def trace_spans(trace_id: str, within: Within, *, limit: int, names: ParameterNames) -> Sql:
    """Every span of a trace in order of start, in the columns of SPAN_COLUMNS."""
    return (
        Sql("SELECT ")
        + SPAN_COLUMNS
        + Sql(" FROM spans")
        + where([*in_range(within, names), is_trace_id(trace_id, names)])
        + Sql(" ORDER BY ts, span_id LIMIT ")
        + names.bind("UInt32", limit)
    )


def newest_traces(condition: Sql, within: Within, *, below: tuple[int, str] | None, limit: int, names: ParameterNames) -> Sql:
    """
    Trace id and newest matching start (nanoseconds) of each trace, newest first.

    Args:
        condition: What a span must satisfy.
        within: Where its start must lie.
        below: Place to continue from: only spans that rank lower count.
        limit: Most traces returned.
        names: For placeholders.
    """
    conditions = [*in_range(within, names), condition]
    if below is not None:
        at, trace_id = instant(below[0], names), _fixed(below[1], names)
        conditions += in_range(Within(None, below[0] + 1), names)
        conditions.append(Sql("(ts < ") + at + Sql(" OR trace_id < ") + trace_id + Sql(")"))
    return (
        Sql("SELECT lower(hex(trace_id)), toUnixTimestamp64Nano(ts) FROM spans")
        + where(conditions)
        + Sql(" ORDER BY toStartOfFiveMinutes(ts) DESC, ts DESC, trace_id DESC LIMIT 1 BY trace_id LIMIT ")
        + names.bind("UInt32", limit)
    )


def slowest_spans(condition: Sql, within: Within, *, below: tuple[int, str] | None, limit: int, names: ParameterNames) -> Sql:
    """Trace id and duration (nanoseconds) of matching spans, longest first; a trace comes once for each of its spans."""
    conditions = [*in_range(within, names), condition]
    if below is not None:
        duration = names.bind("UInt64", below[0])
        tie = Sql("duration_ns < ") + duration + Sql(" OR duration_ns = ") + duration + Sql(" AND trace_id < ") + _fixed(below[1], names)
        conditions.append(Sql("(") + tie + Sql(")"))
    return (
        Sql("SELECT lower(hex(trace_id)), duration_ns FROM spans")
        + where(conditions)
        + Sql(" ORDER BY duration_ns DESC, trace_id DESC LIMIT ")
        + names.bind("UInt32", limit)
    )


def trace_summaries(trace_ids: list[str], condition: Sql, within: Within, *, place: Within, rank: Rank, names: ParameterNames) -> Sql:
    """
    One row per trace: id, rank, root service and name, start, end (nanoseconds), spans, failed spans, services.

    Args:
        trace_ids: Hexadecimal.
        condition: What the span that ranks a trace must satisfy.
        within: Where the start of that span must lie.
        place: Where all spans of these traces lie.
        rank: What ranks a trace: the start or the duration of its best matching span.
        names: For placeholders.
    """
    ranked = Sql.join(" AND ", [condition, *in_range(within, names)])
    value = "toUnixTimestamp64Nano(ts)" if rank == "newest" else "toInt64(duration_ns)"
    earliest = "(parent_span_id != toFixedString('', 8), ts, span_id)"
    return (
        Sql(f"SELECT lower(hex(trace_id)), maxIf({value}, ")
        + ranked
        + Sql(f"), argMin(service, {earliest}), argMin(name, {earliest}), toUnixTimestamp64Nano(min(ts)), ")
        + Sql(
            "max(toUnixTimestamp64Nano(ts) + toInt64(duration_ns)), count(), "
            "countIf(status = 2), arraySort(groupUniqArray(service)) FROM spans"
        )
        + where([*in_range(place, names), has_trace_id(trace_ids, names)])
        + Sql(" GROUP BY trace_id")
    )


def is_trace_id(trace_id: str, names: ParameterNames) -> Sql:
    """The condition that a row belongs to one trace, in the form that the bloom index reads."""
    return Sql("trace_id = ") + _fixed(trace_id, names)


def has_trace_id(trace_ids: list[str], names: ParameterNames) -> Sql:
    """
    The condition that a row belongs to one of the traces.

    Several as a sub-select, because index analysis reads a set and no array; a single one plainly, which is planned in half the time.
    """
    if len(trace_ids) == 1:
        return is_trace_id(trace_ids[0], names)
    ids = names.bind("Array(String)", trace_ids)
    return Sql("trace_id IN (SELECT toFixedString(unhex(arrayJoin(") + ids + Sql(")), 16))")


def _fixed(trace_id: str, names: ParameterNames) -> Sql:
    return Sql("toFixedString(unhex(") + names.bind("String", trace_id) + Sql("), 16)")
