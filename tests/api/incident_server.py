"""The application over a real desk of incidents."""

from __future__ import annotations

from typing import Any, cast

from fastapi import FastAPI
from tests.api.fake_desk import FakeDesk
from tests.incident.house import House

from tocsin.api import incident_lessons, incidents, status_page
from tocsin.api.application import create_application
from tocsin.api.context import Context


def incident_application(house: House, *, hosts: frozenset[str] = frozenset({"localhost"})) -> FastAPI:
    """The application with the house's incidents behind it."""
    context = Context(desk=cast("Any", FakeDesk()), clock=house.clock, incidents=house.desk)
    app = create_application(context, hosts=hosts)
    served = {getattr(route, "path", "") for route in app.routes}
    if "/status" not in served:
        app.include_router(incidents.router, prefix="/api")
        app.include_router(incident_lessons.router, prefix="/api")
        app.include_router(status_page.router)
    return app
