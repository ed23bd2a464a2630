"""
How a command asks: a server by its URL, or a data directory without one. Both answer the same HTTP.

For a data directory the very same application runs inside this process, so what a command shows never depends on the way.
"""

from __future__ import annotations

import asyncio
import importlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tocsin.errors import TocsinError

DEFAULT_URL = "http://127.0.0.1:4318"
TIMEOUT_S = 90.0  # longer than the longest that a server lets a statement run
CONNECT_TIMEOUT_S = 5.0


class Unreachable(TocsinError):
    """No server answers at the address."""


class Refused(TocsinError):
    """
    The server answered with an error.

    Args:
        message: What it said.
        lasting: The question was wrong, so asked again it will be refused again.
    """

    def __init__(self, message: str, *, lasting: bool = False) -> None:
        super().__init__(message)
        self.lasting = lasting


class Server:
    """
    Asks one server.

    Args:
        url: Its address.
        transport: In place of the network, the application itself.
    """

    def __init__(self, url: str, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.url = url.rstrip("/")
        self._transport = transport

    def get(self, path: str, parameters: Mapping[str, Any] | None = None) -> str:
        """
        The JSON text that a route answers with; parameters that are None are left out.

        Raises:
            Unreachable: Nothing answers, or not Tocsin.
            Refused: It answered with an error.
        """
        chosen = {name: value for name, value in (parameters or {}).items() if value is not None}
        return self._ask(httpx.Request("GET", self.url + path, params=chosen)).text

    def post(self, path: str, document: Any) -> str:
        """The same for a JSON document sent by POST."""
        return self._ask(httpx.Request("POST", self.url + path, json=document)).text

    def send(self, path: str, body: bytes, media_type: str) -> httpx.Response:
        """Send bytes; returns whatever the server answers, errors too."""
        return self._exchange(httpx.Request("POST", self.url + path, content=body, headers={"Content-Type": media_type}))

    def _ask(self, request: httpx.Request) -> httpx.Response:
        response = self._exchange(request)
        if response.is_success:
            return response
        message = _error_message(response) or f"{self.url} answered {response.status_code} for {request.url.path}: is it Tocsin?"
        raise Refused(message, lasting=not response.is_server_error and response.status_code != httpx.codes.TOO_MANY_REQUESTS)

    def _exchange(self, request: httpx.Request) -> httpx.Response:
        return asyncio.run(self._exchange_async(request))

    async def _exchange_async(self, request: httpx.Request) -> httpx.Response:
        timeout = httpx.Timeout(TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
        try:
            async with httpx.AsyncClient(transport=self._transport, timeout=timeout, trust_env=False) as client:
                request.extensions["timeout"] = timeout.as_dict()
                return await client.send(request)
        except httpx.ConnectError as error:
            raise Unreachable(f"no server at {self.url}; start one with `tocsin up`, or name another by --url") from error
        except httpx.TimeoutException as error:
            raise Unreachable(f"{self.url} did not answer within {TIMEOUT_S:g} s; ask for less, or look at its log") from error
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise Unreachable(f"{self.url} does not answer as a Tocsin server does: {error}") from error


@contextmanager
def connect(url: str, data: Path | None) -> Iterator[Server]:
    """The server at a URL, or the data directory in its place when one is given."""
    if data is None:
        yield Server(url)
        return
    # Only here: a command that asks over the network must not wait half a second for the engine to load.
    local = importlib.import_module("tocsin.cli.local")
    with local.open_application(data) as app:
        yield Server("http://localhost", transport=httpx.ASGITransport(app=app, raise_app_exceptions=False))


def _error_message(response: httpx.Response) -> str:
    try:
        error = json.loads(response.text)["error"]
        return error if isinstance(error, str) else str(error["message"])  # the Prometheus API has the sentence alone
    except (ValueError, LookupError, TypeError):
        return ""
