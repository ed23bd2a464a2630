"""The page for those affected, served beside the files that are written of it: /status for people, /status.json for programs."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import HTMLResponse, Response

from tocsin.api.incidents import IncidentsOf
from tocsin.api.slo_parameters import Present

# It needs nothing but itself: no script, no picture, nothing from elsewhere.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "max-age=15",
}

router = APIRouter(tags=["status page"])


@router.get("/status", response_class=HTMLResponse)
def show_status_page(incidents: IncidentsOf, now: Present) -> Response:
    """How services stand, in public words."""
    return HTMLResponse(incidents.page.html(incidents.page.shown(now)), headers=HEADERS)


@router.get("/status.json")
def show_status_document(incidents: IncidentsOf, now: Present) -> Response:
    """The same as JSON."""
    return Response(incidents.page.json(incidents.page.shown(now)), media_type="application/json", headers=HEADERS)
