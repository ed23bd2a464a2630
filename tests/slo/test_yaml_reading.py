"""Files as parts: whatever stands in them ends in values with places, or in a clear mistake."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.slo.definition_files import OPENSLO, OPENSLO_RATIO, OWN, OWN_REST, read

from tocsin.query.promql.options import PromqlOptions
from tocsin.slo.definition import Definitions
from tocsin.slo.files import yaml_reading
from tocsin.slo.files.definitions import DefinitionMistakes, read_definitions
from tocsin.slo.files.notes import Mistake, Notes
from tocsin.slo.files.yaml_reading import read_documents


def mistakes_of(tmp_path: Path, raw: bytes) -> list[str]:
    """What is wrong with a file of these bytes."""
    path = tmp_path / "x.yaml"
    path.write_bytes(raw)
    with pytest.raises(DefinitionMistakes) as caught:
        read_definitions([path], PromqlOptions())
    return [str(mistake).removeprefix(f"{tmp_path}/") for mistake in caught.value.mistakes]


def outcome(path: Path) -> Definitions | tuple[Mistake, ...]:
    """What a file says, or what is wrong with it."""
    try:
        return read_definitions([path], PromqlOptions())
    except DefinitionMistakes as error:
        return error.mistakes


BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{b}: &{b} [{', '.join([f'*{a}'] * 10)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)
CHAIN = "a0: &a0 {b: 1}\n" + "".join(f"a{place}: &a{place} {{<<: *a{place - 1}}}\n" for place in range(1, 900))
HOSTILE = [
    (b"\xff\xfe\x00", "x.yaml:1:1: the file is not UTF-8"),
    (b"a: 1\nb: \xe4\n", "x.yaml:2:1: the file is not UTF-8"),
    (b"a: 1\nb: [1\nc: 2\n", "not YAML"),
    (b"a: 1\n\tb: 2\n", "a tab stands at the start of the line"),
    (b"a: b: c\n", "x.yaml:1:5: not YAML"),
    (b"a: \x07\n", "x.yaml:1:4: not YAML"),
    (b"a: *gone\n", "no value before has the anchor"),
    (b"a: &a [*a]\n", "stands inside of what it refers to"),
    (b"[" * 100_000, "nested deeper than 64 levels"),
    (b"{a: " * 5_000, "nested deeper than 64 levels"),
    (b"- " * 50_000, "nested deeper than 64 levels"),
    (CHAIN.encode(), "nested deeper than 64 levels"),
    (BOMB.encode(), "stands for more than 1,000,000 values"),
    (b"just words\n", "expected an object with apiVersion and kind"),
    (b"- 1\n", "x.yaml:1:3: expected an object"),
    (b"{}\n", "found an object with neither"),
    (b"apiVersion: tocsin/v1\napiVersion: openslo/v1\n", "x.yaml:2:1: 'apiVersion' stands here twice, first in line 1"),
    (b"? {a: b}\n: c\n", "expected the name of a field"),
    (b"<<: 5\napiVersion: tocsin/v1\n", "found '5'"),
]


@pytest.mark.parametrize(("raw", "message"), HOSTILE, ids=lambda value: repr(value[:20]))
def test_hostile_files_are_refused_clearly(tmp_path: Path, raw: bytes, message: str) -> None:
    """Nothing recurses, nothing blows up, and the sentence says what to mend."""
    found = mistakes_of(tmp_path, raw)
    assert any(message in mistake for mistake in found), "\n".join(found)


@pytest.mark.parametrize("text", ["", "\n\n", "---\n---\n", "# only words\n", "null\n", "\ufeff"])
def test_an_empty_file_says_nothing(tmp_path: Path, text: str) -> None:
    """Nothing is nothing wrong."""
    assert read(tmp_path, text).objectives == {}


def test_what_can_not_be_read_is_a_mistake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing file, a folder, a file that is too large: all of them at once."""
    monkeypatch.setattr(yaml_reading, "SIZE_BYTES_MAX", 100_000)
    large = tmp_path / "large.yaml"
    large.write_text("# comment\n" * 10_001, encoding="utf-8")
    with pytest.raises(DefinitionMistakes) as caught:
        read_definitions([tmp_path / "gone.yaml", tmp_path, large], PromqlOptions())
    messages = [str(mistake) for mistake in caught.value.mistakes]
    assert len(messages) == 3
    assert any("larger than" in message for message in messages)
    assert sum("can't be read" in message for message in messages) == 2


def test_json_reads_with_its_lines(tmp_path: Path) -> None:
    """Also with tabs, escapes and characters beyond 16 bits."""
    objective = {
        "apiVersion": "tocsin/v1",
        "kind": "Objective",
        "metadata": {"name": "a", "displayName": "\U0001f514 a/b"},
        "spec": {"service": "s", "target": 0.99, "availability": {}},
    }
    text = json.dumps(objective, indent="\t").replace("/", "\\/")
    (found,) = read(tmp_path, text).objectives.values()
    assert (found.title, found.target) == ("\U0001f514 a/b", 0.99)
    broken = text.replace("0.99", "99")
    assert any(mistake.startswith("x.yaml:10:") for mistake in mistakes_of(tmp_path, broken.encode()))


def test_what_stands_before_broken_yaml_is_still_read(tmp_path: Path) -> None:
    """So that its mistakes are said in the same answer."""
    found = mistakes_of(tmp_path, (OWN + "  target: 7\n  availability: {}\n---\na: [\n").encode())
    assert any("target" in mistake for mistake in found)
    assert any("not YAML" in mistake for mistake in found)


def test_a_position_in_a_query_is_a_column_of_the_file(tmp_path: Path) -> None:
    """Where the scalar stands on one line as it means; else the place is the scalar's own."""
    text = OWN + "  target: 99%\n  availability: {query: 'a:1 \"b'}\n"
    assert mistakes_of(tmp_path, text.encode())[0].startswith("x.yaml:7:30: ")
    block = OWN + '  target: 99%\n  availability:\n    query: |\n      a:1 "b\n'
    assert mistakes_of(tmp_path, block.encode())[0].startswith("x.yaml:8:12: ")


def test_an_alias_means_what_it_refers_to(tmp_path: Path) -> None:
    """As often as it stands there."""
    path = tmp_path / "x.yaml"
    path.write_text("a: &a [1, {b: 2}]\nc: *a\n", encoding="utf-8")
    (document,) = read_documents(path, Notes())
    assert document.pairs[0][1] is document.pairs[1][1]
    assert document.size == 13


WORDS = st.sampled_from(
    [
        *(
            "apiVersion",
            "kind",
            "metadata",
            "spec",
            "name",
            "service",
            "target",
            "objective",
            "indicator",
            "availability",
            "latency",
            "under",
        ),
        *("window", "slices", "alerts", "exclusions", "dependencies", "objectives", "timeWindow", "ratioMetric", "good", "total", "type"),
        *("metricSource", "query", "promql", "slos", "sli", "events", "error_query", "steps", "version", "budgetingMethod", "Timeslices"),
        *("timeSliceWindow", "alertPolicies", "conditions", "threshold", "labels", "<<"),
    ]
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 200),
    st.floats(allow_nan=True),
    st.text(max_size=8),
    st.sampled_from(
        ["30d", "99.9%", "0.99", "sum(a)", "rate(a_total[5m])", "a:1", "prometheus", "tocsin", "spans", "page", "2026-01-01", "five"]
    ),
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=5), max_leaves=12)
HEADS = st.sampled_from(
    [
        *(
            {"apiVersion": "tocsin/v1", "kind": kind, "metadata": {"name": "a"}}
            for kind in ("Objective", "Supplement", "BudgetPolicy", "Exclusion")
        ),
        *(
            {"apiVersion": "openslo/v1", "kind": kind, "metadata": {"name": "a"}}
            for kind in ("SLO", "SLI", "AlertPolicy", "AlertCondition")
        ),
        {"version": "prometheus/v1"},
    ]
)
OBJECTIVE_FIELDS = [
    "service",
    "target",
    "window",
    "slices",
    "availability",
    "throughput",
    "promql",
    "batch",
    "policy",
    "alerts",
    "exclusions",
]
FIELDS = {
    "Objective": OBJECTIVE_FIELDS,
    "SLO": ["service", "indicator", "indicatorRef", "timeWindow", "budgetingMethod", "objectives", "alertPolicies"],
    "": ["service", "labels", "slos"],
}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80)
@given(head=HEADS, data=st.data())
def test_no_tree_breaks_the_reader(tmp_path: Path, head: dict[str, object], data: st.DataObject) -> None:
    """Whatever stands where, definitions or mistakes come out, nothing else."""
    known = FIELDS.get(str(head.get("kind", "")), OBJECTIVE_FIELDS)
    body = data.draw(st.dictionaries(st.sampled_from(known) | WORDS, VALUES, max_size=7))
    whole = {**head, **body} if "version" in head else {**head, "spec": body}
    path = tmp_path / "x.yaml"
    path.write_text(json.dumps(whole), encoding="utf-8")
    found = outcome(path)
    if isinstance(found, Definitions):
        assert all(0 < objective.target < 1 for objective in found.objectives.values())
    else:
        assert found
        assert all(mistake.line > 0 and mistake.column > 0 for mistake in found)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80)
@given(
    start=st.integers(0, 400), end=st.integers(0, 400), middle=st.text(alphabet="{}[]&*!|>%@`'\"#:,-? \n\tab\x00\x85\u2028", max_size=12)
)
@example(start=10, end=10, middle="\u2028")
def test_no_text_breaks_the_reader(tmp_path: Path, start: int, end: int, middle: str) -> None:
    """Good files with a piece torn out and another one in its place."""
    text = f"{OWN}{OWN_REST}---\n{OPENSLO}{OPENSLO_RATIO}  objectives: [{{target: 0.9}}]\n"
    path = tmp_path / "x.yaml"
    path.write_text(text[:start] + middle + text[max(start, end) :], encoding="utf-8")
    assert outcome(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(raw=st.binary(max_size=40))
def test_no_bytes_break_the_reader(tmp_path: Path, raw: bytes) -> None:
    """Definitions or mistakes, nothing else."""
    path = tmp_path / "x.yaml"
    path.write_bytes(raw)
    found = outcome(path)
    assert not found.objectives if isinstance(found, Definitions) else found
