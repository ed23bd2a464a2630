"""
What must hold of a tree beyond its grammar: types, numbers of arguments, selectors that select something.

Messages are those that Prometheus gives, so that clients and people feel at home.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tocsin.errors import ParseError
from tocsin.model.pattern import compile_pattern
from tocsin.model.series import Matcher, MatchOperator
from tocsin.query.promql.lexer import parse_error
from tocsin.query.promql.signatures import AGGREGATIONS, ANCHORED_FUNCTIONS, FUNCTIONS, SMOOTHED_FUNCTIONS
from tocsin.query.promql.syntax import (
    Aggregation,
    Binary,
    Call,
    Expression,
    MatrixSelector,
    NumberLiteral,
    Paren,
    RangeExtension,
    StringLiteral,
    Subquery,
    Unary,
    ValueType,
    VectorSelector,
)

# A chain such as `a or b or c` is as deep as it is long. What walks the tree takes a few frames a level, and Python has a thousand.
DEPTH_MAX = 200
TOO_DEEP = f"an expression may be {DEPTH_MAX} levels deep, this one is deeper: match several names by one regular expression, or split it"

_WORDS = {ValueType.SCALAR: "scalar", ValueType.VECTOR: "instant vector", ValueType.MATRIX: "range vector", ValueType.STRING: "string"}
_BLANK = re.compile(r"(?:\s|#[^\n]*)*")
_COMPARISONS = frozenset({"==", "!=", ">", "<", ">=", "<="})
_NO_COMPARISON = "bool modifier can only be used on comparison operators"
_NO_BOOL = "comparisons between scalars must use BOOL modifier"
_SETS = frozenset({"and", "or", "unless"})


class TypeTable:
    """
    What expressions of one tree evaluate to, each found out once.

    It knows nodes by identity and keeps them, so that no other node can take the place of one that was thrown away.
    """

    def __init__(self) -> None:
        self._known: dict[int, tuple[Expression, ValueType]] = {}

    def of(self, expression: Expression) -> ValueType:
        """The type of an expression; of a binary one, its sides are asked for first."""
        outer = expression
        while isinstance(outer, Paren | Unary):
            outer = outer.expression
        if not isinstance(outer, Binary):
            return _type_of_leaf(outer)
        known = self._known.get(id(outer))
        if known is None:
            scalars = self.of(outer.left) is self.of(outer.right) is ValueType.SCALAR
            known = self._known[id(outer)] = (outer, ValueType.SCALAR if scalars else ValueType.VECTOR)
        return known[1]


def value_type(expression: Expression) -> ValueType:
    """What an expression evaluates to."""
    return TypeTable().of(expression)


def _type_of_leaf(expression: Expression) -> ValueType:
    match expression:
        case NumberLiteral():
            return ValueType.SCALAR
        case StringLiteral():
            return ValueType.STRING
        case MatrixSelector() | Subquery():
            return ValueType.MATRIX
        case Call():
            return FUNCTIONS[expression.function].returns
        case _:
            return ValueType.VECTOR


def children(expression: Expression) -> tuple[Expression, ...]:
    """The expressions directly inside of one, from left to right."""
    match expression:
        case NumberLiteral() | StringLiteral() | VectorSelector():
            return ()
        case MatrixSelector():
            return (expression.selector,)
        case Subquery() | Paren() | Unary():
            return (expression.expression,)
        case Call():
            return expression.arguments
        case Aggregation():
            return (expression.expression,) if expression.parameter is None else (expression.parameter, expression.expression)
        case Binary():
            return (expression.left, expression.right)


def walk(expression: Expression) -> Iterator[Expression]:
    """An expression and everything inside it, outer before inner, from left to right; without recursion."""
    stack = [expression]
    while stack:
        found = stack.pop()
        yield found
        stack.extend(reversed(children(found)))


def check_depth(expression: Expression, text: str) -> None:
    """Refuse a tree that is deeper than 200 levels, before anything recurses into it."""
    stack = [(expression, 1)]
    while stack:
        found, depth = stack.pop()
        if depth > DEPTH_MAX:
            raise parse_error(text, found.span.start, TOO_DEEP)
        stack.extend((child, depth + 1) for child in children(found))


def check_types(expression: Expression, text: str) -> None:
    """
    Refuse a tree whose parts do not fit together; the innermost mistake is the one that is named.

    Raises:
        ParseError: With position and upstream's words.
    """
    check = _Check(text)
    for found in reversed(list(walk(expression))):
        check.one(found)


def matches_empty(matcher: Matcher) -> bool:
    """Whether a matcher is satisfied where its label is missing."""
    match matcher.operator:
        case MatchOperator.EQUAL:
            return not matcher.value
        case MatchOperator.NOT_EQUAL:
            return bool(matcher.value)
        case MatchOperator.REGEX:
            return compile_pattern(matcher.value).fullmatch("") is not None
        case MatchOperator.NOT_REGEX:
            return compile_pattern(matcher.value).fullmatch("") is None


class _Check:
    """The checks of one tree, inner expressions before outer ones."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._types = TypeTable()

    def one(self, expression: Expression) -> None:
        """Check an expression, not what is inside it."""
        match expression:
            case VectorSelector():
                self._selector(expression)
            case Call():
                self._call(expression)
            case Aggregation():
                self._aggregation(expression)
            case Binary():
                self._binary(expression)
            case Unary():
                self._unary(expression)
            case Subquery() if (inner := self._types.of(expression.expression)) is not ValueType.VECTOR:
                raise self._error(expression, f"subquery is only allowed on instant vector, got {inner.value} instead")

    def _error(self, expression: Expression, message: str) -> ParseError:
        return parse_error(self._text, expression.span.start, message)

    def _selector(self, selector: VectorSelector) -> None:
        if not selector.bypass_empty and all(matches_empty(matcher) for matcher in selector.matchers):
            raise self._error(selector, "vector selector must contain at least one non-empty matcher")

    def _expect(self, expression: Expression, wanted: ValueType, context: str) -> None:
        found = self._types.of(expression)
        if found is not wanted:
            raise self._error(expression, f"expected type {_WORDS[wanted]} in {context}, got {_WORDS[found]}")

    def _call(self, call: Call) -> None:
        signature = FUNCTIONS[call.function]
        given, least, most = len(call.arguments), signature.arguments_min, signature.arguments_max
        if given < least or (most is not None and given > most):
            bound = f"{least}" if least == most else (f"at least {least}" if given < least else f"at most {most}")
            raise self._error(call, f'expected {bound} argument(s) in call to "{call.function}", got {given}')
        for index, argument in enumerate(call.arguments):
            self._expect(argument, signature.argument_type(index), f'call to function "{call.function}"')
            if isinstance(argument, MatrixSelector):
                self._extension(call.function, argument)

    def _extension(self, function: str, argument: MatrixSelector) -> None:
        extension = argument.selector.extension
        allowed = ANCHORED_FUNCTIONS if extension is RangeExtension.ANCHORED else SMOOTHED_FUNCTIONS
        if extension is not RangeExtension.NONE and function not in allowed:
            message = f"{extension.value} modifier can only be used with: {', '.join(allowed)} - not with {function}"
            raise self._error(argument, message)

    def _aggregation(self, aggregation: Aggregation) -> None:
        self._expect(aggregation.expression, ValueType.VECTOR, "aggregation expression")
        wanted = AGGREGATIONS[aggregation.operator]
        if wanted is not None and aggregation.parameter is not None:
            self._expect(aggregation.parameter, wanted, "aggregation parameter")

    def _unary(self, unary: Unary) -> None:
        found = self._types.of(unary.expression)
        if found not in {ValueType.SCALAR, ValueType.VECTOR}:
            message = f'unary expression only allowed on expressions of type scalar or instant vector, got "{_WORDS[found]}"'
            raise self._error(unary, message)

    def _binary(self, binary: Binary) -> None:
        problem = _binary_problem(binary, self._types.of(binary.left), self._types.of(binary.right))
        if problem:
            of_comparison = problem in {_NO_COMPARISON, _NO_BOOL}
            raise parse_error(self._text, self._operator_position(binary) if of_comparison else binary.span.start, problem)

    def _operator_position(self, binary: Binary) -> int:
        """Where the operator stands: behind the left side, blanks and comments skipped."""
        between = _BLANK.match(self._text, binary.left.span.end)
        return between.end() if between is not None else binary.left.span.end


def _binary_problem(binary: Binary, left: ValueType, right: ValueType) -> str:
    operator, types = binary.operator, {left, right}
    if binary.return_bool and operator not in _COMPARISONS:
        return _NO_COMPARISON
    if operator in _COMPARISONS and not binary.return_bool and types == {ValueType.SCALAR}:
        return _NO_BOOL
    if not types <= {ValueType.SCALAR, ValueType.VECTOR}:
        return "binary expression must contain only scalar and instant vector types"
    if types == {ValueType.VECTOR}:
        return ""
    if binary.matching is not None and (binary.matching.fill_left, binary.matching.fill_right) != (None, None):
        return "filling in missing series only allowed between instant vectors"
    if binary.matching is not None:
        return "vector matching only allowed between instant vectors"
    if operator in _SETS:
        return f'set operator "{operator}" not allowed in binary scalar expression'
    scalars_trimmed = operator in {"</", ">/"} and types == {ValueType.SCALAR}
    return f'operator "{operator}" trims native histograms: it is not allowed between scalars' if scalars_trimmed else ""
