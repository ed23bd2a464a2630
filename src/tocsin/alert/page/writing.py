"""
Writes the text of a page from a notification and what is known beyond it. Pure: the same facts give the same words.

Plain words, times in UTC, no figure that is not known. Labels and annotations are somebody's texts: they are cleaned and cut.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import quote, urlsplit

from tocsin.alert.page.facts import BurnFacts, PageFacts
from tocsin.alert.page.text import TITLE_CHARS_MAX, PageLink, PageText, clean, one_line
from tocsin.model.alert import SEVERITY, Alert
from tocsin.model.deployment import Deployment, DeploymentStatus
from tocsin.model.instant import EPOCH, NANOSECONDS, Instant
from tocsin.model.labels import Labels
from tocsin.model.notification import Notification, NotificationReason
from tocsin.model.severity import worst
from tocsin.slo.words import count_words, duration_words, percent_words, rate_words

ALERTS_SHOWN_MAX = 10
DEPLOYMENTS_SHOWN_MAX = 3
DIFFERENCES_SHOWN_MAX = 6
TEXT_ANNOTATIONS = ("summary", "description", "message")
RUNBOOK_ANNOTATIONS = ("runbook_url", "runbook")
DASHBOARD_ANNOTATIONS = ("dashboard_url", "dashboard")
SERVICE_LABELS = ("service", "job")
DEPLOYED = {
    DeploymentStatus.STARTED: "began to be deployed",
    DeploymentStatus.SUCCEEDED: "was deployed",
    DeploymentStatus.FAILED: "failed to be deployed",
    DeploymentStatus.ROLLED_BACK: "was rolled back",
    DeploymentStatus.REMOVED: "was removed",
}
ENDINGS = {
    NotificationReason.ESCALATION: "Nobody acknowledged this in time.",
    NotificationReason.FALLBACK: "Another channel could not be told.",
    NotificationReason.ACKNOWLEDGED: "Somebody has acknowledged this.",
    NotificationReason.TEST: "This is a test: nothing is wrong.",
}


@dataclass(frozen=True, slots=True)
class PageAddresses:
    """
    Where links of pages lead: paths after the server's address, with `{name}` for what is put in.

    Args:
        external_url: Where people reach the server; without it there are only links that alerts bring themselves.
        trace: `{trace_id}`.
        logs: The logs of a trace, `{trace_id}`.
        objective: `{objective}`.
        silence: A new silence, `{filter}`: matchers in braces.
    """

    external_url: str = ""
    trace: str = "/api/traces/{trace_id}"
    logs: str = "/api/logs?query=trace_id%3A{trace_id}"
    objective: str = "/api/slos/{objective}"
    silence: str = "/alertmanager/#/silences/new?filter={filter}"

    def link(self, kind: str, label: str, path: str, **values: str) -> PageLink | None:
        """A link; None without an address."""
        if not self.external_url:
            return None
        filled = path
        for name, value in values.items():
            filled = filled.replace(f"{{{name}}}", quote(value, safe=""))
        return PageLink(kind, label, self.external_url.rstrip("/") + filled)


def write_page(notification: Notification, facts: PageFacts, addresses: PageAddresses, now: Instant) -> PageText:
    """
    The text of a page.

    Args:
        notification: What is told.
        facts: What is known beyond it.
        addresses: Where links lead.
        now: The present, for how long it lasts.
    """
    shown = notification.firing or notification.resolved
    level = worst([alert.labels.get(SEVERITY) for alert in shown])
    severity = level.severity.value if level else ""
    firing = bool(notification.firing)
    lead = f"{severity}: " if severity and firing else "" if firing else "Resolved: "
    several = len(shown) + notification.truncated
    subject = _subject(notification, facts, shown, firing=firing)
    title = one_line(f"{lead}{subject}{f' ({several} alerts)' if several > 1 else ''}", TITLE_CHARS_MAX)
    lines = [
        clean(notification.note),
        ENDINGS.get(notification.reason, "") if not notification.note else "",
        *([_burning(facts.burn)] if facts.burn and firing else []),
        *(clean(text) for text in _annotations(notification)),
        _since(shown, now, firing=firing),
        *(_deployed(one, _began(shown)) for one in facts.deployments[:DEPLOYMENTS_SHOWN_MAX]),
        _failing(facts),
        _quiet(notification),
        f"Not known: {'; '.join(clean(one, 200) for one in facts.missing)}." if facts.missing else "",
    ]
    return PageText(
        title or "Alert",
        tuple(shown_line for line in lines if (shown_line := clean(line))),
        _listed(notification, shown, now) if several > 1 else (),
        _links(notification, facts, addresses, shown),
        severity,
        firing,
    )


def service_of(labels: Labels) -> str:
    """Which service labels are about; empty when they don't say."""
    return next((labels.get(name) for name in SERVICE_LABELS if labels.get(name)), "")


def time_words(at: Instant, now: Instant) -> str:
    """`02:03 UTC`, with the day where that is not today."""
    moment, today = (EPOCH + timedelta(seconds=one // NANOSECONDS) for one in (at, now))
    return f"{moment:%H:%M} UTC" if moment.date() == today.date() else f"{moment:%Y-%m-%d %H:%M} UTC"


def _subject(notification: Notification, facts: PageFacts, shown: Sequence[Alert], *, firing: bool) -> str:
    """What a page is about."""
    burn = facts.burn
    if burn and firing and burn.rate is not None and burn.rate > 1:
        return f"{burn.objective} burns {rate_words(burn.rate)} too fast"
    names = list(dict.fromkeys(alert.name for alert in shown if alert.name))
    name = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more" if names else "Alert"
    service = facts.service or service_of(notification.common_labels)
    where = [text for key, text in notification.group_labels if key not in ("alertname", SEVERITY) and text != service]
    whose = f" of {service}" if service else ""
    return f"{name}{whose} ({', '.join(where)})" if where else f"{name}{whose}"


def _burning(burn: BurnFacts) -> str:
    """How fast, how long it lasts, what is left, what was counted; only what is known."""
    parts = []
    if burn.exhausted_in_s == 0:
        parts.append(f"the {burn.budget} is spent")
    elif burn.exhausted_in_s is not None:
        parts.append(f"at this rate the {burn.budget} is gone in {duration_words(burn.exhausted_in_s)}")
    elif burn.rate is not None:
        parts.append(f"at this rate the {burn.budget} lasts")
    if burn.remaining_ratio is not None and burn.remaining_ratio > 0:
        parts.append(f"{percent_words(burn.remaining_ratio)} is left")
    elif burn.remaining_ratio is not None:
        parts.append(f"{percent_words(1 - burn.remaining_ratio)} of it is used")
    if burn.total:
        bad = f"{count_words(burn.bad)} of {count_words(burn.total)} {burn.unit}"
        parts.append(f"{bad} were bad in the last {duration_words(burn.rate_over_s)}")
    if burn.rate is None:
        return f"{_capital('; '.join(parts))}." if parts else ""
    how = f"{rate_words(burn.rate)} too fast" if burn.rate > 1 else f"at {rate_words(burn.rate)}"
    return f"{burn.objective} burns {how}: {'; '.join(parts)}."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _annotations(notification: Notification) -> list[str]:
    """Texts that all alerts share, or that the only alert has; no text twice."""
    common = notification.common_annotations
    return list(dict.fromkeys(text for name in TEXT_ANNOTATIONS if (text := common.get(name, ""))))


def _began(shown: Sequence[Alert]) -> Instant:
    return min((alert.starts_at for alert in shown), default=0)


def _since(shown: Sequence[Alert], now: Instant, *, firing: bool) -> str:
    began = _began(shown)
    if began <= 0:
        return ""
    if firing:
        lasts = f" ({duration_words((now - began) / NANOSECONDS)})" if now > began else ""
        return f"Since {time_words(began, now)}{lasts}."
    ended = max(alert.ends_at or began for alert in shown)
    return f"Lasted from {time_words(began, now)} to {time_words(ended, now)} ({duration_words(max(0, ended - began) / NANOSECONDS)})."


def _deployed(deployment: Deployment, began: Instant) -> str:
    what = one_line(f"{deployment.service} {deployment.version}".strip(), 200)
    by = f" by {one_line(deployment.author, 100)}" if deployment.author else ""
    apart_s = (began - deployment.at) / NANOSECONDS
    when = (
        f"{duration_words(apart_s)} before" if apart_s > 0 else f"{duration_words(-apart_s)} after it began" if apart_s else "As it began"
    )
    return f"{_capital(when)}: {what} {DEPLOYED[deployment.status]}{by}."


def _failing(facts: PageFacts) -> str:
    error = facts.error
    if error is None:
        return ""
    where = f"{one_line(error.operation, 200)}: " if error.operation else ""
    return f"Fails most often: {where}{one_line(error.message, 300)} ({count_words(error.count)} in {duration_words(error.over_s)})."


def _quiet(notification: Notification) -> str:
    told = [f"{count} {why}" for why, count in sorted(notification.quiet.items()) if count]
    return f"Further alerts of the group are not told: {', '.join(told)}." if told else ""


def _listed(notification: Notification, shown: Sequence[Alert], now: Instant) -> tuple[str, ...]:
    """One line per alert: what sets it apart from the others, its text, since when."""
    common = {name for name, _ in notification.common_labels}
    lines = []
    for alert in shown[:ALERTS_SHOWN_MAX]:
        apart = [f"{name}={one_line(text, 100)}" for name, text in alert.labels if name not in common][:DIFFERENCES_SHOWN_MAX]
        own = alert.annotations.get("summary", "") if "summary" not in notification.common_annotations else ""
        said = f": {one_line(own, 300)}" if own else ""
        since = f" (since {time_words(alert.starts_at, now)})" if alert.starts_at > 0 else ""
        lines.append(one_line(f"{', '.join(apart) or alert.name}{said}{since}"))
    rest = len(shown) - len(lines) + notification.truncated
    return (*lines, f"and {rest} more") if rest > 0 else tuple(lines)


def _links(notification: Notification, facts: PageFacts, addresses: PageAddresses, shown: Sequence[Alert]) -> tuple[PageLink, ...]:
    common = notification.common_annotations
    found: list[PageLink | None] = []
    if facts.trace_id:
        label = f"A {facts.trace_why} trace" if facts.trace_why else "A trace"
        found += [
            addresses.link("trace", label, addresses.trace, trace_id=facts.trace_id) or PageLink("trace", f"{label}: {facts.trace_id}"),
            addresses.link("logs", "Its logs", addresses.logs, trace_id=facts.trace_id),
        ]
    found.append(_own("runbook", "Runbook", [common.get(name, "") for name in RUNBOOK_ANNOTATIONS]))
    found.append(_own("dashboard", "Dashboard", [common.get(name, "") for name in DASHBOARD_ANNOTATIONS]))
    if facts.burn:
        found.append(addresses.link("objective", "Budget", addresses.objective, objective=facts.burn.objective))
    generators = {alert.generator_url for alert in shown}
    if len(generators) == 1:
        found.append(_own("rule", "Rule", [*generators], only_url=True))
    if notification.firing and len(notification.common_labels):
        pairs = ", ".join(f'{name}="{_quoted(value)}"' for name, value in notification.common_labels)
        found.append(addresses.link("silence", "Silence", addresses.silence, filter=f"{{{pairs}}}"))
    return tuple(link for link in found if link is not None)


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _own(kind: str, label: str, texts: Sequence[str], *, only_url: bool = False) -> PageLink | None:
    """A link that somebody wrote into an annotation: its address where it is one of the web, else its name."""
    text = next((one_line(text) for text in texts if text), "")
    if not text:
        return None
    if is_web(text):
        return PageLink(kind, label, text)
    return None if only_url else PageLink(kind, f"{label}: {text}")


def is_web(text: str) -> bool:
    """Whether a text is an address of the web, and nothing that a reader would run."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc) and not any(one.isspace() for one in text)
