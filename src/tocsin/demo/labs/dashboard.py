"""
Lab 2: the dashboard and the four golden signals.

A minute of requests to one service: most are answered in a fifth of a second, one in ten waits five seconds for something and fails.
Meanwhile all eight places for requests are taken. Spans and gauges go the way of all telemetry; the wall is what `tocsin signals` shows.

    latency p95   5000ms    BREACH
    ...

Takeaway: the wall shows the few signals that map to user pain. THRESHOLDS decides what counts as too far; the burn rate needs no threshold
of taste, for it says what the objective promised.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tocsin.app.house import House, options_for
from tocsin.app.options import Options
from tocsin.clock import ReplayClock
from tocsin.model.batch import Batch
from tocsin.model.instant import NANOSECONDS, parse_instant
from tocsin.model.signal import Signal as Telemetry
from tocsin.model.signals import Flag, RequestSignals, Signal, Unit
from tocsin.query.signals.options import LimitsOptions, SaturationOptions, SignalsOptions, ThresholdOptions
from tocsin.slo.options import SloOptions

SERVICE = "assistant"
START = parse_instant("2026-03-02T09:30:00Z")
WINDOW_S = 60
REQUESTS = 40
SLOW_MS, FAST_MS = 5000, (120, 160, 200, 240)
PLACES = 8

THRESHOLDS = ThresholdOptions(
    latency_p95_ms=LimitsOptions(breach=1000),
    error_ratio=LimitsOptions(breach=0.05),
    saturation=LimitsOptions(breach=0.9),
    burn=LimitsOptions(breach=1),
    traffic_per_s=LimitsOptions(breach=100),
)
OBJECTIVE = f"""\
apiVersion: tocsin/v1
kind: Objective
metadata: {{name: {SERVICE}-availability}}
spec:
  service: {SERVICE}
  target: 99%
  window: 30d
  availability: {{}}
"""


def main(say: Callable[[str], None] = print) -> None:
    """Run the lab; `say` takes each line that it shows."""
    with tempfile.TemporaryDirectory(prefix="tocsin-lab-") as name:
        folder = Path(name)
        objectives = folder / "objectives.yaml"
        objectives.write_text(OBJECTIVE, encoding="utf-8")
        signals = SignalsOptions(
            thresholds=THRESHOLDS,
            saturation=(SaturationOptions(query="max by (service) (requests_in_flight / requests_in_flight_max)"),),
        )
        options = Options(slo=SloOptions(files=(str(objectives),)), signals=signals)
        clock = ReplayClock(START + WINDOW_S * NANOSECONDS, speed=0)  # the window has just ended, and stays so
        with House(options_for(folder / "data", options), clock=clock) as house:
            house.accept(Batch(Telemetry.TRACES, requests_as_otlp(), REQUESTS)).result()
            house.accept(Batch(Telemetry.METRICS, gauges_as_otlp(), 2)).result()
            house.settle()
            house.keeper.run_once()
            show(house.desk.wall(start=START, end=START + WINDOW_S * NANOSECONDS).services[0], say)


def show(service: RequestSignals, say: Callable[[str], None]) -> None:
    """The wall, a row per signal."""
    say(f"==== {SERVICE.upper()}: the four golden signals and the burn rate, over {WINDOW_S} s ====")
    for signal in service.rows():
        flag = "BREACH" if signal.flag is Flag.BREACH else ""
        say(f"  {signal.title:<13} {figure(signal):<9} {flag}".rstrip())


def figure(signal: Signal) -> str:
    """A signal's value in the fewest characters: `5000ms`, `10.0%`, `100%`, `10.0x`."""
    if signal.value is None:
        return "-"
    match signal.unit:
        case Unit.MILLISECONDS:
            return f"{signal.value:.0f}ms"
        case Unit.RATIO:
            return f"{signal.value:.0%}" if signal.name == "saturation" else f"{signal.value:.1%}"
        case Unit.TIMES:
            return f"{signal.value:.1f}x"
        case _:
            return f"{signal.value:.2f}/s"


def requests_as_otlp() -> bytes:
    """The window: every tenth request takes five seconds and fails."""
    request = ExportTraceServiceRequest()
    block = request.resource_spans.add()
    block.resource.attributes.add(key="service.name").value.string_value = SERVICE
    spans = block.scope_spans.add().spans
    for number in range(REQUESTS):
        failed = number % 10 == 9
        began = START + number * WINDOW_S * NANOSECONDS // REQUESTS
        lasted_ms = SLOW_MS if failed else FAST_MS[number % len(FAST_MS)]
        identity = (number + 1).to_bytes(16, "big")
        span = spans.add(trace_id=identity, span_id=identity[8:], name="POST /ask", kind=2, start_time_unix_nano=began)
        span.end_time_unix_nano = began + lasted_ms * 1_000_000
        span.status.code = 2 if failed else 0
        span.attributes.add(key="http.response.status_code").value.int_value = 503 if failed else 200
    return bytes(request.SerializeToString())


def gauges_as_otlp() -> bytes:
    """How many requests are under way, and how many may be, at the window's end."""
    request = ExportMetricsServiceRequest()
    block = request.resource_metrics.add()
    block.resource.attributes.add(key="service.name").value.string_value = SERVICE
    metrics = block.scope_metrics.add().metrics
    for name in ("requests_in_flight", "requests_in_flight_max"):
        point = metrics.add(name=name).gauge.data_points.add(time_unix_nano=START + (WINDOW_S - 5) * NANOSECONDS)
        point.as_int = PLACES
        point.attributes.add(key="service").value.string_value = SERVICE
    return bytes(request.SerializeToString())
