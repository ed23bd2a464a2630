"""Security signals: failures per client, what is unusual for one, and how often chance alone says so."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from pydantic import ValidationError
from tests.query.conftest import open_world
from tests.query.eras import Era
from tests.query.telemetry import MINUTE, NOW, LogLine, SpanLine, World

from tocsin.clock import ReplayClock
from tocsin.errors import InvalidInput
from tocsin.model.signals import Flag
from tocsin.model.usage import ClientSignals, SecuritySignals
from tocsin.query.reading import Reading
from tocsin.query.usage.options import SecurityOptions
from tocsin.query.usage.security import SecurityQuestions, _Client, _Judge

HOUR = 60 * MINUTE
DAY = 24 * HOUR
START = NOW - HOUR


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A store for all tests of this module."""
    yield from open_world(tmp_path_factory.mktemp("eras"))


@pytest.fixture
def world(shared: World) -> Era:
    """A time of one's own in it."""
    return Era(shared)


def asked(world: Era, **options: object) -> SecuritySignals:
    """The last hour."""
    questions = SecurityQuestions(Reading(world.world.store.engine, ReplayClock(NOW, speed=0)), SecurityOptions(**options))  # type: ignore[arg-type]
    return questions.signals(START - world.before_ns, NOW - world.before_ns)


def requests(
    client: str, count: int, *, days_ago: int = 0, status: str = "200", key: str = "client.address", route: str = "/"
) -> list[SpanLine]:
    """Requests of a client, spread over the hour."""
    return [
        SpanLine("GET", trace=f"{number + 1:x}", at=START - days_ago * DAY + number * (HOUR // max(count, 1)), kind="server",
                 attributes={key: client, "http.response.status_code": status, "http.route": route.format(number)})
        for number in range(count)
    ]  # fmt: skip


def past(client: str, count: int, days: int = 7) -> list[SpanLine]:
    """The same hour of past days."""
    return [line for day in range(1, days + 1) for line in requests(client, count + day % 3, days_ago=day)]


def of(found: SecuritySignals, client: str) -> ClientSignals:
    """One client's signals."""
    return next(one for one in found.signals if one.client == client)


def test_a_client_as_always_is_all_right(world: Era) -> None:
    """Nothing is flagged, and the report says what it rests on."""
    world.send(*past("10.0.0.1", 40), *requests("10.0.0.1", 44))
    found = asked(world)
    assert (found.flag, found.clients, found.failures, found.days, found.days_asked) == (Flag.OK, 1, 0, 7, 7)
    (measure, _) = of(found, "10.0.0.1").measures
    assert (measure.name, measure.count, round(measure.expected or 0)) == ("requests", 44, 41)
    assert "nothing unusual" in found.sentence


def test_far_more_than_its_own_past_is_unusual(world: Era) -> None:
    """A known client with ten times its requests; its neighbours stay all right."""
    world.send(*past("10.0.0.1", 40), *past("10.0.0.2", 40), *requests("10.0.0.1", 400), *requests("10.0.0.2", 40))
    found = asked(world)
    assert (found.flag, of(found, "10.0.0.1").flag, of(found, "10.0.0.2").flag) == (Flag.BREACH, Flag.BREACH, Flag.OK)
    assert "400 requests against 41.0 expected of it at this hour" in of(found, "10.0.0.1").reason
    assert found.signals[0].client == "10.0.0.1"


def test_a_new_client_is_held_against_all(world: Era) -> None:
    """Who was never seen is judged by what clients do, by number of routes too: a scan."""
    usual = [line for number in range(1, 9) for line in past(f"10.0.0.{number}", 30, days=4)]
    world.send(*usual, *requests("10.9.9.9", 31), *requests("10.6.6.6", 900, route="/r{}"))
    found = asked(world)
    assert of(found, "10.9.9.9").flag is Flag.OK
    scan = of(found, "10.6.6.6")
    assert (scan.known, scan.flag) == (False, Flag.BREACH)
    assert "usual for a client at this hour; it was not seen before" in scan.reason
    assert {one.name: one.flag for one in scan.measures} == {"requests": Flag.BREACH, "routes": Flag.BREACH}


def test_failures_have_limits_of_their_own(world: Era) -> None:
    """Without any past, so many refusals an hour are too many; forms of refusal are all known."""
    grpc = [SpanLine("call", trace=f"f{number}", at=START, kind="server", attributes={"user.id": "eve", "rpc.grpc.status_code": 16})
            for number in range(30)]  # fmt: skip
    world.send(*requests("1.1.1.1", 150, status="401"), *requests("2.2.2.2", 150), *requests("3.3.3.3", 19, status="403"), *grpc)
    found = asked(world)
    flags = {one.client: one.flag for one in found.signals}
    assert flags == {"1.1.1.1": Flag.BREACH, "2.2.2.2": Flag.OK, "3.3.3.3": Flag.OK, "eve": Flag.WARN}
    assert found.failures == 199
    assert "150 refused requests, 100 an hour are allowed" in of(found, "1.1.1.1").reason


def test_logs_tell_of_failed_logins(world: Era) -> None:
    """Log records that match the configured query count for the client that they name."""
    lines = [LogLine("Login failed for root", at=START + number, attributes={"client.address": "6.6.6.6"}) for number in range(25)]
    world.send(*lines, LogLine("login fine", at=START, attributes={"client.address": "6.6.6.6"}))
    found = asked(world)
    (signals,) = found.signals
    assert (signals.client, signals.flag, signals.measures[0].name, signals.measures[0].count) == (
        "6.6.6.6",
        Flag.WARN,
        "failed_events",
        25,
    )
    assert asked(world, failed_events="").flag is Flag.NO_DATA


def test_nothing_seen_is_no_data(world: Era) -> None:
    """An empty store is not all right, it is unknown; and a range has at most a day."""
    assert asked(world).flag is Flag.NO_DATA
    questions = SecurityQuestions(Reading(world.world.store.engine, ReplayClock(NOW, speed=0)))
    for start, end in ((NOW - 2 * DAY, NOW), (NOW, NOW)):
        with pytest.raises(InvalidInput, match="at most a day"):
            questions.signals(start, end)


def test_a_wrong_query_is_refused_with_the_options() -> None:
    """Before anything starts."""
    with pytest.raises(ValidationError, match="expected a query over log records"):
        SecurityOptions(failed_events="a AND (")


@pytest.mark.parametrize("scatter", [0.0, 0.1, 0.5])
def test_chance_alone_flags_no_more_than_stated(scatter: float) -> None:
    """Clients that behave as always, chance and habit aside: the share of reports with a false flag stays below the stated rate."""
    chance = random.Random(7)
    options = SecurityOptions(count_min=1, times_min=1, failures_warn=10**9, failures_breach=10**9)
    flagged = 0
    reports = 80
    for _ in range(reports):
        clients = [_Client("k", f"c{number}") for number in range(15)]
        for number, client in enumerate(clients):
            mean = 5 * 1.4**number
            client.counts["requests"] = {day: drawn(chance, mean, scatter) for day in range(8)}
        judge = _Judge(options, range(1, 8), clients, len(clients), 1.0)
        flagged += any(judge.client(client).flag is not Flag.OK for client in clients)
    assert flagged / reports <= options.warn_rate * 1.5


def drawn(chance: random.Random, mean: float, scatter: float) -> int:
    """A count with that mean, whose own mean scatters from day to day; by the normal approximation where it is large."""
    of_day = chance.gammavariate(1 / scatter, mean * scatter) if scatter else mean
    if of_day > 30:
        return max(0, round(chance.gauss(of_day, of_day**0.5)))
    count, left = 0, chance.expovariate(1)
    while left < of_day:
        count, left = count + 1, left + chance.expovariate(1)
    return count
