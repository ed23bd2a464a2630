"""The parser of PromQL: what it accepts and makes of it, what it refuses and where."""

from __future__ import annotations

import contextlib
import math

import promql_parser
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.query.promql.query_texts import queries
from tests.query.promql.reference_tree import our_shape, their_shape

from tocsin.errors import InvalidInput, LimitExceeded, ParseError
from tocsin.model.series import Matcher, MatchOperator
from tocsin.query.promql import printer
from tocsin.query.promql.checks import DEPTH_MAX
from tocsin.query.promql.parser import parse, parse_series_selector
from tocsin.query.promql.syntax import (
    Aggregation,
    AtAnchor,
    Binary,
    Call,
    Cardinality,
    DurationExpression,
    DurationLiteral,
    DurationOperator,
    MatrixSelector,
    NumberLiteral,
    RangeExtension,
    Span,
    StringLiteral,
    Subquery,
    Unary,
    VectorMatching,
    VectorSelector,
)
from tocsin.query.promql.token_stream import NESTING_MAX


def number(text: str) -> float:
    """The value of a number's text."""
    found = parse(text)
    assert isinstance(found, NumberLiteral)
    return found.value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("17", 17), ("0.25", 0.25), (".75", 0.75), ("6.", 6), ("2_500_000", 2_500_000), (".1_5", 0.15), ("3e2", 300), ("4E-2", 0.04),
        ("0x1c", 28), ("0X_ff", 255), ("0644", 420), ("09", 9), ("Inf", math.inf), ("-inf", -math.inf), ("+INF", math.inf), ("-12", -12),
        ("--12", 12), ("90s", 90), ("2h5m", 7500), ("-3m", -180), ("40ms", 0.04), ("1y", 31_536_000),
    ],
)  # fmt: skip
def test_numbers(text: str, value: float) -> None:
    """Numbers are decimal, hexadecimal, octal, with exponent, underscores or units; a sign before one belongs to it."""
    assert number(text) == value


def test_nan_is_a_number() -> None:
    """NaN is written in any case, and a length of time remembers that it was one."""
    assert math.isnan(number("nAn"))
    assert parse("5m") == NumberLiteral(300.0, Span(0, 2), is_duration=True)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('"plain"', "plain"), ("'it\\'s'", "it's"), ("`raw \\n \" '`", "raw \\n \" '"),
        ('"\\a\\b\\f\\n\\r\\t\\v\\\\"', "\a\b\f\n\r\t\v\\"),
        ('"\\101\\x42\\u0043\\U00000044"', "ABCD"), ('"\\xc3\\x9f"', "ß"), ('"\\u00df ß"', "ß ß"), ('"\\xff."', "\ufffd."),
        ("`two\nlines`", "two\nlines"),
    ],
)  # fmt: skip
def test_strings(text: str, value: str) -> None:
    """Strings have Go's escapes in quotes of both kinds and none in backticks; a byte that is no UTF-8 is replaced."""
    assert parse(text) == StringLiteral(value, Span(0, len(text)))


def test_selectors_have_matchers_in_the_order_written() -> None:
    """The name before the braces is the last matcher; a name in quotes inside is one like others."""
    job, name = Matcher("job", MatchOperator.REGEX, "a.*"), Matcher("__name__", MatchOperator.EQUAL, "up")
    odd = Matcher("odd name", MatchOperator.NOT_EQUAL, "x")
    assert parse('up{job=~"a.*", "odd name"!="x",}') == VectorSelector("up", (job, odd, name), Span(0, 32))
    assert parse('{"up", job=~"a.*"}') == VectorSelector("", (name, job), Span(0, 18))


@pytest.mark.parametrize(
    "name", ["sum", "by", "offset", "and", "or", "start", "end", "step", "range", "fill", "anchored", "limitk", "a:b", ":x"]
)
def test_words_of_the_language_name_metrics(name: str) -> None:
    """Words that mean something elsewhere name a metric where nothing else fits."""
    found = parse(f'{name} + {name}{{x="y"}}')
    assert isinstance(found, Binary)
    assert isinstance(found.left, VectorSelector)
    assert isinstance(found.right, VectorSelector)
    assert (found.left.name, found.right.name) == (name, name)


def test_modifiers_in_any_order() -> None:
    """`@` and `offset` may change places, and a range's modifiers belong to its selector."""
    found = parse("x[5m] offset -1h @ 12.3456")
    assert isinstance(found, MatrixSelector)
    assert found.range == DurationLiteral(300_000, Span(2, 4))
    assert (found.selector.at_ms, found.selector.offset) == (12_346, DurationLiteral(-3_600_000, Span(13, 16)))
    swapped = parse("x[5m] @ 12.3456 offset -1h")
    assert isinstance(swapped, MatrixSelector)
    assert (swapped.selector.at_ms, printer.format(swapped)) == (12_346, printer.format(found))
    anchored = parse("x @ end() offset 2m")
    assert isinstance(anchored, VectorSelector)
    assert anchored.at_ms is AtAnchor.END


def test_subqueries() -> None:
    """A colon makes a subquery; without a step it takes the default one."""
    found = parse("rate(x[1m])[2h:] @ start()")
    assert isinstance(found, Subquery)
    assert (found.range, found.step, found.at_ms) == (DurationLiteral(7_200_000, Span(12, 14)), None, AtAnchor.START)
    stepped = parse("(a + b)[2h:90s]")
    assert isinstance(stepped, Subquery)
    assert stepped.step == DurationLiteral(90_000, Span(11, 14))


@pytest.mark.parametrize("text", ["topk by (a, b) (3, x)", "topk(3, x) by (a, b)", "TOPK BY(a,b,)(3,x)", 'topk by ("a", b) (3, x)'])
def test_aggregations_take_their_labels_before_or_after(text: str) -> None:
    """The clause of an aggregation stands on either side, in any case, with a comma at its end or labels in quotes."""
    found = parse(text)
    assert isinstance(found, Aggregation)
    assert (found.operator, found.grouping, found.without) == ("topk", ("a", "b"), False)
    assert isinstance(found.parameter, NumberLiteral)


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("1 + 2 * 3", "1 + (2 * 3)"), ("1 - 2 - 3", "(1 - 2) - 3"), ("2 ^ 3 ^ 2", "2 ^ (3 ^ 2)"), ("-a ^ 2", "-(a ^ 2)"),
        ("-a * b", "(-a) * b"),
        ("2 ^ -a * b", "(2 ^ (-a)) * b"), ("a + b == c", "(a + b) == c"), ("a and b == c", "a and (b == c)"),
        ("a or b and c", "a or (b and c)"),
        ("a unless b and c", "(a unless b) and c"), ("a % b atan2 c", "(a % b) atan2 c"), ("a == b != c", "(a == b) != c"),
        ("a </ 2 + 1", "a </ (2 + 1)"), ("a + b offset 5m", "a + (b offset 5m)"), ("-a[5m:1m] offset 1m", "-(a[5m:1m] offset 1m)"),
    ],
)  # fmt: skip
def test_precedence(text: str, same: str) -> None:
    """Operators bind as the documentation lists them; only the power associates to the right, and a sign binds like `*`."""
    if "[" in text:
        with pytest.raises(ParseError, match="unary expression only allowed"):
            parse(text)
        return
    assert _without_parens(our_shape(parse(text))) == _without_parens(our_shape(parse(same)))


def _without_parens(shape: object) -> object:
    if isinstance(shape, tuple):
        return _without_parens(shape[1]) if shape[:1] == ("paren",) else tuple(map(_without_parens, shape))
    return shape


def test_matching_of_vectors() -> None:
    """`on`, `group_left` and `fill` say how series are paired; set operators pair many to many; scalars have no pairing."""
    found = parse("a / on (x, y) group_left (z) fill (0) b")
    assert isinstance(found, Binary)
    assert found.matching == VectorMatching(Cardinality.MANY_TO_ONE, ("x", "y"), on=True, include=("z",), fill_left=0.0, fill_right=0.0)
    sides = parse("a - ignoring (x) group_right fill_right (-Inf) fill_left (2m) b")
    assert isinstance(sides, Binary)
    assert sides.matching == VectorMatching(Cardinality.ONE_TO_MANY, ("x",), fill_left=120.0, fill_right=-math.inf)
    sets, scalars = parse("a unless on () b"), parse("a * 2")
    assert isinstance(sets, Binary)
    assert isinstance(scalars, Binary)
    assert (sets.matching, scalars.matching) == (VectorMatching(Cardinality.MANY_TO_MANY, (), on=True), None)


def test_fill_is_a_metric_without_parentheses() -> None:
    """A metric may be called fill: only with parentheses after an operator it is the modifier."""
    found = parse("fill + fill (1) fill")
    assert isinstance(found, Binary)
    assert isinstance(found.right, VectorSelector)
    assert (found.right.name, found.matching) == ("fill", VectorMatching(Cardinality.ONE_TO_ONE, fill_left=1.0, fill_right=1.0))


def test_duration_expressions() -> None:
    """Ranges, steps and offsets are computed with the usual precedence; plain numbers in them are seconds."""
    found = parse("x[2m + STEP() * 1.5]")
    assert isinstance(found, MatrixSelector)
    assert isinstance(found.range, DurationExpression)
    assert (found.range.operator, printer.format(found)) == (DurationOperator.ADD, "x[2m + step() * 1.5]")
    assert printer.format(parse("x offset -(1h / 2)")) == "x offset -(1h / 2)"
    assert printer.format(parse("x[max(range(), min_of(1m, 5))] @ end()")) == "x[max_of(range(), min_of(1m, 5))] @ end()"
    bare = parse("x offset 10 * 2")
    assert isinstance(bare, Binary)


def test_extended_ranges() -> None:
    """`anchored` and `smoothed` belong to the selector, before or after other modifiers."""
    found = parse("increase(x[5m] offset 1m anchored)")
    assert isinstance(found, Call)
    assert isinstance(found.arguments[0], MatrixSelector)
    assert found.arguments[0].selector.extension is RangeExtension.ANCHORED
    instant = parse("x smoothed")
    assert isinstance(instant, VectorSelector)
    assert instant.extension is RangeExtension.SMOOTHED


def test_info_selector_may_match_everything() -> None:
    """What `info` takes second selects nothing by itself: it may be empty."""
    found = parse("info(x, {})")
    assert isinstance(found, Call)
    assert found.arguments[1] == VectorSelector("", (), Span(8, 10), bypass_empty=True)


def test_spans_point_at_the_text() -> None:
    """Every node knows the characters that it was read from, comments and blanks around it not counted."""
    text = "  sum( # all\n  rate(x[5m]) ) by (job) "
    found = parse(text)
    assert isinstance(found, Aggregation)
    inner = found.expression
    assert text[found.span.start : found.span.end] == text.strip()
    assert text[inner.span.start : inner.span.end] == "rate(x[5m])"


@pytest.mark.parametrize(
    ("text", "where", "message"),
    [
        ("", "1:1", "no expression found in input"),
        ("up\n  + )", "2:5", "unexpected right parenthesis"),
        ("up{job=api}", "1:8", 'unexpected identifier "api" in label matching, expected string'),
        ("up{,}", "1:4", 'unexpected "," in label matching'),
        ("up{job}", "1:7", "expected label matching operator"),
        ('up{job="a" zone="b"}', "1:12", 'expected "," or "}"'),
        ("up{5='x'}", "1:4", "unexpected character inside braces: '5'"),
        ("up{", "1:4", "unexpected end of input inside braces"),
        ('up{__name__="down"}', "1:1", 'metric name must not be set twice: "up" or "down"'),
        ('up{"down"}', "1:1", "metric name must not be set twice"),
        ("{}", "1:1", "vector selector must contain at least one non-empty matcher"),
        ('{job!~"a"}', "1:1", "at least one non-empty matcher"),
        ('up{job=~"("}', "1:4", "error parsing regexp: missing )"),
        ('up{job=~"(?!x)"}', "1:4", "invalid perl operator"),
        ("up[5m", "1:6", "unclosed left bracket"),
        ("up[0s]", "1:4", "duration must be greater than 0"),
        ("up[-5m]", "1:4", "duration must be greater than 0"),
        ("up[400y]", "1:4", "bad number or duration syntax"),
        ("up[5m][1m]", "1:7", "ranges only allowed for vector selectors"),
        ("up offset 5m [1m]", "1:14", "no offset modifiers allowed before range"),
        ("up @ 7 [1m]", "1:8", "no @ modifiers allowed before range"),
        ("up offset 1m offset 2m", "1:1", "offset may not be set multiple times"),
        ("up @ 1 @ 2", "1:1", "@ <timestamp> may not be set multiple times"),
        ("sum(up) offset 5m", "1:1", "offset modifier must be preceded by"),
        ("up @ Inf", "1:6", "timestamp out of bounds for @ modifier: +Inf"),
        ("up @ now", "1:6", "unexpected identifier"),
        ("up[5m:1m] anchored", "1:1", "anchored modifier is not supported for subqueries"),
        ("increase(up[5m] anchored smoothed)", "1:26", "cannot be used together"),
        ("deriv(up[5m] smoothed)", "1:7", "smoothed modifier can only be used with: delta, increase, rate - not with deriv"),
        ("avg_over_time(up[5m] anchored)", "1:15", "anchored modifier can only be used with"),
        ("up[1m / 0]", "1:7", "division by zero"),
        ("frobnicate(up)", "1:1", 'unknown function with name "frobnicate"'),
        ("Rate(up[5m])", "1:1", "unknown function"),
        ("rate(up)", "1:6", 'expected type range vector in call to function "rate", got instant vector'),
        ("rate()", "1:1", 'expected 1 argument(s) in call to "rate", got 0'),
        ("round(up, 1, 2)", "1:1", "expected at most 2 argument(s)"),
        ('label_join(up, "a")', "1:1", "expected at least 3 argument(s)"),
        ('histogram_quantiles(up, "q")', "1:1", "expected at least 3 argument(s)"),
        ("abs(up,)", "1:7", "trailing commas not allowed in function call args"),
        ('label_replace(up, "\\xfe", "", "a", "b")', "1:19", r'invalid destination label name in label_replace() "\xfe"'),
        ("info(up, down)", "1:10", "expected label selectors only, got vector selector instead"),
        ("sum()", "1:1", "no arguments for aggregate expression provided"),
        ("sum(1, up)", "1:1", "expected 1, got 2"),
        ("topk(up, up)", "1:6", "expected type scalar in aggregation parameter, got instant vector"),
        ("sum(up[5m])", "1:5", "expected type instant vector in aggregation expression, got range vector"),
        ("sum by (5) (up)", "1:9", "expected label"),
        ("1 < 2", "1:3", "comparisons between scalars must use BOOL modifier"),
        ("up + bool up", "1:4", "bool modifier can only be used on comparison operators"),
        ("up[5m] + 1", "1:1", "binary expression must contain only scalar and instant vector types"),
        ("1 or up", "1:1", 'set operator "or" not allowed in binary scalar expression'),
        ("up + on (a) 1", "1:1", "vector matching only allowed between instant vectors"),
        ("up + fill (1) 1", "1:1", "filling in missing series only allowed between instant vectors"),
        ("up and fill (1) up", "1:1", "filling in missing series is not allowed"),
        ("up + fill (1) fill_left (2) up", "1:15", "set already"),
        ("up and on (a) group_left up", "1:1", 'no grouping allowed for "and" operation'),
        ("up / on (a) group_left (a) up", "1:13", 'label "a" must not occur in ON and GROUP clause at once'),
        ("1 </ 2", "1:1", "not allowed between scalars"),
        ('-"text"', "1:1", "unary expression only allowed on expressions of type scalar or instant vector"),
        ("(5)[1m:]", "1:1", "subquery is only allowed on instant vector, got scalar instead"),
        ("up down", "1:4", 'unexpected identifier "down"'),
        ("on", "1:1", "unexpected <on>"),
        ("1 + * 2", "1:5", "unexpected <op:*>"),
        ('"open', "1:1", "unterminated quoted string"),
        ('"a\\qb"', "1:1", "unknown escape sequence"),
        ('"\\400"', "1:1", "above 255"),
        ("1.5h", "1:1", "bad number or duration syntax"),
        ("5m1h", "1:1", "bad number or duration syntax"),
        ("größe", "1:3", "unexpected character: 'ö'"),
    ],
)  # fmt: skip
def test_refusals_say_where_and_why(text: str, where: str, message: str) -> None:
    """What is no PromQL is refused with line, column and a reason in Prometheus's words."""
    with pytest.raises(ParseError) as refused:
        parse(text)
    assert str(refused.value).startswith(f"{where}: parse error: ")
    assert message in str(refused.value)


def test_depth_and_length_are_bounded() -> None:
    """A query that is nested, chained or long beyond measure is refused without exhausting the stack."""
    for text in ("(" * 100_000 + "1" + ")" * 100_000, "-" * 100_000 + "x", "sum(" * 50_000, "x" + "[1m:]" * 50_000, "2^" * 90_000 + "2"):
        with pytest.raises(ParseError):
            parse(text)
    for text in (" or ".join(["x"] * (DEPTH_MAX + 1)), "x[" + "(" * 90_000 + "1m", "1+" * 90_000 + "1"):
        with pytest.raises(ParseError):
            parse(text)
    with pytest.raises(LimitExceeded, match="500,000 characters"):
        parse("x" * 500_001)
    parse(" or ".join(["x"] * (DEPTH_MAX - 1)))
    parse("(" * (NESTING_MAX - 1) + "1" + ")" * (NESTING_MAX - 1))


def test_series_selectors_stand_alone() -> None:
    """`match[]` takes a selector and nothing around it."""
    assert parse_series_selector('up{job="a"}').name == "up"
    for text in ("up offset 5m", "rate(up[5m])", "1", "up[5m]", "{}", ""):
        with pytest.raises(InvalidInput):
            parse_series_selector(text)


@settings(max_examples=150)
@given(queries)
@example("-1 ^ 2")
@example("a * on (x) group_left (y) b")
def test_same_tree_as_another_parser(text: str) -> None:
    """The crate promql-parser reads the same structure, a plus sign before an expression apart, which it forgets."""
    with _lenient_fill(text):
        assert our_shape(parse(text)) == their_shape(promql_parser.parse(text))


def _lenient_fill(text: str) -> contextlib.AbstractContextManager[None]:
    """The crate lets `fill` stand between a vector and a number, which PromQL refuses."""
    return contextlib.suppress(ParseError) if "fill" in text else contextlib.nullcontext()


@settings(max_examples=150)
@given(queries)
def test_same_refusals_as_another_parser(text: str) -> None:
    """With its last character gone, a query is refused by both parsers or read the same by both."""
    cut = text[:-1].rstrip()
    try:
        theirs = their_shape(promql_parser.parse(cut))
    except ValueError:
        with pytest.raises(InvalidInput):
            parse(cut)
    else:
        with _lenient_fill(cut):
            assert our_shape(parse(cut)) == theirs


@settings(max_examples=300)
@given(st.text(st.sampled_from("abx5m01.[](){}:,+-*/^%=!~<>@#\"'`\\ \nsumbyon") | st.characters(), max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text breaks the parser: it gives a tree or an error that says where."""
    with contextlib.suppress(ParseError):
        found = parse(text)
        assert 0 <= found.span.start < found.span.end <= len(text)


def test_unary_keeps_its_sign() -> None:
    """A sign before anything but a number is a node of its own."""
    found = parse("+(-x)")
    assert isinstance(found, Unary)
    assert not found.negative
