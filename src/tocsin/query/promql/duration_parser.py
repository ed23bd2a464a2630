"""
Ranges, steps and offsets: a length of time, or (experimental) an expression that computes one.

Source: Prometheus documentation, 'Feature flags', arithmetic expressions in time durations.
"""

from __future__ import annotations

from dataclasses import replace

from tocsin.query.promql.lexer import TokenKind
from tocsin.query.promql.numerals import seconds_to_ms
from tocsin.query.promql.syntax import Duration, DurationExpression, DurationLiteral, DurationOperator, Span
from tocsin.query.promql.token_stream import TokenStream

_SUMS = {"+": DurationOperator.ADD, "-": DurationOperator.SUBTRACT}
_PRODUCTS = {"*": DurationOperator.MULTIPLY, "/": DurationOperator.DIVIDE, "%": DurationOperator.MODULO}
_DIVISIONS = {DurationOperator.DIVIDE: "division", DurationOperator.MODULO: "modulo"}
_OF_QUERY = {"step": DurationOperator.STEP, "range": DurationOperator.RANGE}
# Earlier documentation of upstream calls them `min` and `max`; both ways of writing are understood.
_OF_TWO = {"min_of": DurationOperator.MIN, "max_of": DurationOperator.MAX, "min": DurationOperator.MIN, "max": DurationOperator.MAX}


def parse_range(stream: TokenStream) -> Duration:
    """What stands between brackets before or after the colon: any expression; what is written out must be above zero."""
    duration = _sum(stream)
    if isinstance(duration, DurationLiteral) and duration.ms <= 0:
        raise stream.error(duration.span.start, "duration must be greater than 0")
    return duration


def parse_offset(stream: TokenStream) -> Duration:
    """What follows `offset`: a length of time with its sign; anything with an operator stands in parentheses."""
    if not stream.is_symbol("+", "-"):
        return _primary(stream, "offset")
    sign = stream.take()
    return _signed(sign.text == "-", sign.start, _primary(stream, "offset"))


def _signed(negative: bool, start: int, duration: Duration) -> Duration:
    span = Span(start, duration.span.end)
    if isinstance(duration, DurationLiteral):
        number = -duration.number if negative and duration.number is not None else duration.number
        return DurationLiteral(-duration.ms if negative else duration.ms, span, number)
    return DurationExpression(DurationOperator.NEGATE, (duration,), span) if negative else duration


def _sum(stream: TokenStream) -> Duration:
    left = _product(stream)
    while stream.is_symbol("+", "-"):
        operator = _SUMS[stream.take().text]
        right = _product(stream)
        left = DurationExpression(operator, (left, right), Span(left.span.start, right.span.end))
    return left


def _product(stream: TokenStream) -> Duration:
    left = _unary(stream)
    while stream.is_symbol("*", "/", "%"):
        sign = stream.take()
        operator = _PRODUCTS[sign.text]
        right = _unary(stream)
        if operator in _DIVISIONS and isinstance(right, DurationLiteral) and not (right.ms or right.number):
            raise stream.error(sign.start, f"{_DIVISIONS[operator]} by zero")
        left = DurationExpression(operator, (left, right), Span(left.span.start, right.span.end))
    return left


def _unary(stream: TokenStream) -> Duration:
    if not stream.is_symbol("+", "-"):
        return _power(stream)
    stream.enter()
    sign = stream.take()
    signed = _signed(sign.text == "-", sign.start, _unary(stream))
    stream.leave()
    return signed


def _power(stream: TokenStream) -> Duration:
    left = _primary(stream, "subquery or range selector")
    if not stream.accept("^"):
        return left
    stream.enter()
    right = _unary(stream)
    stream.leave()
    return DurationExpression(DurationOperator.POWER, (left, right), Span(left.span.start, right.span.end))


def _primary(stream: TokenStream, context: str) -> Duration:
    token = stream.token
    if token.kind in {TokenKind.NUMBER, TokenKind.DURATION}:
        stream.take()
        ms = seconds_to_ms(token.value)
        if ms is None:
            raise stream.error(token.start, "duration out of range")
        number = token.value if token.kind is TokenKind.NUMBER else None
        return DurationLiteral(ms, Span(token.start, token.end), number)
    if stream.is_symbol("("):
        return _wrapped(stream, context)
    name = token.text.lower() if token.kind is TokenKind.IDENTIFIER else ""
    if name in _OF_QUERY and stream.follows("("):
        stream.take()
        stream.take()
        end = stream.expect(")", f"{name}()").end
        return DurationExpression(_OF_QUERY[name], (), Span(token.start, end))
    if name in _OF_TWO and stream.follows("("):
        return _of_two(stream, _OF_TWO[name])
    raise stream.unexpected(context, "number, duration, step(), or range()")


def _of_two(stream: TokenStream, operator: DurationOperator) -> Duration:
    stream.enter()
    start = stream.take().start
    stream.take()
    first = _sum(stream)
    stream.expect(",", f"{operator.value}()")
    second = _sum(stream)
    end = stream.expect(")", f"{operator.value}()").end
    stream.leave()
    return DurationExpression(operator, (first, second), Span(start, end))


def _wrapped(stream: TokenStream, context: str) -> Duration:
    stream.enter()
    start = stream.take().start
    inner = _sum(stream)
    end = stream.expect(")", context).end
    stream.leave()
    if isinstance(inner, DurationExpression):
        return replace(inner, wrapped=True, span=Span(start, end))
    return replace(inner, span=Span(start, end))
