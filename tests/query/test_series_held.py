"""Series read once for many queries: every query answers as it does without."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from tests.query.series_bench import block, equal
from tests.query.telemetry import NOW, SpanLine, World
from tests.store.builders import Folder

from tocsin.clock import ReplayClock
from tocsin.errors import LimitExceeded
from tocsin.model.labels import Labels
from tocsin.model.series import Matcher, SeriesBatch
from tocsin.query.promql.engine import Promql
from tocsin.query.promql.options import PromqlOptions
from tocsin.query.series.held import HeldSeries, names_in

NOW_MS = NOW // 10**6
QUERIES = (
    'sum by (instance) (rate(work_total{mode!="idle"}[5m]))',
    "work_total offset 1m",
    "max_over_time(level[10m]) - level",
    "level / on (instance) group_right rate(work_total[2m])",
    "rate(work_total[1h])",
    "absent(nothing)",
    'count({__name__=~"work.*|level"})',
    "sum(traces_spanmetrics_calls_total)",
    "vector(1)",
)


class Counting:
    """A source of two series that counts what it is asked."""

    def __init__(self) -> None:
        self.asked: list[Sequence[Matcher]] = []

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int, *, samples_max: int) -> Iterator[SeriesBatch]:
        """Nothing, noted."""
        self.asked.append(matchers)
        return iter(())


def test_queries_answer_the_same_from_memory(world: World, tmp_path: Path) -> None:
    """Ranges, offsets, matchers, regular expressions, derived series and what reaches further back than what is held."""
    instances = [("work_total", {"instance": name, "mode": mode}) for name in "ab" for mode in ("idle", "busy")]
    series = [*instances, *(("level", {"instance": name}) for name in "ab")]
    data = {
        Labels({"__name__": name, **more}): [(NOW_MS - (80 - step) * 15_000, float(step * (place + 1))) for step in range(80)]
        for place, (name, more) in enumerate(series)
    }
    (tmp_path / "blocks").mkdir()
    world.store.load(Folder(tmp_path / "blocks").segment(block(data), received=NOW))
    world.send(SpanLine(trace="1", kind="server", at=NOW - 10**9))
    source = world.desk.metrics.catalog
    held = HeldSeries.read(source, names_in(QUERIES), NOW_MS - 15 * 60_000, NOW_MS, samples_max=10_000)
    clock = ReplayClock(NOW, speed=0)
    direct, remembered = Promql(source, PromqlOptions(), clock=clock), Promql(held, PromqlOptions(), clock=clock)
    for query in QUERIES:
        answers = [
            {one.labels: float(one.values[0]) for one in engine.instant(query, time_ms=NOW_MS).series} for engine in (direct, remembered)
        ]
        assert answers[0] == answers[1], query
        assert answers[0]
    direct.close()
    remembered.close()


def test_one_selection_serves_all_that_is_named() -> None:
    """The source is asked once, however many selectors there are, and again only for what was not named or lies outside."""
    source = Counting()
    held = HeldSeries.read(source, frozenset({"up", "down"}), 100, 200, samples_max=10)
    for name in ("up", "down", "up"):
        assert list(held.select([equal("__name__", name)], 100, 200, samples_max=10)) == []
    assert len(source.asked) == 1
    list(held.select([equal("__name__", "other")], 100, 200, samples_max=10))
    list(held.select([equal("__name__", "up")], 99, 200, samples_max=10))
    list(held.select([equal("__name__", "up")], 100, 201, samples_max=10))
    assert len(source.asked) == 4
    assert HeldSeries.read(source, frozenset(), 0, 1, samples_max=10) is not None
    assert len(source.asked) == 4


@given(st.lists(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), max_size=5))
def test_names_are_those_of_selectors(names: list[str]) -> None:
    """Metrics that are made of spans and logs are left to their own source."""
    queries = [f'sum({{__name__="{name}"}})' for name in names]
    assert names_in([*queries, "tocsin_log_records_total", "vector(1)"]) == frozenset(names)


def test_too_many_samples_are_left_where_they_are() -> None:
    """Then every query reads its own, a batch at a time."""

    class Full(Counting):
        def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int, *, samples_max: int) -> Iterator[SeriesBatch]:
            if samples_max < 100:
                raise LimitExceeded("too many")
            return super().select(matchers, start_ms, end_ms, samples_max=samples_max)

    source = Full()
    held = HeldSeries.read(source, frozenset({"up"}), 0, 10, samples_max=1)
    assert list(held.select([equal("__name__", "up")], 0, 10, samples_max=100)) == []
    assert len(source.asked) == 1
