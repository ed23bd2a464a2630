"""
`/prometheus/federate`: the newest sample of every series that matches, as text, for another Prometheus to scrape.

Native histograms have no form in the text format and are left out, as Prometheus leaves them out of it.
Source: Prometheus documentation, 'Federation' and 'Exposition formats'.
"""

from __future__ import annotations

from collections.abc import Iterable

from tocsin.api.context import Context
from tocsin.api.prometheus.parameters import Parameters
from tocsin.api.prometheus.render import number
from tocsin.model.labels import METRIC_NAME, Labels

TEXT = "text/plain; version=0.0.4; charset=utf-8"


def federate(context: Context, parameters: Parameters) -> bytes:
    """The text; series of one metric together, each family under its type."""
    now_ms = context.clock.now_ns() // 1_000_000
    newest: dict[Labels, tuple[float, int]] = {}
    for matchers in parameters.selectors(required=True):
        newest.update(context.desk.metrics.newest(matchers, now_ms))
    return b"".join(_lines(sorted(newest.items(), key=lambda item: (item[0].metric, item[0]))))


def _lines(found: Iterable[tuple[Labels, tuple[float, int]]]) -> Iterable[bytes]:
    family = ""
    for labels, (value, time_ms) in found:
        if labels.metric != family:
            family = labels.metric
            yield b"# TYPE " + _name(family) + b" untyped\n"
        yield _series(labels) + b" " + number(value) + b" " + str(time_ms).encode() + b"\n"


def _series(labels: Labels) -> bytes:
    pairs = [_name(name) + b'="' + _escaped(value) + b'"' for name, value in labels.pairs if name != METRIC_NAME]
    metric = _name(labels.metric)
    if metric.startswith(b'"'):
        return b"{" + b",".join([metric, *pairs]) + b"}"
    return metric + (b"{" + b",".join(pairs) + b"}" if pairs else b"")


def _name(name: str) -> bytes:
    """A name; in quotes when it is none of the old kind."""
    plain = name.replace("_", "a").replace(":", "a")
    return name.encode() if plain.isascii() and plain.isalnum() and not plain[0].isdigit() else b'"' + _escaped(name) + b'"'


def _escaped(text: str) -> bytes:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").encode()
