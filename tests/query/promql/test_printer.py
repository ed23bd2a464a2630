"""The printer of PromQL: one line, several lines, JSON; what it prints reads back as the same tree."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.query.promql.query_texts import queries
from tests.query.promql.reference_tree import our_shape

from tocsin.query.promql import printer
from tocsin.query.promql.numerals import quote
from tocsin.query.promql.parser import parse
from tocsin.query.promql.syntax import StringLiteral

LONG = 'a_metric_whose_name_needs_room{cluster="north-1",environment="production",service="checkout"}'
SORTED_LONG = 'a_metric_whose_name_needs_room{cluster="north-1",environment="production",service="checkout"}'


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("SUM(x)BY(a,b)", "sum by (a, b) (x)"),
        ("sum without()(x)", "sum without () (x)"),
        ("sum by () (x)", "sum(x)"),
        ('avg by ("odd name", le, "nan", "without") (x)', 'avg by ("odd name", le, "nan", "without") (x)'),
        ('x{b="2",a!="1",}', 'x{a!="1",b="2"}'),
        ('x{a=\'say "hi"\',"odd name"=`\\d`}', 'x{"odd name"="\\\\d",a="say \\"hi\\""}'),
        ('{"odd name", a="1"}', '{__name__="odd name",a="1"}'),
        ("x[300]", "x[5m]"),
        ("x[1.25]", "x[1s250ms]"),
        ("x[8d]", "x[8d]"),
        ("x[14d]", "x[2w]"),
        ("x offset 90m @ 3", "x @ 3.000 offset 1h30m"),
        ("x[5m] offset -7s @ -0.25", "x[5m] @ -0.250 offset -7s"),
        ("x offset 0s", "x"),
        ("x[1h:] @ end()", "x[1h:] @ end()"),
        ("x[5m*2:step()/(1+2)]", "x[5m * 2:step() / (1 + 2)]"),
        ("x offset -min(1m,range())", "x offset -min_of(1m, range())"),
        ("x[200-min_of(-step()^+step(),1)]", "x[200 - min_of(-step() ^ step(), 1)]"),
        ("increase(x[5m]smoothed)", "increase(x[5m] smoothed)"),
        ("x anchored offset 1m", "x anchored offset 1m"),
        ("a/on(x)group_left b", "a / on (x) group_left () b"),
        ("a+ignoring()b", "a + b"),
        ("a-ignoring()group_left b", "a - ignoring () group_left () b"),
        ("a-fill_left(5)fill_right(5)b", "a - fill (5) b"),
        ("a*on()b", "a * on () b"),
        ("a==bool ignoring(x)group_right(y)b", "a == bool ignoring (x) group_right (y) b"),
        ("a+fill(0)b", "a + fill (0) b"),
        ("a+fill_right(1)fill_left(NaN)b", "a + fill_left (NaN) fill_right (1) b"),
        ("a</b", "a </ b"),
        ("-x^2", "-x ^ 2"),
        ("+ ( x )", "+(x)"),
        ("1e21", "1000000000000000000000"),
        ("2.50e-3", "0.0025"),
        ("iNf", "+Inf"),
        ("1h30m", "1h30m"),
        ("-90s", "-1m30s"),
        ("'tab\\t\\x01\\xff\\u2028'", '"tab\\t\\x01�\\u2028"'),
        ("info(x, {})", "info(x, {})"),
        ("# why\nx # that\n", "x"),
    ],
)
def test_one_line(text: str, printed: str) -> None:
    """One way of writing for each tree: sorted matchers, shortest durations, clauses before what they group."""
    assert printer.format(parse(text)) == printed


@settings(max_examples=200)
@given(queries)
def test_what_is_printed_reads_back(text: str) -> None:
    """Printing loses nothing: the printed text gives the same tree, on one line and on several."""
    tree = parse(text)
    assert our_shape(parse(printer.format(tree))) == our_shape(tree)
    assert our_shape(parse(printer.prettify(tree))) == our_shape(tree)
    assert printer.format(parse(printer.prettify(tree))) == printer.format(tree)


@given(st.text())
def test_every_string_reads_back(text: str) -> None:
    """A quoted string says what it said, whatever is in it."""
    clean = text.encode("utf-8", "replace").decode("utf-8")
    found = parse(quote(clean))
    assert isinstance(found, StringLiteral)
    assert found.value == clean


def test_short_queries_stay_on_one_line() -> None:
    """What fits into 100 characters is not split."""
    text = f"{'x' * 90} + y"
    assert printer.prettify(parse(text)) == text


def test_long_operands_stand_deeper_than_their_operator() -> None:
    """The operator starts the line between its operands, with what belongs to it."""
    assert printer.prettify(parse(f"{LONG} / on (service) group_left () {LONG}")).splitlines() == [
        f"  {SORTED_LONG}",
        "/ on (service) group_left ()",
        f"  {SORTED_LONG}",
    ]


def test_long_calls_and_aggregations_are_spread() -> None:
    """Arguments stand on lines of their own; parentheses, signs and ranges stay with what they enclose."""
    text = f"-quantile by (service) (0.9, max_over_time((rate({LONG}[5m]) + {LONG})[1h:1m] offset 5m))"
    assert printer.prettify(parse(text)).splitlines() == [
        "-quantile by (service) (",
        "  0.9,",
        "  max_over_time(",
        "    (",
        "        rate(",
        f"          {SORTED_LONG}[5m]",
        "        )",
        "      +",
        f"        {SORTED_LONG}",
        "    )[1h:1m] offset 5m",
        "  )",
        ")",
    ]


@settings(max_examples=50)
@given(queries)
def test_json_is_json(text: str) -> None:
    """Every tree is plain JSON whose nodes say their type."""
    found = printer.to_json(parse(text))
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert re.fullmatch(r"[a-zA-Z]+", found["type"])


def test_json_of_a_query() -> None:
    """The tree as Prometheus's parse_query answers it: lengths of time are milliseconds, numbers are text."""
    name = {"name": "__name__", "type": "=", "value": "x"}
    job = {"name": "job", "type": "!~", "value": "a"}
    selector = {"type": "vectorSelector", "name": "x", "matchers": [job, name], "offset": 60_000, "timestamp": 3500, "startOrEnd": None}
    found = printer.to_json(parse('topk without (le) (5, x{job!~"a"} offset 1m @ 3.5)'))
    assert found == {
        "type": "aggregation",
        "op": "topk",
        "expr": selector,
        "param": {"type": "numberLiteral", "val": "5"},
        "grouping": ["le"],
        "without": True,
    }


def test_json_of_functions_and_ranges() -> None:
    """A call carries the signature of its function; a subquery's step is 0 where it has none."""
    found = printer.to_json(parse("rate(x[5m:] @ end())"))
    (subquery,) = found["args"]
    assert found["func"] == {"name": "rate", "argTypes": ["matrix"], "returnType": "vector", "variadic": 0}
    assert (subquery["range"], subquery["step"], subquery["startOrEnd"], subquery["timestamp"]) == (300_000, 0, "end", None)
    joined = printer.to_json(parse('label_join(x, "a", "b")'))
    assert joined["func"]["variadic"] == -1


def test_json_of_operators() -> None:
    """An operator between vectors carries how they are paired; between others it carries nothing."""
    found = printer.to_json(parse("(-a) / on (x) group_right (y) fill_left (2) b"))
    assert found["matching"] == {
        "card": "one-to-many",
        "labels": ["x"],
        "on": True,
        "include": ["y"],
        "fillValues": {"lhs": "2", "rhs": None},
    }
    assert (found["lhs"]["type"], found["lhs"]["expr"]["op"]) == ("parenExpr", "-")
    scalars = printer.to_json(parse("1 > bool 5m"))
    assert (scalars["matching"], scalars["bool"], scalars["rhs"]["val"]) == (None, True, "300")
