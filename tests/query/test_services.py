"""Services, operations, the map, top errors: from rollups and spans, never from averaged percentiles."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.query.telemetry import MINUTE, MS, NOW, SECOND, LogLine, SpanLine, World, trace_id

from tocsin.query.percentiles import ERROR_FACTOR_MAX, Bin, bin_bounds_ms, bin_middle_ns, percentile_ms

START = NOW // (300 * SECOND) * 300 * SECOND


def bin_of(duration_ns: int) -> int:
    """The bin that the rollup puts a duration into."""
    return -1 if duration_ns == 0 else math.ceil(math.log2(duration_ns) * 8) - 1


@given(st.lists(st.integers(2, 10**12), min_size=1, max_size=200), st.sampled_from([0.01, 0.5, 0.9, 0.95, 0.99, 1.0]))
def test_percentiles_stay_within_the_promised_error(durations: list[int], quantile: float) -> None:
    """From bins alone, a percentile is off by a factor of at most 2^(1/16) = 1.045, whatever the distribution."""
    bins: dict[int, Bin] = {}
    for duration in durations:
        bins[bin_of(duration)] = Bin(1, duration, duration).joined(bins.get(bin_of(duration)))
    exact = sorted(durations)[math.ceil(quantile * len(durations) - 1e-9) - 1]
    found = percentile_ms(bins, quantile)
    assert found is not None
    assert 1 / ERROR_FACTOR_MAX - 1e-9 <= found * MS / exact <= ERROR_FACTOR_MAX + 1e-9


def test_without_requests_there_is_no_percentile() -> None:
    """Nothing observed is not zero."""
    assert percentile_ms({}, 0.5) is None
    assert bin_middle_ns(-1) < 1


def test_a_percentile_of_like_requests_is_exact(world: World) -> None:
    """Where a bin's requests took equally long, or there is only one, the percentile is that very duration, through both rollups."""
    lines = [SpanLine(trace=f"{number + 1:x}", kind="server", at=START + number * 100 * SECOND, duration=5000 * MS) for number in range(9)]
    world.send(*lines, SpanLine(trace="f1", kind="server", at=START, duration=7 * MS + 1))
    (summary,) = world.desk.services(start=START, end=START + 1010 * SECOND)
    assert (summary.p95_ms, summary.p50_ms) == (5000.0, 5000.0)
    assert percentile_ms({0: Bin(1, 7 * MS + 1, 7 * MS + 1)}, 1.0) == 7.000001


@given(st.integers(0, 10**13))
def test_a_bin_holds_what_the_rollup_puts_into_it(duration: int) -> None:
    """The bounds of a duration's bin hold it, the lower one left out."""
    low, high = bin_bounds_ms(bin_of(duration))
    assert low * MS < duration * (1 + 1e-12) <= high * MS * (1 + 2e-12) or duration == 0


def test_merged_percentiles_are_those_of_all_requests(world: World) -> None:
    """Over many buckets and two rollups the percentile is that of all requests together, and counts, errors and rates are exact."""
    spans = [
        SpanLine("GET /", trace=f"{number + 1:x}", id=f"{number + 1:x}", kind="server", at=START + number * 13 * SECOND,
                 duration=(1 if number < 90 else 1000) * MS, status="error" if number % 10 == 0 else "unset")
        for number in range(100)
    ]  # fmt: skip
    world.send(*spans, SpanLine("inner", trace="1", id="ffff", parent="1", at=START, duration=SECOND))
    (summary,) = world.desk.services(start=START, end=START + 1300 * SECOND)
    assert (summary.service, summary.requests, summary.errors, summary.error_ratio) == ("orders", 100, 10, 0.1)
    assert summary.rate_per_s == pytest.approx(100 / 1300)
    assert summary.p50_ms == pytest.approx(1, rel=0.046)
    assert summary.p90_ms == pytest.approx(1, rel=0.046)
    assert summary.p95_ms == pytest.approx(1000, rel=0.046)
    (open_ended,) = world.desk.services()
    assert (open_ended.requests, open_ended.p95_ms) == (100, summary.p95_ms)
    assert open_ended.rate_per_s == pytest.approx(100 / 1500)


@pytest.mark.parametrize(("start", "end"), [(0, 10), (290, 310), (10, 290), (0, 300), (10, 1210), (600, 1500), (5, 15)])
def test_ranges_are_exact_to_ten_seconds(world: World, start: int, end: int) -> None:
    """Whatever rollups a range is put together from, it counts the requests of its ten-second buckets, each once."""
    world.send(*(SpanLine(trace=f"{at + 1:x}", kind="server", at=START + at * SECOND) for at in range(0, 1500, 5)))
    expected = sum(start // 10 * 10 <= at < -(-end // 10) * 10 for at in range(0, 1500, 5))
    found = world.desk.services(start=START + start * SECOND, end=START + end * SECOND)
    assert sum(summary.requests for summary in found) == expected


def test_a_service_without_server_spans_is_judged_by_all(world: World) -> None:
    """Server and consumer spans are a service's requests; a service that has none is judged by what it has."""
    world.send(
        SpanLine("GET", trace="1", kind="server"), SpanLine("q", trace="1", id="2", parent="1", kind="client"),
        SpanLine("batch", trace="2", service="job"), SpanLine("take", trace="3", service="worker", kind="consumer"),
    )  # fmt: skip
    assert {summary.service: summary.requests for summary in world.desk.services()} == {"job": 1, "orders": 1, "worker": 1}
    operations = world.desk.operations("orders")
    assert {(summary.operation, summary.kind, summary.requests) for summary in operations} == {("GET", "server", 1), ("q", "client", 1)}
    assert world.desk.operations("nobody") == []


def test_an_exemplar_shows_the_worst(world: World) -> None:
    """The exemplar is the trace of a failure where there is one, of the slowest request otherwise."""
    world.send(
        SpanLine(trace="1", kind="server", duration=MS), SpanLine(trace="2", kind="server", duration=SECOND),
        SpanLine(trace="3", kind="server", duration=2 * MS, status="error"), SpanLine(trace="4", service="mail", duration=SECOND),
        SpanLine(trace="5", service="mail", duration=MS),
    )  # fmt: skip
    assert {summary.service: summary.exemplar_trace_id for summary in world.desk.services()} == {
        "orders": trace_id("3"),
        "mail": trace_id("4"),
    }


def test_an_empty_store_has_no_services(world: World) -> None:
    """Nothing stored gives empty answers, not failures."""
    assert world.desk.services() == []
    assert world.desk.services(start="now-1h", end="now") == []
    assert world.desk.errors() == []
    assert (world.desk.service_map().edges, world.desk.service_map().traces_examined) == ([], 0)


def test_the_map_draws_calls_between_services(world: World) -> None:
    """A client span with a child in another service is a call; calls inside a service are none; failures on either side count."""
    world.send(
        *(
            line
            for number in range(3)
            for line in (
                SpanLine("in", trace=f"{number + 1}", id="1", service="gateway", kind="server", at=NOW + number * MINUTE),
                SpanLine("out", trace=f"{number + 1}", id="2", parent="1", service="gateway", kind="client", at=NOW + number * MINUTE,
                         duration=(number + 1) * 10 * MS),
                SpanLine("in", trace=f"{number + 1}", id="3", parent="2", kind="server", at=NOW + number * MINUTE,
                         status="error" if number == 2 else "unset"),
            )
        ),
        SpanLine("alone", trace="9", service="mail"),
    )  # fmt: skip
    found = world.desk.service_map()
    assert (found.services, found.traces_examined) == (["gateway", "mail", "orders"], 4)
    (edge,) = found.edges
    assert (edge.caller, edge.callee, edge.calls, edge.errors, edge.p50_ms, edge.p95_ms) == ("gateway", "orders", 3, 1, 20.0, 30.0)
    assert world.desk.service_map(traces_max=1).edges[0].calls == 1


def test_errors_are_grouped_by_kind_and_place(world: World) -> None:
    """Failures that differ only in numbers and ids are one kind; exceptions name theirs; logs and spans are told apart."""
    world.send(
        *(
            SpanLine("charge", trace=f"{number}", at=NOW + number, status="error",
                     events=[("exception", {"exception.type": "Declined",
                      "exception.message": f"card {number} of order a1b2c3d4e{number}"})])
            for number in (1, 2, 3)
        ),
        SpanLine("charge", trace="4", status="error", message="no route"),
        SpanLine("fine", trace="5"),
        LogLine("worker 7 died", at=NOW + 5, level=17, service="mail", event_name="crash"),
        LogLine("worker 8 died", at=NOW + 6, level=21, service="mail", event_name="crash", attributes={"exception.type": "MemoryError"}),
        LogLine("fine", at=NOW + 7),
    )  # fmt: skip
    found = world.desk.errors()
    assert [(error.source, error.service, error.operation, error.kind, error.message, error.count) for error in found] == [
        ("spans", "orders", "charge", "Declined", "card 3 of order a1b2c3d4e3", 3),
        ("logs", "mail", "crash", "MemoryError", "worker 8 died", 1),
        ("logs", "mail", "crash", "error", "worker 7 died", 1),
        ("spans", "orders", "charge", "error", "no route", 1),
    ]
    assert (found[0].first_seen, found[0].last_seen, found[0].exemplar_trace_id) == (NOW + 1, NOW + 3, trace_id("3"))
    assert found[1].exemplar_trace_id is None
    assert len(world.desk.errors(limit=1)) == 1
    assert {error.service for error in world.desk.errors(service="mail")} == {"mail"}
