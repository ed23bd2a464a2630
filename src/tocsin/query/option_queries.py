"""Queries that stand in options, checked when the options are read: what does not read is said with file, line and key, not by a start."""

from __future__ import annotations

from tocsin.errors import LimitExceeded, ParseError
from tocsin.query.fields import parse_span_query
from tocsin.query.promql.checks import value_type
from tocsin.query.promql.parser import parse
from tocsin.query.promql.syntax import ValueType

WINDOW = "$window"
NUMBERS = frozenset({ValueType.SCALAR, ValueType.VECTOR})


def check_promql(text: str) -> str:
    """
    PromQL that answers numbers at an instant; `$window` stands for a length of time.

    Raises:
        ValueError: It does not read, or answers a range of values or a text.
    """
    try:
        found = value_type(parse(text.replace(WINDOW, "60s")))
    except (ParseError, LimitExceeded) as error:
        raise ValueError(f"expected PromQL: {error}") from error
    if found is ValueType.MATRIX:
        raise ValueError("expected PromQL with one value per series, found a range vector: write rate(...[$window]) or max_over_time(...)")
    if found not in NUMBERS:
        raise ValueError("expected PromQL that answers numbers, found a text")
    return text


def check_span_query(text: str) -> str:
    """
    A query over spans in Lucene syntax.

    Raises:
        ValueError: It does not read.
    """
    try:
        parse_span_query(text)
    except (ParseError, LimitExceeded) as error:
        raise ValueError(f"expected a query over spans: {error}") from error
    return text
