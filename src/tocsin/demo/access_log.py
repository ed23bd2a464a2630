"""The structured `request` and `response` records that every service writes, for both of the frameworks in use."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import flask
from opentelemetry import trace

from tocsin.clock import Clock, RealClock
from tocsin.demo.request_id import ATTRIBUTE, HEADER, enter_request

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEALTH_PATH = "/healthz"
SERVER_ERROR_MIN = 500  # from here on it is the service's fault and counts against it

_log = logging.getLogger("shop.access")


def log_request(header: str | None, method: str, path: str) -> str:
    """Enter the request, mark its span, write its first record; returns its id."""
    request_id = enter_request(header)
    trace.get_current_span().set_attribute(ATTRIBUTE, request_id)
    _log.info("%s %s", method, path, extra={"event": "request", "method": method, "path": path})
    return request_id


def log_response(method: str, path: str, status: int, latency_ms: float) -> None:
    """Write the request's last record: a warning from status 400 on, an error from 500 on."""
    error = status >= SERVER_ERROR_MIN
    level = logging.ERROR if error else logging.WARNING if status >= 400 else logging.INFO
    fields = {"event": "response", "method": method, "path": path, "status": status, "latency_ms": round(latency_ms, 1), "error": error}
    _log.log(level, "%s %s -> %d", method, path, status, extra=fields)


class AccessLog:
    """ASGI middleware that writes both records and repeats the id in the response."""

    def __init__(self, app: ASGIApp, clock: Clock | None = None) -> None:
        self._app = app
        self._clock = clock or RealClock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["path"] == HEALTH_PATH:
            await self._app(scope, receive, send)
            return
        method, path = scope["method"], scope["path"]
        header = dict(scope["headers"]).get(HEADER.encode(), b"").decode("latin-1")
        request_id = log_request(header, method, path)
        started_s = self._clock.monotonic_s()
        status = SERVER_ERROR_MIN

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (HEADER.encode(), request_id.encode())]
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        finally:
            log_response(method, path, status, (self._clock.monotonic_s() - started_s) * 1000)


def install_flask_access_log(app: flask.Flask, clock: Clock | None = None) -> None:
    """The same two records for a Flask application."""
    ticks = clock or RealClock()

    @app.before_request
    def before() -> None:
        if flask.request.path != HEALTH_PATH:
            flask.g.started_s = ticks.monotonic_s()
            flask.g.request_id = log_request(flask.request.headers.get(HEADER), flask.request.method, flask.request.path)

    @app.after_request
    def after(response: flask.Response) -> flask.Response:
        if "request_id" in flask.g:
            response.headers[HEADER] = flask.g.request_id
            latency_ms = (ticks.monotonic_s() - flask.g.started_s) * 1000
            log_response(flask.request.method, flask.request.path, response.status_code, latency_ms)
        return response
