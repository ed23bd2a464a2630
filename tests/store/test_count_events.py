"""Counting statements: found services prune and share, weights are added up, and the SQL is what it is meant to be."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.conftest import Golden
from tests.store.builders import NOW, Folder, span, traces
from tests.store.conftest import opened

from tocsin.query.fields import parse_span_query
from tocsin.store.count_events import CountedEvents, ExcludedEvents, Minutes, count_events, count_statement, services_of, without_service
from tocsin.store.options import StoreOptions
from tocsin.store.plan import Everything
from tocsin.store.render import SPANS
from tocsin.store.store import Store

MINUTE_S = NOW // 10**9 // 60 * 60
RANGE = Minutes(MINUTE_S, MINUTE_S + 120)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store on the embedded engine."""
    yield from opened(tmp_path_factory.mktemp("counted"), StoreOptions())


@pytest.mark.parametrize(
    ("query", "services"),
    [
        ("service:a kind:server", {"a"}),
        ("service:(a OR b) error:true", {"a", "b"}),
        ("(service:a path:x) OR (service:b path:y)", {"a", "b"}),
        ("service:a OR error:true", None),
        ("NOT service:a", None),
        ("service:a service:b", set()),
        ("error:true", None),
    ],
)
def test_the_services_of_a_query(query: str, services: set[str] | None) -> None:
    """Those whose events alone can satisfy it; None where any can."""
    assert services_of(parse_span_query(query)) == (None if services is None else frozenset(services))


def test_what_is_asked_besides_the_service() -> None:
    """The condition on the service goes where it stands for every event, and stays where it is a part of something else."""
    assert without_service(parse_span_query("service:a kind:server")) == parse_span_query("kind:server")
    assert without_service(parse_span_query("service:(a OR b)")) == Everything()
    mixed = parse_span_query("(service:a path:x) OR (service:b path:y)")
    assert without_service(mixed) == mixed


def test_counts_of_several_services_in_one_walk(store: Store, folder: Folder) -> None:
    """Each gets its own, also where a resource decides, and what an exclusion matches in its time stands apart."""
    fine, failed = {"attributes": {"n": 2}}, {"status": {"code": 2}, "attributes": {"n": "3.5"}}
    store.load(folder.segment(traces("a", span(**fine), span(**failed), resource_attributes={"region": "eu"})))
    store.load(
        folder.segment(traces("b", span(**failed), span(start_time_unix_nano=NOW + 60 * 10**9), resource_attributes={"region": "us"}))
    )
    bad = parse_span_query("error:true")

    def ratio(query: str, weight: str = "", good_weight: str = "", excluded: tuple[ExcludedEvents, ...] = ()) -> CountedEvents:
        return CountedEvents(parse_span_query(query), bad, True, weight, good_weight, excluded)

    queries = ["service:a", "service:b", "service:(a OR b) region:eu", "service:b", "service:a", "service:a"]
    excluded = ExcludedEvents(bad, None, NOW + 1)
    asked = [ratio(query) for query in queries[:3]]
    asked += [ratio("service:b", excluded=(excluded,)), ratio("service:a", "n"), ratio("service:a", "n", "m")]
    counted = [(events, services_of(parse_span_query(query))) for events, query in zip(asked, queries, strict=True)]
    minutes, counts = count_events(store.engine, SPANS, counted, ranges=[RANGE])
    assert minutes.tolist() == [MINUTE_S, MINUTE_S + 60]
    assert counts[0].tolist() == [[1, 2, 0, 0], [0, 1, 0, 0], [1, 2, 0, 0], [0, 0, 0, 1], [2, 5.5, 0, 0], [5.5, 5.5, 0, 0]]
    assert counts[1].tolist() == [[0, 0, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    (_, everybody) = count_events(store.engine, SPANS, [(ratio("region:*"), None)], ranges=[RANGE])
    assert everybody.tolist() == [[[1, 3, 0, 0]], [[1, 1, 0, 0]]]


def test_the_statement(golden: Golden) -> None:
    """One walk over the rows of two services."""
    excluded = (ExcludedEvents(parse_span_query("path:/health"), 60 * 10**9, None),)
    events = CountedEvents(parse_span_query("kind:server"), parse_span_query("duration:<300ms"), excluded=excluded)
    statement = count_statement(SPANS, [events], services=["a", "b"], ranges=[RANGE])
    shown = "\n".join(f"-- {name} = {value!r}" for name, value in statement.params.items())
    golden("store/count_events.sql", f"{statement.text}\n{shown}\n")
