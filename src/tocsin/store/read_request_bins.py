"""A statement over the request rollups: how many requests of each latency bin there were in consecutive steps of time."""

from __future__ import annotations

from tocsin.store.read_range import where
from tocsin.store.read_services import COARSE_S, Seconds, bucket_bounds
from tocsin.store.read_signals import ENTRY
from tocsin.store.sql import ParameterNames, Sql


def request_bins(seconds: Seconds, *, step_s: int, service: str | None, names: ParameterNames) -> Sql:
    """
    Service, number of the step from 0 on, whether spans of an entry, bin, requests, failed; by service.

    Args:
        seconds: Closed on both sides, multiples of ten; from steps of five minutes on, of those.
        step_s: Length of a step, a multiple of ten.
        service: Only this one; None for all.
        names: For placeholders.
    """
    table = "requests_5m" if step_s % COARSE_S == 0 else "requests_10s"
    start, step = names.bind("Int64", seconds.start or 0), names.bind("UInt32", step_s)
    chosen = [] if service is None else [Sql("service = ") + names.bind("String", service)]
    return (
        Sql("SELECT service, intDiv(toUnixTimestamp(bucket) - ")
        + start
        + Sql(", ")
        + step
        + Sql(f") AS number, {ENTRY} AS entry, bin, sum(requests), sum(requests * failed) FROM {table}")
        + where([*bucket_bounds(seconds, names), *chosen])
        + Sql(" GROUP BY service, number, entry, bin ORDER BY service")
    )
