"""
What operations on native histograms have to say beside their result: values, not exceptions, because a query goes on.

The evaluator adds what only it knows (the metric's name, the operation) and puts the text among the answer's annotations.
Source: the wording is Prometheus' own, so that what matches on it keeps working.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Level(Enum):
    """How bad it is; the value is its word in the text."""

    WARNING = "warning"
    INFO = "info"


class Operation(Enum):
    """What was done when histograms disagreed; the value is its word in the text."""

    ADDITION = "addition"
    SUBTRACTION = "subtraction"
    AGGREGATION = "aggregation"


class Note(Enum):
    """
    A remark of one operation on histograms.

    The value holds its level and its text; `{metric}` becomes ` for metric name "..."`, `{operation}` a word of `Operation`,
    `{operator}` an operator as written in the query.
    """

    MIXED_FLOATS = (Level.WARNING, "encountered a mix of histograms and floats{metric}")
    MIXED_SCHEMAS = (Level.WARNING, "vector contains a mix of histograms with exponential and custom buckets schemas{metric}")
    INCOMPATIBLE_LAYOUT = (Level.WARNING, "incompatible bucket layout encountered for binary operator {operator}")
    NOT_COUNTER = (Level.WARNING, "this native histogram metric is not a counter:{quoted}")
    NOT_GAUGE = (Level.WARNING, "this native histogram metric is not a gauge:{quoted}")
    COUNTER_RESETS_CONFLICT = (Level.WARNING, "conflicting counter resets during histogram {operation}")
    BOUNDS_RECONCILED = (Level.INFO, "mismatched custom buckets were reconciled during {operation}")
    QUANTILE_NAN_RESULT = (Level.INFO, "input to histogram_quantile has NaN observations, result is NaN{metric}")
    QUANTILE_NAN_SKEW = (Level.INFO, "input to histogram_quantile has NaN observations, result is skewed higher{metric}")
    FRACTION_NAN = (Level.INFO, "input to {function} has NaN observations, which are excluded from all fractions{metric}")


@dataclass(frozen=True, slots=True)
class Remark:
    """A note and, where its text has one, the operation it is about."""

    note: Note
    operation: Operation | None = None

    @property
    def level(self) -> Level:
        """Whether it is a warning or an info."""
        return self.note.value[0]

    def text(self, metric: str = "", operator: str = "", function: str = "") -> str:
        """
        The whole sentence, without a position: `PromQL warning: conflicting counter resets during histogram addition`.

        Args:
            metric: Name of the metric; empty when none is left.
            operator: The binary operator as written, for INCOMPATIBLE_LAYOUT.
            function: Name of the function, for the remarks about NaN observations.
        """
        template: str = self.note.value[1]
        sentence = template.format(
            metric=f' for metric name "{metric}"' if metric else "",
            quoted=f' "{metric}"',
            operation=self.operation.value if self.operation else "",
            operator=operator,
            function=function,
        )
        return f"PromQL {self.level.value}: {sentence}"


Remarks = tuple[Remark, ...]
