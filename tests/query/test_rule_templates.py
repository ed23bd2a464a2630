"""Templates of alerts: what can be filled in, and what never can."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.query.rule_templates import template_mistake


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain } text",
        "{{ $labels.instance }} is at {{ $value | humanizePercentage }}",
        '{{- if gt $value 1e3 }}{{ printf "%.2f }}" $value }}{{ else if true }}`{{ else }}b{{ end -}}',
        '{{ range query "up == 0" | sortByLabel "job" }}{{ .Labels.job }}{{ end }}',
        "{{ with $x := `a }} b` }}{{ $x }}{{ end }}{{/* shout $value }} */}}",
        '{{ define "t" }}{{ . }}{{ end }}{{ template "t" }}',
        "{{ if eq .Value 0x1F }}{{ end }}",
    ],
)
def test_what_prometheus_fills_in_is_no_mistake(text: str) -> None:
    """Variables, fields, functions, strings of both kinds, comments, blocks."""
    assert template_mistake(text) == ""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{{ $labels.x ", "not closed: '{{ $labels.x '"),
        ('{{ "a }}', "not closed"),
        ("{{ $value | shout }}", "no function is called 'shout'"),
        ("{{ labels.x }}", "no function is called 'labels'"),
        ("{{ if true }}x", "a block has no {{ end }}"),
        ("x{{ end }}", "ends nothing"),
    ],
)
def test_what_it_never_fills_in_is_said(text: str, said: str) -> None:
    """In a few words that say what to look for."""
    assert said in template_mistake(text)


@given(st.text(alphabet='{}"`$a|. /*-\\', max_size=300))
def test_any_text_is_judged(text: str) -> None:
    """Whatever is written, and soon."""
    assert isinstance(template_mistake(text), str)
