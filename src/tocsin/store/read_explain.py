"""Statements behind an explanation: bad requests over time, traces of bad and of good ones, and what those are made of."""

from __future__ import annotations

from tocsin.store.read_range import Within, in_range, where
from tocsin.store.read_traces import has_trace_id
from tocsin.store.sql import ParameterNames, Sql

TRACE_S_MAX = 3600  # how far around a request the spans of its trace are looked for


def requests_by_minute(total: Sql, bad: Sql, within: Within, names: ParameterNames) -> Sql:
    """Per minute with requests: its start (seconds since 1970), bad requests, all requests."""
    columns = Sql("SELECT toUnixTimestamp(toStartOfMinute(ts)) AS minute, countIf(") + bad + Sql("), count() FROM spans")
    return columns + where([*in_range(within, names), total]) + Sql(" GROUP BY minute ORDER BY minute")


def latency_quantile(total: Sql, quantile: float, within: Within, names: ParameterNames) -> Sql:
    """One row: how many requests there are, and the quantile of their durations, nanoseconds."""
    columns = Sql("SELECT count(), quantile(") + Sql(f"{float(quantile)}") + Sql(")(duration_ns) FROM spans")
    return columns + where([*in_range(within, names), total])


def traces_of(total: Sql, bad: Sql, within: Within, *, limit: int, names: ParameterNames) -> Sql:
    """
    Traces of requests: hexadecimal id, whether its request is bad, its duration in nanoseconds; at most `limit` of each sort.

    Bad ones come spread over time, good ones by chance that repeats.
    """
    columns = Sql("SELECT lower(hex(trace_id)) AS id, toUInt8(") + bad + Sql(") AS is_bad, max(duration_ns) FROM spans")
    return (
        columns
        + where([*in_range(within, names), total])
        + Sql(" GROUP BY id, is_bad ORDER BY is_bad, cityHash64(id) LIMIT ")
        + names.bind("UInt32", limit)
        + Sql(" BY is_bad")
    )


def spans_of(trace_ids: list[str], within: Within, names: ParameterNames) -> Sql:
    """Of each span: trace id, span id, parent's id (hexadecimal), service, name, start and duration (nanoseconds)."""
    margin = TRACE_S_MAX * 1_000_000_000
    around = Within(within.start - margin if within.start is not None else None, within.end + margin if within.end is not None else None)
    columns = "lower(hex(trace_id)), lower(hex(span_id)), lower(hex(parent_span_id)), service, name, toUnixTimestamp64Nano(ts), duration_ns"
    return Sql(f"SELECT {columns} FROM spans") + where([*in_range(around, names), has_trace_id(trace_ids, names)])


def in_traces(trace_ids: list[str], names: ParameterNames) -> Sql:
    """The condition that a log record belongs to one of the traces."""
    return has_trace_id(trace_ids, names)
