"""What rules write, from the evaluation through the journal into the store: seen at once, seen once, seen for good."""

from __future__ import annotations

from concurrent.futures import Future
from functools import partial
from pathlib import Path

from tests.alert.rules.stage import fill_in, group, record, series_labels

from tocsin.alert.conditions.promql import PromqlEvaluator
from tocsin.alert.definition import Promql
from tocsin.alert.rules.evaluators import Evaluators
from tocsin.alert.rules.machine import Texts
from tocsin.alert.rules.run import GroupRun
from tocsin.alert.rules.writer import RuleWriter
from tocsin.app.house import House, options_for
from tocsin.model.batch import Batch
from tocsin.query.metrics import Metrics
from tocsin.query.series.recent import RecentSeries, SeriesSample


def test_a_recording_is_seen_at_once_and_once(tmp_path: Path) -> None:
    """Before the store has a sample, while it and memory both have it, and when memory has forgotten it, a query sees the same."""
    with House(options_for(tmp_path)) as house:
        now_ms = house.clock.now_ns() // 1_000_000
        recent = RecentSeries()
        writer = RuleWriter(partial(durable, house))
        metrics = Metrics.of_engine(house.store.engine, house.clock, recent=recent)
        evaluator = PromqlEvaluator(metrics.catalog, house.clock, recent=recent)
        rules = group(record("job:up:sum", "sum by (job) (up)"), record("jobs", "count(job:up:sum)"))
        run = GroupRun(rules, Evaluators({Promql: evaluator}), texts=Texts(fill_in), clock=house.clock, recent=recent)
        writer.write([SeriesSample(series_labels(f"up{{job=a,n={number}}}"), now_ms - 60_000, 1.0) for number in range(3)])
        house.settle()
        outcome = run.step((now_ms - 30_000) * 1_000_000)
        assert [status.error for status in outcome.rules] == ["", ""]
        assert [sample.value for sample in outcome.samples] == [3.0, 1.0]
        seen = {"before": counted(metrics, now_ms)}
        writer.write(outcome.samples)
        house.settle()
        seen["both"] = counted(metrics, now_ms)
        later = Metrics.of_engine(house.store.engine, house.clock)
        seen["stored"] = counted(later, now_ms)
        assert seen == {moment: [1.0, 3.0] for moment in ("before", "both", "stored")}
        for one in (later, metrics, evaluator):
            one.close()


def durable(house: House, batch: Batch) -> Future[None]:
    """The journal's door; comes back when the batch is on the disk."""
    done = house.accept(batch)
    done.result(10)
    return done


def counted(metrics: Metrics, now_ms: int) -> list[float]:
    """How many samples the recording has, and its value."""
    answers = [metrics.instant(query, time_ms=now_ms) for query in ("count_over_time(job:up:sum[10m])", "job:up:sum")]
    return [float(series.values[0]) for answer in answers for series in answer.series]
