"""
What PromQL says of resources and of how full services are.

A query's highest series counts: the machine that is worst off is the one to look at, and the reason names it. A query that fails takes only
its own figure away, and a note says so.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from tocsin.clock import Clock
from tocsin.errors import TocsinError
from tocsin.model.labels import Labels
from tocsin.model.signals import Limits, ResourceSignals, Signal, Unit, worst
from tocsin.query.metrics import Metrics
from tocsin.query.option_queries import WINDOW
from tocsin.query.promql.answer import QueryAnswer
from tocsin.query.promql.engine import Promql
from tocsin.query.promql.syntax import ValueType
from tocsin.query.series.held import HeldSeries, names_in
from tocsin.query.signals.judge import level
from tocsin.query.signals.options import ResourceQueryOptions, SaturationOptions, SignalsOptions

PARTS = ("utilization", "saturation", "errors")
MACHINE = "instance"
NAMES_OF_MACHINES = "node_uname_info"
HELD_SAMPLES_MAX = 5_000_000  # 80 MB; more are read query by query, a batch at a time
WINDOW_MIN_S = 60  # a rate needs two samples, and machines are asked every 10 to 30 seconds
# A machine is as full as the fullest of these; how much is written on its disks does not slow a service.
FILLING = frozenset({"CPU", "memory", "disk"})
NO_FIGURES = {
    ValueType.MATRIX: "a range vector: write rate(...[$window]) or max_over_time(...[$window])",
    ValueType.STRING: "a text",
}
SILENT = "no metric answers; is the machine scraped?"
UNREAD = "its query gives no figure; the notes say why"

Values = Mapping[Labels, float]


@dataclass(frozen=True, slots=True)
class Saturation:
    """How full a service is, 1 is full, and of what; `where` ends the reason."""

    value: float
    where: str


@dataclass(frozen=True, slots=True)
class ResourceAnswers:
    """
    What all queries answered.

    Args:
        resources: Judged.
        configured: How full services are, by service, as configured queries say.
        machines: How full machines are, by the name that their own kernel gives them.
        notes: Which queries failed, and why.
    """

    resources: Sequence[ResourceSignals] = ()
    configured: Mapping[str, Saturation] = field(default_factory=dict)
    machines: Mapping[str, Saturation] = field(default_factory=dict)
    notes: Sequence[str] = ()


class Resources:
    """
    Asks the configured queries.

    Args:
        metrics: Where series come from, and how PromQL is evaluated.
        clock: For timeouts.
        options: Which queries, and what their answers are held against.
    """

    def __init__(self, metrics: Metrics, clock: Clock, options: SignalsOptions) -> None:
        self._metrics = metrics
        self._clock = clock
        self._options = options

    def answers(self, *, end_ms: int, window_s: int) -> ResourceAnswers:
        """Everything at `end_ms` (milliseconds since 1970), rates over the `window_s` seconds before."""
        window_s = max(WINDOW_MIN_S, window_s)
        queries = {key: query.replace(WINDOW, f"{window_s}s") for key, query in _configured(self._options)}
        queries[NAMES_OF_MACHINES] = NAMES_OF_MACHINES
        notes: list[str] = []
        unread: set[str] = set()
        found: dict[str, Values] = {key: {} for key in queries}
        try:
            source = self._held(queries.values(), end_ms, window_s)
        except TocsinError as error:
            return self._judged(found, [f"metrics of resources could not be read: {error}"], frozenset(queries))
        promql = Promql(source, self._metrics.options, clock=self._clock)
        try:
            for key, query in queries.items():
                try:
                    answer = promql.instant(query, time_ms=end_ms)
                except TocsinError as error:
                    notes.append(f"{key} could not be read: {error}")
                    unread.add(key)
                    continue
                if answer.type in NO_FIGURES:
                    unread.add(key)
                    notes.append(f"{key} answers {NO_FIGURES[answer.type]}; it needs one number per series (an instant vector)")
                    continue
                found[key] = _values(answer)
        finally:
            promql.close()
        return self._judged(found, notes, unread)

    def _held(self, queries: Iterable[str], end_ms: int, window_s: int) -> HeldSeries:
        back_ms = round(max(window_s, self._metrics.options.lookback_s) * 1000) + 1
        return HeldSeries.read(self._metrics.catalog, names_in(queries), end_ms - back_ms, end_ms, samples_max=HELD_SAMPLES_MAX)

    def _judged(self, found: Mapping[str, Values], notes: Sequence[str], unread: AbstractSet[str]) -> ResourceAnswers:
        resources = [self._resource(number, found, unread) for number in range(len(self._options.resources))]
        saturation = self._saturation(self._options.saturation, found)
        return ResourceAnswers(resources, saturation, self._machines(found, found[NAMES_OF_MACHINES]), notes)

    def _resource(self, number: int, found: Mapping[str, Values], unread: AbstractSet[str]) -> ResourceSignals:
        options = self._options.resources[number]
        signals: dict[str, Signal | None] = {}
        for part in PARTS:
            asked: ResourceQueryOptions | None = getattr(options, part)
            key = _resource_key(number, part)
            absent = UNREAD if key in unread else SILENT
            signals[part] = None if asked is None else _signal(options.name, part, asked, found.get(key, {}), absent)
        flag = worst(signal.flag for signal in signals.values() if signal is not None)
        return ResourceSignals(options.name, flag, signals["utilization"], signals["saturation"], signals["errors"])

    def _saturation(self, asked: Sequence[SaturationOptions], found: Mapping[str, Values]) -> dict[str, Saturation]:
        """By service; the first query that answers for it counts, of its series the highest."""
        services: dict[str, Saturation] = {}
        for number, options in enumerate(asked):
            where = f" ({options.title})" if options.title else ""
            highest: dict[str, float] = {}
            for labels, value in found[_saturation_key(number)].items():
                service = options.service or labels.get(options.label)
                if not service:
                    continue
                highest[service] = max(value, highest.get(service, value))
            for service, value in highest.items():
                services.setdefault(service, Saturation(value, where))
        return services

    def _machines(self, found: Mapping[str, Values], names: Values) -> dict[str, Saturation]:
        """How full each machine is, by its own name."""
        named = {labels.get(MACHINE): labels.get("nodename") for labels in names}
        machines: dict[str, Saturation] = {}
        for number, options in enumerate(self._options.resources):
            asked = options.utilization
            if asked is None or asked.unit is not Unit.RATIO or options.name not in FILLING:
                continue
            for labels, value in found[_resource_key(number, "utilization")].items():
                name = named.get(labels.get(MACHINE))
                if name and (name not in machines or value > machines[name].value):
                    machines[name] = Saturation(value, f" ({options.name} of its machine {name})")
        return machines


def _values(answer: QueryAnswer) -> Values:
    """Numbers by labels; what is no number, or the infinity that a division by nothing gives, is left out."""
    found = {one.labels: float(one.values[0]) for one in answer.series if len(one.values)}
    if answer.type is ValueType.SCALAR:
        found = {Labels(): answer.scalar}
    return {labels: value for labels, value in found.items() if math.isfinite(value)}


def _signal(resource: str, part: str, asked: ResourceQueryOptions, values: Values, absent: str) -> Signal:
    limits = Limits(asked.warn, asked.breach)
    name = f"{resource}_{part}".lower().replace(" ", "_")
    if not values:
        return level(name, f"{resource} {part}", None, asked.unit, limits, absent=absent)
    labels, value = max(values.items(), key=lambda item: item[1])
    machine = labels.get(MACHINE)
    return level(name, f"{resource} {part}", value, asked.unit, limits, where=f" on {machine}" if machine else "")


def _configured(options: SignalsOptions) -> Iterable[tuple[str, str]]:
    """Every query with the key of its place in the options."""
    for number, resource in enumerate(options.resources):
        for part in PARTS:
            if (asked := getattr(resource, part)) is not None:
                yield _resource_key(number, part), asked.query
    for number, saturation in enumerate(options.saturation):
        yield _saturation_key(number), saturation.query


def _resource_key(number: int, part: str) -> str:
    return f"signals.resources.{number}.{part}.query"


def _saturation_key(number: int) -> str:
    return f"signals.saturation.{number}.query"
