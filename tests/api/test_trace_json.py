"""A trace as JSON."""

from __future__ import annotations

import json

import pytest
from pydantic import TypeAdapter
from tests.api.fake_desk import deep_trace, small_trace

from tocsin.api.trace_json import encode_trace
from tocsin.model.answers import Trace


@pytest.mark.parametrize("trace", [small_trace(), deep_trace(1), deep_trace(40)], ids=["small", "single", "deeper"])
def test_it_is_what_pydantic_would_write(trace: Trace) -> None:
    """Writing nodes one by one changes nothing about the result."""
    assert json.loads(encode_trace(trace)) == json.loads(TypeAdapter(Trace).dump_json(trace))


def test_depth_has_no_limit() -> None:
    """A chain of ten thousand spans, on which every recursive writer fails, is written whole."""
    text = encode_trace(deep_trace(10_000))
    assert text.count(b'"span_id"') == 10_000
    assert text.count(b"[") == text.count(b"]")
    assert text.count(b"{") == text.count(b"}")
