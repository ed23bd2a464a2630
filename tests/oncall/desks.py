"""A whole on-call desk over a file and a state of its own, for those who ask it."""

from __future__ import annotations

from pathlib import Path

from tests.oncall.house import FALLBACK, NOON, HandClock
from tests.state.prepared import open_state

from tocsin.alert.routing.read_global import GlobalConfig
from tocsin.clock import SeededEntropy
from tocsin.oncall.channels import Channels
from tocsin.oncall.desk import OncallDesk
from tocsin.oncall.escalator import Escalator
from tocsin.oncall.files.live import LivePlan
from tocsin.oncall.options import OncallOptions
from tocsin.oncall.roster import Roster

PLAN = """\
apiVersion: tocsin/v1
kind: Person
metadata: {name: ana, displayName: Ana Ruiz}
spec: {timeZone: Europe/Berlin, email: ana@example.org, channels: [{slack: {channel: "@ana"}}, {email: ana@example.org}]}
---
apiVersion: tocsin/v1
kind: Person
metadata: {name: bob}
spec: {timeZone: Europe/Berlin, email: bob@example.org}
---
apiVersion: tocsin/v1
kind: Schedule
metadata: {name: primary, displayName: Payments}
spec:
  timeZone: Europe/Berlin
  layers: [{name: weekly, users: [ana, bob], length: 1w, start: 2026-01-05, handover: monday 09:00}]
---
apiVersion: tocsin/v1
kind: Schedule
metadata: {name: office}
spec:
  timeZone: Europe/Berlin
  layers: [{name: days, users: [bob], length: 1w, start: 2026-01-05, restrictions: [{days: weekdays, from: "14:00", to: "18:00"}]}]
---
apiVersion: tocsin/v1
kind: EscalationChain
metadata: {name: shop}
spec:
  receiver: page
  steps:
    - {notify: [schedule: primary], acknowledge_within: 5m}
    - {notify: [person: bob], acknowledge_within: 5m}
"""


class DeskHouse:
    """
    The desk with everything behind it.

    Args:
        folder: For the file and the state.
        text: What the file says.
    """

    def __init__(self, folder: Path, text: str = PLAN) -> None:
        self.file = folder / "oncall.yaml"
        self.file.write_text(text)
        self.clock = HandClock(NOON)
        self.state = open_state(folder / "state")
        self.options = OncallOptions(files=(str(self.file),), gaps_days=1)
        plan = LivePlan(self.options.files, self.clock)
        oncall = self.state.oncall
        escalator = Escalator(
            oncall.pages, lambda: Roster(plan.current, oncall.overrides.list()), clock=self.clock, fallback=lambda: (FALLBACK,)
        )
        channels = Channels(lambda: plan.current, escalator, build=lambda _receiver: (), defaults=GlobalConfig)
        self.desk = OncallDesk(plan, oncall, escalator, channels, self.options, clock=self.clock, entropy=SeededEntropy(1))

    def close(self) -> None:
        """Close the state."""
        self.state.close()
