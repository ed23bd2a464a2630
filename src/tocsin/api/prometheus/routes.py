"""
Routes of the Prometheus API.

    /prometheus/api/v1/query, query_range, query_exemplars, format_query, parse_query      (GET, POST)
    /prometheus/api/v1/series, labels (GET, POST), label/<name>/values, metadata
    /prometheus/api/v1/rules, alerts
    /prometheus/api/v1/targets, status/buildinfo, status/runtimeinfo, status/tsdb
    /prometheus/federate, /prometheus/-/healthy, /prometheus/-/ready

Every handler is a function from parameters to the bytes of an answer that runs in a thread; `_route` puts the rest around it. A question
that does not read is `bad_data`, one that can't be evaluated `execution`, one that takes too long `timeout`.

Source: Prometheus documentation, 'HTTP API'.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeAlias
from urllib.parse import unquote_to_bytes

import anyio
from anyio import CapacityLimiter
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from tocsin.api.context import Context, context_of
from tocsin.api.errors import JSON, hang_up_response, prometheus_error_response, status_of
from tocsin.api.prometheus import catalog, queries, rules
from tocsin.api.prometheus.federate import TEXT, federate
from tocsin.api.prometheus.parameters import BadParameter, Parameters
from tocsin.errors import LimitExceeded, StoreError, Timeout, TocsinError

PREFIX = "/prometheus"
Handler: TypeAlias = Callable[[Context, Parameters], bytes]
BOTH, GET = ("GET", "POST"), ("GET",)
API: tuple[tuple[str, tuple[str, ...], Handler], ...] = (
    ("query", BOTH, queries.instant),
    ("query_range", BOTH, queries.over_range),
    ("query_exemplars", BOTH, queries.exemplars),
    ("format_query", BOTH, queries.format_query),
    ("parse_query", BOTH, queries.parse_query),
    ("series", BOTH, catalog.series),
    ("labels", BOTH, catalog.labels),
    ("label/{name:path}/values", GET, catalog.label_values),
    ("metadata", GET, catalog.metadata),
    ("rules", GET, rules.rules),
    ("alerts", GET, rules.alerts),
    ("targets", GET, catalog.targets),
    ("status/buildinfo", GET, catalog.build_information),
    ("status/runtimeinfo", GET, catalog.runtime_information),
    ("status/tsdb", GET, catalog.storage_status),
)
CONCURRENT_MAX = 4  # questions that are evaluated at the same time; the others wait: more would only share the same cores

logger = logging.getLogger(__name__)


class PrometheusApi:
    """The routes, with the one queue that they share."""

    def __init__(self) -> None:
        self._desk: _Queue | None = None

    def routes(self) -> list[Route]:
        """All of them, without those that take samples in."""
        found = [self._route(f"{PREFIX}/api/v1/{path}", methods, handler, JSON) for path, methods, handler in API]
        found.append(self._route(f"{PREFIX}/federate", GET, federate, TEXT))
        found.append(Route(f"{PREFIX}/-/healthy", _healthy, methods=["GET"]))
        return [*found, Route(f"{PREFIX}/-/ready", _ready, methods=["GET"])]

    def _route(self, path: str, methods: tuple[str, ...], handler: Handler, media_type: str) -> Route:
        async def answer(request: Request) -> Response:
            try:
                parameters = await Parameters.of(request)
                if "name" in request.path_params:
                    parameters = parameters.with_value("__path__", _name_in_path(request))
                body = await self._queue().answer(request, handler, parameters)
            except TocsinError as error:
                return prometheus_error_response(error)
            except ClientDisconnect:
                return hang_up_response()
            return Response(body, media_type=media_type)

        return Route(path, answer, methods=list(methods), name=f"prometheus_{handler.__name__}")

    def _queue(self) -> _Queue:
        if self._desk is None:  # belongs to the event loop that serves
            self._desk = _Queue()
        return self._desk


class _Queue:
    """Questions wait here for one of the threads; those whose askers have hung up meanwhile are not evaluated any more."""

    def __init__(self) -> None:
        self._turns = anyio.Semaphore(CONCURRENT_MAX)
        self._threads = CapacityLimiter(CONCURRENT_MAX)

    async def answer(self, request: Request, handler: Handler, parameters: Parameters) -> bytes:
        """
        What the handler says, in a thread.

        Raises:
            Timeout: Its turn did not come within the time that a query may take.
            ClientDisconnect: Nobody waits for the answer.
        """
        context = context_of(request)
        timeout_s = context.desk.metrics.options.timeout_s
        with anyio.move_on_after(timeout_s) as waiting:
            await self._turns.acquire()
        if waiting.cancelled_caught:
            raise Timeout(f"query timed out in query queue: {CONCURRENT_MAX} others took longer than {timeout_s:g} s; ask again later")
        try:
            if await request.is_disconnected():
                raise ClientDisconnect
            return await anyio.to_thread.run_sync(handler, context, parameters, limiter=self._threads)
        except MemoryError as error:
            message = "query processing would take more memory than there is; narrow the selectors, the range or the resolution"
            raise LimitExceeded(message) from error
        finally:
            self._turns.release()


def _name_in_path(request: Request) -> str:
    """The name as it was sent; where servers decode a path, bytes that are no UTF-8 became other characters."""
    raw = unquote_to_bytes(request.scope.get("raw_path", b""))
    try:
        raw.decode()
    except UnicodeDecodeError:
        raise BadParameter("invalid label name: the path is not UTF-8") from None
    return str(request.path_params["name"])


async def _healthy(_request: Request) -> Response:
    return Response("Tocsin is Healthy.\n", media_type="text/plain")


async def _ready(request: Request) -> Response:
    """As /readyz judges, in the words that promtool shows."""
    judge = context_of(request).readiness
    readiness = None if judge is None else await anyio.to_thread.run_sync(judge)
    if readiness is None or readiness.ready:
        return Response("Tocsin is Ready.\n", media_type="text/plain")
    broken = "; ".join(f"{part.name}: {part.detail}" for part in readiness.dependencies if not part.works)
    return Response(f"Tocsin is not ready: {broken}\n", status_of(StoreError(broken)), media_type="text/plain")
