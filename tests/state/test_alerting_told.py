"""Nothing that was decided is dropped without a word, whatever arrives, fails and is replaced in whatever order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.state.alert_builders import alert, attempt, notification
from tests.state.builders import MINUTE, NOW

from tocsin.model.notification import DeliveryState
from tocsin.state.options import StateOptions
from tocsin.state.state import State

NAMES = ("A", "B", "C")
GROUPS = count()

# What happens next: a notification about some alerts, of which some have ended; an attempt that fails; one that arrives.
SAYS = st.tuples(st.just("say"), st.sets(st.sampled_from(NAMES), min_size=1), st.sets(st.sampled_from(NAMES)))
TRIES = st.sampled_from(["fail", "arrive"]).map(lambda what: (what, set[str](), set[str]()))


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[State]:
    """One for all examples; each has a group of its own."""
    folder: Path = tmp_path_factory.mktemp("told")
    with State.open(folder, StateOptions()) as opened:
        yield opened


@settings(max_examples=30)
@given(st.lists(st.one_of(SAYS, TRIES), min_size=1, max_size=12))
def test_every_alert_that_was_decided_is_told_or_named(state: State, story: list[tuple[str, set[str], set[str]]]) -> None:
    """Of one lane at most one waits, and once that arrives, each alert that was ever to be told stands in something that arrived."""
    group = f"group {next(GROUPS)}"
    said: set[str] = set()
    for number, (what, names, ended) in enumerate(story):
        at = NOW + number * MINUTE
        if what == "say":
            alerts = tuple(alert(name, ends_at=at if name in ended else None) for name in sorted(names))
            state.alerting.enqueue([notification(f"{group} {number}", group_key=group, created_at=at, alerts=alerts)])
            said |= names
        else:
            _try(state, group, at, arrives=what == "arrive")
        pending = state.alerting.outbox.entries(group_key=group, state=DeliveryState.PENDING)
        assert len(pending) <= 1
    _try(state, group, NOW + len(story) * MINUTE, arrives=True)
    entries = state.alerting.outbox.entries(group_key=group)
    assert {entry.state for entry in entries} <= {DeliveryState.DELIVERED, DeliveryState.SUPERSEDED}
    arrived = [entry.notification for entry in entries if entry.state is DeliveryState.DELIVERED]
    told = {each.name for one in arrived for each in one.alerts}
    named = {name for one in arrived for name in NAMES if f"{name} fired at" in one.note}
    assert said == told | named
    replaced = {entry.notification.key for entry in entries if entry.state is DeliveryState.SUPERSEDED}
    assert sum(one.untold for one in arrived) == len(replaced)


def _try(state: State, group: str, at: int, *, arrives: bool) -> None:
    for entry in state.alerting.outbox.entries(group_key=group, state=DeliveryState.PENDING):
        tried = replace(attempt(entry.notification.key), at=at, outcome="delivered" if arrives else "failed")
        state.alerting.outbox.record(tried, DeliveryState.DELIVERED if arrives else DeliveryState.PENDING, at + 1)
