"""The text of the statements about deployments, attribution, clients and costs, and proof that the engine takes each of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
from tests.conftest import Golden

from tocsin.store.count_events import CountedEvents, ExcludedEvents
from tocsin.store.plan import Equals, Field, Scope, Word
from tocsin.store.read_attribution import EventsRead, SampleOf, Trait, by_attribute, by_origin, by_pair, rows_in
from tocsin.store.read_costs import calls_by_entry, calls_by_model, calls_by_tenant, requests_by
from tocsin.store.read_deployments import version_sightings, version_spans
from tocsin.store.read_range import Within
from tocsin.store.read_security import SameHours, client_events, client_requests
from tocsin.store.render import LOGS, SPANS
from tocsin.store.sql import ParameterNames, Sql
from tocsin.store.store import Store

START, END = 1_763_600_000_000_000_000, 1_763_603_605_000_000_000
RANGE = Within(START, END)
KEYS = ("client.address", "user.id")
SERVICE = Equals(Field("service", Scope.INTRINSIC), "shop")
GOOD = Equals(Field("ok"), "true")
EXCLUDED = ExcludedEvents(Word("probe"), START, None)
READ = EventsRead(SPANS, CountedEvents(SERVICE, GOOD, excluded=(EXCLUDED,)), RANGE, frozenset({"shop"}))
WEIGHTED = EventsRead(LOGS, CountedEvents(SERVICE, GOOD, True, "rows", "rows.bad"), RANGE, None, minutes_apart=7)
TRAITS = (Trait("attribute", "k", ("v",)), Trait("operation", "operation", ("GET",)), Trait("resource", "host.name", ("{}",)))

STATEMENTS: Mapping[str, Callable[[ParameterNames], Sql]] = {
    "version_spans": lambda n: version_spans(RANGE, service=None, names=n),
    "version_spans_of_service": lambda n: version_spans(Within(None, END), service="shop", names=n),
    "version_sightings": lambda n: version_sightings(RANGE, services=["shop"], absent_s=3600, names=n),
    "attribution_rows": lambda n: rows_in(WEIGHTED, n),
    "attribution_origins": lambda n: by_origin(READ, n),
    "attribution_origins_weighted": lambda n: by_origin(WEIGHTED, n),
    "attribution_values": lambda n: by_attribute(READ, SampleOf(), n),
    "attribution_values_of_logs": lambda n: by_attribute(WEIGHTED, SampleOf(2, 9), n),
    "attribution_pairs": lambda n: by_pair(READ, TRAITS, n),
    "client_requests": lambda n: client_requests(SameHours(START, END, 2), KEYS, n),
    "client_events": lambda n: client_events(SameHours(START, END, 1), KEYS, Word("failed"), n),
    "cost_requests": lambda n: requests_by("tenant", RANGE, ("tenant.id", "tenant"), n),
    "cost_calls_of_tenants": lambda n: calls_by_tenant(RANGE, ("tenant.id", "tenant"), n),
    "cost_calls_of_traces": lambda n: calls_by_entry("tenant", RANGE, ("tenant.id", "tenant"), n),
    "cost_calls_of_routes": lambda n: calls_by_entry("route", RANGE, (), n),
    "cost_calls_of_models": lambda n: calls_by_model(RANGE, n),
}


@pytest.mark.parametrize("name", sorted(STATEMENTS))
def test_a_statement_is_as_reviewed_and_runs(name: str, golden: Golden, store: Store) -> None:
    """Its text and parameters are those of the golden file, and the engine runs it, embedded and behind HTTP."""
    statement = STATEMENTS[name](ParameterNames())
    parameters = "".join(f"-- {key} = {value!r}\n" for key, value in statement.params.items())
    golden(f"store/{name}.sql", f"{parameters}{statement.text}\n")
    store.engine.query(statement)
