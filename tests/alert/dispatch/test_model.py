"""Dispatching against a model that keeps everything in plain lists and looks at all of it at every tick, with restarts in between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.alert.dispatch.story import CHANNELS, START_S, Story, config

from tocsin.alert.routing.inhibition import InhibitRule
from tocsin.alert.routing.matchers import parse_matchers
from tocsin.alert.routing.tree import Route
from tocsin.model.alert import Silence
from tocsin.model.instant import NANOSECONDS
from tocsin.model.notification import NotificationReason

NEVER_S = float("inf")
WAIT_S, INTERVAL_S, REPEAT_S, TICK_S = 10, 20, 60, 5
ROUTE = Route(
    "{}",
    "team",
    group_by=frozenset({"g"}),
    group_wait_s=float(WAIT_S),
    group_interval_s=float(INTERVAL_S),
    repeat_interval_s=float(REPEAT_S),
)
RULE = InhibitRule(parse_matchers('i="0"'), parse_matchers('i="1"'), ("g",))
ALERTS = [("a", "0"), ("a", "1"), ("a", "2"), ("b", "2")]

Name = tuple[str, str]
Told = tuple[float, str, str, NotificationReason, tuple[str, ...], tuple[str, ...]]


@dataclass
class Channel:
    """What the model knows of a channel of a group."""

    firing: set[str] = field(default_factory=set)
    ended: set[str] = field(default_factory=set)
    at_s: float = 0.0


@dataclass
class Model:
    """The rules, said once more and as simply as they can be."""

    fires: dict[Name, bool] = field(default_factory=dict)
    ends_s: dict[Name, float] = field(default_factory=dict)
    members: dict[str, set[str]] = field(default_factory=dict)
    next_s: dict[str, float] = field(default_factory=dict)
    channels: dict[tuple[str, str], Channel] = field(default_factory=dict)
    silenced: set[Name] = field(default_factory=set)
    flushed: set[str] = field(default_factory=set)
    told: list[Told] = field(default_factory=list)

    def fire(self, name: Name, now_s: float, ends_in_s: float | None, since_s: float) -> None:
        """An alert is said to fire."""
        group, i = name
        if not self.fires.get(name):
            if group not in self.members:
                self.members[group] = set()
                self.next_s[group] = now_s + WAIT_S
            if since_s >= WAIT_S and group not in self.flushed:
                self.next_s[group] = min(self.next_s[group], now_s)
            self.members[group].add(i)
        before_s = self.ends_s[name] if self.fires.get(name) else 0.0
        self.fires[name] = True
        end_s = NEVER_S if ends_in_s is None else now_s + ends_in_s
        self.ends_s[name] = end_s if NEVER_S in {before_s, end_s} else max(before_s, end_s)

    def resolve(self, name: Name) -> None:
        """An alert is said to have ended."""
        self.fires[name] = False

    def tick(self, now_s: float) -> None:
        """Do what is due."""
        for name, end_s in self.ends_s.items():
            if end_s <= now_s:
                self.fires[name] = False
        for group in [*self.members]:
            if self.next_s[group] <= now_s:
                self._flush(group, now_s)

    def _flush(self, group: str, now_s: float) -> None:
        self.flushed.add(group)
        self.next_s[group] = now_s + INTERVAL_S
        loud = {i for i in self.members[group] if (group, i) not in self.silenced and not (i == "1" and self.fires.get((group, "0")))}
        firing = {i for i in loud if self.fires[group, i]}
        over = {i for i in self.members[group] if not self.fires[group, i]}
        for info in CHANNELS:
            before = self.channels.get((group, info.name))
            ended = (loud - firing) & (before.firing | before.ended if before else set())
            reason = self._why(before, firing, ended, now_s, send_resolved=info.send_resolved) if firing or loud - firing else None
            if reason:
                if firing or info.send_resolved:
                    shown = tuple(sorted(ended)) if info.send_resolved else ()
                    self.told.append((now_s, group, info.name, reason, tuple(sorted(firing)), shown))
                self.channels[group, info.name] = Channel(set(firing), ended, now_s)
            if (group, info.name) in self.channels:
                self.channels[group, info.name].firing -= over
        self.members[group] -= over
        if not self.members[group]:
            del self.members[group], self.next_s[group]
            self.flushed.discard(group)
            for info in CHANNELS:
                self.channels.pop((group, info.name), None)

    @staticmethod
    def _why(before: Channel | None, firing: set[str], ended: set[str], now_s: float, *, send_resolved: bool) -> NotificationReason | None:
        if before is None:
            return NotificationReason.FIRST if firing else None
        if firing - before.firing:
            return NotificationReason.NEW_ALERTS
        if not firing:
            return NotificationReason.ALL_RESOLVED if before.firing and ended else None
        if send_resolved and ended - before.ended:
            return NotificationReason.NEW_RESOLVED
        return NotificationReason.REPEAT if now_s - before.at_s >= REPEAT_S else None


fires = st.tuples(
    st.just("fire"), st.sampled_from(ALERTS), st.sampled_from([None, None, None, 12.0, 43.0]), st.sampled_from([0.0, 0.0, 0.0, 10.0, 15.0])
)
resolves = st.tuples(st.just("resolve"), st.sampled_from(ALERTS))
silencings = st.tuples(st.just("silence"), st.sets(st.sampled_from(ALERTS), max_size=2))
actions = st.one_of(fires, fires, fires, resolves, resolves, silencings, st.tuples(st.just("restart")))
# Most of what can go wrong needs a flush between two actions.
steps = st.lists(st.tuples(actions, st.tuples(st.just("tick"), st.sampled_from([0, 0, 1, 4, 5]))), min_size=4, max_size=24).map(
    lambda pairs: [step for pair in pairs for step in pair]
)


def silences(names: Sequence[Name]) -> list[Silence]:
    """One silence for each alert."""
    return [Silence(f"{g}{i}", parse_matchers(f'g="{g}",i="{i}"'), 0, 2**62, "ana", "") for g, i in names]


def told_by(story: Story) -> list[Told]:
    """What a story told, as the model says it."""
    return [
        (
            told.created_at / NANOSECONDS,
            told.group_labels.get("g"),
            told.channel,
            told.reason,
            tuple(sorted(alert.labels.get("i") for alert in told.firing)),
            tuple(sorted(alert.labels.get("i") for alert in told.resolved)),
        )
        for told in story.told
    ]


@settings(max_examples=200, deadline=None)
@given(steps)
def test_it_tells_what_the_model_tells_through_every_restart(script: list[tuple[object, ...]]) -> None:
    """Whatever fires, ends and is silenced when: channels hear what the model says, and a restart at any point changes nothing."""
    model = Model()
    plain, restarted = (Story(config(ROUTE, [RULE]), channels=CHANNELS) for _ in range(2))
    for step in [*script, ("tick", 20)]:
        match step:
            case ("fire", (str(g), str(i)), ends_s, float(since_s)):
                assert ends_s is None or isinstance(ends_s, float)
                for story in (plain, restarted):
                    story.fire(since_s=since_s, ends_s=ends_s, g=g, i=i)
                model.fire((g, i), plain.now_s, ends_s, since_s)
            case ("resolve", (str(g), str(i))):
                for story in (plain, restarted):
                    story.resolve(g=g, i=i)
                model.resolve((g, i))
            case ("silence", set() as names):
                for story in (plain, restarted):
                    story.silence(*silences(sorted(names)))
                model.silenced = set(names)
            case ("tick", int(count)):
                for _ in range(count):
                    for story in (plain, restarted):
                        story.advance(TICK_S, step_s=TICK_S)
                    model.tick(plain.now_s)
            case _:
                restarted.restart(guarded=False)
    assert told_key(told_by(plain)) == told_key(model.told)
    assert told_key(told_by(restarted)) == told_key(told_by(plain))
    assert {told.key for told in restarted.told} == {told.key for told in plain.told}
    assert len({told.key for told in plain.told}) == len(plain.told)
    assert [(event.at, event.kind, event.labels) for event in plain.events] == [
        (event.at, event.kind, event.labels) for event in restarted.events
    ]


def told_key(told: list[Told]) -> list[tuple[float, str, str, str, tuple[str, ...], tuple[str, ...]]]:
    """In one order, whichever of two groups that were due together went first."""
    return sorted((at_s - START_S, group, channel, reason.value, firing, ended) for at_s, group, channel, reason, firing, ended in told)


@settings(max_examples=100, deadline=None)
@given(steps, st.integers(0, 40))
def test_everything_that_fires_is_told_in_time_and_nothing_without_a_reason(script: list[tuple[object, ...]], moment: int) -> None:
    """An alert that goes on firing is told within group_wait and group_interval, and not twice within an interval."""
    story = Story(config(ROUTE), channels=CHANNELS)
    for step in script[:moment]:
        match step:
            case ("fire", (str(g), str(i)), _, float(since_s)):
                story.fire(since_s=since_s, g=g, i=i)
            case ("resolve", (str(g), str(i))):
                story.resolve(g=g, i=i)
            case ("tick", int(count)):
                story.advance(count * TICK_S, step_s=TICK_S)
            case _:
                story.restart(guarded=False)
    story.fire(g="a", i="9")
    began_s = story.now_s
    told = story.advance(WAIT_S + INTERVAL_S + TICK_S, step_s=TICK_S)
    assert {each.channel for each in told for alert in each.firing if alert.labels.get("i") == "9"} == {info.name for info in CHANNELS}
    assert all(each.created_at >= began_s * NANOSECONDS for each in told)
    again = story.advance(REPEAT_S * 3, step_s=TICK_S)
    times = [each.created_at for each in told + again if each.channel == "webhook/0" and each.group_labels.get("g") == "a"]
    assert all(later - earlier >= INTERVAL_S * NANOSECONDS for earlier, later in pairwise(times))
    assert any(each.reason is NotificationReason.REPEAT for each in again)
