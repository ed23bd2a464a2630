"""Explanations: what sets bad requests apart is found, ranked, and said with its numbers."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from tests.query.telemetry import MINUTE, MS, NOW, SECOND, LogLine, SpanLine, World

from tocsin.clock import ReplayClock
from tocsin.errors import InvalidInput, ParseError
from tocsin.model.deployment import Deployment, DeploymentSource
from tocsin.model.explanation import Explanation, FindingKind
from tocsin.query.explain.explain import Explainer
from tocsin.query.explain.onset import MinuteOfRequests, onset_s, usual_ratio
from tocsin.query.explain.self_times import TimedSpan, added_times, self_times
from tocsin.query.patterns.catalogue import Catalogue
from tocsin.query.reading import Reading

CLOCK = ReplayClock(NOW, speed=0)
BEGAN = NOW - 10 * MINUTE


def request(
    number: int, at: int, *, bad: bool, version: str = "1", cause: str = "db query", slow_ms: int = 900
) -> list[SpanLine | LogLine]:
    """A checkout that asks a database: a server span, its client span, the record that it logs."""
    trace, duration = f"{number:x}", (900 if bad else 40) * MS
    route = "/pay" if bad or number % 3 == 0 else "/cart"
    resource = {"service.version": version}
    parts: list[SpanLine | LogLine] = [
        SpanLine(
            f"POST {route}", trace, "1", "", at, duration + 10 * MS, "checkout", "server", "error" if bad else "unset",
            attributes={"http.route": route, "tenant": "acme" if number // 4 % 2 else "globex"}, resource=resource,
        ),
        SpanLine("db query", trace, "2", "1", at + 5 * MS, duration, "checkout", "client", resource=resource),
        LogLine(f"paid order {number}", at, "checkout", 9, trace=trace, resource=resource),
    ]  # fmt: skip
    if bad:
        parts.append(LogLine(f"full table scan, {number} rows", at, "checkout", 13, trace=trace, resource=resource))
    return parts


def tell(world: World, deployments: Sequence[Deployment] = ()) -> Explainer:
    """Half an hour of good requests, then ten minutes in which every fourth is bad and comes from a new version."""
    lines: list[SpanLine | LogLine] = []
    for number in range(240):
        at = NOW - 40 * MINUTE + number * 10 * SECOND
        bad = at >= BEGAN and number % 4 == 0
        lines += request(number + 1, at, bad=bad, version="2" if bad else "1")
    world.send(*lines)
    reading = Reading(world.store.engine, CLOCK)
    return Explainer(
        reading, Catalogue(world.store.engine, CLOCK), lambda start, end: [one for one in deployments if start <= one.at < end]
    )


def kinds(found: Explanation) -> dict[FindingKind, list[str]]:
    """Keys and values of the findings by kind."""
    by_kind: dict[FindingKind, list[str]] = {}
    for one in found.findings:
        by_kind.setdefault(one.kind, []).append(one.value or one.key)
    return by_kind


def test_version_dependency_pattern_and_deployment_are_found(world: World) -> None:
    """The new version, the slow query, the record that only bad traces have and the deployment before it: each with its numbers."""
    deployed = Deployment("d", "checkout", "2", BEGAN - 2 * MINUTE, DeploymentSource.MARK, previous_version="1")
    other = Deployment("e", "elsewhere", "9", BEGAN - MINUTE, DeploymentSource.MARK)
    found = tell(world, [deployed, other]).explain("checkout", NOW - 20 * MINUTE, NOW)
    assert (found.bad, found.total) == (15, 120)
    assert found.onset is not None
    assert abs(found.onset - BEGAN) <= MINUTE
    assert found.usual_ratio == 0
    by_kind = kinds(found)
    assert by_kind[FindingKind.VERSION] == ["2"]
    assert by_kind[FindingKind.DEPENDENCY] == ["db query"]
    assert by_kind[FindingKind.PATTERN] == ["full table scan, <*> rows"]
    assert by_kind[FindingKind.DEPLOYMENT] == ["2"]
    (slow,) = (one for one in found.findings if one.kind is FindingKind.DEPENDENCY)
    assert slow.bad_ms == pytest.approx(900)
    assert slow.good_ms == pytest.approx(40)
    assert slow.trace_id in found.exemplars or len(found.exemplars) == 5
    assert found.sentence.startswith("15 of 120 requests of checkout were bad (12 %, 0 % before). ")


def test_what_all_requests_share_explains_nothing(world: World) -> None:
    """A tenant that half of all requests have is no finding."""
    found = tell(world).explain("checkout", NOW - 20 * MINUTE, NOW)
    assert "tenant" not in {one.key for one in found.findings}


def test_slow_requests_are_bad_without_being_told(world: World) -> None:
    """Nothing failed, but some took much longer than 95 of 100 did before: those are explained."""
    lines: list[SpanLine | LogLine] = []
    for number in range(120):
        at = NOW - 20 * MINUTE + number * 10 * SECOND
        slow = at >= BEGAN and number % 5 == 0
        lines.append(SpanLine("GET /", f"{number + 1:x}", "1", "", at, (2000 if slow else 50) * MS, "shop", "server"))
    world.send(*lines)
    explainer = Explainer(Reading(world.store.engine, CLOCK), Catalogue(world.store.engine, CLOCK), lambda *_: [])
    found = explainer.explain("shop", BEGAN, NOW)
    assert found.bad_means == "error:true OR duration:>100ms"
    assert found.bad == 12


def test_a_range_without_trouble_says_so(world: World) -> None:
    """No requests, and no bad ones, are two different sentences."""
    explainer = tell(world)
    assert explainer.explain("nobody", NOW - MINUTE, NOW).sentence == "nobody had no requests in this range"
    quiet = explainer.explain("checkout", NOW - 39 * MINUTE, NOW - 30 * MINUTE)
    assert quiet.sentence == "none of the 54 requests of checkout was bad"
    assert quiet.findings == []


def test_questions_that_make_no_sense_are_refused(world: World) -> None:
    """An empty range, and a query that does not read."""
    explainer = tell(world)
    with pytest.raises(InvalidInput):
        explainer.explain("checkout", NOW, NOW)
    with pytest.raises(ParseError):
        explainer.explain("checkout", NOW - MINUTE, NOW, bad="duration:(")


def test_self_time_is_what_no_child_covers() -> None:
    """Overlapping children cover their union; a child beyond its parent covers no more than the parent has."""
    spans = [
        TimedSpan("t", "1", "", "a", "root", 0, 100),
        TimedSpan("t", "2", "1", "a", "x", 10, 30),
        TimedSpan("t", "3", "1", "a", "y", 20, 40),
        TimedSpan("t", "4", "1", "a", "z", 90, 50),
        TimedSpan("t", "4", "1", "a", "z", 90, 50),
    ]
    assert {span.name: own for span, own in self_times(spans)} == {"root": 40, "x": 30, "y": 40, "z": 50}


def test_added_time_is_shared_out() -> None:
    """What a kind of span takes longer in bad traces, as a share of all that they take longer."""
    spans = [
        TimedSpan("b", "1", "", "a", "root", 0, 100_000_000),
        TimedSpan("b", "2", "1", "a", "query", 0, 90_000_000),
        TimedSpan("g", "1", "", "a", "root", 0, 10_000_000),
        TimedSpan("g", "2", "1", "a", "query", 0, 5_000_000),
    ]
    first, second = added_times(spans, frozenset("b"), frozenset("g"))
    assert (first.name, first.bad_ms, first.good_ms, first.trace_id) == ("query", 90, 5, "b")
    assert first.share == pytest.approx(85 / 90)
    assert second.share == pytest.approx(5 / 90)


@pytest.mark.parametrize(
    ("shares", "start", "expected"),
    [
        ([0, 0, 0, 50, 60, 40], 2, 3),
        ([1, 1, 2, 1], 2, 2),
        ([50, 50, 50], 0, 0),
        ([0, 0, 0], 1, None),
        ([], 0, None),
    ],
)
def test_the_onset_is_where_it_became_bad(shares: list[int], start: int, expected: int | None) -> None:
    """The first minute nearer to the worst than to the usual; none when it never was worse than usual."""
    minutes = [MinuteOfRequests(60 * place, share, 100) for place, share in enumerate(shares)]
    usual = usual_ratio(minutes, 60 * start)
    found = onset_s(minutes, 60 * start, usual)
    assert found == (None if expected is None else 60 * expected)
