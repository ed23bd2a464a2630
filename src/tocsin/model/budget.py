"""What people decide about error budgets and what is kept about them: exclusions, causes, exceptions, states of policies, progress."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from tocsin.model.instant import Instant


class CauseKind(Enum):
    """What consumed error budget; the value is its name in JSON and files."""

    DEPLOYMENT = "deployment"
    INCIDENT = "incident"
    MAINTENANCE = "maintenance"
    DEPENDENCY = "dependency"
    INFRASTRUCTURE = "infrastructure"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """Who took a decision back, when and why. What is withdrawn no longer holds and is kept for the audit."""

    at: Instant
    author: str
    reason: str


@dataclass(frozen=True, slots=True)
class Exclusion:
    """
    What does not count against a budget, and who said so why.

    A time without a query excludes whole minutes (`start` rounded down, `end` up), when budgets are read. A query excludes the events that
    match it, in that time or always, when events are counted; adding one counts what is still stored anew.

    Args:
        id: Names it.
        slo: The SLO that it applies to; empty for all SLOs of `service`.
        service: The service whose SLOs it applies to; empty when `slo` is given.
        start: First instant that is excluded, None for always (only with a query).
        end: First instant after it, None for always.
        query: Lucene syntax over the indicator's spans or logs; empty for everything in that time.
        author: Who decided it; never empty.
        reason: Why; never empty.
        source: `api`, or the file and line that it stands in.
        created: When it was entered, None for one out of a file.
        withdrawn: Set once it no longer holds.
    """

    id: str
    slo: str
    service: str
    start: Instant | None
    end: Instant | None
    query: str
    author: str
    reason: str
    source: str = "api"
    created: Instant | None = None
    withdrawn: Withdrawal | None = None

    def applies_to(self, slo: str, service: str) -> bool:
        """Whether it is about this SLO of this service."""
        return self.slo == slo if self.slo else self.service == service


@dataclass(frozen=True, slots=True)
class CauseMark:
    """A human's word on what consumed the budget of an SLO (empty: of all SLOs of `service`) from `start` to before `end`."""

    id: str
    slo: str
    service: str
    start: Instant
    end: Instant
    kind: CauseKind
    cause: str
    author: str
    reason: str
    created: Instant
    withdrawn: Withdrawal | None = None


@dataclass(frozen=True, slots=True)
class PolicyException:
    """
    Leave to deploy although the policy says no, until it expires or is used up.

    Args:
        id: Names it.
        service: Whose deployments it lets through.
        kind: `security`, `incident-fix` or `other`; a policy may allow only some kinds.
        author: Who gave leave; never empty.
        reason: Why; never empty.
        created: When.
        expires: From when on it no longer holds.
        uses_left: Deployments that it still lets through.
    """

    id: str
    service: str
    kind: str
    author: str
    reason: str
    created: Instant
    expires: Instant
    uses_left: int


@dataclass(frozen=True, slots=True)
class PolicyTransition:
    """The state of an objective's budget policy changed; the newest one tells how it stands. `previous` is empty the first time."""

    objective: str
    policy: str
    previous: str
    state: str
    at: Instant
    remaining_ratio: float


@dataclass(frozen=True, slots=True)
class GateRecord:
    """A question to the gate and its answer, kept for the audit; `exception` is the id of the one that was used, or empty."""

    id: str
    service: str
    at: Instant
    verdict: str
    reason: str
    risk_minutes: float
    probability: float
    exception: str


@dataclass(frozen=True, slots=True)
class CountProgress:
    """
    How far an objective's events are counted.

    Args:
        objective: Its key.
        revision: What is counted: a hash of the indicator and of the exclusions with a query.
        counted_from_s: First minute that is counted under this revision, seconds since 1970; moves back while older data is counted.
        backfilled: Whether everything stored before was counted.
        known_from_s: First minute that was ever counted, under any revision; what came before is not known.
        updated_s: When this was written, seconds since 1970.
    """

    objective: str
    revision: str
    counted_from_s: int
    backfilled: bool
    known_from_s: int
    updated_s: int
