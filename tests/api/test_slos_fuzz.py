"""Routes of objectives, decisions, gate and calculators, over a real desk and a real state, against the OpenAPI document."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import hypothesis
import pytest
import schemathesis
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance
from tests.api.fake_desk import FakeDesk
from tests.slo.stories import KEY, MONTH, instant, objective, seconds, traffic

from tocsin.api.application import create_application
from tocsin.api.context import Context
from tocsin.clock import ReplayClock, SeededEntropy
from tocsin.slo.definition import Definitions
from tocsin.slo.desk import SloDesk
from tocsin.slo.policy import POLICIES
from tocsin.state.options import StateOptions
from tocsin.state.state import State

EXAMPLES = 8
START, NOW = "2026-11-18 12:00", "2026-11-20 12:00"

pytestmark = pytest.mark.filterwarnings("ignore:.*httpx2.*")  # starlette's test client, which schemathesis calls, would rather have it

folder = tempfile.TemporaryDirectory(prefix="tocsin-test-")
counts = traffic(START, NOW, downtime={"2026-11-20 11:00": 10})
counts.fill("empty", seconds(START), seconds(NOW))
definitions = Definitions(
    objectives={one.key: one for one in (objective(), objective(key=f"{KEY}/2", window=MONTH), objective(key="empty"))},
    policies=dict(POLICIES),
)
clock = ReplayClock(instant(NOW), speed=0)
state = State.open(Path(folder.name), StateOptions())
desk = SloDesk(lambda: definitions, counts, state, clock=clock, entropy=SeededEntropy(7))
context = Context(desk=cast("Any", FakeDesk()), clock=clock, slos=desk)
whole = schemathesis.openapi.from_asgi("/api/openapi.json", create_application(context))
schema = whole.include(path_regex=r"^/api/(slo|polic|gate|audit|calculators)")


@pytest.fixture(scope="module", autouse=True)
def _closed() -> Iterator[None]:
    """Ends the state with the module."""
    yield
    state.close()
    folder.cleanup()


@schema.parametrize()
@hypothesis.settings(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None)
def test_every_operation_keeps_its_word(case: Any) -> None:
    """Generated requests, right and wrong ones, are answered with a declared status, media type and body."""
    if "key" in (case.path_parameters or {}) and len(str(case.path_parameters["key"])) % 2:
        case.path_parameters["key"] = KEY  # half of the time one that there is
    response = case.call()
    case.validate_response(
        response, checks=[not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
    )
