"""Why requests are bad: findings, the strongest first, each with the numbers that it rests on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from tocsin.model.instant import Instant


class FindingKind(Enum):
    """What a finding is about; the value is its name in JSON."""

    VERSION = "version"  # bad requests came from one version more than others did
    ATTRIBUTE = "attribute"  # ... or share another attribute's value
    DEPENDENCY = "dependency"  # a span in bad traces takes longer by itself than in good ones
    PATTERN = "pattern"  # bad traces log something that good ones don't
    DEPLOYMENT = "deployment"  # something was deployed just before


@dataclass(frozen=True, slots=True)
class Finding:
    """
    One thing that sets the bad requests apart.

    Args:
        kind: What it is about.
        score: How much, 0 to 1: difference of shares for attributes and patterns, share of the added time for dependencies, nearness in
            time for deployments. Scores of one kind compare; across kinds they only order the list.
        sentence: All of it in words.
        service: Whose attribute, span, record or deployment it is; empty where that is not said.
        key, value: Attribute and value; span name; pattern; version.
        bad_share, good_share: Share of bad and of good requests that have it, 0 to 1; None where it is not about shares.
        bad_ms, good_ms: Mean self time per trace, milliseconds; None where it is not about time.
        at: When; None where it is not about an instant.
        trace_id: A trace that shows it; may be empty.
    """

    kind: FindingKind
    score: float
    sentence: str
    service: str = ""
    key: str = ""
    value: str = ""
    bad_share: float | None = None
    good_share: float | None = None
    bad_ms: float | None = None
    good_ms: float | None = None
    at: Instant | None = None
    trace_id: str = ""


@dataclass(frozen=True, slots=True)
class Explanation:
    """
    What sets the bad requests of a service apart from the good ones.

    Args:
        service: Whose requests.
        start, end: The range.
        bad_means: Which requests count as bad, as a query.
        bad, total: How many.
        onset: When it began: the first minute whose share of bad requests is nearer to the worst than to what was usual before; None when
            it was there all the time, or never.
        usual_ratio: Share of bad requests in the time before, 0 to 1; None without requests there.
        findings: The strongest first.
        exemplars: Ids of bad traces, of different minutes.
        sentence: The strongest of it in words.
        note: What was left out or estimated; empty when nothing.
    """

    service: str
    start: Instant
    end: Instant
    bad_means: str
    bad: float
    total: float
    onset: Instant | None
    usual_ratio: float | None
    findings: list[Finding]
    exemplars: list[str]
    sentence: str
    note: str = ""
