r"""
What Prometheus calls an OTLP metric, as SQL that the engine runs once per metric while it loads a segment.

    http.server.request.duration   s       histogram   http_server_request_duration_seconds
    system.cpu.utilization         1       gauge       system_cpu_utilization_ratio
    requests_total                 {req}   counter     requests_total
    disk.io                        By/s    gauge       disk_io_bytes_per_second

Whatever is no letter, digit or colon parts words, words are joined by one underscore, a name that starts with a digit gets an underscore in
front. The unit follows in words unless the name has them already, then `total` for counters (only there, at the end) and `ratio` for
gauges of unit 1.

How labels are named stands in the view `series_from_points`, which sees them.

Source: OpenTelemetry specification, Prometheus and OpenMetrics compatibility; Prometheus, translation strategy UnderscoreEscapingWithSuffixes.
"""

from __future__ import annotations

from collections.abc import Mapping

from tocsin.store.sql import quote_string

UNITS = {
    "d": "days", "h": "hours", "min": "minutes", "s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds",
    "By": "bytes", "KiBy": "kibibytes", "MiBy": "mebibytes", "GiBy": "gibibytes", "TiBy": "tibibytes",
    "KBy": "kilobytes", "kBy": "kilobytes", "MBy": "megabytes", "GBy": "gigabytes", "TBy": "terabytes",
    "m": "meters", "V": "volts", "A": "amperes", "J": "joules", "W": "watts", "g": "grams",
    "Cel": "celsius", "Hz": "hertz", "%": "percent", "1": "",
}  # fmt: skip
PER_UNITS = {"s": "second", "min": "minute", "m": "minute", "h": "hour", "d": "day", "w": "week", "mo": "month", "y": "year"}


def unit_words(unit: str) -> str:
    """SQL of the expression `unit` in Prometheus' words: 'bytes_per_second' for 'By/s', '' for '1', '{request}' and ''."""
    return f"arrayStringConcat(arrayFilter(w -> w != '', [{_counted(unit)}, {_per(unit)}]), '_')"


def metric_name(name: str, unit: str, *, counter: str, gauge: str) -> str:
    """
    SQL of a metric's name in Prometheus.

    Args:
        name: Expression of OTLP's name.
        unit: Expression of OTLP's unit.
        counter: Condition: it is a monotonic sum.
        gauge: Condition: it is a gauge.
    """
    plain = f"trim(BOTH '_' FROM replaceRegexpAll({name}, '[^a-zA-Z0-9:]+', '_'))"
    # Underscores all around, so that a word is found by its ends; those between two words that go are shared.
    without_total = f"trim(BOTH '_' FROM replaceRegexpAll(concat('_', {plain}, '_'), '_total(?:_total)*_', '_'))"
    words = f"[if({counter}, {without_total}, {plain}), {_counted(unit)}, {_per(unit)}, multiIf({counter}, 'total', {gauge} AND {unit} = '1', 'ratio', '')]"
    added = "arrayFilter((w, i) -> w != '' AND (i = 1 OR position(concat('_', ws[1], '_'), concat('_', w, '_')) = 0), ws, [1, 2, 3, 4])"
    joined = f"arrayStringConcat(arrayFirst(ws -> 1, arrayMap(ws -> {added}, [{words}])), '_')"
    return f"replaceRegexpOne({joined}, '^([0-9]|$)', '_\\\\1')"


def job(resource: str) -> str:
    """SQL of the label `job`: namespace and name of the service in the expression `resource`, canonical JSON; '' without a name."""
    name, namespace = (f"JSONExtractString({resource}, 'service.{part}')" for part in ("name", "namespace"))
    return f"multiIf({name} = '' OR {namespace} = '', {name}, concat({namespace}, '/', {name}))"


def instance(resource: str) -> str:
    """SQL of the label `instance`; '' where the resource does not say which one it is."""
    return f"JSONExtractString({resource}, 'service.instance.id')"


def _counted(unit: str) -> str:
    """What is counted: the part in front of a slash."""
    return _word(f"trim(BOTH ' ' FROM splitByChar('/', {unit})[1])", UNITS)


def _per(unit: str) -> str:
    """By what it is divided, with 'per_' in front."""
    per = _word(f"trim(BOTH ' ' FROM substring({unit}, position({unit}, '/') + 1))", PER_UNITS)
    return f"if(position({unit}, '/') = 0 OR {per} = '', '', concat('per_', {per}))"


def _word(unit: str, words: Mapping[str, str]) -> str:
    """An annotation in braces is no unit; a unit that is not in the list stands for itself."""
    known = f"transform({unit}, [{', '.join(map(quote_string, words))}], [{', '.join(map(quote_string, words.values()))}], {unit})"
    return f"if(match({unit}, '[{{}}]'), '', trim(BOTH '_' FROM replaceRegexpAll({known}, '[^a-zA-Z0-9]+', '_')))"
