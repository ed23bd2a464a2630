"""
The wall of golden signals as lines of text: the state of the world first, then services (RED) beside resources (USE), then what to look at.

Every verdict is a word; colour repeats it. Wide terminals say more, narrow ones leave out what matters least.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from rich.text import Text

from tocsin.cli.plot import sparkline
from tocsin.cli.table import Column, table_lines
from tocsin.cli.terminal import UNCUT, clean, service_text, show_instant, show_ms

STYLES = {"OK": "green", "WARN": "yellow", "BREACH": "bold red", "NO_DATA": "dim"}
WORDS = {"NO_DATA": "no data"}
BESIDE_FROM = 170  # columns from which on services and resources stand side by side
REASONS_FROM = 110  # columns from which on a row has its reason; below, reasons follow the table
ALL_PERCENTILES_FROM = 130
LISTED = 5
SERIES = {
    "latency_p50": "p50_ms",
    "latency_p90": "p90_ms",
    "latency_p95": "p95_ms",
    "latency_p99": "p99_ms",
    "traffic": "per_s",
    "error_rate": "error_ratio",
}
SPREAD_WIDTH = 40
SHORTEST_MS = 1e-6
BINS_PER_E = 8 / math.log(2)  # the bins of latency: eight per doubling
GAP = "    "

Record = dict[str, Any]


def wall_lines(
    wall: Record,
    *,
    service: str | None,
    endpoints: Sequence[Record],
    width: int,
    series: Record | None = None,
    age_s: float | None = None,
) -> list[Text]:
    """
    A wall as lines.

    Args:
        wall: The API's answer.
        service: When only this one was asked for, its signals are explained one by one.
        endpoints: Those of that service.
        width: Cells that a line may have.
        series: How that service's signals went over time.
        age_s: Seconds since it was read; None when it was just now.
    """
    lines = [_banner(wall), _updated(wall, age_s), Text()]
    if service is None:
        lines += _services_and_resources(wall, width)
    else:
        lines += [*_one_service(wall, service, series, width), *_section("endpoints", _endpoint_rows(endpoints, width))]
        lines += _section("resources", _resource_rows(wall["resources"], width))
    if service is None:
        lines += _section("slowest endpoints", _slowest(wall["slowest"], width))
    lines += _section("top errors", _errors(wall["top_errors"], width))
    lines += _section("deployments", _deployments(wall["deployments"], width))
    return lines + [Text(clean(note), "yellow") for note in wall["notes"]]


def flag_text(flag: str) -> Text:
    """The verdict as a word in its colour."""
    return Text(WORDS.get(flag, flag), STYLES[flag])


def value_text(signal: Record | None) -> Text:
    """The value as people read it, coloured when it is flagged; nothing for a signal that is not measured."""
    if signal is None:
        return Text("")
    style = STYLES[signal["flag"]] if signal["flag"] in {"WARN", "BREACH", "NO_DATA"} else ""
    return Text(clean(signal["shown"]), style)


def _banner(wall: Record) -> Text:
    return Text.assemble(flag_text(wall["flag"]), "  ", (clean(wall["sentence"]), "bold"))


def _updated(wall: Record, age_s: float | None) -> Text:
    start, end, updated = (show_instant(wall[name])[:19] for name in ("start", "end", "updated"))
    ago = "" if age_s is None else f" ({age_s:.0f} s ago)"
    shown_end = end[11:] if start[:10] == end[:10] else end
    return Text(f"{start} to {shown_end} UTC, last updated {updated[11:]}{ago}", "dim")


def _services_and_resources(wall: Record, width: int) -> list[Text]:
    if not wall["services"]:
        return _section("resources", _resource_rows(wall["resources"], width))
    if width < BESIDE_FROM or width >= UNCUT:  # uncut reasons would push what stands beside them out of sight
        left = [_head("services"), *_service_rows(wall, width), *_reasons(wall["services"], width)]
        return [*left, Text(), *_section("resources", _resource_rows(wall["resources"], width))]
    right = [_head("resources"), *_resource_rows(wall["resources"], width // 3)]
    room = width - max(line.cell_len for line in right) - len(GAP)
    left = [_head("services"), *_service_rows(wall, room)]
    return [*_beside(left, right), Text()]


def _service_rows(wall: Record, width: int) -> list[Text]:
    names = ["p50", "p95", "p99"] if width >= ALL_PERCENTILES_FROM else ["p95"]
    heads = [*names, "traffic", "errors", "saturation"]
    burns = any(one["burn"] for one in wall["services"])
    columns = [Column("service", shrinks=True), Column("state"), *(Column(head, right=True) for head in heads)]
    columns += [Column("SLO burn", right=True)] if burns else []
    explained = width >= REASONS_FROM
    columns += [Column("why", shrinks=True)] if explained else []
    rows = []
    for one in [*wall["services"], *([wall["whole"]] if len(wall["services"]) > 1 else [])]:
        name = service_text(one["service"]) if one["service"] is not None else Text("all services", "bold")
        figures = [*(_latency(one, percentile) for percentile in names), one["traffic"], one["errors"], one["saturation"]]
        row = [name, flag_text(one["flag"]), *(value_text(figure) for figure in figures)]
        row += [value_text(one["burn"])] if burns else []
        row += [Text(_why(one) if one["service"] is not None else "")] if explained else []
        rows.append(row)
    return table_lines(columns, rows, width=width)


def _reasons(services: Iterable[Record], width: int) -> list[Text]:
    """Why services are flagged, where the table has no room for it."""
    if width >= REASONS_FROM:
        return []
    flagged = [one for one in services if one["flag"] in {"WARN", "BREACH"}]
    return [Text.assemble("  ", service_text(one["service"]), f": {_why(one)}") for one in flagged[:LISTED]]


def _one_service(wall: Record, service: str, series: Record | None, width: int) -> list[Text]:
    """Each signal of a service with its limits, what is usual, and why it is flagged as it is."""
    found = next((one for one in wall["services"] if one["service"] == service), None)
    if found is None:
        return [Text(f"no span of {clean(service)} came in that window or in the same hours of the past days"), Text()]
    timed = series is not None and width >= REASONS_FROM
    columns = [Column("signal"), Column("value", right=True), *([Column("over time")] if timed else []), Column("state")]
    columns += [Column("why", shrinks=True)]
    rows = []
    for one in _signals(found):
        course = [Text(_course(series, one["name"]))] if timed else []
        rows.append([Text(one["title"]), value_text(one), *course, flag_text(one["flag"]), Text(clean(one["reason"]))])
    split = found["error_split"]
    word = "request" if found["requests"] == 1 else "requests"
    count = f"{found['requests']:,} {word}" if found["requests"] else "no requests observed"
    table = table_lines(columns, rows, width=width)
    # What is flagged says why as a whole, where the table had to cut it.
    cut = [
        one for one, line in zip(_signals(found), table[1:], strict=True) if line.plain.endswith("…") and one["flag"] in {"WARN", "BREACH"}
    ]
    lines = [Text.assemble(service_text(service), f"  {count}"), *table]
    lines += [Text(f"  {clean(one['reason'])}", STYLES[one["flag"]]) for one in cut]
    if split is not None and (split["implicit"] is not None or split["policy"] is not None):
        slow = "" if split.get("policy_exact") else "about "  # servers of before did not say
        parts = [("", split["explicit"], "failed"), ("", split["implicit"], "answered wrongly"), (slow, split["policy"], "too slow")]
        known = ", ".join(f"{about}{count:,} {word}" for about, count, word in parts if count is not None)
        lines.append(Text(f"errors: {known}", "dim"))
    if found["distribution"]:
        lines.append(Text(f"how long requests take: {_spread(found['distribution'])}", "dim"))
    if found["exemplar_trace_id"]:
        lines.append(Text(f"the worst: tocsin trace {found['exemplar_trace_id']}", "dim"))
    return [*lines, Text()]


def _course(series: Record | None, name: str) -> str:
    """A signal over time as a line of blocks, a space where nothing was observed; nothing for what has no series."""
    values = (series or {}).get(SERIES.get(name, ""))
    return sparkline(values) if values else ""


def _spread(distribution: Sequence[Record]) -> str:
    """`9.5 ms ▁█▂   ▁ 5,187 ms`: how many requests took how long, on a logarithmic scale."""
    low, high = distribution[0]["low_ms"], distribution[-1]["high_ms"]
    spots = columns_of([(math.log(one["high_ms"]), one["requests"]) for one in distribution], low=low, high=high)
    return f"{show_ms(low)} {sparkline(spots)} {show_ms(high)}"


def columns_of(bins: Sequence[tuple[float, int]], *, low: float, high: float) -> list[float | None]:
    """Requests in equal parts between the logarithms of two latencies (milliseconds), at most one part per bin; None where none was."""
    start, end = math.log(max(low, SHORTEST_MS)), math.log(high)
    width = max(1, min(SPREAD_WIDTH, round((end - start) * BINS_PER_E)))
    found: list[float | None] = [None] * width
    for at, requests in bins:
        place = min(width - 1, max(0, math.ceil((at - start) / max(end - start, SHORTEST_MS) * width - 1e-6) - 1))
        found[place] = (found[place] or 0) + requests
    return found


def _endpoint_rows(endpoints: Sequence[Record], width: int) -> list[Text]:
    if not endpoints:
        return []
    heads = ["p50", "p95", "p99", "traffic", "errors"] if width >= REASONS_FROM else ["p95", "traffic", "errors"]
    columns = [Column("endpoint", shrinks=True), Column("kind", spare=1), Column("state"), *(Column(head, right=True) for head in heads)]
    columns += [Column("why", shrinks=True)] if width >= REASONS_FROM else []
    rows = []
    for one in endpoints:
        known = {"traffic": one["traffic"], "errors": one["errors"]}
        figures = [known.get(head) or _latency(one, head) for head in heads]
        row = [Text(clean(one["operation"])), Text(one["kind"], "dim"), flag_text(one["flag"]), *(value_text(figure) for figure in figures)]
        rows.append([*row, *([Text(_why(one))] if width >= REASONS_FROM else [])])
    return table_lines(columns, rows, width=width)


def _resource_rows(resources: Sequence[Record], width: int) -> list[Text]:
    known = [one for one in resources if one["flag"] != "NO_DATA"]
    if not known:
        return [Text("no metrics of machines came; `host.enabled` collects this one's, node_exporter's are understood", "dim")]
    columns = [Column("resource"), Column("state"), *(Column(head, right=True) for head in ("utilization", "saturation", "errors"))]
    rows = [
        [Text(clean(one["name"])), flag_text(one["flag"]), *(value_text(one[part]) for part in ("utilization", "saturation", "errors"))]
        for one in known
    ]
    return table_lines(columns, rows, width=width)


def _slowest(endpoints: Sequence[Record], width: int) -> list[Text]:
    if not endpoints:
        return []
    columns = [Column("service", shrinks=True), Column("endpoint", shrinks=True), Column("p95", right=True), Column("requests", right=True)]
    columns += [Column("failed", right=True)]
    rows = [
        [
            service_text(one["service"]),
            Text(clean(one["operation"])),
            value_text(one["p95"]),
            Text(f"{one['requests']:,}"),
            Text(f"{one['failed']:,}"),
        ]
        for one in endpoints[:LISTED]
    ]
    return table_lines(columns, rows, width=width)


def _errors(errors: Sequence[Record], width: int) -> list[Text]:
    if not errors:
        return []
    columns = [Column("count", right=True), Column("service", shrinks=True), Column("kind", shrinks=True), Column("message", shrinks=True)]
    rows = [
        [Text(f"{one['count']:,}"), service_text(one["service"]), Text(clean(_class(one["kind"], width))), Text(clean(one["message"]))]
        for one in errors[:LISTED]
    ]
    return table_lines(columns, rows, width=width)


def _class(kind: str, width: int) -> str:
    """An exception's class, without its module where there is little room."""
    return kind if width >= REASONS_FROM else kind.rpartition(".")[2] or kind


def _deployments(deployments: Sequence[Record], width: int) -> list[Text]:
    if not deployments:
        return []
    columns = [
        Column("time"),
        Column("service", shrinks=True),
        Column("version", shrinks=True),
        Column("status"),
        Column("source", spare=1),
    ]
    rows = [
        [
            Text(show_instant(one["at"], short=True)),
            service_text(one["service"]),
            *(Text(clean(one[name] or "-")) for name in ("version", "status", "source")),
        ]
        for one in deployments[:LISTED]
    ]
    return table_lines(columns, rows, width=width)


def _signals(one: Record) -> list[Record]:
    return [*one["latency"], *(found for name in ("traffic", "errors", "saturation", "burn") if (found := one[name]) is not None)]


def _latency(one: Record, percentile: str) -> Record | None:
    return next((signal for signal in one["latency"] if signal["name"] == f"latency_{percentile}"), None)


def _why(one: Record) -> str:
    """The reasons of what is flagged, the worst first; nothing when all is well."""
    order = ("BREACH", "WARN")
    flagged = sorted((signal for signal in _signals(one) if signal["flag"] in order), key=lambda signal: order.index(signal["flag"]))
    return clean("; ".join(signal["reason"] for signal in flagged))


def _head(name: str) -> Text:
    return Text(name, "bold underline")


def _section(name: str, lines: Sequence[Text]) -> list[Text]:
    return [_head(name), *lines, Text()] if lines else []


def _beside(left: Sequence[Text], right: Sequence[Text]) -> list[Text]:
    """Two blocks of lines side by side."""
    width = max(line.cell_len for line in left)
    lines = []
    for number in range(max(len(left), len(right))):
        line = left[number].copy() if number < len(left) else Text()
        if number < len(right):
            line.append(" " * (width - line.cell_len) + GAP).append_text(right[number])
        lines.append(line)
    return lines
