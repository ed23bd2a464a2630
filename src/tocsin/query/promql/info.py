"""
`info(v, {...})`: labels of `target_info` and its like, joined to the series of the same instance and job.

Source: Prometheus documentation, 'Query functions: info()'.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tocsin.errors import InvalidInput
from tocsin.model.labels import METRIC_NAME, Labels
from tocsin.model.series import Matcher, MatchOperator
from tocsin.query.promql.context import Context, unwrapped
from tocsin.query.promql.grid import Grid, Mask, Steps, merged, stacked
from tocsin.query.promql.kernels import Times
from tocsin.query.promql.selectors import select_with_times
from tocsin.query.promql.syntax import Call, VectorSelector

IDENTIFYING = ("instance", "job")
DEFAULT_METRIC = Matcher(METRIC_NAME, MatchOperator.EQUAL, "target_info")
ANY_INFO_METRIC = Matcher(METRIC_NAME, MatchOperator.REGEX, ".+_info")

Identity = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """
    What the second argument asks for.

    Args:
        names: Which metrics hold the labels.
        data: Conditions on their labels.
    """

    names: tuple[Matcher, ...]
    data: tuple[Matcher, ...]

    @property
    def required(self) -> bool:
        """Whether a series without labels to add is left out."""
        return any(not matcher.matches("") for matcher in self.data)

    def is_source(self, labels: Labels) -> bool:
        """Whether a series is one of those metrics itself, and stays as it is."""
        return all(matcher.matches(labels.metric) for matcher in self.names)


@dataclass(frozen=True, slots=True)
class _Sources:
    """Series that hold labels, by identity and metric: rows of the grid, with the instants of their samples."""

    grid: Grid
    times_ms: Times
    rows: dict[Identity, dict[str, list[int]]]


def info_function(context: Context, call: Call, steps: Steps) -> Grid:
    """
    The vector with the labels added, at every step those of that step.

    Raises:
        InvalidInput: A metric of histograms, two sources of the same instant, labels that contradict each other.
    """
    base = context.vector(call.arguments[0], steps)
    selector = unwrapped(call.arguments[1]) if len(call.arguments) > 1 else None
    wanted = _wanted(selector.matchers if isinstance(selector, VectorSelector) else ())
    sources = _sources(context, call, wanted, steps)
    parts: list[Grid] = []
    for row, labels in enumerate(base.labels):
        alone = base.rows(np.array([row]))
        if wanted.is_source(labels):
            parts.append(alone)
        else:
            parts.extend(_enriched(alone, labels, wanted, sources))
    return merged(stacked(parts, steps.count).without_empty_rows())


def _wanted(matchers: Sequence[Matcher]) -> _Wanted:
    names = tuple(matcher for matcher in matchers if matcher.name == METRIC_NAME)
    data = tuple(matcher for matcher in matchers if matcher.name != METRIC_NAME)
    if not names:
        names = (DEFAULT_METRIC,)
    elif all(matcher.operator in {MatchOperator.NOT_EQUAL, MatchOperator.NOT_REGEX} for matcher in names):
        names = (ANY_INFO_METRIC, *names)
    return _Wanted(names, data)


def _sources(context: Context, call: Call, wanted: _Wanted, steps: Steps) -> _Sources:
    selector = VectorSelector("", (*wanted.names, *wanted.data), call.span)
    grid, times_ms = select_with_times(context, selector, steps)
    if grid.histograms is not None and grid.histogram_mask.any():
        row = int(np.argwhere(grid.histogram_mask)[0][0])
        raise InvalidInput(f"this should be an info metric, with float samples: {grid.labels[row]!r}")
    rows: dict[Identity, dict[str, list[int]]] = {}
    for row, labels in enumerate(grid.labels):
        rows.setdefault(_identity(labels), {}).setdefault(labels.metric, []).append(row)
    return _Sources(grid, times_ms, rows)


def _identity(labels: Labels) -> Identity:
    return tuple(labels.get(name) for name in IDENTIFYING)


def _enriched(alone: Grid, labels: Labels, wanted: _Wanted, sources: _Sources) -> list[Grid]:
    """One row for every combination of sources that its steps see."""
    identity = _identity(labels)
    by_metric = sources.rows.get(identity, {}) if any(identity) else {}
    chosen = np.stack([_newest(sources, rows) for rows in by_metric.values()]) if by_metric else np.full((1, alone.width), -1)
    parts = []
    for combination in np.unique(chosen, axis=1).T:
        at = (chosen == combination.reshape(-1, 1)).all(axis=0)
        found = [int(row) for row in combination if row >= 0]
        if not found and wanted.required:
            continue
        added = _added(labels, [sources.grid.labels[row] for row in found], wanted)
        parts.append(_row_at(alone, Labels({**added, **dict(labels.pairs)}), at))
    return parts


def _newest(sources: _Sources, rows: list[int]) -> NDArray[np.int64]:
    """[T] the row whose sample is newest; -1 where there is none."""
    times = np.where(sources.grid.present[rows], sources.times_ms[rows], -1)
    newest = times.max(axis=0)
    twice = ((times == newest).sum(axis=0) > 1) & (newest >= 0)
    if twice.any():
        step = int(np.flatnonzero(twice)[0])
        first, second = np.flatnonzero(times[:, step] == newest[step])[:2]
        labels = sources.grid.labels
        raise InvalidInput(
            f"found duplicate series for info metric: existing {labels[rows[first]]!r} @ {newest[step]}, "
            f"new {labels[rows[second]]!r} @ {newest[step]}"
        )
    return np.where(newest >= 0, np.array(rows)[times.argmax(axis=0)], -1)


def _added(base: Labels, found: list[Labels], wanted: _Wanted) -> dict[str, str]:
    names = {matcher.name for matcher in wanted.data}
    added: dict[str, str] = {}
    for source in found:
        for name, value in source:
            if name == METRIC_NAME or name in IDENTIFYING or name in base or (names and name not in names):
                continue
            if added.setdefault(name, value) != value:
                raise InvalidInput(f"conflicting label: {name} is {added[name]!r} and {value!r} in info metrics of {base!r}")
    return added


def _row_at(alone: Grid, labels: Labels, at: Mask) -> Grid:
    return replace(alone, raw=[labels], nameless=(), present=alone.present & at, _labels=None)
