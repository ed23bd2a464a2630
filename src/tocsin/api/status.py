"""What the server knows about itself: `/api/status`, `/healthz`, `/readyz`, `/metrics`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from enum import Enum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from tocsin.api.context import ContextOf
from tocsin.api.errors import JSON, status_of
from tocsin.api.exposition import OPENMETRICS, PROMETHEUS_TEXT, render
from tocsin.errors import StoreError
from tocsin.model.instant import Instant

router = APIRouter(tags=["status"])
probes = APIRouter(tags=["probes"])


@dataclasses.dataclass(frozen=True, slots=True)
class Status:
    """The server: its version, its present, its options without secrets, and the statistics of every long-lived object by name."""

    version: str
    now: Instant
    options: dict[str, Any]
    statistics: dict[str, Any]


@router.get("/status")
def read_status(context: ContextOf) -> Status:
    """Version, clock, options without secrets, and the statistics of every long-lived object."""
    statistics = {name: plain(read()) for name, read in context.statistics.items()}
    return Status(package_version(), context.clock.now_ns(), dict(context.options), statistics)


@probes.get("/healthz", response_class=PlainTextResponse)
async def answer_health() -> str:
    """The process is alive and answers; nothing more, and without a thread, which slow questions may hold."""
    return "alive\n"


@probes.get("/readyz")
def answer_readiness(context: ContextOf) -> Response:
    """Whether journal, engine, loader and state work and telemetry is queryable soon enough; names each. Not ready is answered with 503."""
    if context.readiness is None:
        return Response(orjson.dumps({"ready": True, "dependencies": []}), media_type=JSON)
    readiness = context.readiness()
    body: dict[str, Any] = dataclasses.asdict(readiness)
    if readiness.ready:
        return Response(orjson.dumps(body), media_type=JSON)
    broken = "; ".join(f"{part.name}: {part.detail}" for part in readiness.dependencies if not part.works)
    error = StoreError(f"not ready: {broken}")
    body["error"] = {"code": error.code, "message": str(error), "retryable": error.retryable}
    return Response(orjson.dumps(body), status_of(error), media_type=JSON)


@probes.get("/metrics", response_class=PlainTextResponse)
def expose_metrics(context: ContextOf, request: Request) -> Response:
    """The statistics of every long-lived object, as Prometheus text, or as OpenMetrics for who accepts that."""
    openmetrics = "application/openmetrics-text" in request.headers.get("accept", "")
    text = render({name: read() for name, read in context.statistics.items()}, openmetrics=openmetrics)
    return Response(text, media_type=OPENMETRICS if openmetrics else PROMETHEUS_TEXT)


def package_version() -> str:
    """The installed version; '0+unknown' when it runs from a tree that is not installed."""
    try:
        return version("tocsin")
    except PackageNotFoundError:
        return "0+unknown"


def plain(value: Any) -> Any:
    """A statistics record as JSON knows it: enums by their word, paths as text."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Path):
        return str(value)
    return value
