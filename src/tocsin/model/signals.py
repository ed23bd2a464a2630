"""
Golden signals: how services, their endpoints and the machine's resources are doing, each figure with its limits, what is usual, and a flag
with its reason. Frozen, JSON by pydantic's ordinary rules, shared by API and terminal.

A figure that nothing was observed for is None and flagged NO_DATA: no data is not zero, and not all right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from tocsin.model.answers import TopError
from tocsin.model.deployment import Deployment
from tocsin.model.instant import Instant


class Flag(Enum):
    """How a signal stands; the value is its name in JSON."""

    OK = "OK"
    WARN = "WARN"
    BREACH = "BREACH"
    NO_DATA = "NO_DATA"


class Unit(Enum):
    """What a signal is measured in; the value is its name in JSON."""

    MILLISECONDS = "ms"
    PER_SECOND = "1/s"
    RATIO = "ratio"
    TIMES = "x"
    NUMBER = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """From where on a signal is warned of, and breached; None for never. Reaching a limit is not yet beyond it."""

    warn: float | None = None
    breach: float | None = None


@dataclass(frozen=True, slots=True)
class Baseline:
    """
    What is usual: the same window of past days at the same hour.

    Args:
        median: Of the days that had any; None without such.
        low, high: The lowest and the highest of them; of five and more, without the most extreme one on either side.
        days: How many had any.
        days_asked: How many were looked at.
    """

    median: float | None
    low: float | None
    high: float | None
    days: int
    days_asked: int


@dataclass(frozen=True, slots=True)
class Signal:
    """
    One figure.

    Args:
        name: Names it for programs: `latency_p95`.
        title: Names it for people: `latency p95`.
        value: In `unit`; None when nothing was observed.
        unit: What `value`, limits and baseline are measured in.
        shown: The value as people read it: `5,000 ms`, `10.0 %`; a dash for none.
        limits: What it is held against; None when nothing is.
        baseline: What is usual; None when nobody looked.
        flag: How it stands.
        reason: Why, in words: `p95 5,000 ms is above 1,000 ms`.
    """

    name: str
    title: str
    value: float | None
    unit: Unit
    shown: str
    limits: Limits | None
    baseline: Baseline | None
    flag: Flag
    reason: str


@dataclass(frozen=True, slots=True)
class LatencyBin:
    """Requests that took more than `low_ms` and at most `high_ms`, and how many of them failed."""

    low_ms: float
    high_ms: float
    requests: int
    failed: int


@dataclass(frozen=True, slots=True)
class ErrorSplit:
    """
    What went wrong with requests; each is counted once, by the first that applies.

    Args:
        explicit: It failed: its span says so (a 5xx answer, an exception).
        implicit: It answered, but wrongly: it matches the configured query. None when none is configured.
        policy: It answered rightly, but slower than the configured limit. None when no limit is configured. Of a service whose endpoints
            have limits of their own, the sum over those, each by its own.
        policy_exact: Whether `policy` is a count. Else the limit lies within a bin of latencies (9 % wide), whose requests are shared out
            between its two sides.
    """

    explicit: int
    implicit: int | None
    policy: int | None
    policy_exact: bool = True

    @property
    def total(self) -> int:
        """All of them."""
        return self.explicit + (self.implicit or 0) + (self.policy or 0)


@dataclass(frozen=True, slots=True)
class RequestSignals:
    """
    The four golden signals of a service, of one of its endpoints, or of the whole.

    Args:
        service: Whose; None for the whole: all requests of all services, each service's own counted.
        operation, kind: Which endpoint; None for the service.
        flag: The worst of all signals below that have data; NO_DATA when none has.
        requests: How many were observed.
        latency: p50, p90, p95 and p99.
        distribution: How the latencies spread, the shortest first; bins without requests are left out.
        traffic: Requests per second.
        errors: Share of requests that went wrong, 0 to 1.
        errors_per_s: The same per second; None without requests.
        error_split: What went wrong with them; None without requests.
        saturation: How full it is, 1 is full; None for an endpoint.
        burn: How fast it spends its error budget; None for an endpoint and without objectives.
        exemplar_trace_id: The slowest failure, or the slowest request.
    """

    service: str | None
    operation: str | None
    kind: str | None
    flag: Flag
    requests: int
    latency: Sequence[Signal]
    distribution: Sequence[LatencyBin]
    traffic: Signal
    errors: Signal
    errors_per_s: float | None
    error_split: ErrorSplit | None
    saturation: Signal | None
    burn: Signal | None
    exemplar_trace_id: str | None

    def signal(self, name: str) -> Signal | None:
        """The signal of that name; None when it has none such."""
        return next((signal for signal in self.signals() if signal.name == name), None)

    def signals(self) -> list[Signal]:
        """All of them: latencies, traffic, error rate, saturation, burn."""
        optional = [signal for signal in (self.saturation, self.burn) if signal is not None]
        return [*self.latency, self.traffic, self.errors, *optional]

    def rows(self) -> list[Signal]:
        """What a wall shows of it: latency p95, traffic, error rate, saturation, SLO burn."""
        return [signal for signal in self.signals() if signal.name not in {"latency_p50", "latency_p90", "latency_p99"}]


@dataclass(frozen=True, slots=True)
class ResourceSignals:
    """A resource by the USE method: how busy it is, how much waits for it, what failed in it; None where nothing measures that."""

    name: str
    flag: Flag
    utilization: Signal | None
    saturation: Signal | None
    errors: Signal | None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One of the slowest endpoints."""

    service: str
    operation: str
    kind: str
    requests: int
    failed: int
    p95: Signal
    exemplar_trace_id: str | None


@dataclass(frozen=True, slots=True)
class SignalsWall:
    """
    Everything that a wall shows.

    Args:
        start, end: The window that requests are counted in: the one asked for, widened to whole ten seconds.
        updated: When these figures were read.
        flag: The worst of services and resources, of which a breach only warns here; NO_DATA when there is nothing at all.
        sentence: The state of the world in one sentence.
        whole: All services together.
        services: Each service, the worst first, then by name.
        resources: Of the machines.
        slowest: Endpoints with the highest p95.
        top_errors: The commonest failures.
        deployments: In the window and before it, as far back as configured, the newest first.
        notes: What could not be read, and why.
    """

    start: Instant
    end: Instant
    updated: Instant
    flag: Flag
    sentence: str
    whole: RequestSignals
    services: Sequence[RequestSignals]
    resources: Sequence[ResourceSignals]
    slowest: Sequence[Endpoint]
    top_errors: Sequence[TopError]
    deployments: Sequence[Deployment]
    notes: Sequence[str]


@dataclass(frozen=True, slots=True)
class SignalSeries:
    """
    Signals over time, for small charts: a value per step, None where nothing was observed.

    Args:
        service: Whose; None for all services together.
        start: Of the first step.
        step_s: Length of a step, seconds.
        p50_ms, p90_ms, p95_ms, p99_ms: Latencies.
        per_s: Requests per second.
        error_ratio: Share of requests that failed, 0 to 1.
    """

    service: str | None
    start: Instant
    step_s: int
    p50_ms: Sequence[float | None]
    p90_ms: Sequence[float | None]
    p95_ms: Sequence[float | None]
    p99_ms: Sequence[float | None]
    per_s: Sequence[float | None]
    error_ratio: Sequence[float | None]


@dataclass(frozen=True, slots=True)
class LatencyRow:
    """A row of a heatmap: latencies above `low_ms`, up to `high_ms`."""

    low_ms: float
    high_ms: float


@dataclass(frozen=True, slots=True)
class LatencyHeatmap:
    """
    How latencies spread over time.

    Args:
        service: Whose.
        operation: Of which endpoint; None for all.
        start: Of the first column.
        step_s: Width of a column, seconds.
        rows: Ranges of latency, the shortest first.
        requests: A list per column with the requests in each row; None for a column without any.
        failed: The same for those that failed.
    """

    service: str
    operation: str | None
    start: Instant
    step_s: int
    rows: Sequence[LatencyRow]
    requests: Sequence[Sequence[int] | None]
    failed: Sequence[Sequence[int] | None]


@dataclass(frozen=True, slots=True)
class ServiceBurn:
    """The worst burn rate among a service's objectives: 1 spends exactly the budget. `rate` is None when no event was observed."""

    rate: float | None
    objective: str
    window_s: int


DeploymentsWithin: TypeAlias = Callable[[int, int], Sequence[Deployment]]
"""Deployments from an instant (included) to another (left out), nanoseconds since 1970."""

BurnRates: TypeAlias = Callable[[int], Mapping[str, ServiceBurn]]
"""The worst burn rate by service, at an instant, for the services that have objectives."""


def worst(flags: Iterable[Flag]) -> Flag:
    """BREACH before WARN before OK; NO_DATA only when there is nothing else."""
    found = set(flags)
    return next((flag for flag in (Flag.BREACH, Flag.WARN, Flag.OK) if flag in found), Flag.NO_DATA)
