"""
How fast each service burns, for a wall of many: nothing but the last hour is read, of all objectives at once.

A whole budget rests on thirty days; a wall that is drawn every few seconds can't wait for two hundred of those.
"""

from __future__ import annotations

from collections.abc import Sequence

from tocsin.model.budget import Exclusion
from tocsin.model.instant import NANOSECONDS, Instant
from tocsin.model.signals import ServiceBurn
from tocsin.slo.burn import burn_rate
from tocsin.slo.definition import Objective
from tocsin.slo.exclusions import excluded_ranges, exclusion_range
from tocsin.slo.minutes import CountSource, MinuteRange
from tocsin.slo.reading import Want, read_counts
from tocsin.slo.slices import aligned, last_whole, slice_width_s
from tocsin.slo.window import floor_minute

HOUR_S = 3600


def burn_by_service(
    objectives: Sequence[Objective], source: CountSource, at: Instant, exclusions: Sequence[Exclusion] = (), window_s: int = HOUR_S
) -> dict[str, ServiceBurn]:
    """
    For each service its objective that burns fastest, of equal ones the first; the rates are those of `judge_budgets`.

    Args:
        objectives: Which.
        source: Where their counts are.
        at: At which instant; the last whole minute before it is the last that counts.
        exclusions: All that were decided.
        window_s: Over how many seconds, a multiple of 60; the last whole slice where slices are longer.
    """
    end_s = floor_minute(at // NANOSECONDS)
    ranges = [last_whole(end_s, window_s, slice_width_s(objective.budgeting)) for objective in objectives]
    reach = MinuteRange(min((within.start_s for within in ranges), default=end_s) - window_s, end_s)
    near = [one for one in exclusions if not one.query and exclusion_range(one, reach)]
    wants = [_want(objective, within, near) for objective, within in zip(objectives, ranges, strict=True)]
    fastest: dict[str, ServiceBurn] = {}
    for objective, within, reading in zip(objectives, ranges, read_counts(source, wants), strict=True):
        tally = reading.kept(within)
        burn = ServiceBurn(burn_rate(tally.bad, tally.total, objective.allowed_ratio), objective.key, window_s)
        known = fastest.get(objective.service)
        if known is None or _speed(burn) > _speed(known):
            fastest[objective.service] = burn
    return fastest


def _want(objective: Objective, within: MinuteRange, exclusions: Sequence[Exclusion]) -> Want:
    reach = MinuteRange(aligned(within, slice_width_s(objective.budgeting)).start_s, within.end_s)
    return Want(objective, (within,), excluded_ranges(objective, exclusions, reach) if exclusions else ())


def _speed(burn: ServiceBurn) -> float:
    return -1.0 if burn.rate is None else burn.rate
