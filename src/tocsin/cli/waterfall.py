"""
A trace drawn with letters.

    0.0 ms                 12.5 ms                25.0 ms
    ◆ gateway POST /orders       ██░░░░░░░░░░░░░░░░░██   25.0 ms
    ◆   orders POST /orders        ██░░░░░░░░░░░░██      20.1 ms
    ◆✗    payments charge             ████████████       15.3 ms

█ is time that a span spends itself, ░ time that its children cover; ◆ stands on the critical path, ✗ where it failed, ? where the
parent was never received.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from tocsin.cli.terminal import clean, service_colour, show_duration_ns, show_instant
from tocsin.model.instant import parse_instant

SELF, COVERED, CRITICAL, FAILED, ORPHAN = "█", "░", "◆", "✗", "?"
DURATION_WIDTH = 10
NAME_SHARE = 0.42  # of the line
NAME_WIDTH_MIN = 16
BAR_WIDTH_MIN = 10
INDENT = 2

Interval = tuple[int, int]


def waterfall(trace: dict[str, Any], *, width: int) -> list[Text]:
    """
    The trace as lines.

    Args:
        trace: As the API writes it.
        width: Cells of a line.
    """
    start, duration_ns = parse_instant(trace["start"]), max(1, trace["duration_ns"])
    name_width = max(NAME_WIDTH_MIN, round(width * NAME_SHARE))
    bar_width = max(BAR_WIDTH_MIN, width - name_width - DURATION_WIDTH - 2)
    scale = _Scale(start, duration_ns, bar_width)
    critical = set(trace["critical_path"])
    lines = [*_head(trace), scale.ruler(name_width)]
    lines += [_line(node, depth, scale, name_width, critical) for node, depth in _walk(trace["roots"])]
    lines.append(Text(f"{SELF} own time  {COVERED} waiting for children  {CRITICAL} critical path  {FAILED} failed", "dim"))
    return lines


class _Scale:
    """Where an instant stands on the line."""

    def __init__(self, start: int, duration_ns: int, width: int) -> None:
        self.start = start
        self.duration_ns = duration_ns
        self.width = width

    def column(self, instant: int) -> int:
        return min(self.width, max(0, (instant - self.start) * self.width // self.duration_ns))

    def bar(self, span: Interval, covered: list[Interval]) -> str:
        first = min(self.width - 1, self.column(span[0]))
        last = max(first + 1, self.column(span[1]))
        cells = [SELF] * (last - first)
        for begin, end in covered:
            # Only cells that children cover wholly: a sliver of own time stays visible.
            low, high = -(-(begin - self.start) * self.width // self.duration_ns), self.column(end)
            for index in range(max(first, low), min(last, high)):
                cells[index - first] = COVERED
        return " " * first + "".join(cells) + " " * (self.width - last)

    def ruler(self, offset: int) -> Text:
        marks = [show_duration_ns(self.duration_ns * part // 2) for part in range(3)]
        gap = max(2, self.width - sum(map(len, marks)))
        return Text(" " * (offset + 1) + marks[0] + " " * (gap // 2) + marks[1] + " " * (gap - gap // 2) + marks[2], "dim")


def _head(trace: dict[str, Any]) -> list[Text]:
    errors = f", {trace['errors']} failed" if trace["errors"] else ""
    line = Text.assemble(
        ("trace ", "dim"),
        (clean(trace["trace_id"]), "bold"),
        f"  {show_instant(trace['start'])}  {show_duration_ns(trace['duration_ns'])}  {trace['spans']} spans",
        (errors, "red"),
        f", {len(trace['services'])} services",
    )
    lines = [line]
    if trace["bottleneck"]:
        lines.append(Text.assemble(("bottleneck: ", "bold yellow"), clean(trace["bottleneck"]["sentence"])))
    return lines


def _walk(roots: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], int]]:
    stack = [(node, 0) for node in reversed(roots)]
    while stack:
        node, depth = stack.pop()
        yield node, depth
        stack.extend((child, depth + 1) for child in reversed(node["children"]))


def _line(node: dict[str, Any], depth: int, scale: _Scale, name_width: int, critical: set[str]) -> Text:
    span = node["span"]
    failed, on_path = span["status"] == "error", span["span_id"] in critical
    marks = (CRITICAL if on_path else " ") + (FAILED if failed else ORPHAN if node["orphan"] else " ")
    service, name = clean(span["service"]), clean(span["name"])
    colour = service_colour(span["service"])
    # A chain of a hundred calls would push every name out of sight.
    indent = " " * min(INDENT * depth, name_width // 2)
    label = Text.assemble((marks, "red" if failed else "bold"), " ", indent, (service, colour), " ", (name, "bold" if on_path else ""))
    label.truncate(name_width, overflow="ellipsis")
    label.append(" " * max(0, name_width - cell_len(label.plain)))
    bar = scale.bar(_interval(span), [_interval(child["span"]) for child in node["children"]])
    line = Text.assemble(
        label, " ", (bar, "red" if failed else colour), " ", set_cell_size(show_duration_ns(span["duration_ns"]), DURATION_WIDTH)
    )
    if failed and span["status_message"]:
        line.append(clean(span["status_message"]), "red")
    return line


def _interval(span: dict[str, Any]) -> Interval:
    start = parse_instant(span["start"])
    return start, start + span["duration_ns"]
