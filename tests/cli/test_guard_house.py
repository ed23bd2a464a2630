"""Guards over spans and logs: frozen out of one house, run in another, firing at the same minute."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.query.telemetry import LogLine, SpanLine, logs_body, spans_body

from tocsin.app.house import House, options_for
from tocsin.app.options import Options
from tocsin.app.replaying import replay_desk
from tocsin.cli.guard_house import HouseStage, open_stage
from tocsin.clock import RealClock, ReplayClock
from tocsin.model.batch import Batch
from tocsin.model.instant import NANOSECONDS, TimeRange, parse_instant
from tocsin.model.signal import Signal
from tocsin.model.telemetry import LogRecord, Span
from tocsin.query.promql.options import PromqlOptions
from tocsin.query.reading import Reading
from tocsin.replay.desk_records import BacktestAnswer, BacktestRequest, TextFile
from tocsin.replay.guards.definition import FILE, GuardOutcome
from tocsin.replay.guards.freeze import FreezeRequest, freeze, write_guard
from tocsin.replay.guards.reading import read_guard
from tocsin.replay.guards.run import GuardRunner
from tocsin.replay.guards.stored_slice import StoredSlice
from tocsin.replay.options import ReplayOptions
from tocsin.wire.door import Door
from tocsin.wire.files import Format, read

MINUTE = 60 * NANOSECONDS
START = parse_instant("2026-11-16T10:00:00Z")
RULES = """
groups:
  - name: shop
    rules:
      - alert: ShopFails
        expr: >
          sum(rate(traces_spanmetrics_calls_total{service="shop", status_code="STATUS_CODE_ERROR"}[5m]))
          / sum(rate(traces_spanmetrics_calls_total{service="shop"}[5m])) > 0.1
        for: 1m
        labels: {severity: page}
"""
OWN_RULES = """
apiVersion: tocsin/v1
kind: AlertRule
metadata: {name: ManyErrors}
spec:
  severity: page
  owner: team
  runbook: a.md
  service: shop
  logs: {query: 'severity:error', over: 5m, above: 10}
"""
SLO = """
apiVersion: tocsin/v1
kind: Objective
metadata: {name: shop-availability}
spec:
  service: shop
  target: 99.9%
  window: 30d
  availability: {}
"""


def telemetry() -> list[Batch]:
    """Two hours of a shop: a request every ten seconds, each second one fails with a log record for twenty minutes from `START` on."""
    spans, logs = [], []
    for number in range(-360, 360):
        at = START + number * 10 * NANOSECONDS
        failed = 0 <= number < 120 and number % 2 == 0
        attributes = {"http.route": "/buy", "count": number, "ratio": 0.5, "flag": True, "raw": b"\x00\xff"}
        status = "error" if failed else "unset"
        events = [("exception", {"exception.type": "E"})] if failed else []
        spans.append(
            SpanLine(
                "POST /buy",
                f"{number + 1000:x}",
                f"{number + 1000:x}",
                at=at,
                service="shop",
                kind="server",
                status=status,
                attributes=attributes,
                events=events,
                links=[{"k": "v"}],
            )
        )
        if failed:
            logs.append(LogLine("no", at, "shop", 17, "ERROR", trace=f"{number + 1000:x}", attributes={"password": "secret"}))
    return [Batch(Signal.TRACES, spans_body(spans), len(spans)), Batch(Signal.LOGS, logs_body(logs), len(logs))]


def odd_request() -> dict[str, Any]:
    """A span and a log record with every kind of value that OTLP has."""
    values: list[dict[str, Any]] = [{"stringValue": "a"}, {"intValue": "1"}, {"doubleValue": 2.5}, {"boolValue": False}, {}]
    attributes = [
        {"key": "list", "value": {"arrayValue": {"values": values}}},
        {"key": "map", "value": {"kvlistValue": {"values": [{"key": "k", "value": {"arrayValue": {"values": values}}}]}}},
        {"key": "bytes", "value": {"bytesValue": "AP8="}},
        {"key": "whole", "value": {"doubleValue": 3.0}},
        {"key": "huge", "value": {"intValue": "-9223372036854775808"}},
        {"key": "nothing", "value": {}},
    ]
    resource = {
        "attributes": [{"key": "service.name", "value": {"stringValue": "odd"}}, {"key": "process.pid", "value": {"intValue": "7"}}]
    }
    ids = {"traceId": "ab" * 16, "spanId": "cd" * 8}
    span = {**ids, "parentSpanId": "ef" * 8, "traceState": "a=b", "name": "x", "kind": 3, "startTimeUnixNano": str(START + 1)}
    span |= {"endTimeUnixNano": str(START + 12_345), "attributes": attributes, "status": {"code": 2, "message": "bad"}}
    record = {**ids, "timeUnixNano": str(START + 2), "observedTimeUnixNano": str(START + 9), "severityNumber": 18, "severityText": "E2"}
    record |= {"eventName": "odd", "attributes": attributes, "body": {"kvlistValue": {"values": attributes}}}
    scope = {"name": "lib", "version": "1.2"}
    return {
        "resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": scope, "spans": [span]}]}],
        "resourceLogs": [{"resource": resource, "scopeLogs": [{"scope": scope, "logRecords": [record]}]}],
    }


@dataclass(frozen=True)
class Team:
    """A team's folder, and what its house told of the first minute of the incident."""

    folder: Path
    spans: list[Span]
    logs: list[LogRecord]
    answer: BacktestAnswer

    @property
    def guards(self) -> Path:
        """Where its guards lie."""
        return self.folder / "guards"


FIRST_MINUTE = TimeRange(START, START + MINUTE)


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Team:
    """Guards that were frozen out of a house, in a team's folder beside its rules."""
    folder = tmp_path_factory.mktemp("team")
    for name, text in (("rules.yaml", RULES), ("own.yaml", OWN_RULES), ("slo.yaml", SLO)):
        (folder / name).write_text(text)
    odd = odd_request()
    (folder / "odd.jsonl").write_text("".join(json.dumps({key: value}) + "\n" for key, value in odd.items()))
    options = Options()
    chosen = options_for(folder / "data", options).model_copy(
        update={
            "slo": options.slo.model_copy(update={"files": (str(folder / "slo.yaml"),)}),
            "alert": options.alert.model_copy(update={"enabled": False}),
        }
    )
    with House(chosen, clock=ReplayClock(START + 120 * MINUTE, speed=0)) as house:
        steps = read(str(folder / "odd.jsonl"), Format.OTLP_JSON, service="", clock=house.clock, door=Door(options.wire.door))
        for batch in (*telemetry(), *(step.batch for step in steps if step.batch)):
            house.accept(batch).result()
        house.settle()
        house.keeper.run_once()
        stage = HouseStage(house)
        source = StoredSlice(stage.source, Reading(house.store.engine, house.clock))
        rules = stage.rules([folder / "rules.yaml", folder / "own.yaml"])
        for name, rule, more in (
            ("shop-fails", "ShopFails", {}),
            ("many-errors", "ManyErrors", {}),
            ("burns", "SloBurn", {"labels": {"severity": "page"}, "context_s": 3600.0}),
        ):
            request = FreezeRequest(name, rule, START, within_s=600.0, **more)  # type: ignore[arg-type]
            write_guard(freeze(request, rules, source, objective_files=[folder / "slo.yaml"]), folder / "guards")
        desk = replay_desk(
            chosen, ReplayOptions(), state=house.state, desk=house.desk, judging=house.judging, alerting=house.alerting, clock=house.clock
        )
        texts = tuple(TextFile(name, (folder / name).read_text()) for name in ("rules.yaml", "own.yaml"))
        over = TimeRange(START - 60 * MINUTE, START + 60 * MINUTE)
        answer = desk.backtest(BacktestRequest(over, rules=texts, against_current=True, significant=0.01))
        return Team(folder, list(source.spans(FIRST_MINUTE, ())), list(source.logs(FIRST_MINUTE, ())), answer)


def run(folder: Path) -> GuardOutcome:
    """The outcome of a guard."""
    return GuardRunner(open_stage, RealClock(), PromqlOptions()).run(read_guard(folder))


def test_a_rule_on_spans_fires_in_a_house_of_its_own(team: Team) -> None:
    """A share of failed requests, derived from spans that went out as OTLP JSON and came in again."""
    outcome = run(team.guards / "shop-fails")
    assert outcome.passed, outcome
    assert outcome.fired_at is not None
    assert START < outcome.fired_at <= START + 4 * MINUTE


def test_a_rule_on_logs_and_a_count(team: Team, tmp_path: Path) -> None:
    """Error records are counted; the same guard as a query counts them, too."""
    folder = Path(shutil.copytree(team.guards / "many-errors", tmp_path / "many-errors"))
    outcome = run(folder)
    assert outcome.passed, outcome
    assert outcome.fired_at is not None
    assert START + 3 * MINUTE <= outcome.fired_at <= START + 5 * MINUTE
    (folder / FILE).write_text(
        "kind: query\nquery: {logs: 'severity:error', at_least: 30}\nstart: 2026-11-16T10:00:00Z\nend: 2026-11-16T10:10:00Z\n"
    )
    assert run(folder).sentence == "logs severity:error >= 30: found 31"


def test_a_backtest_over_what_is_stored(team: Team) -> None:
    """Spans, logs and objectives: each set of rules finds what the objective calls significant, and says what that had cost by then."""
    files, in_force = team.answer.reports
    assert [(report.score.pages, report.score.recall, report.score.precision) for report in (files, in_force)] == [
        (2, 1.0, 1.0),
        (1, 1.0, 1.0),
    ]
    assert {rule.rule for rule in files.score.rules} == {"ShopFails", "ManyErrors"}
    assert {rule.rule for rule in in_force.score.rules} == {"SloBurn"}
    assert files.failures == in_force.failures == ()
    # Half of the requests fail, of which one in 1,000 may, until the minute of the page is over: 500 times three minutes of thirty days.
    assert files.score.budget_spent_max == pytest.approx(500 * 3 / (30 * 24 * 60))


def test_a_burn_rate_that_an_objective_brings(team: Team) -> None:
    """The guard has a copy of the objective's file; the burn-rate alert of its profile fires again."""
    outcome = run(team.guards / "burns")
    assert outcome.passed, outcome


def test_every_record_comes_back_as_it_was(team: Team) -> None:
    """Ids, times, kinds, events, links, scopes and values of every kind; what was redacted on its way in stays redacted."""
    with open_stage(read_guard(team.guards / "burns")) as stage:
        assert isinstance(stage, HouseStage)
        source = StoredSlice(stage.source, stage.reading)
        assert list(source.spans(FIRST_MINUTE, ())) == team.spans
        assert list(source.logs(FIRST_MINUTE, ())) == team.logs
    assert {span.service for span in team.spans} == {"shop", "odd"}
    assert all("secret" not in str(record.attributes) for record in team.logs)
    odd = next(span for span in team.spans if span.service == "odd")
    assert odd.attributes["list"] == ["a", 1, 2.5, False, None]


@pytest.mark.slow
def test_a_house_that_can_not_take_a_slice_says_so(team: Team, tmp_path: Path) -> None:
    """Telemetry that does not read is an error of the guard, with its file."""
    folder = tmp_path / "broken"
    shutil.copytree(team.guards / "many-errors", folder)
    for path in (folder / "telemetry").iterdir():
        path.unlink()
    (folder / "telemetry" / "logs.jsonl").write_text("{}\n")
    assert "logs.jsonl holds telemetry that can't be taken: not an OTLP request" in run(folder).error
