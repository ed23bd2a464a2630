"""Series read once for many queries: the same answers as without, and fewer questions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.clock import RealClock
from tocsin.errors import LimitExceeded
from tocsin.model.labels import Labels
from tocsin.model.native_histogram import Buckets, NativeHistogram
from tocsin.model.series import Matcher, SeriesBatch
from tocsin.query.promql.answer import QueryAnswer
from tocsin.query.promql.engine import Promql
from tocsin.query.promql.options import PromqlOptions
from tocsin.query.promql.parser import parse
from tocsin.query.series import preloaded
from tocsin.query.series.memory import MemorySeries
from tocsin.query.series.preloaded import SharedSeries
from tocsin.query.series.reach import Reach, reach_of

NOW_MS = 1_795_000_000_000
STEP_MS = 15_000
QUERIES = (
    "up",
    'up{job="a"} == 0',
    'rate(requests_total{job=~"a|b"}[5m]) > 0.1',
    "sum by (job) (rate(requests_total[2m]))",
    "requests_total offset 3m",
    "max_over_time(rate(requests_total[1m])[10m:1m])",
    "requests_total @ 1794999700",
    "avg_over_time(up[3m] offset -30s)",
    '{__name__=~"up|requests_total"}',
    "absent(nothing)",
    "up[2m] smoothed",
    "increase(requests_total[4m] anchored)",
    "histogram_quantile(0.9, rate(latency[5m]))",
    'requests_total{job!="a"} / on(job, n) up{n!~"1"}',
    "resets(requests_total[30m])",
    "changes(up[1w])",
)


class Counting(MemorySeries):
    """Series in memory that count how often they are asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int, *, samples_max: int) -> Iterator[SeriesBatch]:
        """What is in memory."""
        self.asked += 1
        yield from super().select(matchers, start_ms, end_ms, samples_max=samples_max)


@pytest.fixture
def source() -> Counting:
    """Half an hour of two metrics over three jobs with gaps and resets, and a native histogram."""
    source = Counting()
    chance = np.random.default_rng(7)
    for number in range(9):
        labels = {"job": "abc"[number % 3], "n": str(number)}
        times = [NOW_MS - STEP_MS * back for back in range(120, -3, -1) if chance.random() > 0.1]
        counts = np.cumsum(chance.random(len(times))) % 20
        source.add(Labels({**labels, "__name__": "requests_total"}), dict(zip(times, counts.tolist(), strict=True)))
        source.add(Labels({**labels, "__name__": "up"}), {at: float(chance.random() > 0.3) for at in times[: 20 * number]})
        source.add(Labels({**labels, "__name__": f"other_{number}"}), dict.fromkeys(times, 1.0))
    for number in range(2):
        points = {
            NOW_MS - STEP_MS * back: NativeHistogram(0, count=50.0 - back, sum=1.0, positive=Buckets(0, np.array([50.0 - back])))
            for back in range(40, 0, -1)
        }
        source.add(Labels({"__name__": "latency", "job": str(number)}), points)
    return source


def ask(source: object, queries: Sequence[str], shared: SharedSeries | None = None) -> list[QueryAnswer | str]:
    """The answers at one instant; of what fails, why."""
    promql = Promql(shared or source, PromqlOptions(), clock=RealClock())  # type: ignore[arg-type]
    answers: list[QueryAnswer | str] = []
    trees = [parse(query) for query in queries]
    try:
        if shared is None:
            return [promql.instant(query, time_ms=NOW_MS) for query in queries]
        with shared.held(trees, NOW_MS):
            for query, tree in zip(queries, trees, strict=True):
                answers.append(promql.instant(query, time_ms=NOW_MS, tree=tree))
    finally:
        promql.close()
    return answers


def shown(answer: QueryAnswer | str) -> object:
    """What can be compared of an answer."""
    if isinstance(answer, str):
        return answer
    series = [
        (one.labels, one.timestamps_ms.tolist(), repr(one.values.tolist() if one.values.ndim else float(one.values)), len(one.histograms))
        for one in answer.series
    ]
    return answer.type, sorted(series), answer.samples >= 0


def test_answers_are_the_same(source: Counting) -> None:
    """Instants, ranges, offsets, subqueries, fixed instants, regular expressions, histograms: as without sharing, twice in a row."""
    shared = SharedSeries(source, PromqlOptions())
    expected = [shown(answer) for answer in ask(source, QUERIES)]
    for _ in range(2):
        found = [shown(answer) for answer in ask(source, QUERIES, shared)]
        for query, one, other in zip(QUERIES, found, expected, strict=True):
            assert one == other, query


@settings(max_examples=25)
@given(st.lists(st.sampled_from(QUERIES), max_size=6), st.integers(0, 3))
def test_any_queries_together(queries: list[str], moved: int) -> None:
    """Whichever queries are evaluated together, each says what it says alone, when series came or went in between, too."""
    source = Counting()
    for number in range(4):
        times = range(NOW_MS - 40 * STEP_MS, NOW_MS + STEP_MS, STEP_MS)
        source.add(Labels({"__name__": "up", "job": "abcd"[number], "n": str(number)}), {at: float(number % 2) for at in times})
        source.add(
            Labels({"__name__": "requests_total", "job": "abcd"[number], "n": "1"}), {at: at / 1000 % 977 for at in times[number * 5 :]}
        )
    shared = SharedSeries(source, PromqlOptions())
    ask(source, queries, shared)
    source.add(Labels({"__name__": "up", "job": "new", "n": str(moved)}), {NOW_MS - 1000: 1.0})
    assert [shown(one) for one in ask(source, queries, shared)] == [shown(one) for one in ask(source, queries)]


def test_a_hundred_rules_cost_one_selection(source: Counting) -> None:
    """Metrics that look back about as far are read together, once; selectors are answered from memory."""
    shared = SharedSeries(source, PromqlOptions())
    queries = [f'rate(requests_total{{n="{number % 9}"}}[5m]) > {number}' for number in range(100)]
    ask(source, queries + [f"rate(other_{number}[5m])" for number in range(9)], shared)
    assert source.asked == 1
    statistics = shared.statistics()
    assert (statistics.selections, statistics.passed_on, statistics.reads) == (109, 0, 1)


def test_what_nobody_named_is_asked_of_the_source(source: Counting) -> None:
    """Outside of `held`, and for selectors without a name, the source answers."""
    shared = SharedSeries(source, PromqlOptions())
    ask(source, ['{job="a"}'], shared)
    assert shared.statistics().passed_on == 1
    batches = list(shared.select([parse("up").matchers[0]], 0, NOW_MS, samples_max=10**9))  # type: ignore[union-attr]
    assert batches
    assert shared.statistics().passed_on == 2


def test_a_metric_that_is_too_large_is_not_held(source: Counting) -> None:
    """The others are; after a while it is tried again."""
    shared = SharedSeries(source, PromqlOptions(), samples_max=700)
    queries = ["rate(requests_total[30m])", "rate(other_1[30m])"]
    expected = [shown(one) for one in ask(source, queries)]
    source.asked = 0
    assert [shown(one) for one in ask(source, queries, shared)] == expected
    assert source.asked == 4  # both, each alone, and then the large one's query
    source.asked = 0
    assert [shown(one) for one in ask(source, queries, shared)] == expected
    assert source.asked == 2


def test_a_metric_of_which_little_is_asked_is_not_read_whole_again(source: Counting, monkeypatch: pytest.MonkeyPatch) -> None:
    """When reading all of a metric costs more than asking for what one rule wants of it, the next time it is asked."""
    monkeypatch.setattr(preloaded, "ASKED_SAMPLES", 500)
    shared = SharedSeries(source, PromqlOptions())
    few, many = ['rate(requests_total{n="1"}[30m])'], [f'rate(requests_total{{n="{number}"}}[30m])' for number in range(9)]
    for _ in range(3):
        ask(source, few, shared)
    assert shared.statistics().selections == 1
    before = shared.statistics().selections
    for _ in range(3):
        ask(source, many, shared)
    assert shared.statistics().selections - before == 27


def test_a_query_may_not_read_more_than_it_may(source: Counting) -> None:
    """The limit of one query holds for what comes from memory."""
    shared = SharedSeries(source, PromqlOptions())
    tree = parse("requests_total[5m]")
    with shared.held([tree], NOW_MS), pytest.raises(LimitExceeded, match="more than 10 samples"):
        list(shared.select([parse("requests_total").matchers[0]], NOW_MS - 300_000, NOW_MS, samples_max=10))  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("up", {"up": Reach(-300, 0)}),
        ("rate(up[60s] offset 30s)", {"up": Reach(-90, -30)}),
        ("up offset -30s", {"up": Reach(-270, 30)}),
        ("max_over_time(rate(up[60s])[10m:1m] offset 1m)", {"up": Reach(-720, -60)}),
        ("up + up[5s:1s]", {"up": Reach(-305, 0)}),
        ("up @ 5 + {job='a'}", {}),
        ("sum(x) / (y offset 10s or x offset 20s)", {"x": Reach(-320, 0), "y": Reach(-310, -10)}),
        ("rate(up[60s] anchored)", {"up": Reach(-360, 300)}),
    ],
)
def test_how_far_back_queries_look(query: str, expected: dict[str, Reach]) -> None:
    """Ranges, offsets and subqueries add up; fixed instants and selectors without a name are left out."""
    query = query.replace("up + up[5s:1s]", "up + max_over_time(up[5s:1s])")
    found = reach_of(parse(query), 300_000)
    assert {name: Reach(one.start_ms // 1000, one.end_ms // 1000) for name, one in found.items()} == expected
