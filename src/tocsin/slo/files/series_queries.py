"""
PromQL of indicators: checked, and counts brought into the one form that can be counted minute by minute.

    sum(rate(http_requests_total{code=~"5.."}[5m]))   becomes   sum(http_requests_total{code=~"5.."})

A ratio of counters is stored as expressions of the bare counters; whoever counts takes the increase of every selector inside, minute by
minute, and those increases add up over any window. That is sound where the expression is linear in its counters: sums, differences,
products with a number. What is not linear (a mean, a maximum, a comparison, a quotient) has no such form, and `counter_form` says why.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from tocsin.errors import InvalidInput, ParseError
from tocsin.query.promql import printer
from tocsin.query.promql.checks import value_type, walk
from tocsin.query.promql.features import check_features
from tocsin.query.promql.options import PromqlOptions
from tocsin.query.promql.parser import parse
from tocsin.query.promql.syntax import (
    Aggregation,
    Binary,
    Call,
    Expression,
    MatrixSelector,
    NumberLiteral,
    Paren,
    Subquery,
    Unary,
    ValueType,
    VectorSelector,
)
from tocsin.slo.definition import SeriesRatio
from tocsin.slo.files.parts import Part, Sort

PER_SECOND = frozenset({"rate", "irate"})
RATES = PER_SECOND | {"increase"}
LABEL_FUNCTIONS = frozenset({"label_replace", "label_join"})
COUNTER_NAME = re.compile(r".*_(total|count|bucket|sum)")


@dataclass(slots=True)
class CounterForm:
    """
    A query as an expression of bare counters.

    Args:
        text: The expression; empty when there is none.
        reason: Why there is none.
        functions: `rate`, `irate`, `increase`, or empty for a bare counter, as they stood around its selectors.
        ranges: The ranges of every `increase`.
        names: Names of the metrics.
    """

    text: str = ""
    reason: str = ""
    functions: set[str] = field(default_factory=set)
    ranges: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)

    @property
    def rated(self) -> bool:
        """Whether the query took rates or increases itself."""
        return bool(self.functions - {""})


class _NotLinearError(Exception):
    """The expression has no form that can be counted per minute; says why."""


def read_series_query(part: Part, promql: PromqlOptions, text: str | None = None) -> Expression | None:
    """
    The tree of a query, None when it is wrong, which is noted with its place.

    Args:
        part: The scalar it stands in.
        promql: What is switched on.
        text: The query when it is not the scalar's text as it stands (a template that was filled in).
    """
    query = part.text("a PromQL query") if text is None else text
    if not query:
        if part.sort is Sort.SCALAR:
            part.wrong("expected a PromQL query, found nothing")
        return None
    try:
        expression = parse(query)
        check_features(expression, promql)
    except ParseError as error:
        part.wrong(f"could not parse PromQL: {error}", error.position if text is None else None)
        return None
    except InvalidInput as error:
        part.wrong(f"PromQL: {error}")
        return None
    if value_type(expression) not in {ValueType.VECTOR, ValueType.SCALAR}:
        part.wrong(f"an indicator needs one value per series, so no {value_type(expression).value}; found {part.shown}")
        return None
    return expression


def counter_form(expression: Expression) -> CounterForm:
    """A query brought into the form that can be counted per minute, or the reason why it can't."""
    form = CounterForm(names={found.name for found in walk(expression) if isinstance(found, VectorSelector) and found.name})
    form.functions = {found.function for found in walk(expression) if isinstance(found, Call) and found.function in RATES}
    found_rates, form.functions = form.functions, set()
    try:
        text = printer.format(_bare(expression, form))
    except _NotLinearError as error:
        return CounterForm(reason=str(error), functions=found_rates, names=form.names)
    if not form.functions:
        form.reason = "it has no counter in it"
    elif len({function in PER_SECOND for function in form.functions if function}) > 1:
        form.reason = "it mixes events per second (rate) with numbers of events (increase)"
    elif "" in form.functions and form.rated:
        form.reason = "some of its counters have a rate() around them, others not"
    elif len(form.ranges) > 1:
        form.reason = f"it mixes increases over {' and '.join(sorted(form.ranges))}"
    else:
        form.text = text
    return form


def series_ratio(
    part: Part, total: Part, queries: tuple[Expression, Expression], *, inverted: bool, counter: bool | None, rates_expected: bool = False
) -> SeriesRatio:
    """
    Good (or bad) and all events, counted as well as the queries allow; remarks say what was changed.

    Args:
        part: Where the query of the good or bad events stands.
        total: Where the query of all events stands.
        queries: Both as trees, in that order.
        inverted: The first one describes the bad events.
        counter: What the file says of them; None when it says nothing.
        rates_expected: The format asks for rates, so that taking them off is no surprise.
    """
    forms = [counter_form(query) for query in queries]
    texts = [printer.format(query) for query in queries]
    if texts[0] == texts[1]:
        part.remark("the queries of both sides are the same, so " + ("nothing is ever good" if inverted else "nothing is ever bad"))
    rated, countable = any(form.rated for form in forms), all(form.text for form in forms)
    looks_counted = all(COUNTER_NAME.fullmatch(name) for form in forms for name in form.names)
    if countable and (counter or all(form.rated for form in forms) or (counter is None and looks_counted)):
        if rated and not rates_expected:
            part.remark("rate() and increase() are taken off: Tocsin itself counts the increase of these counters, minute by minute")
        return SeriesRatio(total=forms[1].text, good=forms[0].text, inverted=inverted, counter=True)
    for where, form in zip((part, total), forms, strict=True):
        if form.reason and counter and not rated:
            where.wrong(f"counters can't be counted per minute here: {form.reason}; sum the counters, or write counter: false")
        elif form.reason and rated:
            where.remark(f"its values are taken as numbers of events per minute, since no counter can be counted in it: {form.reason}")
    if countable and rated:
        part.remark("one side takes a rate, the other does not; both are taken as numbers of events at the end of each minute")
    elif counter is None and not rated:
        taken = "no 'counter' is given, so each value is taken as the number of events in the minute before it"
        part.remark(f"{taken}; for counters write counter: true")
    elif countable and looks_counted and not rated:
        part.remark("counter: false, yet the metrics are called like counters; for counters write counter: true")
    return SeriesRatio(total=texts[1], good=texts[0], inverted=inverted, counter=False)


def _bare(expression: Expression, form: CounterForm) -> Expression:
    """The expression without rates around its counters."""
    match expression:
        case Call(function, (MatrixSelector() as matrix,)) if function in RATES:
            form.functions.add(function)
            if function == "increase":
                form.ranges.add(printer.format_length(matrix.range))
            return _counter(matrix.selector)
        case VectorSelector():
            form.functions.add("")
            return _counter(expression)
        case Paren() | Unary():
            return replace(expression, expression=_bare(expression.expression, form))
        case Aggregation(operator="sum"):
            return replace(expression, expression=_bare(expression.expression, form))
        case Call(function, (first, *others)) if function in LABEL_FUNCTIONS:
            return replace(expression, arguments=(_bare(first, form), *others))
        case Call("vector", (NumberLiteral(value=0.0),)):
            return expression
        case Binary():
            return _bare_binary(expression, form)
        case _:
            raise _NotLinearError(f"{_piece(expression)} does not add up over minutes")


def _bare_binary(binary: Binary, form: CounterForm) -> Expression:
    left, right = binary.left, binary.right
    if binary.operator in {"+", "-", "or"} and not _is_constant(left) and not _is_constant(right):
        return replace(binary, left=_bare(left, form), right=_bare(right, form))
    # A join with series that describe the counters (`* on (pod) group_left () kube_pod_info`), or a filter: they stay.
    scales = binary.operator in {"*", "/"} and (_is_constant(right) or (_has_counters(left) and not _has_counters(right)))
    if scales or (binary.operator in {"and", "unless"} and not _has_rates(right)):
        return replace(binary, left=_bare(left, form))
    if binary.operator == "*" and (_is_constant(left) or (_has_counters(right) and not _has_counters(left))):
        return replace(binary, right=_bare(right, form))
    raise _NotLinearError(f"the operator {binary.operator!r} in {_short(binary)} does not add up over minutes")


def _has_rates(expression: Expression) -> bool:
    return any(isinstance(found, Call) and found.function in RATES for found in walk(expression))


def _has_counters(expression: Expression) -> bool:
    names = (found.name for found in walk(expression) if isinstance(found, VectorSelector))
    return _has_rates(expression) or any(COUNTER_NAME.fullmatch(name) for name in names)


def _counter(selector: VectorSelector) -> VectorSelector:
    if selector.at_ms is not None:
        raise _NotLinearError(f"{_short(selector)} is fixed to one instant")
    return selector


def _is_constant(expression: Expression) -> bool:
    return all(isinstance(found, NumberLiteral | Paren | Unary | Binary) for found in walk(expression))


def _piece(expression: Expression) -> str:
    match expression:
        case Call():
            return f"{expression.function}()"
        case Aggregation():
            return f"{expression.operator}()"
        case Subquery():
            return "a subquery"
        case _:
            return _short(expression)


def _short(expression: Expression) -> str:
    text = printer.format(expression)
    return text if len(text) <= 60 else text[:60] + "..."
