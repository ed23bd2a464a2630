"""Templates of notifications: our default texts, HTML, JSON, times, and texts that fail."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.alert.page.text import PageLink, PageText
from tocsin.alert.template.floats import format_float
from tocsin.alert.template.notification_texts import NotificationTemplates, NotificationTexts
from tocsin.alert.template.texts import replace_all
from tocsin.alert.template.times import GoTime, format_duration, parse_go_duration, zone_of
from tocsin.errors import InvalidInput, ParseError
from tocsin.model.alert import Alert
from tocsin.model.instant import NANOSECONDS, parse_instant
from tocsin.model.labels import Labels
from tocsin.model.notification import Notification, NotificationReason

NOW = parse_instant("2026-11-20T02:07:00Z")
PAGE = PageText("P1: <slow>", ("It is & stays slow.",), ("a", "b"), (PageLink("runbook", "Runbook", "https://r/x?a=1&b=2"),), "P1")


def texts(page: PageText = PAGE, files: dict[str, str] | None = None, **labels: str) -> NotificationTexts:
    """What fills in texts for a notification of one alert."""
    alert = Alert(Labels({"alertname": "Slow", **labels}), {"summary": "s"}, starts_at=NOW - 90 * NANOSECONDS)
    told = Notification("k", "g", "team", "slack/0", NotificationReason.FIRST, NOW, Labels({"alertname": "Slow"}), (alert,))
    return NotificationTemplates.read(files, "https://ops").for_notification(told, page, now=NOW)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("__subject", "P1: <slow>"),
        ("__alertmanagerURL", "https://ops"),
        ("slack.default.title", "P1: &lt;slow&gt;"),
        ("slack.default.text", "It is &amp; stays slow.\n• a\n• b\n<https://r/x?a=1&b=2|Runbook>"),
        ("slack.default.color", "danger"),
        ("slack.default.footer", ""),
        ("pagerduty.default.description", "P1: <slow>"),
        ("opsgenie.default.message", "P1: <slow>"),
        ("email.default.subject", "P1: <slow>"),
    ],
)
def test_default_templates_print_the_page(name: str, said: str) -> None:
    """Under the names that configurations refer to."""
    assert texts().text(f'{{{{ template "{name}" . }}}}') == said


def test_the_default_mail_is_html_without_foreign_markup() -> None:
    """Titles and sentences bring no tags, links are addresses of the web."""
    html = texts().html('{{ template "email.default.html" . }}')
    assert "P1: &lt;slow&gt;" in html
    assert "<slow>" not in html
    assert '<a href="https://r/x?a=1&amp;b=2">Runbook</a>' in html


@pytest.mark.parametrize(
    ("template", "html"),
    [
        ("<p>{{ .CommonLabels.x }}</p>", "<p>&lt;img src=x onerror=&#34;y&#34;&gt;</p>"),
        ('<a href="{{ .CommonLabels.evil }}">', '<a href="#ZgotmplZ">'),
        ("<a href='{{ .CommonLabels.spaced }}'>", "<a href='#ZgotmplZ'>"),
        ('<img src="{{ .CommonLabels.path }}">', '<img src="/a?b=1">'),
        ('<a href="{{ .CommonLabels.evil | safeUrl }}">', '<a href="javascript:alert(1)">'),
        ('{{ "<b>" | safeHtml }}', "<b>"),
        ('{{ "<b>" | html }}', "&lt;b&gt;"),
        ("{{ 1.5 }} {{ nothing }}", None),
    ],
)
def test_values_bring_no_markup_into_html(template: str, html: str | None) -> None:
    """As Go's html/template: text and attributes are escaped, addresses that would run something replaced."""
    found = texts(x='<img src=x onerror="y">', evil="javascript:alert(1)", spaced=" java\nscript:alert(1)", path="/a?b=1")
    if html is None:
        with pytest.raises(ParseError, match="no function is called 'nothing'"):
            found.html(template)
    else:
        assert found.html(template) == html


def test_a_text_that_fails_has_a_stand_in() -> None:
    """A broken text must not keep a page from going out."""
    assert texts().text_or("{{ .Nope }}", "instead") == "instead"
    assert texts().text_or("{{ if }}", "instead") == "instead"
    assert texts().html_or("{{ .Nope }}", "instead") == "instead"
    with pytest.raises(InvalidInput, match=r"template\.Data has no field Nope; it has Receiver, Status, Alerts"):
        texts().text("{{ .Nope }}")


def test_files_define_and_replace() -> None:
    """A later file's definition holds, and may use ours; a mistake names its file."""
    own = {"a.tmpl": '{{ define "mine" }}1{{ end }}', "b.tmpl": '{{ define "mine" }}2 {{ template "__subject" . }}{{ end }}'}
    assert texts(files=own).text('{{ template "mine" . }}') == "2 P1: <slow>"
    with pytest.raises(ParseError, match=r"c\.tmpl: line 1, column 4"):
        NotificationTemplates.read({"c.tmpl": "{{ nope }}"})


def test_times_of_now() -> None:
    """`now` and `since` read the clock that is passed in."""
    found = texts()
    assert found.text("{{ since (index .Alerts 0).StartsAt }}") == "1m30s"
    assert found.text('{{ now.Format "15:04:05" }}') == "02:07:00"
    assert found.text('{{ (now.Add (since (index .Alerts 0).StartsAt)) | tz "Asia/Kolkata" | date "15:04 MST" }}') == "07:38 IST"
    with pytest.raises(InvalidInput, match="no time zone is called 'Nowhere/X'"):
        found.text('{{ now | tz "Nowhere/X" }}')
    with pytest.raises(InvalidInput, match=r"date takes a value of type time\.Time"):
        found.text('{{ "x" | date "15" }}')


@pytest.mark.parametrize("name", ["../etc/passwd", "/etc/passwd", "a" * 5000, "\0"])
def test_time_zones_are_names_not_paths(name: str) -> None:
    """Nothing else is opened."""
    with pytest.raises(InvalidInput, match="no time zone"):
        zone_of(name)


def test_json_is_gos() -> None:
    """Characters with a meaning in HTML are escaped; it reads back as what it was."""
    written = texts(x="<&>\u2028").text("{{ toJson .CommonLabels }}")
    assert written == '{"alertname":"Slow","x":"\\u003c\\u0026\\u003e\\u2028"}'
    assert json.loads(written)["x"] == "<&>\u2028"


@pytest.mark.parametrize(
    ("pattern", "replacement", "text", "result"),
    [
        ("a(x*)b", "$1W", "-ab-axxb-", "---"),
        ("a(x*)b", "${1}W", "-ab-axxb-", "-W-xxW-"),
        ("b*", ".", "abé", ".a.é."),
        ("", "-", "äb", "-ä-b-"),
        ("x", "$$", "axb", "a$b"),
        ("(?P<n>.)", "<$n>", "é", "<é>"),
        (".", "", "\ud800a", ""),
    ],
)
def test_replacing_all(pattern: str, replacement: str, text: str, result: str) -> None:
    """From left to right, nothing right after a match, never within a character."""
    assert replace_all(pattern, replacement, text) == result


@given(st.integers(-(10**18), 10**18))
def test_durations_read_back(nanoseconds: int) -> None:
    """Up to a nanosecond or what a float keeps of it."""
    found = parse_go_duration(format_duration(nanoseconds)).nanoseconds
    assert abs(found - nanoseconds) <= max(1, abs(nanoseconds) // 10**15)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats_read_back_exactly(value: float) -> None:
    """The shortest text that is the same number."""
    assert float(format_float(value, "g")) == value


@given(st.integers(-62_135_596_800, 253_402_300_799), st.text(alphabet="0123456789JanMonTZ:-+_. PMpm", max_size=20))
def test_any_layout_gives_a_text(seconds: int, layout: str) -> None:
    """Whatever stands in a layout."""
    assert isinstance(GoTime(seconds * NANOSECONDS).format(layout), str)
