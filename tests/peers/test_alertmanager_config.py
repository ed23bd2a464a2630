"""The real Alertmanager beside ours: which configurations it takes, where it routes alerts to, and what it tells whom."""

from __future__ import annotations

import re
import subprocess
import threading
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.alert.dispatch.story import CHANNELS, Story
from tests.alert.routing.case_files import cases, write_secrets
from tests.alert.routing.test_tree import TREE
from tests.peers.alertmanager import Alertmanager, WebhookReceiver
from tests.peers.programs import binary

from tocsin.alert.routing.config import read_config
from tocsin.alert.routing.matchers import format_matcher, parse_matchers
from tocsin.model.alert import Alert
from tocsin.model.labels import Labels
from tocsin.model.notification import NotificationReason

DIES_OF = {"routenull"}  # amtool ends with a panic, and says nothing of the files after it
REASONS = {
    NotificationReason.FIRST: "first notification",
    NotificationReason.NEW_ALERTS: "new alerts added",
    NotificationReason.NEW_RESOLVED: "some alerts resolved",
    NotificationReason.ALL_RESOLVED: "all alerts resolved",
}
LABEL_SETS: tuple[dict[str, str], ...] = (
    {}, {"log": "yes"}, {"log": "yes", "severity": "page"}, {"severity": "page", "service": "cart"},
    {"severity": "page", "service": "db-1"}, {"severity": "page", "service": "db-main"}, {"severity": "pages"},
)  # fmt: skip
CONFIGURATION = """
route:
  receiver: all
  group_by: [alertname]
  group_wait: 1s
  group_interval: 2s
  routes:
  - {{matchers: [team="a b", 'é="x"', kind=~"p.*|q"], receiver: team, continue: true}}
  - {{matchers: [team="a b"], receiver: all, group_by: ['...'], routes: [{{matchers: [zone=one], group_by: [service]}}]}}
  - {{matchers: [empty=yes], group_by: []}}
  - {{matchers: [quiet=yes], mute_time_intervals: [always]}}
inhibit_rules: [{{source_matchers: [severity=page], target_matchers: [severity=ticket], equal: [service]}}]
time_intervals: [{{name: always, time_intervals: [{{years: ['2000:2200']}}]}}]
receivers:
- {{name: all, webhook_configs: [{{url: '{url}/all/0'}}, {{url: '{url}/all/1', send_resolved: false}}]}}
- {{name: team, webhook_configs: [{{url: '{url}/team/0'}}, {{url: '{url}/team/1', send_resolved: false}}]}}
"""
FIRST = (
    {"alertname": "X", "i": "1"}, {"alertname": "X", "i": "2"}, {"alertname": "Y", "team": "a b", "é": "x", "kind": "page"},
    {"alertname": "Y", "team": "a b", "zone": "one", "service": "s\n1"}, {"alertname": "E", "empty": "yes"},
    {"alertname": "F", "empty": "yes", "job": "z", "instance": "1"}, {"alertname": "Q", "quiet": "yes"},
    {"alertname": "Out", "severity": "page", "service": "shop"}, {"alertname": "Slow", "severity": "ticket", "service": "shop"},
    {"alertname": "Slow", "severity": "ticket", "service": "cart"},
)  # fmt: skip
THEN = ({"alertname": "X", "i": "3"},)
THEN_OVER = ({"alertname": "X", "i": "1"}, {"alertname": "E", "empty": "yes"}, {"alertname": "Out", "severity": "page", "service": "shop"})
# Ends that were told already are not said again: Alertmanager would tell them once more, and we do not.
LAST_OVER = tuple(labels for labels in (*FIRST, *THEN) if labels not in THEN_OVER)
Told = tuple[str, str, str, str, frozenset[tuple[Labels, str]]]


@pytest.mark.slow
def test_it_refuses_what_we_refuse(tmp_path: Path) -> None:
    """Each of our configurations is taken or refused by amtool as its file says."""
    write_secrets(tmp_path)
    wanted: dict[str, bool] = {}
    for file, taken in (("accepted", True), ("refused", False), ("stricter", True)):
        for case in cases(file):
            if case.name not in DIES_OF:
                (tmp_path / f"{file}-{case.name}.yaml").write_text(case.text, encoding="utf-8")
                wanted[f"{file}-{case.name}.yaml"] = taken
    answer = subprocess.run([binary("amtool"), "check-config", *wanted], cwd=tmp_path, capture_output=True, text=True, check=False)
    found = {name: verdict == "SUCCESS" for name, verdict in re.findall(r"Checking '(\S+)'\s+(SUCCESS|FAILED)", answer.stdout)}
    assert found == wanted


@pytest.mark.slow
def test_it_routes_as_we_do(tmp_path: Path) -> None:
    """The same labels go to the same receivers."""
    path = tmp_path / "alertmanager.yml"
    path.write_text(TREE, encoding="utf-8")
    route = read_config(path).route
    for labels in LABEL_SETS:
        pairs = [f"{name}={value}" for name, value in labels.items()]
        answer = subprocess.run(
            [binary("amtool"), "config", "routes", "test", f"--config.file={path}", *pairs], capture_output=True, text=True, check=True
        )
        ours = dict.fromkeys(found.receiver for found in route.match(Labels(labels)))
        assert answer.stdout.strip().split(",") == list(ours), labels


@pytest.mark.slow
def test_it_groups_and_tells_as_we_do(tmp_path: Path) -> None:
    """The same alerts, some of which end: the same groups are told to the same receivers for the same reasons, with the same alerts."""
    never = threading.Event()
    with WebhookReceiver() as receiver:
        text = CONFIGURATION.format(url=receiver.url)
        with Alertmanager(tmp_path / "peer", text) as peer:
            started = datetime.now(UTC)
            peer.post([_posted(labels, started) for labels in FIRST])
            never.wait(1.8)
            now = datetime.now(UTC)
            peer.post([*(_posted(labels, now) for labels in THEN), *(_posted(labels, started, now) for labels in THEN_OVER)])
            never.wait(2)
            now = datetime.now(UTC)
            peer.post([_posted(labels, started, now) for labels in LAST_OVER])
            never.wait(2.4)
            groups = peer.get("alerts/groups")
        theirs = Counter(_said(path, body) for path, body in receiver.taken)
    assert groups == []
    (tmp_path / "alertmanager.yml").write_text(text, encoding="utf-8")
    ours = _our_story(tmp_path / "alertmanager.yml")
    assert ours == theirs


@pytest.mark.slow
def test_it_writes_matchers_as_we_do(tmp_path: Path) -> None:
    """In the configuration that its API shows, every matcher stands as we would write it."""
    texts = ["a=b", "a=~b|c", 'a="b\\"c\\\\d\\ne"', '"a b"="c\\td"', "é=b", 'a="\\xf0"', "a=", 'a="b",c!~"d"', '"a\\"b"=é', 'a="b\\d"']
    routes = "".join(f"  - matchers: ['{text}']\n" for text in texts)
    with Alertmanager(tmp_path / "peer", f"route:\n  receiver: a\n  routes:\n{routes}receivers: [{{name: a}}]\n") as peer:
        shown = peer.get("status")["config"]["original"]
    (tmp_path / "shown.yml").write_text(shown, encoding="utf-8")
    again = read_config(tmp_path / "shown.yml").route.routes
    for text, route in zip(texts, again, strict=True):
        matchers = parse_matchers(text)
        assert sorted(map(format_matcher, matchers)) == sorted(map(format_matcher, route.matchers))
        assert all(format_matcher(matcher) in shown.replace("'", "") for matcher in matchers), text


def _posted(labels: dict[str, str], since: datetime, until: datetime | None = None) -> dict[str, Any]:
    alert: dict[str, Any] = {"labels": labels, "startsAt": since.isoformat()}
    return {**alert, "endsAt": until.isoformat()} if until is not None else {**alert, "endsAt": (since + timedelta(hours=1)).isoformat()}


def _said(path: str, body: dict[str, Any]) -> Told:
    alerts = frozenset((Labels(alert["labels"]), str(alert["status"])) for alert in body["alerts"])
    return path, body["groupKey"], body["status"], body["notification_reason"], alerts


def _our_story(path: Path) -> Counter[Told]:
    """The same on a virtual clock."""
    story = Story(read_config(path), channels=tuple(replace(one, name=f"webhook/{index}") for index, one in enumerate(CHANNELS)))
    for labels in FIRST:
        story.say(Alert(Labels(labels), starts_at=story.now))
    story.advance(1.8, step_s=0.1)
    for labels in THEN:
        story.say(Alert(Labels(labels), starts_at=story.now))
    for labels in THEN_OVER:
        story.resolve(**labels)
    story.advance(2, step_s=0.1)
    for labels in LAST_OVER:
        story.resolve(**labels)
    story.advance(2.4, step_s=0.1)
    return Counter(
        (
            f"/{told.receiver}/{told.channel[-1]}",
            told.group_key,
            told.status,
            REASONS[told.reason],
            frozenset((alert.labels, "resolved" if alert.resolved(told.created_at) else "firing") for alert in told.alerts),
        )
        for told in story.told
    )
