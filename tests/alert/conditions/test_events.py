"""Conditions over events, on the engine: counts, ratios, what splits them, and replays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from tests.conftest import Golden
from tests.store.builders import NOW, Folder, logs, record, span, traces
from tests.store.conftest import opened

from tocsin.alert.conditions import events as events_module
from tocsin.alert.conditions.events import EventsEvaluator, label_of
from tocsin.alert.definition import Comparison, EventsCompare, Vector
from tocsin.clock import ReplayClock
from tocsin.errors import LimitExceeded
from tocsin.model.instant import NANOSECONDS
from tocsin.query.fields import parse_log_query, parse_span_query
from tocsin.query.reading import Reading
from tocsin.store.options import StoreOptions
from tocsin.store.plan import Field, Scope
from tocsin.store.read_event_counts import EventBuckets, event_counts
from tocsin.store.render import LOGS
from tocsin.store.sql import ParameterNames
from tocsin.store.store import Store

MINUTE = 60 * NANOSECONDS


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store with half an hour of logs and spans: `a` fails a little in its tenth minute, `b` all the time."""
    folder = tmp_path_factory.mktemp("events")
    for filled in opened(folder / "store", StoreOptions()):
        lines = [
            record("boom" if minute == 10 else "fine", severity_number=17 if minute == 10 else 9, time_unix_nano=at(minute))
            for minute in range(30)
            for _ in range(3)
        ]
        spans = [
            span(
                kind=2,
                status={"code": 2 if minute % 10 == 0 else 0},
                attributes={"http.route": f"/{minute % 2}"},
                start_time_unix_nano=at(minute),
            )
            for minute in range(30)
        ]
        broken = [span(kind=2, status={"code": 2}, start_time_unix_nano=at(minute)) for minute in range(30)]
        files = Folder(make(folder / "segments"), prefix="events")
        for request in (logs("a", *lines), traces("a", *spans, resource_attributes={"zone": "eu"}), traces("b", *broken)):
            filled.load(files.segment(request))
        yield filled


def make(path: Path) -> Path:
    """A folder."""
    path.mkdir()
    return path


def at(minute: int) -> int:
    """Ten seconds into a minute of the story."""
    return NOW // MINUTE * MINUTE + minute * MINUTE + 10 * NANOSECONDS


def end(minute: int) -> int:
    """The end of a minute of the story."""
    return NOW // MINUTE * MINUTE + (minute + 1) * MINUTE


@pytest.fixture
def evaluator(store: Store) -> EventsEvaluator:
    """Asks that store."""
    return EventsEvaluator(Reading(store.engine, ReplayClock(NOW, speed=0)))


def errors(above: float, *, comparison: Comparison = Comparison.ABOVE, window_s: int = 300) -> EventsCompare:
    """Error records of `a`."""
    query = "service:a level:error"
    return EventsCompare("logs", query, window_s, comparison, above, parse_log_query(query))


def failing(by: tuple[str, ...] = ("service",), *, total_min: float = 1.0, above: float = 0.5) -> EventsCompare:
    """The share of failed requests."""
    bad, all_of = parse_span_query("kind:server error:true"), parse_span_query("kind:server")
    return EventsCompare(
        "spans", "kind:server error:true", 600, Comparison.ABOVE, above, bad, "kind:server", all_of, total_min=total_min, by=by
    )


def shown(vector: Vector) -> list[tuple[dict[str, str], float]]:
    """Labels and values."""
    return [(dict(element.labels), element.value) for element in vector]


def test_a_count(evaluator: EventsEvaluator) -> None:
    """It holds while the window has them, and says how many and how many are too many."""
    (element,) = evaluator.at(errors(2), end(10))
    assert (element.value, dict(element.labels)) == (3, {})
    assert element.note == "3 log records matched 'service:a level:error' in 5 min, > 2"
    assert evaluator.at(errors(3), end(10)) == []
    assert evaluator.at(errors(2), end(15)) == []


def test_nothing_is_nought(evaluator: EventsEvaluator) -> None:
    """That nothing came can be what is wrong."""
    assert shown(evaluator.at(errors(1, comparison=Comparison.BELOW), end(5))) == [({}, 0.0)]


def test_a_share_for_each_service(evaluator: EventsEvaluator) -> None:
    """Only the service that fails is found."""
    (element,) = evaluator.at(failing(), end(19))
    assert (dict(element.labels), element.value) == ({"service": "b"}, 1.0)
    assert element.note == "10 of 10 spans matched 'kind:server error:true' in 10 min: 100 %, > 50 %"


def test_a_share_of_too_few_says_nothing(evaluator: EventsEvaluator) -> None:
    """Below the least number of events there is no share."""
    assert evaluator.at(failing(total_min=11), end(19)) == []


def test_attributes_of_records_and_resources_become_labels(evaluator: EventsEvaluator) -> None:
    """A route of a span, a zone of its resource, a status by its name; what has none has no label."""
    found = shown(evaluator.at(failing(("http.route", "zone", "status"), above=0.9), end(19)))
    assert found == [({"status": "error"}, 1.0), ({"http_route": "/0", "status": "error", "zone": "eu"}, 1.0)]
    assert [label_of(name) for name in ("service.name", "http.route", "2xx")] == ["service", "http_route", "_2xx"]


def test_too_many_values_are_refused(evaluator: EventsEvaluator, monkeypatch: pytest.MonkeyPatch) -> None:
    """A condition that would make an alert for every request is an error of the rule, not a flood."""
    monkeypatch.setattr(events_module, "GROUPS_MAX", 1)
    with pytest.raises(LimitExceeded, match=r"more than 1 values of service: .*narrow the query"):
        evaluator.at(failing(), end(19))


@pytest.mark.parametrize("condition", [errors(2), errors(1, comparison=Comparison.BELOW), failing(), failing(("http.route",), above=0.15)])
@pytest.mark.parametrize("step_s", [15, 420])
def test_a_replay_finds_what_each_instant_found(
    evaluator: EventsEvaluator, condition: EventsCompare, step_s: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In chunks or not: what holds over a stretch of the past is what held at each of its instants."""
    times = [end(-5) + place * step_s * NANOSECONDS for place in range(0, 2400 // step_s, 1 if step_s > 15 else 7)]
    alone: Sequence[Vector] = [evaluator.at(condition, one) for one in times]
    assert [shown(vector) for vector in evaluator.over(condition, times)] == [shown(vector) for vector in alone]
    monkeypatch.setattr(events_module, "CHUNK_S", 900)
    assert [shown(vector) for vector in evaluator.over(condition, times)] == [shown(vector) for vector in alone]


def test_the_statement(golden: Golden) -> None:
    """One walk for the counts, and one for which values there are most of."""
    by = [Field("service", Scope.INTRINSIC), Field("tenant")]
    counted, of = parse_log_query("level:error"), parse_log_query("service:*")
    statement = event_counts(LOGS, counted, of, by, EventBuckets(0, 60 * NANOSECONDS, 5), limit=501, names=ParameterNames())
    parameters = "\n".join(f"-- {name} = {value!r}" for name, value in statement.params.items())
    golden("store/event_counts.sql", f"{statement.text}\n{parameters}\n")
