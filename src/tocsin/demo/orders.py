"""
Orders: prices a basket, writes the order down, has it paid. The order is stored before the payment, so none is ever lost.

Two versions of it are worse than the others, see `faults.catalog`: 1.1.0 forgot the price of a kettle's gift wrap, 1.2.0 reads a
customer's notes with a query that no index serves.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from sqlite3 import Cursor
from typing import Any

import flask
import requests
from opentelemetry import metrics

from tocsin.demo.access_log import HEALTH_PATH
from tocsin.demo.database import Row, prepare, transaction
from tocsin.demo.faults.catalog import STORIES, Fault
from tocsin.demo.pool import ConnectionPool, PoolExhaustedError
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

_NOTES = """
CREATE TABLE IF NOT EXISTS order_notes (order_id INTEGER NOT NULL, note TEXT NOT NULL);
INSERT INTO order_notes
    WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 100000)
    SELECT n, 'packed by ' || (n % 17) FROM numbers WHERE NOT EXISTS (SELECT 1 FROM order_notes);
"""
_COUNT_NOTES = "SELECT count(*) FROM order_notes WHERE order_id IN (SELECT id FROM orders WHERE customer = ?) AND note LIKE '%packed%'"
NOTES = 100_000
SCAN_S = 1.4  # the disk is played: so long takes the scan where the table is not in memory
GIFT_WRAP_CENTS = {"tea": 50, "coffee": 50, "mug": 80, "filter": 0}  # of version 1.1.0, which forgot the kettle

_log = logging.getLogger("shop.orders")


def build(settings: ServiceSettings) -> flask.Flask:
    """The orders application."""
    faults = settings.faults
    book = OrderBook(settings.data / "orders.sqlite3", ConnectionPool(faults))
    payments = settings.peers["payments"]
    counter = metrics.get_meter("shop.orders").create_counter("shop.orders", unit="{order}", description="Orders by what became of them")
    app = flask.Flask("orders")

    @app.get(HEALTH_PATH)
    def health() -> dict[str, str]:
        return {"status": "ok", "version": settings.version}

    @app.post("/orders")
    def place() -> tuple[dict[str, Any], int]:
        basket = flask.request.get_json()
        unknown = sorted({item["sku"] for item in basket["items"]} - PRICES_CENTS.keys())
        if unknown:
            return {"error": f"nobody sells {', '.join(unknown)}"}, HTTPStatus.UNPROCESSABLE_ENTITY
        if settings.version == STORIES[Fault.BAD_DEPLOY].version and faults.holds(Fault.BAD_DEPLOY):
            sum(GIFT_WRAP_CENTS[item["sku"]] for item in basket["items"])
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
        if settings.version == STORIES[Fault.UNINDEXED_QUERY].version and faults.holds(Fault.UNINDEXED_QUERY):
            book.count_notes(customer)
        return {"orders": book.latest(customer)}

    @app.errorhandler(PoolExhaustedError)
    def exhausted(error: PoolExhaustedError) -> tuple[dict[str, Any], int]:
        _log.error("%s", error, extra={"event": "pool_exhausted", "error": True})
        return {"error": "no database connection is free"}, HTTPStatus.SERVICE_UNAVAILABLE

    @app.errorhandler(KeyError)
    def unpriced(error: KeyError) -> tuple[dict[str, Any], int]:
        _log.error("KeyError: no gift wrap price for %s", error, exc_info=error, extra={"event": "order", "error": True})
        return {"error": "the order can't be priced"}, HTTPStatus.INTERNAL_SERVER_ERROR

    return app


class OrderBook:
    """The orders table."""

    def __init__(self, path: Path, pool: ConnectionPool) -> None:
        self._path = path
        self._pool = pool
        prepare(path, _SCHEMA)

    def open(self, customer: str, items: list[dict[str, Any]]) -> tuple[int, int]:
        """Write a new order down as pending; returns its id and its total in cents."""
        total_cents = sum(PRICES_CENTS[item["sku"]] * item["quantity"] for item in items)
        text = " ".join(f"{item['quantity']}x{item['sku']}" for item in items)
        with self._transaction() as cursor:
            cursor.execute(_INSERT, (customer, text, total_cents))
            assert cursor.lastrowid is not None, "BUG: SQLite gives every inserted row an id"
            return cursor.lastrowid, total_cents

    def settle(self, order_id: int, status: str) -> None:
        """Note what became of the payment."""
        with self._transaction() as cursor:
            cursor.execute(_SET_STATUS, (status, order_id))

    def find(self, order_id: int) -> dict[str, Any] | None:
        """The order, None if there is none."""
        with self._transaction() as cursor:
            row = cursor.execute(_SELECT_ONE, (order_id,)).fetchone()
        return _as_order(row) if row else None

    def latest(self, customer: str) -> list[dict[str, Any]]:
        """The customer's newest orders, at most 20, newest first."""
        with self._transaction() as cursor:
            return [_as_order(row) for row in cursor.execute(_SELECT_LATEST, (customer,)).fetchall()]

    def count_notes(self, customer: str) -> int:
        """How many notes a customer's orders have, found by reading every note there is."""
        prepare(self._path, _NOTES)
        with self._transaction() as cursor:
            (count,) = cursor.execute(_COUNT_NOTES, (customer,)).fetchone()
            time.sleep(SCAN_S)
        fields = {"event": "slow_query", "table": "order_notes", "rows": NOTES, "error": False}
        _log.warning("full table scan on order_notes, %d rows, missing index on order_id", NOTES, extra=fields)
        return int(count)

    @contextmanager
    def _transaction(self) -> Iterator[Cursor]:
        with self._pool.connection(), transaction(self._path) as cursor:
            yield cursor


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
