"""Templates of rules beside a real Prometheus: promtool fills them in, and so do we."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from tests.peers.programs import binary

from tocsin.alert.template.rule_functions import expand_rule_template

LABELS = {
    "__name__": "x",
    "job": "api",
    "instance": "db1.example.com:9100",
    "empty": "",
    "text": "a <b> & 'c' \"d\"\\ ü",
    "number": "1234.5",
}
VALUE = 1234567.891

TEMPLATES = Path(__file__).with_name("rule_templates.txt").read_text(encoding="utf-8").splitlines()

QUERIES: Mapping[str, Sequence[tuple[Mapping[str, str], float]]] = {
    "vector(1)": [({}, 1.0)],
    "vector(2)": [({}, 2.0)],
    "nope": [],
    'label_replace(vector(2), "a", "b", "", "")': [({"a": "b"}, 2.0)],
}
LATER_THAN_PEER = ("toDuration", "urlQueryEscape")  # functions that came after the version of the tests


@pytest.fixture(scope="module")
def expansions(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What Prometheus makes of each template."""
    folder = tmp_path_factory.mktemp("templates")
    labels = {name: value for name, value in LABELS.items() if value}
    annotations = {f"a{index:03d}": template for index, template in enumerate(TEMPLATES) if not _newer(template)}
    rule = {"alert": "A", "expr": "x", "annotations": annotations}
    (folder / "rules.yml").write_text(json.dumps({"groups": [{"name": "g", "rules": [rule]}]}), encoding="utf-8")
    pairs = (f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in labels.items() if name != "__name__")
    series = "x{" + ", ".join(pairs) + "}"
    test = {
        "interval": "1m",
        "input_series": [{"series": series, "values": f"{VALUE!r} {VALUE!r}"}],
        "alert_rule_test": [{"eval_time": "1m", "alertname": "A", "exp_alerts": []}],
    }
    (folder / "test.yml").write_text(json.dumps({"rule_files": ["rules.yml"], "tests": [test]}), encoding="utf-8")
    command = [str(binary("promtool")), "test", "rules", str(folder / "test.yml")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    said = done.stdout + done.stderr
    found = dict(re.findall(r'(a\d{3})=("(?:\\.|[^"\\])*")', said.partition("Annotations:{")[2]))
    assert set(found) == set(annotations), said[:3000]
    return [_unquoted(found[name]) if (name := f"a{index:03d}") in found else "" for index in range(len(TEMPLATES))]


@pytest.mark.slow
@pytest.mark.parametrize("index", range(len(TEMPLATES)), ids=lambda index: TEMPLATES[index][:60])
def test_templates_give_what_prometheus_gives(index: int, expansions: list[str]) -> None:
    """Each template is filled in to the same text, or fails where Prometheus fails."""
    template, theirs = TEMPLATES[index], expansions[index]
    if _newer(template):
        pytest.skip("the peer does not know this function")
    labels = {name: value for name, value in LABELS.items() if value}
    ours = expand_rule_template(template, labels, VALUE, query=lambda text, _: QUERIES[text])
    failure = "<error expanding template: "
    assert ours.startswith(failure) == theirs.startswith(failure), (ours, theirs)
    if not ours.startswith(failure):
        assert ours == theirs


def _newer(template: str) -> bool:
    return any(name in template for name in LATER_THAN_PEER)


def _unquoted(text: str) -> str:
    """A text as Go's %q writes it."""
    said = re.sub(r"\\x([0-9a-f]{2})", r"\\u00\1", text).replace("\\a", "\\u0007").replace("\\v", "\\u000b")
    return str(json.loads(said))
