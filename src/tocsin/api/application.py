"""The HTTP application: OTLP, the JSON API under /api, probes and metrics, put together."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from tocsin.api import (
    alerts,
    calculators,
    correlate,
    deployments,
    errors,
    explain,
    failures,
    gate,
    incident_lessons,
    incidents,
    journal,
    logs,
    metrics,
    oncall,
    reference,
    replay,
    rules,
    services,
    signals,
    slo_decisions,
    slos,
    sql,
    status,
    status_page,
    traces,
    usage,
)
from tocsin.api.alertmanager.routes import AlertmanagerApi
from tocsin.api.browser import BrowserGuard
from tocsin.api.context import Context
from tocsin.api.failure import Failure
from tocsin.api.prometheus.routes import PrometheusApi

AREAS: tuple[APIRouter, ...] = (
    logs.router,
    correlate.router,
    traces.router,
    services.router,
    failures.router,
    explain.router,
    signals.router,
    usage.router,
    deployments.router,
    slos.router,
    slo_decisions.router,
    gate.router,
    rules.router,
    alerts.router,
    oncall.router,
    incidents.router,
    incident_lessons.router,
    replay.router,
    calculators.router,
    sql.router,
    journal.router,
    metrics.router,
    status.router,
)
FAILURES: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": Failure, "description": "The question is wrong, or nothing is there."},
    "5XX": {"model": Failure, "description": "The server could not answer."},
}
DESCRIPTION = """\
Questions about telemetry, answered as JSON.

Instants are RFC 3339 texts with nine decimals, always UTC; durations are nanoseconds. Every error is
`{"error": {"code", "message", "retryable"}}` with a stable `code`.
"""


def create_application(
    context: Context,
    *,
    ingest: Sequence[BaseRoute] = (),
    hosts: Collection[str] | None = None,
) -> FastAPI:
    """
    Build the application.

    Args:
        context: What its handlers work with.
        ingest: The routes that take telemetry in; none where only questions are asked.
        hosts: Names that the Host header may carry; None allows any.
    """
    app = FastAPI(
        title="Tocsin",
        version=status.package_version(),
        description=DESCRIPTION,
        openapi_url="/api/openapi.json",
        docs_url=None,  # FastAPI's own pages load their scripts from the internet
        redoc_url=None,
        generate_unique_id_function=_operation_id,
        responses=FAILURES,
    )
    app.state.context = context
    app.router.routes.extend(ingest)  # first, because they are asked most
    app.router.routes.extend(PrometheusApi().routes())
    app.router.routes.extend(AlertmanagerApi().routes())
    for area in AREAS:
        app.include_router(area, prefix="/api")
    app.include_router(status.probes)
    app.include_router(reference.router)
    app.include_router(status_page.router)
    errors.install(app)
    app.add_middleware(BrowserGuard, hosts=hosts)
    return app


def _operation_id(route: APIRoute) -> str:
    """Names for generated clients: `search_logs` rather than `search_logs_api_logs_get`."""
    return route.name
