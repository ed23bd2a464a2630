"""Silences by Alertmanager's rules."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.alert.pipeline.builders import MINUTE, START, VirtualClock
from tests.state.alert_builders import alert
from tests.state.prepared import open_state

from tocsin.alert.desk_records import SilenceDraft, SilenceState
from tocsin.alert.silencing import Silencing
from tocsin.clock import SeededEntropy
from tocsin.errors import Conflict, InvalidInput, NotFound
from tocsin.model.instant import INSTANT_MAX
from tocsin.model.series import Matcher, MatchOperator
from tocsin.state.state import State

CHECKOUT = Matcher("service", MatchOperator.EQUAL, "checkout")
DRAFT = SilenceDraft((CHECKOUT,), START + 10 * MINUTE, "ada", "planned upgrade")


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    """Empty."""
    with open_state(tmp_path) as opened:
        yield opened


@pytest.fixture
def clock() -> VirtualClock:
    """Stands at START."""
    return VirtualClock()


@pytest.fixture
def changes() -> list[int]:
    """Grows with every change."""
    return []


@pytest.fixture
def silencing(state: State, clock: VirtualClock, changes: list[int]) -> Silencing:
    """With one alert about checkout."""
    return Silencing(state.alerting.silences, lambda: [alert()], lambda: changes.append(1), clock=clock, entropy=SeededEntropy(1))


def test_a_silence_begins_runs_and_ends(silencing: Silencing, clock: VirtualClock, changes: list[int]) -> None:
    """Its id is a UUID; it says which alerts it keeps quiet; when it is over it is kept, and can't end again."""
    id_ = silencing.put(replace(DRAFT, starts_at=START + MINUTE))
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", id_)
    assert (silencing.get(id_).state, silencing.get(id_).alerts) == (SilenceState.PENDING, ())
    clock.advance(minutes=2)
    assert (silencing.get(id_).state, silencing.get(id_).alerts) == (SilenceState.ACTIVE, (alert().fingerprint,))
    silencing.expire(id_, "bob")
    assert silencing.get(id_).state is SilenceState.EXPIRED
    assert silencing.list(expired=False) == []
    with pytest.raises(Conflict):
        silencing.expire(id_)
    assert len(changes) == 2


def test_a_later_end_is_a_change_and_other_matchers_are_a_new_silence(silencing: Silencing, clock: VirtualClock) -> None:
    """A running one keeps its start; whoever changes its matchers ends it; an ended one is entered anew."""
    first = silencing.put(DRAFT)
    clock.advance(minutes=1)
    assert silencing.put(replace(DRAFT, id=first, ends_at=START + 20 * MINUTE, starts_at=START)) == first
    changed = silencing.get(first).silence
    assert (changed.starts_at, changed.ends_at, changed.updated_at) == (START, START + 20 * MINUTE, clock.now)
    other = (*DRAFT.matchers, Matcher("alertname", MatchOperator.NOT_EQUAL, "x"))
    second = silencing.put(replace(DRAFT, id=first, matchers=other))
    assert second != first
    assert (silencing.get(first).state, silencing.get(second).state) == (SilenceState.EXPIRED, SilenceState.ACTIVE)
    third = silencing.put(replace(DRAFT, id=first))
    assert third not in {first, second}
    assert [view.silence.id for view in silencing.list()][-1] == first


def test_a_silence_that_has_not_begun_may_begin_at_another_time(silencing: Silencing, clock: VirtualClock) -> None:
    """It keeps its id as long as it still lies ahead; one that runs and is to begin later ends, and a new one waits."""
    first = silencing.put(replace(DRAFT, starts_at=START + 5 * MINUTE))
    assert silencing.put(replace(DRAFT, id=first, starts_at=START + 2 * MINUTE)) == first
    assert silencing.get(first).silence.starts_at == START + 2 * MINUTE
    clock.advance(minutes=3)
    assert silencing.put(replace(DRAFT, id=first, starts_at=START + 5 * MINUTE)) != first


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"matchers": ()}, "0 matchers; expected 1"),
        ({"matchers": (Matcher("", MatchOperator.EQUAL, "x"),)}, "'' is no name of a label"),
        ({"matchers": (Matcher("a", MatchOperator.REGEX, "("),)}, "a: "),
        ({"matchers": (Matcher("a", MatchOperator.REGEX, ".*"), Matcher("b", MatchOperator.NOT_EQUAL, "x"))}, "almost everything"),
        ({"ends_at": START}, "which is past"),
        ({"ends_at": START + MINUTE, "starts_at": START + 2 * MINUTE}, "not after it starts"),
        ({"ends_at": INSTANT_MAX + 1}, "can't be held"),
        ({"author": " ", "comment": ""}, "no author: .* no comment"),
        ({"comment": "x" * 9000}, "longer than"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(silencing: Silencing, wrong: dict[str, object], words: str) -> None:
    """Nothing is kept then."""
    with pytest.raises(InvalidInput, match=words):
        silencing.put(replace(DRAFT, **wrong))  # type: ignore[arg-type]  # what is wrong may be anything
    assert silencing.list() == []


def test_everything_that_is_wrong_is_said_at_once(silencing: Silencing) -> None:
    """One answer for four mistakes."""
    with pytest.raises(InvalidInput) as caught:
        silencing.put(SilenceDraft((), START, "", ""))
    assert str(caught.value).count(";") == 4
    with pytest.raises(NotFound):
        silencing.put(replace(DRAFT, id="not there"))


def test_silences_are_found_by_their_matchers(silencing: Silencing) -> None:
    """By the label and the value that they silence; those in force come first."""
    cart = Matcher("service", MatchOperator.EQUAL, "cart")
    first, second = silencing.put(DRAFT), silencing.put(replace(DRAFT, matchers=(cart,), starts_at=START + MINUTE))
    assert [(view.silence.id, view.alerts) for view in silencing.list()] == [(first, ()), (second, ())]
    assert [view.alerts for view in silencing.list(with_alerts=True)] == [(alert().fingerprint,), ()]
    assert [view.silence.id for view in silencing.list([cart])] == [second]
    assert [view.silence.id for view in silencing.list([Matcher("service", MatchOperator.REGEX, "c.*t")])] == [first, second]
    assert silencing.list([Matcher("team", MatchOperator.EQUAL, "x")]) == []
