"""
Statistics records as metrics, by one small renderer that knows none of them.

    JournalStatistics(lanes={Signal.LOGS: LaneStatistics(acknowledged_records=3, ...)}, ...)
    tocsin_journal_acknowledged_records_total{signal="logs"} 3

A number is a metric. What it means stands beside it in the record: the `Args:` section of its docstring gives HELP, and an entry that
begins with `Gauge:` makes a gauge; everything else counts up. A mapping becomes a label: `signal` for signals, otherwise the word in
`LABELS`. A nested record lends its field name as a prefix, unless a mapping held it. Texts and None are left out, sequences are counted.

Source: Prometheus text format 0.0.4; OpenMetrics 1.0.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tocsin.model.signal import Signal

PROMETHEUS_TEXT = "text/plain; version=0.0.4"
OPENMETRICS = "application/openmetrics-text; version=1.0.0"

# Field -> label, for mappings whose keys are words.
LABELS = {"refused": "reason", "rejected_by_reason": "reason", "tables": "table", "objectives": "objective"}
# Gauges whose record does not say so in its docstring.
GAUGES = {"in_flight", "memory_bytes", "waiting"}

Labels = tuple[tuple[str, str], ...]


@dataclass(slots=True)
class Family:
    """A metric with all its samples."""

    name: str
    kind: str
    help: str
    samples: list[tuple[Labels, float]] = field(default_factory=list)


def render(statistics: Mapping[str, object], *, openmetrics: bool = False) -> str:
    """
    All records as exposition text.

    Args:
        statistics: What `statistics()` of each long-lived object returned, by its name: `journal`, `http`, ...
        openmetrics: OpenMetrics rather than Prometheus text.
    """
    lines: list[str] = []
    for family in families(statistics):
        name = family.name.removesuffix("_total") if openmetrics and family.kind == "counter" else family.name
        lines += [f"# HELP {name} {_escape_help(family.help)}", f"# TYPE {name} {family.kind}"]
        lines += [f"{family.name}{_labels(labels)} {_number(value)}" for labels, value in family.samples]
    if openmetrics:
        lines.append("# EOF")
    return "\n".join(lines) + "\n"


def families(statistics: Mapping[str, object]) -> list[Family]:
    """Every metric of the records, by name, each with its samples."""
    found: dict[str, Family] = {}
    for name, record in statistics.items():
        for item in _walk(record, f"tocsin_{name}", (), _Meaning("", False)):
            family = found.setdefault(item.name, Family(item.name, item.kind, item.help))
            family.samples.extend(item.samples)
    return [found[name] for name in sorted(found)]


@dataclass(frozen=True, slots=True)
class _Meaning:
    help: str
    gauge: bool


def _walk(value: Any, name: str, labels: Labels, meaning: _Meaning) -> Iterator[Family]:
    if isinstance(value, bool | int | float):
        name = f"{name.removesuffix('_s')}_seconds" if name.endswith("_s") else name
        total = name if meaning.gauge or name.endswith("_total") else f"{name}_total"
        yield Family(total, "gauge" if meaning.gauge else "counter", meaning.help, [(labels, float(value))])
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        meanings = meanings_of(type(value))
        for item in dataclasses.fields(value):
            inner = meanings[item.name]
            # What a report of one moment counts does not count up.
            inner = dataclasses.replace(inner, gauge=inner.gauge or meaning.gauge)
            yield from _walk(getattr(value, item.name), f"{name}_{item.name}", labels, inner)
    elif isinstance(value, Mapping):
        yield from _walk_mapping(value, name, labels, meaning)
    elif isinstance(value, tuple | list):
        yield from _walk(len(value), name, labels, meaning)


def _walk_mapping(value: Mapping[Any, Any], name: str, labels: Labels, meaning: _Meaning) -> Iterator[Family]:
    for key, item in value.items():
        label = "signal" if isinstance(key, Signal) else next((word for ending, word in LABELS.items() if name.endswith(ending)), "name")
        text = str(key.value) if isinstance(key, Signal) else str(key)
        # `lanes` says how the record is built, not what the metric is about.
        inner = name.rpartition("_")[0] if dataclasses.is_dataclass(item) and name.count("_") > 1 else name
        yield from _walk(item, inner, (*labels, (label, text)), meaning)


def meanings_of(record: type[Any]) -> dict[str, _Meaning]:
    """What each field of a statistics record means, read from its docstring."""
    text = record.__doc__ or ""
    summary = " ".join(text.strip().partition("\n\n")[0].split())
    entries: dict[str, str] = {}
    _, _, arguments = text.partition("Args:\n")
    current: list[str] = []
    for line in arguments.splitlines():
        if match := re.match(r"\s{4,8}(\w+(?:, \w+)*): (.+)", line):
            current = match[1].split(", ")
            entries.update(dict.fromkeys(current, match[2]))
        elif line.strip():
            entries.update({name: f"{entries[name]} {line.strip()}" for name in current})
    meanings = {}
    for item in dataclasses.fields(record):
        words = entries.get(item.name, f"{item.name.replace('_', ' ')}: {summary}")
        gauge = words.startswith("Gauge:") or item.name in GAUGES or "report" in record.__name__.lower()
        meanings[item.name] = _Meaning(_sentence(words.removeprefix("Gauge:").strip()), gauge)
    return meanings


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


def _labels(labels: Labels) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escape_label(text)}"' for name, text in labels) + "}"


def _escape_label(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _escape_help(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
