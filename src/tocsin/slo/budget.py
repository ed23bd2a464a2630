"""
How objectives stand: their error budgets, from counts.

Everything is a sum of counts. Nothing here knows how they came to be counted; a `CountSource` has them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tocsin.model.budget import CountProgress, Exclusion
from tocsin.model.instant import NANOSECONDS, Instant
from tocsin.slo.answers import Budget, BudgetFigures, BudgetVerdict, BurnRate, Coverage
from tocsin.slo.burn import BURN_WINDOWS_S, burn_over, exhausted_in_s, present_rate
from tocsin.slo.definition import Objective, RollingWindow
from tocsin.slo.exclusions import excluded_ranges, minutes_in
from tocsin.slo.figures import figures_of, is_complete, known_minutes, known_share, recounted_ratio
from tocsin.slo.minutes import MINUTE_S, CountSource, MinuteRange
from tocsin.slo.reading import Reading, Tally, Want, read_counts
from tocsin.slo.slices import last_whole, slice_width_s, unit_of
from tocsin.slo.window import WindowAt, window_at
from tocsin.slo.words import budget_sentence


@dataclass(frozen=True, slots=True)
class Placed:
    """
    An objective at an instant.

    Args:
        objective: Which.
        window: Where its window lies.
        excluded: What exclusions by time take out of the window and of the ranges of burn rates; disjoint, in order.
        known_from_s: First minute that was counted, seconds since 1970; None when nothing was.
        burn_windows_s: Lengths of the ranges of burn rates, seconds.
        recounted_ratio, complete: As in `Coverage`.
    """

    objective: Objective
    window: WindowAt
    excluded: tuple[MinuteRange, ...]
    known_from_s: int | None
    burn_windows_s: tuple[int, ...] = ()
    recounted_ratio: float = 1.0
    complete: bool = True

    def last(self, length_s: int) -> MinuteRange:
        """The last `length_s` seconds, or the last whole slice where slices are longer."""
        return last_whole(self.window.elapsed_end_s, length_s, slice_width_s(self.objective.budgeting))

    @property
    def want(self) -> Want:
        """What must be read to judge it."""
        return Want(self.objective, (self.window.elapsed, *map(self.last, self.burn_windows_s)), self.excluded)


def judge_budgets(
    objectives: Sequence[Objective],
    source: CountSource,
    at: Instant,
    exclusions: Sequence[Exclusion] = (),
    windows: Sequence[int] = BURN_WINDOWS_S,
) -> list[Budget]:
    """
    Judge objectives.

    Args:
        objectives: Which.
        source: Where their counts are.
        at: At which instant; the last whole minute before it is the last that counts.
        exclusions: All that were decided; those that don't apply are passed over.
        windows: Lengths of the ranges of burn rates, seconds, multiples of 60.

    Returns:
        A budget for each objective, in their order.
    """
    progress = source.progress()
    placed = [place(objective, at, exclusions, progress, windows) for objective in objectives]
    readings = read_counts(source, [one.want for one in placed])
    # Counting anew may have begun while counts were read; then some of them are new already.
    progress = source.progress()
    placed = [_recounted_at_most(one, progress.get(one.objective.key)) for one in placed]
    return [_judge(one, reading, at) for one, reading in zip(placed, readings, strict=True)]


def place(
    objective: Objective,
    at: Instant,
    exclusions: Sequence[Exclusion],
    progress: Mapping[str, CountProgress],
    windows: Sequence[int] = BURN_WINDOWS_S,
) -> Placed:
    """Where an objective's window lies at an instant, what is excluded from it, and since when it is known."""
    window, width_s = window_at(objective.window, at // NANOSECONDS), slice_width_s(objective.budgeting)
    begin_s = min([window.start_s, *(last_whole(window.elapsed_end_s, length_s, width_s).start_s for length_s in windows)])
    counted = progress.get(objective.key)
    return Placed(
        objective,
        window,
        excluded_ranges(objective, exclusions, MinuteRange(begin_s // width_s * width_s, window.end_s)),
        counted.known_from_s if counted else None,
        tuple(windows),
        recounted_ratio(window.elapsed, counted),
        is_complete(window.elapsed, counted),
    )


def _recounted_at_most(placed: Placed, progress: CountProgress | None) -> Placed:
    ratio = recounted_ratio(placed.window.elapsed, progress)
    return replace(placed, recounted_ratio=ratio) if ratio < placed.recounted_ratio else placed


def figures_at(placed: Placed, tally: Tally, *, excluded: Sequence[MinuteRange]) -> BudgetFigures:
    """The figures of an objective whose counts over its window are known; `excluded` is what those counts leave out."""
    objective = placed.objective
    share = known_share(
        placed.window,
        placed.known_from_s,
        excluded,
        observed_minutes=tally.minutes,
        width_s=slice_width_s(objective.budgeting),
    )
    return figures_of(
        tally,
        allowed_ratio=objective.allowed_ratio,
        share=share,
        window_minutes=placed.window.minutes,
        unit=unit_of(objective.budgeting),
    )


def _judge(placed: Placed, reading: Reading, at: Instant) -> Budget:
    objective, window = placed.objective, placed.window
    tally = reading.kept(window.elapsed)
    figures = figures_at(placed, tally, excluded=placed.excluded)
    burn_rates = [_burn(placed, reading, length_s) for length_s in placed.burn_windows_s]
    budget = Budget(
        objective=objective.key,
        service=objective.service,
        title=objective.title or objective.key,
        target=objective.target,
        at=at,
        window_start=window.start_s * NANOSECONDS,
        window_end=window.end_s * NANOSECONDS,
        verdict=_verdict(figures),
        figures=figures,
        without_exclusions=figures_at(placed, reading.everything(window.elapsed), excluded=()),
        excluded_minutes=minutes_in(window.whole, placed.excluded),
        coverage=_coverage(placed, tally.minutes),
        burn_rates=burn_rates,
        exhausted_in_s=_exhausted_in_s(placed, figures, burn_rates),
        sentence="",
    )
    return replace(budget, sentence=budget_sentence(budget, objective))


def _verdict(figures: BudgetFigures) -> BudgetVerdict:
    if figures.consumed_ratio is None:
        return BudgetVerdict.NO_DATA
    return BudgetVerdict.BREACHED if figures.consumed_ratio > 1 else BudgetVerdict.MET


def _burn(placed: Placed, reading: Reading, length_s: int) -> BurnRate:
    within = placed.last(length_s)
    known = known_minutes(within, placed.known_from_s, placed.excluded)
    coverage = min(1.0, known * MINUTE_S / (within.end_s - within.start_s))
    return burn_over(length_s, reading.kept(within), allowed_ratio=placed.objective.allowed_ratio, coverage=coverage)


def _coverage(placed: Placed, observed_minutes: int) -> Coverage:
    window = placed.window
    elapsed = (window.elapsed_end_s - window.start_s) // MINUTE_S
    known = max(observed_minutes, known_minutes(window.elapsed, placed.known_from_s, placed.excluded))
    known_from_s = None if placed.known_from_s is None else max(window.start_s, placed.known_from_s)
    return Coverage(
        window_minutes=window.minutes,
        elapsed_minutes=elapsed,
        known_minutes=known,
        observed_minutes=observed_minutes,
        known_from=None if known == 0 or known_from_s is None else known_from_s * NANOSECONDS,
        ratio=known / elapsed if elapsed else 0.0,
        recounted_ratio=placed.recounted_ratio,
        complete=placed.complete,
    )


def _exhausted_in_s(placed: Placed, figures: BudgetFigures, burn_rates: Sequence[BurnRate]) -> float | None:
    window, objective = placed.window, placed.objective
    elapsed_s = window.elapsed_end_s - window.start_s
    present = present_rate(burn_rates, figures, allowed_ratio=objective.allowed_ratio, elapsed_s=elapsed_s)
    if figures.remaining_ratio is None or present is None:
        return None
    left_s = None if isinstance(objective.window, RollingWindow) else window.end_s - window.elapsed_end_s
    return exhausted_in_s(figures.remaining_ratio, present.rate, window_s=window.minutes * MINUTE_S, left_s=left_s)
