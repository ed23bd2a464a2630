"""
What an SLO says, read and checked: the plain records that files become and that everything else in this room works on.

    Objective("checkout-availability", target=0.999, indicator=EventRatio(...), window=RollingWindow(30 days), ...)

One `Objective` is one budget: an SLO with three thresholds is three of them, with keys `name`, `name/2`, `name/3`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import TypeAlias

from tocsin.model.budget import Exclusion
from tocsin.store.plan import Everything, Predicate

MINUTE_S = 60


class EventSignal(Enum):
    """Which telemetry events are; the value is its name in files."""

    SPANS = "spans"
    LOGS = "logs"


@dataclass(frozen=True, slots=True)
class EventCount:
    """
    Events of one kind, counted.

    Args:
        signal: Spans or logs.
        query: As written, Lucene syntax.
        predicate: The same as a tree.
        weight: The attribute whose number is added up, as `records`; empty to count events. Events without it, or below 0, count 0.
    """

    signal: EventSignal
    query: str
    predicate: Predicate = field(default_factory=Everything)
    weight: str = ""


@dataclass(frozen=True, slots=True)
class EventRatio:
    """
    Good events among all events: those that satisfy both `total` and `good` (or, with `inverted`, those that do not satisfy `good`,
    which then describes the bad ones). Availability, latency under a threshold, both, correctness, batch runs in time.
    """

    total: EventCount
    good: EventCount
    inverted: bool = False


@dataclass(frozen=True, slots=True)
class StreamRatio:
    """Two streams compared: what came out (`good`) of what went in (`total`). Completeness. More out than in is as good as all."""

    total: EventCount
    good: EventCount


@dataclass(frozen=True, slots=True)
class EventRate:
    """
    Every minute is one observation, good when at least `at_least_per_s` events per second were counted in it. Throughput. Minutes before
    the first event that is stored are none.
    """

    events: EventCount
    at_least_per_s: float


@dataclass(frozen=True, slots=True)
class EventFreshness:
    """
    Every minute is one observation, good when an event was seen in the `within_s` seconds before its end. Freshness. Minutes before the
    first event that is stored are none: from it on absence is bad, and a stream that was never seen stays without data.
    """

    events: EventCount
    within_s: int


@dataclass(frozen=True, slots=True)
class SeriesRatio:
    """
    PromQL: good (or, with `inverted`, bad) events and all events.

    Args:
        total: The query of all events.
        good: The query of the good ones, or of the bad ones.
        inverted: `good` describes the bad ones.
        counter: The queries give counters, so what counts is their increase; else a value is the number of events in the minute before it.
    """

    total: str
    good: str
    inverted: bool = False
    counter: bool = True


@dataclass(frozen=True, slots=True)
class SeriesValue:
    """PromQL that gives the share of good (or, with `inverted`, bad) events, 0 to 1: every minute is one observation worth that share."""

    query: str
    inverted: bool = False


class Operator(Enum):
    """How a value compares with a threshold for the observation to be good; the value is OpenSLO's word."""

    BELOW = "lt"
    AT_MOST = "lte"
    ABOVE = "gt"
    AT_LEAST = "gte"


@dataclass(frozen=True, slots=True)
class SeriesThreshold:
    """PromQL compared with a threshold: of each series every minute is one observation, good when the value at its end compares so."""

    query: str
    operator: Operator
    threshold: float


Indicator: TypeAlias = EventRatio | StreamRatio | EventRate | EventFreshness | SeriesRatio | SeriesValue | SeriesThreshold


@dataclass(frozen=True, slots=True)
class RollingWindow:
    """The last `duration_s` seconds, whole minutes."""

    duration_s: int


@dataclass(frozen=True, slots=True)
class CalendarWindow:
    """
    A period of the calendar, one after the other.

    Args:
        count: How many units a period has.
        unit: `d`, `w`, `M`, `Q` or `Y`.
        start: Local time at which some period starts, `2026-01-01 00:00:00`.
        time_zone: IANA name.
    """

    count: int
    unit: str
    start: str
    time_zone: str


Window: TypeAlias = RollingWindow | CalendarWindow


@dataclass(frozen=True, slots=True)
class Occurrences:
    """Every event counts the same. Source: OpenSLO v1, budgetingMethod."""


@dataclass(frozen=True, slots=True)
class Timeslices:
    """Slices of `slice_s` seconds count: good when at least `slice_target` of a slice's events are; without events it does not count."""

    slice_s: int
    slice_target: float


@dataclass(frozen=True, slots=True)
class RatioTimeslices:
    """Slices of `slice_s` seconds count by the share of their good events; without events a slice does not count."""

    slice_s: int


Budgeting: TypeAlias = Occurrences | Timeslices | RatioTimeslices


@dataclass(frozen=True, slots=True)
class BurnCondition:
    """Burn rate above `factor` over the long and over the short window at once; `severity` is `page`, `ticket`, `review` or `dashboard`."""

    severity: str
    factor: float
    long_s: int
    short_s: int


@dataclass(frozen=True, slots=True)
class AlertPolicyReference:
    """An OpenSLO AlertPolicy, or one of Sloth's alerts, that an SLO names or carries: what it says, for the alerting to come."""

    name: str
    severity: str = ""
    factor: float = 0.0
    lookback_s: int = 0
    alert_after_s: int = 0
    targets: tuple[str, ...] = ()
    when_no_data: bool = False
    when_resolved: bool = False
    when_breaching: bool = True
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ExternalDependency:
    """Something of others that an SLO rests on, and the share that they promise: `ExternalDependency("cloud", 0.9999)`."""

    name: str
    target: float


@dataclass(frozen=True, slots=True)
class Objective:
    """
    One target for one indicator: one error budget.

    Args:
        key: Names it everywhere: the SLO's name, with `/2` for its second objective.
        slo: The SLO's name.
        service: The service that it is about.
        target: Share of good events (or slices) that is promised, 0 < target < 1.
        indicator: What is counted.
        window: Over which time.
        budgeting: How events become budget.
        title: For people; the SLO's display name, and the objective's.
        description: In the author's words.
        labels: Of the SLO's metadata, lists joined with commas.
        policy: Name of the budget policy that applies, empty for the default one.
        dependencies: Keys of SLOs that this one can't exceed: their targets' product is the most that it can promise.
        external_dependencies: What others promise; their targets belong to that product.
        conditions: Burn-rate alerts of its own; empty for the default profile.
        alert_policies: OpenSLO alert policies that it names.
        owner: Who is responsible; may be empty.
        runbook: Where to read what to do; may be empty.
        place: File and line, for messages.
    """

    key: str
    slo: str
    service: str
    target: float
    indicator: Indicator
    window: Window
    budgeting: Budgeting = field(default_factory=Occurrences)
    title: str = ""
    description: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    policy: str = ""
    dependencies: tuple[str, ...] = ()
    external_dependencies: tuple[ExternalDependency, ...] = ()
    conditions: tuple[BurnCondition, ...] = ()
    alert_policies: tuple[AlertPolicyReference, ...] = ()
    owner: str = ""
    runbook: str = ""
    place: str = ""

    @property
    def allowed_ratio(self) -> float:
        """The error budget: the share that may be bad; 0.001 (exactly so) for a target of 0.999."""
        return float(1 - Decimal(repr(self.target)))


@dataclass(frozen=True, slots=True)
class PolicyStep:
    """
    A state of a budget policy.

    Args:
        name: `healthy`, `caution`, `freeze`, `exhausted`.
        above: It holds while more than this share of the budget is left; the last step's is -inf.
        deploys: What may be deployed: `all`, `canary`, `fixes` or `none`.
        text: What the team does then.
    """

    name: str
    above: float
    deploys: str
    text: str


@dataclass(frozen=True, slots=True)
class BudgetPolicy:
    """
    What follows from how much budget is left.

    Args:
        name: Names it.
        steps: From the most budget left to the least.
        hysteresis: A better state is entered again only once this share more than its bound is left.
        exceptions: Kinds of exception that it accepts.
        place: File and line; empty for those that ship with Tocsin.
    """

    name: str
    steps: tuple[PolicyStep, ...]
    hysteresis: float = 0.02
    exceptions: tuple[str, ...] = ("security", "incident-fix", "other")
    place: str = ""


@dataclass(frozen=True, slots=True)
class Definitions:
    """
    Everything that a set of files says.

    Args:
        objectives: By key, in the order of the files.
        policies: By name; those that ship with Tocsin are among them.
        exclusions: Those of the files; further ones come through the API.
        remarks: What is allowed but probably not meant, each with its place.
        services: Names of services by what files call them: title, or description.
        notification_targets: OpenSLO AlertNotificationTargets by name: their `target`.
        data_sources: OpenSLO DataSources by name: their `type`.
    """

    objectives: Mapping[str, Objective] = field(default_factory=dict)
    policies: Mapping[str, BudgetPolicy] = field(default_factory=dict)
    exclusions: Sequence[Exclusion] = ()
    remarks: Sequence[str] = ()
    services: Mapping[str, str] = field(default_factory=dict)
    notification_targets: Mapping[str, str] = field(default_factory=dict)
    data_sources: Mapping[str, str] = field(default_factory=dict)


def revision_of(indicator: Indicator, excluded: Sequence[Exclusion]) -> str:
    """What is counted, as 16 hexadecimal digits: changes exactly when the indicator or an exclusion with a query does."""
    queries = sorted((exclusion.query, exclusion.start, exclusion.end) for exclusion in excluded if exclusion.query)
    return hashlib.blake2b(repr((indicator, queries)).encode(), digest_size=8).hexdigest()
