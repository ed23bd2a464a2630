"""Traces drawn with letters."""

from __future__ import annotations

import json
from typing import Any

import pytest
from rich.cells import cell_len
from tests.api.fake_desk import deep_trace, small_trace

from tocsin.api.trace_json import encode_trace
from tocsin.cli.waterfall import waterfall

WIDTH = 100


@pytest.fixture
def trace() -> dict[str, Any]:
    """Gateway -> orders -> payments, 25 ms, as the API writes it."""
    document: dict[str, Any] = json.loads(encode_trace(small_trace()))
    return document


def _bars(trace: dict[str, Any]) -> list[str]:
    lines = [line.plain for line in waterfall(trace, width=WIDTH)]
    return [line[43:89] for line in lines[3:-1]]


def test_bars_stand_where_the_spans_were(trace: dict[str, Any]) -> None:
    """A bar begins and ends in proportion; own time is solid, time of children is light."""
    gateway, orders, payments = _bars(trace)
    assert set(payments.strip()) == {"█"}
    assert gateway.startswith("█")
    assert gateway.rstrip().startswith("█")
    assert "░" in gateway
    assert "░" in orders
    assert len(gateway.rstrip()) - gateway.index("█") > len(orders.strip()) > len(payments.strip())
    assert gateway.index("█") < orders.index("█") < payments.index("█")


def test_marks_say_what_matters(trace: dict[str, Any]) -> None:
    """◆ for the critical path, ✗ for failures, ? for spans whose parent never came."""
    trace["critical_path"] = trace["critical_path"][:2]
    trace["roots"][0]["orphan"] = True
    lines = [line.plain for line in waterfall(trace, width=WIDTH)]
    assert [line[:2] for line in lines[3:6]] == ["◆?", "◆ ", " ✗"]


def test_every_width_holds(trace: dict[str, Any]) -> None:
    """However narrow the terminal, a line is no wider than it has to be, and nothing fails."""
    for width in (1, 30, 60, 100, 300):
        for line in waterfall(trace, width=width)[3:5]:
            assert cell_len(line.plain) <= max(width, 16 + 10 + 12)


def test_a_trace_without_length_is_drawn() -> None:
    """A single instant is a bar of one cell."""
    document = json.loads(encode_trace(deep_trace(1)))
    document["duration_ns"] = document["roots"][0]["span"]["duration_ns"] = 0
    document["roots"][0]["span"]["service"] = "日本 \x1b[2J"
    bar = waterfall(document, width=WIDTH)[2]
    assert "█" in bar.plain
    assert "\x1b" not in bar.plain


def test_long_chains_keep_their_names() -> None:
    """At depth 100 the name is still there."""
    lines = waterfall(json.loads(encode_trace(deep_trace(100))), width=WIDTH)
    assert "agent" in lines[-2].plain
