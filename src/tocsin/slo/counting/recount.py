"""
Minutes counted again, whole, from what is stored: rows for the table of counts.

What a minute's rows are depends on nothing but the raw telemetry, so counting twice, or after a crash, changes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tocsin.slo.counting.plans import Plan, Stream
from tocsin.slo.counting.series_counts import SeriesQueries, count_series
from tocsin.slo.definition import EventFreshness, EventRate
from tocsin.slo.minutes import MINUTE_S, MinuteRange
from tocsin.store.count_events import CountedEvents, Minutes, count_events, last_events, table_of, without_service
from tocsin.store.engine import Engine
from tocsin.store.raw_drops import RawDrops
from tocsin.store.slo_minutes import MinuteRows

NANOSECONDS = 1_000_000_000
JOINED_GAP_S = 300  # ranges so close are read as one: the rows between them lie in the same granules
RATE_SLACK = 1e-9
QUESTIONS_TOGETHER = 8
LAYERS_OF_DROPS = 2  # from this layer on something was dropped before

GroupKey: TypeAlias = "tuple[str, frozenset[str] | None]"  # a signal, and whose events; None for anybody's


def ranges_of(minutes: Iterable[int], *, gap_s: int = JOINED_GAP_S) -> list[Minutes]:
    """Ranges that hold all of the minutes (seconds since 1970), and those in gaps of at most `gap_s` between them."""
    ranges: list[Minutes] = []
    for minute in sorted(set(minutes)):
        if ranges and minute - ranges[-1].end_s <= gap_s:
            ranges[-1] = Minutes(ranges[-1].start_s, minute + MINUTE_S)
        else:
            ranges.append(Minutes(minute, minute + MINUTE_S))
    return ranges


def pieces_of(ranges: Iterable[Minutes], piece_s: int) -> list[list[Minutes]]:
    """The ranges cut and put together so that each list covers at most `piece_s` seconds."""
    pieces: list[list[Minutes]] = []
    room_s = 0
    for each in ranges:
        start_s = each.start_s
        while start_s < each.end_s:
            if room_s <= 0:
                pieces.append([])
                room_s = piece_s
            end_s = min(each.end_s, start_s + room_s)
            pieces[-1].append(Minutes(start_s, end_s))
            room_s -= end_s - start_s
            start_s = end_s
    return pieces


def recount(engine: Engine, counted: Sequence[tuple[Plan, Stream]], ranges: Sequence[Minutes], drops: RawDrops) -> list[MinuteRows]:
    """
    Count events of several objectives again, in one walk over the rows.

    Args:
        engine: Where the rows are.
        counted: What to count; all of one signal, and of named services or all of anybody's.
        ranges: Disjoint, in order; every minute of them is counted.
        drops: What retention dropped.

    Returns:
        A row for each minute: of observations only where nothing was dropped.
    """
    stream = counted[0][1]
    asked = [(each.events, each.services) for _, each in counted]
    minutes, counts = count_events(engine, table_of(stream.signal), asked, ranges=ranges)
    layers = drops.layers(stream.table, minutes)
    rows = []
    for place, (plan, each) in enumerate(counted):
        found = counts[:, place] * np.array(each.keeps)
        if isinstance(plan.objective.indicator, EventRate):
            whole = layers == 0
            rows.append(MinuteRows(plan.key, minutes[whole], layers[whole], rate_counts(plan.objective.indicator, found[whole])))
        else:
            rows.append(MinuteRows(plan.key, minutes, 2 * layers + each.number, found))
    return rows


def rate_counts(indicator: EventRate, events: NDArray[np.float64]) -> NDArray[np.float64]:
    """Minutes as observations, [minutes, 4], out of their events, [minutes, 4]; what exclusions made bad stands in the excluded columns."""
    least = indicator.at_least_per_s * MINUTE_S - RATE_SLACK
    return observations(events[:, 1] >= least, events[:, 1] + events[:, 3] >= least)


def observations(good: NDArray[np.bool_], good_of_all: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Good, total, excluded good, excluded total of minutes, [minutes, 4], that are good, and would be if nothing were excluded."""
    nothing = np.zeros(len(good))
    return np.column_stack([good.astype(float), nothing + 1, good_of_all.astype(float) - good, nothing])


def freshness(engine: Engine, plan: Plan, within: Minutes, drops: RawDrops) -> MinuteRows:
    """Each minute of a range as an observation: was an event seen shortly before its end? Needs all rows so far back."""
    indicator, stream = plan.objective.indicator, plan.streams[0]
    assert isinstance(indicator, EventFreshness)
    back_s = -(-indicator.within_s // MINUTE_S) * MINUTE_S
    looked = Minutes(max(0, within.start_s - back_s), within.end_s)
    seen, seen_of_all = last_events(engine, table_of(stream.signal), stream.events, services=stream.services, within=looked)
    minutes = np.arange(within.start_s, within.end_s, MINUTE_S, dtype=np.int64)
    good, good_of_all = (_is_fresh(minutes, at, indicator.within_s) for at in (seen, seen_of_all))
    whole = ~_touches_dropped(drops, stream.table, minutes, back_s)
    counts = observations(good, good_of_all)
    return MinuteRows(plan.key, minutes[whole], np.zeros(int(whole.sum()), dtype=np.int64), counts[whole])


def series_rows(plan: Plan, metrics: SeriesQueries, within: Minutes, drops: RawDrops) -> MinuteRows:
    """What PromQL says of each minute of a range; only of those whose samples are all there."""
    assert plan.series is not None
    counts = count_series(plan.series, metrics, MinuteRange(within.start_s, within.end_s))
    minutes = np.arange(within.start_s, within.end_s, MINUTE_S, dtype=np.int64)
    whole = drops.layers("chunks", minutes) == 0
    columns = np.column_stack([counts.good, counts.total, counts.excluded_good, counts.excluded_total])
    return MinuteRows(plan.key, minutes[whole], np.zeros(int(whole.sum()), dtype=np.int64), columns[whole])


def first_seen_s(rows: MinuteRows) -> int | None:
    """The first minute that says something, of rows from before which nothing was dropped; seconds since 1970."""
    seen = (rows.layers < LAYERS_OF_DROPS) & rows.counts.any(axis=1)
    return int(rows.minutes[seen].min()) if seen.any() else None


def groups_of(plans: Iterable[Plan]) -> dict[GroupKey, list[tuple[Plan, Stream]]]:
    """Streams of one signal and the same services, whose minutes are touched together; without freshness and PromQL."""
    groups: dict[GroupKey, list[tuple[Plan, Stream]]] = defaultdict(list)
    for plan in plans:
        if not isinstance(plan.objective.indicator, EventFreshness):
            for stream in plan.streams:
                groups[stream.signal, stream.services].append((plan, stream))
    return dict(groups)


def clusters_of(groups: Mapping[GroupKey, Sequence[tuple[Plan, Stream]]]) -> list[list[GroupKey]]:
    """
    Groups that one statement counts well.

    Those that ask the same of different services, and others up to a few different questions: a statement costs more to plan than the
    rows of a service cost to walk over, and every question is asked of every row.
    """
    alike: dict[tuple[str, frozenset[CountedEvents]], list[GroupKey]] = defaultdict(list)
    clusters: list[list[GroupKey]] = []
    for key, counted in groups.items():
        signal, services = key
        if services is None:
            clusters.append([key])
        else:
            questions = frozenset(replace(stream.events, total=without_service(stream.events.total)) for _, stream in counted)
            alike[signal, questions].append(key)
    open_clusters: dict[str, tuple[set[CountedEvents], list[GroupKey]]] = {}
    for (signal, questions), keys in alike.items():
        asked, members = open_clusters.get(signal, (set(), []))
        if members and len(asked | questions) <= QUESTIONS_TOGETHER:
            asked |= questions
            members += keys
        else:
            members = list(keys)
            clusters.append(members)
            open_clusters[signal] = (set(questions), members)
    return clusters


def _is_fresh(minutes: NDArray[np.int64], seen: NDArray[np.int64], within_s: int) -> NDArray[np.bool_]:
    ends = (minutes + MINUTE_S) * NANOSECONDS
    if not len(seen):
        return np.zeros(len(minutes), dtype=bool)
    places = np.searchsorted(seen, ends, side="left") - 1
    return (places >= 0) & (seen[np.maximum(places, 0)] >= ends - within_s * NANOSECONDS)


def _touches_dropped(drops: RawDrops, table: str, minutes: NDArray[np.int64], back_s: int) -> NDArray[np.bool_]:
    """Of which minutes, or the `back_s` seconds before them, something was dropped."""
    found = np.zeros(len(minutes), dtype=bool)
    for drop in drops.drops:
        if drop.table == table:
            found |= (minutes + MINUTE_S > drop.start_s) & (minutes - back_s < drop.end_s)
    return found
