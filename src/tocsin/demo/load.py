"""
Customers: a steady, seeded stream of requests to the gateway.

Open loop: arrivals follow their own clock whatever the answers take, as the world's customers do. When IN_FLIGHT_MAX requests
are waiting, further ones are counted as skipped instead of piling up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

from tocsin.demo.chance import Chance
from tocsin.demo.faults.board import FaultBoard
from tocsin.demo.faults.catalog import Fault
from tocsin.demo.orders import PRICES_CENTS
from tocsin.demo.request_id import HEADER

IN_FLIGHT_MAX = 64
CUSTOMERS = 40
REQUEST_TIMEOUT_S = 10.0
SALE_TIMES = 6  # under the fault traffic-spike: so many times as many customers
SALE_BUYERS = 0.85  # share of those that would not buy otherwise

QUESTIONS = (
    "How long does shipping take?",
    "Can I send my order back and when do I get my money?",
    "How do I clean the kettle?",
    "When is the coffee roasted?",
    "Which water for green tea?",
    "My card was declined, what now?",
    "Do you sell bicycles?",
)


@dataclass(frozen=True, slots=True)
class Call:
    """One request that a customer makes."""

    method: str
    path: str
    body: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class LoadStatistics:
    """Requests since the start: answered without fault of the shop's, failed (5xx or no answer), never sent because too many waited."""

    answered: int
    failed: int
    skipped: int


class Load:
    """
    The stream.

    Args:
        gateway: Base address of the gateway.
        chance: Decides who asks what, and when.
        rate_per_s: Mean arrivals per second, > 0.
        faults: What is broken now; a sale is no fault of the shop's, but looks like one.
        run: Sets this run's request ids apart from those of other runs.
        on_failure: Called with the request id and a sentence for each failed request.
    """

    def __init__(
        self,
        gateway: str,
        *,
        chance: Chance,
        rate_per_s: float,
        run: str,
        on_failure: Callable[[str, str], None],
        faults: FaultBoard | None = None,
    ) -> None:
        self._gateway = gateway
        self._faults = faults or FaultBoard(None)
        self._chance = chance
        self._mean_wait_s = 1 / rate_per_s
        self._run = run
        self._on_failure = on_failure
        self._answered = 0
        self._failed = 0
        self._skipped = 0

    async def drive(self) -> None:
        """Send requests until cancelled; those under way are then dropped."""
        limits = httpx.Limits(max_connections=IN_FLIGHT_MAX)
        async with (
            httpx.AsyncClient(base_url=self._gateway, timeout=REQUEST_TIMEOUT_S, limits=limits, trust_env=False) as client,
            asyncio.TaskGroup() as waiting,
        ):
            loop = asyncio.get_running_loop()
            due_s = loop.time()
            in_flight: set[asyncio.Task[None]] = set()
            number = 0
            while True:
                number += 1
                sale = self._faults.holds(Fault.TRAFFIC_SPIKE)
                due_s += self._chance.wait_s(self._mean_wait_s / (SALE_TIMES if sale else 1), number)
                await asyncio.sleep(due_s - loop.time())
                if len(in_flight) >= IN_FLIGHT_MAX:
                    self._skipped += 1
                    continue
                task = waiting.create_task(self._send(client, number, choose_call(self._chance, number, sale=sale)))
                in_flight.add(task)
                task.add_done_callback(in_flight.discard)

    def statistics(self) -> LoadStatistics:
        """Requests since the start."""
        return LoadStatistics(answered=self._answered, failed=self._failed, skipped=self._skipped)

    async def _send(self, client: httpx.AsyncClient, number: int, call: Call) -> None:
        request_id = f"req-{self._run}-{number:06d}"
        try:
            response = await client.request(call.method, call.path, json=call.body, headers={HEADER: request_id})
        except httpx.HTTPError as error:
            self._failed += 1
            self._on_failure(request_id, f"{call.method} {call.path}: {type(error).__name__}")
            return
        if response.is_server_error:
            self._failed += 1
            self._on_failure(request_id, f"{call.method} {call.path} -> {response.status_code}")
        else:
            self._answered += 1


def choose_call(chance: Chance, number: int, *, sale: bool = False) -> Call:
    """What the customer of that number wants: 35 % buy (in a sale 90 %), 25 % ask, 20 % look at one order, 20 % at all of theirs."""
    customer = f"customer-{chance.pick(CUSTOMERS, 'customer', number):02d}"
    kind = chance.ratio("kind", number)
    if kind < 0.35 or (sale and chance.happens(SALE_BUYERS, "sale", number)):
        skus = sorted(PRICES_CENTS)
        count = 1 + chance.pick(3, "count", number)
        items = [
            {"sku": skus[chance.pick(len(skus), "sku", number, line)], "quantity": 1 + chance.pick(4, "quantity", number, line)}
            for line in range(count)
        ]
        return Call("POST", "/checkout", {"customer": customer, "items": items})
    if kind < 0.60:
        question = QUESTIONS[chance.pick(len(QUESTIONS), "question", number)]
        return Call("POST", "/ask", {"customer": customer, "question": question})
    if kind < 0.80:
        return Call("GET", f"/orders/{1 + chance.pick(max(1, number // 3), 'order', number)}")
    return Call("GET", f"/customers/{customer}/orders")
