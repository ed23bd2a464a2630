"""
The database connections that orders has, counted: four at once, and whoever waits longer than a second for one is told so.

SQLite needs no pool; a shop of this size on PostgreSQL would have exactly this one, and exactly this way to run dry.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from opentelemetry import metrics
from opentelemetry.metrics import CallbackOptions, Observation

from tocsin.demo.faults.board import FaultBoard
from tocsin.demo.faults.catalog import Fault

CONNECTIONS = 4
WAIT_S_MAX = 1.0
LEAK_S = 2.5  # how much too late a connection comes back under the fault pool-exhausted
POOL = {"db.client.connection.pool.name": "orders"}


class PoolExhaustedError(Exception):
    """Every connection is in use."""


class ConnectionPool:
    """Hands connections out by number alone; reports how many are in use under the names of OpenTelemetry's conventions."""

    def __init__(self, faults: FaultBoard) -> None:
        self._faults = faults
        self._free = threading.BoundedSemaphore(CONNECTIONS)
        self._lock = threading.Lock()
        self._used = 0
        meter = metrics.get_meter("shop.orders")
        meter.create_observable_gauge("db.client.connection.count", [self._observed], "{connection}", "Connections in use")
        meter.create_observable_gauge("db.client.connection.max", [_most], "{connection}", "Connections that there are")

    @contextmanager
    def connection(self) -> Iterator[None]:
        """
        Hold a connection for the block.

        Raises:
            PoolExhaustedError: None was free within WAIT_S_MAX.
        """
        if not self._free.acquire(timeout=WAIT_S_MAX):
            raise PoolExhaustedError(f"connection pool exhausted: {CONNECTIONS} of {CONNECTIONS} are in use, waited {WAIT_S_MAX:g} s")
        self._count(+1)
        try:
            yield
        finally:
            if self._faults.holds(Fault.POOL_EXHAUSTED):
                threading.Thread(target=self._give_back_late, daemon=True).start()
            else:
                self._give_back()

    def _give_back_late(self) -> None:
        time.sleep(LEAK_S)
        self._give_back()

    def _give_back(self) -> None:
        self._count(-1)
        self._free.release()

    def _count(self, change: int) -> None:
        with self._lock:
            self._used += change

    def _observed(self, _: CallbackOptions) -> Iterable[Observation]:
        with self._lock:
            return [Observation(self._used, {**POOL, "db.client.connection.state": "used"})]


def _most(_: CallbackOptions) -> Iterable[Observation]:
    return [Observation(CONNECTIONS, POOL)]
