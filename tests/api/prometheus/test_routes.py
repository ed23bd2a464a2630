"""The Prometheus API as its clients meet it: answers, errors, methods."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import httpx
import pytest
from fastapi import FastAPI
from tests.api.fake_desk import FakeDesk
from tests.api.local_client import LocalClient
from tests.api.prometheus.memory_catalog import MemoryCatalog

from tocsin.api.application import create_application
from tocsin.api.context import Context
from tocsin.api.prometheus.routes import CONCURRENT_MAX
from tocsin.api.readiness import Dependency, Readiness
from tocsin.clock import RealClock, ReplayClock
from tocsin.errors import StoreError
from tocsin.model.labels import Labels
from tocsin.query.metrics import Metrics
from tocsin.query.promql.options import PromqlOptions

NOW_S = 1_700_000_000
NOW_MS = NOW_S * 1000
Ask = Callable[..., Any]


@pytest.fixture
def app() -> FastAPI:
    """An application over three series, its clock standing still."""
    catalog = MemoryCatalog()
    for job in ("api", "web"):
        catalog.add(Labels({"__name__": "up", "job": job}), {NOW_MS - 30_000: 1.0, NOW_MS - 15_000: 0.0 if job == "web" else 1.0})
    catalog.add(Labels({"__name__": "odd name", "job": "api"}), {NOW_MS - 1000: 7.5})
    desk = FakeDesk()
    desk.metrics = Metrics(catalog, RealClock(), PromqlOptions(samples_max=1000))
    return create_application(Context(desk=desk, clock=ReplayClock(NOW_S * 10**9, speed=0)), hosts={"localhost"})


@pytest.fixture
def client(app: FastAPI) -> LocalClient:
    """Asks it."""
    return LocalClient(app)


@pytest.fixture
def ask(client: LocalClient) -> Ask:
    """The `data` of an answer that must succeed."""

    def call(path: str, **parameters: Any) -> Any:
        answer = client.get(
            f"/prometheus/api/v1/{path}", params={name.replace("match", "match[]"): value for name, value in parameters.items()}
        )
        assert answer.json()["status"] == "success", answer.text
        return answer.json()["data"]

    return call


def test_an_instant_query_is_asked_now_by_default(ask: Ask) -> None:
    """The clock's present, seconds with decimals."""
    found = ask("query", query='up{job="web"}')
    assert found == {"resultType": "vector", "result": [{"metric": {"__name__": "up", "job": "web"}, "value": [NOW_S, "0"]}]}


def test_grafana_tests_a_source_so(ask: Ask) -> None:
    """1+1 over a few seconds after 1970, as 'Save & test' asks."""
    assert ask("query", query="1+1", time=4)["result"] == [4, "2"]
    assert ask("query_range", query="1+1", start=1, end=4, step=1)["result"][0]["values"] == [[1, "2"], [2, "2"], [3, "2"], [4, "2"]]


def test_a_form_in_the_body_is_as_good_as_the_query_string(client: LocalClient) -> None:
    """POST, as Grafana asks; parts may stand on either side."""
    answer = client.post("/prometheus/api/v1/query", params={"time": "10"}, form={"query": "time()"})
    assert answer.json()["data"]["result"] == [10, "10"]


@pytest.mark.parametrize(
    ("path", "parameters", "status", "kind", "said"),
    [
        ("query", {}, 400, "bad_data", 'invalid parameter "query"'),
        ("query", {"query": "sum("}, 400, "bad_data", "parse error"),
        ("query", {"query": "up", "time": "soon"}, 400, "bad_data", 'invalid parameter "time"'),
        ("query", {"query": "up", "limit": "-1"}, 400, "bad_data", 'invalid parameter "limit"'),
        ("query", {"query": "up + on() up"}, 422, "execution", "many-to-many"),
        ("query_range", {"query": "up", "start": "1", "end": "0", "step": "1"}, 400, "bad_data", "end timestamp must not be before start"),
        ("query_range", {"query": "up", "start": "0", "end": "1", "step": "0"}, 400, "bad_data", "zero or negative"),
        (
            "query_range",
            {"query": "up", "start": "0", "end": "11001", "step": "1"},
            400,
            "bad_data",
            "exceeded maximum resolution of 11,000 points",
        ),
        ("query_range", {"query": "up", "start": "0", "end": "11000", "step": "1"}, 422, "execution", "too many samples"),
        ("query_range", {"query": "up", "end": "1", "step": "1"}, 400, "bad_data", 'invalid parameter "start"'),
        ("series", {}, 400, "bad_data", "match[]"),
        ("series", {"match[]": "rate(up[5m])"}, 400, "bad_data", "series selector"),
        ("labels", {"match[]": "{}"}, 400, "bad_data", "match[]"),
        ("query_exemplars", {"query": "up("}, 400, "bad_data", ""),
        ("format_query", {"query": "up +"}, 400, "bad_data", "parse error"),
        ("query_exemplars", {"query": "up(", "start": "0", "end": "1"}, 400, "bad_data", 'invalid parameter "query"'),
        ("query_range", {"query": "'a'", "start": "0", "end": "1", "step": "1"}, 400, "bad_data", 'expression type "string"'),
        ("query_range", {"query": "up[5m]", "start": "0", "end": "1", "step": "1"}, 400, "bad_data", 'type "range vector"'),
        ("query", {"query": "mad_over_time(up[5m])"}, 400, "bad_data", "promql.experimental_functions"),
        ("label//values", {}, 400, "bad_data", "invalid label name"),
        ("alertmanagers", {}, 404, "not_found", "/prometheus/api/v1/alertmanagers"),
    ],
)
def test_errors_have_prometheus_shape(
    client: LocalClient, path: str, parameters: dict[str, str], status: int, kind: str, said: str
) -> None:
    """Status, errorType and a sentence."""
    answer = client.get(f"/prometheus/api/v1/{path}", params=parameters)
    body = answer.json()
    assert (answer.status_code, body["status"], body["errorType"]) == (status, "error", kind), body
    assert said in body["error"]


def test_a_query_that_holds_too_much_is_refused(client: LocalClient) -> None:
    """Before it is in memory; as Prometheus says it."""
    answer = client.get("/prometheus/api/v1/query_range", params={"query": "up", "start": NOW_S - 600, "end": NOW_S, "step": 0.1})
    assert (answer.status_code, answer.json()["errorType"]) == (422, "execution")
    assert "too many samples" in answer.json()["error"]


def test_an_engine_that_fails_is_an_internal_error(app: FastAPI, client: LocalClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the envelope that clients read."""

    def fail(*_: object, **__: object) -> None:
        raise StoreError("the engine is away")

    monkeypatch.setattr(app.state.context.desk.metrics, "instant", fail)
    answer = client.get("/prometheus/api/v1/query", params={"query": "up"})
    assert (answer.status_code, answer.json()) == (500, {"status": "error", "errorType": "internal", "error": "the engine is away"})


def test_what_the_framework_refuses_has_prometheus_shape_too(client: LocalClient) -> None:
    """A wrong method, a body that is too large, a host that is none of ours: `error` is a text there, for clients read it as one."""
    answers = [
        client.post("/prometheus/api/v1/metadata"),
        client.post("/prometheus/api/v1/query", form={"query": "a" * (1 << 20)}),
        client.get("/prometheus/api/v1/query", headers={"Host": "evil.example"}),
    ]
    assert [answer.status_code for answer in answers] == [405, 413, 400]
    for answer in answers:
        body = answer.json()
        assert (body["status"], body["errorType"], isinstance(body["error"], str)) == ("error", "bad_data", True)
    assert set(answers[0].headers["Allow"].split(", ")) == {"GET", "HEAD"}


@pytest.mark.parametrize("path", ["query?query=up%7Ba%3D%22%FF%22%7D", "series?match%5B%5D=%FF", "label/%FF/values", "query?%FF=1&query=1"])
def test_bytes_that_are_no_text_are_refused(client: LocalClient, path: str) -> None:
    """Other characters in their place would ask for other series."""
    answer = client.get(f"/prometheus/api/v1/{path}")
    assert (answer.status_code, answer.json()["errorType"]) == (400, "bad_data")
    assert "is not UTF-8" in answer.json()["error"]


def test_exemplars_without_a_range_are_those_of_all_times(ask: Ask) -> None:
    """Start and end may be left out, as Prometheus has it."""
    assert len(ask("query_exemplars", query="up")) == 2


def test_a_form_with_too_many_fields_is_a_wrong_parameter(client: LocalClient) -> None:
    """Nothing was evaluated that could have failed."""
    answer = client.post("/prometheus/api/v1/query", form={f"field{number}": "1" for number in range(10_001)})
    assert (answer.status_code, answer.json()["errorType"]) == (400, "bad_data")


@pytest.mark.parametrize(
    ("error", "status", "kind", "said"),
    [(RuntimeError("a-secret"), 500, "internal", "its log says what"), (MemoryError(), 422, "execution", "more memory than there is")],
)
def test_what_nobody_expects_has_prometheus_shape(
    app: FastAPI, client: LocalClient, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, kind: str, said: str
) -> None:
    """A bug of ours says no more than that it is one; memory that is not there is the query's size."""

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(app.state.context.desk.metrics, "instant", fail)
    answer = client.get("/prometheus/api/v1/query", params={"query": "up"})
    body = answer.json()
    assert (answer.status_code, body["status"], body["errorType"]) == (status, "error", kind)
    assert said in body["error"]
    assert "secret" not in answer.text


def test_a_question_whose_asker_hung_up_is_not_evaluated(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    """Impatient clients must not fill the queue with work for nobody."""
    evaluated: list[object] = []
    monkeypatch.setattr(app.state.context.desk.metrics, "instant", lambda *asked, **_: evaluated.append(asked))

    async def receive() -> dict[str, str]:
        return {"type": "http.disconnect"}

    async def send(_message: object) -> None:
        pass

    headers = [(b"host", b"localhost")]
    scope = {"type": "http", "method": "GET", "path": "/prometheus/api/v1/query", "query_string": b"query=up", "headers": headers}
    asyncio.run(app(scope, receive, send))
    assert evaluated == []


def test_a_question_waits_for_its_turn_no_longer_than_a_query_may_take(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind slow ones; then it is told so, as Prometheus tells it."""
    metrics, released = app.state.context.desk.metrics, threading.Event()
    metrics.options = PromqlOptions(timeout_s=0.05)
    metrics_catalog_labels = metrics.catalog.label_names

    all_started = threading.Barrier(CONCURRENT_MAX + 1)

    def slow(*asked: Any, **how: Any) -> list[str]:
        all_started.wait(30)
        released.wait(30)
        return cast("list[str]", metrics_catalog_labels(*asked, **how))

    monkeypatch.setattr(metrics.catalog, "label_names", slow)

    async def ask_all() -> tuple[httpx.Response, list[httpx.Response]]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as asker:
            others = [asyncio.create_task(asker.get("/prometheus/api/v1/labels")) for _ in range(CONCURRENT_MAX)]
            await asyncio.to_thread(all_started.wait, 30)
            late = await asker.get("/prometheus/api/v1/query", params={"query": "1"})
            released.set()
            return late, list(await asyncio.gather(*others))

    late, others = asyncio.run(ask_all())
    assert (late.status_code, late.json()["errorType"]) == (503, "timeout")
    assert "query queue" in late.json()["error"]
    assert [answer.status_code for answer in others] == [200] * CONCURRENT_MAX


def test_series_labels_and_values_are_listed(ask: Ask) -> None:
    """Within selectors, and with names that only quotes or escapes can say."""
    assert ask("series", match='up{job="api"}') == [{"__name__": "up", "job": "api"}]
    assert ask("labels") == ["__name__", "job"]
    assert ask("label/job/values") == ["api", "web"]
    assert ask("label/job/values", match='{"odd name"}') == ["api"]
    assert ask("label/U__job/values") == ["api", "web"]


def test_a_limit_cuts_lists_and_says_so(client: LocalClient) -> None:
    """One more than asked for is a reason for a warning."""
    answer = client.get("/prometheus/api/v1/label/job/values", params={"limit": 1}).json()
    assert (answer["data"], answer["warnings"]) == (["api"], ["results truncated due to limit"])
    assert "warnings" not in client.get("/prometheus/api/v1/label/job/values", params={"limit": 2}).json()


def test_metadata_exemplars_and_state_have_their_shapes(ask: Ask) -> None:
    """As Grafana's autocompletion and explore ask them."""
    assert ask("metadata", metric="up") == {"up": [{"type": "gauge", "help": "Whether it answers.", "unit": ""}]}
    (found,) = ask("query_exemplars", query='rate(up{job="api"}[5m]) > 0', start=NOW_S - 60, end=NOW_S)
    assert found["seriesLabels"] == {"__name__": "up", "job": "api"}
    assert found["exemplars"] == [{"labels": {"trace_id": "ab"}, "value": "1.5", "timestamp": NOW_S - 60}]
    assert ask("status/tsdb")["seriesCountByMetricName"] == [{"name": "odd name", "value": 1}, {"name": "up", "value": 2}]
    assert ask("status/buildinfo")["version"].startswith("3.")
    assert ask("targets") == {"activeTargets": [], "droppedTargets": []}


def test_queries_are_formatted_and_taken_apart(ask: Ask) -> None:
    """format_query and parse_query."""
    assert ask("format_query", query="foo/bar") == "foo / bar"
    tree = ask("parse_query", query="foo/bar")
    assert (tree["type"], tree["op"], tree["lhs"]["name"]) == ("binaryExpr", "/", "foo")


def test_federation_shows_the_newest_samples_as_text(client: LocalClient) -> None:
    """Families under their type; names that need quotes have them."""
    answer = client.get("/prometheus/federate", params=[("match[]", "up"), ("match[]", '{"odd name"}')])
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert answer.text.splitlines() == [
        '# TYPE "odd name" untyped',
        f'{{"odd name",job="api"}} 7.5 {NOW_MS - 1000}',
        "# TYPE up untyped",
        f'up{{job="api"}} 1 {NOW_MS - 15_000}',
        f'up{{job="web"}} 0 {NOW_MS - 15_000}',
    ]


def test_it_is_healthy(client: LocalClient) -> None:
    """As promtool checks."""
    assert client.get("/prometheus/-/healthy").is_success
    assert client.get("/prometheus/-/ready").is_success


def test_it_is_not_ready_while_something_is_broken(app: FastAPI, client: LocalClient) -> None:
    """As /readyz, for who asks as promtool does."""
    readiness = Readiness.of([Dependency("journal", True, "fine"), Dependency("engine", False, "does not answer")])
    app.state.context = replace(app.state.context, readiness=lambda: readiness)
    answer = client.get("/prometheus/-/ready")
    assert (answer.status_code, answer.text) == (503, "Tocsin is not ready: engine: does not answer\n")
    assert client.get("/prometheus/-/healthy").is_success


def test_a_page_of_another_origin_may_not_ask(client: LocalClient) -> None:
    """POST is guarded as under /api."""
    answer = client.post("/prometheus/api/v1/query", form={"query": "up"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 400
