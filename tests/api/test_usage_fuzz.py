"""Routes of deployments, clients and costs, over a real desk, against the OpenAPI document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
import schemathesis
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance
from tests.api.fake_desk import FakeDesk
from tests.api.test_deployments import Shelf
from tests.query.conftest import open_world
from tests.query.telemetry import MINUTE, NOW, SpanLine

from tocsin.api.application import create_application
from tocsin.api.context import Context
from tocsin.clock import ReplayClock
from tocsin.query.deployments import Deployments
from tocsin.wire.deployments import DeploymentDoor

EXAMPLES = 12

pytestmark = pytest.mark.filterwarnings("ignore:.*httpx2.*")  # starlette's test client, which schemathesis calls, would rather have it

shelf, clock, desk = Shelf(), ReplayClock(NOW, speed=0), FakeDesk()
context = Context(desk=desk, clock=clock, deployments=Deployments(shelf, shelf.marked), deployment_door=DeploymentDoor(shelf.record, clock))
whole = schemathesis.openapi.from_asgi("/api/openapi.json", create_application(context))
schema = whole.include(path_regex=r"^/api/(deployments|security|costs)")


@pytest.fixture(scope="module", autouse=True)
def _world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Something to count, for the desk's questions about usage."""
    for world in open_world(tmp_path_factory.mktemp("usage")):
        told = {"client.address": "1.1.1.1", "http.response.status_code": 401, "gen_ai.usage.input_tokens": 5}
        world.send(*(SpanLine("GET", f"{number + 1:x}", at=NOW - MINUTE, kind="server", attributes=told) for number in range(30)))
        desk.security, desk.costs = world.desk.security, world.desk.costs
        yield


@schema.parametrize()
@hypothesis.settings(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None)
def test_every_operation_keeps_its_word(case: Any) -> None:
    """Generated requests, right and wrong ones, are answered with a declared status, media type and body."""
    response = case.call()
    case.validate_response(
        response, checks=[not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
    )
