"""The stub model."""

from __future__ import annotations

import asyncio

from tocsin.demo.chance import Chance
from tocsin.demo.stub_model import OUTPUT_TOKENS_MAX, StubModel, count_tokens

SHIPPING = "Parcels leave within one day. Shipping is free from 30 euros. Our coffee is fresh."


def test_it_answers_from_the_passages() -> None:
    """The sentences that share words with the question come first."""
    completion = asyncio.run(StubModel(Chance(1)).complete("Is shipping free?", [SHIPPING]))
    assert completion.text.startswith("Shipping is free from 30 euros.")
    assert completion.finish_reason == "stop"
    assert completion.input_tokens == count_tokens("Is shipping free?", SHIPPING)


def test_it_answers_the_same_every_time() -> None:
    """Question and passages decide everything, the id included."""
    model = StubModel(Chance(1))
    assert asyncio.run(model.complete("Is shipping free?", [SHIPPING])) == asyncio.run(model.complete("Is shipping free?", [SHIPPING]))


def test_it_says_when_it_knows_nothing() -> None:
    """Without passages it sends the customer to people."""
    completion = asyncio.run(StubModel(Chance(1)).complete("Do you sell bicycles?", []))
    assert completion.text == "I have nothing on that. Please ask our staff."


def test_it_stops_at_its_limit() -> None:
    """A long answer is cut at the limit and says so."""
    completion = asyncio.run(StubModel(Chance(1)).complete("word", ["word " * 500]))
    assert completion.finish_reason == "length"
    assert completion.output_tokens == OUTPUT_TOKENS_MAX
