"""
PromQL's parser: from a text to a checked tree.

Recursive descent with one binding power per operator. Experimental pieces are always parsed; `tocsin.query.promql.features` says
which of them a tree uses.
Source: Prometheus documentation, 'Querying basics', 'Operators', 'Feature flags'.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from tocsin.query.promql.checks import DEPTH_MAX, TOO_DEEP, check_depth, check_types
from tocsin.query.promql.lexer import TokenKind
from tocsin.query.promql.numerals import quote
from tocsin.query.promql.selector_parser import parse_modifiers, parse_selector
from tocsin.query.promql.signatures import AGGREGATIONS, FUNCTIONS
from tocsin.query.promql.syntax import (
    Aggregation,
    Binary,
    Call,
    Cardinality,
    Expression,
    NumberLiteral,
    Paren,
    Span,
    StringLiteral,
    Unary,
    ValueType,
    VectorMatching,
    VectorSelector,
)
from tocsin.query.promql.token_stream import RESERVED, TokenStream

REMEMBERED_MAX = 2048  # trees; the last ones asked for
REMEMBERED_LENGTH_MAX = 2000  # characters; longer queries are written by programs, and differ
_POWER = 6
_UNARY = 5
_PRECEDENCE = {
    "or": 1,
    **dict.fromkeys(("and", "unless"), 2),
    **dict.fromkeys(("==", "!=", ">", "<", ">=", "<=", "</", ">/"), 3),
    **dict.fromkeys(("+", "-"), 4),
    **dict.fromkeys(("*", "/", "%", "atan2"), 5),
    "^": _POWER,
}
# Which arguments name labels that are written.
_LABEL_ARGUMENTS = {"label_replace": (1,), "label_join": (1,), "histogram_quantiles": (1,)}
_LABEL_KINDS = frozenset({TokenKind.IDENTIFIER, TokenKind.METRIC, TokenKind.STRING})
_SET_OPERATORS = frozenset({"and", "or", "unless"})


def parse(text: str) -> Expression:
    """
    The tree of a query.

    `parse("sum by (job) (rate(x[5m]))")` is an Aggregation over a Call over a MatrixSelector.

    Raises:
        ParseError: The text is no PromQL; the message says where and why, as `1:5: parse error: ...`.
        LimitExceeded: The text is longer than 500,000 characters.
    """
    return _remembered(text) if len(text) <= REMEMBERED_LENGTH_MAX else _parsed(text)


def _parsed(text: str) -> Expression:
    stream = TokenStream(text)
    if stream.at_end:
        raise stream.error(0, "no expression found in input")
    expression = _expression(stream, 0)
    if not stream.at_end:
        raise stream.unexpected()
    check_depth(expression, text)
    check_types(expression, text)
    return expression


# Walls, rules and objectives ask the same again and again, and a tree is never changed.
_remembered = lru_cache(maxsize=REMEMBERED_MAX)(_parsed)


def parse_series_selector(text: str) -> VectorSelector:
    """
    A selector alone, as `match[]` takes it: a name, matchers, no range and no modifier.

    Raises:
        ParseError: It is something else.
    """
    stream = TokenStream(text)
    selector = _primary(stream)
    if not stream.at_end:
        raise stream.unexpected("series selector", "end of input")
    if not isinstance(selector, VectorSelector):
        raise stream.error(0, 'expected a series selector such as up{job="api"}')
    check_types(selector, text)
    return selector


def _expression(stream: TokenStream, binding_min: int) -> Expression:
    """What binds at least as strongly as `binding_min`."""
    left = _operand(stream)
    for _ in range(DEPTH_MAX):
        token = stream.token
        operator = token.text if token.kind is TokenKind.SYMBOL else token.text.lower()
        binding = _PRECEDENCE.get(operator, 0) if token.kind in {TokenKind.SYMBOL, TokenKind.IDENTIFIER} else 0
        if not binding or binding < binding_min:
            return left
        stream.take()
        left = _binary(stream, left, operator, binding)
    raise stream.error(stream.token.start, TOO_DEEP)


def _binary(stream: TokenStream, left: Expression, operator: str, binding: int) -> Expression:
    return_bool = stream.is_name("bool")
    if return_bool:
        stream.take()
    matching, written = _matching(stream, operator, left.span.start)
    stream.enter()
    right = _expression(stream, binding if operator == "^" else binding + 1)
    stream.leave()
    between_vectors = stream.types.of(left) is stream.types.of(right) is ValueType.VECTOR
    kept = matching if written or between_vectors else None
    return Binary(operator, left, right, return_bool, kept, Span(left.span.start, right.span.end))


def _operand(stream: TokenStream) -> Expression:
    """A signed operand, or one with its modifiers."""
    if stream.is_symbol("+", "-"):
        return _signed(stream)
    return parse_modifiers(stream, _primary(stream))


def _signed(stream: TokenStream) -> Expression:
    sign = stream.take()
    stream.enter()
    operand = _expression(stream, _POWER)
    stream.leave()
    span = Span(sign.start, operand.span.end)
    if isinstance(operand, NumberLiteral):
        return replace(operand, value=-operand.value if sign.text == "-" else operand.value, span=span)
    return Unary(sign.text == "-", operand, span)


def _primary(stream: TokenStream) -> Expression:
    token = stream.token
    span = Span(token.start, token.end)
    match token.kind:
        case TokenKind.NUMBER | TokenKind.DURATION:
            stream.take()
            return NumberLiteral(token.value, span, token.kind is TokenKind.DURATION)
        case TokenKind.STRING:
            return StringLiteral(stream.take_text(), span)
        case TokenKind.METRIC:
            stream.take()
            return parse_selector(stream, token.text, token.start)
        case TokenKind.IDENTIFIER:
            return _named(stream)
        case TokenKind.SYMBOL if token.text == "{":
            return parse_selector(stream, "", token.start)
        case TokenKind.SYMBOL if token.text == "(":
            return _paren(stream)
        case _:
            raise stream.unexpected()


def _paren(stream: TokenStream) -> Expression:
    start = stream.take().start
    stream.enter()
    inner = _expression(stream, 0)
    stream.leave()
    end = stream.expect(")", "parentheses").end
    return Paren(inner, Span(start, end))


def _named(stream: TokenStream) -> Expression:
    token = stream.token
    name = token.text.lower()
    if name in AGGREGATIONS and (stream.follows("(") or stream.follows_name({"by", "without"})):
        return _aggregation(stream)
    if stream.follows("(") and name not in RESERVED:
        return _call(stream)
    if name in RESERVED:
        raise stream.unexpected()
    stream.take()
    return parse_selector(stream, token.text, token.start)


def _call(stream: TokenStream) -> Expression:
    token = stream.take()
    # The language's own words are functions in any case (`STep()`), others as they are written.
    name = token.text.lower() if token.text.lower() in {"start", "end", "step", "range"} else token.text
    if name not in FUNCTIONS:
        raise stream.error(token.start, f'unknown function with name "{token.text}"')
    arguments = _arguments(stream, f'call to function "{name}"')
    if name == "info" and len(arguments) > 1:
        arguments = (arguments[0], _info_selector(stream, arguments[1]), *arguments[2:])
    for index in _LABEL_ARGUMENTS.get(name, ()):
        _check_label(stream, arguments[index : index + 1], f"destination label name in {name}()")
    return Call(name, arguments, Span(token.start, stream.last_end))


def _check_label(stream: TokenStream, arguments: tuple[Expression, ...], what: str) -> None:
    """Refuse a label's name with bytes that are no UTF-8; they are gone from the tree, so that nobody could tell later."""
    for argument in arguments:
        broken = stream.broken_text(argument.span.start)
        if broken and isinstance(argument, StringLiteral):
            raise stream.error(argument.span.start, f"invalid {what} {quote(broken)}")


def _info_selector(stream: TokenStream, argument: Expression) -> Expression:
    """What `info` takes as its second argument looks like a selector but selects nothing by itself: matchers may all be empty."""
    if not isinstance(argument, VectorSelector):
        raise stream.error(argument.span.start, "expected label selectors only")
    if argument.name:
        raise stream.error(argument.span.start, "expected label selectors only, got vector selector instead")
    return replace(argument, bypass_empty=True)


def _arguments(stream: TokenStream, context: str) -> tuple[Expression, ...]:
    stream.expect("(", context)
    stream.enter()
    arguments: list[Expression] = []
    while not stream.is_symbol(")"):
        arguments.append(_expression(stream, 0))
        comma = stream.token.start
        if not stream.accept(","):
            break
        if stream.is_symbol(")"):
            raise stream.error(comma, "trailing commas not allowed in function call args")
    stream.expect(")", context)
    stream.leave()
    return tuple(arguments)


def _aggregation(stream: TokenStream) -> Expression:
    token = stream.take()
    operator = token.text.lower()
    grouping: tuple[bool, tuple[str, ...]] | None = _grouping(stream)
    arguments = _arguments(stream, "aggregation")
    if grouping is None:
        grouping = _grouping(stream)
    span = Span(token.start, stream.last_end)
    without, labels = grouping or (False, ())
    wanted = 1 if AGGREGATIONS[operator] is None else 2
    if not arguments:
        raise stream.error(token.start, "no arguments for aggregate expression provided")
    if len(arguments) != wanted:
        message = f"wrong number of arguments for aggregate expression provided, expected {wanted}, got {len(arguments)}"
        raise stream.error(token.start, message)
    _check_label(stream, arguments[:-1], "label name")
    return Aggregation(operator, arguments[-1], arguments[0] if wanted == 2 else None, labels, without, span)


def _grouping(stream: TokenStream) -> tuple[bool, tuple[str, ...]] | None:
    if not stream.is_name("by", "without"):
        return None
    without = stream.take().text.lower() == "without"
    return without, _labels(stream)


def _labels(stream: TokenStream) -> tuple[str, ...]:
    stream.expect("(", "grouping opts")
    labels: list[str] = []
    while not stream.is_symbol(")"):
        # Upstream takes every word but this one for a label; in quotes it is one.
        if stream.token.kind not in _LABEL_KINDS or stream.is_name("without"):
            raise stream.unexpected("grouping opts", "label")
        labels.append(stream.take_text())
        if not stream.accept(","):
            break
    if not stream.is_symbol(")"):
        raise stream.unexpected("grouping opts", '"," or ")"')
    stream.take()
    return tuple(labels)


def _matching(stream: TokenStream, operator: str, start: int) -> tuple[VectorMatching, bool]:
    """How the sides are paired, and whether anything of it is written out."""
    many = operator in _SET_OPERATORS
    matching = VectorMatching(Cardinality.MANY_TO_MANY if many else Cardinality.ONE_TO_ONE)
    written = stream.is_name("on", "ignoring")
    if written:
        matching = replace(matching, on=stream.take().text.lower() == "on", labels=_labels(stream))
        matching = _grouped(stream, matching, operator, start)
    fill = {"left": matching.fill_left, "right": matching.fill_right}
    while stream.is_name("fill", "fill_left", "fill_right") and stream.follows("("):
        word = stream.take()
        sides = ("left", "right") if word.text.lower() == "fill" else (word.text.lower().removeprefix("fill_"),)
        value = _fill_value(stream)
        if many:
            raise stream.error(start, f'filling in missing series is not allowed for "{operator}" operation')
        if any(fill[side] is not None for side in sides):
            raise stream.error(word.start, f"{word.text} sets a side that is set already")
        fill |= dict.fromkeys(sides, value)
        written = True
    return replace(matching, fill_left=fill["left"], fill_right=fill["right"]), written


def _grouped(stream: TokenStream, matching: VectorMatching, operator: str, start: int) -> VectorMatching:
    if not stream.is_name("group_left", "group_right"):
        return matching
    if operator in _SET_OPERATORS:
        raise stream.error(start, f'no grouping allowed for "{operator}" operation')
    word = stream.take()
    left = word.text.lower() == "group_left"
    include = _labels(stream) if stream.is_symbol("(") else ()
    twice = [label for label in include if matching.on and label in matching.labels]
    if twice:
        raise stream.error(word.start, f'label "{twice[0]}" must not occur in ON and GROUP clause at once')
    return replace(matching, cardinality=Cardinality.MANY_TO_ONE if left else Cardinality.ONE_TO_MANY, include=include)


def _fill_value(stream: TokenStream) -> float:
    stream.expect("(", "fill modifier")
    sign = -1.0 if stream.is_symbol("-") else 1.0
    if stream.is_symbol("+", "-"):
        stream.take()
    if stream.token.kind not in {TokenKind.NUMBER, TokenKind.DURATION}:
        raise stream.unexpected("fill modifier", "number")
    value = stream.take().value * sign
    stream.expect(")", "fill modifier")
    return value
