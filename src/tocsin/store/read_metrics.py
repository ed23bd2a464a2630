"""
Statements that read metrics: which series match, their labels, their samples from fresh rows and chunks, their histograms and exemplars.

Samples lie in three tables, and the fold moves them from the first over the second into the third. Whoever reads them asks in that order,
one statement after the other, and so misses nothing; what it then has twice, it drops (see `tocsin.store.fold`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tocsin.model.labels import METRIC_NAME
from tocsin.model.series import Matcher, MatchOperator
from tocsin.store.chunks import CHUNK_WINDOW_MS
from tocsin.store.sql import ParameterNames, Sql

ROW_TABLES = ("samples", "samples_folding")  # in this order, see above
DAY_MS = 86_400_000
ID_MAX = 2**64 - 1
TIME_MIN_MS, TIME_MAX_MS = 0, 9_000_000_000_000  # what the engine's times hold, with room at both ends
DAY_MAX = 65_535  # the last day that the engine's Date holds


@dataclass(frozen=True, slots=True)
class Span:
    """Instants from `start_ms` to `end_ms`, both included, milliseconds since 1970."""

    start_ms: int
    end_ms: int

    def within_reach(self) -> Span:
        """The part of it that the engine can hold."""
        return Span(min(max(self.start_ms, TIME_MIN_MS), TIME_MAX_MS), min(max(self.end_ms, TIME_MIN_MS - 1), TIME_MAX_MS))


@dataclass(frozen=True, slots=True)
class Chosen:
    """
    Series whose samples are wanted: by their ids, or where the list would be long by what matches them.

    Args:
        ids: The ids themselves; None when the rest says it.
        matching: A condition on `series_id`; None where most series of the range are wanted, so that asking costs more than it saves.
        lowest: No id is smaller.
        highest: No id is greater.
    """

    ids: Sequence[int] | None = None
    matching: Sql | None = None
    lowest: int = 0
    highest: int = ID_MAX

    def conditions(self, names: ParameterNames) -> list[Sql]:
        """The conditions that a row is of one of them; rows of others may pass."""
        if self.ids is not None:
            return [Sql("series_id IN ") + names.bind("Array(UInt64)", list(self.ids))]
        conditions = [] if self.matching is None else [self.matching]
        if (self.lowest, self.highest) != (0, ID_MAX):
            low, high = names.bind("UInt64", self.lowest), names.bind("UInt64", self.highest)
            conditions.append(Sql("series_id BETWEEN ") + low + Sql(" AND ") + high)
        return conditions


def condition_of(matcher: Matcher, names: ParameterNames) -> Sql:
    """A matcher as a condition on `series`. A label that is missing is empty, as the engine's maps have it."""
    column = Sql("metric") if matcher.name == METRIC_NAME else Sql("labels[") + names.bind("String", matcher.name) + Sql("]")
    match matcher.operator:
        case MatchOperator.EQUAL:
            return column + Sql(" = ") + names.bind("String", matcher.value)
        case MatchOperator.NOT_EQUAL:
            return column + Sql(" != ") + names.bind("String", matcher.value)
        case MatchOperator.REGEX | MatchOperator.NOT_REGEX:
            negation = "" if matcher.operator is MatchOperator.REGEX else "NOT "
            return Sql(f"{negation}match(") + column + Sql(", ") + names.bind("String", f"^(?s:{matcher.value})$") + Sql(")")


def days_of(span: Span) -> tuple[int, int]:
    """The first and the last day (UTC, counted from 1970) that a range touches, as far as the engine's Date reaches."""
    first, last = (min(max(at // DAY_MS, 0), DAY_MAX) for at in (span.start_ms, span.end_ms))
    return first, last


def matching(matcher_sets: Sequence[Sequence[Matcher]], span: Span, names: ParameterNames) -> Sql:
    """The condition on `series` that one of the sets of matchers holds, on a day that overlaps the range."""
    days = days_of(span)
    day = Sql("day BETWEEN toDate(toUInt16(") + names.bind("Int64", days[0]) + Sql(")) AND toDate(toUInt16(") + names.bind("Int64", days[1])
    day += Sql("))")
    if span.end_ms < span.start_ms:
        day = Sql("0")
    sets = [Sql.join(" AND ", [condition_of(matcher, names) for matcher in matchers]) for matchers in matcher_sets if matchers]
    if not sets or any(not matchers for matchers in matcher_sets):
        return day
    return day + Sql(" AND ((") + Sql.join(") OR (", sets) + Sql("))")


def id_matches(matcher_sets: Sequence[Sequence[Matcher]], span: Span, names: ParameterNames) -> Sql:
    """The condition on `series_id` that the series matches."""
    return Sql("series_id IN (SELECT series_id FROM series WHERE ") + matching(matcher_sets, span, names) + Sql(")")


def series_ids(matchers: Sequence[Matcher], span: Span, *, limit: int) -> Sql:
    """Ids of matching series (RowBinary: UInt64), in any order, at most `limit`."""
    names = ParameterNames()
    statement = Sql("SELECT DISTINCT series_id FROM series WHERE ") + matching([matchers], span, names)
    return statement + Sql(" LIMIT ") + names.bind("UInt64", limit)


def series_labels(chosen: Chosen, span: Span) -> Sql:
    """Of series: id, metric, labels, delta, one row each (JSONCompactEachRow)."""
    names = ParameterNames("l")
    where = _all([*chosen.conditions(names), matching([], span, names)])
    return Sql("SELECT series_id, metric, labels, delta FROM series WHERE ") + where + Sql(" LIMIT 1 BY series_id")


def rows(table: str, chosen: Chosen, span: Span) -> Sql:
    """
    Series, time (Int64, milliseconds) and value of samples in a table of rows, in runs by series and time (Native).

    With names of these lengths the heads of blocks and columns are multiples of eight bytes, so that all columns of a block lie alike.
    Left alone, the engine looks up every id before it compares a time, and takes a tenth longer.
    """
    names = ParameterNames("r")
    statement = Sql(f"SELECT series_id AS id__, ts AS at, value AS value__ FROM {table} PREWHERE ") + _within(span, names)
    conditions = chosen.conditions(names)
    return statement + Sql(" WHERE ") + _all(conditions) if conditions else statement


def rows_settled(chosen: Chosen, span: Span) -> Sql:
    """The same of both tables of rows, of samples with the same time the one received last; slower, for where two differ."""
    names = ParameterNames("r")
    where = _all([_within(span, names), *chosen.conditions(names)])
    return (
        Sql("SELECT series_id, ts, argMax(value, (received, segment)) FROM (")
        + Sql.join(
            " UNION ALL ",
            [Sql(f"SELECT series_id, ts, value, received, segment FROM {table} WHERE ") + where for table in ROW_TABLES],
        )
        + Sql(") GROUP BY series_id, ts ORDER BY series_id, ts")
    )


def row_counts(table: str, chosen: Chosen, span: Span) -> Sql:
    """How many samples a table of rows has of each series: id, count (RowBinary: UInt64, UInt64)."""
    names = ParameterNames("c")
    where = _all([_within(span, names), *chosen.conditions(names)])
    return Sql(f"SELECT series_id, count() FROM {table} WHERE ") + where + Sql(" GROUP BY series_id")


def chunk_rows(chosen: Chosen, span: Span) -> Sql:
    """Chunks that have to do with the range (RowBinary, see `tocsin.store.chunk_rows`)."""
    names = ParameterNames("k")
    where = _all([_chunks_within(span, names), *chosen.conditions(names)])
    return Sql("SELECT series_id, start, stop, count, received, data FROM chunks WHERE ") + where


def chunk_counts(chosen: Chosen, span: Span) -> Sql:
    """About how many samples chunks have in the range of each series: id, count (RowBinary: UInt64, UInt64); ends in proportion to time."""
    names = ParameterNames("k")
    begin, end = (names.bind("Int64", at) for at in (span.start_ms, span.end_ms))
    length = Sql("(least(toUnixTimestamp64Milli(stop), ") + end + Sql(") - greatest(toUnixTimestamp64Milli(start), ") + begin
    share = length + Sql(") + 1) / (toUnixTimestamp64Milli(stop) - toUnixTimestamp64Milli(start) + 1)")
    where = _all([_chunks_within(span, names), *chosen.conditions(names)])
    return Sql("SELECT series_id, toUInt64(ceil(sum(count * ") + share + Sql("))) FROM chunks WHERE ") + where + Sql(" GROUP BY series_id")


def histogram_points(chosen: Chosen, span: Span) -> Sql:
    """Native histograms by series and time (RowBinary); of equal times the last received comes last."""
    names = ParameterNames("h")
    where = _all([_within(span, names), *chosen.conditions(names)])
    return (
        Sql(
            "SELECT series_id, ts, scale, count, sum, zero_threshold, zero_count, positive_offset, negative_offset, reset_hint, "
            "positive_counts, negative_counts, custom_values FROM histograms WHERE "
        )
        + where
        + Sql(" ORDER BY series_id, ts, received, segment")
    )


def histogram_counts(chosen: Chosen, span: Span) -> Sql:
    """How many histograms each series has: id, count (RowBinary: UInt64, UInt64)."""
    return row_counts("histograms", chosen, span)


def table_rows(table: str) -> Sql:
    """How many rows a table has, which the engine knows without reading them (RowBinary: UInt64)."""
    return Sql(f"SELECT count() FROM {table}")


def histograms_within(span: Span) -> Sql:
    """How many native histograms there are in the range (RowBinary: UInt64)."""
    return table_rows("histograms") + Sql(" WHERE ") + _within(span, ParameterNames("o"))


def parts_of(tables: Sequence[str]) -> Sql:
    """The parts of tables: table, name, rows. A part never changes, and no two have the same name."""
    names = ParameterNames("t")
    return Sql(
        "SELECT table, name, rows FROM system.parts WHERE active AND rows > 0 AND database = currentDatabase() AND table IN "
    ) + names.bind("Array(String)", list(tables))


def chunk_ends(windows: range) -> Sql:
    """Where the last chunk of any series ends in each of some windows that has any: window, milliseconds since 1970."""
    names = ParameterNames("w")
    within = Sql("two_hours BETWEEN ") + names.bind("UInt32", windows.start) + Sql(" AND ") + names.bind("UInt32", windows.stop - 1)
    return Sql("SELECT two_hours, toUnixTimestamp64Milli(max(stop)) FROM chunks WHERE ") + within + Sql(" GROUP BY two_hours")


def anything(table: str) -> Sql:
    """A row if a table has any."""
    return Sql(f"SELECT 1 FROM {table} LIMIT 1")


def instant_ms(at: int, names: ParameterNames) -> Sql:
    """An instant as the engine's DateTime64(3)."""
    return Sql("fromUnixTimestamp64Milli(") + names.bind("Int64", at) + Sql(", 'UTC')")


def _all(conditions: Sequence[Sql]) -> Sql:
    return Sql.join(" AND ", conditions)


def windows_of(span: Span) -> range:
    """The windows of chunks that a range touches; no chunk reaches from one into the next."""
    return range(max(span.start_ms, 0) // CHUNK_WINDOW_MS, max(span.end_ms, 0) // CHUNK_WINDOW_MS + 1)


def _chunks_within(span: Span, names: ParameterNames) -> Sql:
    """By the key of the table, by what its partitions are made of, and then exactly."""
    windows = windows_of(span)
    key = Sql("two_hours BETWEEN ") + names.bind("UInt32", windows.start) + Sql(" AND ") + names.bind("UInt32", windows.stop - 1)
    begins = (
        Sql(" AND start >= ") + instant_ms(windows.start * CHUNK_WINDOW_MS, names) + Sql(" AND start <= ") + instant_ms(span.end_ms, names)
    )
    return key + begins + Sql(" AND stop >= ") + instant_ms(span.start_ms, names)


def _within(span: Span, names: ParameterNames) -> Sql:
    return Sql("ts >= ") + instant_ms(span.start_ms, names) + Sql(" AND ts <= ") + instant_ms(span.end_ms, names)
