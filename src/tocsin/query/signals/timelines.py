"""
Signals over time: small series for charts beside figures, and heatmaps of latency, because a line hides two modes.

Steps are round lengths of time and start at multiples of themselves, so that the same step shows the same figure in every window.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from tocsin.model.instant import NANOSECONDS
from tocsin.model.signals import LatencyHeatmap, LatencyRow, SignalSeries
from tocsin.query.percentiles import NANOSECONDS_PER_MS, bin_bounds_ms
from tocsin.query.period import checked_limit
from tocsin.query.reading import Reading
from tocsin.store.read_range import Within
from tocsin.store.read_services import FINE_S, Seconds, bucket_seconds
from tocsin.store.read_signals import latency_cells, timeline
from tocsin.store.sql import ParameterNames

STEPS_S = (10, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400)
POINTS_MAX = 1000
HEATMAP_ROWS_MAX = 32  # more are too thin to be told apart


def timelines(reading: Reading, within: Within, *, service: str | None, whole: bool, points: int) -> list[SignalSeries]:
    """A series per service, by name, or one of all together; about `points` steps at most, 1 to 1,000."""
    seconds, step_s = steps(within, checked_limit(points, most=POINTS_MAX, name="points"))
    rows = reading.rows(timeline(seconds, step_s=step_s, service=service, together=whole, names=ParameterNames()))
    found: dict[str, dict[int, Sequence[Any]]] = defaultdict(dict)
    for name, at, *row in rows:
        found[name][at] = row
    places = list(_starts(seconds, step_s))
    now_s = reading.clock.now_ns() / NANOSECONDS
    return [_series(None if whole else name, places, step_s, steps_of, now_s) for name, steps_of in sorted(found.items())]


def heatmap(reading: Reading, service: str, within: Within, *, operation: str | None, columns: int) -> LatencyHeatmap:
    """How latencies spread, `columns` (1 to 1,000) at most; bins are joined until they are few enough to be drawn."""
    seconds, step_s = steps(within, checked_limit(columns, most=POINTS_MAX, name="columns"))
    cells = reading.rows(latency_cells(seconds, step_s=step_s, service=service, operation=operation, names=ParameterNames()))
    width = _bins_per_row([number for _, number, _, _ in cells])
    lowest, rows = _rows([number for _, number, _, _ in cells], width)
    found: dict[int, tuple[list[int], list[int]]] = defaultdict(lambda: ([0] * len(rows), [0] * len(rows)))
    for at, number, requests, failed in cells:
        place = number // width - lowest
        found[at][0][place] += requests
        found[at][1][place] += failed
    columns_at = list(_starts(seconds, step_s))
    return LatencyHeatmap(
        service=service,
        operation=operation,
        start=columns_at[0] * NANOSECONDS,
        step_s=step_s,
        rows=rows,
        requests=[found[at][0] if at in found else None for at in columns_at],
        failed=[found[at][1] if at in found else None for at in columns_at],
    )


def steps(within: Within, points: int) -> tuple[Seconds, int]:
    """The window widened to whole steps, and their length in seconds: the shortest with which it has at most `points`, or one more."""
    exact = bucket_seconds(within)
    start, end = exact.start or 0, exact.end or 0
    fine = next((step for step in STEPS_S if (end - start) <= step * points), None)
    step_s = fine or -(-(end - start) // (points * STEPS_S[-1])) * STEPS_S[-1]
    return Seconds(start // step_s * step_s, -(-end // step_s) * step_s), step_s


def _starts(seconds: Seconds, step_s: int) -> range:
    return range(seconds.start or 0, seconds.end or 0, step_s)


def _series(service: str | None, places: Sequence[int], step_s: int, rows: Mapping[int, Sequence[Any]], now_s: float) -> SignalSeries:
    def latency(index: int) -> list[float | None]:
        return [rows[at][2][index] / NANOSECONDS_PER_MS if at in rows else None for at in places]

    return SignalSeries(
        service=service,
        start=places[0] * NANOSECONDS,
        step_s=step_s,
        p50_ms=latency(0),
        p90_ms=latency(1),
        p95_ms=latency(2),
        p99_ms=latency(3),
        per_s=[rows[at][0] / _passed(at, step_s, now_s) if at in rows else None for at in places],
        error_ratio=[rows[at][1] / rows[at][0] if at in rows else None for at in places],
    )


def _passed(at: int, step_s: int, now_s: float) -> float:
    """How much of a step is over, seconds: the present one is not as long as the others."""
    return float(min(step_s, max(now_s - at, FINE_S))) if at <= now_s else float(step_s)


def _bins_per_row(numbers: Sequence[int]) -> int:
    width = 1
    while numbers and max(numbers) // width - min(numbers) // width >= HEATMAP_ROWS_MAX:
        width *= 2
    return width


def _rows(numbers: Sequence[int], width: int) -> tuple[int, list[LatencyRow]]:
    """The lowest row's place, and all rows from there to the highest."""
    if not numbers:
        return 0, []
    lowest, highest = min(numbers) // width, max(numbers) // width
    rows = [
        LatencyRow(bin_bounds_ms(place * width)[0], bin_bounds_ms(place * width + width - 1)[1]) for place in range(lowest, highest + 1)
    ]
    return lowest, rows
