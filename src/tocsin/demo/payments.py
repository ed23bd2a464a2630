"""
Payments: asks the card processor for money and keeps the ledger.

The processor is played: it takes one charge at a time, 40 ms as a rule, sometimes half a second, declines two cards in a hundred and is
out of reach for one charge in a hundred. No card data is here, not even played.
"""

from __future__ import annotations

import logging
import threading
import time
from http import HTTPStatus
from typing import Any

import flask
from opentelemetry import metrics, trace

from tocsin.demo.access_log import HEALTH_PATH
from tocsin.demo.chance import Chance
from tocsin.demo.database import prepare, transaction
from tocsin.demo.faults.board import FaultBoard
from tocsin.demo.faults.catalog import Fault
from tocsin.demo.request_id import current_roll
from tocsin.demo.settings import ServiceSettings

DECLINED_SHARE = 0.02
UNREACHABLE_SHARE = 0.01
SLOW_SHARE = 0.03
USUAL_LATENCY_S = 0.04
SLOW_LATENCY_S = 0.5
FAULT_LATENCY_S = 2.5  # of the fault slow-dependency
PLACES = 1  # charges that the processor takes at once
QUEUE_S_MAX = 5.0  # whoever waited so long has no caller any more

_SCHEMA = """
CREATE TABLE IF NOT EXISTS ledger (id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL, amount_cents INTEGER NOT NULL, result TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS ledger_by_order ON ledger (order_id);
"""
_INSERT = "INSERT INTO ledger (order_id, amount_cents, result) VALUES (?, ?, ?)"

_log = logging.getLogger("shop.payments")


class ProcessorUnreachableError(Exception):
    """The card processor did not answer; nothing was charged."""


def build(settings: ServiceSettings) -> flask.Flask:
    """The payments application."""
    path = settings.data / "payments.sqlite3"
    prepare(path, _SCHEMA)
    processor = CardProcessor(settings.chance, settings.faults)
    amounts = metrics.get_meter("shop.payments").create_histogram(
        "shop.charge.amount", unit="{cent}", description="Amounts that were asked of the card processor"
    )
    app = flask.Flask("payments")

    @app.get(HEALTH_PATH)
    def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.post("/charges")
    def charge() -> tuple[dict[str, Any], int]:
        asked = flask.request.get_json()
        order_id, amount_cents = int(asked["order_id"]), int(asked["amount_cents"])
        try:
            result = processor.charge(amount_cents)
        except ProcessorUnreachableError:
            _log.exception("charge for order %d failed", order_id, extra={"event": "charge", "order_id": order_id, "error": True})
            return {"error": "the card processor cannot be reached"}, HTTPStatus.SERVICE_UNAVAILABLE
        with transaction(path) as cursor:
            cursor.execute(_INSERT, (order_id, amount_cents, result))
        amounts.record(amount_cents, {"result": result})
        fields = {"event": "charge", "order_id": order_id, "amount_cents": amount_cents, "result": result, "error": False}
        _log.info("charge for order %d is %s", order_id, result, extra=fields)
        return {"order_id": order_id, "result": result}, HTTPStatus.CREATED if result == "approved" else HTTPStatus.PAYMENT_REQUIRED

    return app


class CardProcessor:
    """The company outside that moves the money."""

    def __init__(self, chance: Chance, faults: FaultBoard) -> None:
        self._chance = chance
        self._faults = faults
        self._places = threading.BoundedSemaphore(PLACES)
        self._tracer = trace.get_tracer("shop.payments")

    def charge(self, amount_cents: int) -> str:
        """
        `approved` or `declined`, after the time that such things take.

        Raises:
            ProcessorUnreachableError: It did not answer.
        """
        with self._tracer.start_as_current_span("wait for the card processor"):
            if not self._places.acquire(timeout=QUEUE_S_MAX):
                raise ProcessorUnreachableError(f"the queue before processor.invalid did not move for {QUEUE_S_MAX:g} s")
        try:
            return self._charged(amount_cents)
        finally:
            self._places.release()

    def _charged(self, amount_cents: int) -> str:
        roll = current_roll()
        attributes: dict[str, str | int] = {"shop.amount_cents": amount_cents, "server.address": "processor.invalid"}
        with self._tracer.start_as_current_span("card processor charge", kind=trace.SpanKind.CLIENT, attributes=attributes):
            slow = self._chance.happens(SLOW_SHARE, "processor slow", roll)
            usual_s = FAULT_LATENCY_S if self._faults.holds(Fault.SLOW_DEPENDENCY) else USUAL_LATENCY_S
            time.sleep(self._chance.latency_s(SLOW_LATENCY_S if slow else usual_s, "processor", roll))
            if self._chance.happens(UNREACHABLE_SHARE, "processor unreachable", roll):
                raise ProcessorUnreachableError("connection reset by processor.invalid")
            return "declined" if self._chance.happens(DECLINED_SHARE, "processor declines", roll) else "approved"
