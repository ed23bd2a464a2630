"""The golden signals: the wall, the endpoints of a service, latencies as a heatmap, small series for charts."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from starlette.requests import Request

from tocsin.api.context import INSTANT_LENGTH_MAX, RANGE_RULE, TEXT_LENGTH_MAX, EndOf, Service, context_of, range_ending_now
from tocsin.model.signals import LatencyHeatmap, RequestSignals, SignalSeries, SignalsWall
from tocsin.query.signals.golden import Signals
from tocsin.store.read_range import Within

router = APIRouter(prefix="/signals", tags=["signals"])

WINDOW_S = 900  # how things are now, and still enough requests for a percentile


def signals_of(request: Request) -> Signals:
    """The signals of the desk."""
    return context_of(request).desk.signals


def signal_window(
    request: Request,
    start: Annotated[
        str | None, Query(max_length=INSTANT_LENGTH_MAX, description=f"From when on: {RANGE_RULE}. Default: 15 minutes before `end`.")
    ] = None,
    end: EndOf = None,
) -> Within:
    """The window that signals are judged over: the last 15 minutes unless it says otherwise."""
    window = range_ending_now(request, start, end, default_s=WINDOW_S)
    return Within(window.start, window.end)


SignalsOf = Annotated[Signals, Depends(signals_of)]
Window = Annotated[Within, Depends(signal_window)]
ServicePath = Annotated[str, Path(min_length=1, max_length=TEXT_LENGTH_MAX, description="The service's name.")]


@router.get("")
def show_wall(signals: SignalsOf, window: Window, service: Service = None) -> SignalsWall:
    """Latency, traffic, errors, saturation of all services beside resources, top errors, slowest endpoints and deployments."""
    return signals.wall(window, service)


@router.get("/series")
def list_signal_series(
    signals: SignalsOf,
    window: Window,
    service: Service = None,
    whole: Annotated[bool, Query(description="One series of all services together, in place of one for each.")] = False,
    points: Annotated[int, Query(ge=1, le=1000, description="Steps, at most.")] = 60,
) -> list[SignalSeries]:
    """Latency, traffic and error ratio over time, a series for each service; null where nothing was observed."""
    return signals.series(window, service=service, whole=whole, points=points)


@router.get("/{service:path}/endpoints")
def list_endpoint_signals(signals: SignalsOf, window: Window, service: ServicePath) -> list[RequestSignals]:
    """The golden signals of each endpoint of a service, the busiest first."""
    return signals.endpoints(service, window)


@router.get("/{service:path}/heatmap")
def show_latency_heatmap(
    signals: SignalsOf,
    window: Window,
    service: ServicePath,
    operation: Annotated[str | None, Query(max_length=TEXT_LENGTH_MAX, description="Only this endpoint.")] = None,
    columns: Annotated[int, Query(ge=1, le=1000, description="Columns, at most.")] = 120,
) -> LatencyHeatmap:
    """How latencies of a service, or of one endpoint, spread over time; null for a column without requests."""
    return signals.distribution(service, window, operation=operation, columns=columns)
