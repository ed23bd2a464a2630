"""Lengths of time in a query, and what they come to once the query's own range and step are known."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping

from tocsin.errors import InvalidInput
from tocsin.query.promql.context import Question
from tocsin.query.promql.numerals import DURATION_MS_MAX
from tocsin.query.promql.numerals import parse_duration_ms as parse_duration_ms  # noqa: PLC0414 - a name that others look for here
from tocsin.query.promql.syntax import Duration, DurationLiteral, DurationOperator

_OPERATIONS: Mapping[DurationOperator, Callable[..., float]] = {
    DurationOperator.ADD: operator.add,
    DurationOperator.SUBTRACT: operator.sub,
    DurationOperator.MULTIPLY: operator.mul,
    DurationOperator.POWER: operator.pow,
    DurationOperator.MIN: min,
    DurationOperator.MAX: max,
}


def duration_ms(duration: Duration, question: Question) -> int:
    """
    A length in milliseconds; may be negative.

    Args:
        duration: As written.
        question: The whole query; an instant query's step and range are 0.

    Raises:
        InvalidInput: A division by zero, no finite length, or one beyond 292 years.
    """
    if isinstance(duration, DurationLiteral):
        return duration.ms
    try:
        length = round(_seconds(duration, question) * 1000)
    except (OverflowError, ValueError) as error:
        raise InvalidInput(f"duration expression at character {duration.span.start} gives no length of time: {error}") from error
    if abs(length) > DURATION_MS_MAX:
        raise InvalidInput(f"duration out of range: the expression at character {duration.span.start} gives more than 292 years")
    return length


def positive_duration_ms(duration: Duration, question: Question) -> int:
    """
    A range or a resolution in milliseconds.

    Raises:
        InvalidInput: It is not greater than zero.
    """
    length = duration_ms(duration, question)
    if length <= 0:
        raise InvalidInput(f"duration must be greater than 0, found {length / 1000:g}s at character {duration.span.start}")
    return length


def _seconds(duration: Duration, question: Question) -> float:
    if isinstance(duration, DurationLiteral):
        return duration.ms / 1000 if duration.number is None else duration.number
    if duration.operator is DurationOperator.STEP:
        return question.steps.step_ms / 1000
    if duration.operator is DurationOperator.RANGE:
        return (question.end_ms - question.steps.start_ms) / 1000
    operands = [_seconds(operand, question) for operand in duration.operands]
    if duration.operator is DurationOperator.NEGATE:
        return -operands[0]
    if duration.operator in {DurationOperator.DIVIDE, DurationOperator.MODULO}:
        if operands[1] == 0:
            word = "division" if duration.operator is DurationOperator.DIVIDE else "modulo"
            raise InvalidInput(f"{word} by zero in the duration expression at character {duration.span.start}")
        return operands[0] / operands[1] if duration.operator is DurationOperator.DIVIDE else math.fmod(operands[0], operands[1])
    return float(_OPERATIONS[duration.operator](*operands))
