"""Settings of rules, alerts and notifications."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class AlertOptions(BaseModel):
    """Rules, alerts, and how people are told."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = Field(default=True, description="Evaluate rules and send notifications.")
    config: str = Field(
        default="",
        description="Routes, receivers, inhibition and time intervals, a file as Alertmanager's; without one, by severity to the default.",
    )
    templates: tuple[str, ...] = Field(default=(), description="Further template files, as patterns.")
    interval_s: float = Field(default=60.0, ge=1, le=3600, description="Seconds between evaluations of groups that say nothing.")
    burn_profile: str = Field(
        default="workbook", description="Burn-rate alerts of objectives without their own: workbook, ladder, calm, or none."
    )
    bad_events_min: float = Field(default=2.0, ge=0, description="Bad events that a burn-rate window must hold before it alerts.")
    outage_tolerance_s: float = Field(
        default=3600.0,
        ge=0,
        description="How long Tocsin may have been down for pending alerts to go on where they were, seconds.",
    )
    for_grace_s: float = Field(
        default=600.0, ge=0, description="Least time that a pending alert waits after a restart, unless its `for` is shorter, seconds."
    )
    resend_s: float = Field(default=60.0, ge=1, le=3600, description="Seconds after which a firing alert is said again.")
    resolve_timeout_s: float = Field(default=300.0, ge=1, description="After how long an alert of others has ended that is said no more.")
    external_url: str = Field(default="", description="Where people reach this server, for links in pages; by default its HTTP address.")
    external_labels: dict[str, str] = Field(default_factory=dict, description="Labels that alerts get when they are forwarded.")
    forward: tuple[str, ...] = Field(default=(), description="Alertmanagers that get every alert of our rules as Prometheus would send it.")
    heartbeat_url: str = Field(
        default="", description="Called at every interval while rules are evaluated and notifications go out: a dead-man's switch outside."
    )
    heartbeat_s: float = Field(default=60.0, ge=5, le=3600, description="Seconds between two calls of the heartbeat.")
    fallback_receiver: str = Field(default="", description="Receiver that gets what a channel could not deliver.")
    give_up_s: float = Field(
        default=900.0, ge=1, description="After how many seconds of failures a notification counts as undeliverable, and escalates."
    )
    person_give_up_s: float = Field(
        default=60.0, ge=1, description="The same for the channel of a person, whose next one is tried then, seconds."
    )
    attempt_timeout_s: float = Field(default=10.0, gt=0, le=120, description="Longest time that one delivery may take, seconds.")
    alerts_max: int = Field(default=100_000, ge=100, description="Alerts that are kept at once; further ones are refused and counted.")
    history_days: float = Field(default=400.0, ge=1, description="How long begun and ended alerts and notifications are kept, days.")
