"""Costs: tokens counted once, named for whoever asked, and never a price that nobody gave."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError
from tests.query.conftest import open_world
from tests.query.eras import Era
from tests.query.telemetry import MINUTE, NOW, SECOND, SpanLine, World

from tocsin.clock import ReplayClock
from tocsin.errors import InvalidInput
from tocsin.model.usage import CostSignals
from tocsin.query.reading import Reading
from tocsin.query.usage.costs import CostQuestions, price_of
from tocsin.query.usage.options import CostOptions, ModelPrice

HOUR = 60 * MINUTE
PRICES = {"swift-2": ModelPrice(input_per_million=2, output_per_million=10), "swift-*": ModelPrice(input_per_million=1)}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A store for all tests of this module."""
    yield from open_world(tmp_path_factory.mktemp("eras"))


@pytest.fixture
def world(shared: World) -> Era:
    """A time of one's own in it."""
    return Era(shared)


def asked(world: Era, by: str = "tenant", *, limit: int = 50, **options: Any) -> CostSignals:
    """The costs of the hour that ends a minute after NOW."""
    questions = CostQuestions(Reading(world.world.store.engine, ReplayClock(NOW, speed=0)), CostOptions(prices=PRICES, **options))
    end = NOW + MINUTE - world.before_ns
    return questions.signals(end - HOUR, end, by=by, limit=limit)


def call(trace: str, model: str, tokens_in: Any, tokens_out: Any, **attributes: Any) -> SpanLine:
    """A call to a model, within a trace."""
    told = {"gen_ai.operation.name": "chat", "gen_ai.response.model": model, "gen_ai.usage.input_tokens": tokens_in,
            "gen_ai.usage.output_tokens": tokens_out, **attributes}  # fmt: skip
    return SpanLine("chat", trace=trace, id="c", parent="1", kind="client", at=NOW + SECOND, attributes=told)


def entry(trace: str, tenant: str, route: str = "/ask", **attributes: Any) -> SpanLine:
    """A request from outside."""
    told = {"http.route": route, **({"tenant.id": tenant} if tenant else {}), **attributes}
    return SpanLine("POST", trace=trace, kind="server", service="gateway", attributes=told)


def test_tokens_belong_to_who_asked(world: Era) -> None:
    """A call that names no tenant is that of the outermost request of its trace; prices are per million tokens."""
    world.send(
        entry("1", "acme"), call("1", "swift-2", 1_000_000, 100_000),
        entry("2", "bolt"), call("2", "swift-9-mini", 500_000, 7),
        entry("3", ""), call("3", "swift-2", 10, 0, **{"tenant.id": "acme"}),
    )  # fmt: skip
    found = asked(world)
    assert [(row.name, row.usage.requests, row.usage.model_calls, row.usage.input_tokens, row.usage.money) for row in found.rows] == [
        ("acme", 1, 2, 1_000_010, pytest.approx(3.00002)),
        ("bolt", 1, 1, 500_000, 0.5),
        ("", 1, 0, 0, 0),
    ]
    assert found.total.money == pytest.approx(3.50002)
    assert found.total_per_day.money == pytest.approx(3.50002 * 24)
    assert found.unpriced == []


def test_an_agents_span_does_not_count_twice(world: Era) -> None:
    """The agent's span repeats what its calls used."""
    usage = {"gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 50, "gen_ai.operation.name": "invoke_agent"}
    world.send(entry("1", "acme"), SpanLine("agent", trace="1", id="2", parent="1", attributes=usage), call("1", "swift-2", 100, 50))
    assert (asked(world).total.input_tokens, asked(world).total.model_calls) == (100, 1)


def test_a_model_without_a_price_is_said(world: Era) -> None:
    """Its tokens are counted, listed, and in no sum of money: what nobody priced is not free."""
    world.send(entry("1", "acme"), call("1", "owl", 1000, 500), entry("2", "bolt"), call("2", "swift-2", 1000, 0), call("3", "owl", 1, 1))
    found = asked(world)
    by_name = {row.name: row.usage for row in found.rows}
    assert (by_name["acme"].money, by_name["acme"].unpriced_tokens, by_name["bolt"].money) == (None, 1500, 0.002)
    assert [(one.model, one.calls, one.input_tokens, one.output_tokens) for one in found.unpriced] == [("owl", 2, 1001, 501)]
    assert "1,502 tokens of owl have no price" in found.sentence


def test_former_names_and_bytes_count(world: Era) -> None:
    """Older conventions for tokens and body sizes; what is no number is nothing, and as many tokens as can be are as many."""
    old = {"llm.usage.prompt_tokens": 10, "llm.usage.completion_tokens": 5, "llm.request.model": "swift-2"}
    sizes: dict[str, Any] = {"http.request.body.size": 100, "http.response_content_length": "250"}
    world.send(
        SpanLine("llm", trace="1", id="5", attributes=old),
        call("2", "swift-2", "many", -5.0),
        call("3", "swift-2", 7.0, "inf-"),
        call("5", "swift-2", 10**9, 0),
        entry("4", "acme", **sizes),
    )
    found = asked(world)
    assert (found.total.input_tokens, found.total.output_tokens, found.implausible) == (10**9 + 17, 5, 0)
    assert (found.total.received_bytes, found.total.sent_bytes) == (100, 250)


def test_routes_and_models_have_rows_too(world: Era) -> None:
    """By route with its service, by model with its calls."""
    world.send(entry("1", "acme", "/ask"), call("1", "swift-2", 100, 0), entry("2", "acme", "/cart"))
    assert {row.name: (row.usage.requests, row.usage.model_calls) for row in asked(world, "route").rows} == {
        "gateway /ask": (1, 1), "gateway /cart": (1, 0),
    }  # fmt: skip
    assert [(row.name, row.usage.model_calls, row.usage.input_tokens) for row in asked(world, "model").rows] == [("swift-2", 1, 100)]


def test_totals_mean_the_same_however_rows_are_told_apart(world: Era) -> None:
    """Calls, tokens and money are equal by tenant, route and model; requests by tenant and route, and models have none."""
    world.send(
        entry("1", "acme"), call("1", "swift-2", 100, 5), call("1", "owl", 7, 1), entry("2", "bolt", "/cart"), call("3", "swift-2", 9, 9)
    )
    totals = {by: asked(world, by).total for by in ("tenant", "route", "model")}
    assert totals["tenant"] == totals["route"]
    assert replace(totals["model"], money=0) == replace(totals["tenant"], requests=None, money=0)
    assert totals["model"].money == pytest.approx(totals["tenant"].money)
    assert (totals["tenant"].requests, totals["tenant"].model_calls, totals["tenant"].input_tokens) == (2, 3, 116)
    assert [row.usage.requests for row in asked(world, "model").rows] == [None, None]
    assert asked(world, "model").sentence.startswith("3 calls to models with 131 tokens")
    assert asked(world).sentence.startswith("2 requests, 3 calls to models with 131 tokens")


@pytest.mark.parametrize("by", ["tenant", "route", "model"])
@pytest.mark.parametrize(("tokens_in", "tokens_out"), [(2**62, 5), (5, 10**9 + 1), (float("inf"), 0), ("99999999999999999999", 0)])
def test_implausible_calls_are_left_out_and_counted(world: Era, by: str, tokens_in: object, tokens_out: object) -> None:
    """A call that names more tokens than can be is in no row and no sum, and the answer says how many there were."""
    world.send(entry("1", "acme"), call("1", "swift-2", 100, 5), entry("2", "acme"), call("2", "swift-2", tokens_in, tokens_out))
    found = asked(world, by)
    total = found.total
    assert (total.model_calls, total.input_tokens, total.output_tokens, found.implausible) == (1, 100, 5, 1)
    assert total.money == pytest.approx((100 * 2 + 5 * 10) / 1e6)
    assert found.sentence.endswith("; 1 call left out of every sum: it names more than 1,000,000,000 tokens in or out, more than can be")


def test_a_model_with_nothing_plausible_has_no_row(world: Era) -> None:
    """Nothing is known of it, so nothing stands there."""
    world.send(call("1", "owl", 2**62, 0), call("2", "owl", 2**62, 0))
    found = asked(world, "model")
    assert (found.rows, found.unpriced, found.implausible) == ([], [], 2)
    assert "; 2 calls left out" in found.sentence


def test_rows_have_an_end_and_the_total_has_all(world: Era) -> None:
    """What is left out is said and counted."""
    world.send(*(entry(f"{number + 1}", f"t{number}") for number in range(5)))
    found = asked(world, limit=2)
    assert (len(found.rows), found.rows_left_out, found.total.requests) == (2, 3, 5)


def test_other_keys_can_name_tenants(world: Era) -> None:
    """The first of the configured keys that a span has."""
    world.send(entry("1", "", org="o", team="t"), entry("2", "", team="t"))
    assert {row.name for row in asked(world, tenant_keys=("org", "team")).rows} == {"o", "t"}


def test_nothing_used_is_nothing(world: Era) -> None:
    """An empty store costs nothing, and wrong questions are refused."""
    assert (asked(world).rows, asked(world).total.money) == ([], 0)
    questions = CostQuestions(Reading(world.world.store.engine, ReplayClock(NOW, speed=0)))
    with pytest.raises(InvalidInput, match="not by 'weather'"):
        questions.signals(0, NOW, by="weather")
    with pytest.raises(InvalidInput, match="range is empty"):
        questions.signals(NOW, NOW)


def test_the_longest_name_that_fits_is_the_price() -> None:
    """Exactly the name, else the longest pattern."""
    prices = {"a*": ModelPrice(input_per_million=1), "ab*": ModelPrice(input_per_million=2), "abc": ModelPrice(input_per_million=3)}
    assert [getattr(price_of(model, prices), "input_per_million", None) for model in ("abc", "abd", "ax", "b")] == [3, 2, 1, None]
    with pytest.raises(ValidationError):
        ModelPrice(input_per_million=-1)
