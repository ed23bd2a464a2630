"""
What every calculator is made of: a function whose parameters say what they are, so that library, terminal and API ask and check alike.

    @checked
    def downtime(target: Target) -> Downtime: ...

    Calculator("downtime", downtime, "How long may it be down?").run({"target": "99.9%"})

A parameter's type is `float`, `int` or a sequence of `float`, annotated with a `Quantity`: its unit, its bounds and a sentence.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from decimal import Decimal, InvalidOperation
from functools import cached_property, lru_cache, wraps
from inspect import Parameter, signature
from typing import Annotated, Any, ParamSpec, TypeVar, get_args, get_type_hints

from tocsin.errors import InvalidInput
from tocsin.model.spelling import did_you_mean

VALUES_MAX = 1000  # of a list
LARGEST = 1e15  # beyond it nothing is about services any more, and products would leave what a float can hold
DIGITS_MAX = 100
P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Quantity:
    """
    What a parameter is.

    Args:
        about: One sentence, with the unit.
        low: Smallest value.
        high: Largest value.
        low_open: `low` itself is too small.
        high_open: `high` itself is too large.
    """

    about: str
    low: float = 0.0
    high: float = LARGEST
    low_open: bool = False
    high_open: bool = False

    @property
    def bounds(self) -> str:
        """`above 0 and below 1`, `0 to 1`, `0 or more`."""
        if self.high == LARGEST:
            return f"more than {self.low:g}" if self.low_open else f"{self.low:g} or more"
        if not self.low_open and not self.high_open:
            return f"{self.low:g} to {self.high:g}"
        low = f"above {self.low:g}" if self.low_open else f"at least {self.low:g}"
        return f"{low} and {'below' if self.high_open else 'at most'} {self.high:g}"

    def check(self, name: str, value: float) -> None:
        """
        Refuse a value that is out of bounds.

        Raises:
            InvalidInput: Says what was expected and what was found.
        """
        low_enough = value < self.high or (value == self.high and not self.high_open)
        high_enough = value > self.low or (value == self.low and not self.low_open)
        if not (low_enough and high_enough):
            hint = f"; write {value:g}% or {value / 100:g}" if self.high == 1 and 1 < value <= 100 else ""
            too_large = f", at most {LARGEST:g}" if self.high == LARGEST and value > LARGEST else ""
            raise InvalidInput(f"{name} must be {self.bounds}{too_large}: {self.about} Found {value:g}{hint}")


Share = Annotated[float, Quantity("A share, 0.01 or 1%.", 0, 1)]
Target = Annotated[float, Quantity("The share of good events that is promised, 0.999 or 99.9%.", 0, 1, low_open=True, high_open=True)]
Availability = Annotated[float, Quantity("A share of time or of requests that works, 0.999 or 99.9%.", 0, 1)]
Availabilities = Annotated[Sequence[float], Quantity("Shares that work, such as 99.95%,99.99%.", 0, 1)]
WindowDays = Annotated[float, Quantity("The window of the objective, days.", 0, 36_500, low_open=True)]
Minutes = Annotated[float, Quantity("A length of time, minutes.", 0)]


@dataclass(frozen=True, slots=True)
class CalculatorParameter:
    """
    A parameter, for whoever asks people for it.

    Args:
        name: As Python calls it; units are in it.
        about: One sentence.
        bounds: What values are allowed, in words.
        whole: Only whole numbers.
        repeated: Several values, one after the other.
        default: What holds when it is not given; None where it must be.
    """

    name: str
    about: str
    bounds: str
    whole: bool
    repeated: bool
    default: float | None


@dataclass(frozen=True)
class Calculator:
    """
    One calculator.

    Args:
        name: Names it in the terminal and in addresses: `burn-rate`.
        function: What computes: takes its parameters by name, returns a frozen record.
        summary: The question that it answers.
    """

    name: str
    function: Callable[..., object]
    summary: str

    @cached_property
    def parameters(self) -> tuple[CalculatorParameter, ...]:
        """What it asks for, in order."""
        return tuple(found.shown for found in _parameters(self.function).values())

    def run(self, arguments: Mapping[str, object]) -> Any:
        """
        Compute, from texts or numbers.

        Args:
            arguments: By the parameters' names: numbers, texts (`0.999`, `99.9%`; `99.95%,99.99%` for several), or sequences of those.

        Raises:
            InvalidInput: A name that is unknown or missing, a text that is no number, a number out of bounds.
        """
        known = _parameters(self.function)
        for name in arguments:
            if name not in known:
                hint = did_you_mean(name, known, cutoff=0.6) or f"; it knows {', '.join(known)}"
                raise InvalidInput(f"calculator {self.name!r} has no parameter {name!r}{hint}")
        missing = [name for name, one in known.items() if one.shown.default is None and name not in arguments]
        if missing:
            raise InvalidInput(f"calculator {self.name!r} needs {', '.join(missing)}: {known[missing[0]].shown.about}")
        return self.function(**{name: _read(known[name].shown, value) for name, value in arguments.items()})


def checked(function: Callable[P, R]) -> Callable[P, R]:
    """A calculator's function that refuses arguments out of their bounds with `InvalidInput`."""

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        known = _parameters(function)
        for name, value in signature(function).bind(*args, **kwargs).arguments.items():
            _check(known[name], value)
        try:
            result = function(*args, **kwargs)
        except (OverflowError, ZeroDivisionError) as error:
            raise InvalidInput(_too_extreme(function)) from error
        if any(isinstance(value, float) and not math.isfinite(value) for value in _fields(result)):
            raise InvalidInput(_too_extreme(function))
        return result

    return call


def bad_share(target: float) -> float:
    """`1 - target` without the noise of binary fractions: 0.001 for 0.999."""
    return float(1 - Decimal(repr(target)))


def _fields(result: object) -> list[object]:
    return [getattr(result, field.name) for field in fields(result)] if is_dataclass(result) else []


def _too_extreme(function: Callable[..., object]) -> str:
    return f"{function.__name__}: these numbers are so large or so small that the answer is no number; give some that a service could have"


@dataclass(frozen=True, slots=True)
class _Known:
    """A parameter with its bounds."""

    shown: CalculatorParameter
    quantity: Quantity


@lru_cache(maxsize=256)
def _parameters(function: Callable[..., object]) -> dict[str, _Known]:
    """The parameters of a function by name, in order."""
    hints = get_type_hints(function, include_extras=True)
    found = {}
    for name, parameter in signature(function).parameters.items():
        kind, quantity = get_args(hints[name])
        assert isinstance(quantity, Quantity), f"{function.__name__}: {name} is not annotated with a Quantity"
        default = None if parameter.default is Parameter.empty else float(parameter.default)
        repeated = kind not in {int, float}
        found[name] = _Known(CalculatorParameter(name, quantity.about, quantity.bounds, kind is int, repeated, default), quantity)
    return found


def _check(known: _Known, value: object) -> None:
    name = known.shown.name
    values = value if known.shown.repeated and isinstance(value, Sequence) else (value,)
    if not 1 <= len(values) <= VALUES_MAX:
        raise InvalidInput(f"{name} must be 1 to {VALUES_MAX} values; found {len(values)}")
    for one in values:
        if isinstance(one, bool) or not isinstance(one, int | float):
            raise InvalidInput(f"{name} must be a number; found {one!r}")
        if known.shown.whole and one != int(one if math.isfinite(one) else 0):
            raise InvalidInput(f"{name} must be a whole number; found {one!r}")
        known.quantity.check(name, one)


def _read(shown: CalculatorParameter, value: object) -> object:
    """What was given, as the function takes it."""
    if shown.repeated:
        parts = value.split(",") if isinstance(value, str) else value if isinstance(value, Sequence) else (value,)
        return tuple(_number(shown.name, part) for part in parts)
    number = _number(shown.name, value)
    return int(number) if shown.whole and math.isfinite(number) and number == int(number) else number


def _number(name: str, value: object) -> float:
    """A number, from itself or from a text such as `0.999` or `99.9%`."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    text = value.strip() if isinstance(value, str) and len(value) <= DIGITS_MAX else ""
    try:
        number = Decimal(text.removesuffix("%").strip())
        return float(number / 100 if text.endswith("%") else number)
    except (InvalidOperation, ValueError, OverflowError) as error:
        raise InvalidInput(f"{name} must be a number such as 0.999, 99.9% or 43.2; found {str(value)[:DIGITS_MAX]!r}") from error
