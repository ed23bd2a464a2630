"""Deployments: found where telemetry names another version, merged with those that somebody told of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.query.conftest import open_world
from tests.query.eras import Era
from tests.query.telemetry import MINUTE, NOW, LogLine, SpanLine, World

from tocsin.clock import ReplayClock
from tocsin.errors import InvalidInput
from tocsin.model.deployment import Deployment, DeploymentSource, DeploymentStatus
from tocsin.query.deployments import Deployments, FoundDeployments, Stretch, appearances, merge, needs_detail
from tocsin.query.reading import Reading

HOUR = 60 * MINUTE
START = NOW // (300 * 10**9) * 300 * 10**9
SAME = 15 * MINUTE
PLACE = ("shop", "")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A store for all tests of this module."""
    yield from open_world(tmp_path_factory.mktemp("eras"))


@pytest.fixture
def world(shared: World) -> Era:
    """A time of one's own in it."""
    return Era(shared)


class EraFinder:
    """Finds deployments of an era, in the time of the tests."""

    def __init__(self, era: Era) -> None:
        self._found = FoundDeployments(Reading(era.world.store.engine, ReplayClock(NOW, speed=0)))
        self._before_ns = era.before_ns

    def between(self, start: int, end: int, *, service: str | None = None) -> list[Deployment]:
        """As `FoundDeployments.between`."""
        found = self._found.between(start - self._before_ns, end - self._before_ns, service=service)
        return [replace(one, at=one.at + self._before_ns) for one in found]


def finder(era: Era) -> EraFinder:
    """Finds deployments of an era."""
    return EraFinder(era)


def seen(version: str, *hours: float, service: str = "shop", **resource: str) -> list[SpanLine]:
    """A span of a version at each of these hours after START."""
    told = {"service.version": version, **resource} if version else dict(resource)
    return [
        SpanLine(trace=f"{round(hour * 100) + 1:x}", id=f"{number + 1:x}", at=START + round(hour * HOUR), service=service, resource=told)
        for number, hour in enumerate(hours)
    ]


def every(first: float, last: float, step: float = 0.25) -> list[float]:
    """Hours from `first` to `last`."""
    return [first + step * number for number in range(round((last - first) / step) + 1)]


def mark(version: str, hours: float, **fields: object) -> Deployment:
    """A mark at so many hours after START."""
    told = {
        "id": f"{version}@{hours}",
        "service": "shop",
        "version": version,
        "at": START + round(hours * HOUR),
        "source": DeploymentSource.MARK,
    }
    return Deployment(**{**told, **fields})  # type: ignore[arg-type]


def brief(found: Sequence[Deployment]) -> list[tuple[float, str, str]]:
    """Hours after START, version, version before."""
    return [((one.at - START) / HOUR, one.version, one.previous_version) for one in found]


def test_a_new_version_is_a_deployment(world: Era) -> None:
    """Where a version appears of a service that was seen without it; the service's very first one is none."""
    world.send(*seen("1", *every(0, 3)), *seen("2", *every(3.25, 6)))
    found = finder(world).between(START, START + 24 * HOUR)
    assert brief(found) == [(3.25, "2", "1")]
    assert (found[0].service, found[0].source, found[0].status) == ("shop", DeploymentSource.TELEMETRY, DeploymentStatus.SUCCEEDED)


def test_a_canary_and_its_rollback(world: Era) -> None:
    """A version that runs beside the old one is a deployment; coming back after having been gone is one again."""
    world.send(*seen("1", *every(0, 4)), *seen("2", *every(2, 8)), *seen("1", *every(8, 10)))
    assert brief(finder(world).between(START, START + 24 * HOUR)) == [(2, "2", "1"), (8, "1", "2")]


def test_a_quiet_service_did_not_deploy(world: Era) -> None:
    """A night without telemetry, and the same version afterwards: nothing came."""
    world.send(*seen("1", 0, 0.25, 9, 9.25), *seen("1", 0, 12, service="mail"), *seen("2", 12.25, service="mail"))
    found = finder(world).between(START, START + 24 * HOUR)
    assert [(one.service, one.version) for one in found] == [("mail", "2")]


def test_a_version_that_flickers_came_once(world: Era) -> None:
    """Gone for less than an hour is not gone."""
    world.send(*seen("1", *every(0, 6)), *seen("2", 2, 2.75, 3.5, 4.25))
    assert brief(finder(world).between(START, START + 24 * HOUR)) == [(2, "2", "1")]


def test_what_came_before_the_range_is_known(world: Era) -> None:
    """The version before is looked for up to a week back; what appeared outside of the range is left out."""
    world.send(*seen("1", 0), *seen("2", 100), *seen("3", 120))
    assert brief(finder(world).between(START + 99 * HOUR, START + 119 * HOUR)) == [(100, "2", "1")]


def test_environments_have_their_own_versions(world: Era) -> None:
    """Staging being ahead of production is no deployment of production; logs tell as well as spans; one service can be asked for."""
    world.send(
        *seen("1", *every(0, 3), **{"deployment.environment.name": "production"}),
        *seen("2", *every(0, 3), **{"deployment.environment": "staging"}),
        LogLine("up", at=START + 2 * HOUR, service="mail", resource={"service.version": "a"}),
        LogLine("up", at=START + 3 * HOUR, service="mail", resource={"service.version": "b"}),
        *seen("", 1, 2, service="mail"),
    )
    assert brief(finder(world).between(START, START + 24 * HOUR)) == [(3, "b", "a")]
    assert finder(world).between(START, START + 24 * HOUR, service="shop") == []


def test_an_empty_store_has_none(world: Era) -> None:
    """Nothing stored gives an empty answer."""
    assert finder(world).between(0, NOW) == []


def test_a_mark_and_what_was_found_are_one() -> None:
    """The mark wins, and keeps what only the telemetry knows."""
    found = appearances(PLACE, [Stretch("1", 0, 9000), Stretch("2", START // 10**9, START // 10**9)])
    (one,) = merge([mark("2", 0.1, description="faster", author="ann")], found, same_ns=SAME)
    assert (one.source, one.author, one.previous_version) == (DeploymentSource.MARK, "ann", "1")
    assert one.description == "faster; seen in telemetry for the first time, 2025-11-20 00:50 UTC"


def test_a_mark_without_a_version_learns_it() -> None:
    """What was found nearest tells it."""
    found = appearances(PLACE, [Stretch("1", 0, 9000), Stretch("2", START // 10**9, START // 10**9)])
    assert brief(merge([mark("", 0.1)], found, same_ns=SAME)) == [(0.1, "2", "1")]


@pytest.mark.parametrize("other", [mark("3", 0), mark("2", 0.5), mark("2", 0, service="mail")])
def test_others_stay_apart(other: Deployment) -> None:
    """Another version, another service, or more than 15 minutes: two deployments."""
    found = appearances(PLACE, [Stretch("1", 0, 9000), Stretch("2", START // 10**9, START // 10**9)])
    assert len(merge([other], found, same_ns=SAME)) == 2


def test_the_same_told_twice_is_one() -> None:
    """A pipeline's start and GitHub's success are one deployment; a failure is news of its own."""
    begun, done = mark("2", 0, status=DeploymentStatus.STARTED), mark("2", 0.1)
    (one,) = merge([done, begun], [], same_ns=SAME)
    assert (one.at, one.status) == (START, DeploymentStatus.SUCCEEDED)
    assert len(merge([begun, mark("2", 0.1, status=DeploymentStatus.FAILED)], [], same_ns=SAME)) == 2


def test_all_deployments_newest_first(world: Era) -> None:
    """Marks and found ones together, within the range, as many as asked for."""
    world.send(*seen("1", *every(0, 3)), *seen("2", *every(3.25, 6)))
    marks = [mark("2", 3.3), mark("3", 5), mark("4", 30)]
    deployments = Deployments(finder(world), lambda start, end, _: [one for one in marks if start <= one.at < end])
    assert brief(deployments.newest(START, START + 24 * HOUR)) == [(5, "3", ""), (3.3, "2", "1")]
    assert brief(deployments.newest(START, START + 24 * HOUR, limit=1)) == [(5, "3", "")]
    with pytest.raises(InvalidInput, match="limit is 0"):
        deployments.newest(START, NOW, limit=0)


@settings(max_examples=200)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 60)), min_size=1, max_size=40))
def test_looking_closer_never_loses_a_deployment(sightings: list[tuple[str, int]]) -> None:
    """
    Where the first and last sightings of versions suffice, they tell of every version that came, as all sightings do.

    What only those tell is a version's return after a break in which hardly anything else was seen.
    """
    absent = 12
    by_version: dict[str, list[int]] = {}
    for version, at in sorted(sightings, key=lambda one: one[1]):
        by_version.setdefault(version, []).append(at * 300)
    rough = [Stretch(version, times[0], times[-1]) for version, times in by_version.items()]
    close = [stretch for version, times in by_version.items() for stretch in stretches(version, times, absent * 300)]
    if not needs_detail(rough, absent * 300):
        exact = {(one.at, one.version) for one in appearances(PLACE, close)}
        firsts = {(one.at, one.version) for one in appearances(PLACE, rough)}
        assert firsts <= exact
        assert all(at > by_version[version][0] * 10**9 for at, version in exact - firsts)


def stretches(version: str, times: list[int], absent_s: int) -> list[Stretch]:
    """A version's sightings cut where it was gone."""
    cut = [0, *(index for index in range(1, len(times)) if times[index] - times[index - 1] > absent_s), len(times)]
    return [Stretch(version, times[first], times[last - 1]) for first, last in pairwise(cut)]
