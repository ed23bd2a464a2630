"""
The challenge of lab 2: a composite alert. Page only when two golden signals or more are bad at once, instead of on any single one.

Five windows of one service, hours apart. `any signal` is the alert that everybody writes first; `two signals` is the composite one, which a
fast burn of the budget passes alone: an outage that fails at once shows errors and nothing else.

Takeaway: one bad signal is often noise, several at once are an incident; and what users lose counts whatever the other signals say.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tocsin.alert.definition import RuleGroup
from tocsin.alert.rules.machine import Texts
from tocsin.alert.rules.rendering import plain
from tocsin.alert.rules.run import GroupRun
from tocsin.app.house import House, options_for
from tocsin.app.options import Options
from tocsin.clock import ReplayClock
from tocsin.model.batch import Batch
from tocsin.model.instant import NANOSECONDS, Instant, parse_instant
from tocsin.model.signal import Signal
from tocsin.query.promql.options import RuleOptions
from tocsin.query.signals.options import SaturationOptions, SignalsOptions
from tocsin.slo.options import SloOptions

SERVICE = "assistant"
START = parse_instant("2026-03-02T01:00:00Z")
APART_S = 3 * 3600
WINDOW_S = 300
REQUESTS = 200
SLOW_MS, FAST_MS = 5000, 180
PLACES = 8

OBJECTIVE = f"""\
apiVersion: tocsin/v1
kind: Objective
metadata: {{name: {SERVICE}-availability}}
spec: {{service: {SERVICE}, target: 99%, window: 30d, availability: {{}}}}
"""
SIGNALS = f"""\
        - {{name: latency, signal: {{signal: latency, service: {SERVICE}, percentile: 95, above: 1s, over: 5m}}}}
        - {{name: errors, signal: {{signal: errors, service: {SERVICE}, above: 5%, over: 5m}}}}
        - {{name: saturation, signal: {{signal: saturation, service: {SERVICE}, above: 90%, over: 5m}}}}
"""
RULES = f"""\
apiVersion: tocsin/v1
kind: AlertGroup
metadata: {{name: lab}}
spec:
  rules:
    - name: AnySignal
      atLeast:
        count: 1
        fastBurn: []
        of:
{SIGNALS.replace("        - ", "          - ")}
    - name: TwoSignals
      atLeast:
        count: 2
        of:
{SIGNALS.replace("        - ", "          - ")}
"""


@dataclass(frozen=True, slots=True)
class Window:
    """
    Five minutes of the service.

    Args:
        story: What happens.
        slow, failing: Share of requests that take five seconds; that fail.
        taken: Places for requests that are taken, of eight.
    """

    story: str
    slow: float = 0.0
    failing: float = 0.0
    taken: int = 2


WINDOWS = (
    Window("all is well"),
    Window("a batch job makes some requests slow", slow=0.1),
    Window("the machine is busy, users notice nothing", taken=8),
    Window("slow, failing and full at once", slow=0.1, failing=0.1, taken=8),
    Window("a dependency is gone: a third fails at once", failing=0.33),
)


def main(say: Callable[[str], None] = print) -> None:
    """Run the lab; `say` takes each line that it shows."""
    with tempfile.TemporaryDirectory(prefix="tocsin-lab-") as name:
        folder = Path(name)
        (folder / "objective.yaml").write_text(OBJECTIVE, encoding="utf-8")
        (folder / "rules.yaml").write_text(RULES, encoding="utf-8")
        saturation = SaturationOptions(query="max by (service) (requests_in_flight / requests_in_flight_max)")
        options = Options(
            slo=SloOptions(files=(str(folder / "objective.yaml"),)),
            rules=RuleOptions(files=(str(folder / "rules.yaml"),)),
            signals=SignalsOptions(saturation=(saturation,)),
        )
        clock = ReplayClock(end_of(len(WINDOWS)), speed=0)
        with House(options_for(folder / "data", options), clock=clock) as house:
            for number, window in enumerate(WINDOWS):
                house.accept(Batch(Signal.TRACES, requests_as_otlp(window, end_of(number)), REQUESTS)).result()
                house.accept(Batch(Signal.METRICS, gauges_as_otlp(window, end_of(number)), 2)).result()
            house.settle()
            house.keeper.run_once()
            show(judge(house), say)


def end_of(number: int) -> Instant:
    """When a window ends."""
    return START + (number * APART_S + WINDOW_S) * NANOSECONDS


def judge(house: House) -> list[Mapping[str, str]]:
    """By window: which rules fire at its end, with what they measured."""
    (group,) = (group for group in house.alerting.rules.current.groups if group.name == "lab")
    return [_fired(house, group, end_of(number)) for number in range(len(WINDOWS))]


def _fired(house: House, group: RuleGroup, at: Instant) -> Mapping[str, str]:
    run = GroupRun(group, house.alerting.evaluators, texts=Texts(plain), clock=house.clock)
    return {alert.name: alert.annotations.get("measured", "") for alert in run.step(at).alerts}


def show(fired: Sequence[Mapping[str, str]], say: Callable[[str], None]) -> None:
    """A row per window."""
    say("==== COMPOSITE ALERT: page on any signal, or on two at once ====")
    for window, alerts in zip(WINDOWS, fired, strict=True):
        words = [f"{rule}: {'PAGE' if rule.replace(' ', '') in alerts else '-':<4}" for rule in ("Any Signal", "Two Signals")]
        say(f"  {window.story:<44}  {'  '.join(words)}".rstrip())
        why = alerts.get("TwoSignals", "")
        if why:
            say(f"      {why}")
    pages = {rule: sum(rule in alerts for alerts in fired) for rule in ("AnySignal", "TwoSignals")}
    say(f"  pages: {pages['AnySignal']} on any signal, {pages['TwoSignals']} on two or a fast burn")


def requests_as_otlp(window: Window, end: Instant) -> bytes:
    """The window's requests, evenly spread; slow ones and failing ones are the same as far as there are enough."""
    request = ExportTraceServiceRequest()
    block = request.resource_spans.add()
    block.resource.attributes.add(key="service.name").value.string_value = SERVICE
    spans = block.scope_spans.add().spans
    for number in range(REQUESTS):
        place = number * 37 % REQUESTS / REQUESTS  # spreads the bad ones over the window
        began = end - WINDOW_S * NANOSECONDS + number * WINDOW_S * NANOSECONDS // REQUESTS
        lasted_ms = SLOW_MS if place < window.slow else FAST_MS
        identity = (end + number).to_bytes(16, "big")
        span = spans.add(trace_id=identity, span_id=identity[8:], name="POST /ask", kind=2, start_time_unix_nano=began)
        span.end_time_unix_nano = began + lasted_ms * 1_000_000
        span.status.code = 2 if place < window.failing else 0
    return bytes(request.SerializeToString())


def gauges_as_otlp(window: Window, end: Instant) -> bytes:
    """How many places are taken, and how many there are, just before the window's end."""
    request = ExportMetricsServiceRequest()
    block = request.resource_metrics.add()
    block.resource.attributes.add(key="service.name").value.string_value = SERVICE
    metrics = block.scope_metrics.add().metrics
    for name, value in (("requests_in_flight", window.taken), ("requests_in_flight_max", PLACES)):
        point = metrics.add(name=name).gauge.data_points.add(time_unix_nano=end - 5 * NANOSECONDS)
        point.as_int = value
        point.attributes.add(key="service").value.string_value = SERVICE
    return bytes(request.SerializeToString())
