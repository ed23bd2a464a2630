"""A condition in one line, as lists of rules show it: PromQL as it is, others in words that resemble it."""

from __future__ import annotations

from tocsin.alert.definition import AtLeast, BurnAbove, Condition, EventsCompare, NewPattern, Promql, SignalBreach
from tocsin.query.promql.printer import format as format_promql

UNITS = (("d", 86_400), ("h", 3600), ("m", 60), ("s", 1))


def condition_text(condition: Condition) -> str:
    """
    One line.

    `BurnAbove("checkout", 14.4, 3600, 300)` is `burn_rate("checkout") > 14.4 over 1h and 5m`.
    """
    match condition:
        case Promql():
            return format_promql(condition.expression)
        case BurnAbove():
            pairs = [f"> {pair.factor:g} over {_length(pair.long_s)} and {_length(pair.short_s)}" for pair in condition.pairs]
            return f'burn_rate("{condition.objective}") {" or ".join(pairs)}'
        case EventsCompare():
            asked = f"{condition.signal}({condition.query or '*'})"
            if condition.of_predicate is not None:
                asked += f" / {condition.signal}({condition.of_query or '*'})"
            by = f" by ({', '.join(condition.by)})" if condition.by else ""
            return f"{asked}[{_length(condition.window_s)}]{by} {condition.comparison.value} {condition.threshold:g}"
        case NewPattern():
            return f"new_patterns({condition.query or '*'})[{_length(condition.window_s)}] >= {condition.count_min:g}"
        case SignalBreach():
            limit = "its limits" if condition.threshold is None else f"{condition.comparison.value} {condition.threshold:g}"
            of = condition.service or "every service"
            percentile = f" p{condition.percentile * 100:g}" if condition.signal == "latency" else ""
            return f"{condition.signal}{percentile}({of})[{_length(condition.window_s)}] {limit}"
        case AtLeast():
            parts = "; ".join(f"{name}: {condition_text(part)}" for name, part in condition.conditions)
            return f"at least {condition.count} of ({parts})"


def _length(seconds: int) -> str:
    """3600 as `1h`, 5400 as `90m`."""
    unit, size = next((unit for unit in UNITS if seconds % unit[1] == 0), ("s", 1))
    return f"{seconds // size}{unit}"
