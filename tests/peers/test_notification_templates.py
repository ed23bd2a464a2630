"""Templates of notifications beside a real Alertmanager: amtool fills them in, and so do we."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from tests.peers.programs import binary

from tocsin.alert.page.text import PageText
from tocsin.alert.template.go_json import to_json
from tocsin.alert.template.notification_texts import NotificationTemplates
from tocsin.model.alert import Alert
from tocsin.model.instant import parse_instant
from tocsin.model.labels import Labels
from tocsin.model.notification import Notification, NotificationReason

TEMPLATES = Path(__file__).with_name("notification_templates.txt").read_text(encoding="utf-8").splitlines()
NOW = parse_instant("2026-11-20T02:07:00Z")
SHARED = {"alertname": "Slow", "severity": "page", "aaa": "first of the names"}
STORY = Notification(
    key="k",
    group_key='{}:{alertname="Slow"}',
    receiver="the team",
    channel="slack/0",
    reason=NotificationReason.FIRST,
    created_at=NOW,
    group_labels=Labels({"alertname": "Slow", "zone": "north"}),
    alerts=(
        Alert(
            Labels({**SHARED, "instance": "db:1", "odd": "<b> & \"q\" 'ü'"}),
            {"summary": "it is slow", "runbook_url": "https://run/book"},
            starts_at=parse_instant("2026-11-20T02:03:04.5Z"),
            generator_url="http://g/1",
        ),
        Alert(
            Labels({**SHARED, "instance": "db:2"}),
            {"summary": "it was slow", "runbook_url": "https://run/book"},
            starts_at=parse_instant("2026-11-20T01:00:00Z"),
            ends_at=parse_instant("2026-11-20T01:30:00.25Z"),
            generator_url="http://g/2",
        ),
    ),
)


@pytest.fixture(scope="module")
def peer(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command line of amtool, but for the template."""
    folder = tmp_path_factory.mktemp("templates")
    (folder / "none.tmpl").write_text('{{ define "nothing" }}{{ end }}', encoding="utf-8")
    data = NotificationTemplates.read(external_url="https://ops").for_notification(STORY, PageText("title"), now=NOW).data
    (folder / "data.json").write_text(to_json(data), encoding="utf-8")
    return [
        str(binary("amtool")),
        "template",
        "render",
        f"--template.glob={folder}/none.tmpl",
        f"--template.data={folder}/data.json",
    ]


def rendered(command: list[str]) -> str:
    """What amtool prints."""
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout.removesuffix("\n")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["text", "html"])
def test_templates_give_what_alertmanager_gives(kind: str, peer: list[str]) -> None:
    """Every template is filled in to the same text, as text and as HTML, from data that went through the same JSON."""
    between = "\n=====\n"
    text = between.join(TEMPLATES)
    theirs = rendered([*peer, f"--template.type={kind}", f"--template.text={text}"])
    texts = NotificationTemplates.read(external_url="https://ops").for_notification(STORY, PageText("title"), now=NOW)
    ours = (texts.html if kind == "html" else texts.text)(text)
    for template, one, other in zip(TEMPLATES, ours.split(between), theirs.split(between), strict=True):
        assert one.strip() == other.strip(), template


@pytest.mark.slow
def test_addresses_in_html_are_filtered_as_alertmanager_does(peer: list[str]) -> None:
    """An address that would run something is replaced, an ordinary one stays."""
    text = '<a href="{{ "javascript:alert(1)" }}">{{ "<i>" }}</a><a href="{{ "https://x/?a=b&c" }}">x</a><a href="{{ "/path" }}">y</a>'
    theirs = rendered([*peer, "--template.type=html", f"--template.text={text}"])
    texts = NotificationTemplates.read().for_notification(STORY, PageText("title"), now=NOW)
    assert texts.html(text) == theirs
