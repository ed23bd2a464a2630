"""
A trace as JSON, however deep it is.

pydantic and orjson both give up on trees of some 250 levels, and an agent that calls itself makes deeper ones. So nodes are written one
by one, and only their nesting is put together here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pydantic import TypeAdapter

from tocsin.model.answers import Trace, TraceNode

_EMPTY_LIST = b"[]"


def encode_trace(trace: Trace) -> bytes:
    """The trace as its dataclass would be written."""
    head = TypeAdapter(Trace).dump_json(replace(trace, roots=[]))
    before, found, after = head.partition(b'"roots":' + _EMPTY_LIST)
    assert found, "a trace has roots"
    return before + b'"roots":[' + b"".join(_encode_nodes(trace.roots)) + b"]" + after


def _encode_nodes(roots: list[TraceNode]) -> Iterator[bytes]:
    adapter = TypeAdapter(TraceNode)
    open_lists = [iter(roots)]
    first = True
    while open_lists:
        node = next(open_lists[-1], None)
        if node is None:
            open_lists.pop()
            if open_lists:
                yield b"]}"
            first = False
            continue
        if not first:
            yield b","
        yield adapter.dump_json(replace(node, children=[])).removesuffix(b"]}")
        open_lists.append(iter(node.children))
        first = True
