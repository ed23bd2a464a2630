"""The reference page."""

from __future__ import annotations

import re

from fastapi import FastAPI
from tests.api.local_client import LocalClient


def test_the_page_needs_no_internet(client: LocalClient) -> None:
    """It names no other host, and reads the OpenAPI document of this server."""
    page = client.get("/api/docs").text
    assert not re.findall(r"(?:https?:)?//(?:[\w-]+\.)+\w+", page)
    assert "/api/openapi.json" in page


def test_the_entrance_leads_there(client: LocalClient) -> None:
    """Whoever opens the port in a browser lands on the page."""
    assert client.get("/").url.path == "/api/docs"


def test_every_parameter_is_explained(app: FastAPI) -> None:
    """Each route has a description, each parameter and body field a sentence, each operation a name of its own."""
    document = app.openapi()
    operations = [operation for verbs in document["paths"].values() for operation in verbs.values()]
    assert len({operation["operationId"] for operation in operations}) == len(operations)
    for operation in operations:
        assert operation["description"]
        for parameter in operation.get("parameters", []):
            assert parameter.get("description"), f"{operation['operationId']}: {parameter['name']}"
