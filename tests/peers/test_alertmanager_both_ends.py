"""The real Alertmanager beside us and behind us, a real Prometheus before us: the same is answered alike, and alerts pass through."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.api.alert_house import CONFIGURATION, AlertHouse
from tests.cli.conftest import serving
from tests.peers.alertmanager import Alertmanager, WebhookReceiver
from tests.peers.programs import Prometheus
from tests.spine.server import Server, wait_until

from tocsin.clock import RealClock
from tocsin.model.instant import format_instant

pytestmark = pytest.mark.slow
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(Z|[+-]\d\d:\d\d)")
NOBODY = "00000000-0000-4000-8000-000000000000"
FAR = {"startsAt": "2100-01-01T00:00:00Z", "endsAt": "2100-01-02T00:00:00Z", "createdBy": "ana", "comment": "moving"}
ONE = {"name": "a", "value": "x", "isRegex": False}
FIRING = [
    {
        "labels": {"alertname": "Out", "severity": "page", "service": "shop", "é-x": "ü"},
        "annotations": {"summary": "the shop is out", "empty": ""},
        "startsAt": "2026-01-02T00:00:00.123456789+01:00",
        "endsAt": "2100-01-01T00:00:00Z",
        "generatorURL": "http://x/y",
    },
    {"labels": {"alertname": "Slow", "severity": "ticket", "service": "shop", "none": ""}, "endsAt": "2100-01-01T00:00:00Z"},
    {"labels": {"alertname": "Night", "quiet": "yes"}, "annotations": None, "generatorURL": "", "unknown": 1},
    {"labels": {"alertname": "Plain", "a": "x"}, "startsAt": None, "endsAt": "0001-01-01T00:00:00Z"},
]
POSTED_ALERTS: tuple[Any, ...] = (
    FIRING, [], None, {}, "x", [{}], [{"labels": None}], [{"labels": {}}], [{"labels": {"a": ""}}], [{"labels": {"a": 1}}],
    [{"labels": {"": "x"}}], [{"labels": {"a": "b"}, "annotations": {"": "x"}, "endsAt": "2026-01-01"}],
    [{"labels": {"a": "b"}, "startsAt": "never"}],
    [{"labels": {"a": "b"}, "generatorURL": "no uri"}], [{"labels": {"a": "b"}, "generatorURL": 5}],
    [{"labels": {"half": "taken"}}, {"labels": {}}, {"labels": {"a": "b"}, "startsAt": "2026-01-02", "endsAt": "2026-01-01"}],
)  # fmt: skip
POSTED_SILENCES: tuple[Any, ...] = (
    {**FAR, "matchers": [ONE]}, {**FAR, "matchers": [ONE, {**ONE, "value": "y", "isEqual": False}]},
    {**FAR, "matchers": [{**ONE, "isRegex": True}], "id": ""},
    {**FAR, "matchers": [{**ONE, "isRegex": True, "isEqual": False}, {"name": "b", "value": "", "isRegex": False, "isEqual": False}]},
    {**FAR, "matchers": [{"name": "late", "value": 'ü "', "isRegex": False, "isEqual": None}], "annotations": {"ticket": "T-1"}},
    {}, None, [], {**FAR, "matchers": []}, {**FAR, "matchers": [{"name": "a"}]}, {**FAR, "matchers": [{**ONE, "name": ""}]},
    {**FAR, "matchers": [{**ONE, "isRegex": True, "value": "["}]}, {**FAR, "matchers": [{**ONE, "value": ""}]},
    {**FAR, "matchers": [ONE], "id": NOBODY}, {**FAR, "matchers": [ONE], "id": "nope"}, {**FAR, "matchers": [ONE], "startsAt": "x"},
    {**FAR, "matchers": [ONE], "endsAt": "2099-01-01T00:00:00Z"},
    {**FAR, "matchers": [ONE], "startsAt": "2025-01-01T00:00:00Z", "endsAt": "2025-01-02T00:00:00Z"},
)  # fmt: skip
ALERT_QUESTIONS = (
    "", "active=false", "silenced=false", "inhibited=false", "unprocessed=false", "active=no&inhibited=yes", "active=", "bogus=x",
    "receiver=pag", "receiver=pag.*", "receiver=[", 'filter=alertname="Out"', "filter=alertname=~O.*&filter=service=shop", 'filter=none=""',
    "filter=a!=x", "filter={a", "filter=", 'filter=a=~"["',
    'receiver_matchers=name="pager"', "receiver_matchers=zone=eu", "receiver_matchers=x",
)  # fmt: skip
SILENCE_QUESTIONS = (
    "",
    'filter=a="x"',
    "filter=a=~x",
    "filter=a!=x",
    "filter=a!~x&filter=b!=",
    "filter=a=~.*",
    "filter=none=x",
    "filter={",
)
OTHERS = (
    ("GET", "receivers"), ("GET", f"silence/{NOBODY}"), ("DELETE", f"silence/{NOBODY}"), ("GET", "silence/nope"),
    ("DELETE", "silence/nope"),
    ("GET", "nothing"), ("PUT", "alerts"), ("POST", "status"), ("GET", "silence/"), ("GET", "../v1/alerts"), ("POST", "../v1/alerts"),
    ("GET", "../../-/healthy"), ("GET", "../../-/ready"),
)  # fmt: skip

TELLING = """
route: {{receiver: team, group_by: [service], group_wait: 1s, group_interval: 2s}}
receivers: [{{name: team, webhook_configs: [{{url: '{url}'}}]}}]
"""
RULES = """
groups:
- name: g
  interval: 1s
  rules:
  - {alert: Blinks, expr: 'vector(time() % 10) < 5', labels: {severity: page}, annotations: {summary: now and then}}
"""


class Beside:
    """Asks both the same."""

    def __init__(self, real: str, ours: str) -> None:
        self._clients = [httpx.Client(base_url=base, timeout=30, trust_env=False) for base in (real, ours)]

    def close(self) -> None:
        """Hang up."""
        for client in self._clients:
            client.close()

    def ask(self, method: str, path: str, **given: Any) -> tuple[Any, Any]:
        """The answers of the real one and of ours, as far as they must be alike."""
        place = httpx.URL(f"http://x/api/v2/{path}").raw_path.decode().lstrip("/")  # without the dots that lead out of version 2
        real, ours = (_alike(client.request(method, place, **given)) for client in self._clients)
        return real, ours

    def difference(self, method: str, path: str, **given: Any) -> str:
        """How the answers differ; empty where they do not."""
        real, ours = self.ask(method, path, **given)
        if real == ours:
            return ""
        if isinstance(real[2], list) and isinstance(ours[2], list):
            same = [one for one in real[2] if one in ours[2]]
            order = " (the same in another order)" if sorted(map(str, real[2])) == sorted(map(str, ours[2])) else ""
            real, ours = ([one for one in found[2] if order or one not in same] for found in (real, ours))
            return f"{method} {path}{order}\n  real: {str(real)[:800]}\n  ours: {str(ours)[:800]}"
        return f"{method} {path} {given}\n  real: {real}\n  ours: {ours}"

    def both(self, method: str, path: str, **given: Any) -> None:
        """Send it to both; each must take it."""
        for client in self._clients:
            client.request(method, f"api/v2/{path}", **given).raise_for_status()


@pytest.fixture(scope="module")
def beside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Beside]:
    """Both, with the same configuration, nothing in them."""
    with (
        Alertmanager(tmp_path_factory.mktemp("alertmanager"), CONFIGURATION) as real,
        AlertHouse(tmp_path_factory.mktemp("tocsin"), clock=RealClock()) as house,
        serving(house.application(hosts=frozenset({"127.0.0.1"}))) as url,
    ):
        house.pipeline.start()
        found = Beside(real.url, f"{url}/alertmanager")
        yield found
        found.close()


def test_what_is_posted_is_answered_alike(beside: Beside) -> None:
    """Taken, or refused with the same status and the same shape; of a batch those are taken that make sense."""
    found = [beside.difference("POST", "alerts", json=document) for document in POSTED_ALERTS]
    for number, document in enumerate(POSTED_SILENCES):
        # Of silences that begin at one instant no order is promised.
        begins = {"startsAt": f"2100-01-01T00:00:{number:02d}Z"} if document and document.get("startsAt") == FAR["startsAt"] else {}
        found.append(beside.difference("POST", "silences", json={**document, **begins} if begins else document))
    found += [
        beside.difference("POST", path, content=body, headers={"Content-Type": media_type})
        for body, media_type in (
            (b"{", "application/json"),
            (b"", "application/json"),
            (b"[]", "text/plain"),
            (b"\xff", "application/json"),
        )
        for path in ("alerts", "silences")
    ]
    assert not any(found), "\n".join(filter(None, found))


def test_what_is_asked_is_answered_alike(beside: Beside) -> None:
    """Alerts, groups, silences, and whatever else the API has."""
    beside.both("POST", "alerts", json=FIRING)
    silence = {**FAR, "startsAt": "2026-01-01T00:00:00Z", "endsAt": "2100-01-01T00:00:00Z"}
    beside.both("POST", "silences", json={**silence, "matchers": [{"name": "alertname", "value": "Pl.*", "isRegex": True}]})
    beside.both("POST", "silences", json={**FAR, "matchers": [ONE]})
    wait_until(lambda: _is_settled(beside), timeout_s=15, what="both to have looked at their groups")
    found = [beside.difference("GET", f"{path}?{question}") for question in ALERT_QUESTIONS for path in ("alerts", "alerts/groups")]
    found += [beside.difference("GET", f"alerts/groups?{question}") for question in ("muted=false", "muted=x", "muted=no&active=false")]
    found += [beside.difference("GET", f"silences?{question}") for question in SILENCE_QUESTIONS]
    found += [beside.difference(method, path, **({"json": []} if method in {"POST", "PUT"} else {})) for method, path in OTHERS]
    assert not any(found), "\n".join(filter(None, found))


def test_the_status_has_the_same_shape(beside: Beside) -> None:
    """The same fields, and a configuration that reads."""
    (code, _, real), (our_code, _, ours) = beside.ask("GET", "status")
    assert (code, _shape(real)) == (our_code, _shape(ours))
    assert "receiver: pager" in ours["config"]["original"]


def test_prometheus_sends_its_alerts_to_us(tmp_path: Path) -> None:
    """A rule of a real Prometheus fires, shows here, and is over here once it is over there."""
    expression = "vector(time() % 10) < 5"  # on and off, however long Prometheus takes to start
    rule = f"{{alert: Blinks, expr: '{expression}', labels: {{severity: page}}, annotations: {{summary: now and then}}}}"
    (tmp_path / "rules.yml").write_text(f"groups: [{{name: g, interval: 1s, rules: [{rule}]}}]", encoding="utf-8")
    with AlertHouse(tmp_path, clock=RealClock()) as house, serving(house.application(hosts=frozenset({"127.0.0.1"}))) as url:
        house.pipeline.start()
        target = url.removeprefix("http://")
        configuration = (
            "global: {evaluation_interval: 1s, external_labels: {cluster: eu}}\n"
            f"rule_files: ['{tmp_path}/rules.yml']\n"
            f"alerting: {{alertmanagers: [{{path_prefix: /alertmanager, static_configs: [{{targets: ['{target}']}}]}}]}}\n"
        )
        with Prometheus(tmp_path / "prometheus", configuration):
            wait_until(lambda: bool(house.desk.alerts()), timeout_s=20, what="the alert to come")
            (found,) = house.desk.alerts()
            # Said no more it would go on for five minutes: its end was said.
            wait_until(lambda: not house.desk.alerts(), timeout_s=20, what="the alert to be over")
    assert dict(found.alert.labels) == {"alertname": "Blinks", "severity": "page", "cluster": "eu"}
    assert dict(found.alert.annotations) == {"summary": "now and then"}
    assert (found.alert.source, found.status.receivers) == ("api", ("pager", "team"))
    assert found.alert.generator_url.startswith("http://")


@pytest.fixture(scope="module")
def told() -> Iterator[WebhookReceiver]:
    """What both tell by webhook; the path says who."""
    with WebhookReceiver() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory, told: WebhookReceiver) -> Iterator[Alertmanager]:
    """An Alertmanager that tells by webhook."""
    with Alertmanager(tmp_path_factory.mktemp("behind"), TELLING.format(url=f"{told.url}/real")) as found:
        yield found


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, told: WebhookReceiver, behind: Alertmanager) -> Iterator[Server]:
    """A whole server with a rule that comes and goes, which tells the same and forwards to it."""
    folder = tmp_path_factory.mktemp("server")
    (folder / "routes.yml").write_text(TELLING.format(url=f"{told.url}/ours"), encoding="utf-8")
    (folder / "rules.yml").write_text(RULES, encoding="utf-8")
    alert = {
        "config": f"{folder}/routes.yml",
        "forward": [behind.url],
        "external_labels": {"cluster": "eu"},
        "burn_profile": "none",
        "resend_s": 1,
    }
    options = {"alert": alert, "rules": {"files": [f"{folder}/rules.yml"]}, "host": {"enabled": False}, "own": {"enabled": False}}
    (folder / "tocsin.yml").write_text(json.dumps(options), encoding="utf-8")
    with Server(folder / "data", "--config", str(folder / "tocsin.yml")) as found:
        yield found


def test_our_alerts_are_forwarded_to_an_alertmanager(server: Server, behind: Alertmanager) -> None:
    """Our rule's alert shows in its API and, once it is over, no more."""
    wait_until(lambda: bool(_blinking(behind)), timeout_s=30, what="the alert to come")
    (found,) = _blinking(behind)
    wait_until(lambda: not _blinking(behind), timeout_s=20, what="the alert to be over")
    assert found["labels"] == {"alertname": "Blinks", "severity": "page", "cluster": "eu"}
    assert found["annotations"] == {"summary": "now and then"}
    assert found["generatorURL"].startswith(server.url)


def test_webhooks_are_alike(server: Server, behind: Alertmanager, told: WebhookReceiver) -> None:
    """The same alerts, posted to both, are told in the same words, but for what we add; so is their end."""
    now = RealClock().now_ns()  # an alert that began long ago would be told before the other one is there
    posted = [
        {"labels": {"alertname": "Out", "service": "shop", "zone": zone}, "annotations": {"summary": "out", "zone": zone},
         "startsAt": format_instant(now), "endsAt": "2100-01-01T00:00:00Z", "generatorURL": "http://x/y"}
        for zone in ("eu", "us")
    ]  # fmt: skip
    ended = [{**one, "endsAt": format_instant(now + 1)} for one in posted]
    for status, alerts in (("firing", posted), ("resolved", ended)):
        behind.post(alerts)
        server.client.post("/alertmanager/api/v2/alerts", json=alerts).raise_for_status()
        wait_until(lambda status=status: all(_told(told, who, status) for who in ("real", "ours")), timeout_s=20, what=status)  # type: ignore[misc]
        real, ours = (_told(told, who, status)[0] for who in ("real", "ours"))
        assert ours.keys() - real.keys() == {"notification_key", "page"}
        assert not real.keys() - ours.keys()
        assert {name: ours[name] for name in real.keys() - {"externalURL"}} == {name: real[name] for name in real.keys() - {"externalURL"}}
        assert ours["externalURL"] == server.url


def _blinking(behind: Alertmanager) -> list[Any]:
    found: list[Any] = behind.get("alerts", filter='alertname="Blinks"')
    return found


def _told(told: WebhookReceiver, who: str, status: str) -> list[Any]:
    return [
        body for path, body in told.taken if path == f"/{who}" and body["status"] == status and body["groupLabels"] == {"service": "shop"}
    ]


def _alike(answer: httpx.Response) -> tuple[int, str, Any]:
    """Status, media type, and the body without instants, ids and words."""
    media_type = answer.headers.get("content-type", "").partition(";")[0]
    if media_type != "application/json":
        return answer.status_code, media_type, answer.text
    return answer.status_code, media_type, _without_chance(answer.json(), is_error=answer.is_error)


def _without_chance(document: Any, *, is_error: bool) -> Any:
    if is_error:
        return "words" if isinstance(document, str) else {**document, **dict.fromkeys(document.keys() & {"message", "error"}, "words")}
    text = INSTANT.sub("instant", json.dumps(document, sort_keys=True))
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "id", text)
    return json.loads(text)


def _is_settled(beside: Beside) -> bool:
    return all(
        any(alert["status"]["mutedBy"] for group in answer[2] for alert in group["alerts"]) for answer in beside.ask("GET", "alerts/groups")
    )


def _shape(document: Any) -> Any:
    if isinstance(document, dict):
        return {name: _shape(value) for name, value in document.items()}
    return type(document).__name__
