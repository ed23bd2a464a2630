"""`tocsin query`."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.text import Text

from tocsin.cli.parameters import DataOption, JsonOption, UrlOption
from tocsin.cli.plot import area, columns, fitting, sparkline
from tocsin.cli.server import DEFAULT_URL, Server, connect
from tocsin.cli.table import Column, print_table
from tocsin.cli.terminal import clean, console
from tocsin.errors import InvalidInput
from tocsin.model.instant import parse_duration_ns, parse_instant

API = "/prometheus/api/v1"
STEPS = 120  # of a range without --step: as many as a terminal has columns
PLOT_HEIGHT = 10
SERIES_SHOWN = 40
LINE_WIDTH = 40
METRIC = "__name__"


def command(
    expression: Annotated[str, typer.Argument(help="PromQL: sum by (job) (rate(http_requests_total[5m]))")],
    range_: Annotated[str | None, typer.Option("--range", help="Over the last 1h, 30m, 7d rather than now.", show_default=False)] = None,
    step: Annotated[str | None, typer.Option("--step", help="Between two instants of a range: 15s, 1m.", show_default=False)] = None,
    time: Annotated[
        str | None, typer.Option("--time", help="The instant, or the end of the range, in UTC; now by default.", show_default=False)
    ] = None,
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """
    The answer of a PromQL query: a table now, a plot over a range.

    Put single quotes around the expression, and -- before one that starts with a minus.
    """
    if step is not None and range_ is None:
        raise InvalidInput("--step belongs to a range; give --range too")
    with connect(url, data) as server:
        end_s = parse_instant(time or "now", now=_now_ns(server)) / 1e9 if time or range_ else None
        if range_ is None:
            text = server.get(f"{API}/query", {"query": expression, "time": end_s})
        else:
            length_s = parse_duration_ns(range_) / 1e9
            step_s = parse_duration_ns(step) / 1e9 if step else max(1.0, length_s / STEPS)
            assert end_s is not None
            text = server.get(f"{API}/query_range", {"query": expression, "start": end_s - length_s, "end": end_s, "step": step_s})
    if as_json:
        console().print(text)
        return
    answer = json.loads(text)
    _show(answer["data"])
    for note in (*answer.get("warnings", ()), *answer.get("infos", ())):
        console().print(Text(clean(note), "yellow"))


def _now_ns(server: Server) -> int:
    """The present of the server, which may replay a past one."""
    return parse_instant(json.loads(server.get(f"{API}/status/runtimeinfo"))["data"]["serverTime"])


def _show(data: dict[str, Any]) -> None:
    out, result = console(), data["result"]
    match data["resultType"]:
        case "scalar" | "string":
            out.print(clean(result[1]))
        case _ if not result:
            out.print("no series match: nothing was measured, which is not the same as zero")
        case "vector":
            rows = [(series_text(one["metric"]), clean(_value(one))) for one in result]
            print_table(out, [Column("series", shrinks=True), Column("value", right=True)], rows)
        case _:
            _plot(result)


def _value(series: dict[str, Any]) -> str:
    if "value" in series:
        return str(series["value"][1])
    histogram = series["histogram"][1]
    return f"histogram: count {histogram['count']}, sum {histogram['sum']}"


def _plot(result: list[dict[str, Any]]) -> None:
    """One series as an area, several as a line each."""
    out = console()
    points = [[(float(at), float(value)) for at, value in one.get("values", ())] for one in result]
    instants = [at for series in points for at, _ in series]
    if not instants:
        out.print(f"{len(result)} series of histograms; ask for histogram_quantile(0.99, ...) to plot one number of each")
        return
    start, end = min(instants), max(instants)
    if len(result) == 1:
        width = fitting(points, max(20, min(out.width - 14, STEPS)))
        _print_area(points[0], series_text(result[0]["metric"]), start, end, width)
        return
    rows, width = [], fitting(points, LINE_WIDTH)
    for one, series in list(zip(result, points, strict=True))[:SERIES_SHOWN]:
        known = [value for _, value in series if math.isfinite(value)]
        line = sparkline(columns(series, start=start, end=end, width=width))
        numbers = [_short(number) for number in (min(known), max(known), series[-1][1])] if known else ["-", "-", "-"]
        rows.append((line, *numbers, series_text(one["metric"])))
    heads = [Column(_span(start, end)), *(Column(name, right=True) for name in ("min", "max", "last")), Column("series", shrinks=True)]
    print_table(out, heads, rows)
    if len(result) > SERIES_SHOWN:
        out.print(Text(f"and {len(result) - SERIES_SHOWN} more series; topk(10, ...) shows the largest, --json all", "dim"))


def _print_area(points: list[tuple[float, float]], name: str, start: float, end: float, width: int) -> None:
    out = console()
    values = columns(points, start=start, end=end, width=width)
    known = [value for value in values if value is not None]
    out.print(Text(name, "bold"))
    lines = area(values, height=PLOT_HEIGHT)
    for place, line in enumerate(lines):
        edge = max(known, default=0.0) if place == 0 else min(known, default=0.0) if place == len(lines) - 1 else None
        out.print(Text(f"{_short(edge) if edge is not None and known else '':>10} ┤{line}"), soft_wrap=True)
    out.print(Text(f"{'':>10}  {_span(start, end)}  last {_short(points[-1][1])}", "dim"))


def series_text(labels: dict[str, str]) -> str:
    """`up{job="api"}`; `{}` for a series without labels."""
    pairs = ", ".join(f'{name}="{value}"' for name, value in labels.items() if name != METRIC)
    return clean(f"{labels.get(METRIC, '')}{{{pairs}}}" if pairs or METRIC not in labels else labels[METRIC])


def _short(number: float) -> str:
    return f"{number:.4g}"


def _span(start: float, end: float) -> str:
    shown = [datetime.fromtimestamp(at, UTC).strftime("%m-%d %H:%M:%S") for at in (start, end)]
    return f"{shown[0]} to {shown[1]} UTC"
