"""The calculators: what a target means in minutes, what dependencies make of it, how long a budget lasts, what traces cost."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any

from fastapi import APIRouter, Path
from starlette.requests import Request

from tocsin.api.context import TEXT_LENGTH_MAX
from tocsin.errors import InvalidInput, LimitExceeded
from tocsin.slo.calculators.calculation import Calculator, CalculatorParameter
from tocsin.slo.calculators.catalog import CALCULATORS, calculator_named

NAME_LENGTH_MAX = 100

router = APIRouter(prefix="/calculators", tags=["calculators"])


@dataclasses.dataclass(frozen=True, slots=True)
class CalculatorDescription:
    """A calculator: its name in addresses, the question that it answers, and what it asks for."""

    name: str
    summary: str
    parameters: list[CalculatorParameter]


@dataclasses.dataclass(frozen=True, slots=True)
class Calculation:
    """An answer: what was given, and the fields of the result by name."""

    calculator: str
    given: dict[str, list[str]]
    result: dict[str, Any]


@router.get("")
def list_calculators() -> list[CalculatorDescription]:
    """Every calculator with its parameters."""
    return [describe(calculator) for calculator in CALCULATORS]


@router.get("/{name}")
def calculate(
    request: Request,
    name: Annotated[str, Path(min_length=1, max_length=NAME_LENGTH_MAX, description="Which; the list has their names and parameters.")],
) -> Calculation:
    """
    Run a calculator; its parameters are those of the address: `/api/calculators/downtime?target=99.9%25`.

    A number is written `0.999` or `99.9%`; where several are asked for, with commas between them or the parameter several times.
    """
    calculator = calculator_named(name)
    repeated = {parameter.name for parameter in calculator.parameters if parameter.repeated}
    given: dict[str, list[str]] = {}
    for key, text in request.query_params.multi_items():
        if len(text) > TEXT_LENGTH_MAX:
            raise LimitExceeded(f"parameter {key[:NAME_LENGTH_MAX]!r} has {len(text)} characters; at most {TEXT_LENGTH_MAX} are read")
        given.setdefault(key, []).append(text)
    if twice := [key for key, texts in given.items() if len(texts) > 1 and key not in repeated]:
        raise InvalidInput(f"{twice[0]!r} is given {len(given[twice[0]])} times; it takes one value")
    result = calculator.run({key: ",".join(texts) for key, texts in given.items()})
    return Calculation(calculator.name, given, dataclasses.asdict(result))


def describe(calculator: Calculator) -> CalculatorDescription:
    """What a calculator is and asks for."""
    return CalculatorDescription(calculator.name, calculator.summary, list(calculator.parameters))
