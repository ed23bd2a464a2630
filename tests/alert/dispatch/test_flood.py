"""Fifty thousand alerts at once: few notifications, each of bounded size, and work only for what is due."""

from __future__ import annotations

import pytest
from tests.alert.dispatch.story import CHANNELS, START_S, config

from tocsin.alert.dispatch.dispatcher import Dispatcher
from tocsin.alert.dispatch.flushing import SHOWN_MAX
from tocsin.alert.dispatch.kept import Kept
from tocsin.alert.dispatch.silencing import SilenceIndex
from tocsin.alert.routing.inhibition import InhibitRule
from tocsin.alert.routing.matchers import parse_matchers
from tocsin.alert.routing.tree import Route
from tocsin.model.alert import Alert, Silence
from tocsin.model.instant import NANOSECONDS
from tocsin.model.labels import Labels

COUNT = 50_000
NOW = START_S * NANOSECONDS
WAIT = 30 * NANOSECONDS
ROUTE = Route("{}", "team", group_by=frozenset({"service"}))


def flood(count: int = COUNT) -> list[Alert]:
    """Alerts of ten services."""
    return [
        Alert(Labels({"alertname": "Down", "service": f"s{number % 10}", "instance": f"host-{number}", "severity": "page"}), starts_at=NOW)
        for number in range(count)
    ]


@pytest.mark.slow
def test_a_flood_becomes_few_notifications() -> None:
    """One per group and channel, showing some alerts and counting the rest; when all is over, nothing is kept."""
    rule = InhibitRule(parse_matchers("severity=page"), parse_matchers("severity=ticket"), ("service",))
    dispatcher = Dispatcher(config(ROUTE, [rule]), channels_of=lambda _: CHANNELS)
    alerts = flood()
    assert len(dispatcher.put(alerts, NOW)) == COUNT
    assert dispatcher.plan(NOW) == []
    flushes = dispatcher.plan(NOW + WAIT)
    notifications = [told for flush in flushes for told in flush.notifications]
    assert len(flushes) == 10
    assert len(notifications) == 20
    assert {(len(told.alerts), told.truncated) for told in notifications} == {(SHOWN_MAX, COUNT // 10 - SHOWN_MAX)}
    for flush in flushes:
        dispatcher.commit(flush)
    assert dispatcher.put(alerts, NOW + 2 * WAIT) == []
    ended = [Alert(alert.labels, starts_at=NOW, ends_at=NOW + 3 * WAIT) for alert in alerts]
    assert len(dispatcher.put(ended, NOW + 3 * WAIT)) == COUNT
    flushes = dispatcher.plan(NOW + 600 * NANOSECONDS)
    assert len([told for flush in flushes for told in flush.notifications]) == 10
    for flush in flushes:
        dispatcher.commit(flush)
    counts = dispatcher.statistics()
    assert (counts.alerts, counts.groups, counts.notifications) == (0, 0, 30)
    assert dispatcher.next_at() is None


@pytest.mark.slow
def test_only_what_is_due_is_looked_at() -> None:
    """Of twenty thousand groups, one that is due costs one look at one alert's silences; a plan takes no more than it was asked for."""
    dispatcher = Dispatcher(config(Route("{}", "team", group_by_all=True)), channels_of=lambda _: CHANNELS)
    dispatcher.put(flood(20_000), NOW)
    late = Alert(Labels({"alertname": "Late"}), starts_at=NOW - 2 * WAIT)
    dispatcher.put([late], NOW + NANOSECONDS)
    looks = 0

    class CountingIndex(SilenceIndex):
        def holding(self, kept: Kept, now: int) -> tuple[str, ...]:
            nonlocal looks
            looks += 1
            return super().holding(kept, now)

    dispatcher._silences = CountingIndex()
    assert [flush.group_key for flush in dispatcher.plan(NOW + NANOSECONDS)] == ['{}:{alertname="Late"}']
    assert looks == 1
    assert len(dispatcher.plan(NOW + WAIT, groups_max=100)) == 100
    assert looks == 101


@pytest.mark.slow
def test_many_silences_are_not_held_against_every_alert() -> None:
    """A thousand silences and twenty thousand alerts: an alert is held against those alone that name a value that it has."""
    held = 0

    class CountingSilence(Silence):
        def matches(self, labels: Labels) -> bool:
            nonlocal held
            held += 1
            return super().matches(labels)

    silences = [
        CountingSilence(f"s{number}", parse_matchers(f'instance="host-{number}",service=~"s.*"'), 0, 2**62, "ana", "known")
        for number in range(900)
    ]
    silences += [
        CountingSilence(f"n{number}", parse_matchers(f'alertname=~"Other{number}|Never.*"'), 0, 2**62, "ana", "known")
        for number in range(100)
    ]
    dispatcher = Dispatcher(config(ROUTE), channels_of=lambda _: CHANNELS)
    dispatcher.set_silences(silences)
    dispatcher.put(flood(20_000), NOW)
    quiet = [flush.notifications[0].quiet.get("silenced", 0) for flush in dispatcher.plan(NOW + WAIT)]
    assert sum(quiet) == 900
    assert held == 900
