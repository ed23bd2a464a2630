"""Relabelling: every action, what it drops, what it refuses to be."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tocsin.collect.relabel import RelabelRule, relabel

LABELS = {"__name__": "hits_total", "host": "web-07.fra.example.org", "path": "/cart", "twin": "/cart", "zone": "FRA"}


def rule(**options: Any) -> RelabelRule:
    """A rule as a file would give it."""
    return RelabelRule.model_validate(options)


def after(*rules: RelabelRule, **labels: str) -> dict[str, str] | None:
    """The labels after the rules."""
    return relabel({**LABELS, **labels}, rules)


@pytest.mark.parametrize(
    ("options", "changes"),
    [
        ({"source_labels": ["host"], "regex": r"web-(\d+)\..*", "target_label": "number", "replacement": "n$1"}, {"number": "n07"}),
        ({"source_labels": ["host"], "regex": r"web", "target_label": "number"}, {}),
        ({"target_label": "team", "replacement": "shop"}, {"team": "shop"}),
        ({"source_labels": ["path", "zone"], "separator": "@", "target_label": "both"}, {"both": "/cart@FRA"}),
        ({"source_labels": ["path", "nothing"], "target_label": "both"}, {"both": "/cart;"}),
        ({"source_labels": ["nothing"], "target_label": "zone"}, {"zone": ""}),
        ({"source_labels": ["zone"], "target_label": "in_$1", "replacement": "yes"}, {"in_FRA": "yes"}),
        ({"source_labels": ["path"], "target_label": "at$1", "replacement": "yes"}, {"at/cart": "yes"}),
        ({"source_labels": ["nothing"], "target_label": "$1", "replacement": "yes"}, {}),
        ({"target_label": "http.route", "replacement": "yes"}, {"http.route": "yes"}),
        ({"source_labels": ["zone"], "target_label": "zone", "action": "lowercase"}, {"zone": "fra"}),
        ({"source_labels": ["host"], "target_label": "host", "action": "Uppercase"}, {"host": "WEB-07.FRA.EXAMPLE.ORG"}),
        ({"regex": "(pa)(th)", "replacement": "${2}_$1", "action": "labelmap"}, {"th_pa": "/cart"}),
        ({"regex": "host|tw.*", "action": "labeldrop"}, {"host": "", "twin": ""}),
        ({"regex": "__name__|path", "action": "labelkeep"}, {"host": "", "twin": "", "zone": ""}),
        ({"source_labels": ["path"], "target_label": "twin", "action": "keepequal"}, {}),
        ({"source_labels": ["path"], "target_label": "zone", "action": "dropequal"}, {}),
        ({"source_labels": ["host"], "regex": "web-.*", "action": "keep"}, {}),
        ({"source_labels": ["host"], "regex": "db-.*", "action": "drop"}, {}),
    ],
)
def test_actions_change_what_they_say(options: dict[str, Any], changes: dict[str, str]) -> None:
    """Each action sets or removes its labels, and leaves the others as they are."""
    assert after(rule(**options)) == {name: value for name, value in {**LABELS, **changes}.items() if value}


@pytest.mark.parametrize(
    "options",
    [
        {"source_labels": ["host"], "regex": "web", "action": "keep"},
        {"source_labels": ["host"], "regex": "web-.*", "action": "drop"},
        {"source_labels": ["path"], "target_label": "zone", "action": "keepequal"},
        {"source_labels": ["path"], "target_label": "twin", "action": "dropequal"},
        {"source_labels": ["nothing"], "regex": "", "action": "drop"},
    ],
)
def test_rules_drop_the_whole_set(options: dict[str, Any]) -> None:
    """Expressions must match the whole text, and a label that is missing is empty."""
    assert after(rule(**options)) is None


def test_rules_run_in_their_order() -> None:
    """A rule sees what the one before wrote, and none runs after a drop."""
    first = rule(target_label="tmp", replacement="gone")
    assert after(first, rule(source_labels=["tmp"], regex="gone", action="drop"), rule(target_label="x", replacement="y")) is None


@given(st.text(max_size=30), st.integers(min_value=1, max_value=2**64 - 1))
def test_hashes_shard_as_in_prometheus(text: str, modulus: int) -> None:
    """The remainder is that of the last eight bytes of the MD5, so both shard alike."""
    out = relabel({"a": text}, [rule(source_labels=["a"], target_label="shard", modulus=modulus, action="hashmod")])
    expected = int(hashlib.md5(text.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()[16:], 16) % modulus
    assert out is not None
    assert out["shard"] == str(expected)


@given(st.dictionaries(st.from_regex(r"[a-c]{1,3}", fullmatch=True), st.text(max_size=5), max_size=6), st.sampled_from("abc"))
def test_keeping_and_dropping_labels_part_the_set(labels: dict[str, str], letter: str) -> None:
    """What labelkeep leaves and what labeldrop leaves are together the labels that have values."""
    kept = relabel(labels, [rule(regex=f"{letter}.*", action="labelkeep")])
    left = relabel(labels, [rule(regex=f"{letter}.*", action="labeldrop")])
    assert kept is not None
    assert left is not None
    assert {**kept, **left} == {name: value for name, value in labels.items() if value}
    assert not kept.keys() & left.keys()


@given(st.dictionaries(st.sampled_from("abcd"), st.text(max_size=5)), st.text(max_size=8))
def test_relabelling_leaves_its_input_alone(labels: dict[str, str], value: str) -> None:
    """The labels that came in are not written to, and none that comes out is empty."""
    before = dict(labels)
    out = relabel(labels, [rule(target_label="a", replacement=value.replace("$", "$$"))])
    assert labels == before
    assert out is not None
    assert all(out.values())
    assert out.get("a", "") == value


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"action": "rename"}, "expected an action"),
        ({"regex": "(", "target_label": "a"}, "regular expression"),
        ({"regex": "(?=a)", "target_label": "a"}, "expected a regular expression of RE2: .*invalid perl operator"),
        ({"source_labels": ["a"]}, "needs target_label"),
        ({"action": "hashmod", "target_label": "a"}, "needs modulus"),
        ({"action": "hashmod", "target_label": "a", "modulus": -1}, "greater than or equal"),
        ({"action": "lowercase", "source_labels": ["a"]}, "needs target_label"),
        ({"action": "lowercase", "source_labels": ["a"], "target_label": "$1"}, "puts no groups into target_label"),
        ({"action": "labelmap", "regex": "a(.*)", "replacement": ""}, "expected a label's name in replacement"),
        ({"action": "labeldrop", "regex": "a", "source_labels": ["b"]}, "looks at regex only"),
        ({"action": "keepequal", "source_labels": ["b"], "target_label": "a", "regex": "x"}, "target_label only"),
        ({"source_label": ["a"], "target_label": "a"}, "Extra inputs"),
    ],
)
def test_rules_that_mean_nothing_are_refused(options: dict[str, Any], says: str) -> None:
    """A mistake is said when the configuration is read, not when a target vanishes."""
    with pytest.raises(ValidationError, match=says):
        rule(**options)
