"""
Files of unit tests for rules, read: everything that is wrong with one is said at once, with its line.

Source: Prometheus documentation, 'Unit testing for rules'. Fields that it does not know are remarked rather than refused, so that a file
may say more than one tool understands.
"""

from __future__ import annotations

import glob
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from tocsin.errors import InvalidInput
from tocsin.model.instant import parse_instant
from tocsin.model.labels import Labels
from tocsin.query.promql.durations import parse_duration_ms
from tocsin.query.series.notation import Point, WrittenSeries, parse_histogram, parse_points, parse_series
from tocsin.replay.rule_tests.definition import (
    EVALUATION_INTERVAL_MS,
    AlertCase,
    ExpectedAlert,
    ExpectedSample,
    QueryCase,
    RuleTest,
    RuleTestFile,
)
from tocsin.slo.files.notes import DefinitionMistakes, Notes, Place
from tocsin.slo.files.parts import Fields, Part
from tocsin.slo.files.yaml_reading import read_documents

FILE_FIELDS = ("rule_files", "evaluation_interval", "group_eval_order", "fuzzy_compare", "tests")
TEST_FIELDS = (
    *("name", "interval", "start_timestamp", "input_series", "alert_rule_test", "promql_expr_test"),
    *("external_labels", "external_url"),
)
ALERT_FIELDS = ("eval_time", "alertname", "exp_alerts", "exp_pending")
EXPECTED_FIELDS = ("exp_labels", "exp_annotations")
QUERY_FIELDS = ("expr", "eval_time", "exp_samples")
SAMPLE_FIELDS = ("labels", "value", "histogram")
# A test that a slip of the pen made a million minutes long would run for hours.
STEPS_MAX = 1_000_000
_YAML_NUMBERS = {".nan": "nan", ".inf": "inf", "+.inf": "inf", "-.inf": "-inf"}

_Read = TypeVar("_Read")


def read_rule_tests(path: Path) -> RuleTestFile:
    """
    A file of tests.

    Raises:
        DefinitionMistakes: Something in it is wrong; all of it is said.
    """
    notes = Notes()
    documents = read_documents(path, notes)
    if len(documents) != 1 and not notes.mistakes:
        notes.mistake(Place(str(path)), f"expected one document with tests, found {len(documents)}")
    found = [_file(path, document, notes) for document in documents[:1]]
    if notes.mistakes:
        raise DefinitionMistakes(notes.mistakes)
    return found[0]


def _file(path: Path, document: Part, notes: Notes) -> RuleTestFile:
    fields = document.fields("a file of rule tests", FILE_FIELDS, open_ended=True)
    interval_ms = _duration(fields, "evaluation_interval", EVALUATION_INTERVAL_MS, least_ms=1)
    tests = tuple(_test(part, interval_ms) for part in fields.elements("tests", "tests"))
    for test in tests:
        if test.length_ms > STEPS_MAX * interval_ms:
            notes.mistake(
                Place(str(path)), f"a test of {test.length_ms // 1000} s takes more than {STEPS_MAX} evaluations; write it shorter"
            )
    return RuleTestFile(
        path=path,
        rule_files=tuple(file for part in fields.elements("rule_files", "files") for file in _rule_files(path, part)),
        interval_ms=interval_ms,
        fuzzy=fields.flag("fuzzy_compare", default=False),
        group_order=tuple(part.text("the name of a group") for part in fields.elements("group_eval_order", "groups")),
        tests=tests,
        remarks=notes.remarks,
    )


def _rule_files(path: Path, part: Part) -> list[Path]:
    pattern = part.text("a file")
    found = sorted(glob.glob(str(path.parent / pattern)))  # noqa: PTH207 - the pattern may be absolute, or begin with ..
    if not found:
        part.wrong(f"no file is called {pattern!r}, seen from {path.parent}")
    return [Path(file) for file in found]


def _test(part: Part, interval_ms: int) -> RuleTest:
    fields = part.fields("a test", TEST_FIELDS, open_ended=True)
    labels = fields.optional("external_labels")
    start = fields.optional("start_timestamp")
    return RuleTest(
        name=fields.text("name"),
        interval_ms=_duration(fields, "interval", interval_ms, least_ms=1),
        start_ms=_understood(start, _start_ms, 0) if start is not None else 0,
        series=tuple(_series(one) for one in fields.elements("input_series", "series")),
        alerts=tuple(_alert_case(one) for one in fields.elements("alert_rule_test", "expected alerts")),
        queries=tuple(_query_case(one) for one in fields.elements("promql_expr_test", "expected answers")),
        external_labels=_texts(labels, "external labels") if labels is not None else {},
        external_url=fields.text("external_url"),
        place=str(part.place),
    )


def _series(part: Part) -> WrittenSeries:
    fields = part.fields("a series", ("series", "values"), open_ended=True)
    name, values = fields.needed("series"), fields.needed("values", "such as 1 2 3, or 0+10x20")
    labels = _understood(name, _only_labels, Labels()) if name is not None else Labels()
    points: list[Point] = _understood(values, parse_points, []) if values is not None else []
    return WrittenSeries(labels, points)


def _alert_case(part: Part) -> AlertCase:
    fields = part.fields("an expected alert", ALERT_FIELDS, open_ended=True)
    alert = fields.needed("alertname")
    return AlertCase(
        at_ms=_duration(fields, "eval_time", 0),
        alert=alert.text() if alert is not None else "",
        firing=_expected(fields, "exp_alerts"),
        pending=_expected(fields, "exp_pending") if "exp_pending" in fields.found else None,
        place=str(part.place),
    )


def _expected(fields: Fields, name: str) -> tuple[ExpectedAlert, ...]:
    alerts = []
    for part in fields.elements(name, "alerts"):
        own = part.fields("an alert", EXPECTED_FIELDS, open_ended=True)
        labels, annotations = own.optional("exp_labels"), own.optional("exp_annotations")
        alerts.append(
            ExpectedAlert(
                Labels(_texts(labels, "labels") if labels is not None else {}),
                _texts(annotations, "annotations") if annotations is not None else {},
            )
        )
    return tuple(alerts)


def _query_case(part: Part) -> QueryCase:
    fields = part.fields("an expected answer", QUERY_FIELDS, open_ended=True)
    query = fields.needed("expr")
    return QueryCase(
        at_ms=_duration(fields, "eval_time", 0),
        query=query.text("a PromQL query") if query is not None else "",
        samples=tuple(_sample(one) for one in fields.elements("exp_samples", "samples")),
        place=str(part.place),
    )


def _sample(part: Part) -> ExpectedSample:
    fields = part.fields("a sample", SAMPLE_FIELDS, open_ended=True)
    labels, value, histogram = (fields.optional(name) for name in SAMPLE_FIELDS)
    known = _understood(labels, _only_labels, Labels()) if labels is not None else Labels()
    if histogram is not None:
        return ExpectedSample(known, _understood(histogram, parse_histogram, None))
    return ExpectedSample(known, _understood(value, _number, 0.0) if value is not None else 0.0)


def _texts(part: Part, what: str) -> dict[str, str]:
    return {key.value: value.value if not value.is_null else "" for key, value in part.entries(what)}


def _only_labels(text: str) -> Labels:
    if text.strip() in {"", "{}"}:
        return Labels()
    written = parse_series(text)
    if written.points:
        raise InvalidInput(f"expected a series without values, found {text!r}")
    return written.labels


def _number(text: str) -> float:
    try:
        return float(_YAML_NUMBERS.get(text.lower(), text))
    except ValueError as error:
        raise InvalidInput(f"expected a number, found {text!r}") from error


def _start_ms(text: str) -> int:
    return parse_instant(text) // 1_000_000


def _duration(fields: Fields, name: str, default_ms: int, *, least_ms: int = 0) -> int:
    part = fields.optional(name)
    if part is None:
        return default_ms
    length_ms = _understood(part, lambda text: 0 if text == "0" else parse_duration_ms(text), default_ms)
    if length_ms < least_ms:
        part.wrong(f"expected a length of time above nought, found {part.shown}")
        return default_ms
    return length_ms


def _understood(part: Part, read: Callable[[str], _Read], default: _Read) -> _Read:
    """What a text means to `read`; its refusal becomes a mistake at the text's place."""
    try:
        return read(part.text())
    except InvalidInput as error:
        part.wrong(str(error))
        return default
