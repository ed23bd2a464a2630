"""
Statements behind the golden signals: what services, or the endpoints of one, did in a window and in the same window of past days, in one
pass over the rollups. The engine merges bins and reads percentiles out of them, so that 50 services come back as a few hundred rows.

The window itself is exact to ten seconds; those of past days are widened to whole five minutes, which costs a thirtieth of the rows.

A service's requests are its server and consumer spans; one that has none is judged by all its spans.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tocsin.store.read_range import SORT_BUCKET_NS, Within, in_range, where
from tocsin.store.read_services import COARSE_S, NANOSECONDS, Seconds, bucket_bounds, bucket_seconds, rollup_parts
from tocsin.store.sql import ParameterNames, Sql

DAY_S = 86_400
ENTRY = "kind IN (2, 5)"  # server, consumer
WORST = "lower(hex(argMax(shown, (broken > 0, bin))))"
MIDDLE = "if(shortest = longest, toFloat64(shortest), sqrt(toFloat64(shortest) * toFloat64(longest)))"
PERCENTILES = f"quantilesExactWeighted(0.5, 0.9, 0.95, 0.99)({MIDDLE}, found)"


@dataclass(frozen=True, slots=True)
class Windows:
    """
    A window and its like in the past.

    Args:
        seconds: The window, closed on both sides, multiples of ten.
        step_s: From one window to the one before, seconds: whole days, not shorter than the window in whole five minutes.
        count: Windows before it.
    """

    seconds: Seconds
    step_s: int
    count: int


def windows_of(seconds: Seconds, *, days: int) -> Windows:
    """A window with the like of it in the `days` before; for one longer than a day, as many days apart as it has, the next before it."""
    coarse = coarse_seconds(seconds)
    step_days = -(-(coarse[1] - coarse[0]) // DAY_S)
    return Windows(seconds, max(1, step_days) * DAY_S, 0 if days == 0 else max(1, days // max(1, step_days)))


def service_windows(windows: Windows, *, service: str | None, names: ParameterNames) -> Sql:
    """
    Per service and window: service, whether the row is that of all services together, how many windows back (0 is the window itself),
    requests, failed, [p50, p90, p95, p99] in nanoseconds, bins, exemplar trace of the slowest failure or request, whether they are spans of
    an entry. The bins, of the window itself and not of all services, are [bin, requests, failed, shortest, longest].
    """
    chosen = [] if service is None else [Sql("service = ") + names.bind("String", service)]
    merged = _merged("service", _windowed("service", windows, chosen, names), by="service")
    selected = "service, toUInt8(grouping(service)) AS together, back, " + _figures("together = 0")
    return Sql(f"SELECT {selected} FROM (") + merged + Sql(") WHERE entry = entered GROUP BY GROUPING SETS ((service, back), (back))")


def endpoint_windows(windows: Windows, *, service: str, names: ParameterNames) -> Sql:
    """The same for the endpoints of a service: operation, kind, windows back and so on, without a row for all of them."""
    chosen = [Sql("service = ") + names.bind("String", service)]
    merged = _merged("operation, kind", _windowed("operation, kind", windows, chosen, names), by="1")
    return (
        Sql(f"SELECT operation, kind, back, {_figures('1')} FROM (")
        + merged
        + Sql(") WHERE entry = entered GROUP BY operation, kind, back ORDER BY back, sum(found) DESC, operation, kind")
    )


def endpoints_of(seconds: Seconds, *, services: Sequence[str], names: ParameterNames) -> Sql:
    """The same for the endpoints of several services in one window: service, operation, kind, requests, failed and so on."""
    chosen = [Sql("service IN ") + names.bind("Array(String)", sorted(services))]
    keys = "service, operation, kind"
    merged = _merged(keys, _windowed(keys, Windows(seconds, DAY_S, 0), chosen, names), by="service")
    return Sql(f"SELECT {keys}, {_figures('1')} FROM (") + merged + Sql(f") WHERE entry = entered GROUP BY {keys} ORDER BY {keys}")


def slowest_endpoints(seconds: Seconds, *, service: str | None, limit: int, names: ParameterNames) -> Sql:
    """Service, operation, kind, requests, failed, percentiles and exemplar of the endpoints with the highest p95, that one first."""
    chosen = [] if service is None else [Sql("service = ") + names.bind("String", service)]
    keys = "service, operation, kind"
    merged = _merged(keys, _windowed(keys, Windows(seconds, DAY_S, 0), chosen, names), by="service")
    return (
        Sql(f"SELECT {keys}, sum(found), sum(broken), {PERCENTILES} AS percentiles, {WORST} FROM (")
        + merged
        + Sql(f") WHERE entry = entered GROUP BY {keys} ORDER BY percentiles[3] DESC, {keys} LIMIT ")
        + names.bind("UInt32", limit)
    )


def timeline(seconds: Seconds, *, step_s: int, service: str | None, together: bool, names: ParameterNames) -> Sql:
    """
    Service ('' for all together), start of the step (seconds since 1970), requests, failed, [p50, p90, p95, p99] in nanoseconds.

    Args:
        seconds: Closed on both sides.
        step_s: A multiple of ten; from five minutes on a multiple of those, and `seconds` starts with a step.
        service: Only this one.
        together: Whether all services are one series.
        names: Names the placeholders.
    """
    key = "''" if together else "service"
    chosen = [] if service is None else [Sql("service = ") + names.bind("String", service)]
    merged = _merged("service", _stepped(seconds, step_s, chosen, names), by="service")
    return (
        Sql(f"SELECT {key} AS whose, back, sum(found), sum(broken), {PERCENTILES} FROM (")
        + merged
        + Sql(") WHERE entry = entered GROUP BY whose, back ORDER BY whose, back")
    )


def latency_cells(seconds: Seconds, *, step_s: int, service: str, operation: str | None, names: ParameterNames) -> Sql:
    """Start of the step (seconds since 1970), bin, requests, failed: how the latencies of a service or endpoint spread over time."""
    chosen = [Sql("service = ") + names.bind("String", service)]
    if operation is not None:
        chosen.append(Sql("operation = ") + names.bind("String", operation))
    merged = _merged("service", _stepped(seconds, step_s, chosen, names), by="service")
    return (
        Sql("SELECT back, bin, sum(found), sum(broken) FROM (")
        + merged
        + Sql(") WHERE entry = entered GROUP BY back, bin ORDER BY back, bin")
    )


def implicit_failures(condition: Sql, seconds: Seconds, *, service: str | None, names: ParameterNames) -> Sql:
    """Service, operation, kind, bin, spans, shortest, longest (nanoseconds) of spans that match and did not fail."""
    assert seconds.start is not None
    assert seconds.end is not None
    ranged = in_range(Within(seconds.start * NANOSECONDS, seconds.end * NANOSECONDS), names)
    chosen = [] if service is None else [Sql("service = ") + names.bind("String", service)]
    return (
        Sql("SELECT service, toString(name) AS operation, kind, toInt16(if(duration_ns = 0, -1, ceil(log2(duration_ns) * 8) - 1)) AS bin, ")
        + Sql("count(), min(duration_ns), max(duration_ns) FROM spans")
        + where([*ranged, *chosen, Sql("status != 2"), condition])
        + Sql(" GROUP BY service, operation, kind, bin")
    )


def service_hosts(within: Within, names: ParameterNames) -> Sql:
    """Services and the `host.name` of their resources, each pair once."""
    host = "JSONExtractString(resource, 'host.name')"
    coarse = Within(None if within.start is None else within.start // SORT_BUCKET_NS * SORT_BUCKET_NS, within.end)
    bounds = bucket_bounds(bucket_seconds(coarse), names)
    return Sql(f"SELECT DISTINCT service, {host} AS host FROM resources") + where([*bounds, Sql("host != ''")])


def _figures(with_bins: str) -> str:
    bins = f"if({with_bins}, groupArrayIf((bin, found, broken, shortest, longest), back = 0), [])"
    return f"sum(found), sum(broken), {PERCENTILES}, {bins}, {WORST}, max(entry)"


def _merged(keys: str, inner: Sql, *, by: str) -> Sql:
    """Bins of each key and window, and in `entered` whether the service has spans of an entry at all."""
    grouped = f"{keys}, entry, back, bin"
    partition = "" if by == "1" else f"PARTITION BY {by}"
    return (
        Sql(f"SELECT *, max(entry) OVER ({partition}) AS entered FROM (SELECT {grouped}, {_SUMMED} FROM (")
        + inner
        + Sql(f") GROUP BY {grouped})")
    )


def _windowed(keys: str, windows: Windows, chosen: list[Sql], names: ParameterNames) -> Sql:
    """
    Partly merged bins of all windows: whole five minutes from the coarse rollup, the ends of the window itself (back 0) from the fine one.

    Buckets of the coarse one are listed: a set is planned in a third of the time that as many ranges joined by OR take.
    """
    parts = rollup_parts(windows.seconds)
    start, end = coarse_seconds(windows.seconds)
    columns = f"{ENTRY} AS entry, failed, bin, {_COUNTED}"
    grouped = Sql(f" GROUP BY {keys}, entry, back, failed, bin")
    fine = [bucket_bounds(part, names) for table, part in parts if table == "requests_10s"]
    coarse = [bucket for table, part in parts if table == "requests_5m" for bucket in range(part.start or 0, part.end or 0, COARSE_S)]
    for shift in (windows.step_s * number for number in range(1, windows.count + 1)):
        coarse += range(max(0, start - shift), max(0, end - shift), COARSE_S)
    selects = []
    if fine:
        ranged = Sql("(") + Sql.join(" OR ", [Sql.join(" AND ", bounds) for bounds in fine]) + Sql(")")
        selects.append(Sql(f"SELECT {keys}, toUInt16(0) AS back, {columns} FROM requests_10s") + where([ranged, *chosen]) + grouped)
    if coarse:
        listed = Sql("bucket IN ") + names.bind("Array(DateTime('UTC'))", sorted(coarse))
        back = Sql("toUInt16(intDiv(") + names.bind("Int64", end - 1) + Sql(" - toUnixTimestamp(bucket), ")
        back += names.bind("UInt32", windows.step_s) + Sql("))")
        past = Sql(f"SELECT {keys}, ") + back + Sql(f" AS back, {columns} FROM requests_5m")
        selects.append(past + where([listed, *chosen]) + grouped)
    return Sql.join(" UNION ALL ", selects)


def _stepped(seconds: Seconds, step_s: int, chosen: list[Sql], names: ParameterNames) -> Sql:
    """Bins per service and step of time, whose start stands in `back`, out of the rollup that is fine enough."""
    table = "requests_5m" if step_s % COARSE_S == 0 else "requests_10s"
    step, start = names.bind("UInt32", step_s), names.bind("Int64", seconds.start or 0)
    at = start + Sql(" + intDiv(toUnixTimestamp(bucket) - ") + start + Sql(", ") + step + Sql(") * ") + step
    return (
        Sql("SELECT service, ")
        + at
        + Sql(f" AS back, {ENTRY} AS entry, failed, bin, {_COUNTED} FROM {table}")
        + where([*bucket_bounds(seconds, names), *chosen])
        + Sql(" GROUP BY service, back, entry, failed, bin")
    )


# `failed` is part of the bins' key while parts are put together; what failed is counted, so that one row per bin is left.
_COUNTED = "sum(requests) AS part, sum(requests * failed) AS bad, min(shortest_ns) AS low, max(longest_ns) AS high, any(exemplar) AS trace"

_SUMMED = "sum(part) AS found, sum(bad) AS broken, min(low) AS shortest, max(high) AS longest, argMax(trace, bad) AS shown"


def coarse_seconds(seconds: Seconds) -> tuple[int, int]:
    """The range widened to whole five minutes."""
    assert seconds.start is not None
    assert seconds.end is not None
    return seconds.start // COARSE_S * COARSE_S, -(-seconds.end // COARSE_S) * COARSE_S
