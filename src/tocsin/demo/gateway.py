"""The gateway: the shop's only open door. Checks what comes in, passes it on, and turns trouble behind it into an honest answer."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

import httpx
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, Field

from tocsin.demo.access_log import HEALTH_PATH
from tocsin.demo.request_id import outgoing_headers
from tocsin.demo.settings import PEER_TIMEOUT_S, ServiceSettings

_log = logging.getLogger("shop.gateway")


class Item(BaseModel):
    """One line of a basket."""

    sku: str
    quantity: int = Field(ge=1, le=100)


class Checkout(BaseModel):
    """A basket to be paid."""

    customer: str
    items: list[Item] = Field(min_length=1)


class Question(BaseModel):
    """Something that a customer wants to know."""

    customer: str
    question: str = Field(min_length=1, max_length=2000)


def build(settings: ServiceSettings) -> FastAPI:
    """The gateway's application."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with httpx.AsyncClient(timeout=PEER_TIMEOUT_S) as client:
            app.state.peers = Peers(client, settings.peers)
            yield

    app = FastAPI(title="gateway", lifespan=lifespan)

    @app.get(HEALTH_PATH)
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.post("/checkout", status_code=HTTPStatus.CREATED)
    async def checkout(basket: Checkout) -> Any:
        return await app.state.peers.call("orders", "POST", "/orders", basket.model_dump())

    @app.get("/orders/{order_id}")
    async def order(order_id: int) -> Any:
        return await app.state.peers.call("orders", "GET", f"/orders/{order_id}")

    @app.get("/customers/{customer}/orders")
    async def orders_of_customer(customer: str) -> Any:
        return await app.state.peers.call("orders", "GET", f"/customers/{customer}/orders")

    @app.post("/ask")
    async def ask(question: Question) -> Any:
        return await app.state.peers.call("assistant", "POST", "/answers", question.model_dump())

    return app


class Peers:
    """The services behind the gateway."""

    def __init__(self, client: httpx.AsyncClient, addresses: dict[str, str]) -> None:
        self._client = client
        self._addresses = addresses

    async def call(self, peer: str, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """
        The peer's JSON answer.

        Raises:
            HTTPException: The peer's own refusal (4xx) as it is; 502 when it failed; 504 when it took longer than PEER_TIMEOUT_S.
        """
        try:
            response = await self._client.request(method, self._addresses[peer] + path, json=body, headers=outgoing_headers())
        except httpx.TimeoutException as error:
            _log.exception(
                "%s did not answer within %g s", peer, PEER_TIMEOUT_S, extra={"event": "peer_failed", "peer": peer, "error": True}
            )
            raise HTTPException(HTTPStatus.GATEWAY_TIMEOUT, f"{peer} takes too long") from error
        except httpx.HTTPError as error:
            _log.exception("%s cannot be reached", peer, extra={"event": "peer_failed", "peer": peer, "error": True})
            raise HTTPException(HTTPStatus.BAD_GATEWAY, f"{peer} cannot be reached") from error
        if response.is_server_error:
            _log.error(
                "%s answered %d",
                peer,
                response.status_code,
                extra={"event": "peer_failed", "peer": peer, "status": response.status_code, "error": True},
            )
            raise HTTPException(HTTPStatus.BAD_GATEWAY, f"{peer} failed")
        if response.is_client_error:
            raise HTTPException(response.status_code, response.json())
        return response.json()
