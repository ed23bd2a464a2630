"""Metrics on their way to Prometheus text: what the collectors of host and process metrics yield."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

NO_LABELS: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Family:
    """
    A metric with its samples.

    Args:
        name: As it is exposed.
        type: counter, gauge or untyped.
        help: What it is, in one line.
        samples: Labels with values; a family without any is left out.
    """

    name: str
    type: str
    help: str
    samples: list[tuple[Mapping[str, str], float]]


def counter(name: str, help_text: str, *samples: tuple[Mapping[str, str], float]) -> Family:
    """A family of counters."""
    return Family(name, "counter", help_text, list(samples))


def gauge(name: str, help_text: str, *samples: tuple[Mapping[str, str], float]) -> Family:
    """A family of gauges."""
    return Family(name, "gauge", help_text, list(samples))


def single(name: str, type_: str, help_text: str, value: float) -> Family:
    """A family of one sample without labels."""
    return Family(name, type_, help_text, [(NO_LABELS, value)])


def render(families: Iterable[Family]) -> bytes:
    """Prometheus text 0.0.4."""
    lines: list[str] = []
    for family in families:
        if not family.samples:
            continue
        lines += [f"# HELP {family.name} {_escaped(family.help)}", f"# TYPE {family.name} {family.type}"]
        lines += [f"{family.name}{_labels(labels)} {_number(value)}" for labels, value in family.samples]
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "backslashreplace")


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value, quoted=True)}"' for name, value in labels.items()) + "}"


def _escaped(text: str, *, quoted: bool = False) -> str:
    text = text.replace("\\", "\\\\").replace("\n", "\\n")
    return text.replace('"', '\\"') if quoted else text


def _number(value: float) -> str:
    if math.isnan(value) or math.isinf(value):
        return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if float(value).is_integer() and abs(value) < 2**53 else repr(float(value))
