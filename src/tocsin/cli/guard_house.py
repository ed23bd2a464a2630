"""
A house for one guard: an empty data directory that holds the guard's telemetry and is thrown away, on a clock that stands still.

It is started with the options' defaults, whatever the machine's environment says, so that a guard says the same everywhere.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from tocsin.alert.conditions.events import EventsEvaluator
from tocsin.alert.conditions.promql import PromqlEvaluator
from tocsin.alert.definition import Comparison, Evaluator, EventsCompare, RuleSet
from tocsin.app.alerting import evaluators_of
from tocsin.app.house import House, options_for
from tocsin.app.options import Options
from tocsin.clock import RealClock, ReplayClock
from tocsin.errors import InvalidInput, Overloaded
from tocsin.model.batch import Batch
from tocsin.model.instant import NANOSECONDS, Instant, TimeRange
from tocsin.model.series import SeriesSource
from tocsin.query.fields import parse_log_query, parse_span_query
from tocsin.query.reading import Reading
from tocsin.replay.guards.definition import GuardFile, GuardQuery
from tocsin.replay.guards.freeze import LATE_NS
from tocsin.replay.guards.run import GuardRunner, Stage, needs_store, open_series_stage, rules_of
from tocsin.replay.guards.series_lines import batch_of
from tocsin.replay.guards.slice_files import is_series, series_in
from tocsin.replay.options import ReplayOptions
from tocsin.wire.door import Door
from tocsin.wire.files import Format, read

SERIES_PER_BATCH = 200
MARGIN_NS = 3600 * NANOSECONDS  # what ended in the slice is over for good by the time that the house believes it is
SERVICE = "guarded"  # of records that name none


@contextmanager
def open_stage(guard: GuardFile) -> Iterator[Stage]:
    """The stage that a guard needs: series in memory where that is enough, else a house."""
    options = Options()
    if not needs_store(guard):
        with open_series_stage(guard, options.promql, ReplayOptions()) as stage:
            yield stage
        return
    with TemporaryDirectory(prefix="tocsin-guard-") as folder:
        chosen = options_for(Path(folder), options)
        chosen = chosen.model_copy(
            update={
                "slo": options.slo.model_copy(update={"files": tuple(str(path) for path in guard.objectives)}),
                "alert": options.alert.model_copy(update={"enabled": False}),
            }
        )
        # As if asked long after: nothing of the slice is still being counted.
        with House(chosen, clock=ReplayClock(guard.end + LATE_NS + MARGIN_NS, speed=0)) as house:
            if mistakes := house.judging.definitions.mistakes:
                raise InvalidInput("\n".join(str(mistake) for mistake in mistakes))
            _load(house, guard)
            yield HouseStage(house)


def guard_runner(holds: Callable[[str], bool] | None = None) -> GuardRunner:
    """
    Runs guards on stages as they need them.

    Args:
        holds: Whether a PromQL expression holds on a server now; None: guards that ask one are left out.
    """
    ask = None if holds is None else lambda query: holds(query.promql)
    return GuardRunner(open_stage, RealClock(), Options().promql, ask_live=ask)


class HouseStage:
    """
    A stage over a house.

    Args:
        house: With the guard's telemetry in it.
    """

    def __init__(self, house: House) -> None:
        self._house = house
        self.reading = Reading(house.store.engine, house.clock)
        self._objectives = house.judging.definitions.current.objectives

    @property
    def source(self) -> SeriesSource:
        """Series that were sent, and those that are derived from spans and logs."""
        return self._house.desk.metrics.catalog

    def evaluators_on(self, promql: PromqlEvaluator) -> Evaluator:
        """Evaluators of all conditions."""
        house = self._house
        return evaluators_of(promql, house.options, desk=house.desk, judging=house.judging, clock=house.clock)

    def rules(self, paths: Sequence[Path]) -> RuleSet:
        """The rules of some files, and those of the guard's objectives; raises InvalidInput."""
        return rules_of(paths, self._objectives, self._house.options.alert, self._house.options.promql)

    def count(self, query: GuardQuery, within: TimeRange) -> int:
        """How many records a query finds."""
        seconds = max(1, within.duration_ns // NANOSECONDS)
        predicate = (parse_span_query if query.signal == "spans" else parse_log_query)(query.query)
        asked = EventsCompare(query.signal, query.query, seconds, Comparison.AT_LEAST, 0.0, predicate)
        return _total(EventsEvaluator(self.reading), asked, within.end)


def _total(evaluator: EventsEvaluator, asked: EventsCompare, at: Instant) -> int:
    return round(sum(element.value for element in evaluator.at(asked, at)))


def _load(house: House, guard: GuardFile) -> None:
    door = Door(house.options.wire.door)
    bytes_max = round(ReplayOptions().slice_mb_max * 1e6)
    for path in guard.telemetry:
        if is_series(path):
            series = series_in(path, bytes_max=bytes_max)
            while some := list(islice(series, SERIES_PER_BATCH)):
                _take(house, batch_of(some))
            continue
        for step in read(str(path), Format.OTLP_JSON, service=SERVICE, clock=house.clock, door=door, options=house.options.wire.files):
            if step.bad_lines or step.rejected:
                why = step.bad_lines[0].reason if step.bad_lines else step.message
                raise InvalidInput(f"{path} holds telemetry that can't be taken: {why}")
            if step.batch is not None:
                _take(house, step.batch)
    house.settle()
    house.keeper.run_once()


def _take(house: House, batch: Batch) -> None:
    waiting = threading.Event()
    while True:
        try:
            house.accept(batch).result()
        except Overloaded as error:  # the engine is behind the disk: let it catch up
            waiting.wait(error.retry_after_s)
        else:
            return
