"""
A program that walks SIGKILL through the alert pipeline: `python -m tests.simulation.alert_kills FOLDER URL`, see `test_alert_kills.py`.

For each step and each time that it is reached, one small pipeline (real database, dispatcher and delivery, a virtual clock) is run in a
process that kills itself there, started again, killed at the first such step once more, and started a last time to its end.
Prints one JSON object: by scenario, how often it was killed.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from pydantic import SecretStr
from tests.alert.pipeline.builders import MINUTE, SECOND, START, VirtualClock

from tocsin.alert.dispatch.dispatcher import Dispatcher
from tocsin.alert.notify.filling import Filling
from tocsin.alert.notify.webhook import WebhookChannel
from tocsin.alert.page.source import PageFactsSource, PageSources
from tocsin.alert.page.text import PageText
from tocsin.alert.pipeline.delivery import Delivery
from tocsin.alert.pipeline.fallback import Fallback
from tocsin.alert.pipeline.pipeline import Pipeline
from tocsin.alert.pipeline.steps import PipelineStep
from tocsin.alert.pipeline.trial import Sender
from tocsin.alert.routing.config import AlertingConfig
from tocsin.alert.routing.inhibition import InhibitRule
from tocsin.alert.routing.receivers import ChannelInfo, Receiver, WebhookConfig
from tocsin.alert.routing.tree import Route
from tocsin.alert.template.notification_texts import NotificationTemplates
from tocsin.clock import SeededEntropy
from tocsin.errors import DeliveryError
from tocsin.model.alert import Alert
from tocsin.model.labels import Labels
from tocsin.model.notification import Notification
from tocsin.model.series import Matcher, MatchOperator
from tocsin.state.options import StateOptions
from tocsin.state.state import State

FIRES_FOR = 6 * MINUTE
RUN_FOR = 15 * MINUTE
RUN_ON_FOR = 8 * MINUTE  # after a restart, at least
TICK = 20 * SECOND
FLAKY_UNTIL = START + 2 * MINUTE
OCCURRENCES_MAX = 4  # a rule's alerts are taken at every tick; what happens once per notification happens no more often

CHANNELS = {
    "team": [ChannelInfo(name, send_resolved=True) for name in ("web/0", "flaky/0", "refusing/0")],
    "ops": [ChannelInfo("web/0", send_resolved=True)],
}
CONFIG = AlertingConfig(
    Route("{}", "team", group_by=frozenset({"service"}), group_wait_s=30, group_interval_s=60),
    {name: Receiver(name) for name in CHANNELS},
    inhibit_rules=(
        InhibitRule(
            (Matcher("alertname", MatchOperator.EQUAL, "Down"),), (Matcher("alertname", MatchOperator.EQUAL, "Slow"),), ("service",)
        ),
    ),
)


@dataclass
class Killer:
    """Ends the process, as a power failure would, when a step is reached for the n-th time."""

    step: PipelineStep | None
    left: int

    def reached(self, step: PipelineStep) -> None:
        """Count, and strike."""
        if step is self.step:
            self.left -= 1
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True)
class Flaky:
    """A channel that fails until two minutes have passed."""

    channel: WebhookChannel
    clock: VirtualClock

    def send(self, notification: Notification, page: PageText, /) -> str:
        """Send, or fail."""
        if self.clock.now < FLAKY_UNTIL:
            raise DeliveryError("not now")
        return self.channel.send(notification, page)


@cache
def _templates() -> NotificationTemplates:
    """Read once, before the first life."""
    return NotificationTemplates.read()


def _channels(url: str, clock: VirtualClock) -> dict[tuple[str, str], Sender[PageText]]:
    """The real channel for webhooks, one for each name."""
    filling = Filling(_templates(), clock)
    found: dict[tuple[str, str], Sender[PageText]] = {}
    for receiver, channels in CHANNELS.items():
        for info in channels:
            config = WebhookConfig(SecretStr(f"{url}/{receiver}/{info.name}"))
            channel = WebhookChannel(info.name, config, filling, timeout_s=10.0)
            found[receiver, info.name] = Flaky(channel, clock) if "flaky" in info.name else channel
    return found


@dataclass(frozen=True)
class World:
    """What lives of one scenario have in common; made before the first of them, since making channels takes long."""

    folder: Path
    clock: VirtualClock
    channels: Mapping[tuple[str, str], Sender[PageText]]


def run(world: World, killer: Killer) -> None:
    """One process' life: from where the clock stood to the end of the story."""
    folder, clock, channels = world.folder, world.clock, world.channels
    watch = folder / "clock"
    clock.now = int(watch.read_text()) + SECOND if watch.exists() else START
    end = max(START + RUN_FOR, clock.now + RUN_ON_FOR)
    with State.open(folder, StateOptions()) as state:
        delivery = Delivery(
            state.alerting.outbox,
            lambda receiver, name: channels.get((receiver, name)),
            PageFactsSource(PageSources(), clock=clock).page,
            Fallback("ops", lambda receiver: [channel.name for channel in CHANNELS[receiver]]),
            clock=clock,
            entropy=SeededEntropy(1),
            steps=killer,
        )
        pipeline = Pipeline(state.alerting, Dispatcher(CONFIG, channels_of=_channels_of), clock=clock, announce=delivery.wake, steps=killer)
        pipeline.load()
        while clock.now < end:
            watch.write_text(str(clock.now))
            pipeline.put(_said(clock.now), clock.now)
            pipeline.advance(clock.now)
            delivery.advance()
            clock.now += TICK


def _channels_of(receiver: str) -> Sequence[ChannelInfo]:
    return CHANNELS[receiver]


def _said(now: int) -> list[Alert]:
    """What rules say: two alerts of which one inhibits the other; both end after a while."""
    found = []
    for name in ("Down", "Slow"):
        alert = Alert(Labels({"alertname": name, "service": "shop"}), {}, START, None, now, source="rule", rule=f"g/{name}")
        found.append(alert if now < START + FIRES_FOR else replace(alert, ends_at=START + FIRES_FOR))
    return found


def _killed(world: World, killer: Killer) -> bool:
    """Run a life in a process of its own; whether it was killed."""
    child = os.fork()
    if child == 0:
        try:
            run(world, killer)
            os._exit(0)
        except BaseException as error:  # noqa: BLE001 - the parent's stack must not go on here
            sys.stderr.write(f"{world.folder.name}: {error!r}\n")
            os._exit(1)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return True
    assert os.waitstatus_to_exitcode(status) == 0, world.folder.name
    return False


def _lived(world: World, step: PipelineStep | None, occurrence: int) -> int:
    """Live through one scenario; how often it was killed."""
    if not _killed(world, Killer(step, occurrence)):
        return 0
    if not _killed(world, Killer(step, 1)):
        return 1
    assert not _killed(world, Killer(None, 0))
    return 2


def main(folder: Path, url: str) -> None:
    """Walk through every step."""
    with State.open(folder / "empty", StateOptions()):
        pass
    kills: dict[str, int] = {}
    for step in (None, *PipelineStep):
        for occurrence in range(1, OCCURRENCES_MAX + 1):
            name = f"{step.value if step else 'none'}-{occurrence}"
            shutil.copytree(folder / "empty", folder / name)
            clock = VirtualClock()
            world = World(folder / name, clock, _channels(f"{url}/{name}", clock))
            kills[name] = _lived(world, step, occurrence)
            shutil.rmtree(folder / name)
            if not kills[name]:
                break
    sys.stdout.write(json.dumps(kills))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
