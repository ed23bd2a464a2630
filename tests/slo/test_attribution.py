"""Who spent a budget: values that stand out among bad events, in spans, logs and series."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.query.conftest import open_world
from tests.query.eras import Era
from tests.query.telemetry import MINUTE, NOW, LogLine, SpanLine, World

from tocsin.clock import ReplayClock
from tocsin.errors import InvalidInput
from tocsin.model.budget import Exclusion
from tocsin.query.fields import parse_log_query, parse_span_query
from tocsin.query.reading import Reading
from tocsin.slo.answers import Attribution
from tocsin.slo.attribution.attributor import Attributor
from tocsin.slo.definition import (
    EventCount,
    EventFreshness,
    EventRatio,
    EventSignal,
    Indicator,
    Objective,
    RollingWindow,
    StreamRatio,
)

START = NOW // MINUTE * MINUTE - 60 * MINUTE


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A store for all tests of this module."""
    yield from open_world(tmp_path_factory.mktemp("eras"))


@pytest.fixture
def era(shared: World) -> Era:
    """A time of one's own in it."""
    return Era(shared)


def spans(query: str, weight: str = "") -> EventCount:
    """Spans that match a query."""
    return EventCount(EventSignal.SPANS, query, parse_span_query(query), weight)


def logs(query: str) -> EventCount:
    """Log records that match a query."""
    return EventCount(EventSignal.LOGS, query, parse_log_query(query))


def objective(indicator: Indicator) -> Objective:
    """An objective of the shop."""
    return Objective("shop-up", "shop-up", "shop", 0.99, indicator, RollingWindow(86_400))


AVAILABILITY = objective(EventRatio(spans("service:shop kind:server"), spans("http.response.status_code:<500")))


def asked(era: Era, slo: Objective = AVAILABILITY, *, rows_max: int = 10**6, exclusions: tuple[Exclusion, ...] = ()) -> Attribution:
    """The hour from START."""
    attributor = Attributor(Reading(era.world.store.engine, ReplayClock(NOW, speed=0)), rows_max=rows_max)
    start = START - era.before_ns
    return attributor.attribute(slo, start, start + 60 * MINUTE, exclusions=exclusions)


def request(number: int, *, route: str = "/cart", version: str = "2.2.0", status: int = 200, kind: str = "server") -> SpanLine:
    """One request, every half a minute another."""
    attributes = {"http.route": route, "http.response.status_code": status, "tenant.id": "t1", "request.id": f"r{number}"}
    resource = {"service.version": version, "host.name": f"h{number % 2}"}
    name, at = f"{number + 1:x}", START + (number % 120) * MINUTE // 2
    return SpanLine(f"POST {route}", name, name, at=at, service="shop", kind=kind, attributes=attributes, resource=resource)


def story() -> list[SpanLine]:
    """1,000 requests; 100 bad ones, 82 of them on /pay in 2.3.1, which has 110 requests."""
    lines = [request(number) for number in range(872)]
    lines += [request(900 + number, status=500) for number in range(18)]
    lines += [request(1000 + number, route="/pay", version="2.3.1", status=500 if number < 82 else 200) for number in range(110)]
    return lines


def test_the_sentence_names_route_and_version(era: Era) -> None:
    """The pair that stands out most, with its share among the bad and among all; ids of single requests say nothing."""
    era.send(*story(), *(request(5000 + number, kind="client", status=500) for number in range(50)))
    found = asked(era)
    assert (found.bad, found.total) == (100, 1000)
    said = "82 % of the bad events came from {} /pay in version 2.3.1, which has 11 % of all events"
    assert found.sentence in {said.format("route"), said.format("operation POST")}
    by_value = {(one.key, one.value): one for one in found.values}
    pay = by_value["http.route", "/pay"]
    assert (pay.bad, pay.total, pay.bad_share, pay.total_share, round(pay.bad_ratio, 3)) == (82, 110, 0.82, 0.11, 0.745)
    assert by_value["service.version", "2.3.1"].bad == 82
    assert by_value["operation", "POST /pay"].bad == 82
    assert by_value["http.response.status_code", "500"].bad_share == 1
    assert not {key for key, _ in by_value} & {"request.id", "tenant.id", "host.name"}


def test_two_causes_together_are_told(era: Era) -> None:
    """A version that is bad on one route only: the pair says it better than either."""
    era.send(
        *(request(number) for number in range(300)),
        *(request(1000 + number, version="3.0") for number in range(120)),
        *(request(2000 + number, route="/pay") for number in range(100)),
        *(request(3000 + number, route="/pay", version="3.0", status=503) for number in range(50)),
    )
    sentence = asked(era).sentence
    assert sentence.startswith("100 % of the bad events came from ")
    assert "/pay" in sentence
    assert "version 3.0" in sentence
    assert sentence.endswith("which has 8.8 % of all events")


def test_exclusions_are_left_out(era: Era) -> None:
    """Minutes and events that do not count against the budget spent nothing of it."""
    era.send(*story())
    start = START - era.before_ns
    kept = {"slo": "shop-up", "service": "", "author": "ann", "reason": "load test"}
    query = Exclusion(id="1", start=None, end=None, query='http.route:"/pay"', **kept)  # type: ignore[arg-type]
    minutes = Exclusion(id="2", start=start, end=start + 61 * MINUTE, query="", **kept)  # type: ignore[arg-type]
    assert (asked(era, exclusions=(query,)).bad, asked(era, exclusions=(query,)).total) == (18, 890)
    assert asked(era, exclusions=(minutes,)).sentence == "no events in this range"
    assert asked(era, exclusions=(replace(query, slo="other"),)).total == 1000


def test_too_many_rows_are_thinned_out_and_said(era: Era) -> None:
    """One of several minutes stands for all; totals are scaled up."""
    era.send(*story())
    found = asked(era, rows_max=500)
    assert found.sentence.endswith("(estimated from one in 2 minutes)")
    assert found.total == pytest.approx(1000, rel=0.2)
    assert found.values[0].bad_share > 0.5


def test_inverted_and_weighted_indicators(era: Era) -> None:
    """Bad events may be described instead of good ones, and events may count more than one."""
    rows = [{"rows": 10, "bad.rows": 4, "source": "ab"[number % 2]} for number in range(20)]
    era.send(*(SpanLine("import", f"{number + 1:x}", at=START, service="shop", attributes=row) for number, row in enumerate(rows)))
    weighted = EventRatio(spans("name:import", "rows"), spans("source:a", "bad.rows"), inverted=True)
    found = asked(era, objective(weighted))
    assert (found.total, found.bad) == (200, 40)
    assert (found.values[0].key, found.values[0].value, found.values[0].bad) == ("source", "a", 40)


def test_what_is_spread_evenly_is_said(era: Era) -> None:
    """Nothing stands out, nothing is bad, nothing is there: three sentences."""
    era.send(*(request(number, status=500 if number % 10 == 0 else 200) for number in range(500)))
    spread = asked(era, objective(EventRatio(spans("service:shop"), spans("NOT http.response.status_code:500"))))
    assert [one.key for one in spread.values if one.key != "http.response.status_code"] in ([], ["host.name"])
    assert asked(era, objective(EventRatio(spans("service:shop"), spans("kind:server")))).sentence == "no bad events in this range"
    assert asked(era, objective(EventRatio(spans("service:none"), spans("kind:server")))).sentence == "no events in this range"


def test_logs_count_as_well(era: Era) -> None:
    """Log records by attribute and event name."""
    era.send(*(LogLine("done", at=START + number, service="batch", event_name="job", level=17 if number % 4 == 0 else 9,
                       attributes={"queue": "slow" if number % 4 == 0 or number < 3 else "fast"}) for number in range(200)))  # fmt: skip
    found = asked(era, objective(EventRatio(logs("service:batch"), logs("level:error"), inverted=True)))
    assert (found.bad, found.values[0].key, found.values[0].value) == (50, "queue", "slow")


def test_streams_say_what_got_lost(era: Era) -> None:
    """What came in and did not come out, by the values that both streams name."""
    era.send(
        *(SpanLine("in", f"{number + 1:x}", at=START, attributes={"topic": f"t{number % 4}", "a": "x"}) for number in range(80)),
        *(LogLine("stored", at=START, attributes={"topic": f"t{number % 4}"}) for number in range(80) if number % 4 != 2),
    )
    found = asked(era, objective(StreamRatio(spans("name:in"), logs("stored"))))
    assert (found.bad, found.total) == (20, 80)
    assert found.sentence == "100 % of the bad events came from topic t2, which has 25 % of all events"


def test_minutes_have_no_attributes(era: Era) -> None:
    """An objective that counts minutes can't be attributed, and the message says where to look."""
    with pytest.raises(InvalidInput, match="shop-up counts minutes"):
        asked(era, objective(EventFreshness(spans("name:in"), 60)))
