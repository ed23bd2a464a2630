"""
What an SLO can promise at most, given what it rests on.

    99.95 % x 99.99 % = 99.94 %

A service that needs all of its dependencies is up only while each of them is. Where failures are independent that is the product of their
targets; where they fail together it is less bad, up to the weakest of them. The product is what may be promised without a closer look.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from math import prod

from tocsin.slo.definition import Objective
from tocsin.slo.files.quantities import in_percent


def achievable(targets: Sequence[float]) -> float:
    """
    The most that can be promised by what needs everything that has these targets: their product, computed in decimals.

    `achievable([0.9995, 0.9999])` is 0.99940005. Nothing to depend on: 1.

    Args:
        targets: Shares, 0 to 1 each.
    """
    return float(prod((Decimal(repr(target)) for target in targets), start=Decimal(1)))


def dependency_targets(objective: Objective, objectives: Mapping[str, Objective]) -> dict[str, float]:
    """Targets of everything that an objective rests on directly, by name; those that are not among the objectives are left out."""
    inner = {key: objectives[key].target for key in objective.dependencies if key in objectives}
    return inner | {outer.name: outer.target for outer in objective.external_dependencies}


def excess_sentence(objective: Objective, objectives: Mapping[str, Objective]) -> str:
    """Why a target is above what its dependencies allow, with the numbers; empty when it is not."""
    targets = dependency_targets(objective, objectives)
    most = achievable(list(targets.values()))
    if not targets or objective.target <= most:
        return ""
    product = " x ".join(in_percent(target) for target in targets.values())
    result = f" = {most * 100:.6g} %" if len(targets) > 1 else ""
    return (
        f"the target {in_percent(objective.target)} is above what its dependencies allow: {product}{result} ({', '.join(targets)}); "
        "lower it, or find a way around them"
    )


def cycle_through(key: str, objectives: Mapping[str, Objective]) -> list[str]:
    """The way from an objective back to itself along dependencies, shortest first found: `[a, b, a]`; empty when there is none."""
    came_from: dict[str, str] = {}
    waiting = [key]
    while waiting:
        at = waiting.pop(0)
        for following in objectives[at].dependencies if at in objectives else ():
            if following == key:
                way = [key, at]
                while at != key:
                    at = came_from[at]
                    way.append(at)
                return way[::-1]
            if following not in came_from:
                came_from[following] = at
                waiting.append(following)
    return []
