"""What rules made, compared with what a test expects; differences in words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from tocsin.model.alert import ALERT_NAME
from tocsin.model.labels import Labels
from tocsin.model.native_histogram import Buckets, NativeHistogram, ResetHint
from tocsin.model.rule_alert import RuleAlert
from tocsin.query.promql.answer import QueryAnswer
from tocsin.query.promql.syntax import ValueType
from tocsin.query.series.notation import Point
from tocsin.replay.rule_tests.definition import ExpectedAlert, ExpectedSample

FUZZ = 1e-5  # how far two numbers may be apart in a fuzzy comparison, as a share of them


def alert_difference(state: str, name: str, expected: Sequence[ExpectedAlert], found: Sequence[RuleAlert]) -> str:
    """
    What differs between the alerts that should be there and those that are; empty when nothing does.

    Args:
        state: `firing` or `pending`, for the text.
        name: Of the alert; expected labels lack it.
        expected: Those that should be there.
        found: Those that are there.
    """
    wanted = sorted(_alert_text(Labels({**dict(one.labels), ALERT_NAME: name}), one.annotations) for one in expected)
    there = sorted(_alert_text(one.labels, one.annotations) for one in found)
    if wanted == there:
        return ""
    missing, more = _only(wanted, there), _only(there, wanted)
    parts = [f"{state}: expected {len(wanted)}, found {len(there)}"]
    parts += [f"  missing: {text}" for text in missing]
    parts += [f"  not expected: {text}" for text in more]
    return "\n".join(parts)


def answer_difference(expected: Sequence[ExpectedSample], answer: QueryAnswer, *, fuzzy: bool) -> str:
    """What differs between the samples that a query should give and those that it does; empty when nothing does."""
    wanted = sorted(((one.labels, one.value) for one in expected), key=lambda pair: pair[0].pairs)
    there = sorted(_samples(answer), key=lambda pair: pair[0].pairs)
    if len(wanted) == len(there) and all(
        one[0] == other[0] and _same(one[1], other[1], fuzzy=fuzzy) for one, other in zip(wanted, there, strict=True)
    ):
        return ""
    shown = [[f"{labels!r} {_value_text(value)}" for labels, value in pairs] for pairs in (wanted, there)]
    return f"expected: {', '.join(shown[0]) or 'nothing'}\nfound: {', '.join(shown[1]) or 'nothing'}"


def _samples(answer: QueryAnswer) -> list[tuple[Labels, Point]]:
    if answer.type is ValueType.SCALAR:
        return [(Labels(), answer.scalar)]
    return [(one.labels, float(one.values[0]) if len(one.values) else one.histograms[0]) for one in answer.series]


def _same(wanted: Point, found: Point, *, fuzzy: bool) -> bool:
    if isinstance(wanted, NativeHistogram) and isinstance(found, NativeHistogram):
        return _same_histogram(wanted, found)
    if isinstance(wanted, float) and isinstance(found, float):
        if fuzzy:
            return math.isclose(wanted, found, rel_tol=FUZZ) or (math.isnan(wanted) and math.isnan(found))
        return wanted == found or (math.isnan(wanted) and math.isnan(found))
    return False


def _same_histogram(wanted: NativeHistogram, found: NativeHistogram) -> bool:
    numbers = [(one.schema, one.count, one.sum, one.zero_count, one.custom_values, one.reset) for one in (wanted, found)]
    return (
        numbers[0] == numbers[1]
        and _filled(wanted.positive) == _filled(found.positive)
        and _filled(wanted.negative) == _filled(found.negative)
    )


def _filled(buckets: Buckets) -> dict[int, float]:
    """Buckets that hold something, by their index: empty ones may be written or not."""
    return {buckets.offset + place: count for place, count in enumerate(buckets.counts.tolist()) if count}


def _alert_text(labels: Labels, annotations: Mapping[str, str]) -> str:
    texts = ", ".join(f"{name}: {text!r}" for name, text in sorted(annotations.items()))
    return f"{labels!r}{f' ({texts})' if texts else ''}"


def _value_text(value: Point) -> str:
    if isinstance(value, NativeHistogram):
        hint = f" counter_reset_hint:{value.reset.name.lower()}" if value.reset is not ResetHint.UNKNOWN else ""
        return f"{{{{schema:{value.schema} count:{value.count:g} sum:{value.sum:g} buckets:{_filled(value.positive)}{hint}}}}}"
    return repr(value)


def _only(these: Sequence[str], others: Sequence[str]) -> list[str]:
    """Elements of the one that the other lacks, each as often as it does."""
    left = list(others)
    found = []
    for text in these:
        if text in left:
            left.remove(text)
        else:
            found.append(text)
    return found
