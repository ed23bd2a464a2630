"""Log patterns: mined from what is stored, named for ever, and right."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from tests.query.telemetry import MINUTE, NOW, SECOND, LogLine, World

from tocsin.clock import ReplayClock
from tocsin.query.fields import parse_log_query
from tocsin.query.patterns.catalogue import Catalogue
from tocsin.query.patterns.keeper import PatternKeeper
from tocsin.query.patterns.patterns import PatternQuestions
from tocsin.query.reading import Reading
from tocsin.store.log_shapes import read_shapes, shapes
from tocsin.store.read_range import Within
from tocsin.store.sql import ParameterNames, Sql
from tocsin.testing.labelled_logs import OTHER_STATEMENTS, STATEMENTS, grouping_accuracy, labelled_lines

CLOCK = ReplayClock(NOW, speed=0)
HOUR = Within(NOW - 60 * MINUTE, NOW + MINUTE)


class Mine:
    """A world with its miner."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.engine = world.store.engine
        self.catalogue = Catalogue(self.engine, CLOCK)
        self.keeper = PatternKeeper(self.engine, self.catalogue, CLOCK)
        self.questions = PatternQuestions(Reading(self.engine, CLOCK), self.catalogue)

    def templates(self, query: str = "", **more: str) -> list[str]:
        """Templates of the hour, the commonest first."""
        return [one.template for one in self.questions.patterns(query, HOUR, **more).patterns]  # type: ignore[arg-type]


@pytest.fixture
def mine(world: World) -> Mine:
    """An empty store and its miner."""
    return Mine(world)


def test_what_varies_is_masked_and_counted(mine: Mine) -> None:
    """Numbers, ids, addresses and quoted texts don't make a kind of record."""
    mine.world.send(
        *(LogLine(f"charge for order {n} failed after {n}.5 ms from 10.0.0.{n}", at=NOW - n * SECOND, level=17) for n in range(1, 8))
    )
    mine.world.send(LogLine("started", at=NOW))
    mine.keeper.mine(HOUR)
    answer = mine.questions.patterns("", HOUR)
    assert [(one.template, one.count, one.severity) for one in answer.patterns] == [
        ("charge for order <*> failed after <*> ms from <*>", 7, 17),
        ("started", 1, 9),
    ]
    assert answer.patterns[0].first_seen == NOW - 7 * SECOND
    assert answer.patterns[0].last_seen == NOW - SECOND
    assert answer.covered == pytest.approx(1.0)


def test_words_that_vary_become_one_pattern(mine: Mine) -> None:
    """Four users who log in are one pattern; two outcomes are two."""
    for name in ("ada", "grace", "alan", "barbara", "edsger"):
        mine.world.send(LogLine(f"user {name} logged in"), LogLine(f"{name} bought tea"))
    mine.world.send(LogLine("order is paid"), LogLine("order is declined"))
    mine.keeper.mine(HOUR)
    assert set(mine.templates()) == {"user <*> logged in", "<*> bought tea", "order is paid", "order is declined"}


def test_a_pattern_keeps_its_name_and_its_first_day(mine: Mine) -> None:
    """A restart, and a template that becomes more general, change neither."""
    mine.world.send(LogLine("cannot reach cache one", at=NOW - 10 * MINUTE))
    mine.keeper.mine(HOUR)
    (before,) = mine.questions.patterns("", HOUR).patterns
    mine.world.send(*(LogLine(f"cannot reach cache {which}", at=NOW) for which in ("two", "three", "four", "five")))
    again = Mine(mine.world)
    again.keeper.mine(HOUR)
    (after,) = again.questions.patterns("", HOUR).patterns
    assert (after.id, after.first_seen) == (before.id, before.first_seen)
    assert after.template == "cannot reach cache <*>"


def test_only_what_is_new_is_new(mine: Mine) -> None:
    """A kind that was seen an hour before is not, one whose first record lies in the window is; a query narrows it."""
    mine.world.send(LogLine("old trouble 1", at=NOW - 50 * MINUTE, level=17), LogLine("old trouble 2", at=NOW, level=17))
    mine.world.send(LogLine("quite another failure 3", at=NOW - MINUTE, level=17), LogLine("a new greeting here", at=NOW - MINUTE))
    mine.keeper.mine(HOUR)
    found = mine.questions.new_between(parse_log_query("severity:error"), NOW - 5 * MINUTE, NOW + SECOND)
    assert [one.template for one in found] == ["quite another failure <*>"]
    assert mine.templates(order="new")[-1] == "old trouble <*>"


def test_patterns_of_other_services_are_others(mine: Mine) -> None:
    """The same words of two services are two patterns, and a service is asked for by name."""
    mine.world.send(LogLine("ready", service="a"), LogLine("ready", service="b"))
    mine.keeper.mine(HOUR)
    assert len(mine.questions.patterns("", HOUR).patterns) == 2
    assert [one.service for one in mine.questions.patterns("", HOUR, service="b").patterns] == ["b"]


def test_what_was_not_mined_yet_is_listed_all_the_same(mine: Mine) -> None:
    """A record that came a moment ago has a shape, if no name yet."""
    mine.world.send(LogLine("something 1"))
    (one,) = mine.questions.patterns("", HOUR).patterns
    assert (one.template, one.first_seen) == ("something <*>", None)


@pytest.mark.parametrize("body", ["", " ", "\n\n", "<*>", "x" * 100_000, "\u202e\u0000 x", "a " * 5_000, 7.5])
def test_any_body_has_a_shape(mine: Mine, body: object) -> None:
    """Empty, huge, structured or strange: it is mined, and found again."""
    mine.world.send(LogLine(body), LogLine("beside it"))
    mine.keeper.mine(HOUR)
    assert sum(one.count for one in mine.questions.patterns("", HOUR).patterns) == 2


@pytest.mark.parametrize(("statements", "least"), [(STATEMENTS, 0.98), (OTHER_STATEMENTS, 0.9)], ids=["known", "never seen"])
def test_grouping_is_right_on_labelled_sets(mine: Mine, statements: Mapping[str, tuple[str, ...]], least: float) -> None:
    """Nearly all lines lie in exactly the pattern that their statement makes, nine of ten where thresholds never saw the statements."""
    labelled = labelled_lines(4_000, statements=statements)
    mine.world.send(*(LogLine(line.text, service=line.service, at=NOW - number * 1000) for number, line in enumerate(labelled)))
    mine.keeper.mine(HOUR)
    lines = {line.text.partition("\n")[0][:400]: line for line in labelled}
    found = read_shapes(mine.engine, shapes(Sql("1"), HOUR, one_in=1, limit=100_000, names=ParameterNames()))
    assert found
    pairs = []
    for shape in found:
        cluster = mine.catalogue.find(shape.service, shape.text)
        assert cluster is not None
        pairs += [(lines[shape.example].label, f"{shape.service}/{cluster.id}")] * round(shape.count)
    accuracy = grouping_accuracy(pairs)
    assert accuracy >= least, accuracy
