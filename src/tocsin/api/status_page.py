"""The page for those affected, served beside the files that are written of it: /status for people, /status.json for programs."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.responses import HTMLResponse, Response

from tocsin.api.failure import Failure
from tocsin.api.incidents import IncidentsOf
from tocsin.api.slo_parameters import Present

# It needs nothing but itself: no script, no picture, nothing from elsewhere.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "max-age=15",
}

AS_JSON: dict[str, Any] = {"content": {"application/json": {"schema": Failure.model_json_schema()}}}  # failures are no pages

router = APIRouter(tags=["status page"])


@router.get("/status", response_class=HTMLResponse, responses={"4XX": AS_JSON, "5XX": AS_JSON})
def show_status_page(incidents: IncidentsOf, now: Present) -> Response:
    """How services stand, in public words."""
    return HTMLResponse(incidents.page.html(incidents.page.shown(now)), headers=HEADERS)


@router.get("/status.json")
def show_status_document(incidents: IncidentsOf, now: Present) -> Response:
    """The same as JSON."""
    return Response(incidents.page.json(incidents.page.shown(now)), media_type="application/json", headers=HEADERS)
