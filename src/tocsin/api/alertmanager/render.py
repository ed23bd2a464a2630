"""
Alerts, groups, silences and the server's status as Alertmanager's API writes them.

Source: Alertmanager's OpenAPI description, version 2; instants with three decimals as version 0.33 writes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tocsin.alert.desk_records import AlertingStatus, ReceiverView, SilenceView
from tocsin.alert.dispatch.state import GroupView
from tocsin.api.status import package_version
from tocsin.model.alert import Alert, AlertStatus
from tocsin.model.instant import NANOSECONDS, Instant, format_instant
from tocsin.model.labels import Labels
from tocsin.model.series import Matcher, MatchOperator

API_VERSION = "0.33.1"  # of Alertmanager: what clients may expect of the answers
OPEN_END_NS = 300 * NANOSECONDS  # an alert that ends when it is told to has no end yet, where the API must show one
MILLISECOND_DIGITS = len("000000Z")


def status(found: AlertingStatus) -> dict[str, Any]:
    """`status`: there are no peers, the configuration has its secrets hidden."""
    return {
        "cluster": {"status": "disabled", "peers": []},
        "config": {"original": found.config},
        "uptime": instant(found.started_at),
        "versionInfo": {
            "version": API_VERSION,
            "revision": f"tocsin-{package_version()}",
            "branch": "",
            "buildUser": "",
            "buildDate": "",
            "goVersion": "",
        },
    }


def receiver(found: ReceiverView) -> dict[str, Any]:
    """A receiver of `receivers`."""
    return {"name": found.name, "labels": receiver_labels(found)}


def receiver_labels(found: ReceiverView) -> dict[str, str]:
    """What matchers of receivers see: its labels, its name among them."""
    return {"name": found.name, **found.labels}


def alert(found: Alert, become: AlertStatus, now: Instant, *, muted_by: Sequence[str] = ()) -> dict[str, Any]:
    """
    An alert; `muted_by` are time intervals that keep its group quiet, which is said of alerts in groups alone.

    One that fires until it is told to have ended seems to end in five minutes, as it would if Prometheus fell silent.
    """
    quiet = become.silenced_by or become.inhibited_by or muted_by
    shown = {
        "labels": dict(found.labels),
        "annotations": dict(found.annotations),
        "startsAt": instant(found.starts_at),
        "endsAt": instant(now + OPEN_END_NS if found.ends_at is None else found.ends_at),
        "updatedAt": instant(found.updated_at),
        "fingerprint": found.fingerprint,
        "receivers": [{"name": name} for name in become.receivers],
        "status": {
            "state": "suppressed" if quiet else "active",
            "silencedBy": list(become.silenced_by),
            "inhibitedBy": list(become.inhibited_by),
            "mutedBy": list(muted_by),
        },
    }
    return {**shown, "generatorURL": found.generator_url} if found.generator_url else shown


def group(found: GroupView, now: Instant) -> dict[str, Any]:
    """A group with its alerts."""
    return {
        "labels": dict(found.state.labels),
        "receiver": {"name": found.state.receiver},
        "alerts": [alert(one, become, now, muted_by=become.muted_by) for one, become in found.alerts],
    }


def label_order(labels: Labels) -> tuple[int, list[tuple[list[int], str]]]:
    """
    Where labels stand in a list: fewer before more; of as many, those first that lack a name which comes early in the alphabet; by values.

    `{}`, `{service="shop"}`, `{alertname="A"}`, `{alertname="B"}`.
    """
    # Names run backwards: each character is counted down, and the end of a name, which is before any character, comes after all of them.
    return len(labels), [([-ord(character) for character in name] + [1], value) for name, value in labels]


def silence(view: SilenceView) -> dict[str, Any]:
    """A silence."""
    found = view.silence
    shown = {
        "id": found.id,
        "status": {"state": view.state.value},
        "updatedAt": instant(found.updated_at),
        "comment": found.comment,
        "createdBy": found.author,
        "startsAt": instant(found.starts_at),
        "endsAt": instant(found.ends_at),
        "matchers": [_matcher(matcher) for matcher in found.matchers],
    }
    return {**shown, "annotations": dict(found.annotations)} if found.annotations else shown


def instant(at: Instant) -> str:
    """`2026-11-20T02:03:11.000Z`."""
    return f"{format_instant(at)[:-MILLISECOND_DIGITS]}Z"


def _matcher(matcher: Matcher) -> dict[str, Any]:
    return {
        "name": matcher.name,
        "value": matcher.value,
        "isRegex": matcher.operator in {MatchOperator.REGEX, MatchOperator.NOT_REGEX},
        "isEqual": matcher.operator in {MatchOperator.EQUAL, MatchOperator.REGEX},
    }
