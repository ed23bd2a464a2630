"""Queries, exemplars, and what a client asks about a query's text."""

from __future__ import annotations

from typing import Any

from tocsin.api.context import Context
from tocsin.api.prometheus.parameters import BadParameter, Parameters
from tocsin.api.prometheus.render import number, query_answer, success
from tocsin.errors import InvalidInput, ParseError
from tocsin.query.promql.checks import value_type
from tocsin.query.promql.features import check_features
from tocsin.query.promql.options import PromqlOptions
from tocsin.query.promql.parser import parse
from tocsin.query.promql.printer import prettify, to_json
from tocsin.query.promql.syntax import Expression, ValueType

RANGE_KINDS = frozenset({ValueType.SCALAR, ValueType.VECTOR})  # what has a value at every step


def instant(context: Context, parameters: Parameters) -> bytes:
    """`query`: one instant."""
    metrics = context.desk.metrics
    text = _question(parameters, metrics.options)
    time_ms = parameters.instant_ms("time", context.clock.now_ns() // 1_000_000)
    options = _options(parameters)
    limit = parameters.count("limit")
    try:
        return query_answer(metrics.instant(text, time_ms=time_ms, **options), limit=limit)
    except InvalidInput as error:
        raise _failure(error) from error


def over_range(context: Context, parameters: Parameters) -> bytes:
    """`query_range`: instants from `start` to `end` inclusive, `step` apart."""
    metrics = context.desk.metrics
    start_ms, end_ms = parameters.instant_ms("start"), parameters.instant_ms("end")
    if end_ms < start_ms:
        raise BadParameter('invalid parameter "end": end timestamp must not be before start time')
    step_ms = parameters.duration_ms("step")
    if step_ms <= 0:
        raise BadParameter(
            'invalid parameter "step": zero or negative query resolution step widths are not accepted. Try a positive integer'
        )
    if refusal := metrics.options.refusal_of_steps(start_ms, end_ms, step_ms):
        raise BadParameter(refusal)
    text = _question(parameters, metrics.options, over_range=True)
    options, limit = _options(parameters), parameters.count("limit")
    try:
        answer = metrics.range(text, start_ms=start_ms, end_ms=end_ms, step_ms=step_ms, **options)
    except InvalidInput as error:
        raise _failure(error) from error
    return query_answer(answer, limit=limit)


def exemplars(context: Context, parameters: Parameters) -> bytes:
    """`query_exemplars`: the exemplars of every series that a query selects; of all times up to now without a range."""
    start_ms, end_ms = parameters.instant_ms("start", 0), parameters.instant_ms("end", context.clock.now_ns() // 1_000_000)
    if end_ms < start_ms:
        raise BadParameter('invalid parameter "end": end timestamp must not be before start timestamp')
    _parsed(parameters)
    found = context.desk.metrics.exemplars(_query(parameters), start_ms, end_ms)
    return success(
        [
            {
                "seriesLabels": dict(labels.pairs),
                "exemplars": [
                    {"labels": dict(one.labels.pairs), "value": number(one.value).decode(), "timestamp": one.timestamp_ms / 1000}
                    for one in points
                ],
            }
            for labels, points in found
        ]
    )


def format_query(_context: Context, parameters: Parameters) -> bytes:
    """`format_query`: the query, laid out."""
    return success(prettify(_parsed(parameters)))


def parse_query(_context: Context, parameters: Parameters) -> bytes:
    """`parse_query`: its tree."""
    return success(to_json(_parsed(parameters)))


def _query(parameters: Parameters) -> str:
    text = parameters.text("query")
    if not text.strip():
        raise BadParameter('invalid parameter "query": unknown position: parse error: no expression found in input')
    return text


def _question(parameters: Parameters, options: PromqlOptions, *, over_range: bool = False) -> str:
    """The query, when it can be asked so at all: whatever is wrong with it before anything is read is a wrong parameter."""
    tree = _parsed(parameters)
    try:
        check_features(tree, options)
    except InvalidInput as error:
        raise BadParameter(f'invalid parameter "query": {error}') from error
    kind = value_type(tree)
    if over_range and kind not in RANGE_KINDS:
        word = "range vector" if kind is ValueType.MATRIX else kind.value
        raise BadParameter(f'invalid parameter "query": invalid expression type "{word}" for range query, must be Scalar or instant Vector')
    return _query(parameters)


def _parsed(parameters: Parameters) -> Expression:
    try:
        return parse(_query(parameters))
    except BadParameter:
        raise
    except ParseError as error:
        raise BadParameter(f'invalid parameter "query": {error}', position=error.position) from error


def _options(parameters: Parameters) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if parameters.text("timeout"):
        options["timeout_s"] = parameters.duration_ms("timeout") / 1000
    if parameters.text("lookback_delta"):
        options["lookback_s"] = parameters.duration_ms("lookback_delta") / 1000
    return options


def _failure(error: InvalidInput) -> InvalidInput:
    """A text that does not read is a wrong parameter; anything else that the evaluation refuses is its failure."""
    if isinstance(error, ParseError):
        return BadParameter(f'invalid parameter "query": {error}', position=error.position)
    return error
