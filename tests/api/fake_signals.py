"""Signals, clients and costs that answer with one small example each."""

from __future__ import annotations

from typing import Any

from tocsin.model.instant import parse_instant
from tocsin.model.signals import (
    Baseline,
    Endpoint,
    ErrorSplit,
    Flag,
    LatencyBin,
    LatencyHeatmap,
    LatencyRow,
    Limits,
    RequestSignals,
    ResourceSignals,
    Signal,
    SignalSeries,
    SignalsWall,
    Unit,
)
from tocsin.model.usage import ClientMeasure, ClientSignals, CostSignals, SecuritySignals, UnpricedModel, Usage, UsageRow
from tocsin.query.signals.golden import Signals
from tocsin.query.usage.costs import CostQuestions
from tocsin.query.usage.security import SecurityQuestions

START = parse_instant("2026-03-02T09:30:00Z")
TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
P95 = Signal(
    "latency_p95",
    "latency p95",
    5000.0,
    Unit.MILLISECONDS,
    "5,000 ms",
    Limits(500, 1000),
    Baseline(240, 200, 300, 7, 7),
    Flag.BREACH,
    "slow",
)
TRAFFIC = Signal("traffic", "traffic", None, Unit.PER_SECOND, "-", None, None, Flag.NO_DATA, "no requests")
ERRORS = Signal("error_rate", "error rate", 0.1, Unit.RATIO, "10.0 %", Limits(None, 0.05), None, Flag.BREACH, "failing")
GATEWAY = RequestSignals(
    "gateway", None, None, Flag.BREACH, 40, [P95], [LatencyBin(100, 109, 36, 0)], TRAFFIC, ERRORS, 0.1, ErrorSplit(4, None, 0), None, None,
    TRACE_ID,
)  # fmt: skip


class FakeSignals(Signals):
    """One service, one machine."""

    def __init__(self) -> None:
        pass

    def wall(self, *_args: Any, **_options: Any) -> SignalsWall:
        """Everything once."""
        slow = Endpoint("gateway", "POST /ask", "server", 40, 4, P95, None)
        machine = ResourceSignals("CPU", Flag.NO_DATA, None, TRAFFIC, None)
        return SignalsWall(
            START, START, START, Flag.BREACH, "1 service breaches.", GATEWAY, [GATEWAY], [machine], [slow], [], [], ["a note"]
        )

    def endpoints(self, *_args: Any, **_options: Any) -> list[RequestSignals]:
        """One."""
        return [GATEWAY]

    def distribution(self, *_args: Any, **_options: Any) -> LatencyHeatmap:
        """Two columns, one of them without requests."""
        return LatencyHeatmap("gateway", None, START, 10, [LatencyRow(100, 200)], [[3], None], [[0], None])

    def series(self, *_args: Any, **_options: Any) -> list[SignalSeries]:
        """One, with a gap."""
        return [SignalSeries(None, START, 60, [1.0, None], [2.0, None], [2.5, None], [3.0, None], [0.5, None], [0.0, None])]


class FakeSecurity(SecurityQuestions):
    """One client."""

    def __init__(self) -> None:
        pass

    def signals(self, *_args: Any, **_options: Any) -> SecuritySignals:
        """It fails too often."""
        client = ClientSignals(
            "user.id", "mallory", False, Flag.WARN, "many failures", [ClientMeasure("failures", 30, None, None, Flag.WARN, "30")]
        )
        return SecuritySignals(START, START, Flag.WARN, 1, 30, 0, 7, 0.01, 0.0001, [client], "one client warns")


class FakeCosts(CostQuestions):
    """One tenant."""

    def __init__(self) -> None:
        pass

    def signals(self, *_args: Any, **_options: Any) -> CostSignals:
        """It costs something that nobody knows."""
        usage = Usage(3, 1, 1000, 200, 0, 2**40, None, 1200)
        return CostSignals(
            START,
            START,
            "tenant",
            "USD",
            [UsageRow("acme", usage, usage)],
            0,
            usage,
            usage,
            [UnpricedModel("owl", 1, 1000, 200)],
            "unpriced",
        )
