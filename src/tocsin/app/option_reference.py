"""The reference page and the sample file, written from the tree of options, so that neither can say what the code does not do."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from types import NoneType
from typing import Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, SecretStr
from pydantic.fields import FieldInfo

from tocsin.app.option_sources import PREFIX
from tocsin.app.option_tree import dotted, group_of, is_mapping, leaves
from tocsin.app.options import Options
from tocsin.collect.notation import Duration, Size, print_duration


def _function(annotation: Any) -> Any:
    """What reads a value of an annotated kind."""
    return next(item.func for item in annotation.__metadata__ if isinstance(item, BeforeValidator))


PAGE_HEAD = """# Configuration

Written from the code by `make docs`; don't edit.

Options come from a YAML file (`--config FILE`, or the variable `TOCSIN_CONFIG`), from the environment and from the flags of
`tocsin up`. The environment overrides the file, a flag overrides both. The name of a variable is `TOCSIN_` and the option's path
in capitals, with two underscores for each dot: `TOCSIN_JOURNAL__SEGMENT_BYTES_MAX=1000000`.

`tocsin check --config FILE` reads everything and says all that is wrong at once. A complete file with every default is
[tocsin.yaml](tocsin.yaml).
"""
SAMPLE_HEAD = """\
# Every option of Tocsin with its default; keep only the lines that you change.
# Written from the code by `make docs`. `tocsin check --config FILE` reads a file and says all that is wrong at once.
"""
DEFAULT_LENGTH_MAX = 200  # characters; a longer one makes a table that nobody can read
UNBROKEN = 10**9  # characters in a line of YAML
_TYPE_WORDS: dict[Any, str] = {
    int: "whole number",
    float: "number",
    bool: "true or false",
    str: "text",
    Path: "path",
    SecretStr: "text, never shown",
}


_READ_WORDS: dict[Any, str] = {
    _function(Duration): "length of time such as `1m30s`",
    _function(Size): "size such as `10MB`, or bytes",
}


def reference_page() -> str:
    """The page `docs/reference/configuration.md`."""
    lines, defaults = [PAGE_HEAD], Options()
    for group, info in Options.model_fields.items():
        lines += [f"## {group}", "", str(info.description), ""]
        lines += ["| option | kind | default | meaning |", "|---|---|---|---|"]
        lines += [_row(path, leaf, defaults) for path, leaf in leaves(_group(info), (group,))]
        lines += [""]
    return "\n".join(lines)


def sample_file() -> str:
    """The file `docs/reference/tocsin.yaml`: valid, and equal to the defaults."""
    lines = [SAMPLE_HEAD]
    for group, info in Options.model_fields.items():
        lines += [f"# {info.description}", f"{group}:"]
        lines += _sample_lines(info.get_default(call_default_factory=True), indent=2)
        lines += [""]
    return "\n".join(lines)


def _row(path: tuple[str, ...], info: FieldInfo, defaults: Options) -> str:
    bounds = _bounds(info)
    kind = _kind_of(info) + (f", {bounds}" if bounds else "")
    variable = "" if "[]" in path else f"<br>`{PREFIX}{'__'.join(path).upper()}`"
    default = "required" if info.is_required() else f"`{_written(info, _default_at(path, info, defaults))}`"
    if len(default) > DEFAULT_LENGTH_MAX:
        default = "see [tocsin.yaml](tocsin.yaml)"
    return f"| `{dotted(path)}`{variable} | {kind} | {default} | {info.description} |"


def _sample_lines(defaults: BaseModel, indent: int) -> list[str]:
    lines: list[str] = []
    space = " " * indent
    for field, info in type(defaults).model_fields.items():
        name, value = info.alias or field, getattr(defaults, field)
        lines.append(f"{space}# {info.description}")
        if isinstance(value, BaseModel):
            lines.append(f"{space}{name}:")
            lines.extend(_sample_lines(value, indent + 2))
        else:
            bounds = _bounds(info)
            lines.append(f"{space}{name}: {_written(info, value)}" + (f"  # {bounds}" if bounds else ""))
    return lines


def _default_at(path: tuple[str, ...], info: FieldInfo, defaults: Options) -> Any:
    """What an option is when nobody says anything: a group may come with other defaults than its kind has by itself."""
    if "[]" in path:
        return info.get_default(call_default_factory=True)
    value: Any = defaults
    for key in path:
        value = getattr(value, next(field for field, known in type(value).model_fields.items() if key in (field, known.alias)))
    return value


def _group(info: FieldInfo) -> type[BaseModel]:
    group = group_of(info)
    assert group is not None
    return group


def _kind_of(info: FieldInfo) -> str:
    """In words what a value looks like; what reads it says more than its type."""
    readers = [item for item in info.metadata if isinstance(item, BeforeValidator)]
    return _READ_WORDS.get(readers[0].func, "") if readers and readers[0].func in _READ_WORDS else _kind(info.annotation)


def _kind(annotation: Any) -> str:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if hasattr(annotation, "__metadata__"):
        reader = next((item.func for item in annotation.__metadata__ if isinstance(item, BeforeValidator)), None)
        return _READ_WORDS.get(reader) or _kind(arguments[0])
    if origin is Literal:
        return "one of " + ", ".join(f"`{value}`" for value in arguments)
    if origin is tuple:
        return f"list of {_kind(arguments[0])}" + ("" if _kind(arguments[0]).startswith("group") else "s")
    if is_mapping(annotation):
        return "names with values"
    if NoneType in arguments:
        return " or ".join(_kind(kind) for kind in arguments if kind is not NoneType) + " or null"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "groups of options, below"
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return "one of " + ", ".join(f"`{value.value}`" for value in annotation)
    return _TYPE_WORDS[annotation]


def _bounds(info: FieldInfo) -> str:
    words = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<"}
    found = [f"{sign} {getattr(item, name)}" for item in info.metadata for name, sign in words.items() if hasattr(item, name)]
    return ", ".join(found)


def _written(info: FieldInfo, value: Any) -> str:
    """A value of an option as a file has it."""
    if any(isinstance(item, BeforeValidator) and item.func is _function(Duration) for item in info.metadata):
        return print_duration(value)
    value = _plain(value)
    return yaml.safe_dump(value, default_flow_style=True, width=UNBROKEN).removesuffix("\n...\n").strip()


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True)
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, Enum):
        return value.value
    return str(value) if isinstance(value, Path) else value
