"""
Statements about series themselves, answered by `series` or `exemplars`: names, labels, what a metric says of itself, what costs most.

`matcher_sets` are alternatives; none means all series. A series is in a range of time when it was seen on one of its days (UTC).
"""

from __future__ import annotations

from collections.abc import Sequence

from tocsin.model.labels import METRIC_NAME
from tocsin.model.series import Matcher
from tocsin.store.read_metrics import Span, instant_ms, matching
from tocsin.store.sql import ParameterNames, Sql

MatcherSets = Sequence[Sequence[Matcher]]

# The name of its family: a histogram's series carry suffixes that its TYPE line does not.
FAMILY = (
    "multiIf(type = 'histogram', replaceRegexpOne(metric, '_(bucket|sum|count)$', ''), "
    "type = 'gaugehistogram', replaceRegexpOne(metric, '_(bucket|gsum|gcount)$', ''), "
    "type = 'summary', replaceRegexpOne(metric, '_(sum|count)$', ''), toString(metric))"
)
PAIRS = "arrayConcat([(toString('__name__'), toString(metric))], arrayMap((k, v) -> (toString(k), v), mapKeys(labels), mapValues(labels)))"
NEWEST = "(SELECT metric, series_id, labels FROM series WHERE day >= (SELECT max(day) FROM series) LIMIT 1 BY series_id)"


def label_sets(matcher_sets: MatcherSets, span: Span, *, limit: int) -> Sql:
    """Metric and labels of series; rows may agree."""
    names = ParameterNames()
    statement = Sql("SELECT metric, labels FROM series WHERE ") + matching(matcher_sets, span, names)
    return statement + Sql(" ORDER BY metric, series_id LIMIT 1 BY metric, series_id") + _limit(limit, names)


def label_names(matcher_sets: MatcherSets, span: Span, *, limit: int) -> Sql:
    """Names of labels, sorted."""
    names = ParameterNames()
    keys = "arrayMap(k -> toString(k), if(metric = '', mapKeys(labels), arrayPushBack(mapKeys(labels), '__name__')))"
    statement = Sql(f"SELECT DISTINCT arrayJoin({keys}) AS key FROM series WHERE ") + matching(matcher_sets, span, names)
    return statement + Sql(" ORDER BY key") + _limit(limit, names)


def label_values(name: str, matcher_sets: MatcherSets, span: Span, *, limit: int) -> Sql:
    """Values of a label, sorted."""
    names = ParameterNames()
    column = Sql("toString(metric)") if name == METRIC_NAME else Sql("labels[") + names.bind("String", name) + Sql("]")
    statement = Sql("SELECT DISTINCT ") + column + Sql(" AS found FROM series WHERE ") + matching(matcher_sets, span, names)
    return statement + Sql(" AND found != '' ORDER BY found") + _limit(limit, names)


def metadata(metric: str | None, *, limit: int) -> Sql:
    """Family, type, help, unit: of families in the order of their names, at most `limit` of them."""
    names = ParameterNames()
    known = Sql("type != ''")
    if metric is not None:
        known += Sql(" AND family = ") + names.bind("String", metric)
    families = f"SELECT {FAMILY} AS family, type, help, unit, max(received) AS newest FROM series"
    statement = Sql(f"SELECT family, type, help, unit FROM ({families} WHERE ") + known + Sql(" GROUP BY family, type, help, unit)")
    statement += Sql(" ORDER BY family, newest DESC, type, help, unit")
    if limit:
        statement = Sql("SELECT * FROM (SELECT *, dense_rank() OVER (ORDER BY family) AS place FROM (") + statement + Sql("))")
        statement += Sql(" WHERE place <= ") + names.bind("UInt32", limit)
    return statement


def exemplars(matcher_sets: MatcherSets, span: Span, *, limit: int) -> Sql:
    """Series, time (milliseconds), value, trace, span (hexadecimal, empty without one), further labels: the newest `limit`."""
    names = ParameterNames()
    time = Sql("ts >= ") + instant_ms(span.start_ms, names) + Sql(" AND ts <= ") + instant_ms(span.end_ms, names)
    series = Sql(" AND series_id IN (SELECT series_id FROM series WHERE ") + matching(matcher_sets, span, names) + Sql(")")
    traces = ", ".join(
        f"if({name} = toFixedString('', {size}), '', lower(hex({name})))" for name, size in (("trace_id", 16), ("span_id", 8))
    )
    return (
        Sql(f"SELECT series_id, toUnixTimestamp64Milli(ts), value, {traces}, attributes FROM exemplars WHERE ")
        + time
        + series
        + Sql(" ORDER BY ts DESC, series_id LIMIT ")
        + names.bind("UInt32", limit)
    )


def totals() -> Sql:
    """One row: series, pairs of label and value (of the newest day); chunks, and the oldest and the newest sample (milliseconds)."""
    times = (
        "SELECT min(first) AS oldest, max(last) AS newest FROM (SELECT toUnixTimestamp64Milli(min(ts)) AS first, "
        "toUnixTimestamp64Milli(max(ts)) AS last FROM samples HAVING count() > 0 UNION ALL SELECT toUnixTimestamp64Milli(min(start)), "
        "toUnixTimestamp64Milli(max(stop)) FROM chunks HAVING count() > 0)"
    )
    return Sql(
        f"SELECT (SELECT count() FROM {NEWEST}), (SELECT uniqExact(pair) FROM {NEWEST} ARRAY JOIN {PAIRS} AS pair), "
        f"(SELECT count() FROM chunks), oldest, newest FROM ({times})"
    )


def series_by_metric(limit: int) -> Sql:
    """Metrics with the most series of the newest day."""
    return _most(f"SELECT toString(metric) AS name, count() AS value FROM {NEWEST} GROUP BY name", limit)


def values_by_label(limit: int) -> Sql:
    """Labels with the most values."""
    return _most(f"SELECT pair.1 AS name, uniqExact(pair.2) AS value FROM {NEWEST} ARRAY JOIN {PAIRS} AS pair GROUP BY name", limit)


def bytes_by_label(limit: int) -> Sql:
    """Labels whose values take the most bytes, once per series."""
    return _most(f"SELECT pair.1 AS name, sum(length(pair.2)) AS value FROM {NEWEST} ARRAY JOIN {PAIRS} AS pair GROUP BY name", limit)


def series_by_pair(limit: int) -> Sql:
    """Pairs `name=value` that the most series have."""
    pairs = f"SELECT concat(pair.1, '=', pair.2) AS name, count() AS value FROM {NEWEST} ARRAY JOIN {PAIRS} AS pair GROUP BY name"
    return _most(pairs, limit)


def _most(counted: str, limit: int) -> Sql:
    names = ParameterNames()
    return Sql(f"SELECT name, value FROM ({counted}) ORDER BY value DESC, name LIMIT ") + names.bind("UInt32", limit)


def _limit(limit: int, names: ParameterNames) -> Sql:
    """`LIMIT n`, nothing for 0."""
    return Sql(" LIMIT ") + names.bind("UInt64", limit) if limit else Sql("")
