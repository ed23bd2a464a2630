"""Spans and logs as metrics: counts are those of the raw data, whatever hour it is."""

from __future__ import annotations

import pytest
from tests.query.telemetry import MS, NOW, SECOND, LogLine, SpanLine, World

from tocsin.query.promql.answer import QueryAnswer

HOUR = 3600 * SECOND
# Ten minutes before a full hour: what is asked lies on both sides of a new start of every counter.
START = NOW // HOUR * HOUR - 600 * SECOND
NOW_MS = NOW // 10**6


def instant(world: World, query: str, at_ns: int) -> dict[tuple[tuple[str, str], ...], float]:
    """Values by labels."""
    answer: QueryAnswer = world.desk.metrics.instant(query, time_ms=at_ns // 10**6)
    return {one.labels.pairs: float(one.values[0]) for one in answer.series}


def requests(count: int) -> list[SpanLine]:
    """A request of `orders` every five seconds, each tenth failing, taking 4 ms each; its client `gateway` calls it."""
    return [
        line
        for number in range(count)
        for line in (
            SpanLine("call", service="gateway", trace=f"{number + 1:x}", id=f"{2 * number + 1:x}", kind="client",
                     at=START + number * 5 * SECOND, duration=5 * MS),
            SpanLine("GET /", trace=f"{number + 1:x}", id=f"{2 * number + 2:x}", parent=f"{2 * number + 1:x}", kind="server",
                     at=START + number * 5 * SECOND, duration=4 * MS, status="error" if number % 10 == 0 else "unset"),
        )
    ]  # fmt: skip


def test_increase_counts_what_was_sent_over_a_full_hour(world: World) -> None:
    """240 requests in twenty minutes around a full hour: rate and increase see all of them, although the counter starts anew."""
    world.send(*requests(240))
    found = instant(
        world, 'sum by (service) (increase(traces_spanmetrics_calls_total{span_kind="SPAN_KIND_SERVER"}[15m]))', START + 18 * 60 * SECOND
    )
    assert found[("service", "orders"),] == pytest.approx(180, rel=0.03)
    failed = instant(world, 'sum(increase(traces_spanmetrics_calls_total{status_code="STATUS_CODE_ERROR"}[15m]))', START + 18 * 60 * SECOND)
    assert failed[()] == pytest.approx(18, rel=0.1)


def test_latency_buckets_hold_the_percentiles(world: World) -> None:
    """4 ms lie in the bucket up to 4.19 ms, and the sum is theirs within the bins' width."""
    world.send(*requests(60))
    at = START + 300 * SECOND
    buckets = instant(world, 'sum by (le) (traces_spanmetrics_latency_bucket{service="orders"})', at)
    assert buckets[("le", "0.002097152"),] == 0
    assert buckets[("le", "0.004194304"),] == buckets[("le", "+Inf"),] == 60
    (total,) = instant(world, 'sum(traces_spanmetrics_latency_sum{service="orders"})', at).values()
    assert total == pytest.approx(60 * 0.004, rel=0.05)


def test_calls_between_services_are_the_service_graph(world: World) -> None:
    """Under the names and labels that Grafana's service graph asks for."""
    world.send(*requests(60))
    at = START + 300 * SECOND
    pair = (("client", "gateway"), ("server", "orders"))
    assert instant(world, "sum by (client, server) (traces_service_graph_request_total)", at) == {pair: 60}
    assert instant(world, "sum by (client, server) (traces_service_graph_request_failed_total)", at) == {pair: 6}
    assert instant(world, "sum by (client, server) (traces_service_graph_request_server_seconds_count)", at) == {pair: 60}


def test_log_records_are_counted_by_severity(world: World) -> None:
    """Ten a minute."""
    world.send(*(LogLine("line", at=START + number * 6 * SECOND, level=17 if number % 4 == 0 else 9) for number in range(40)))
    found = instant(world, 'sum by (severity) (tocsin_log_records_total{service="orders"})', START + 250 * SECOND)
    assert found == {(("severity", "error"),): 10, (("severity", "info"),): 30}


def test_only_selectors_that_name_them_see_them(world: World) -> None:
    """A selector by job alone does not make the engine read all spans."""
    world.send(*requests(3))
    at = START + 60 * SECOND
    assert instant(world, '{service="orders"}', at) == {}
    assert instant(world, '{__name__=~".+"}', at) == {}
    assert instant(world, 'count({__name__=~"traces_spanmetrics_calls.*"})', at)[()] == 3  # gateway, orders, orders failing
    values = world.desk.metrics.catalog.label_values("__name__", [], NOW_MS - 10**6, NOW_MS, limit=0)
    assert "traces_spanmetrics_calls_total" in values


def test_nothing_was_sent_is_nothing(world: World) -> None:
    """No series rather than zeros."""
    assert instant(world, "traces_spanmetrics_calls_total", START) == {}
    assert instant(world, "tocsin_log_records_total", START) == {}


def test_a_series_begins_with_what_it_counts_first(world: World) -> None:
    """Before its first request there is no sample; then a zero, so that increase sees the first one."""
    world.send(*requests(12))
    at = START + 120 * SECOND
    assert instant(world, 'traces_spanmetrics_calls_total{service="orders"}', START - 60 * SECOND) == {}
    (grown,) = instant(world, 'sum(increase(traces_spanmetrics_calls_total{span_kind="SPAN_KIND_SERVER"}[2m]))', at).values()
    assert grown == pytest.approx(12, rel=0.1)
