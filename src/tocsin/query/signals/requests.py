"""
From merged bins to the golden signals of services and endpoints.

A service's requests are its server and consumer spans; one that has none is judged by all its spans. Requests of the whole are those of all
services together, percentiles from their merged bins: a request that walks through three services is three requests.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tocsin.model.signals import ErrorSplit, LatencyBin, RequestSignals, Signal, worst
from tocsin.model.telemetry import SPAN_KINDS
from tocsin.query.percentiles import NANOSECONDS_PER_MS, Bin, bin_bounds_ms
from tocsin.query.services import ENTRY_KINDS
from tocsin.query.signals.judge import Judge, baseline_of
from tocsin.query.signals.options import SignalsOptions
from tocsin.store.read_records import NO_TRACE

PERCENTILES = ("p50", "p90", "p95", "p99")
P95 = PERCENTILES.index("p95")


@dataclass(frozen=True, slots=True)
class Figures:
    """
    What was observed of a service or endpoint in one window.

    Args:
        requests, failed: Counts.
        percentiles_ns: p50, p90, p95, p99 in nanoseconds.
        bins: Of the window itself; those of past days stay with the engine.
        failures: By bin, those that failed.
        exemplar: A trace, None when no request has one.
        entered: Whether these are spans of an entry; None for the whole.
    """

    requests: int
    failed: int
    percentiles_ns: Sequence[float]
    bins: Mapping[int, Bin]
    failures: Mapping[int, int]
    exemplar: str | None
    entered: bool | None = None


@dataclass(slots=True)
class Observed:
    """A service's or endpoint's window, None when it had no requests there, with the windows of past days, those that had any."""

    now: Figures | None = None
    past: list[Figures] = field(default_factory=list)

    def add(self, back: int, figures: Figures) -> None:
        """Put in what was found `back` windows ago."""
        if back == 0:
            self.now = figures
        else:
            self.past.append(figures)


@dataclass(frozen=True, slots=True)
class Length:
    """
    How long windows are, and how many there are.

    Args:
        window_s: The window as far as it has passed, seconds, > 0.
        past_s: One of past days, widened to whole five minutes, seconds.
        days: How many of those were looked at.
    """

    window_s: float
    past_s: float
    days: int


Implicit = Mapping[int, Bin]
"""Requests that answered wrongly, by bin."""


def figures(row: Sequence[Any]) -> Figures:
    """Requests, failed, percentiles, bins, exemplar and whether they are spans of an entry, as the statements return them."""
    requests, failed, percentiles, bins, exemplar, entered = row
    known = {number: Bin(found, shortest, longest) for number, found, _, shortest, longest in bins}
    failures = {number: broken for number, _, broken, _, _ in bins}
    return Figures(requests, failed, percentiles, known, failures, trace_of(exemplar), bool(entered))


def trace_of(exemplar: str) -> str | None:
    """None for the id of no trace."""
    return None if exemplar == NO_TRACE else exemplar


def merged(parts: Iterable[Figures], whole: Figures) -> Figures:
    """The whole with the bins of all its parts."""
    bins: dict[int, Bin] = {}
    failures: dict[int, int] = {}
    for part in parts:
        for number, known in part.bins.items():
            bins[number] = known.joined(bins.get(number))
            failures[number] = failures.get(number, 0) + part.failures.get(number, 0)
    return Figures(whole.requests, whole.failed, whole.percentiles_ns, bins, failures, whole.exemplar)


class RequestJudge:
    """
    Makes signals out of figures.

    Args:
        options: Limits and how baselines are used.
        length: Of the windows.
    """

    def __init__(self, options: SignalsOptions, length: Length) -> None:
        self._options = options
        self._length = length

    def signals(
        self,
        observed: Observed,
        *,
        service: str | None,
        operation: str | None = None,
        kind: str | None = None,
        split: ErrorSplit | None,
        saturation: Signal | None = None,
        burn: Signal | None = None,
    ) -> RequestSignals:
        """The golden signals of what was observed; `split` says what went wrong, None without requests."""
        now, length = observed.now, self._length
        thresholds = self._options.thresholds_of(service, operation)
        usual = baseline_of([past.requests for past in observed.past], length.days)
        expected = usual.median * length.window_s / length.past_s if usual is not None and usual.median is not None else None
        judge = Judge(self._options, thresholds, now.requests if now else 0, expected)
        latency = [
            judge.latency(
                name,
                now.percentiles_ns[index] / NANOSECONDS_PER_MS if now else None,
                getattr(thresholds, f"latency_{name}_ms").limits(),
                baseline_of([past.percentiles_ns[index] / NANOSECONDS_PER_MS for past in observed.past], length.days),
            )
            for index, name in enumerate(PERCENTILES)
        ]
        per_s = [past.requests / length.past_s for past in observed.past]
        traffic = judge.traffic(now.requests / length.window_s if now else None, baseline_of(per_s, length.days))
        ratios = [past.failed / past.requests for past in observed.past]
        ratio = split.total / now.requests if now and split else None
        errors = judge.errors(ratio, baseline_of(ratios, length.days), _what(split))
        found = [*latency, traffic, errors, *(one for one in (saturation, burn) if one is not None)]
        return RequestSignals(
            service=service,
            operation=operation,
            kind=kind,
            flag=worst(one.flag for one in found),
            requests=now.requests if now else 0,
            latency=latency,
            distribution=distribution(now) if now else (),
            traffic=traffic,
            errors=errors,
            errors_per_s=split.total / length.window_s if now and split else None,
            error_split=split if now else None,
            saturation=saturation,
            burn=burn,
            exemplar_trace_id=now.exemplar if now else None,
        )

    def split(self, now: Figures | None, service: str, operation: str | None, implicit: Implicit | None) -> ErrorSplit | None:
        """What went wrong with the requests; `implicit` is None where nothing is configured for it."""
        if now is None:
            return None
        limit_ms = self._options.thresholds_of(service, operation).latency_policy_ms
        wrong = None if implicit is None else min(sum(known.requests for known in implicit.values()), now.requests - now.failed)
        if limit_ms is None:
            return ErrorSplit(now.failed, wrong, None)
        slow, exact = _slower(now, implicit or {}, limit_ms * NANOSECONDS_PER_MS)
        return ErrorSplit(now.failed, wrong, slow, exact)


def together(splits: Iterable[ErrorSplit | None]) -> ErrorSplit | None:
    """The sum of what went wrong; None without any."""
    known = [split for split in splits if split is not None]
    if not known:
        return None
    implicit = [split.implicit for split in known if split.implicit is not None]
    policy = [split.policy for split in known if split.policy is not None]
    explicit, exact = sum(split.explicit for split in known), all(split.policy_exact for split in known)
    return ErrorSplit(explicit, sum(implicit) if implicit else None, sum(policy) if policy else None, exact)


def distribution(now: Figures) -> list[LatencyBin]:
    """How the latencies spread, the shortest first."""
    return [LatencyBin(*bin_bounds_ms(number), now.bins[number].requests, now.failures.get(number, 0)) for number in sorted(now.bins)]


def implicit_of(rows: Iterable[Sequence[Any]], *, entered: bool | None) -> Implicit:
    """Rows of (kind, bin, requests, shortest, longest) as bins: spans of an entry alone where there are such."""
    found: dict[int, Bin] = {}
    for kind, number, *known in rows:
        if not entered or kind in ENTRY_KINDS:
            found[number] = Bin(*known).joined(found.get(number))
    return found


def kind_word(kind: int) -> str:
    """`server`."""
    return SPAN_KINDS[kind]


def _slower(now: Figures, implicit: Implicit, limit_ns: float) -> tuple[int, bool]:
    """
    Requests that answered rightly, but took longer than the limit, and whether that is a count.

    The bin that the limit lies in is shared out as a whole: those of it that answered wrongly or failed are as slow as the rest of it.
    """
    found, all_exact = 0.0, True
    for number, known in now.bins.items():
        wrong = implicit[number].requests if number in implicit else 0
        about, exact = known.slower(known.requests - now.failures.get(number, 0) - wrong, limit_ns)
        found += about
        all_exact = all_exact and exact
    return round(found), all_exact


def _what(split: ErrorSplit | None) -> str:
    """`8 failed, 3 answered wrongly, about 2 too slow`; nothing where only failures count."""
    if split is None or (split.implicit is None and split.policy is None):
        return ""
    about_slow = "" if split.policy_exact else "about "
    parts = [("", split.explicit, "failed"), ("", split.implicit, "answered wrongly"), (about_slow, split.policy, "too slow")]
    return ", ".join(f"{about}{count:,} {word}" for about, count, word in parts if count)
