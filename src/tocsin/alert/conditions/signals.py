"""
Conditions over golden signals: is a service slow, failing, silent or full?

    latency p99 of checkout over 5m above 1s        errors of every service over 10m above 5 %        saturation beyond the wall's limits

The figures are those of the wall. With a threshold of its own a condition needs no baselines, so it is asked of a source without them;
without a threshold a signal holds while the wall flags it as breached. All conditions over one window at one instant share one answer.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from tocsin.alert.conditions.signal_history import SignalHistory
from tocsin.alert.conditions.thresholds import held
from tocsin.alert.definition import Condition, Element, SignalBreach, Vector
from tocsin.clock import Clock
from tocsin.model.instant import NANOSECONDS, Instant
from tocsin.model.labels import Labels
from tocsin.model.signals import Flag, RequestSignals, Signal, SignalsWall
from tocsin.query.metrics import Metrics
from tocsin.query.reading import Reading
from tocsin.query.signals.golden import Signals
from tocsin.query.signals.options import SignalsOptions
from tocsin.query.signals.words import show
from tocsin.slo.words import duration_words
from tocsin.store.read_range import Within

SIGNALS = ("latency", "traffic", "errors", "saturation")
PERCENTILES = (0.5, 0.9, 0.95, 0.99)  # those that the rollups' statements give
KEPT_MAX = 16
FRESH_S = 15.0  # late requests change a window after it was read
MS_PER_S = 1000.0


class Walls(Protocol):
    """What has golden signals; `query.signals.golden.Signals` is one."""

    def wall(self, within: Within, service: str | None = None) -> SignalsWall:
        """The signals of all services in a window."""
        ...


@dataclass(frozen=True, slots=True)
class _Known:
    """Services of one window, and when they were read, seconds of the monotonic clock."""

    services: Sequence[RequestSignals]
    read_at_s: float


class SignalsEvaluator:
    """
    Answers `SignalBreach`. Safe to use from several threads.

    Args:
        walls: Judges signals by limits and baselines.
        figures: The same without baselines, for conditions with a threshold; None: `walls`.
        history: Rules out most instants of a replay; None: each is asked for.
        clock: For how long an answer is used.
    """

    def __init__(self, walls: Walls, *, figures: Walls | None = None, history: SignalHistory | None = None, clock: Clock) -> None:
        self._walls = walls
        self._figures = figures or walls
        self._history = history
        self._clock = clock
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[Instant, int, bool], _Known] = OrderedDict()

    def at(self, condition: Condition, at: Instant) -> Vector:
        """
        The services whose signal is beyond its threshold in the window before an instant.

        Raises:
            TocsinError: The store can't be asked now.
        """
        assert isinstance(condition, SignalBreach)
        found: dict[str, Element | None] = {}
        # Only baselines know services that have fallen silent.
        for one in self._services(at, condition.window_s, judged=condition.threshold is None or _on_silence(condition)):
            signal = one.signal(name_of(condition))
            if one.service is not None and signal is not None and condition.service in ("", one.service):
                found[one.service] = _element(condition, one.service, signal)
        if condition.service and condition.service not in found and _on_silence(condition):
            found[condition.service] = _silent(condition, condition.service)
        return [element for element in found.values() if element is not None]

    def over(self, condition: Condition, times: Sequence[Instant]) -> Sequence[Vector]:
        """The same at each of many instants; a wall is drawn only where the history of requests leaves a doubt."""
        assert isinstance(condition, SignalBreach)
        may = self._history.may_hold(condition, times) if self._history is not None else [True] * len(times)
        return [self.at(condition, at) if one else () for at, one in zip(times, may, strict=True)]

    def _services(self, at: Instant, window_s: int, *, judged: bool) -> Sequence[RequestSignals]:
        key = (at, window_s, judged)
        # One at a time: whoever asks for the same window meanwhile finds the answer.
        with self._lock:
            now_s = self._clock.monotonic_s()
            known = self._known.get(key)
            if known is None or now_s - known.read_at_s > FRESH_S:
                wall = (self._walls if judged else self._figures).wall(Within(at - window_s * NANOSECONDS, at))
                known = self._known[key] = _Known(wall.services, now_s)
                while len(self._known) > KEPT_MAX:
                    self._known.popitem(last=False)
            return known.services


def signals_evaluator(walls: Walls, reading: Reading, metrics: Metrics, options: SignalsOptions, *, clock: Clock) -> SignalsEvaluator:
    """
    The evaluator of a server: conditions with a threshold draw walls without baselines, replays few walls at all.

    Args:
        walls: What the server shows.
        reading: Asks the store.
        metrics: Answers PromQL, for saturation.
        options: What the wall is drawn with.
        clock: The present.
    """
    lean = Signals(reading, metrics, options.model_copy(update={"baseline_days": 0, "top": 1}))
    return SignalsEvaluator(walls, figures=lean, history=SignalHistory(reading, plain_errors=plain_errors(options)), clock=clock)


def plain_errors(options: SignalsOptions) -> bool:
    """Whether the wall counts nothing but failures as errors: what the history of requests knows."""
    policies = [options.thresholds.latency_policy_ms, *(one.latency_policy_ms for one in options.overrides)]
    return not options.implicit_errors and all(limit is None for limit in policies)


def name_of(condition: SignalBreach) -> str:
    """What the wall calls the signal: `latency_p99`, `error_rate`, ..."""
    if condition.signal == "latency":
        return f"latency_p{round(condition.percentile * 100)}"
    return WALL_NAMES.get(condition.signal, condition.signal)


WALL_NAMES = {"errors": "error_rate"}


def _on_silence(condition: SignalBreach) -> bool:
    """Whether no request at all is beyond the threshold."""
    return condition.signal == "traffic" and condition.threshold is not None and held(0.0, condition.comparison, condition.threshold)


def _silent(condition: SignalBreach, service: str) -> Element:
    return Element(Labels({"service": service}), 0.0, f"not a single request over {duration_words(condition.window_s)}")


def _element(condition: SignalBreach, service: str, signal: Signal) -> Element | None:
    labels = Labels({"service": service})
    if condition.threshold is None:
        return Element(labels, _in_unit(condition, signal), signal.reason) if signal.flag is Flag.BREACH else None
    if signal.value is None and _on_silence(condition):
        return _silent(condition, service)
    if signal.value is None or not held(_in_unit(condition, signal), condition.comparison, condition.threshold):
        return None
    threshold = condition.threshold * (MS_PER_S if condition.signal == "latency" else 1)
    beyond = f"{condition.comparison.value} {show(threshold, signal.unit)}"
    note = f"{signal.title} {signal.shown} over {duration_words(condition.window_s)}, {beyond}"
    return Element(labels, _in_unit(condition, signal), note)


def _in_unit(condition: SignalBreach, signal: Signal) -> float:
    """The value in the unit of the condition: seconds for latencies."""
    value = 0.0 if signal.value is None else signal.value
    return value / MS_PER_S if condition.signal == "latency" else value
