"""The API against its own OpenAPI document: whatever fits the document is answered as the document says, and nothing is a 500."""

from __future__ import annotations

from typing import Any

import hypothesis
import pytest
import schemathesis
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance
from tests.api.fake_desk import FakeDesk

from tocsin.api.application import create_application
from tocsin.api.context import Context
from tocsin.clock import ReplayClock
from tocsin.model.instant import parse_instant

EXAMPLES = 15

pytestmark = pytest.mark.filterwarnings("ignore:.*httpx2.*")  # starlette's test client, which schemathesis calls, would rather have it

context = Context(desk=FakeDesk(), clock=ReplayClock(parse_instant("2026-03-02T10:00:00Z"), speed=0))
schema = schemathesis.openapi.from_asgi("/api/openapi.json", create_application(context))


@schema.parametrize()
@hypothesis.settings(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None)
def test_every_operation_keeps_its_word(case: Any) -> None:
    """Generated requests, right and wrong ones, are answered with a declared status, media type and body."""
    response = case.call()
    case.validate_response(
        response, checks=[not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
    )
