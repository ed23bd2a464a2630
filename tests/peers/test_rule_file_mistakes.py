"""Templates of rules that do not read, beside a real Prometheus: promtool refuses the same rules as we do when files are read."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from tests.peers.programs import binary

from tocsin.alert.files.conditions import Known
from tocsin.alert.files.reading import read_one
from tocsin.query.promql.options import PromqlOptions

TEMPLATES = (
    *("", "plain } text }}", "{{ $labels.instance }} is at {{ $value | humanizePercentage }}", "{{ .Foo }}", "{{ humanize }}"),
    *("{{ $labels.x ", "{{", '{{ "a }}', "{{ 'a }}", "{{ `a }}", "{{/* open }}", "{{/* shout $value */}}", "{{- /* x */ -}}", "{{ }}"),
    *("{{ shout $value }}", "{{ labels.x }}", "{{ $x }}", "{{ $value := 3 }}{{ $value }}", "{{ if $y := 1 }}{{ $y }}{{ end }}{{ $y }}"),
    *("{{ if true }}x", "x{{ end }}", "{{ else }}", "{{ if true }}{{ else }}{{ else }}{{ end }}", "{{ with 1 }}{{ else with 2 }}{{ end }}"),
    *("{{ ($value }}", "{{ $value) }}", "{{ (len (print 1)) }}", "{{ ($value).x }}", "{{ $labels.a.b }}", "{{ $labels. }}", "{{ .. }}"),
    *(
        "{{ range }}{{ end }}",
        "{{ range $i, $v := query `up` }}{{ break }}{{ end }}",
        "{{ break }}",
        "{{ if }}{{ end }}",
        "{{ with }}{{ end }}",
    ),
    *("{{ 3 | 4 }}", "{{ 3 | len | print }}", "{{ | len }}", "{{ 3 | }}", "{{ nil }}", "{{ print nil }}", "{{ true }}", "{{ .x | .y }}"),
    *(
        "{{ 08 }}",
        "{{ 0x1F }}",
        "{{ 1e3 }}",
        "{{ 1_000 }}",
        "{{ 0b2 }}",
        "{{ 'a' }}",
        "{{ 'ab' }}",
        '{{ "\\q" }}',
        '{{ "\\u00e4" }}',
        "{{ 3a }}",
    ),
    *(
        '{{ define "t" }}{{ . }}{{ end }}{{ template "t" }}',
        '{{ template "no" }}',
        "{{ template }}",
        "{{ template x }}",
        "{{ define }}{{ end }}",
    ),
    *(
        '{{ define "t" }}{{ $value }}{{ end }}',
        '{{ if true }}{{ define "t" }}{{ end }}{{ end }}',
        '{{ block "b" . }}x{{ end }}',
        '{{ block "b" }}{{ end }}',
    ),
    *(
        "{{ $value = 3 }}",
        "{{ $z = 3 }}",
        "{{ $a, $b := 1 }}",
        "{{ len 1 2 3 }}",
        "{{ index }}",
        "{{ @ }}",
        "{{ a-b }}",
        "{{ -1 }}",
        "{{ - 1 }}",
    ),
    *(
        "{{-3}}",
        "{{- 3 -}}",
        "{{3-}}",
        "{{ 3 -}} x",
        "{{ $value | humanize 3 4 }}",
        "{{ first (query `up ==`) }}",
        "{{\n  $value\n}}",
        "{{ $ }}",
        "{{ $.x }}",
    ),
    *(
        "{{ $value }",
        "{ { $value } }",
        "{{ {{ $value }} }}",
        "{{ eq $value 1 | not }}",
        "{{ and }}",
        "{{ printf }}",
        "{{ call }}",
        "{{ continue }}",
    ),
)


@pytest.mark.slow
def test_promtool_refuses_the_same_templates(tmp_path: Path) -> None:
    """In labels and annotations of alerts; recording rules take what stands there."""
    rules = [{"alert": f"A{index}", "expr": "up", "annotations": {"a": text}} for index, text in enumerate(TEMPLATES)]
    rules += [{"alert": f"L{index}", "expr": "up", "labels": {"a": text}} for index, text in enumerate(TEMPLATES) if text]
    rules.append({"record": "a:b", "expr": "up", "labels": {"a": "{{ $x }}"}})
    path = tmp_path / "rules.yml"
    path.write_text(json.dumps({"groups": [{"name": "g", "rules": rules}]}), encoding="utf-8")
    done = subprocess.run(
        [str(binary("promtool")), "check", "rules", "--lint=none", str(path)], capture_output=True, text=True, timeout=60, check=False
    )
    theirs = set(re.findall(r'rule \d+, "(\w+)"', done.stdout + done.stderr))
    found = read_one(path, Known({}, PromqlOptions(), 0.0), interval_s=60.0)
    ours = {match[1] for mistake in found.mistakes if (match := re.search(r'rule \d+, "(\w+)"', mistake.message))}
    shown = {name: TEMPLATES[int(name[1:])] for name in ours ^ theirs}
    assert ours == theirs, {name: (text, "only ours" if name in ours else "only theirs") for name, text in shown.items()}
    assert len(theirs) > len(TEMPLATES) // 2
