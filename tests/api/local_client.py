"""A client of an application in this process, as a program on this machine that asks `http://localhost`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, TypeAlias

import httpx
from starlette.types import ASGIApp

Parameters: TypeAlias = "Mapping[str, str | int | float] | list[tuple[str, str | int | float | None]]"


class LocalClient:
    """Sends one request at a time, follows redirects; exceptions of the application become its answers, as behind a real server."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    def request(
        self,
        verb: str,
        path: str,
        *,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        params: Parameters | None = None,
    ) -> httpx.Response:
        """Send a request and read the whole answer."""

        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(self._app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost", follow_redirects=True) as client:
                return await client.request(verb, path, json=json, data=form, headers=dict(headers or {}), params=params)

        return asyncio.run(send())

    def get(self, path: str, *, headers: Mapping[str, str] | None = None, params: Parameters | None = None) -> httpx.Response:
        """GET."""
        return self.request("GET", path, headers=headers, params=params)

    def post(
        self,
        path: str,
        *,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        params: Parameters | None = None,
    ) -> httpx.Response:
        """POST a JSON document, or a form."""
        return self.request("POST", path, json=json, form=form, headers=headers, params=params)
