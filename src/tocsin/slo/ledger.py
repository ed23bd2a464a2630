"""
The ledger of a budget: what consumed it. Every bad event belongs to exactly one entry, so entries add up to the whole.

Who gets a bad minute (or slice), in this order:

1. people's marks (`INC-12`, a dependency, ...); where marks overlap, the one that was entered first;
2. deployments, as `blame.py` says;
3. nobody: minutes that spend faster than the budget allows, put together to episodes (at most ten minutes apart). Episodes that cost less
   than a hundredth of the budget, and all that trickles within what is allowed, are one entry, `background`.

Excluded time and events stand beside: entries that cost nothing and say what they would have cost.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import fsum

import numpy as np
from numpy.typing import NDArray

from tocsin.model.budget import CauseKind, CauseMark, Exclusion
from tocsin.model.deployment import Deployment, DeploymentSource
from tocsin.model.instant import NANOSECONDS, Instant
from tocsin.slo.answers import BudgetFigures, Ledger, LedgerEntry
from tocsin.slo.blame import BEFORE_S, Blame, Cells, blame_deployments
from tocsin.slo.definition import EventFreshness, EventRate, Objective, Occurrences, SeriesThreshold, SeriesValue
from tocsin.slo.exclusions import excluded_ranges, exclusion_range, mask_of, query_exclusions, time_exclusions
from tocsin.slo.minutes import MINUTE_S, MinuteCounts, MinuteRange
from tocsin.slo.slices import Numbers, aligned, cells_of, slice_width_s, unit_of, whole_slices
from tocsin.slo.window import ceil_minute, window_at
from tocsin.slo.words import count_words, duration_words, percent_words

EPISODE_GAP_S = 600
EPISODE_SHARE_MIN = 0.01  # of the whole budget
EPISODES_MAX = 200  # the dearest are named; a budget that is spent many times over has more than anybody reads


@dataclass(frozen=True, slots=True)
class Page:
    """
    What the ledger is written from.

    Args:
        objective: Whose.
        figures: Its budget.
        whole: The window's minutes that have passed, from `ledger_range`.
        cells: The same in the objective's unit, less what is excluded.
        window: First and last + 1 of the cells that belong to the window.
        out: Which minutes exclusions by time take out, [minutes].
    """

    objective: Objective
    figures: BudgetFigures
    whole: MinuteCounts
    cells: Cells
    window: tuple[int, int]
    out: NDArray[np.bool_]


def ledger_range(objective: Objective, at: Instant) -> MinuteRange:
    """The minutes that a ledger is written from: what has passed of the window, and an hour before it to compare with."""
    elapsed, width_s = window_at(objective.window, at // NANOSECONDS).elapsed, slice_width_s(objective.budgeting)
    return aligned(MinuteRange(elapsed.start_s - max(BEFORE_S, width_s), elapsed.end_s), width_s)


def keep_ledger(
    objective: Objective,
    counts: MinuteCounts,
    figures: BudgetFigures,
    at: Instant,
    *,
    deployments: Sequence[Deployment] = (),
    marks: Sequence[CauseMark] = (),
    exclusions: Sequence[Exclusion] = (),
    blame_s: float = 1800.0,
) -> Ledger:
    """
    Write the ledger of one objective.

    Args:
        objective: Whose.
        counts: Its minutes over `ledger_range(objective, at)`.
        figures: Of its budget at that instant: what is allowed, and the budget in minutes.
        at: At which instant.
        deployments: Those of other services are passed over.
        marks: Those that are about other SLOs are passed over.
        exclusions: All that were decided.
        blame_s: How long after a deployment it is suspected, seconds.
    """
    page = _open(objective, counts, figures, at, exclusions)
    free = np.ones(len(page.cells.total), dtype=np.bool_)
    entries: list[LedgerEntry] = []
    for mark in sorted((mark for mark in marks if _is_about(mark, objective)), key=lambda mark: (mark.created, mark.id)):
        own = np.zeros_like(free)
        own[page.cells.index(mark.start // NANOSECONDS) : page.cells.index_after(ceil_minute(-(-mark.end // NANOSECONDS)))] = True
        own &= free
        free &= ~own
        entries += _entry(page, own, mark.kind, mark.cause, f"{mark.author}: {mark.reason}")
    mine = [deployment for deployment in deployments if deployment.service == objective.service]
    for blame in blame_deployments(page.cells, free, mine, blame_s):
        free &= ~blame.cells
        entries += _entry(page, blame.cells, CauseKind.DEPLOYMENT, _name(blame.deployment), _why(blame))
    entries += _unknown(page, free)
    entries = sorted(entries, key=lambda entry: (-entry.bad, entry.start))
    spared = sorted([*_excluded_times(page, exclusions), *_excluded_events(page, exclusions)], key=lambda entry: (-entry.bad, entry.start))
    return Ledger(objective.key, at, unit_of(objective.budgeting), fsum(entry.bad for entry in entries), [*entries, *spared])


def _open(objective: Objective, counts: MinuteCounts, figures: BudgetFigures, at: Instant, exclusions: Sequence[Exclusion]) -> Page:
    width_s = slice_width_s(objective.budgeting)
    whole = whole_slices(counts, width_s)
    out = mask_of(whole, excluded_ranges(objective, exclusions, MinuteRange(whole.start_s, whole.end_s)))
    good, total = cells_of(objective.budgeting, np.where(out, 0.0, whole.good), np.where(out, 0.0, whole.total))
    elapsed = aligned(window_at(objective.window, at // NANOSECONDS).elapsed, width_s)
    first, last = (min(len(total), max(0, (edge_s - whole.start_s) // width_s)) for edge_s in (elapsed.start_s, elapsed.end_s))
    spent = np.zeros_like(total)
    spent[first:last] = net_bad(good[first:last], total[first:last])
    noisy = isinstance(objective.budgeting, Occurrences) and not isinstance(
        objective.indicator, EventRate | EventFreshness | SeriesThreshold | SeriesValue
    )
    cells = Cells(whole.start_s, width_s, np.maximum(total - good, 0.0), total, spent, noisy)
    return Page(objective, figures, whole, cells, (first, last), out)


def net_bad(good: Numbers, total: Numbers) -> Numbers:
    """
    Bad events per cell that add up to what is bad over all of them, max(0, total - good).

    Where two streams are compared, more may come out in a minute than went in: what was late. It makes up for what was missing before it,
    the latest first; what came out too much at the start of the window makes up for what is missing next.

    Args:
        good: Good per cell, [cells].
        total: All per cell, [cells].
    """
    missing = total - good
    if not (missing < 0).any():
        return missing
    lowest_from_here = np.maximum(np.minimum.accumulate(np.cumsum(missing)[::-1])[::-1], 0.0)
    return np.diff(lowest_from_here, prepend=0.0)


def _is_about(mark: CauseMark, objective: Objective) -> bool:
    return mark.slo == objective.slo if mark.slo else mark.service == objective.service


def _entry(page: Page, own: NDArray[np.bool_], kind: CauseKind, cause: str, detail: str) -> Iterator[LedgerEntry]:
    """The entry of some cells; none when they cost nothing."""
    costly = np.flatnonzero(own & (page.cells.spent > 0))
    if len(costly):
        bad = float(page.cells.spent[costly].sum())
        first_s, last_s = (page.cells.start_s + int(cell) * page.cells.width_s for cell in (costly[0], costly[-1] + 1))
        yield _priced(page, bad, MinuteRange(first_s, last_s), kind=kind, cause=cause, detail=detail)


def _priced(
    page: Page, bad: float, within: MinuteRange, *, kind: CauseKind, cause: str, detail: str, excluded: bool = False
) -> LedgerEntry:
    share = bad / page.figures.allowed if page.figures.allowed else 0.0
    return LedgerEntry(
        kind,
        cause,
        within.start_s * NANOSECONDS,
        within.end_s * NANOSECONDS,
        bad,
        share * page.figures.budget_minutes,
        share,
        excluded,
        detail,
    )


def _name(deployment: Deployment) -> str:
    return f"{deployment.service} {deployment.version}".strip()


def _why(blame: Blame) -> str:
    who = "found in the telemetry" if blame.deployment.source is DeploymentSource.TELEMETRY else f"told by {blame.deployment.source.value}"
    author = f", {blame.deployment.author}" if blame.deployment.author else ""
    return f"{percent_words(blame.ratio)} bad after it, {percent_words(blame.before)} before; {who}{author}"


def _unknown(page: Page, free: NDArray[np.bool_]) -> Iterator[LedgerEntry]:
    """Episodes that nobody explained, and the background."""
    cells, left = page.cells, free.copy()
    fast = np.flatnonzero(free & (cells.spent > page.objective.allowed_ratio * cells.total))
    # A new episode begins where more than the gap lies between the end of one cell and the start of the next.
    breaks = np.flatnonzero((np.diff(fast) - 1) * cells.width_s > EPISODE_GAP_S) + 1
    runs = [(int(run[0]), int(run[-1]) + 1) for run in np.split(fast, breaks) if len(run)]
    sofar = np.concatenate(([0.0], np.cumsum(np.where(free, cells.spent, 0.0))))
    costs = np.array([sofar[last] - sofar[first] for first, last in runs])
    floor = EPISODE_SHARE_MIN * page.figures.allowed
    named = [int(index) for index in np.argsort(-costs, kind="stable")[:EPISODES_MAX] if costs[index] >= floor]
    for first, last in (runs[index] for index in named):
        own = np.zeros_like(free)
        own[first:last] = free[first:last]
        left &= ~own
        worst = float((cells.spent[first:last][free[first:last]] / np.maximum(cells.total[first:last][free[first:last]], 1e-12)).max())
        yield from _entry(
            page,
            own,
            CauseKind.UNKNOWN,
            "",
            f"nobody said: {duration_words((last - first) * cells.width_s)}, at worst {percent_words(worst)}",
        )
    scattered = int(np.count_nonzero(left & (cells.spent > 0)))
    what = "minutes" if page.cells.width_s == MINUTE_S else "slices"
    yield from _entry(page, left, CauseKind.UNKNOWN, "background", f"few at a time, in {count_words(scattered)} {what}")


def _excluded_times(page: Page, exclusions: Sequence[Exclusion]) -> Iterator[LedgerEntry]:
    """Exclusions by time; where they overlap, what is spared is the first one's."""
    first, last = page.window
    elapsed = MinuteRange(page.cells.start_s + first * page.cells.width_s, page.cells.start_s + last * page.cells.width_s)
    spared = _spared(page)
    ordered = sorted(time_exclusions(page.objective, exclusions), key=lambda exclusion: (exclusion.start or 0, exclusion.id))
    for exclusion in ordered:
        within = exclusion_range(exclusion, elapsed)
        if within is not None:
            own = slice(page.cells.index(within.start_s), page.cells.index_after(within.end_s))
            bad = max(0.0, float(spared[own].sum()))
            spared[own] = 0.0
            detail = f"{exclusion.author}: {exclusion.reason}"
            yield _priced(page, bad, within, kind=CauseKind.MAINTENANCE, cause=exclusion.reason, detail=detail, excluded=True)


def _spared(page: Page) -> Numbers:
    """What would have been bad besides had no time been excluded, [cells]; may be negative where more came out than went in."""
    budgeting, whole = page.objective.budgeting, page.whole
    if isinstance(budgeting, Occurrences):
        return np.where(page.out, whole.total - whole.good, 0.0)
    good, total = cells_of(budgeting, whole.good, whole.total)
    return np.maximum(total - good - page.cells.bad, 0.0)


def _excluded_events(page: Page, exclusions: Sequence[Exclusion]) -> Iterator[LedgerEntry]:
    """Events that exclusions with a query take out: one entry for all of them, because they are counted together."""
    first, last = page.window
    width = page.cells.width_s // MINUTE_S
    within = slice(first * width, last * width)
    good, total = page.whole.excluded_good[within], page.whole.excluded_total[within]
    minutes = np.flatnonzero(total > 0)
    if not len(minutes):
        return
    if isinstance(page.objective.budgeting, Occurrences):
        bad = max(0.0, float((total - good).sum()))
    else:
        counted = cells_of(page.objective.budgeting, page.whole.good[within], page.whole.total[within])
        everything = cells_of(page.objective.budgeting, page.whole.good[within] + good, page.whole.total[within] + total)
        bad = float(np.maximum((everything[1] - everything[0]) - (counted[1] - counted[0]), 0.0).sum())
    origin_s = page.whole.start_s + first * page.cells.width_s
    span = MinuteRange(origin_s + int(minutes[0]) * MINUTE_S, origin_s + (int(minutes[-1]) + 1) * MINUTE_S)
    applied = query_exclusions(page.objective, exclusions)
    reasons = ", ".join(dict.fromkeys(exclusion.reason for exclusion in applied)) or "an exclusion that is gone"
    detail = f"{count_words(float(total.sum()))} events by query" + "".join(f"; {one.author}: {one.query}" for one in applied)
    yield _priced(page, bad, span, kind=CauseKind.MAINTENANCE, cause=reasons, detail=detail, excluded=True)
