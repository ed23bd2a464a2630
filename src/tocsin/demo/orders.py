"""Orders: prices a basket, writes the order down, has it paid. The order is stored before the payment, so none is ever lost."""

from __future__ import annotations

import logging
from http import HTTPStatus
from pathlib import Path
from typing import Any

import flask
import requests
from opentelemetry import metrics

from tocsin.demo.access_log import HEALTH_PATH
from tocsin.demo.database import Row, prepare, transaction
from tocsin.demo.request_id import outgoing_headers
from tocsin.demo.settings import PEER_TIMEOUT_S, ServiceSettings

PRICES_CENTS = {"tea": 450, "coffee": 890, "mug": 1250, "kettle": 4900, "filter": 320}
ORDER_STATUS: dict[int, str] = {HTTPStatus.CREATED: "paid", HTTPStatus.PAYMENT_REQUIRED: "declined"}  # by the answer of payments

_SCHEMA = """
CREATE TABLE IF NOT EXISTS orders (
    id INTEGER PRIMARY KEY, customer TEXT NOT NULL, items TEXT NOT NULL, total_cents INTEGER NOT NULL, status TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS orders_by_customer ON orders (customer, id);
"""
_INSERT = "INSERT INTO orders (customer, items, total_cents, status) VALUES (?, ?, ?, 'pending')"
_SET_STATUS = "UPDATE orders SET status = ? WHERE id = ?"
_SELECT_ONE = "SELECT id, customer, items, total_cents, status FROM orders WHERE id = ?"
_SELECT_LATEST = "SELECT id, customer, items, total_cents, status FROM orders WHERE customer = ? ORDER BY id DESC LIMIT 20"

_log = logging.getLogger("shop.orders")


def build(settings: ServiceSettings) -> flask.Flask:
    """The orders application."""
    book = OrderBook(settings.data / "orders.sqlite3")
    payments = settings.peers["payments"]
    counter = metrics.get_meter("shop.orders").create_counter("shop.orders", unit="{order}", description="Orders by what became of them")
    app = flask.Flask("orders")

    @app.get(HEALTH_PATH)
    def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.post("/orders")
    def place() -> tuple[dict[str, Any], int]:
        basket = flask.request.get_json()
        unknown = sorted({item["sku"] for item in basket["items"]} - PRICES_CENTS.keys())
        if unknown:
            return {"error": f"nobody sells {', '.join(unknown)}"}, HTTPStatus.UNPROCESSABLE_ENTITY
        order_id, total_cents = book.open(basket["customer"], basket["items"])
        paid = charge(payments, order_id, total_cents)
        status = ORDER_STATUS.get(paid, "unpaid")
        book.settle(order_id, status)
        counter.add(1, {"status": status})
        fields = {"event": "order", "order_id": order_id, "order_status": status, "total_cents": total_cents, "error": status == "unpaid"}
        _log.log(logging.ERROR if status == "unpaid" else logging.INFO, "order %d is %s", order_id, status, extra=fields)
        answer = {"id": order_id, "status": status, "total_cents": total_cents}
        return answer, paid if status != "unpaid" else HTTPStatus.SERVICE_UNAVAILABLE

    @app.get("/orders/<int:order_id>")
    def order(order_id: int) -> tuple[dict[str, Any], int]:
        found = book.find(order_id)
        return (found, HTTPStatus.OK) if found else ({"error": f"there is no order {order_id}"}, HTTPStatus.NOT_FOUND)

    @app.get("/customers/<customer>/orders")
    def orders_of_customer(customer: str) -> dict[str, Any]:
        return {"orders": book.latest(customer)}

    return app


class OrderBook:
    """The orders table."""

    def __init__(self, path: Path) -> None:
        self._path = path
        prepare(path, _SCHEMA)

    def open(self, customer: str, items: list[dict[str, Any]]) -> tuple[int, int]:
        """Write a new order down as pending; returns its id and its total in cents."""
        total_cents = sum(PRICES_CENTS[item["sku"]] * item["quantity"] for item in items)
        text = " ".join(f"{item['quantity']}x{item['sku']}" for item in items)
        with transaction(self._path) as cursor:
            cursor.execute(_INSERT, (customer, text, total_cents))
            assert cursor.lastrowid is not None, "BUG: SQLite gives every inserted row an id"
            return cursor.lastrowid, total_cents

    def settle(self, order_id: int, status: str) -> None:
        """Note what became of the payment."""
        with transaction(self._path) as cursor:
            cursor.execute(_SET_STATUS, (status, order_id))

    def find(self, order_id: int) -> dict[str, Any] | None:
        """The order, None if there is none."""
        with transaction(self._path) as cursor:
            row = cursor.execute(_SELECT_ONE, (order_id,)).fetchone()
        return _as_order(row) if row else None

    def latest(self, customer: str) -> list[dict[str, Any]]:
        """The customer's newest orders, at most 20, newest first."""
        with transaction(self._path) as cursor:
            return [_as_order(row) for row in cursor.execute(_SELECT_LATEST, (customer,)).fetchall()]


def charge(payments: str, order_id: int, amount_cents: int) -> int:
    """Ask payments for the money; the HTTP status of its answer, 503 when there was none."""
    try:
        response = requests.post(
            f"{payments}/charges",
            json={"order_id": order_id, "amount_cents": amount_cents},
            headers=outgoing_headers(),
            timeout=PEER_TIMEOUT_S,
        )
    except requests.RequestException:
        _log.exception(
            "payments cannot be reached", extra={"event": "peer_failed", "peer": "payments", "order_id": order_id, "error": True}
        )
        return HTTPStatus.SERVICE_UNAVAILABLE
    return response.status_code


def _as_order(row: Row) -> dict[str, Any]:
    return dict(zip(("id", "customer", "items", "total_cents", "status"), row, strict=True))
