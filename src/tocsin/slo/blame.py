"""
Which deployment is to blame for what went wrong after it.

A deployment is blamed when what follows it within `blame_s` is clearly worse than what came before:

- the ratio of bad events afterwards is more than twice the ratio before, which is that of the hour before or of the ten minutes before,
  whichever is higher (so a deployment into an outage that had begun is not blamed for it);
- and there are at least three bad events more than that ratio leads to expect, and more than three standard deviations of chance (the
  root of what is expected). Slices and minutes that are judged as one observation are not noise: there one is enough.

Then the minutes (or slices) whose ratio is above that before are its own. Of several deployments the latest that qualifies is blamed.
The same version told of twice (by a pipeline, and found in the telemetry) is one deployment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from tocsin.model.deployment import Deployment, DeploymentStatus
from tocsin.model.instant import NANOSECONDS
from tocsin.slo.slices import Numbers

BEFORE_S = 3600
JUST_BEFORE_S = 600
WORSE = 2.0
DEVIATIONS = 3.0


@dataclass(frozen=True, slots=True)
class Cells:
    """
    Consecutive minutes or slices, as the ledger walks them.

    Args:
        start_s: Start of the first, seconds since 1970.
        width_s: Length of each, seconds.
        bad: Bad in each, [cells].
        total: All in each, [cells].
        spent: What of `bad` is entered in the ledger, [cells]: nought outside of the window.
        noisy: Whether single bad ones may be chance: where many events are counted, not where a minute or a slice is one observation.
    """

    start_s: int
    width_s: int
    bad: Numbers
    total: Numbers
    spent: Numbers
    noisy: bool

    def index(self, at_s: int) -> int:
        """Which one an instant lies in; clipped to those that are here."""
        return min(len(self.total), max(0, (at_s - self.start_s) // self.width_s))

    def index_after(self, at_s: int) -> int:
        """The first that does not start before an instant; clipped."""
        return min(len(self.total), max(0, -((self.start_s - at_s) // self.width_s)))


@dataclass(frozen=True, slots=True)
class Blame:
    """
    What a deployment is blamed for.

    Args:
        deployment: Which.
        cells: Its minutes or slices, [cells].
        ratio: Ratio of bad ones afterwards.
        before: Ratio of bad ones before.
    """

    deployment: Deployment
    cells: NDArray[np.bool_]
    ratio: float
    before: float


def blame_deployments(cells: Cells, free: NDArray[np.bool_], deployments: Sequence[Deployment], blame_s: float) -> list[Blame]:
    """
    Find what deployments are to blame for.

    Args:
        cells: What was counted, from an hour before the first of the deployments if it is there.
        free: Which of them nobody else has claimed, [cells].
        deployments: Of the service, in any order.
        blame_s: How long after a deployment it is still suspected, seconds.

    Returns:
        One entry for each deployment that is blamed, the latest first; no cell is in two of them.
    """
    unclaimed = free.copy()
    found: list[Blame] = []
    for deployment in reversed(distinct_deployments(deployments, blame_s)):
        blame = _blame(cells, free, unclaimed, deployment, blame_s)
        if blame is not None:
            unclaimed &= ~blame.cells
            found.append(blame)
    return found


def distinct_deployments(deployments: Sequence[Deployment], blame_s: float) -> list[Deployment]:
    """In order of time, each once: the same version again within `blame_s` is the same deployment; one that was removed is none."""
    distinct: list[Deployment] = []
    for deployment in sorted(deployments, key=lambda deployment: (deployment.at, deployment.id)):
        last = distinct[-1] if distinct else None
        again = last is not None and last.version == deployment.version and deployment.at - last.at <= blame_s * NANOSECONDS
        if deployment.status is not DeploymentStatus.REMOVED and not again:
            distinct.append(deployment)
    return distinct


def _blame(cells: Cells, free: NDArray[np.bool_], unclaimed: NDArray[np.bool_], deployment: Deployment, blame_s: float) -> Blame | None:
    at_s = deployment.at // NANOSECONDS
    first, last = cells.index(at_s), cells.index_after(at_s + int(blame_s))
    total = float(cells.total[first:last][unclaimed[first:last]].sum())
    bad = float(cells.bad[first:last][unclaimed[first:last]].sum())
    if total <= 0 or bad <= 0:
        return None
    before = max(_ratio_before(cells, free, first, BEFORE_S), _ratio_before(cells, free, first, JUST_BEFORE_S))
    expected = before * total
    if bad / total <= WORSE * before or (cells.noisy and bad - expected < DEVIATIONS * sqrt(max(1.0, expected))):
        return None
    own = np.zeros_like(unclaimed)
    own[first:last] = unclaimed[first:last] & (cells.spent[first:last] > 0) & (cells.bad[first:last] > before * cells.total[first:last])
    return Blame(deployment, own, bad / total, before) if own.any() else None


def _ratio_before(cells: Cells, free: NDArray[np.bool_], end: int, length_s: int) -> float:
    """Ratio of bad ones that nobody claimed over the time before a cell; 0 without any."""
    start = max(0, end - max(1, length_s // cells.width_s))
    counted = free[start:end]
    total = float(cells.total[start:end][counted].sum())
    return float(cells.bad[start:end][counted].sum()) / total if total > 0 else 0.0
