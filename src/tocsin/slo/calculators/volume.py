"""
Calculators of requests and telemetry: what percentiles and averages hide, and what traces weigh and cost.

Units are decimal: a kB is 1,000 bytes, a GB 10^9.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from math import ceil, log
from typing import Annotated

from tocsin.slo.calculators.calculation import Quantity, Share, checked

SECONDS_PER_DAY = 86_400
DAYS_PER_MONTH = 30
GIGABYTE = 1e9
TERABYTE = 1e12
BINARY = 1024 / 1000  # what '4 KB' gains when it means 4,096 bytes

Requests = Annotated[int, Quantity("How many requests.", 1, 1_000_000_000)]
Percentile = Annotated[float, Quantity("The percentile as a share: 0.99 or 99% for the p99.", 0, 1, low_open=True, high_open=True)]
Milliseconds = Annotated[float, Quantity("A latency, milliseconds.", 0)]
PerSecond = Annotated[float, Quantity("Requests per second, each of which is a trace.", 0)]
Spans = Annotated[float, Quantity("Spans per trace, on average.", 0)]
Bytes = Annotated[float, Quantity("Bytes per span, on average.", 0)]
Retention = Annotated[float, Quantity("How long it is kept, days.", 0, 36_500, low_open=True)]
Gigabytes = Annotated[float, Quantity("Gigabytes (10^9 bytes) per day.", 0)]
Price = Annotated[float, Quantity("Price of a gigabyte stored for 30 days, in any currency.", 0)]
Compression = Annotated[float, Quantity("How many times smaller it is when stored.", 0, low_open=True)]


@dataclass(frozen=True, slots=True)
class PercentileChance:
    """
    How likely somebody meets the slow end.

    Args:
        chance: That at least one of the requests is slower than the percentile.
        expected: How many of them are, on average.
        requests_for_even_chance: From so many requests on it is as likely as not.
        note: What is assumed.
    """

    chance: float
    expected: float
    requests_for_even_chance: int
    note: str


@checked
def percentile_chance(requests: Requests, percentile: Percentile = 0.99) -> PercentileChance:
    """
    How likely is it that one of n requests is slower than a percentile?

    20 requests against the p99: 1 - 0.99^20 = 18.2 %, usually printed as 18 %, nearly one in five.
    """
    even = ceil(log(0.5) / log(percentile) - 1e-9)
    expected = requests * float(1 - Decimal(repr(percentile)))
    return PercentileChance(1 - percentile**requests, expected, even, "Holds for requests that are slow independently of each other.")


@dataclass(frozen=True, slots=True)
class TwoLatencies:
    """
    What figures say of requests that are mostly fast and rarely slow.

    Args:
        average_ms: The mean.
        p50_ms, p90_ms, p95_ms, p99_ms, p999_ms: The smallest latency that at least so large a share of the requests does not exceed.
        rare_to_average: How many times longer than the average the rare ones take; None for an average of 0.
        note: What the average hides.
    """

    average_ms: float
    p50_ms: float
    p90_ms: float
    p95_ms: float
    p99_ms: float
    p999_ms: float
    rare_to_average: float | None
    note: str


@checked
def average_lies(common_ms: Milliseconds, rare_ms: Milliseconds, rare_share: Share = 0.01) -> TwoLatencies:
    """
    What do average and percentiles say when most requests take one time and a few another, longer one?

    99 of 10 ms and one of 4,050: an average of 50.4 ms (near the 50 of a service where all take 50, not the same).
    With exactly 1 % slow ones the p99 is the last of the fast ones, 10 ms: what is slower begins right behind it.
    """
    slow = Decimal(repr(float(rare_share)))
    average = float(Decimal(repr(float(common_ms))) * (1 - slow) + Decimal(repr(float(rare_ms))) * slow)
    low, high = (common_ms, rare_ms) if common_ms <= rare_ms else (rare_ms, common_ms)
    share_of_low = 1 - slow if common_ms <= rare_ms else slow
    p50, p90, p95, p99, p999 = (low if Decimal(share) <= share_of_low else high for share in ("0.5", "0.9", "0.95", "0.99", "0.999"))
    note = f"{float(slow):.4g} of the requests take {rare_ms:g} ms; the average of {average:.4g} ms describes none of them."
    return TwoLatencies(average, p50, p90, p95, p99, p999, rare_ms / average if average else None, note)


@dataclass(frozen=True, slots=True)
class TraceVolume:
    """
    What traces weigh.

    Args:
        traces_kept_per_s: Traces that are kept.
        errors_sampled_anyway_per_s: Failed ones among them that the sample alone would have kept: adding both shares counts them twice.
        kept_ratio: Share of all traces that is kept.
        bytes_per_trace: One trace.
        bytes_per_s: What is written per second.
        gigabytes_per_day: The same per day, 10^9 bytes.
        terabytes_per_day: The same, 10^12 bytes.
        terabytes_per_month: Per 30 days.
        note: What other roundings give.
    """

    traces_kept_per_s: float
    errors_sampled_anyway_per_s: float
    kept_ratio: float
    bytes_per_trace: float
    bytes_per_s: float
    gigabytes_per_day: float
    terabytes_per_day: float
    terabytes_per_month: float
    note: str


@checked
def trace_volume(
    requests_per_s: PerSecond,
    spans_per_trace: Spans = 8,
    bytes_per_span: Bytes = 500,
    sampled_share: Share = 1.0,
    error_share: Share = 0.0,
) -> TraceVolume:
    """
    How much data are traces, when a share of them is sampled and all that failed are kept besides?

    10,000 requests/s, 8 spans of 500 bytes: 40 MB/s, 3.456 TB a day (also seen as 3.4; 3.54 if a kB has 1,024 bytes).
    1 % of them: 400 kB/s, 34.56 GB a day (also seen as 34).
    1 %, and all of 0.1 % errors: 109.9 traces/s and 37.98 GB a day; adding up 100 + 10 counts the errors twice that were in the sample
    (110 traces/s, 38.02 GB; also seen as 37).

    Args:
        requests_per_s: Each is a trace.
        spans_per_trace: On average.
        bytes_per_span: On average, as sent.
        sampled_share: Share of all traces that is kept whatever they are.
        error_share: Share of all traces that failed and is kept besides; 0 when errors get no special treatment.
    """
    per_trace = spans_per_trace * bytes_per_span
    kept_ratio = sampled_share + (1 - sampled_share) * error_share
    per_s = requests_per_s * kept_ratio * per_trace
    overlap = requests_per_s * sampled_share * error_share
    per_day = per_s * SECONDS_PER_DAY
    note = f"{per_day / GIGABYTE:.4g} GB a day with 1,000 bytes to the kB, {per_day * BINARY / GIGABYTE:.4g} with 1,024."
    if overlap and sampled_share < 1:
        twice = (per_s + overlap * per_trace) * SECONDS_PER_DAY
        note += f" Adding both shares up would count errors of the sample twice: {twice / GIGABYTE:.4g}."
    return TraceVolume(
        requests_per_s * kept_ratio,
        overlap,
        kept_ratio,
        per_trace,
        per_s,
        per_day / GIGABYTE,
        per_day / TERABYTE,
        per_day * DAYS_PER_MONTH / TERABYTE,
        note,
    )


@dataclass(frozen=True, slots=True)
class StorageCost:
    """
    What it costs to keep data.

    Args:
        stored_gigabytes: What lies there once the retention is reached.
        cost_per_month: Of 30 days, in the price's currency.
        note: What is left out.
    """

    stored_gigabytes: float
    cost_per_month: float
    note: str


@checked
def storage_cost(
    gigabytes_per_day: Gigabytes, price_per_gigabyte_month: Price, retention_days: Retention = 30, compression: Compression = 1.0
) -> StorageCost:
    """
    What does it cost to keep so much data a day for so long?

    34.56 GB a day for 30 days at 0.10 a gigabyte and month: 1,036.8 GB, 103.68 a month.
    """
    stored = gigabytes_per_day * retention_days / compression
    return StorageCost(stored, stored * price_per_gigabyte_month, "Storage alone: neither intake nor queries, copies nor indices.")
