"""`tocsin calc`: every calculator of `tocsin.slo.calculators.catalog` as a part with its own options; no server is asked."""

from __future__ import annotations

import dataclasses
import inspect
import json
import math
from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from tocsin.cli.table import Column, print_table
from tocsin.cli.terminal import clean, console, is_narrow
from tocsin.slo.calculators.calculation import Calculator, CalculatorParameter
from tocsin.slo.calculators.catalog import CALCULATORS

SHARES = {"availability", "weakest", "combined", "target", "chance", "budget_spent", "error_ratio_needed", "share_of_budget"}
UNITS = {
    "_ms": "ms",
    "_s": "s",
    "_minutes": "minutes",
    "_hours": "hours",
    "_days": "days",
    "_events": "events",
    "_gigabytes": "GB",
}
WORDS = {
    "gigabytes_per_day": "GB",
    "terabytes_per_day": "TB",
    "terabytes_per_month": "TB",
    "bytes_per_s": "bytes",
    "bytes_per_trace": "bytes",
}
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
DIGITS, DIGITS_MAX = 8, 16  # of a percentage; beyond the latter a float has nothing but noise
LARGER_S = ((86_400, "d"), (3600, "h"), (60, "min"))


def command(as_json: JsonOption = False) -> None:
    """List the calculators; `tocsin calc downtime --target 99.9%` runs one, without a server."""
    out = console()
    if as_json:
        listed = [
            {"name": one.name, "summary": one.summary, "parameters": [dataclasses.asdict(parameter) for parameter in one.parameters]}
            for one in CALCULATORS
        ]
        out.print(json.dumps(listed))
        return
    columns = [Column("calculator"), Column("answers", shrinks=True), Column("asks for", shrinks=True)]
    rows: list[list[Text | str]] = [
        [Text(one.name, "bold"), one.summary, " ".join(_usage(parameter) for parameter in one.parameters)] for one in CALCULATORS
    ]
    shown = 2 if is_narrow(out) else 3
    print_table(out, columns[:shown], [row[:shown] for row in rows])
    out.print(Text("`tocsin calc NAME --help` explains one; shares are written 0.999 or 99.9%", "dim"))


def print_result(out: Console, result: object) -> None:
    """Every figure of a result with its unit, the same in larger units where that reads better, then the note."""
    figures = {field.name: getattr(result, field.name) for field in dataclasses.fields(result)}  # type: ignore[arg-type]  # a record
    note = figures.pop("note", "")
    width = max(len(_shown(name)) for name in figures)
    for name, value in figures.items():
        out.print(Text.assemble((f"{_shown(name):<{width}}  ", "dim"), show_figure(name, value)))
    if note:
        out.print(Text(clean(str(note))))


def show_figure(name: str, value: object) -> str:
    """A figure as people read it: `2592 s (43.2 min)`, `99.94 %`, `yes`."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, int | float):
        return clean(str(value))
    if name in SHARES or name.endswith("_ratio"):
        return f"{_percent(value)} %"
    if name in WORDS:
        return f"{value:,.6g} {WORDS[name]}"
    if name.endswith("_per_s"):
        return f"{value:,.6g}"
    unit = next((unit for ending, unit in UNITS.items() if name.endswith(ending)), "")
    text = f"{value:.10g}" + (f" {unit}" if unit else "")
    larger = next(((size_s, word) for size_s, word in LARGER_S if unit == "s" and abs(value) >= size_s), None)
    return f"{text} ({value / larger[0]:.6g} {larger[1]})" if larger else text


def _percent(share: float) -> str:
    """A share in percent, with so many digits that what is short of all of it does not read 100: three of what is missing."""
    missing = abs(1 - share)
    digits = DIGITS if not 0 < missing < 1 else min(DIGITS_MAX, max(DIGITS, math.ceil(-math.log10(missing)) + 3))
    return f"{float(Decimal(repr(float(share))) * 100):.{digits}g}"


def part_of(calculator: Calculator) -> Callable[..., None]:
    """A calculator as a part of the command: an option for each parameter."""

    def run(**given: Any) -> None:
        as_json = given.pop("as_json")
        result = calculator.run({name: text for name, text in given.items() if text is not None})
        out = console()
        if as_json:
            out.print(json.dumps(dataclasses.asdict(result)))
        else:
            print_result(out, result)

    kinds: dict[str, Any] = {parameter.name: _option(parameter) for parameter in calculator.parameters}
    places = [
        inspect.Parameter(
            parameter.name,
            inspect.Parameter.KEYWORD_ONLY,
            annotation=kinds[parameter.name],
            default=inspect.Parameter.empty if parameter.default is None else None,
        )
        for parameter in calculator.parameters
    ]
    kinds["as_json"] = JsonOption
    places.append(inspect.Parameter("as_json", inspect.Parameter.KEYWORD_ONLY, annotation=JsonOption, default=False))
    run.__signature__ = inspect.Signature(places)  # type: ignore[attr-defined]  # what typer reads its options from
    run.__annotations__ = kinds
    run.__doc__ = inspect.getdoc(calculator.function) or calculator.summary
    return run


def _option(parameter: CalculatorParameter) -> Any:
    bounds = "" if parameter.repeated else f" ({parameter.bounds})"
    default = "" if parameter.default is None else f" [default: {parameter.default:g}]"
    kind = str if parameter.default is None else str | None
    about, metavar = f"{parameter.about}{bounds}{default}", "NUMBERS" if parameter.repeated else "NUMBER"
    return Annotated[kind, typer.Option(_flag(parameter), metavar=metavar, help=about, show_default=False)]


def _usage(parameter: CalculatorParameter) -> str:
    return _flag(parameter) if parameter.default is None else f"[{_flag(parameter)}]"


def _flag(parameter: CalculatorParameter) -> str:
    return "--" + parameter.name.replace("_", "-")


def _shown(name: str) -> str:
    return (name if name.endswith("_per_s") else name.removesuffix("_s")).replace("_", " ")


PARTS: dict[str, Callable[..., None]] = {"list": command, **{calculator.name: part_of(calculator) for calculator in CALCULATORS}}
