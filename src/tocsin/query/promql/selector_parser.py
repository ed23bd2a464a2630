"""
Selectors: a metric's name, matchers in braces, and what may follow: a range, `offset`, `@`, `anchored`, `smoothed`.

Source: Prometheus documentation, 'Querying basics', time series selectors.
"""

from __future__ import annotations

import math
from dataclasses import replace

from tocsin.errors import InvalidInput
from tocsin.model.labels import METRIC_NAME
from tocsin.model.pattern import check_pattern
from tocsin.model.series import Matcher, MatchOperator
from tocsin.query.promql.duration_parser import parse_offset, parse_range
from tocsin.query.promql.lexer import TokenKind
from tocsin.query.promql.numerals import DURATION_MS_MAX, format_number
from tocsin.query.promql.syntax import AtAnchor, Expression, MatrixSelector, RangeExtension, Span, Subquery, VectorSelector
from tocsin.query.promql.token_stream import TokenStream

_MATCH_OPERATORS = {operator.value: operator for operator in MatchOperator}


def parse_selector(stream: TokenStream, name: str, start: int) -> VectorSelector:
    """
    The rest of an instant selector: braces after a name that was taken, or braces alone.

    Args:
        stream: Stands at the brace, or after the name.
        name: What stood before; empty for braces alone.
        start: Where the selector begins.
    """
    matchers: list[Matcher] = []
    if stream.is_symbol("{"):
        stream.take()
        matchers = _matchers(stream)
        stream.expect("}", "label matching")
    if name:
        named = [matcher.value for matcher in matchers if matcher.name == METRIC_NAME]
        if named:
            raise stream.error(start, f'metric name must not be set twice: "{name}" or "{named[0]}"')
        matchers.append(Matcher(METRIC_NAME, MatchOperator.EQUAL, name))
    return VectorSelector(name, tuple(matchers), Span(start, stream.last_end))


def _matchers(stream: TokenStream) -> list[Matcher]:
    matchers: list[Matcher] = []
    while not stream.is_symbol("}"):
        token = stream.token
        if token.kind not in {TokenKind.IDENTIFIER, TokenKind.STRING}:
            raise stream.unexpected("label matching", 'identifier or "}"')
        name = stream.take_text()
        if token.kind is TokenKind.STRING and stream.is_symbol("}", ","):
            matchers.append(Matcher(METRIC_NAME, MatchOperator.EQUAL, name))
        else:
            matchers.append(_matcher(stream, name, token.start))
        if not stream.accept(","):
            break
    if not stream.is_symbol("}"):
        raise stream.unexpected("label matching", '"," or "}"')
    return matchers


def _matcher(stream: TokenStream, label: str, start: int) -> Matcher:
    if not stream.is_symbol(*_MATCH_OPERATORS):
        raise stream.unexpected("label matching", "label matching operator")
    operator = _MATCH_OPERATORS[stream.take().text]
    if stream.token.kind is not TokenKind.STRING:
        raise stream.unexpected("label matching", "string")
    value = stream.take_text()
    if operator in {MatchOperator.REGEX, MatchOperator.NOT_REGEX}:
        try:
            check_pattern(value)
        except InvalidInput as error:
            raise stream.error(start, str(error)) from error
    return Matcher(label, operator, value)


def parse_modifiers(stream: TokenStream, expression: Expression) -> Expression:
    """An expression with the ranges and modifiers that follow it."""
    while True:
        if stream.is_symbol("["):
            expression = _range(stream, expression)
        elif stream.is_name("offset"):
            expression = _offset(stream, expression)
        elif stream.is_symbol("@"):
            expression = _at(stream, expression)
        elif stream.is_name("anchored", "smoothed"):
            expression = _extension(stream, expression)
        else:
            return expression


def _range(stream: TokenStream, expression: Expression) -> Expression:
    bracket = stream.take().start
    duration = parse_range(stream)
    if stream.accept(":"):
        step = None if stream.is_symbol("]") else parse_range(stream)
        end = stream.expect("]", "subquery selector").end
        return Subquery(expression, duration, step, Span(expression.span.start, end))
    end = stream.expect("]", "subquery or range selector").end
    problem = ""
    if not isinstance(expression, VectorSelector):
        problem = "ranges only allowed for vector selectors"
    elif expression.offset is not None:
        problem = "no offset modifiers allowed before range"
    elif expression.at_ms is not None:
        problem = "no @ modifiers allowed before range"
    elif expression.extension is not RangeExtension.NONE:
        problem = f"no {expression.extension.value} modifiers allowed before range"
    if problem or not isinstance(expression, VectorSelector):
        raise stream.error(bracket, problem)
    return MatrixSelector(expression, duration, Span(expression.span.start, end))


def _offset(stream: TokenStream, expression: Expression) -> Expression:
    stream.take()
    duration = parse_offset(stream)
    target = _modified(stream, expression, "offset modifier")
    if target.offset is not None:
        raise stream.error(expression.span.start, "offset may not be set multiple times")
    return _put(expression, replace(target, offset=duration), stream.last_end)


def _at(stream: TokenStream, expression: Expression) -> Expression:
    stream.take()
    instant = _anchor(stream) if stream.token.kind is TokenKind.IDENTIFIER else _instant(stream)
    target = _modified(stream, expression, "@ modifier")
    if target.at_ms is not None:
        raise stream.error(expression.span.start, "@ <timestamp> may not be set multiple times")
    return _put(expression, replace(target, at_ms=instant), stream.last_end)


def _anchor(stream: TokenStream) -> AtAnchor:
    if not stream.is_name("start", "end") or not stream.follows("("):
        raise stream.unexpected("@", "timestamp")
    anchor = AtAnchor(stream.take().text.lower())
    stream.take()
    stream.expect(")", "@")
    return anchor


def _instant(stream: TokenStream) -> int:
    start = stream.token.start
    sign = -1.0 if stream.is_symbol("-") else 1.0
    if stream.is_symbol("+", "-"):
        stream.take()
    if stream.token.kind not in {TokenKind.NUMBER, TokenKind.DURATION}:
        raise stream.unexpected("@", "timestamp")
    seconds = stream.take().value * sign
    if not math.isfinite(seconds) or abs(seconds) * 1000 > DURATION_MS_MAX * 1_000_000:
        raise stream.error(start, f"timestamp out of bounds for @ modifier: {format_number(seconds)}")
    return math.floor(seconds * 1000 + 0.5) if seconds >= 0 else -math.floor(-seconds * 1000 + 0.5)


def _extension(stream: TokenStream, expression: Expression) -> Expression:
    word = stream.take()
    extension = RangeExtension(word.text.lower())
    if isinstance(expression, Subquery):
        raise stream.error(expression.span.start, f"{extension.value} modifier is not supported for subqueries")
    if not isinstance(expression, VectorSelector | MatrixSelector):
        message = f"{extension.value} modifier must be preceded by an instant vector selector or range vector selector"
        raise stream.error(expression.span.start, message)
    selector = expression.selector if isinstance(expression, MatrixSelector) else expression
    if selector.extension is extension:
        raise stream.error(word.start, f"{extension.value} may not be set multiple times")
    if selector.extension is not RangeExtension.NONE:
        raise stream.error(word.start, "anchored and smoothed modifiers cannot be used together")
    return _put(expression, replace(selector, extension=extension), stream.last_end)


def _modified(stream: TokenStream, expression: Expression, modifier: str) -> VectorSelector | Subquery:
    if isinstance(expression, MatrixSelector):
        return expression.selector
    if isinstance(expression, VectorSelector | Subquery):
        return expression
    message = f"{modifier} must be preceded by an instant vector selector or range vector selector or a subquery"
    raise stream.error(expression.span.start, message)


def _put(expression: Expression, changed: VectorSelector | Subquery, end: int) -> Expression:
    """The expression with its selector changed; it reaches to the end of the modifier now."""
    if isinstance(expression, MatrixSelector):
        assert isinstance(changed, VectorSelector)
        return replace(expression, selector=changed, span=Span(expression.span.start, end))
    return replace(changed, span=Span(changed.span.start, end))
