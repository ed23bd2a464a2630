"""Alerts: what fires, who was told what, what is silenced. The same under Alertmanager's names is `api/alertmanager`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from tocsin.alert.desk import AlertDesk
from tocsin.alert.desk_records import AlertFilter, AlertingStatus, SilenceDraft
from tocsin.alert.routing.matchers import parse_matchers
from tocsin.api.alert_views import (
    ShownAlert,
    ShownEvent,
    ShownGroup,
    ShownNotification,
    ShownReceiver,
    ShownSilence,
    show_alert,
    show_event,
    show_group,
    show_notification,
    show_receiver,
    show_silence,
)
from tocsin.api.context import TEXT_LENGTH_MAX, AnyRange, context_of
from tocsin.api.slo_parameters import NAME_LENGTH_MAX, Identity, Moment, OptionalName, Present, Reason, RequiredName
from tocsin.errors import InvalidInput, NotFound
from tocsin.model.instant import parse_duration_ns, parse_instant
from tocsin.model.notification import DeliveryState

LIMIT_MAX = 1000
MATCHERS_MAX = 100

router = APIRouter(tags=["alerts"])


def alerts_of(request: Request) -> AlertDesk:
    """The desk of alerts behind the server."""
    alerts = context_of(request).alerts
    if alerts is None:
        raise NotFound("there are no alerts behind this server: it answers questions about telemetry only")
    return alerts


def alert_filter(
    match: Annotated[str, Query(max_length=TEXT_LENGTH_MAX, description='Labels that they must have: `service="shop",zone=~"eu.*"`.')] = "",
    quiet: Annotated[bool | None, Query(description="Only those that nobody is told about (true), or only the others (false).")] = None,
    receiver: Annotated[str, Query(max_length=NAME_LENGTH_MAX, description="Only those of receivers that match this expression.")] = "",
) -> AlertFilter:
    """Which alerts are asked for."""
    told, untold = quiet is not True, quiet is not False
    return AlertFilter(parse_matchers(match), told, untold, untold, untold, receiver)


AlertsOf = Annotated[AlertDesk, Depends(alerts_of)]
Wanted = Annotated[AlertFilter, Depends(alert_filter)]
Limit = Annotated[int, Query(ge=1, le=LIMIT_MAX, description="How many, at most.")]
Fingerprint = Annotated[str, Path(min_length=1, max_length=NAME_LENGTH_MAX, description="The alert's labels as 16 hexadecimal digits.")]
NotificationKey = Annotated[str, Path(min_length=1, max_length=NAME_LENGTH_MAX, description="The notification's key.")]
ReceiverName = Annotated[str, Path(min_length=1, max_length=NAME_LENGTH_MAX, description="The receiver's name in the configuration.")]


class NewSilence(BaseModel):
    """Alerts that nobody shall be told about for a while."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    matchers: list[Annotated[str, Field(max_length=TEXT_LENGTH_MAX)]] = Field(
        min_length=1, max_length=MATCHERS_MAX, description='What labels must be, all of it: `service="checkout"`, `zone=~"eu.*"`.'
    )
    start: Moment | None = Field(default=None, description="From when on: RFC 3339, seconds since 1970, `now`; null for now.")
    end: Moment | None = Field(default=None, description="Until when; leave it out when `lasting` is given.")
    lasting: Moment | None = Field(default=None, description="How long from its start: 30m, 2h, 1d; leave it out when `end` is given.")
    author: RequiredName = Field(description="Who wants it.")
    comment: Reason = Field(description="Why.")
    id: OptionalName = Field(default="", description="Of the silence that it changes; empty for a new one.")


class SilenceEnd(BaseModel):
    """Who ends a silence."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    author: RequiredName = Field(description="Who ends it.")


class NewTest(BaseModel):
    """Who wants a test."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    author: OptionalName = Field(default="", description="Who asks for it; the message says so.")


@router.get("/alerts")
def list_alerts(alerts: AlertsOf, wanted: Wanted) -> list[ShownAlert]:
    """What fires, each alert once, with who is told or why nobody is."""
    return [show_alert(view.alert, view.status) for view in alerts.alerts(wanted)]


@router.get("/alerts/{fingerprint}")
def show_one_alert(alerts: AlertsOf, fingerprint: Fingerprint) -> ShownAlert:
    """One alert; also one that has ended and is not yet over for everybody."""
    view = alerts.alert(fingerprint)
    return show_alert(view.alert, view.status)


@router.get("/alert-groups")
def list_alert_groups(alerts: AlertsOf, wanted: Wanted) -> list[ShownGroup]:
    """What fires by groups: each is told as one."""
    return [show_group(group) for group in alerts.groups(wanted)]


@router.get("/alert-events")
def list_alert_events(
    alerts: AlertsOf,
    span: AnyRange,
    fingerprint: Annotated[str | None, Query(max_length=NAME_LENGTH_MAX, description="Only of this alert.")] = None,
    limit: Limit = 100,
) -> list[ShownEvent]:
    """The last beginnings and ends of alerts in a time, oldest first."""
    return [show_event(event) for event in alerts.events(span.start, span.end, fingerprint=fingerprint, limit=limit)]


@router.get("/notifications")
def list_notifications(
    alerts: AlertsOf,
    span: AnyRange,
    group_key: Annotated[str | None, Query(max_length=TEXT_LENGTH_MAX, description="Only about this group.")] = None,
    state: Annotated[DeliveryState | None, Query(description="Only those that have come so far.")] = None,
    limit: Limit = 100,
) -> list[ShownNotification]:
    """Who was told what, the newest first, with every attempt to deliver it."""
    found = alerts.notifications(group_key=group_key, state=state, start=span.start, end=span.end, limit=limit)
    return [show_notification(view) for view in found]


@router.get("/notifications/{key}")
def show_one_notification(alerts: AlertsOf, key: NotificationKey) -> ShownNotification:
    """One notification with every attempt to deliver it."""
    return show_notification(alerts.notification(key))


@router.get("/silences")
def list_silences(
    alerts: AlertsOf,
    match: Annotated[str, Query(max_length=TEXT_LENGTH_MAX, description='Only silences about these labels: `service="shop"`.')] = "",
    expired: Annotated[bool, Query(description="Those that have ended, too.")] = False,
) -> list[ShownSilence]:
    """Silences: those in force first, then those that come, each with the alerts that it keeps quiet now."""
    return [show_silence(view) for view in alerts.silences.list(parse_matchers(match), expired=expired, with_alerts=True)]


@router.post("/silences")
def add_silence(alerts: AlertsOf, now: Present, order: NewSilence) -> ShownSilence:
    """Let nobody be told about some alerts for a while, or change that."""
    if (order.end is None) == (order.lasting is None):
        raise InvalidInput("say either until when it holds (end), or how long (lasting)")
    start = parse_instant(order.start, now=now) if order.start else now
    end = parse_instant(order.end, now=now) if order.end else start + parse_duration_ns(order.lasting or "")
    matchers = tuple(matcher for text in order.matchers for matcher in parse_matchers(text))
    draft = SilenceDraft(matchers, end, order.author, order.comment, start if order.start else None, order.id)
    return show_silence(alerts.silences.get(alerts.silences.put(draft)))


@router.get("/silences/{identity}")
def show_one_silence(alerts: AlertsOf, identity: Identity) -> ShownSilence:
    """One silence with the alerts that it keeps quiet now."""
    return show_silence(alerts.silences.get(identity))


@router.post("/silences/{identity}/expire")
def expire_silence(alerts: AlertsOf, identity: Identity, order: SilenceEnd) -> ShownSilence:
    """End a silence now."""
    alerts.silences.expire(identity, order.author)
    return show_silence(alerts.silences.get(identity))


@router.get("/receivers")
def list_receivers(alerts: AlertsOf) -> list[ShownReceiver]:
    """Everybody whom the configuration names, with the channels by which they are told."""
    return [show_receiver(receiver) for receiver in alerts.receivers()]


@router.post("/receivers/{name}/test")
def test_receiver(alerts: AlertsOf, name: ReceiverName, order: NewTest) -> list[ShownNotification]:
    """Tell every channel of a receiver that this is a test; `/api/notifications/{key}` says later what came of it."""
    return [show_notification(alerts.notification(key)) for key in alerts.test_notification(name, order.author)]


@router.get("/alerting")
def show_alerting(alerts: AlertsOf) -> AlertingStatus:
    """How alerting stands: its configuration with secrets hidden, remarks on it, how much waits to be told."""
    return alerts.status()
