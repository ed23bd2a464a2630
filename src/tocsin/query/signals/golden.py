"""
The golden signals: latency, traffic, errors and saturation of services and endpoints (RED) beside the machine's resources (USE), each with
its limits, what is usual at this hour, and a flag with its reason.

All services and their past days come from one statement over the rollups; the rest is asked at the same time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from tocsin.errors import InvalidInput, NotFound
from tocsin.model.instant import NANOSECONDS
from tocsin.model.signals import (
    BurnRates,
    DeploymentsWithin,
    Endpoint,
    ErrorSplit,
    Flag,
    LatencyHeatmap,
    RequestSignals,
    ServiceBurn,
    Signal,
    SignalSeries,
    SignalsWall,
    Unit,
    worst,
)
from tocsin.query.fields import parse_span_query
from tocsin.query.metrics import Metrics
from tocsin.query.percentiles import NANOSECONDS_PER_MS
from tocsin.query.reading import Reading
from tocsin.query.signals.judge import Judge, level
from tocsin.query.signals.options import SignalsOptions
from tocsin.query.signals.requests import (
    P95,
    Length,
    Observed,
    RequestJudge,
    figures,
    implicit_of,
    kind_word,
    merged,
    together,
    trace_of,
)
from tocsin.query.signals.resources import ResourceAnswers, Resources, Saturation
from tocsin.query.signals.sentence import sentence, urgency
from tocsin.query.signals.timelines import heatmap, timelines
from tocsin.query.top_errors import top_errors
from tocsin.store.plan import And, Equals, Field, Or, Predicate, Scope
from tocsin.store.read_range import Within
from tocsin.store.read_services import FINE_S, SECONDS_MAX, bucket_seconds
from tocsin.store.read_signals import (
    Windows,
    coarse_seconds,
    endpoint_windows,
    endpoints_of,
    implicit_failures,
    service_hosts,
    service_windows,
    slowest_endpoints,
    windows_of,
)
from tocsin.store.render import SPANS
from tocsin.store.sql import ParameterNames

THREADS = 6  # as many questions at a time; the engine has threads of its own
WINDOW_DAYS_MAX = 31
NO_SATURATION = "nothing says how full it is; signals.saturation takes PromQL such as in-flight / most in flight"
NO_EVENTS = "its objectives observed no event"


@dataclass(frozen=True, slots=True)
class _Window:
    """The window as rollups know it, its like of past days, and how long they are."""

    asked: Within
    windows: Windows
    length: Length


class Signals:
    """
    Answers how everything is doing. Safe to use from several threads.

    Args:
        reading: Asks the store.
        metrics: Answers PromQL, for resources and saturation.
        options: Limits, baselines, queries.
        deployments: Lists deployments; None where nobody knows of any.
        burns: Gives burn rates; None without objectives.
    """

    def __init__(
        self,
        reading: Reading,
        metrics: Metrics,
        options: SignalsOptions | None = None,
        *,
        deployments: DeploymentsWithin | None = None,
        burns: BurnRates | None = None,
    ) -> None:
        self._reading = reading
        self._options = options or SignalsOptions()
        self._resources = Resources(metrics, reading.clock, self._options)
        self._implicit = _implicit_condition(self._options)
        self._deployments = deployments
        self._burns = burns

    def wall(self, within: Within, service: str | None = None) -> SignalsWall:
        """
        Everything at a glance, or what of it belongs to one service.

        Args:
            within: The window, closed on both sides, at most 31 days.
            service: Only this one; None for all.

        Raises:
            InvalidInput: The window is open, empty or too long.
        """
        window = self._window(within)
        top, seconds = self._options.top, window.windows.seconds
        with ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="signals") as pool:
            rows = pool.submit(self._reading.rows, service_windows(window.windows, service=service, names=ParameterNames()))
            slow = slowest_endpoints(seconds, service=service, limit=top, names=ParameterNames())
            slowest = pool.submit(self._reading.rows, slow)
            implicit = self._ask_implicit(pool, window, service)
            read = Within((seconds.start or 0) * NANOSECONDS, (seconds.end or 0) * NANOSECONDS)
            errors = pool.submit(top_errors, self._reading, read, service=service, limit=top)
            own_limits = self._ask_own_limits(pool, window, service)
            hosts = pool.submit(self._reading.rows, service_hosts(within, ParameterNames()))
            burns = pool.submit(self._burns, within.end or 0) if self._burns else None
            window_s = round(window.length.window_s)
            answers = self._resources.answers(end_ms=(within.end or 0) // 1_000_000, window_s=window_s)
            full = _saturations(answers, hosts.result())
            known_burns = burns.result() if burns else None
            whole, services = self._services(window, rows.result(), implicit, own_limits, full, known_burns, service)
            # A full machine is a cause: as long as users notice nothing, it warns. What they notice breaches.
            causes = worst(one.flag for one in answers.resources)
            flag = worst([*(one.flag for one in services), Flag.WARN if causes is Flag.BREACH else causes])
            return SignalsWall(
                start=read.start or 0,
                end=read.end or 0,
                updated=self._reading.clock.now_ns(),
                flag=flag,
                sentence=sentence(services, answers.resources),
                whole=whole,
                services=services,
                resources=answers.resources,
                slowest=[self._slow(row) for row in slowest.result()],
                top_errors=errors.result(),
                deployments=self._recent_deployments(within, service),
                notes=answers.notes,
            )

    def endpoints(self, service: str, within: Within) -> list[RequestSignals]:
        """
        The signals of each endpoint of a service, the busiest first; those that are usual and absent come last.

        Raises:
            InvalidInput: The window is open, empty or too long.
        """
        window = self._window(within)
        with ThreadPoolExecutor(max_workers=2, thread_name_prefix="signals") as pool:
            waiting = self._ask_implicit(pool, window, service)
            rows = self._reading.rows(endpoint_windows(window.windows, service=service, names=ParameterNames()))
            implicit = _by_endpoint(waiting.result()) if waiting else None
        observed: dict[tuple[str, int], Observed] = defaultdict(Observed)
        for operation, kind, back, *row in rows:
            observed[operation, kind].add(back, figures(row))
        judge = RequestJudge(self._options, window.length)
        found = []
        for (operation, kind), one in observed.items():
            wrong = None if implicit is None else implicit_of(implicit.get((service, operation, kind), ()), entered=None)
            split = judge.split(one.now, service, operation, wrong)
            found.append(judge.signals(one, service=service, operation=operation, kind=kind_word(kind), split=split))
        return found

    def distribution(self, service: str, within: Within, *, operation: str | None = None, columns: int = 120) -> LatencyHeatmap:
        """
        How latencies spread over time.

        Args:
            service: Whose.
            within: The window, closed on both sides.
            operation: Only this endpoint.
            columns: Most columns, 1 to 1,000.

        Raises:
            NotFound: The service, or the endpoint, had no requests.
        """
        self._window(within)
        found = heatmap(self._reading, service, within, operation=operation, columns=columns)
        if not any(found.requests):
            what = f"{service} {operation}" if operation else service
            raise NotFound(f"no request of {what} was observed in that window; look further back, or at the names of services")
        return found

    def series(self, within: Within, *, service: str | None = None, whole: bool = False, points: int = 60) -> list[SignalSeries]:
        """
        Signals over time.

        Args:
            within: The window, closed on both sides.
            service: Only this one.
            whole: One series of all services together in place of one for each.
            points: Most steps, 1 to 1,000.
        """
        self._window(within)
        return timelines(self._reading, within, service=service, whole=whole, points=points)

    def _window(self, within: Within) -> _Window:
        start, end = within.start, within.end
        if start is None or end is None or end <= start:
            raise InvalidInput("signals need a window with a start before its end; give --last 15m, or start and end")
        if end - start > WINDOW_DAYS_MAX * 86_400 * NANOSECONDS:
            raise InvalidInput(f"the window is longer than {WINDOW_DAYS_MAX} days; ask for a shorter one")
        if start < 0 or end > SECONDS_MAX * NANOSECONDS:
            raise InvalidInput("the window lies before 1970 or after 2106; nothing is kept about such times")
        seconds = bucket_seconds(within)
        assert seconds.start is not None
        assert seconds.end is not None
        windows = windows_of(seconds, days=self._options.baseline_days)
        first, last = coarse_seconds(seconds)
        # A window that reaches into the present is as long as it has lasted: its last ten seconds are not over.
        passed = min(float(seconds.end), max(self._reading.clock.now_ns() / NANOSECONDS, seconds.end - FINE_S))
        length = Length(max(passed - seconds.start, 1.0), float(last - first), windows.count)
        return _Window(within, windows, length)

    def _ask_implicit(self, pool: Executor, window: _Window, service: str | None) -> Future[list[list[Any]]] | None:
        """Spans that answered wrongly; None where nothing is configured."""
        if self._implicit is None:
            return None
        names = ParameterNames()
        vocabulary = self._reading.vocabulary(self._implicit, SPANS)
        condition = self._reading.condition(self._implicit, SPANS, vocabulary, names)
        return pool.submit(self._reading.rows, implicit_failures(condition, window.windows.seconds, service=service, names=names))

    def _ask_own_limits(self, pool: Executor, window: _Window, service: str | None) -> Future[list[list[Any]]] | None:
        """Endpoints of services that have endpoints with a limit of policy of their own; None without any such."""
        overrides = [one for one in self._options.overrides if one.operation and one.latency_policy_ms is not None]
        services = {one.service for one in overrides if service in (None, one.service)}
        if not services:
            return None
        return pool.submit(self._reading.rows, endpoints_of(window.windows.seconds, services=sorted(services), names=ParameterNames()))

    def _services(
        self,
        window: _Window,
        rows: Sequence[Sequence[Any]],
        implicit: Future[list[list[Any]]] | None,
        own_limits: Future[list[list[Any]]] | None,
        full: Mapping[str, Saturation],
        burns: Mapping[str, ServiceBurn] | None,
        only: str | None,
    ) -> tuple[RequestSignals, list[RequestSignals]]:
        """All services together, and each, the worst first."""
        whole, observed = Observed(), defaultdict[str, Observed](Observed)
        for name, is_whole, back, *row in rows:
            (whole if is_whole else observed[name]).add(back, figures(row))
        found_implicit = implicit.result() if implicit else None
        wrong = None if found_implicit is None else _by_service(found_implicit)
        judge = RequestJudge(self._options, window.length)
        summed = _split_by_endpoint(judge, own_limits.result(), found_implicit) if own_limits else {}
        # A service that only a saturation or an objective knows is shown too: that it is silent is worth knowing.
        for name in {*(burns or {}), *(full if only else ())}:
            if only in (None, name):
                observed.setdefault(name, Observed())
        services, splits = [], []
        for name, one in observed.items():
            entered = one.now.entered if one.now else None
            found = None if wrong is None else implicit_of(wrong.get(name, ()), entered=entered)
            split = summed[name] if one.now and name in summed else judge.split(one.now, name, None, found)
            splits.append(split)
            filled, burn = self._saturation(name, full.get(name)), self._burn(name, burns)
            services.append(judge.signals(one, service=name, split=split, saturation=filled, burn=burn))
        whole = self._merged(whole, observed)
        signals = self._whole(judge, whole, splits, services)
        return signals, sorted(services, key=urgency)

    def _merged(self, whole: Observed, services: Mapping[str, Observed]) -> Observed:
        if whole.now is None:
            return whole
        parts = [one.now for one in services.values() if one.now is not None]
        return Observed(merged(parts, whole.now), whole.past)

    def _whole(
        self, judge: RequestJudge, whole: Observed, splits: Sequence[ErrorSplit | None], services: Sequence[RequestSignals]
    ) -> RequestSignals:
        """The whole is as full, and burns as fast, as the service that is worst off."""
        fullest = [one.saturation for one in services if one.saturation is not None and one.saturation.value is not None]
        burning = [one.burn for one in services if one.burn is not None]
        saturation = max(fullest, key=lambda signal: signal.value or 0) if fullest else self._saturation("", None)
        burn = max(burning, key=lambda signal: -1 if signal.value is None else signal.value) if burning else None
        return judge.signals(whole, service=None, split=together(splits), saturation=saturation, burn=burn)

    def _saturation(self, service: str, known: Saturation | None) -> Signal:
        limits = self._options.thresholds_of(service).saturation.limits()
        value, where = (known.value, known.where) if known else (None, "")
        return level("saturation", "saturation", value, Unit.RATIO, limits, where=where, absent=NO_SATURATION)

    def _burn(self, service: str, burns: Mapping[str, ServiceBurn] | None) -> Signal | None:
        if burns is None or service not in burns:
            return None
        limits, burn = self._options.thresholds_of(service).burn.limits(), burns[service]
        return level("slo_burn", "SLO burn", burn.rate, Unit.TIMES, limits, where=f" ({burn.objective})", absent=NO_EVENTS)

    def _slow(self, row: Sequence[Any]) -> Endpoint:
        service, operation, kind, requests, failed, percentiles, exemplar = row
        thresholds = self._options.thresholds_of(service, operation)
        judge = Judge(self._options, thresholds, requests, None)
        p95 = judge.latency("p95", percentiles[P95] / NANOSECONDS_PER_MS, thresholds.latency_p95_ms.limits(), None)
        return Endpoint(service, operation, kind_word(kind), requests, failed, p95, trace_of(exemplar))

    def _recent_deployments(self, within: Within, service: str | None) -> list[Any]:
        if self._deployments is None:
            return []
        before = round(self._options.deployments_hours * 3600 * NANOSECONDS)
        found = self._deployments(max(0, (within.start or 0) - before), within.end or 0)
        chosen = [one for one in found if service in (None, one.service)]
        return sorted(chosen, key=lambda one: (-one.at, one.service))[: self._options.top]


def _saturations(answers: ResourceAnswers, hosts: Sequence[Sequence[str]]) -> dict[str, Saturation]:
    """How full services are: as configured, else as full as the fullest machine that their telemetry names."""
    found: dict[str, Saturation] = {}
    for service, host in hosts:
        machine = answers.machines.get(host)
        if machine is not None and (service not in found or machine.value > found[service].value):
            found[service] = machine
    return {**found, **answers.configured}


def _implicit_condition(options: SignalsOptions) -> Predicate | None:
    """The configured conditions as one; None without any."""
    parts: list[Predicate] = []
    for asked in options.implicit_errors:
        condition = parse_span_query(asked.query)
        parts.append(And((Equals(Field("service", Scope.INTRINSIC), asked.service), condition)) if asked.service else condition)
    return Or(tuple(parts)) if parts else None


def _split_by_endpoint(
    judge: RequestJudge, rows: Sequence[Sequence[Any]], implicit: Sequence[Sequence[Any]] | None
) -> dict[str, ErrorSplit | None]:
    """What went wrong in services, summed over their endpoints, each by its own limits."""
    wrong = None if implicit is None else _by_endpoint(implicit)
    splits: dict[str, list[ErrorSplit | None]] = defaultdict(list)
    for service, operation, kind, *row in rows:
        found = None if wrong is None else implicit_of(wrong.get((service, operation, kind), ()), entered=None)
        splits[service].append(judge.split(figures(row), service, operation, found))
    return {service: together(parts) for service, parts in splits.items()}


def _by_service(rows: Sequence[Sequence[Any]]) -> dict[str, list[Sequence[Any]]]:
    found: dict[str, list[Sequence[Any]]] = defaultdict(list)
    for service, _, *row in rows:
        found[service].append(row)
    return found


def _by_endpoint(rows: Sequence[Sequence[Any]]) -> dict[tuple[str, str, int], list[Sequence[Any]]]:
    found: dict[tuple[str, str, int], list[Sequence[Any]]] = defaultdict(list)
    for service, operation, kind, *row in rows:
        found[service, operation, kind].append([kind, *row])
    return found
