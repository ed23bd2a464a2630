"""A client that calls an ASGI application in this process: no port, no server, no lifespan."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import httpx
from starlette.types import ASGIApp


class AsgiClient:
    """
    Sends one request at a time; exceptions of the application become its answers, as behind a real server.

    Args:
        app: The application.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    def request(
        self,
        method: str,
        path: str,
        *,
        content: bytes = b"",
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Send a request and read the whole answer."""

        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(self._app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://tocsin.test") as client:
                return await client.request(method, path, content=content, headers=dict(headers or {}), params=params)

        return asyncio.run(send())

    def get(self, path: str, *, params: Mapping[str, str] | None = None) -> httpx.Response:
        """GET."""
        return self.request("GET", path, params=params)

    def post(self, path: str, *, content: bytes = b"", headers: Mapping[str, str] | None = None) -> httpx.Response:
        """POST."""
        return self.request("POST", path, content=content, headers=headers)
