"""The state of the world in one sentence: `2 services breach, 1 warns: checkout: p95 5,000 ms is above 1,000 ms; search: ...`."""

from __future__ import annotations

from collections.abc import Sequence

from tocsin.model.signals import Flag, RequestSignals, ResourceSignals, Signal
from tocsin.query.signals.words import show_count

NAMED_MAX = 2  # services whose reason is given: somebody who was asleep four minutes ago reads no more
# What hurts users most comes first: errors before slowness before the rest.
ORDER = ("error_rate", "latency_p95", "latency_p99", "latency_p90", "latency_p50", "traffic", "slo_burn", "saturation")
SEVERITY = (Flag.BREACH, Flag.WARN, Flag.OK, Flag.NO_DATA)


def sentence(services: Sequence[RequestSignals], resources: Sequence[ResourceSignals]) -> str:
    """
    What to know first.

    Args:
        services: The worst first.
        resources: Of the machines.
    """
    parts = [*_services(services), *_resources(resources)]
    if not parts:
        if Flag.OK not in {*(one.flag for one in services), *(one.flag for one in resources)}:
            return "Nothing was observed: no spans, no metrics of machines."
        known = sum(one.flag is Flag.OK for one in services)
        return (
            f"All is well: {show_count(known, 'service', 'services')}, no limit exceeded." if known else "Machines are well; no spans came."
        )
    return "; ".join(parts) + "."


def urgency(one: RequestSignals) -> tuple[int, int, str]:
    """Sorts services: the worst first, among equals those whose users feel it most, then by name."""
    felt = min((_rank(signal) for signal in one.signals() if signal.flag is one.flag), default=len(ORDER))
    return SEVERITY.index(one.flag), felt if one.flag in {Flag.BREACH, Flag.WARN} else 0, one.service or ""


def _services(services: Sequence[RequestSignals]) -> list[str]:
    breached = [one for one in services if one.flag is Flag.BREACH]
    warned = [one for one in services if one.flag is Flag.WARN]
    if not breached and not warned:
        return []
    counts = []
    if breached:
        counts.append(show_count(len(breached), "service breaches", "services breach"))
    if warned:
        counts.append(
            f"{len(warned)} {'warns' if len(warned) == 1 else 'warn'}"
            if breached
            else show_count(len(warned), "service warns", "services warn")
        )
    named = [f"{one.service}: {_reason(one)}" for one in (breached or warned)[:NAMED_MAX]]
    return [f"{', '.join(counts)}: {'; '.join(named)}"]


def _resources(resources: Sequence[ResourceSignals]) -> list[str]:
    signals = [signal for one in resources for signal in (one.utilization, one.saturation, one.errors) if signal is not None]
    return [signal.reason for signal in signals if signal.flag is Flag.BREACH][:NAMED_MAX]


def _reason(one: RequestSignals) -> str:
    """Of the worst signals the one that hurts most."""
    worst = [signal for signal in one.signals() if signal.flag is one.flag]
    return min(worst, key=_rank).reason


def _rank(signal: Signal) -> int:
    return ORDER.index(signal.name) if signal.name in ORDER else len(ORDER)
