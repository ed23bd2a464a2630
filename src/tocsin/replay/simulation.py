"""
Simulated weeks of one service, a sample a minute: what a week of alerts looks like, told by numbers that repeat for the same seed.

    per week   13 harmless CPU spikes of two minutes        CPU above 90 %, nobody notices
               2 overloads of half an hour                  CPU above 90 %, 4 % of requests fail
               1 dependency that fails for 20 minutes       6 % of requests fail, the CPU rests; every other week
               1 nightly backup that fills memory           memory above 90 % for 40 minutes, nobody notices

"CPU > 90 %" fires fifteen times a week, thirteen times for nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tocsin.clock import SeededEntropy
from tocsin.model.instant import NANOSECONDS, Instant, TimeRange, parse_instant
from tocsin.model.labels import Labels
from tocsin.replay.evidence import KnownIncident
from tocsin.replay.held_series import HeldSeries

SERVICE = "checkout"
START = "2026-10-05"  # a Monday
WEEK_MINUTES = 7 * 1440
MINUTE = 60 * NANOSECONDS
WARM_UP_MINUTES = 1440  # samples before the first week, for windows that look back

SPIKES_PER_WEEK = 13
SPIKE_MINUTES = 2
OVERLOADS_PER_WEEK = 2
OVERLOAD_MINUTES = 30
OUTAGE_MINUTES = 20
BACKUP_MINUTES = 40
APART_MINUTES = 120  # nothing of this begins within so many minutes of something else

REQUESTS_PER_MINUTE = 1200
OBJECTIVE = f"{SERVICE}-availability"
ALLOWED = 0.001
BUDGET_MINUTES = 30 * 1440
ERRORS_AT_REST = 0.0002
ERRORS_OVERLOADED = 0.04
ERRORS_BROKEN = 0.06


@dataclass(frozen=True, slots=True)
class SimulatedWeeks:
    """
    Some weeks of a service.

    Args:
        series: Counters of requests by outcome, gauges of CPU, memory and disk.
        over: The weeks.
        incidents: What users felt.
        spikes: When the CPU was busy for nothing.
    """

    series: HeldSeries
    over: TimeRange
    incidents: tuple[KnownIncident, ...]
    spikes: tuple[Instant, ...]

    def spent(self, objective: str, start: Instant, end: Instant) -> float | None:
        """The share of the service's budget of 30 days (0.1 % of its requests) that went in [start, end); None for another objective."""
        if objective != OBJECTIVE:
            return None
        failed = total = per_minute = 0.0
        for labels, times_ms, values in self.series.series():
            if labels.metric == "http_requests_total":
                first, last = np.searchsorted(times_ms, [start // 1_000_000, end // 1_000_000]).tolist()
                served = float(values[min(last, len(values) - 1)] - values[first])
                total += served
                failed += served if labels.get("code") == "500" else 0.0
                per_minute += float(values[-1]) / len(values)
        return failed / (ALLOWED * per_minute * BUDGET_MINUTES) if total else 0.0


def simulate(weeks: int = 4, *, seed: int = 1) -> SimulatedWeeks:
    """
    Make weeks.

    Args:
        weeks: How many, at least 1.
        seed: The same seed gives the same weeks.
    """
    assert weeks >= 1, f"expected at least one week, found {weeks}"
    chance = _Chance(seed)
    start = parse_instant(START)
    minutes = WARM_UP_MINUTES + weeks * WEEK_MINUTES
    cpu = 0.35 + 0.15 * _day_curve(minutes) + 0.02 * chance.many(minutes)
    memory = 0.55 + 0.05 * chance.many(minutes)
    disk = np.linspace(0.60, 0.60 + 0.04 * weeks, minutes)
    share = np.full(minutes, ERRORS_AT_REST)
    incidents: list[KnownIncident] = []
    spikes: list[Instant] = []
    for week in range(weeks):
        places = chance.places(SPIKES_PER_WEEK + OVERLOADS_PER_WEEK + 1)
        first = WARM_UP_MINUTES + week * WEEK_MINUTES
        for number, place in enumerate(places):
            at = first + place
            begin = start + (at - WARM_UP_MINUTES) * MINUTE
            if number < OVERLOADS_PER_WEEK:
                cpu[at : at + OVERLOAD_MINUTES] = 0.96
                share[at : at + OVERLOAD_MINUTES] = ERRORS_OVERLOADED
                incidents.append(_incident(f"week {week + 1}: overload {number + 1}", begin, OVERLOAD_MINUTES))
            elif number == OVERLOADS_PER_WEEK and week % 2:
                continue
            elif number == OVERLOADS_PER_WEEK:
                share[at : at + OUTAGE_MINUTES] = ERRORS_BROKEN
                incidents.append(_incident(f"week {week + 1}: the payment provider fails", begin, OUTAGE_MINUTES))
            else:
                cpu[at : at + SPIKE_MINUTES] = 0.95
                spikes.append(begin)
        backup = first + 6 * 1440 + 3 * 60  # Sunday, three in the morning
        memory[backup : backup + BACKUP_MINUTES] = 0.94
    series = HeldSeries()
    times_ms = (start // 1_000_000 - WARM_UP_MINUTES * 60_000) + np.arange(minutes, dtype=np.int64) * 60_000
    for name, labels, values in _series(cpu, memory, disk, share, chance):
        series.add(Labels({"__name__": name, "service": SERVICE, **labels}), times_ms, values)
    over = TimeRange(start, start + weeks * WEEK_MINUTES * MINUTE)
    return SimulatedWeeks(series, over, tuple(sorted(incidents, key=lambda one: one.start)), tuple(sorted(spikes)))


def _series(
    cpu: NDArray[np.float64], memory: NDArray[np.float64], disk: NDArray[np.float64], share: NDArray[np.float64], chance: _Chance
) -> Iterator[tuple[str, dict[str, str], NDArray[np.float64]]]:
    requests = np.round(REQUESTS_PER_MINUTE * (0.6 + 0.4 * _day_curve(len(share))) * (0.97 + 0.06 * chance.many(len(share))))
    failed = np.round(requests * share)
    yield "http_requests_total", {"code": "200"}, np.cumsum(requests - failed)
    yield "http_requests_total", {"code": "500"}, np.cumsum(failed)
    yield "cpu_utilization_ratio", {}, cpu
    yield "memory_utilization_ratio", {}, memory
    yield "disk_utilization_ratio", {}, disk


def _incident(name: str, start: Instant, minutes: int) -> KnownIncident:
    return KnownIncident(name, start, start + minutes * MINUTE, (SERVICE,), OBJECTIVE)


def _day_curve(minutes: int) -> NDArray[np.float64]:
    """0 at four in the morning, 1 at four in the afternoon; the first minute is a midnight."""
    curve: NDArray[np.float64] = 0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(minutes) / 1440 - 4 / 24))
    return curve


class _Chance:
    """Numbers that repeat for the same seed."""

    def __init__(self, seed: int) -> None:
        self._entropy = SeededEntropy(seed)

    def many(self, count: int) -> NDArray[np.float64]:
        """[count] numbers from 0 to 1."""
        raw = np.frombuffer(bytes.fromhex(self._entropy.token_hex(count * 2)), dtype="<u2")
        return raw / 65535.0

    def places(self, count: int) -> list[int]:
        """[count] minutes of a week, in no order, none near another, none in the hours of the backup or across the week's ends."""
        slots = [slot for slot in range(1, WEEK_MINUTES // APART_MINUTES - 1) if not 6 * 12 <= slot <= 6 * 12 + 3]
        order = np.argsort(self.many(len(slots)), kind="stable")[:count].tolist()
        within = (self.many(count) * (APART_MINUTES - OVERLOAD_MINUTES - 60)).astype(int).tolist()
        return [slots[slot] * APART_MINUTES + minute for slot, minute in zip(order, within, strict=True)]
