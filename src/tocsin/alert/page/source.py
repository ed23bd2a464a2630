"""
Finds what a page says beyond its alerts: how the budget stands, what was deployed just before, a trace that shows it, the top error.

All parts are asked at once; what gives no answer within a time limit, or fails, is left out and said. A page waits for nobody for long.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from typing import Literal, Protocol, TypeAlias

from tocsin.alert.page.facts import BurnFacts, ErrorFacts, PageFacts
from tocsin.alert.page.text import TITLE_CHARS_MAX, PageText, one_line
from tocsin.alert.page.writing import PageAddresses, service_of, write_page
from tocsin.clock import Clock
from tocsin.errors import NotFound, TocsinError
from tocsin.model.answers import TopError, TracePage
from tocsin.model.deployment import Deployment
from tocsin.model.instant import NANOSECONDS, Instant
from tocsin.model.notification import Notification
from tocsin.slo.answers import Budget
from tocsin.slo.words import span_words

LIMIT_S = 2.0
DEPLOYMENTS_BEFORE_S = 2 * 3600
TELEMETRY_BEFORE_S = 900
OBJECTIVE_LABELS = ("objective", "slo")
PRESENT_WINDOWS_S = (3600, 21_600, 86_400)  # as the forecast of a budget does: the last hour, without events there a longer time
WORKERS = 6

_LOG = logging.getLogger(__name__)


class BudgetSource(Protocol):
    """Where budgets are; `slo.desk.SloDesk` is one."""

    def budget(self, key: str, *, at: Instant | None = None) -> Budget:
        """How one objective stands; raises NotFound."""
        ...


class DeploymentsBetween(Protocol):
    """Where deployments are; `query.deployments.Deployments` is one."""

    def between(self, start: int, end: int, *, service: str | None = None) -> Sequence[Deployment]:
        """Those from `start` (included) to `end` (left out)."""
        ...


class Telemetry(Protocol):
    """Where errors and traces are; `query.desk.Desk` is one."""

    def errors(
        self, *, service: str | None = None, start: int | str | None = None, end: int | str | None = None, limit: int = 20
    ) -> list[TopError]:
        """The commonest failures."""
        ...

    def traces(
        self,
        query: str = "",
        *,
        service: str | None = None,
        start: int | str | None = None,
        end: int | str | None = None,
        order: Literal["newest", "slowest"] = "newest",
        limit: int = 20,
    ) -> TracePage:
        """Traces of a service."""
        ...


Part: TypeAlias = Callable[[Notification, PageFacts], PageFacts]


@dataclass(frozen=True, slots=True)
class PageSources:
    """
    Where facts come from; what is None is not asked.

    Args:
        budgets: How objectives stand.
        deployments: What was deployed.
        telemetry: Errors and traces.
    """

    budgets: BudgetSource | None = None
    deployments: DeploymentsBetween | None = None
    telemetry: Telemetry | None = None


@dataclass(frozen=True, slots=True)
class PageStatistics:
    """
    Pages since the start.

    Args:
        pages: Pages for which facts were asked.
        late: Facts that were left out because they took too long.
        failed: Facts that were left out because they could not be found.
    """

    pages: int = 0
    late: int = 0
    failed: int = 0


class PageFactsSource:
    """
    Finds facts, and writes pages with them. Safe to use from several threads.

    Args:
        sources: Where they come from.
        clock: The present.
        addresses: Where links of pages lead.
        limit_s: Longest time for all of them together, seconds.
        workers: How many questions are asked at once, by all pages.
    """

    def __init__(
        self,
        sources: PageSources,
        *,
        clock: Clock,
        addresses: Callable[[], PageAddresses] = PageAddresses,
        limit_s: float = LIMIT_S,
        workers: int = WORKERS,
    ) -> None:
        self._sources = sources
        self._clock = clock
        self._addresses = addresses
        self._limit_s = limit_s
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="page-facts")
        self._lock = threading.Lock()
        self._statistics = PageStatistics()

    def page(self, notification: Notification) -> PageText:
        """The text of a page, with all that could be found in time; raises nothing, whatever is wrong with the facts."""
        try:
            return write_page(notification, self.facts(notification), self._addresses(), self._clock.now_ns())
        except Exception:  # noqa: BLE001 - a page must go out
            _LOG.exception("a page goes out without its facts: they can't be written down")
            self._count(failed=1)
            return self.bare(notification)

    def bare(self, notification: Notification) -> PageText:
        """The text without facts: nothing is asked."""
        try:
            return write_page(notification, PageFacts(service_of_notification(notification)), self._addresses(), self._clock.now_ns())
        except Exception:  # noqa: BLE001 - a page must go out
            _LOG.exception("a page goes out with its alerts' names alone")
            names = ", ".join(dict.fromkeys(alert.name for alert in notification.alerts))
            return PageText(one_line(f"{notification.status}: {names}", TITLE_CHARS_MAX), firing=bool(notification.firing))

    def statistics(self) -> PageStatistics:
        """Counts since the start."""
        with self._lock:
            return self._statistics

    def facts(self, notification: Notification) -> PageFacts:
        """What is known; what is not, and why, is in `missing`."""
        known = PageFacts(service_of_notification(notification))
        if not notification.firing:
            return known
        asked = {name: self._pool.submit(part, notification, known) for name, part in self._parts(notification, known).items()}
        wait(asked.values(), timeout=self._limit_s)
        for name, future in asked.items():
            known = self._joined(name, future, known)
        self._count(pages=1)
        return known

    def close(self) -> None:
        """Ask no more; what is under way is not waited for."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _count(self, *, pages: int = 0, late: int = 0, failed: int = 0) -> None:
        with self._lock:
            last = self._statistics
            self._statistics = PageStatistics(last.pages + pages, last.late + late, last.failed + failed)

    def _parts(self, notification: Notification, known: PageFacts) -> Mapping[str, Part]:
        """What is worth asking, by the words that say it is missing."""
        parts: dict[str, Part] = {}
        if self._sources.budgets is not None and _objective_labels(notification):
            parts["the budget"] = self._burn
        if self._sources.deployments is not None and known.service:
            parts["deployments"] = self._deployments
        if self._sources.telemetry is not None and known.service:
            parts["a trace"] = self._telemetry
        return parts

    def _joined(self, name: str, future: Future[PageFacts], known: PageFacts) -> PageFacts:
        if not future.done():
            future.cancel()
            self._count(late=1)
            return replace(known, missing=(*known.missing, f"{name}: no answer within {self._limit_s:g} s"))
        failure = future.exception()
        if failure is not None:
            self._count(failed=1)
            why = one_line(str(failure), 160) if isinstance(failure, TocsinError) else type(failure).__name__
            return replace(known, missing=(*known.missing, f"{name}: {why}"))
        found = future.result()
        return replace(
            known,
            burn=found.burn or known.burn,
            deployments=found.deployments or known.deployments,
            trace_id=found.trace_id or known.trace_id,
            trace_why=found.trace_why or known.trace_why,
            error=found.error or known.error,
        )

    def _burn(self, notification: Notification, known: PageFacts) -> PageFacts:
        assert self._sources.budgets is not None
        failure: NotFound | None = None
        for key in _objective_labels(notification):
            try:
                return replace(known, burn=burn_facts(self._sources.budgets.budget(key)))
            except NotFound as error:
                failure = failure or error
        assert failure is not None
        raise failure

    def _deployments(self, notification: Notification, known: PageFacts) -> PageFacts:
        assert self._sources.deployments is not None
        start = min(alert.starts_at for alert in notification.firing) - DEPLOYMENTS_BEFORE_S * NANOSECONDS
        found = self._sources.deployments.between(start, self._clock.now_ns() + 1, service=known.service)
        return replace(known, deployments=tuple(sorted(found, key=lambda one: one.at, reverse=True)))

    def _telemetry(self, _: Notification, known: PageFacts) -> PageFacts:
        """The commonest error with its trace; where nothing failed, the slowest trace."""
        telemetry = self._sources.telemetry
        assert telemetry is not None
        end = self._clock.now_ns()
        start = end - TELEMETRY_BEFORE_S * NANOSECONDS
        errors = telemetry.errors(service=known.service, start=start, end=end, limit=5)
        shown = next((error for error in errors if error.exemplar_trace_id), None)
        error = (
            ErrorFacts(errors[0].operation, errors[0].message or errors[0].kind, errors[0].count, TELEMETRY_BEFORE_S) if errors else None
        )
        if shown is not None and shown.exemplar_trace_id:
            return replace(known, error=error, trace_id=shown.exemplar_trace_id, trace_why="failed")
        slowest = telemetry.traces(service=known.service, start=start, end=end, order="slowest", limit=1).traces
        return replace(known, error=error, trace_id=slowest[0].trace_id if slowest else "", trace_why="slow" if slowest else "")


def service_of_notification(notification: Notification) -> str:
    """The service that its alerts share, or the first that one of them names."""
    shared = service_of(notification.common_labels)
    return shared or next((name for alert in notification.alerts if (name := service_of(alert.labels))), "")


def burn_facts(budget: Budget) -> BurnFacts:
    """What a page says of a budget."""
    burns = {burn.window_s: burn for burn in budget.burn_rates}
    present = next((burns[one] for one in PRESENT_WINDOWS_S if one in burns and burns[one].rate is not None), None)
    length_s = (budget.window_end - budget.window_start) // NANOSECONDS
    return BurnFacts(
        objective=budget.objective,
        budget=f"{span_words(length_s)} budget",
        rate=present.rate if present else None,
        rate_over_s=present.window_s if present else 0,
        remaining_ratio=budget.figures.remaining_ratio,
        exhausted_in_s=budget.exhausted_in_s,
        bad=present.bad if present else 0.0,
        total=present.total if present else 0.0,
        unit=budget.figures.unit,
    )


def _objective_labels(notification: Notification) -> list[str]:
    """Keys of objectives that its alerts name, those that they share first."""
    named = [labels.get(name) for name in OBJECTIVE_LABELS for labels in (notification.common_labels, notification.firing[0].labels)]
    return list(dict.fromkeys(key for key in named if key))
