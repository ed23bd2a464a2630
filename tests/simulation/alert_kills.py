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
from collections.abc import Sequence
from dataclasses import dataclass, replace
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from tests.alert.pipeline.builders import MINUTE, SECOND, START, VirtualClock

from tocsin.alert.dispatch.dispatcher import Dispatcher
from tocsin.alert.pipeline.delivery import Delivery
from tocsin.alert.pipeline.fallback import Fallback
from tocsin.alert.pipeline.pipeline import Pipeline
from tocsin.alert.pipeline.steps import PipelineStep
from tocsin.alert.routing.config import AlertingConfig
from tocsin.alert.routing.inhibition import InhibitRule
from tocsin.alert.routing.receivers import ChannelInfo, Receiver
from tocsin.alert.routing.tree import Route
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
OCCURRENCES_MAX = 6  # a rule's alerts are taken at every tick; what happens once per notification happens no more often

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
class Hook:
    """A channel that posts the key and what fires to a real receiver."""

    url: str
    path: str
    clock: VirtualClock

    def send(self, notification: Notification, _: None, /) -> str:
        """Post it, unless this channel is one that fails."""
        if "refusing" in self.path:
            raise DeliveryError("refused", lasting=True)
        if "flaky" in self.path and self.clock.now < FLAKY_UNTIL:
            raise DeliveryError("not now")
        parts = urlsplit(self.url)
        connection = HTTPConnection(parts.hostname or "", parts.port, timeout=10)
        told = {"key": notification.key, "status": notification.status, "alerts": [alert.name for alert in notification.alerts]}
        connection.request("POST", self.path, json.dumps(told))
        status = connection.getresponse().status
        connection.close()
        if status != 200:
            raise DeliveryError(f"answered {status}")
        return "ok"


def run(folder: Path, url: str, killer: Killer) -> None:
    """One process' life: from where the clock stood to the end of the story."""
    watch = folder / "clock"
    clock = VirtualClock(int(watch.read_text()) + SECOND if watch.exists() else START)
    end = max(START + RUN_FOR, clock.now + RUN_ON_FOR)
    with State.open(folder, StateOptions()) as state:
        delivery = Delivery(
            state.alerting.outbox,
            lambda receiver, name: Hook(url, f"/{folder.name}/{receiver}/{name}", clock),
            lambda notification: None,
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


def _killed(folder: Path, url: str, killer: Killer) -> bool:
    """Run a life in a process of its own; whether it was killed."""
    child = os.fork()
    if child == 0:
        try:
            run(folder, url, killer)
            os._exit(0)
        except BaseException as error:  # noqa: BLE001 - the parent's stack must not go on here
            sys.stderr.write(f"{folder.name}: {error!r}\n")
            os._exit(1)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return True
    assert os.waitstatus_to_exitcode(status) == 0, folder.name
    return False


def main(folder: Path, url: str) -> None:
    """Walk through every step."""
    with State.open(folder / "empty", StateOptions()):
        pass
    kills: dict[str, int] = {}
    for step in (None, *PipelineStep):
        for occurrence in range(1, OCCURRENCES_MAX + 1):
            name = f"{step.value if step else 'none'}-{occurrence}"
            shutil.copytree(folder / "empty", folder / name)
            first = _killed(folder / name, url, Killer(step, occurrence))
            kills[name] = int(first) + (_killed(folder / name, url, Killer(step, 1)) and 1 if first else 0)
            if kills[name] == 2:
                assert not _killed(folder / name, url, Killer(None, 0))
            shutil.rmtree(folder / name)
            if not first:
                break
    sys.stdout.write(json.dumps(kills))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
