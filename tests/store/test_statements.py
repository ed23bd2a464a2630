"""The text of every statement that reads the store, kept in golden files, and proof that the engine takes each of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
from tests.conftest import Golden

from tocsin.store.plan import (
    And,
    Between,
    Compare,
    Equals,
    Exists,
    Field,
    Gap,
    Not,
    Or,
    Phrase,
    Predicate,
    Regex,
    Scope,
    Wildcard,
    Word,
    leaves,
)
from tocsin.store.read_correlate import carrying_logs, carrying_spans, resources_with, trace_logs, trace_spans_of
from tocsin.store.read_errors import log_errors, span_errors
from tocsin.store.read_logs import log_extent, log_facet, log_histogram, log_keys, log_records_at, log_times
from tocsin.store.read_range import Within
from tocsin.store.read_services import Seconds, requests, requests_extent, service_edges, traces_in
from tocsin.store.read_signals import (
    endpoint_windows,
    implicit_failures,
    latency_cells,
    service_hosts,
    service_windows,
    slowest_endpoints,
    timeline,
    windows_of,
)
from tocsin.store.read_sql import format_statement, functions, statement_tree, statement_types, tables
from tocsin.store.read_traces import newest_traces, slowest_spans, trace_place, trace_spans, trace_summaries
from tocsin.store.read_vocabulary import matching_names, matching_resources
from tocsin.store.render import LOGS, SPANS, Vocabulary, render
from tocsin.store.sql import ParameterNames, Sql
from tocsin.store.store import Store

START, END = 1_763_600_000_000_000_000, 1_763_603_605_000_000_000
RANGE = Within(START, END)
SECONDS = Seconds(1_763_600_000, 1_763_600_910)
TRACE = "0af7651916cd43dd8448eb211c80319c"
ALWAYS = Sql("1")


def intrinsic(name: str) -> Field:
    """An intrinsic field."""
    return Field(name, Scope.INTRINSIC)


CONDITIONS: dict[str, Predicate] = {
    "words": And((Word("timeout"), Phrase("full table scan"), Not(Word("req-7")), Word("!!"))),
    "equality": Or((Equals(Field("request_id"), "req-7"), Equals(Field("latency_ms"), "5000.0"), Equals(Field("k", Scope.RESOURCE), "v"))),
    "order": And((Compare(Field("n"), ">", 5.0), Compare(Field("t"), "<=", "m"), Between(Field("n"), 1.0, 2.0, high_included=False))),
    "patterns": Or(
        (Wildcard(Field("k"), ("a%", Gap.MANY, Gap.ONE)), Wildcard(None, ("b", Gap.MANY)), Regex(Field("k"), "^x"), Regex(None, "y$"))
    ),
    "existence": And((Exists(Field("k")), Not(Exists(Field("k", Scope.RECORD))), Exists(intrinsic("trace_id")))),
    "ids": Or((Equals(intrinsic("trace_id"), TRACE), Wildcard(intrinsic("span_id"), ("ab", Gap.MANY)), Equals(intrinsic("service"), "s"))),
}
LOG_CONDITIONS: dict[str, Predicate] = {
    "severity": Or(
        (Compare(intrinsic("severity"), ">=", 13), Equals(intrinsic("severity_text"), "Notice"), Equals(intrinsic("body"), "a b"))
    ),
}
SPAN_CONDITIONS: dict[str, Predicate] = {
    "scopes": And((Equals(Field("k", Scope.EVENT), "v"), Compare(Field("n", Scope.LINK), ">", 1.0), Exists(Field("k", Scope.RECORD)))),
    "intrinsic": And((Equals(intrinsic("kind"), 2), Between(intrinsic("duration"), 1e6, 2.5), Equals(intrinsic("event"), "e"))),
}


def statements() -> Mapping[str, Callable[[ParameterNames], Sql]]:
    """Every reading statement by the name of its golden file."""
    vocabulary = ParameterNames
    looked_up_logs = matching_resources(leaves(CONDITIONS["equality"]), LOGS, vocabulary())
    looked_up_names = matching_names(leaves(CONDITIONS["words"]), vocabulary())
    assert looked_up_logs is not None
    assert looked_up_names is not None
    return {
        "log_times": lambda n: log_times(ALWAYS, RANGE, order="newest", limit=101, offset=3, names=n),
        "log_records_at": lambda n: log_records_at(ALWAYS, [START, END], after=(END, 7), order="oldest", limit=9, names=n),
        "log_extent": lambda n: log_extent(ALWAYS, Within(None, END), n),
        "log_histogram": lambda n: log_histogram(ALWAYS, RANGE, start=START, step_ns=10**9, names=n),
        "log_facet": lambda n: log_facet(Field("route"), ALWAYS, RANGE, limit=10, names=n),
        "log_facet_severity": lambda n: log_facet(intrinsic("severity"), ALWAYS, RANGE, limit=10, names=n),
        "log_keys": lambda n: log_keys(ALWAYS, RANGE, limit=10, names=n),
        "trace_place": lambda n: trace_place([TRACE], n),
        "trace_spans": lambda n: trace_spans(TRACE, RANGE, limit=10, names=n),
        "newest_traces": lambda n: newest_traces(ALWAYS, RANGE, below=(END, TRACE), limit=21, names=n),
        "slowest_spans": lambda n: slowest_spans(ALWAYS, RANGE, below=(1000, TRACE), limit=21, names=n),
        "trace_summaries": lambda n: trace_summaries([TRACE], ALWAYS, RANGE, place=RANGE, rank="slowest", names=n),
        "carrying_logs": lambda n: carrying_logs(TRACE, RANGE, resources=["{}"], limit=10, names=n),
        "carrying_spans": lambda n: carrying_spans("req-7", RANGE, resources=[], limit=10, names=n),
        "resources_with": lambda n: resources_with("req-7", n),
        "trace_logs": lambda n: trace_logs([TRACE], RANGE, limit=10, names=n),
        "trace_spans_of": lambda n: trace_spans_of([TRACE], RANGE, limit=10, names=n),
        "requests": lambda n: requests(RANGE, service=None, names=n),
        "requests_of_service": lambda n: requests(Within(START, START + 10**10), service="orders", names=n),
        "requests_extent": lambda n: requests_extent(n, RANGE),
        "service_edges": lambda n: service_edges(RANGE, traces_max=10, names=n),
        "traces_in": lambda n: traces_in(RANGE, traces_max=10, names=n),
        "service_windows": lambda n: service_windows(windows_of(SECONDS, days=2), service=None, names=n),
        "endpoint_windows": lambda n: endpoint_windows(windows_of(SECONDS, days=0), service="orders", names=n),
        "slowest_endpoints": lambda n: slowest_endpoints(SECONDS, service="orders", limit=10, names=n),
        "timeline": lambda n: timeline(SECONDS, step_s=30, service=None, together=False, names=n),
        "latency_cells": lambda n: latency_cells(Seconds(1_763_600_100, 1_763_603_700), step_s=300, service="s", operation="o", names=n),
        "implicit_failures": lambda n: implicit_failures(ALWAYS, SECONDS, service="orders", names=n),
        "service_hosts": lambda n: service_hosts(RANGE, n),
        "span_errors": lambda n: span_errors(RANGE, service=None, limit=10, names=n),
        "log_errors": lambda n: log_errors(RANGE, service="orders", limit=10, names=n),
        "matching_resources": lambda _: looked_up_logs[0],
        "matching_names": lambda _: looked_up_names[0],
        "functions": lambda _: functions(),
        "tables": lambda _: tables(),
        "format_statement": lambda _: format_statement("select 1"),
        "statement_tree": lambda _: statement_tree("SELECT 1"),
        "statement_types": lambda _: statement_types("SELECT 1"),
        **{f"condition_logs_{name}": _condition(predicate, True) for name, predicate in {**CONDITIONS, **LOG_CONDITIONS}.items()},
        **{f"condition_spans_{name}": _condition(predicate, False) for name, predicate in {**CONDITIONS, **SPAN_CONDITIONS}.items()},
    }


def _condition(predicate: Predicate, logs: bool) -> Callable[[ParameterNames], Sql]:
    table = LOGS if logs else SPANS
    return lambda names: Sql(f"SELECT count() FROM {table.name} WHERE ") + render(predicate, table, names)


@pytest.mark.parametrize("name", sorted(statements()))
def test_a_statement_is_as_reviewed_and_runs(name: str, golden: Golden, store: Store) -> None:
    """Its text and parameters are those of the golden file, and the engine runs it."""
    statement = statements()[name](ParameterNames())
    parameters = "".join(f"-- {key} = {value!r}\n" for key, value in statement.params.items())
    golden(f"store/{name}.sql", f"{parameters}{statement.text}\n")
    store.engine.query(statement)


def test_no_value_reaches_the_text() -> None:
    """Values stand in parameters alone, whatever they contain."""
    hostile = "x'\\; DROP TABLE logs --"
    for predicate in (Word(hostile), Phrase(hostile), Equals(Field(hostile), hostile), Compare(Field(hostile), ">", hostile),
                      Wildcard(Field(hostile), (hostile, Gap.MANY)), Regex(None, hostile), Exists(Field(hostile))):  # fmt: skip
        for table in (LOGS, SPANS):
            assert "DROP" not in render(predicate, table, ParameterNames()).text


def test_what_was_looked_up_replaces_the_look_at_resources() -> None:
    """A condition that no resource satisfies leaves resources out; one that some satisfy names them."""
    asked = Equals(Field("k"), "v")
    without = render(asked, LOGS, ParameterNames(), Vocabulary(resources={asked: []}))
    assert "resource" not in without.text
    named = render(asked, LOGS, ParameterNames(), Vocabulary(resources={asked: ['{"k":"v"}']}))
    assert "resource IN" in named.text
    assert ['{"k":"v"}'] in named.params.values()
    many = render(asked, LOGS, ParameterNames(), Vocabulary(resources={asked: ["{}"] * 501}))
    assert "JSONExtract" in many.text


def test_leaves_come_once_from_left_to_right() -> None:
    """The conditions of a tree are listed in order, equal ones once."""
    a, b = Word("a"), Word("b")
    assert leaves(And((Or((b, a)), Not(a), b))) == [b, a]


def test_ranges_outside_of_what_the_engine_holds_are_clamped(store: Store) -> None:
    """Instants before 1970 and after 2262 ask for nothing that can be stored, and do not fail."""
    for within in (Within(-(10**18), 10**30), Within(2**63, None), Within(None, -1)):
        names = ParameterNames()
        assert store.engine.query(log_times(ALWAYS, within, order="newest", limit=1, offset=0, names=names)).rows == []
