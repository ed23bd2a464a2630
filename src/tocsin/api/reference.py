"""
`/api/docs`: the OpenAPI document as a page to read and to try requests on.

One small file of our own, because it must work without internet: FastAPI's pages load Swagger UI from a CDN, and a bundled copy of it
would be four megabytes in the wheel for nine routes.
"""

from __future__ import annotations

from importlib.resources import files

from fastapi import APIRouter
from starlette.responses import HTMLResponse, RedirectResponse, Response

# The page runs its own inline script and talks to this server only.
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)

router = APIRouter(include_in_schema=False)


@router.get("/api/docs")
def show_reference() -> HTMLResponse:
    """The page."""
    page = files("tocsin.api").joinpath("static", "docs.html").read_text(encoding="utf-8")
    return HTMLResponse(page, headers={"Content-Security-Policy": POLICY})


@router.get("/")
def show_entrance() -> Response:
    """Where a browser lands that was given only the port."""
    return RedirectResponse("/api/docs")
