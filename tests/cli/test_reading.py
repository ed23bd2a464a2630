"""The commands that ask: what they print, as text and as JSON."""

from __future__ import annotations

import json
import socket

import pytest
from tests.api.fake_desk import FakeDesk, deep_trace
from tests.api.fake_signals import TRACE_ID
from tests.cli.conftest import NOW, Tocsin

from tocsin.errors import ParseError
from tocsin.model.answers import LogPage, RequestSummary, TopError, TracePage

ASKING = [
    ("logs", "event:tool"),
    ("correlate", "req-B"),
    ("traces",),
    ("trace", TRACE_ID),
    ("services",),
    ("services", "gateway"),
    ("errors",),
    ("sql", "SELECT 1"),
]
MINUTE = 60 * 10**9


@pytest.mark.parametrize("arguments", ASKING, ids=" ".join)
def test_json_is_the_apis_own(tocsin: Tocsin, url: str, arguments: tuple[str, ...]) -> None:
    """With --json a command prints what the API answered, and nothing else."""
    outcome = tocsin(*arguments, "--json", "--url", url)
    assert (outcome.code, outcome.err) == (0, "")
    assert json.loads(outcome.out)
    assert outcome.out.count("\n") == 1


@pytest.mark.parametrize("arguments", ASKING, ids=" ".join)
def test_text_has_no_control_characters(tocsin: Tocsin, url: str, arguments: tuple[str, ...]) -> None:
    """Escape sequences in telemetry reach no terminal."""
    outcome = tocsin(*arguments, "--url", url)
    assert outcome.code == 0
    assert "\x1b" not in outcome.out


@pytest.mark.parametrize("arguments", ASKING, ids=" ".join)
def test_no_server_is_one_sentence(tocsin: Tocsin, arguments: tuple[str, ...]) -> None:
    """Nothing at the address: exit code 3, and what to do."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    outcome = tocsin(*arguments, "--url", f"http://127.0.0.1:{port}")
    assert outcome.code == 3
    assert outcome.err == f"error: no server at http://127.0.0.1:{port}; start one with `tocsin up`, or name another by --url\n"


@pytest.mark.parametrize("arguments", ASKING, ids=" ".join)
def test_a_refusal_is_the_servers_sentence(tocsin: Tocsin, url: str, desk: FakeDesk, arguments: tuple[str, ...]) -> None:
    """The server's own message is what the user reads, with exit code 4."""
    desk.failure = ParseError("expected a value after 'a:', found the end", position=2)
    outcome = tocsin(*arguments, "--url", url)
    assert (outcome.code, outcome.out, outcome.err) == (4, "", "error: expected a value after 'a:', found the end\n")


def test_a_log_record_is_one_line(tocsin: Tocsin, url: str) -> None:
    """Time, severity, service, body, attributes."""
    line = tocsin("logs", "--url", url).out.splitlines()[0]
    assert line == (
        "2026-03-02 09:30:00.000 ERROR assistant tool failed␛[2J request_id=req-B event=tool tool=retrieve latency_ms=5000 error=true"
    )


def test_a_story_mixes_logs_and_spans(tocsin: Tocsin, url: str) -> None:
    """Both kinds in time order, and the traces to look at next."""
    lines = tocsin("correlate", "req-B", "--url", url).out.splitlines()
    assert "ERROR assistant" in lines[0]
    assert lines[1] == "2026-03-02 09:30:00.000 SPAN  payments charge 5.0 ms failed card declined"
    assert lines[2] == f"tocsin trace {TRACE_ID}"


def test_tables_have_heads_and_units(tocsin: Tocsin, url: str) -> None:
    """Services show requests, errors and latencies; what was not observed is a dash, not a zero."""
    head, row = tocsin("services", "--url", url).out.splitlines()
    assert head.split() == ["service", "requests", "per", "s", "errors", "p50", "p95", "p99"]
    assert row.split() == ["gateway", "120", "2.00", "2.5", "%", "12.5", "ms", "80.0", "ms", "1.50", "s"]
    assert tocsin("services", "gateway", "--url", url).out.splitlines()[1].split()[-6:] == ["0", "0.00", "-", "-", "-", "-"]


def test_a_trace_is_a_waterfall(tocsin: Tocsin, url: str) -> None:
    """The bottleneck stands in the head, and each span is a line with a bar."""
    lines = tocsin("trace", TRACE_ID, "--url", url).out.splitlines()
    assert lines[1] == "bottleneck: payments -> charge: 15 ms of 25 ms"
    assert [line.split()[1] for line in lines[3:6]] == ["gateway", "orders", "payments"]
    assert "card declined" in lines[5]


def test_a_trace_too_deep_to_draw_is_said(tocsin: Tocsin, url: str, desk: FakeDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python's JSON reader has a depth, and the command says so; --json prints it whole."""
    monkeypatch.setattr(desk, "trace", lambda _: deep_trace(3000))
    assert tocsin("trace", TRACE_ID, "--url", url).code == 4
    assert tocsin("trace", TRACE_ID, "--json", "--url", url).out.count('"span_id"') == 3000


def test_ranges_reach_the_server(tocsin: Tocsin, url: str, desk: FakeDesk) -> None:
    """--last counts back from the server's now; --start and --end are passed on."""
    tocsin("logs", "--last", "15m", "--url", url)
    tocsin("traces", "--start", "2026-03-02", "--end", "now-1m", "--url", url)
    (_, _, logs), (_, _, traces) = desk.asked
    assert (logs["start"], logs["end"]) == (NOW - 15 * MINUTE, NOW)
    assert (traces["start"], traces["end"]) == (NOW - 600 * MINUTE, NOW - MINUTE)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("logs", "--last", "1h", "--start", "now-2h"), "--last and --start"),
        (("logs", "--last", "1h", "--end", "now-2h"), "--last counts back from now"),
        (("logs", "--last", "soon"), "'soon' is not a length of time"),
        (("logs", "--limit", "0"), "limit"),
        (("nonsense",), "nonsense"),
    ],
    ids=str,
)
def test_a_wrong_command_line_is_two(tocsin: Tocsin, arguments: tuple[str, ...], said: str) -> None:
    """Wrong usage is exit code 2, before anything is asked."""
    outcome = tocsin(*arguments)
    assert outcome.code == 2
    assert said in outcome.err


def test_nothing_found_says_where_it_looked(tocsin: Tocsin, url: str, desk: FakeDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty answer names its range, because the data may be older than the last hour."""
    nothing: list[RequestSummary] = []
    failures: list[TopError] = []
    monkeypatch.setattr(desk, "logs", lambda *_, **__: LogPage([]))
    monkeypatch.setattr(desk, "traces", lambda *_, **__: TracePage([]))
    monkeypatch.setattr(desk, "services", lambda **_: nothing)
    monkeypatch.setattr(desk, "errors", lambda **_: failures)
    assert tocsin("logs", "--url", url).out == "no log records match in the last hour; --last 7d looks further back\n"
    assert tocsin("traces", "--last", "5m", "--url", url).out == "no traces match in the last 5m; --last 7d looks further back\n"
    assert tocsin("traces", "--last", "30d", "--url", url).out == "no traces match in the last 30d\n"
    assert tocsin("services", "--start", "now-1d", "--url", url).out == "no service was seen from now-1d to now\n"
    assert tocsin("errors", "--url", url).out == "no failures in the last hour; --last 7d looks further back\n"


def test_something_that_is_not_tocsin_is_recognised(tocsin: Tocsin, url: str, desk: FakeDesk) -> None:
    """An answer that is none of ours is told apart from a refusal."""
    outcome = tocsin("services", "--url", f"{url}/elsewhere")
    assert outcome.code == 4
    assert "there is nothing at /elsewhere/api/services" in outcome.err
