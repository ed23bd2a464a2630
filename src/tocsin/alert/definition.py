"""
Rules as plain records: what files become, and what everything else in this room works on.

    AlertRule("CheckoutBurns", condition=BurnAbove("checkout-availability", 14.4, long_s=3600, short_s=300), labels={"severity": "page"})

Whatever a condition asks, it answers with a vector: elements with labels and a value. One machine makes alerts of them all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol, TypeAlias

from tocsin.model.instant import Instant
from tocsin.model.labels import Labels
from tocsin.query.promql.syntax import Expression
from tocsin.store.plan import Everything, Predicate


@dataclass(frozen=True, slots=True)
class Element:
    """One thing that a condition finds: it becomes one alert. `note` says in a sentence what was measured; may be empty."""

    labels: Labels
    value: float
    note: str = ""


Vector: TypeAlias = Sequence[Element]


@dataclass(frozen=True, slots=True)
class Promql:
    """A PromQL expression; each element of its instant vector is one alert. `text` as written, `expression` as a tree."""

    text: str
    expression: Expression


@dataclass(frozen=True, slots=True)
class BurnPair:
    """A burn rate that is too fast when it is exceeded over `long_s` and over `short_s` seconds at once."""

    factor: float
    long_s: int
    short_s: int


@dataclass(frozen=True, slots=True)
class BurnAbove:
    """
    An objective's budget burns faster than `factor` over the long and the short window at once, or so for one of `more`.

    All pairs of one severity are one condition, so that a budget that burns fast by two of them is one alert.

    Args:
        objective: Its key.
        factor: Burn rate, above it is too fast.
        long_s, short_s: Windows, seconds.
        bad_min: So many bad events at least must lie in the long window: on little traffic one failure is no fire. Slices are not held
            against it: each stands for many events.
        more: Further pairs, one of which is enough.
    """

    objective: str
    factor: float
    long_s: int
    short_s: int
    bad_min: float = 2.0
    more: tuple[BurnPair, ...] = ()

    @property
    def pairs(self) -> tuple[BurnPair, ...]:
        """All of them, the first first."""
        return (BurnPair(self.factor, self.long_s, self.short_s), *self.more)


class Comparison(Enum):
    """How a measured value compares with a threshold for the condition to hold; the value is how files write it."""

    ABOVE = ">"
    AT_LEAST = ">="
    BELOW = "<"
    AT_MOST = "<="


@dataclass(frozen=True, slots=True)
class EventsCompare:
    """
    A count of spans or log records over a window, or a ratio of two, compared with a threshold.

    Args:
        signal: `spans` or `logs`.
        query: As written, Lucene syntax.
        predicate: The same as a tree.
        window_s: Over the last so many seconds.
        comparison, threshold: When it holds. A count that finds nothing is 0.
        of_query, of_predicate: What the count is divided by; empty to compare the count itself.
        total_min: With a ratio: so many events at least must lie in the denominator.
        by: Attributes that split it into one alert each; at most a few hundred values.
    """

    signal: str
    query: str
    window_s: int
    comparison: Comparison
    threshold: float
    predicate: Predicate = field(default_factory=Everything)
    of_query: str = ""
    of_predicate: Predicate | None = None
    total_min: float = 1.0
    by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NewPattern:
    """
    Log records of a shape that was not seen before.

    Args:
        query: Which records, Lucene syntax, as `severity:error`.
        predicate: The same as a tree.
        window_s: First seen within the last so many seconds.
        count_min: Seen at least so often in them.
    """

    query: str
    window_s: int
    predicate: Predicate = field(default_factory=Everything)
    count_min: float = 1.0


@dataclass(frozen=True, slots=True)
class SignalBreach:
    """
    A golden signal beyond a threshold.

    Args:
        signal: `latency`, `traffic`, `errors` or `saturation`.
        service: Which; empty for every service, one alert each.
        window_s: Over the last so many seconds.
        comparison, threshold: When it holds, in the signal's unit (seconds at `percentile`, requests per second, share of requests, share
            of capacity); with None the limits of the wall decide (`signals` options).
        percentile: For latency, 0 to 1.
    """

    signal: str
    service: str
    window_s: int
    comparison: Comparison = Comparison.ABOVE
    threshold: float | None = None
    percentile: float = 0.99


@dataclass(frozen=True, slots=True)
class AtLeast:
    """
    At least `count` of several conditions hold at once, for the same values of the labels `by`.

    Args:
        count: k of n.
        conditions: The n, each with a name for the text.
        by: Labels that must be equal, as `service`.
        fast_burn: Objectives whose fast burn alone is enough (14.4 over 1 h and 5 m); `*` for every objective of the service.
        fast_burn_factor: What fast is.
        stale_s: A condition that could not be evaluated counts as its last answer for so many seconds, then as not holding.
    """

    count: int
    conditions: tuple[tuple[str, Condition], ...]
    by: tuple[str, ...] = ("service",)
    fast_burn: tuple[str, ...] = ("*",)
    fast_burn_factor: float = 14.4
    stale_s: int = 300


Condition: TypeAlias = "Promql | BurnAbove | EventsCompare | NewPattern | SignalBreach | AtLeast"


class Evaluator(Protocol):
    """Answers conditions of one kind. Safe to use from several threads; the same instant over the same data gives the same answer."""

    def at(self, condition: Condition, at: Instant) -> Vector:
        """
        What holds at one instant; empty when nothing does.

        Raises:
            TocsinError: It can't be evaluated now.
        """
        ...

    def over(self, condition: Condition, times: Sequence[Instant]) -> Sequence[Vector]:
        """What holds at each of many instants, ascending and evenly spaced: for replays over the past, in few questions."""
        ...


@dataclass(frozen=True, slots=True)
class AlertRule:
    """
    A rule that makes alerts.

    Args:
        name: Becomes the label `alertname`.
        condition: What it asks.
        for_s: How long it must hold before it fires, seconds; never on burn rates.
        keep_firing_for_s: How long it fires on after it no longer holds, seconds.
        labels: Added to what it finds; may hold templates. `severity` says who is told.
        annotations: Texts with templates: `summary`, `description`, `runbook_url`, `dashboard`.
        symptom: Whether it rests on what users see (an objective, a golden signal but saturation); None: nobody can tell from a query.
        owner: Who is responsible for it; may be empty.
        runbook: Path beside the rules, or URL; may be empty.
        service: What it is about, where that is fixed; may be empty.
        place: File and line.
    """

    name: str
    condition: Condition
    for_s: float = 0.0
    keep_firing_for_s: float = 0.0
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    symptom: bool | None = None
    owner: str = ""
    runbook: str = ""
    service: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class RecordingRule:
    """A PromQL expression whose vector is stored under the metric `name`, with `labels` set."""

    name: str
    condition: Promql
    labels: Mapping[str, str] = field(default_factory=dict)
    place: str = ""


Rule: TypeAlias = AlertRule | RecordingRule


@dataclass(frozen=True, slots=True)
class RuleGroup:
    """
    Rules that are evaluated one after another at every interval; a later one sees what an earlier one recorded.

    Args:
        name: Unique in its file.
        file: Where it stands; `objectives` for those that objectives give by themselves.
        rules: In order.
        interval_s: Between evaluations, seconds.
        offset_s: How far in the past they are evaluated, seconds.
        limit: Series or alerts that one rule may make, 0 for any number; more is an error of the rule, and clears its alerts.
    """

    name: str
    file: str
    rules: tuple[Rule, ...]
    interval_s: float = 60.0
    offset_s: float = 0.0
    limit: int = 0

    @property
    def key(self) -> str:
        """Names it among all groups."""
        return f"{self.file};{self.name}"


@dataclass(frozen=True, slots=True)
class RuleSet:
    """
    Everything that a set of rule files says, with the burn-rate rules of all objectives.

    Args:
        groups: In the order of the files.
        mistakes: What is wrong, each with its place; a file with one is not in `groups`.
        remarks: What `tocsin rules lint` would say: allowed, and probably not meant.
    """

    groups: tuple[RuleGroup, ...] = ()
    mistakes: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
