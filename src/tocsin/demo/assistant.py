"""
The assistant: answers customers' questions from the shop's documents with a language model.

Its spans and metrics follow OpenTelemetry's conventions for generative AI (`gen_ai.*`): one `invoke_agent` span, under it the
`execute_tool` span of the retrieval and the `chat` span of the model with its token counts.
"""

from __future__ import annotations

import asyncio
import logging
import re
from http import HTTPStatus
from pathlib import Path
from typing import Any

from fastapi import FastAPI, HTTPException
from opentelemetry import metrics, trace
from pydantic import BaseModel

from tocsin.clock import RealClock
from tocsin.demo.access_log import HEALTH_PATH
from tocsin.demo.chance import Chance
from tocsin.demo.database import prepare, transaction
from tocsin.demo.request_id import current_roll
from tocsin.demo.settings import ServiceSettings
from tocsin.demo.stub_model import MODEL, PROVIDER, Completion, StubModel

AGENT = "shop-assistant"
TOOL = "retrieve"
RETRIEVAL_TIMEOUT_SHARE = 0.015
RETRIEVAL_TIMEOUT_S = 1.0
RETRIEVAL_LATENCY_S = 0.015
TOKEN_BUCKETS = (1, 4, 16, 64, 256, 1024, 4096, 16384)  # as the conventions advise
DURATION_BUCKETS_S = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12)

DOCUMENTS = (
    ("shipping", "Parcels leave our store within one working day. Shipping is free from 30 euros. Abroad it takes five to eight days."),
    ("returns", "You may send an order back within 30 days. Refunds reach your account three days after the parcel reaches us."),
    ("kettle", "The kettle boils one litre in three minutes. Its lid comes off for cleaning. Descale the kettle once a month."),
    ("coffee", "Our coffee is roasted every Tuesday. Keep coffee dry and dark. Ground coffee is best within two weeks."),
    ("tea", "Green tea wants water of 80 degrees. Black tea wants boiling water and four minutes."),
    ("payment", "We take cards and bank transfer. A declined card is not charged. You can pay a pending order again from your account."),
)

_SCHEMA = "CREATE TABLE IF NOT EXISTS documents (title TEXT PRIMARY KEY, body TEXT NOT NULL)"
_INSERT = "INSERT OR REPLACE INTO documents (title, body) VALUES (?, ?)"
_SELECT = "SELECT body FROM documents WHERE instr(lower(body), ?) > 0 OR instr(title, ?) > 0 ORDER BY title LIMIT 3"

_log = logging.getLogger("shop.assistant")


class Question(BaseModel):
    """What is asked, and by whom."""

    customer: str
    question: str


class RetrievalTimeoutError(Exception):
    """The document store took longer than RETRIEVAL_TIMEOUT_S."""


def build(settings: ServiceSettings) -> FastAPI:
    """The assistant's application."""
    agent = Agent(Library(settings.data / "assistant.sqlite3", settings.chance), StubModel(settings.chance))
    app = FastAPI(title="assistant")

    @app.get(HEALTH_PATH)
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.post("/answers")
    async def answers(asked: Question) -> dict[str, Any]:
        try:
            completion = await agent.answer(asked.question)
        except RetrievalTimeoutError as error:
            raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, "the documents cannot be searched just now") from error
        usage = {"input_tokens": completion.input_tokens, "output_tokens": completion.output_tokens}
        return {"answer": completion.text, "model": MODEL, "usage": usage}

    return app


class Library:
    """The shop's documents, searched by words."""

    def __init__(self, path: Path, chance: Chance) -> None:
        self._path = path
        self._chance = chance
        prepare(path, _SCHEMA)
        with transaction(path) as cursor:
            cursor.executemany(_INSERT, DOCUMENTS)

    async def search(self, question: str) -> list[str]:
        """
        The passages that share a word of four letters or more with the question, at most three per word, each once.

        Raises:
            RetrievalTimeoutError: It took too long.
        """
        roll = current_roll()
        if self._chance.happens(RETRIEVAL_TIMEOUT_SHARE, "retrieval timeout", roll):
            await asyncio.sleep(RETRIEVAL_TIMEOUT_S)
            raise RetrievalTimeoutError(f"no answer from the document store within {RETRIEVAL_TIMEOUT_S:g} s")
        await asyncio.sleep(self._chance.latency_s(RETRIEVAL_LATENCY_S, "retrieval", roll, spread=0.6))
        words = sorted(set(re.findall(r"\w{4,}", question.lower())))
        with transaction(self._path) as cursor:
            found = [row[0] for word in words for row in cursor.execute(_SELECT, (word, word)).fetchall()]
        return list(dict.fromkeys(found))


class Agent:
    """Retrieval, then generation, each with its span, metrics and log record."""

    def __init__(self, library: Library, model: StubModel) -> None:
        self._library = library
        self._model = model
        self._clock = RealClock()
        self._tracer = trace.get_tracer("shop.assistant")
        meter = metrics.get_meter("shop.assistant")
        self._tokens = meter.create_histogram(
            "gen_ai.client.token.usage", unit="{token}", description="Tokens per call", explicit_bucket_boundaries_advisory=TOKEN_BUCKETS
        )
        self._durations = meter.create_histogram(
            "gen_ai.client.operation.duration",
            unit="s",
            description="Time per call",
            explicit_bucket_boundaries_advisory=DURATION_BUCKETS_S,
        )

    async def answer(self, question: str) -> Completion:
        """
        The model's answer, grounded in what the library has.

        Raises:
            RetrievalTimeoutError: The library did not answer.
        """
        attributes = {"gen_ai.operation.name": "invoke_agent", "gen_ai.provider.name": PROVIDER, "gen_ai.agent.name": AGENT}
        with self._tracer.start_as_current_span(f"invoke_agent {AGENT}", attributes=attributes) as span:
            passages = await self._retrieve(question)
            completion = await self._generate(question, passages)
            span.set_attribute("gen_ai.usage.input_tokens", completion.input_tokens)
            span.set_attribute("gen_ai.usage.output_tokens", completion.output_tokens)
            return completion

    async def _retrieve(self, question: str) -> list[str]:
        attributes = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": TOOL, "gen_ai.tool.type": "datastore"}
        started_s = self._clock.monotonic_s()
        with self._tracer.start_as_current_span(f"execute_tool {TOOL}", attributes=attributes) as span:
            try:
                passages = await self._library.search(question)
            except RetrievalTimeoutError as error:
                span.set_attribute("error.type", type(error).__qualname__)
                fields = {"event": "tool", "tool": TOOL, "latency_ms": self._since_ms(started_s), "error": True}
                _log.exception("%s failed: %s", TOOL, error, extra=fields)
                raise
            span.set_attribute("shop.retrieved_passages", len(passages))
            fields = {"event": "tool", "tool": TOOL, "latency_ms": self._since_ms(started_s), "error": False, "passages": len(passages)}
            _log.info("%s found %d passages", TOOL, len(passages), extra=fields)
            return passages

    async def _generate(self, question: str, passages: list[str]) -> Completion:
        call = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": PROVIDER, "gen_ai.request.model": MODEL}
        started_s = self._clock.monotonic_s()
        with self._tracer.start_as_current_span(f"chat {MODEL}", kind=trace.SpanKind.CLIENT, attributes=call) as span:
            completion = await self._model.complete(question, passages)
            span.set_attributes(
                {
                    "gen_ai.response.model": MODEL,
                    "gen_ai.response.id": completion.id,
                    "gen_ai.response.finish_reasons": [completion.finish_reason],
                    "gen_ai.usage.input_tokens": completion.input_tokens,
                    "gen_ai.usage.output_tokens": completion.output_tokens,
                }
            )
            dimensions = {**call, "gen_ai.response.model": MODEL}
            self._durations.record(self._clock.monotonic_s() - started_s, dimensions)
            self._tokens.record(completion.input_tokens, {**dimensions, "gen_ai.token.type": "input"})
            self._tokens.record(completion.output_tokens, {**dimensions, "gen_ai.token.type": "output"})
            tokens = {"input_tokens": completion.input_tokens, "output_tokens": completion.output_tokens}
            fields = {"event": "model", "model": MODEL, "latency_ms": self._since_ms(started_s), "error": False, **tokens}
            _log.info("%s answered with %d tokens", MODEL, completion.output_tokens, extra=fields)
            return completion

    def _since_ms(self, started_s: float) -> float:
        return round((self._clock.monotonic_s() - started_s) * 1000, 1)
