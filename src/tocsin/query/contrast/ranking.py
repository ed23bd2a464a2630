"""
Which values stand out among what was bad, and the sentence that says so.

    route /pay    82 of 100 bad events    110 of 1,000 events    0.82 - 0.11: it stands out by 0.71

A value stands out when its share among the bad events is above its share among all by more than SHARE_FLOOR, and by more than chance would
do (three standard deviations of a binomial count). What says how an event failed (its status, its exception) is listed like everything
else, but a sentence names who and where before what.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from tocsin.model.attribution import AttributionValue

SHARE_FLOOR = 0.05
DEVIATIONS = 3.0
BAD_EVENTS_MIN = 3
SYMPTOMS = frozenset(
    {
        "error", "error.type", "error.message", "status", "status_code", "http.response.status_code", "http.status_code", "level",
        "rpc.grpc.status_code", "rpc.response.status_code", "otel.status_code", "otel.status_description", "grpc.status_code", "code",
    }
)  # fmt: skip
SYMPTOM_PREFIXES = ("exception.", "error.")
WORDS = {
    "operation": "operation", "http.route": "route", "url.path": "path", "service.version": "version", "service.name": "service",
    "host.name": "host", "service.instance.id": "instance", "user.id": "user", "enduser.id": "user", "tenant.id": "tenant",
    "tenant": "tenant", "client.address": "client", "k8s.pod.name": "pod", "k8s.node.name": "node", "cloud.region": "region",
    "cloud.availability_zone": "zone", "deployment.environment.name": "environment", "gen_ai.request.model": "model",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Candidate:
    """
    A value of an attribute, counted.

    Args:
        place: Where it stands: `service`, `operation`, `resource`, `attribute` or `label`.
        key: As people write it.
        value: The value.
        bad: What of it was bad.
        total: All of it.
        resources: The resources that have it, where its place is `resource`.
    """

    place: str
    key: str
    value: str
    bad: float
    total: float
    resources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Whole:
    """All of what was counted: bad, total, and how many bad events that rests on."""

    bad: float
    total: float
    bad_events: float

    def share_above(self, candidate: Candidate) -> float:
        """How far its share among the bad is above its share among all, -1 to 1."""
        return candidate.bad / self.bad - candidate.total / self.total if self.bad > 0 and self.total > 0 else 0.0


def standing_out(candidates: Sequence[Candidate], whole: Whole) -> list[Candidate]:
    """Those that stand out, the most first."""
    chosen = [candidate for candidate in candidates if _stands_out(candidate, whole)]
    return sorted(chosen, key=lambda one: (-whole.share_above(one), one.key, one.value))


def causes(ranked: Sequence[Candidate], judged_by: Collection[str], *, most: int) -> list[Candidate]:
    """
    Of ranked candidates those that say who or where, one per key, and not the same events under another name.

    A version is always worth naming, even where a route exists in one version only.
    """
    chosen: list[Candidate] = []
    for candidate in ranked:
        is_new = all(one.key != candidate.key and not _is_other_name(one, candidate) for one in chosen)
        if is_new and candidate.key not in judged_by and not is_symptom(candidate.key):
            chosen.append(candidate)
    return chosen[:most]


def is_version(candidate: Candidate) -> bool:
    """Whether it is a version of the service: what a sentence names beside everything else."""
    return candidate.key == "service.version"


def is_symptom(key: str) -> bool:
    """Whether a key says how an event failed rather than where."""
    return key in SYMPTOMS or key.startswith(SYMPTOM_PREFIXES)


def value_of(candidate: Candidate, whole: Whole) -> AttributionValue:
    """The candidate as it is answered."""
    return AttributionValue(
        key=candidate.key,
        value=candidate.value,
        bad=candidate.bad,
        total=candidate.total,
        bad_share=min(1.0, candidate.bad / whole.bad) if whole.bad else 0.0,
        total_share=min(1.0, candidate.total / whole.total) if whole.total else 0.0,
        bad_ratio=min(1.0, candidate.bad / candidate.total) if candidate.total else 0.0,
    )


def sentence_of(names: Sequence[Candidate], bad: float, total: float, whole: Whole, noun: str = "events") -> str:
    """`82 % of the bad events came from route /pay in version 2.3.1, which has 11 % of all events`; `names` has one or two candidates."""
    what = " in ".join(f"{WORDS.get(one.key, one.key)} {one.value}" for one in sorted(names, key=is_version))
    return f"{share_words(bad / whole.bad)} of the bad {noun} came from {what}, which has {share_words(total / whole.total)} of all {noun}"


def share_words(share: float) -> str:
    """`0.8212` as `82 %`, `0.0213` as `2.1 %`, `0.0002` as `0.02 %`."""
    percent = min(100.0, share * 100)
    if percent >= 9.95 or percent == 0:
        return f"{percent:.0f} %"
    return f"{percent:.1f} %" if percent >= 0.1 else f"{percent:.2g} %"


def _is_other_name(one: Candidate, other: Candidate) -> bool:
    return (one.bad, one.total) == (other.bad, other.total) and not is_version(one) and not is_version(other)


def _stands_out(candidate: Candidate, whole: Whole) -> bool:
    if whole.bad <= 0 or whole.total <= 0 or candidate.bad / whole.bad * whole.bad_events < BAD_EVENTS_MIN:
        return False
    expected = min(1.0, candidate.total / whole.total)
    by_chance = DEVIATIONS * math.sqrt(expected * (1 - expected) / whole.bad_events)
    return whole.share_above(candidate) >= max(SHARE_FLOOR, by_chance)
