"""
What is wrong with a configuration, said so that it can be mended: place, key, what was expected, what was found, did you mean.

    tocsin.yaml:3:3: journal.segment_byte_max: no option is called so; did you mean 'segment_bytes_max'?
    TOCSIN_STORE__ENGINE__THREADS_MAX: store.engine.threads_max: expected a number >= 1, found 0
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from tocsin.app.option_tree import field_at, fields_of, is_secret, model_at, option_keys
from tocsin.errors import ConfigError
from tocsin.model.spelling import did_you_mean

FOUND_LENGTH_MAX = 80  # characters of a wrong value that are shown
SLIP = 0.85  # how alike a key must be to be a slip of the finger rather than an option of another group
HIDDEN = "a value that is not shown because it may hold a password"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where a value was written: a file with line and column from 1, a variable, a flag."""

    source: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.source}:{self.line}:{self.column}" if self.line else self.source


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing that is wrong; `key` is the option's dotted path, empty when the source as a whole is meant."""

    place: Place
    key: str
    message: str

    def __str__(self) -> str:
        return ": ".join(part for part in (str(self.place), self.key, self.message) if part)


class ConfigMistakes(ConfigError):
    """Everything that is wrong with the configuration, in the order of its places."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(sorted(mistakes, key=lambda mistake: mistake.place))
        super().__init__("\n".join(str(mistake) for mistake in self.mistakes), key=self.mistakes[0].key)


def explain(error: ValidationError, places: Mapping[tuple[str, ...], Place]) -> list[Mistake]:
    """What the tree found wrong, each with the place that the value came from."""
    return [_mistake(details, places) for details in error.errors(include_url=False)]


def _mistake(details: ErrorDetails, places: Mapping[tuple[str, ...], Place]) -> Mistake:
    path = tuple(str(part) for part in details["loc"])
    place = next((places[path[:length]] for length in range(len(path), -1, -1) if path[:length] in places), Place("built-in default"))
    if details["type"] == "extra_forbidden":
        message = _unknown(path)
    elif details["type"] == "missing":
        message = "a value is required"
    elif details["type"] == "value_error":
        message = str(details["ctx"]["error"])
    else:
        found = HIDDEN if _is_secret(path) else _found(details["input"])
        message = f"expected {_expected(details, path)}, found {found}"
    return Mistake(place, ".".join(path), message)


def _unknown(path: tuple[str, ...]) -> str:
    group = model_at(path[:-1])
    known = [key for key, _ in fields_of(group)] if group else []
    if near := did_you_mean(path[-1], known, cutoff=SLIP):
        return f"no option is called so{near}"
    elsewhere = [key for key in option_keys() if key.rpartition(".")[2] == path[-1]]
    if elsewhere:
        return f"no option is called so; did you mean {elsewhere[0]!r}?"
    return f"no option is called so{did_you_mean(path[-1], known, cutoff=0.6) or ('; known here: ' + ', '.join(known) if known else '')}"


_EXPECTATIONS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "greater_than": lambda bounds: f"a number > {bounds['gt']}",
    "greater_than_equal": lambda bounds: f"a number >= {bounds['ge']}",
    "less_than": lambda bounds: f"a number < {bounds['lt']}",
    "less_than_equal": lambda bounds: f"a number <= {bounds['le']}",
    "literal_error": lambda bounds: f"one of {bounds['expected']}",
    "int_parsing": lambda _: "a whole number",
    "int_type": lambda _: "a whole number",
    "int_from_float": lambda _: "a whole number",
    "int_parsing_size": lambda _: "a smaller number",
    "float_parsing": lambda _: "a number",
    "float_type": lambda _: "a number",
    "finite_number": lambda _: "a finite number",
    "bool_parsing": lambda _: "true or false",
    "bool_type": lambda _: "true or false",
    "string_type": lambda _: "a text",
    "path_type": lambda _: "a path",
    "tuple_type": lambda _: "a list, [a, b]",
}


def _expected(details: ErrorDetails, path: tuple[str, ...]) -> str:
    if details["type"] == "model_type":
        group = model_at(path)
        return "a group of options" + (f" ({', '.join(key for key, _ in fields_of(group))})" if group else "")
    known = _EXPECTATIONS.get(details["type"])
    return known(details.get("ctx", {})) if known else f"something else ({details['msg']})"


def _found(value: Any) -> str:
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= FOUND_LENGTH_MAX else text[:FOUND_LENGTH_MAX] + "..."


def _is_secret(path: tuple[str, ...]) -> bool:
    """Whether the value at a path may hold what must not be shown: the option itself, one above it, or one inside it."""
    found = [field_at(path[:length]) for length in range(1, len(path) + 1)]
    if found and found[-1] is not None:
        return is_secret(found[-1])
    # A wrong key, or a part of a value: whatever the innermost option around it says.
    known = [info for info in found if info is not None]
    group = model_at(path)
    return (is_secret(known[-1]) if known else False) or (
        group is not None and any(is_secret(info) for info in group.model_fields.values())
    )
