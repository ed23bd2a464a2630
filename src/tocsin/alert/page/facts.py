"""
What a page knows beyond its alerts. Everything may be missing; nothing is guessed.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tocsin.model.deployment import Deployment


@dataclass(frozen=True, slots=True)
class BurnFacts:
    """
    How a budget stands.

    Args:
        objective: Key of the objective.
        budget: Whose budget, as `30-day budget`.
        rate: How many times faster than it lasts it goes; None without events.
        rate_over_s: Over which time, seconds.
        remaining_ratio: Share that is left, may be negative; None without events.
        exhausted_in_s: Seconds until nothing is left at this rate; 0 when it is spent; None when it lasts.
        bad, total: Events of that same time.
        unit: What is counted: `events` or `slices`.
    """

    objective: str
    budget: str
    rate: float | None
    rate_over_s: int
    remaining_ratio: float | None
    exhausted_in_s: float | None
    bad: float
    total: float
    unit: str = "events"


@dataclass(frozen=True, slots=True)
class ErrorFacts:
    """The commonest failure lately: where, what, how often, over how many seconds."""

    operation: str
    message: str
    count: int
    over_s: int


@dataclass(frozen=True, slots=True)
class PageFacts:
    """
    All of it.

    Args:
        service: Which service it is about; empty when nobody said.
        burn: How its budget stands.
        deployments: Of that service, before it began, the latest first.
        trace_id: A trace that shows it; empty without one.
        trace_why: What the trace shows: `failed` or `slow`.
        error: The commonest failure.
        missing: What could not be found out, each with its reason: `the budget: no answer within 2 s`.
    """

    service: str = ""
    burn: BurnFacts | None = None
    deployments: tuple[Deployment, ...] = ()
    trace_id: str = ""
    trace_why: str = ""
    error: ErrorFacts | None = None
    missing: tuple[str, ...] = field(default=())
