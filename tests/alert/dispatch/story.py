"""A dispatcher on a virtual clock, for stories: alerts fire, resolve, and channels hear of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tocsin.alert.dispatch.dispatcher import Dispatcher
from tocsin.alert.dispatch.state import GroupState
from tocsin.alert.routing.config import AlertingConfig
from tocsin.alert.routing.inhibition import InhibitRule
from tocsin.alert.routing.intervals import TimeInterval
from tocsin.alert.routing.receivers import ChannelInfo, Receiver
from tocsin.alert.routing.tree import Route
from tocsin.model.alert import Alert, AlertEvent, Silence
from tocsin.model.instant import NANOSECONDS
from tocsin.model.labels import Labels
from tocsin.model.notification import Notification

START_S = 1_800_000_000
CHANNELS = (ChannelInfo("webhook/0", send_resolved=True), ChannelInfo("slack/0", send_resolved=False))


def config(
    route: Route, rules: Sequence[InhibitRule] = (), intervals: Sequence[TimeInterval] = (), receivers: Sequence[str] = ()
) -> AlertingConfig:
    """A configuration with one route tree; receivers are those that the routes name."""
    names = [*dict.fromkeys([*(each.receiver for each in route.walk()), *receivers])]
    return AlertingConfig(route, {name: Receiver(name) for name in names}, tuple(rules), {each.name: each for each in intervals})


@dataclass
class Story:
    """
    A dispatcher with a clock in seconds, and what its channels were told.

    Args:
        config: Routes and the rest.
        channels: Of every receiver.
        start_delay_s: As the dispatcher's.
    """

    config: AlertingConfig
    channels: Sequence[ChannelInfo] = CHANNELS[:1]
    start_delay_s: float = 60.0
    now_s: float = START_S
    told: list[Notification] = field(default_factory=list)
    events: list[AlertEvent] = field(default_factory=list)
    states: dict[str, GroupState] = field(default_factory=dict)
    stored: dict[str, Alert] = field(default_factory=dict)
    silences: list[Silence] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.dispatcher = self._new()

    @property
    def now(self) -> int:
        """The present, nanoseconds."""
        return round(self.now_s * NANOSECONDS)

    def fire(self, since_s: float | None = None, ends_s: float | None = None, **labels: str) -> None:
        """Say an alert that fires, since now unless said otherwise; `ends_s`: seconds from now when it ends by itself."""
        starts_at = self.now if since_s is None else round((self.now_s - since_s) * NANOSECONDS)
        ends_at = None if ends_s is None else self.now + round(ends_s * NANOSECONDS)
        self.say(Alert(Labels(labels), starts_at=starts_at, ends_at=ends_at))

    def resolve(self, **labels: str) -> None:
        """Say that an alert has ended."""
        self.say(Alert(Labels(labels), starts_at=self.now, ends_at=self.now))

    def say(self, *alerts: Alert) -> None:
        """Hand alerts on."""
        self.events += self.dispatcher.put(alerts, self.now)
        self.save()

    def silence(self, *silences: Silence) -> None:
        """Replace the silences."""
        self.silences = list(silences)
        self.dispatcher.set_silences(silences)

    def tick(self) -> list[Notification]:
        """Do what is due now; returns what is told."""
        self.events += self.dispatcher.put((), self.now)
        self.save()
        told: list[Notification] = []
        while flushes := self.dispatcher.plan(self.now):
            for flush in flushes:
                self._keep(flush.group_key, flush.state)
                self.dispatcher.commit(flush)
                told += flush.notifications
        self.save()
        self.told += told
        return told

    def advance(self, seconds: float, step_s: float = 1.0) -> list[Notification]:
        """Let time pass, second by second; returns what is told meanwhile."""
        told = []
        end_s = self.now_s + seconds
        while self.now_s < end_s:
            self.now_s = min(end_s, self.now_s + step_s)
            told += self.tick()
        return told

    def save(self) -> None:
        """Keep what changed, as a database would."""
        unsaved = self.dispatcher.unsaved()
        for alert in unsaved.alerts:
            self.stored[alert.fingerprint] = alert
        for key in unsaved.forgotten:
            self.stored.pop(key, None)
        for key, state in unsaved.groups.items():
            self._keep(key, state)
        self.dispatcher.saved(unsaved)

    def restart(self, *, guarded: bool = True) -> None:
        """Die, and go on from what was kept."""
        self.dispatcher = self._new()
        states = [GroupState.from_json(state.to_json()) for state in self.states.values()]
        self.dispatcher.load(states, list(self.stored.values()), self.silences, at=self.now if guarded else None)
        self.save()

    def _new(self) -> Dispatcher:
        return Dispatcher(self.config, channels_of=lambda _: self.channels, start_delay_s=self.start_delay_s)

    def _keep(self, key: str, state: GroupState | None) -> None:
        if state is None:
            self.states.pop(key, None)
        else:
            self.states[key] = state
