"""Alerts become groups, groups become notifications: the machine that the pipeline drives and a replay runs on its own clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from tocsin.alert.dispatch.state import Flush, GroupState, GroupView, Unsaved
from tocsin.alert.routing.config import AlertingConfig
from tocsin.alert.routing.receivers import ChannelInfo
from tocsin.model.alert import Alert, AlertEvent, AlertStatus, Silence
from tocsin.model.instant import Instant

ChannelsOf: TypeAlias = Callable[[str], Sequence[ChannelInfo]]


class Dispatcher:
    """
    Being built: the names below stand.

    Args:
        config: Routes, inhibition, time intervals.
        channels_of: The channels of a receiver.
        start_delay_s: How long after a restart nobody is told anything, seconds: rules say again what fires.
        alerts_max: Alerts that are kept at once; further ones are refused and counted.
    """

    def __init__(self, config: AlertingConfig, *, channels_of: ChannelsOf, start_delay_s: float = 60.0, alerts_max: int = 100_000) -> None:
        raise NotImplementedError

    def load(
        self, group_states: Iterable[GroupState], alerts: Iterable[Alert], silences: Iterable[Silence], *, at: Instant | None = None
    ) -> None:
        """Go on where another left. `at`: when; nobody is told anything for `start_delay_s`; None: as if no time had passed."""
        raise NotImplementedError

    def put(self, alerts: Sequence[Alert], now: Instant) -> list[AlertEvent]:
        """Take alerts as they are said (again and again); returns what began and ended, also by itself since the last call."""
        raise NotImplementedError

    def set_silences(self, silences: Iterable[Silence]) -> None:
        """The silences that there are."""
        raise NotImplementedError

    def plan(self, now: Instant, *, groups_max: int = 10_000) -> list[Flush]:
        """What is due. Changes nothing that matters: the same call gives the same again until `commit`."""
        raise NotImplementedError

    def commit(self, flush: Flush) -> None:
        """Remember a flush: it is kept, and its notifications are."""
        raise NotImplementedError

    def unsaved(self) -> Unsaved:
        """Alerts and groups that changed since they were last saved."""
        raise NotImplementedError

    def saved(self, unsaved: Unsaved) -> None:
        """They are kept."""
        raise NotImplementedError

    def next_at(self) -> Instant | None:
        """When `plan` has something to do; None: nothing is waited for."""
        raise NotImplementedError

    def status(self, fingerprint: str, now: Instant) -> AlertStatus:
        """What becomes of an alert; empty for one that is not kept."""
        raise NotImplementedError

    def alert(self, fingerprint: str) -> Alert | None:
        """An alert as it stands."""
        raise NotImplementedError

    def groups(self, now: Instant) -> list[GroupView]:
        """All groups with their alerts."""
        raise NotImplementedError
