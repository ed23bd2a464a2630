"""
Alerts: what is wrong, since when, and what keeps it from being told.

    {alertname="CheckoutBurnsFast", service="checkout", severity="page"}   since 02:03:11, firing

An alert is identified by its labels alone: the same labels are the same alert, whoever says it and however often.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from tocsin.model.instant import Instant
from tocsin.model.labels import Labels
from tocsin.model.series import Matcher

ALERT_NAME = "alertname"
SEVERITY = "severity"

_FNV_OFFSET = 14695981039346656037
_FNV_PRIME = 1099511628211
_SEPARATOR = 255
_UINT64 = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Alert:
    """
    Something that is wrong, or was.

    Args:
        labels: Identify it; `alertname` among them.
        annotations: Texts for people; filled in.
        starts_at: Since when it fires.
        ends_at: When it ended, or will end unless it is said again; None: it fires until it is told to have ended.
        updated_at: When it was last said.
        generator_url: Where one sees what made it.
        value: What its condition gave last; None for those that others send.
        source: `rule` for our own rules, `api` for those that others send.
        rule: `group/name` of the rule; empty for those that others send.
    """

    labels: Labels
    annotations: Mapping[str, str] = field(default_factory=dict)
    starts_at: Instant = 0
    ends_at: Instant | None = None
    updated_at: Instant = 0
    generator_url: str = ""
    value: float | None = None
    source: str = "api"
    rule: str = ""

    @property
    def name(self) -> str:
        """Its `alertname`."""
        return self.labels.get(ALERT_NAME)

    @property
    def fingerprint(self) -> str:
        """Its labels as 16 hexadecimal digits, the same that Prometheus and Alertmanager give."""
        return fingerprint(self.labels)

    def resolved(self, now: Instant) -> bool:
        """Whether it has ended by `now`."""
        return self.ends_at is not None and self.ends_at <= now


def fingerprint(labels: Labels) -> str:
    """
    A set of labels as 16 hexadecimal digits: FNV-1a, 64 bits, over names and values, each followed by a byte 255.

    Source: Prometheus, model.LabelSet.Fingerprint, by its documented behaviour in Alertmanager's API.
    """
    digest = _FNV_OFFSET
    for name, value in labels:
        for text in (name, value):
            for byte in (*text.encode("utf-8", "surrogatepass"), _SEPARATOR):
                digest = ((digest ^ byte) * _FNV_PRIME) & _UINT64
    return f"{digest:016x}"


class Quiet(Enum):
    """Why an alert is not told."""

    SILENCED = "silenced"  # somebody said so, with a reason and an end
    INHIBITED = "inhibited"  # another alert says it already
    MUTED = "muted"  # its route is quiet at this time


@dataclass(frozen=True, slots=True)
class AlertStatus:
    """
    What becomes of an alert now; empty tuples when it is told.

    Args:
        silenced_by: Ids of silences.
        inhibited_by: Fingerprints of alerts.
        muted_by: Names of time intervals.
        receivers: Names of those that it is routed to.
    """

    silenced_by: tuple[str, ...] = ()
    inhibited_by: tuple[str, ...] = ()
    muted_by: tuple[str, ...] = ()
    receivers: tuple[str, ...] = ()

    @property
    def quiet(self) -> Quiet | None:
        """The first reason for which nobody is told; None when somebody is."""
        if self.silenced_by:
            return Quiet.SILENCED
        if self.inhibited_by:
            return Quiet.INHIBITED
        return Quiet.MUTED if self.muted_by else None


@dataclass(frozen=True, slots=True)
class Silence:
    """
    Alerts that nobody shall be told about for a while.

    Args:
        id: Names it.
        matchers: All must match an alert's labels.
        starts_at, ends_at: When it holds, [starts_at, ends_at).
        author: Who wants it.
        comment: Why.
        updated_at: When it was last changed.
        annotations: Of whoever made it.
    """

    id: str
    matchers: tuple[Matcher, ...]
    starts_at: Instant
    ends_at: Instant
    author: str
    comment: str
    updated_at: Instant = 0
    annotations: Mapping[str, str] = field(default_factory=dict)

    def holds(self, at: Instant) -> bool:
        """Whether it is in force at an instant."""
        return self.starts_at <= at < self.ends_at

    def matches(self, labels: Labels) -> bool:
        """Whether all its matchers match."""
        return all(matcher.matches(labels.get(matcher.name)) for matcher in self.matchers)


class AlertEventKind(Enum):
    """What happened to an alert."""

    FIRED = "fired"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class AlertEvent:
    """An alert that began or ended: kept for timelines, page load and backtests."""

    at: Instant
    kind: AlertEventKind
    fingerprint: str
    labels: Labels
    annotations: Mapping[str, str] = field(default_factory=dict)
    value: float | None = None
