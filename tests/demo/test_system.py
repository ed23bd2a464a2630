"""The demo as a whole, watched by a receiver as any backend would."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest
from tests.demo.receiver import Receiver, receiver, values

from tocsin.demo.load import LoadStatistics
from tocsin.demo.system import SERVICES, DemoSettings, ServiceDiedError, run
from tocsin.errors import InvalidInput

pytestmark = pytest.mark.slow

SERVER_KIND = 2
UNUSED_ENDPOINT = "http://127.0.0.1:9"  # the discard port: nobody listens


class Watched:
    """A finished run: what arrived, what was said, what the customers met."""

    def __init__(self, received: Receiver, said: list[str], statistics: LoadStatistics) -> None:
        self.received = received
        self.said = said
        self.statistics = statistics

    def traces(self) -> dict[bytes, list[tuple[str, Any]]]:
        """Spans with their services, by trace."""
        grouped: dict[bytes, list[tuple[str, Any]]] = defaultdict(list)
        for service, span in self.received.spans:
            grouped[span.trace_id].append((service, span))
        return grouped


@pytest.fixture(scope="module")
def watched() -> Iterator[Watched]:
    """One run of six seconds that all tests look at."""
    with receiver() as received:
        said: list[str] = []
        statistics = run(DemoSettings(endpoint=received.address, rate_per_s=15, duration_s=6), say=said.append)
        yield Watched(received, said, statistics)


def test_most_requests_succeed(watched: Watched) -> None:
    """The load generator gets answers, and nearly all of them are good."""
    assert watched.statistics.answered > 40
    assert watched.statistics.failed < 0.1 * watched.statistics.answered
    assert watched.statistics.skipped == 0


def test_a_checkout_is_one_trace_over_three_services(watched: Watched) -> None:
    """Gateway, orders and payments share a trace whose only root is the gateway's server span."""
    checkouts = [spans for spans in watched.traces().values() if any(span.name == "POST /checkout" for _, span in spans)]
    complete = [spans for spans in checkouts if {service for service, _ in spans} == {"gateway", "orders", "payments"}]
    assert len(complete) > 5
    for spans in complete:
        ids = {span.span_id for _, span in spans}
        assert [span.name for _, span in spans if span.parent_span_id not in ids] == ["POST /checkout"]


def test_a_question_is_one_trace_with_tool_and_model_calls(watched: Watched) -> None:
    """The assistant's spans follow the conventions for generative AI, with the tokens that were used."""
    chats = [span for service, span in watched.received.spans if service == "assistant" and span.name == "chat stub-small-1"]
    assert chats
    for span in chats:
        attributes = values(span.attributes)
        assert attributes["gen_ai.operation.name"] == "chat"
        assert attributes["gen_ai.usage.input_tokens"] > 0
        assert attributes["gen_ai.usage.output_tokens"] > 0
        names = {other.name for _, other in watched.traces()[span.trace_id]}
        assert {"POST /ask", "POST /answers", "invoke_agent shop-assistant", "execute_tool retrieve"} <= names


def test_databases_are_in_the_traces(watched: Watched) -> None:
    """Orders, payments and assistant each show the statements that they ran."""
    statements = {service for service, span in watched.received.spans if "db.query.text" in values(span.attributes)}
    assert statements == {"orders", "payments", "assistant"}


def test_every_log_record_of_a_request_carries_its_ids(watched: Watched) -> None:
    """Records name the request and lie in its trace, the same pair in every service."""
    traces_by_request: dict[str, set[bytes]] = defaultdict(set)
    services_by_request: dict[str, set[str]] = defaultdict(set)
    for service, record in watched.received.logs:
        attributes = values(record.attributes)
        assert "request_id" in attributes, record
        assert len(record.trace_id) == 16
        assert len(record.span_id) == 8
        traces_by_request[attributes["request_id"]].add(record.trace_id)
        services_by_request[attributes["request_id"]].add(service)
    assert all(len(traces) == 1 for traces in traces_by_request.values())
    assert {"gateway", "orders", "payments"} in services_by_request.values()


def test_server_spans_carry_the_request_id(watched: Watched) -> None:
    """Every span of an HTTP server is found by the id that a customer would quote."""
    servers = [(service, values(span.attributes)) for service, span in watched.received.spans if span.kind == SERVER_KIND]
    assert {service for service, _ in servers} == set(SERVICES)
    assert all(re.fullmatch(r"req-[0-9a-f]{4}-\d{6}", attributes["request_id"]) for _, attributes in servers)


def test_events_tell_what_happened(watched: Watched) -> None:
    """Records are structured: requests, responses, tool calls, charges, with latencies as numbers."""
    events = {values(record.attributes).get("event") for _, record in watched.received.logs}
    assert {"request", "response", "tool", "model", "order", "charge"} <= events
    responses = [values(r.attributes) for _, r in watched.received.logs if values(r.attributes).get("event") == "response"]
    assert all(isinstance(fields["latency_ms"], float) and isinstance(fields["error"], bool) for fields in responses)


def test_metrics_arrive_from_all_four(watched: Watched) -> None:
    """Each service reports its HTTP durations; those with something of their own report that too."""
    names: dict[str, set[str]] = defaultdict(set)
    for service, metric in watched.received.metrics:
        names[service].add(metric.name)
    assert set(names) == set(SERVICES)
    assert all("http.server.request.duration" in own for own in names.values())
    assert "gen_ai.client.token.usage" in names["assistant"]
    assert "shop.orders" in names["orders"]
    assert "shop.charge.amount" in names["payments"]


def test_all_processes_are_gone_afterwards(watched: Watched) -> None:
    """The run names the processes that it started, and none of them is left."""
    ids = [int(match[1]) for line in watched.said if (match := re.search(r"process (\d+)$", line))]
    assert len(ids) == len(SERVICES)
    assert not [process_id for process_id in ids if _runs(process_id)]


def test_a_dead_service_ends_the_demo() -> None:
    """When one service dies, the others are stopped, and the error says which one it was."""
    said: list[str] = []

    def kill_payments(line: str) -> None:
        said.append(line)
        if line.startswith("payments") and (match := re.search(r"process (\d+)$", line)):
            os.kill(int(match[1]), signal.SIGKILL)

    with receiver() as received, pytest.raises(ServiceDiedError, match=r"payments .* ended by itself with status -9"):
        run(DemoSettings(endpoint=received.address, duration_s=30), say=kill_payments)
    assert said[-1] == "stopped payments, orders, assistant, gateway"


def test_services_leave_when_the_demo_is_killed() -> None:
    """A kill -9 of the demo itself leaves no service behind."""
    code = "from tocsin.demo.system import *; run(DemoSettings(endpoint='%s'), say=lambda line: print(line, flush=True))"
    with receiver() as received:
        demo = subprocess.Popen([sys.executable, "-c", code % received.address], stdout=subprocess.PIPE, text=True)
        assert demo.stdout is not None
        lines = [demo.stdout.readline() for _ in SERVICES]
        ids = [int(line.split()[-1]) for line in lines]
        demo.kill()
        # The services hold no end of this pipe; the demo's does end with it.
        demo.communicate()
        gone = threading.Event()
        assert all(_wait_until_gone(process_id, gone) for process_id in ids)


def test_ctrl_c_stops_it_in_good_order() -> None:
    """SIGINT ends the load, sends what is waiting, stops the services and returns normally."""
    with receiver() as received:
        said, status = _run_and_signal(received.address, signal.SIGINT)
    assert status == 0
    assert "stopped payments, orders, assistant, gateway" in said
    assert "LoadStatistics(" in said
    assert "nothing listens" not in said
    assert received.metrics, "the metrics of an unfinished interval leave at the end"


def test_it_stops_although_nobody_receives() -> None:
    """SIGTERM does the same without a receiver, whose absence is said at the start."""
    said, status = _run_and_signal(UNUSED_ENDPOINT, signal.SIGTERM)
    assert status == 0
    assert f"nothing listens at {UNUSED_ENDPOINT}" in said
    assert "stopped payments, orders, assistant, gateway" in said


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"endpoint": "127.0.0.1:4318"}, "is not an http address"),
        ({"rate_per_s": 0}, "rate 0 is not between"),
        ({"rate_per_s": 1e6}, "rate 1e\\+06 is not between"),
        ({"duration_s": 0}, "duration 0 s is not above 0"),
    ],
)
def test_settings_that_make_no_sense_are_refused(fields: dict[str, Any], complaint: str) -> None:
    """Each wrong option is named before anything starts."""
    with pytest.raises(InvalidInput, match=complaint):
        DemoSettings(**fields)


def _run_and_signal(endpoint: str, number: signal.Signals) -> tuple[str, int]:
    """What a demo says, and its exit status, when it is sent the signal as soon as its load runs."""
    code = "from tocsin.demo.system import *; print(run(DemoSettings(endpoint='%s'), say=lambda line: print(line, flush=True)))"
    demo = subprocess.Popen([sys.executable, "-c", code % endpoint], stdout=subprocess.PIPE, text=True)
    assert demo.stdout is not None
    lines = [demo.stdout.readline()]
    while lines[-1] and "Ctrl-C stops" not in lines[-1]:
        lines.append(demo.stdout.readline())
    demo.send_signal(number)
    rest, _ = demo.communicate()
    return "".join(lines) + rest, demo.returncode


def _runs(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True


def _wait_until_gone(process_id: int, never: threading.Event) -> bool:
    """Whether the process ends within ten seconds; it is not ours to wait for, so its id is asked for now and then."""
    return any(not _runs(process_id) or never.wait(0.05) for _ in range(200))
