"""
Statements behind metrics that nobody sends: requests and calls between services out of spans, log records out of logs, in buckets of ten
seconds and more. Every row starts with its bucket, seconds since 1970, and ends with a count.
"""

from __future__ import annotations

from tocsin.store.sql import ParameterNames, Sql


def request_buckets(start_s: int, end_s: int, bucket_s: int) -> Sql:
    """Bucket, service, operation, kind, failed, bin of latency (see the table), requests; `start_s` included, `end_s` left out."""
    names = ParameterNames()
    return (
        _bucket("bucket", bucket_s, names)
        + Sql(" AS at, service, operation, kind, failed, bin, sum(requests) FROM requests_10s WHERE ")
        + _between("bucket", start_s, end_s, names)
        + Sql(" GROUP BY at, service, operation, kind, failed, bin ORDER BY service, operation, kind, failed, bin, at")
    )


def call_buckets(start_s: int, end_s: int, bucket_s: int) -> Sql:
    """
    Bucket, caller, callee, whether it failed, bin of the callee's latency, calls.

    A call is a client or producer span whose child belongs to another service.
    """
    names = ParameterNames()
    ranged = _between("ts", start_s, end_s, names)
    return (
        _bucket("c.ts", bucket_s, names)
        + Sql(" AS at, p.service AS caller, c.service AS callee, toUInt8(p.status = 2 OR c.status = 2) AS failed, ")
        + Sql("toInt16(if(c.duration_ns = 0, -1, ceil(log2(c.duration_ns) * 8) - 1)) AS bin, count() FROM ")
        + Sql("(SELECT ts, trace_id, parent_span_id, service, status, duration_ns FROM spans WHERE kind IN (2, 5) AND ")
        + ranged
        + Sql(") AS c INNER JOIN (SELECT trace_id, span_id, service, status FROM spans WHERE kind IN (3, 4) AND ")
        + _between("ts", start_s - 60, end_s, names)  # the caller starts first
        + Sql(") AS p ON c.trace_id = p.trace_id AND c.parent_span_id = p.span_id WHERE p.service != c.service")
        + Sql(" GROUP BY at, caller, callee, failed, bin ORDER BY caller, callee, failed, bin, at")
    )


def log_buckets(start_s: int, end_s: int, bucket_s: int) -> Sql:
    """Bucket, service, severity number, records."""
    names = ParameterNames()
    return (
        _bucket("ts", bucket_s, names)
        + Sql(" AS at, service, severity_number, count() FROM logs WHERE ")
        + _between("ts", start_s, end_s, names)
        + Sql(" GROUP BY at, service, severity_number ORDER BY service, severity_number, at")
    )


def _bucket(column: str, bucket_s: int, names: ParameterNames) -> Sql:
    """The start of the bucket that an instant falls into."""
    size = names.bind("UInt32", bucket_s)
    return Sql(f"SELECT intDiv(toUnixTimestamp({column}), ") + size + Sql(") * ") + size


def _between(column: str, start_s: int, end_s: int, names: ParameterNames) -> Sql:
    start, end = names.bind("Int64", start_s), names.bind("Int64", end_s)
    return Sql(f"{column} >= toDateTime(") + start + Sql(f", 'UTC') AND {column} < toDateTime(") + end + Sql(", 'UTC')")
