"""
Statements over the request rollups, and the service map.

A range is put together from buckets of five minutes in its middle and of ten seconds at its ends, so its cost grows with its number of
five-minute buckets, not with the traffic, and its ends are exact to ten seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

from tocsin.store.read_range import Within, in_range, where
from tocsin.store.sql import ParameterNames, Sql

NANOSECONDS = 1_000_000_000
FINE_S = 10
COARSE_S = 300
SECONDS_MAX = 2**32 - 1  # what a DateTime holds


@dataclass(frozen=True, slots=True)
class Seconds:
    """Buckets from `start` (included) to `end` (left out), seconds since 1970, both multiples of ten; None where open."""

    start: int | None
    end: int | None


def bucket_seconds(within: Within) -> Seconds:
    """A range widened to whole buckets of ten seconds."""
    start = None if within.start is None else max(0, within.start // (FINE_S * NANOSECONDS) * FINE_S)
    end = None if within.end is None else min(SECONDS_MAX, -(-within.end // (FINE_S * NANOSECONDS)) * FINE_S)
    return Seconds(start, end)


def requests(within: Within, *, service: str | None, names: ParameterNames) -> Sql:
    """
    Merged bins: service, operation ('' unless one service is asked for), kind, failed, bin, requests, the shortest and the longest of them
    (nanoseconds), and a trace of one.
    """
    operation = "operation" if service is not None else "''"
    columns = f"service, {operation} AS of_operation, kind, failed, bin"
    grouped = "service, of_operation, kind, failed, bin"
    chosen = [] if service is None else [Sql("service = ") + names.bind("String", service)]
    inner = Sql.join(" UNION ALL ", [_part(table, columns, part, chosen, names) for table, part in rollup_parts(bucket_seconds(within))])
    return (
        Sql(f"SELECT {grouped}, sum(found), min(shortest), max(longest), lower(hex(any(shown))) FROM (")
        + inner
        + Sql(f") GROUP BY {grouped}")
    )


def requests_extent(names: ParameterNames, within: Within) -> Sql:
    """First and last bucket of five minutes with requests in the range, seconds since 1970, and the requests: one row."""
    seconds = bucket_seconds(within)
    conditions = bucket_bounds(Seconds(None if seconds.start is None else seconds.start // COARSE_S * COARSE_S, seconds.end), names)
    return Sql("SELECT toUnixTimestamp(min(bucket)), toUnixTimestamp(max(bucket)), sum(requests) FROM requests_5m") + where(conditions)


def service_edges(within: Within, *, traces_max: int, names: ParameterNames) -> Sql:
    """
    Caller, callee, calls, failed calls, median and 95th percentile of the caller's span (nanoseconds).

    A call is a client or producer span whose child belongs to another service, in the newest `traces_max` traces of the range.
    """
    ranged = in_range(within, names)
    chosen = where([*ranged, Sql("trace_id IN chosen")])
    return (
        Sql("WITH chosen AS (")
        + _newest(ranged, traces_max, names)
        + Sql(") SELECT p.service, c.service, count(), countIf(p.status = 2 OR c.status = 2), quantileExact(0.5)(p.duration_ns), ")
        + Sql("quantileExact(0.95)(p.duration_ns) FROM ")
        + Sql("(SELECT trace_id, parent_span_id, service, status FROM spans")
        + chosen
        + Sql(") AS c INNER JOIN (SELECT trace_id, span_id, service, status, duration_ns, kind FROM spans")
        + chosen
        + Sql(") AS p ON c.trace_id = p.trace_id AND c.parent_span_id = p.span_id WHERE p.service != c.service AND p.kind IN (3, 4)")
        + Sql(" GROUP BY p.service, c.service ORDER BY p.service, c.service")
    )


def traces_in(within: Within, *, traces_max: int, names: ParameterNames) -> Sql:
    """Services of the newest traces of the range, and how many traces those are: one row."""
    ranged = in_range(within, names)
    chosen = where([*ranged, Sql("trace_id IN (") + _newest(ranged, traces_max, names) + Sql(")")])
    return Sql("SELECT uniqExact(trace_id), groupUniqArray(service) FROM spans") + chosen


def _newest(ranged: list[Sql], traces_max: int, names: ParameterNames) -> Sql:
    walk = " ORDER BY toStartOfFiveMinutes(ts) DESC, ts DESC LIMIT 1 BY trace_id LIMIT "
    return Sql("SELECT trace_id FROM spans") + where(ranged) + Sql(walk) + names.bind("UInt32", traces_max)


def rollup_parts(seconds: Seconds) -> list[tuple[str, Seconds]]:
    """The rollup tables to read and which of their buckets."""
    start, end = seconds.start, seconds.end
    inner_start = None if start is None else -(-start // COARSE_S) * COARSE_S
    inner_end = None if end is None else end // COARSE_S * COARSE_S
    if inner_start is not None and inner_end is not None and inner_start >= inner_end:
        return [("requests_10s", seconds)]
    parts = [("requests_5m", Seconds(inner_start, inner_end))]
    if start != inner_start:
        parts.append(("requests_10s", Seconds(start, inner_start)))
    if end != inner_end:
        parts.append(("requests_10s", Seconds(inner_end, end)))
    return parts


def _part(table: str, columns: str, seconds: Seconds, chosen: list[Sql], names: ParameterNames) -> Sql:
    merged = Sql(
        f"SELECT {columns}, sum(requests) AS found, min(shortest_ns) AS shortest, max(longest_ns) AS longest, any(exemplar) AS shown "
        f"FROM {table}"
    )
    return merged + where([*bucket_bounds(seconds, names), *chosen]) + Sql(" GROUP BY service, of_operation, kind, failed, bin")


def bucket_bounds(seconds: Seconds, names: ParameterNames) -> list[Sql]:
    """The conditions that a rollup's bucket lies in the range; none for an open one."""
    bounds = []
    if seconds.start is not None:
        bounds.append(Sql("bucket >= toDateTime(") + names.bind("Int64", seconds.start) + Sql(", 'UTC')"))
    if seconds.end is not None:
        bounds.append(Sql("bucket < toDateTime(") + names.bind("Int64", seconds.end) + Sql(", 'UTC')"))
    return bounds
