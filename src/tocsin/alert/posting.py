"""
Alerts that others post, read by Alertmanager's rules: what is missing is filled in, what makes no sense is refused and said, one by one.

Source: Alertmanager documentation, 'Alerts API'.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from tocsin.alert.desk_records import PostedAlert
from tocsin.model.alert import Alert
from tocsin.model.instant import INSTANT_MAX, INSTANT_MIN, NANOSECONDS, Instant, format_instant
from tocsin.model.labels import Labels

LABELS_MAX = 128
TEXT_CHARACTERS_MAX = 64 << 10
SHOWN_CHARACTERS_MAX = 200

_SURROGATE = re.compile("[\ud800-\udfff]")


def read_posted(posted: Sequence[PostedAlert], now: Instant, resolve_timeout_s: float) -> tuple[list[Alert], tuple[str, ...]]:
    """
    Posted alerts as alerts.

    Args:
        posted: As they came.
        now: When.
        resolve_timeout_s: After so long an alert without an end has ended unless it is said again.

    Returns:
        Those that make sense, and a sentence about each of the others.
    """
    alerts, refused = [], []
    for number, each in enumerate(posted):
        if mistakes := _mistakes(each):
            refused.append(f"alert {number} {_shown(each.labels)}: {'; '.join(mistakes)}")
        else:
            alerts.append(_alert(each, now, resolve_timeout_s))
    return alerts, tuple(refused)


def _alert(posted: PostedAlert, now: Instant, resolve_timeout_s: float) -> Alert:
    starts_at, ends_at = posted.starts_at, posted.ends_at
    if starts_at is None:
        starts_at = now if ends_at is None else min(now, ends_at)
    if ends_at is None:
        ends_at = max(now, starts_at) + round(resolve_timeout_s * NANOSECONDS)
    return Alert(Labels(posted.labels), dict(posted.annotations), starts_at, ends_at, now, posted.generator_url)


def _mistakes(posted: PostedAlert) -> list[str]:
    found = []
    if not any(posted.labels.values()):
        found.append("at least one label is needed")
    if len(posted.labels) > LABELS_MAX:
        found.append(f"it has {len(posted.labels)} labels, at most {LABELS_MAX} are taken")
    for article, what, texts in (("a", "label", posted.labels), ("an", "annotation", posted.annotations)):
        for name, value in texts.items():
            if not name or _SURROGATE.search(name):
                found.append(f"{name[:SHOWN_CHARACTERS_MAX]!r} is no name of {article} {what}")
            if _SURROGATE.search(value):
                found.append(f"the value of {what} {name[:SHOWN_CHARACTERS_MAX]!r} is not Unicode")
            if len(name) + len(value) > TEXT_CHARACTERS_MAX:
                found.append(f"{what} {name[:SHOWN_CHARACTERS_MAX]!r} is longer than {TEXT_CHARACTERS_MAX} characters")
    if _SURROGATE.search(posted.generator_url) or len(posted.generator_url) > TEXT_CHARACTERS_MAX:
        found.append("its generatorURL is too long, or not Unicode")
    return found + _mistakes_in_time(posted)


def _mistakes_in_time(posted: PostedAlert) -> list[str]:
    # A day before the end of time, so that a timeout added to it is still an instant.
    outside = [
        name
        for name, instant in (("startsAt", posted.starts_at), ("endsAt", posted.ends_at))
        if instant is not None and not INSTANT_MIN <= instant <= INSTANT_MAX - 86_400 * NANOSECONDS
    ]
    if outside:
        return [f"{' and '.join(outside)} can't be held: instants lie between 1677 and 2262"]
    if posted.starts_at is not None and posted.ends_at is not None and posted.starts_at > posted.ends_at:
        return [f"it ends at {format_instant(posted.ends_at)}, before it starts at {format_instant(posted.starts_at)}"]
    return []


def _shown(labels: Mapping[str, str]) -> str:
    return repr(Labels(labels))[:SHOWN_CHARACTERS_MAX]
