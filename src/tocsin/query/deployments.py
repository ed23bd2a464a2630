"""
Deployments: those that somebody told of, and those that are found where a service's telemetry begins to name another `service.version`.

    v1  #########################                 #######      v2 appears at a: a deployment that replaced v1
    v2                       ###################               v1 comes back at b, having been gone while v2 was seen: one too, a rollback
                             a                    b            the very first version of a service is none: nobody knows when it came

Found ones are exact to the five minutes of the inventory. A version that was quiet only while all of the service was did not come anew.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeAlias

from tocsin.model.deployment import Deployment, DeploymentSource, DeploymentStatus
from tocsin.model.instant import NANOSECONDS, format_instant
from tocsin.query.period import checked_limit
from tocsin.query.reading import Reading
from tocsin.store.read_deployments import SIGHTING_S, version_sightings, version_spans
from tocsin.store.read_range import Within
from tocsin.store.sql import ParameterNames

LOOKBACK_NS = 7 * 86_400 * NANOSECONDS  # how far before a range a service's former version is looked for
DEPLOYMENTS_MAX = 10_000
ABSENT_S = 3600.0
SAME_S = 900.0
ALIVE = frozenset({DeploymentStatus.STARTED, DeploymentStatus.SUCCEEDED})

Place: TypeAlias = tuple[str, str]  # a service and its environment


class Finder(Protocol):
    """Where deployments are found by themselves."""

    def between(self, start: int, end: int, *, service: str | None = None) -> list[Deployment]:
        """Those from `start` (included) to `end` (left out), nanoseconds since 1970, the oldest first."""
        ...


class Marked(Protocol):
    """Where deployments that somebody told of are kept."""

    def __call__(self, start: int, end: int, service: str | None) -> Sequence[Deployment]:
        """Those from `start` (included) to `end` (left out), nanoseconds since 1970, of one service or of all; in any order."""
        ...


@dataclass(frozen=True, slots=True)
class Stretch:
    """A version was seen from `first` to `last` (starts of buckets, seconds since 1970), never gone for long in between."""

    version: str
    first: int
    last: int


class FoundDeployments:
    """
    Deployments found in the telemetry.

    Args:
        reading: The engine.
        absent_s: How long a version must have been gone for its return to count, seconds.
    """

    def __init__(self, reading: Reading, *, absent_s: float = ABSENT_S) -> None:
        self._reading = reading
        self._absent_s = round(absent_s)

    def between(self, start: int, end: int, *, service: str | None = None) -> list[Deployment]:
        """Those from `start` (included) to `end` (left out), nanoseconds since 1970, the oldest first."""
        within = Within(start - LOOKBACK_NS, end)
        rows = self._reading.rows(version_spans(within, service=service, names=ParameterNames()))
        places: dict[Place, list[Stretch]] = defaultdict(list)
        for named, environment, version, first, last in rows:
            if version:
                places[named, environment].append(Stretch(version, first, last))
        places |= self._in_detail(within, [place for place, spans in places.items() if needs_detail(spans, self._absent_s)])
        found = [
            deployment
            for place, stretches in places.items()
            for deployment in appearances(place, stretches)
            if start <= deployment.at < end
        ]
        return sorted(found, key=lambda deployment: (deployment.at, deployment.service, deployment.version))

    def _in_detail(self, within: Within, places: Sequence[Place]) -> Mapping[Place, list[Stretch]]:
        if not places:
            return {}
        services = sorted({service for service, _ in places})
        statement = version_sightings(within, services=services, absent_s=self._absent_s, names=ParameterNames())
        found: dict[Place, list[Stretch]] = defaultdict(list)
        for named, environment, version, stretches in self._reading.rows(statement):
            found[named, environment] += [Stretch(version, first, last) for first, last in stretches if version]
        return found


class Deployments:
    """
    All deployments, each once.

    Args:
        found: Finds them in the telemetry.
        marked: Gives those that somebody told of.
        same_s: One that was told of and one that was found are the same when they are at most so many seconds apart.
    """

    def __init__(self, found: Finder, marked: Marked | None = None, *, same_s: float = SAME_S) -> None:
        self._found = found
        self._marked = marked
        self._same_ns = round(same_s * NANOSECONDS)

    def between(self, start: int, end: int, *, service: str | None = None) -> list[Deployment]:
        """Those from `start` (included) to `end` (left out), nanoseconds since 1970, the oldest first."""
        early, late = start - self._same_ns, end + self._same_ns
        marks = list(self._marked(early, late, service)) if self._marked is not None else []
        merged = merge(marks, self._found.between(early, late, service=service), same_ns=self._same_ns)
        return [deployment for deployment in merged if start <= deployment.at < end]

    def newest(self, start: int, end: int, *, service: str | None = None, limit: int = 100) -> list[Deployment]:
        """The `limit` (1 to 10,000) newest of a range, the newest first."""
        checked_limit(limit, most=DEPLOYMENTS_MAX)
        return self.between(start, end, service=service)[::-1][:limit]


def needs_detail(spans: Sequence[Stretch], absent_s: int) -> bool:
    """
    Whether a version may have come back: only where it was seen long after another one was seen for the first time.

    `spans` has one stretch per version, from its first sighting to its last.
    """
    ordered = sorted(spans, key=lambda span: (span.first, -span.last))
    for index, one in enumerate(ordered):
        for other in ordered[index + 1 :]:
            if other.first > one.last:
                break
            within = other.last <= one.last and one.last - one.first >= absent_s
            if within or one.last - other.first >= absent_s:
                return True
    return False


def appearances(place: Place, stretches: Iterable[Stretch]) -> list[Deployment]:
    """Where each stretch of a version begins, as a deployment, unless the service was never seen without it before."""
    ordered = sorted(stretches, key=lambda stretch: (stretch.first, stretch.last, stretch.version))
    found = []
    gone: dict[str, int] = {}  # version: its last sighting before
    for stretch in ordered:
        since = gone.get(stretch.version, -1)
        others = [other for other in ordered if other.version != stretch.version and other.first < stretch.first and other.last > since]
        if others:
            found.append(_deployment(place, stretch, _replaced(others, stretch.first), returned=since >= 0))
        gone[stretch.version] = max(since, stretch.last)
    return found


def merge(marks: Sequence[Deployment], found: Sequence[Deployment], *, same_ns: int) -> list[Deployment]:
    """
    Both together, the oldest first: of the two that are the same, the mark, with what only the telemetry knows.

    A mark without a version is that of the nearest one found. Marks of one version that follow each other closely, from GitHub and from
    CDEvents say, are one deployment too: the first of them, with the last one's status.
    """
    left = list(found)
    merged = []
    for mark in _told_once(marks, same_ns):
        near = [one for one in left if _are_same(mark, one, same_ns)]
        seen = min(near, key=lambda one: (one.version != mark.version, abs(one.at - mark.at)), default=None)
        merged.append(mark if seen is None else _joined(mark, seen))
        left = [one for one in left if one is not seen]
    return sorted([*merged, *left], key=lambda one: (one.at, one.service, one.version, one.id))


def _told_once(marks: Sequence[Deployment], same_ns: int) -> list[Deployment]:
    told: list[Deployment] = []
    for mark in sorted(marks, key=lambda one: (one.at, one.id)):
        first = next((index for index, one in enumerate(told) if _is_told(one, mark, same_ns)), None)
        if first is None:
            told.append(mark)
        else:
            told[first] = replace(told[first], status=mark.status)
    return told


def _is_told(one: Deployment, mark: Deployment, same_ns: int) -> bool:
    """Whether `mark` says of a deployment what was said before: failures and rollbacks are news of their own."""
    alike = one.service == mark.service and one.version == mark.version != "" and one.environment in {"", mark.environment}
    return alike and mark.at - one.at <= same_ns and {one.status, mark.status} <= ALIVE


def _are_same(mark: Deployment, found: Deployment, same_ns: int) -> bool:
    # What was seen in a bucket began somewhere in its five minutes.
    apart_ns = max(found.at - mark.at, mark.at - found.at - SIGHTING_S * NANOSECONDS)
    return mark.service == found.service and mark.version in {"", found.version} and apart_ns <= same_ns


def _joined(mark: Deployment, found: Deployment) -> Deployment:
    # Five minutes from then on: the inventory knows nothing finer.
    seen = f"{found.description}, {format_instant(found.at)[:16].replace('T', ' ')} UTC"
    return replace(
        mark,
        version=mark.version or found.version,
        environment=mark.environment or found.environment,
        previous_version=mark.previous_version or found.previous_version,
        description=f"{mark.description}; {seen}" if mark.description else seen,
    )


def _replaced(others: Iterable[Stretch], at: int) -> str:
    """The version that ran at that time, or last before it; of several the one that came last."""
    return max(others, key=lambda other: (min(other.last, at), other.first, other.version)).version


def _deployment(place: Place, stretch: Stretch, previous: str, *, returned: bool) -> Deployment:
    service, environment = place
    return Deployment(
        id=f"telemetry:{service}:{environment}:{stretch.version}:{stretch.first}",
        service=service,
        version=stretch.version,
        at=stretch.first * NANOSECONDS,
        source=DeploymentSource.TELEMETRY,
        status=DeploymentStatus.SUCCEEDED,
        environment=environment,
        description="seen in telemetry again, having been gone" if returned else "seen in telemetry for the first time",
        previous_version=previous,
    )
