"""
PromQL's printer: a tree as text, on one line or on several.

What it prints reads back as the same tree (matchers come sorted). `prettify` splits what is longer than 100 characters: operands two
columns deeper than their operator, arguments on lines of their own.
Source: Prometheus documentation, 'HTTP API', formatting query expressions.
"""

from __future__ import annotations

import re

from tocsin.model.labels import METRIC_NAME
from tocsin.model.series import MatchOperator
from tocsin.query.promql.numerals import format_duration, format_number, quote
from tocsin.query.promql.syntax import (
    Aggregation,
    AtAnchor,
    Binary,
    Call,
    Cardinality,
    Duration,
    DurationExpression,
    DurationLiteral,
    DurationOperator,
    Expression,
    MatrixSelector,
    NumberLiteral,
    Paren,
    RangeExtension,
    StringLiteral,
    Subquery,
    Unary,
    VectorMatching,
    VectorSelector,
)
from tocsin.query.promql.token_stream import RESERVED
from tocsin.query.promql.tree_json import to_json

__all__ = ["LINE_CHARACTERS_MAX", "format", "format_length", "prettify", "quote", "to_json"]

LINE_CHARACTERS_MAX = 100
_INDENT = "  "

_METRIC_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_NUMBERS = frozenset({"inf", "nan"})
_NO_LABELS = _NUMBERS | {"without"}


def format(expression: Expression) -> str:  # noqa: A001 - the verb of the trade; callers import the module
    """A tree on one line: `sum by (job) (rate(x[5m]))`."""
    match expression:
        case NumberLiteral():
            return format_duration(round(expression.value * 1000)) if expression.is_duration else format_number(expression.value)
        case StringLiteral():
            return quote(expression.value)
        case VectorSelector():
            return _selector(expression) + _modifiers(expression)
        case MatrixSelector():
            return f"{_selector(expression.selector)}[{format_length(expression.range)}]{_modifiers(expression.selector)}"
        case Subquery():
            return format(expression.expression) + _subquery_tail(expression)
        case Unary():
            return f"{'-' if expression.negative else '+'}{format(expression.expression)}"
        case Paren():
            return f"({format(expression.expression)})"
        case Call():
            return f"{expression.function}({', '.join(format(argument) for argument in expression.arguments)})"
        case Aggregation():
            return f"{_aggregation_head(expression)}({', '.join(format(argument) for argument in _aggregation_arguments(expression))})"
        case Binary():
            return f"{format(expression.left)} {_operator(expression)} {format(expression.right)}"


def prettify(expression: Expression) -> str:
    """A tree on as many lines as it takes to keep most of them below 100 characters."""
    return _pretty(expression, 0)


def format_length(duration: Duration) -> str:
    """A range, step or offset: `5m`, `5m * 2`, `(5m + step()) / 2`. Alone, a plain number is written as a duration."""
    return format_duration(duration.ms) if isinstance(duration, DurationLiteral) else _computed(duration)


def _operand(duration: Duration) -> str:
    if isinstance(duration, DurationExpression):
        return _computed(duration)
    return format_duration(duration.ms) if duration.number is None else format_number(duration.number)


def _computed(duration: DurationExpression) -> str:
    operands = [_operand(operand) for operand in duration.operands]
    match duration.operator:
        case DurationOperator.STEP | DurationOperator.RANGE:
            text = f"{duration.operator.value}()"
        case DurationOperator.MIN | DurationOperator.MAX:
            text = f"{duration.operator.value}_of({', '.join(operands)})"
        case DurationOperator.NEGATE:
            text = f"-{operands[0]}"
        case _:
            text = f"{operands[0]} {duration.operator.value} {operands[1]}"
    return f"({text})" if duration.wrapped else text


def _selector(selector: VectorSelector) -> str:
    plain = _METRIC_NAME.fullmatch(selector.name) is not None and selector.name.lower() not in RESERVED | _NUMBERS
    matchers = list(selector.matchers)
    if plain:
        matchers = [m for m in matchers if (m.name, m.operator, m.value) != (METRIC_NAME, MatchOperator.EQUAL, selector.name)]
    texts = sorted(f"{_label(m.name)}{m.operator.value}{quote(m.value)}" for m in matchers)
    if plain:
        return f"{selector.name}{{{','.join(texts)}}}" if texts else selector.name
    return f"{{{','.join(texts)}}}"


def _label(name: str) -> str:
    return name if _LABEL_NAME.fullmatch(name) else quote(name)


def _modifiers(selector: VectorSelector | Subquery) -> str:
    parts = []
    if isinstance(selector, VectorSelector) and selector.extension is not RangeExtension.NONE:
        parts.append(f" {selector.extension.value}")
    if isinstance(selector.at_ms, AtAnchor):
        parts.append(f" @ {selector.at_ms.value}()")
    elif selector.at_ms is not None:
        sign = "-" if selector.at_ms < 0 else ""
        seconds, ms = divmod(abs(selector.at_ms), 1000)
        parts.append(f" @ {sign}{seconds}.{ms:03}")
    if selector.offset is not None and selector.offset != DurationLiteral(0, selector.offset.span):
        parts.append(f" offset {format_length(selector.offset)}")
    return "".join(parts)


def _subquery_tail(subquery: Subquery) -> str:
    step = format_length(subquery.step) if subquery.step is not None else ""
    return f"[{format_length(subquery.range)}:{step}]{_modifiers(subquery)}"


def _labels(names: tuple[str, ...]) -> str:
    return ", ".join(name if _METRIC_NAME.fullmatch(name) and name.lower() not in _NO_LABELS else quote(name) for name in names)


def _aggregation_head(aggregation: Aggregation) -> str:
    if aggregation.without:
        return f"{aggregation.operator} without ({_labels(aggregation.grouping)}) "
    return f"{aggregation.operator} by ({_labels(aggregation.grouping)}) " if aggregation.grouping else aggregation.operator


def _aggregation_arguments(aggregation: Aggregation) -> list[Expression]:
    return [aggregation.expression] if aggregation.parameter is None else [aggregation.parameter, aggregation.expression]


def _operator(binary: Binary) -> str:
    """The operator with what is written between the sides: `/ on (job) group_left ()`."""
    parts = [binary.operator, *(["bool"] if binary.return_bool else [])]
    return " ".join([*parts, *(_matching(binary.matching) if binary.matching is not None else [])])


def _matching(matching: VectorMatching) -> list[str]:
    parts: list[str] = []
    grouped = matching.cardinality in {Cardinality.MANY_TO_ONE, Cardinality.ONE_TO_MANY}
    if matching.on or matching.labels or grouped:
        parts.append(f"{'on' if matching.on else 'ignoring'} ({_labels(matching.labels)})")
    if grouped:
        side = "left" if matching.cardinality is Cardinality.MANY_TO_ONE else "right"
        parts.append(f"group_{side} ({_labels(matching.include)})")
    left, right = matching.fill_left, matching.fill_right
    if left is not None and right is not None and format_number(left) == format_number(right):
        return [*parts, f"fill ({format_number(left)})"]
    parts += [f"fill_left ({format_number(left)})"] if left is not None else []
    return parts + ([f"fill_right ({format_number(right)})"] if right is not None else [])


def _pretty(expression: Expression, depth: int) -> str:
    indent = _INDENT * depth
    line = format(expression)
    if len(line) <= LINE_CHARACTERS_MAX:
        return indent + line
    match expression:
        case Binary():
            left, right = _pretty(expression.left, depth + 1), _pretty(expression.right, depth + 1)
            return f"{left}\n{indent}{_operator(expression)}\n{right}"
        case Unary():
            return f"{indent}{'-' if expression.negative else '+'}{_pretty(expression.expression, depth).lstrip(' ')}"
        case Paren():
            return f"{indent}(\n{_pretty(expression.expression, depth + 1)}\n{indent})"
        case Subquery():
            return _pretty(expression.expression, depth) + _subquery_tail(expression)
        case Call() if expression.arguments:
            return _spread(f"{indent}{expression.function}", list(expression.arguments), depth)
        case Aggregation():
            return _spread(f"{indent}{_aggregation_head(expression)}", _aggregation_arguments(expression), depth)
        case _:
            return indent + line


def _spread(head: str, arguments: list[Expression], depth: int) -> str:
    lines = ",\n".join(_pretty(argument, depth + 1) for argument in arguments)
    return f"{head}(\n{lines}\n{_INDENT * depth})"
