"""
The tree of a PromQL query.

Every node knows where it stands in the text (`span`, character offsets), so that errors and annotations can point at it.
Source: Prometheus documentation, 'Querying Prometheus: basics, operators, functions'.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from tocsin.model.series import Matcher


class ValueType(Enum):
    """What an expression evaluates to; the value is its word in messages and in the API."""

    SCALAR = "scalar"
    VECTOR = "vector"
    MATRIX = "matrix"
    STRING = "string"


@dataclass(frozen=True, slots=True)
class Span:
    """Where a node stands: characters `start` to `end` of the text."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class DurationLiteral:
    """
    A length of time that is written out.

    Args:
        ms: Milliseconds; may be negative after `offset`.
        span: Where it stands.
        number: What a plain number says, seconds (`2` in `[5m * 2]`); it may be finer than a millisecond. None where units are written.
    """

    ms: int
    span: Span
    number: float | None = None


class DurationOperator(Enum):
    """Operators and functions of duration expressions (`[5m * 2]`, `offset -(1m)`, `[min(step(), 1m)]`)."""

    ADD = "+"
    SUBTRACT = "-"
    MULTIPLY = "*"
    DIVIDE = "/"
    MODULO = "%"
    POWER = "^"
    NEGATE = "neg"
    STEP = "step"
    RANGE = "range"
    MIN = "min"
    MAX = "max"


@dataclass(frozen=True, slots=True)
class DurationExpression:
    """
    A length of time that is computed (experimental upstream): plain numbers are seconds. `wrapped` says that parentheses stand around it.
    """

    operator: DurationOperator
    operands: tuple[Duration, ...]
    span: Span
    wrapped: bool = False


Duration: TypeAlias = "DurationLiteral | DurationExpression"


class AtAnchor(Enum):
    """`@ start()` and `@ end()`: the ends of the range of the whole query."""

    START = "start"
    END = "end"


class RangeExtension(Enum):
    """Experimental modifiers of what samples a range takes in at its edges."""

    NONE = ""
    ANCHORED = "anchored"
    SMOOTHED = "smoothed"


@dataclass(frozen=True, slots=True)
class NumberLiteral:
    """A number; `is_duration` when it was written as a length of time (`5m` is 300)."""

    value: float
    span: Span
    is_duration: bool = False


@dataclass(frozen=True, slots=True)
class StringLiteral:
    """A text."""

    value: str
    span: Span


@dataclass(frozen=True, slots=True)
class VectorSelector:
    """
    Series by matchers; the metric's name is among them as a matcher of `__name__`.

    Args:
        name: The name where it stands before the braces; empty otherwise (in quotes inside of them it is a matcher like others).
        matchers: All of them, in the order written, the one for `name` last as upstream prints it.
        span: Where it stands.
        offset: How far back to look; None without.
        at_ms: A fixed instant, milliseconds since 1970, or an end of the query's range; None without.
        extension: `anchored` or `smoothed`.
        bypass_empty: Internal to the parser: no check for an all-empty selector (as in `info`).
    """

    name: str
    matchers: tuple[Matcher, ...]
    span: Span
    offset: Duration | None = None
    at_ms: int | AtAnchor | None = None
    extension: RangeExtension = RangeExtension.NONE
    bypass_empty: bool = False


@dataclass(frozen=True, slots=True)
class MatrixSelector:
    """A selector with a range: `x[5m]`."""

    selector: VectorSelector
    range: Duration
    span: Span


@dataclass(frozen=True, slots=True)
class Subquery:
    """`expr[1h:1m]`: an expression evaluated over a range; `step` None means the default step."""

    expression: Expression
    range: Duration
    step: Duration | None
    span: Span
    offset: Duration | None = None
    at_ms: int | AtAnchor | None = None


@dataclass(frozen=True, slots=True)
class Unary:
    """`-x` (negative) or `+x`."""

    negative: bool
    expression: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Paren:
    """`(x)`."""

    expression: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Call:
    """A function with its arguments."""

    function: str
    arguments: tuple[Expression, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Aggregation:
    """
    `sum by (job) (x)`.

    Args:
        operator: sum, avg, count, min, max, group, stddev, stdvar, topk, bottomk, count_values, quantile, limitk, limit_ratio.
        expression: What is aggregated.
        parameter: The number or text before it; None without.
        grouping: Names of labels.
        without: Whether `grouping` names what is dropped rather than what is kept.
        span: Where it stands.
    """

    operator: str
    expression: Expression
    parameter: Expression | None
    grouping: tuple[str, ...]
    without: bool
    span: Span


class Cardinality(Enum):
    """How series of both sides are paired."""

    ONE_TO_ONE = "one-to-one"
    MANY_TO_ONE = "many-to-one"
    ONE_TO_MANY = "one-to-many"
    MANY_TO_MANY = "many-to-many"


@dataclass(frozen=True, slots=True)
class VectorMatching:
    """
    How the sides of a binary operator between vectors are paired.

    Args:
        cardinality: MANY_TO_MANY for `and`, `or`, `unless`; else by `group_left` and `group_right`.
        labels: Of `on` or `ignoring`.
        on: Whether `labels` are the ones compared (`on`) rather than the ones left out.
        include: Labels that `group_left(...)` copies from the 'one' side.
        fill_left: Value for series that the left side lacks (`fill`, `fill_left`); None: such pairs are dropped.
        fill_right: The same for the right side.
    """

    cardinality: Cardinality
    labels: tuple[str, ...] = ()
    on: bool = False
    include: tuple[str, ...] = ()
    fill_left: float | None = None
    fill_right: float | None = None


@dataclass(frozen=True, slots=True)
class Binary:
    """
    An operator between two expressions.

    Args:
        operator: + - * / % ^ atan2 == != > < >= <= and or unless </ >/ (the last two trim native histograms).
        left: Left side.
        right: Right side.
        return_bool: `bool` after a comparison.
        matching: For two vectors; None otherwise.
        span: Where it stands.
    """

    operator: str
    left: Expression
    right: Expression
    return_bool: bool
    matching: VectorMatching | None
    span: Span


Expression: TypeAlias = (
    "NumberLiteral | StringLiteral | VectorSelector | MatrixSelector | Subquery | Unary | Paren | Call | Aggregation | Binary"
)
