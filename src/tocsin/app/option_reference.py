"""The reference page and the sample file, written from the tree of options, so that neither can say what the code does not do."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from pathlib import Path
from types import NoneType
from typing import Any, Literal

import yaml
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from tocsin.app.option_sources import PREFIX
from tocsin.app.options import Options

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
_TYPE_WORDS: dict[Any, str] = {
    int: "whole number",
    float: "number",
    bool: "true or false",
    str: "text",
    Path: "path",
    SecretStr: "text, never shown",
}


def reference_page() -> str:
    """The page `docs/reference/configuration.md`."""
    lines = [PAGE_HEAD]
    for group, info in Options.model_fields.items():
        lines += [f"## {group}", "", str(info.description), ""]
        lines += ["| option | kind | default | meaning |", "|---|---|---|---|"]
        lines += [_row(key, leaf) for key, leaf in _leaves(_group(info), (group,))]
        lines += [""]
    return "\n".join(lines)


def sample_file() -> str:
    """The file `docs/reference/tocsin.yaml`: valid, and equal to the defaults."""
    lines = [SAMPLE_HEAD]
    for group, info in Options.model_fields.items():
        lines += [f"# {info.description}", f"{group}:"]
        lines += _sample_lines(_group(info), indent=2)
        lines += [""]
    return "\n".join(lines)


def _leaves(model: type[BaseModel], path: tuple[str, ...]) -> Iterator[tuple[str, FieldInfo]]:
    for name, info in model.model_fields.items():
        if _is_group(info):
            yield from _leaves(_group(info), (*path, name))
        else:
            yield ".".join((*path, name)), info


def _row(key: str, info: FieldInfo) -> str:
    bounds = _bounds(info)
    kind = _kind(info.annotation) + (f", {bounds}" if bounds else "")
    return f"| `{key}`<br>`{PREFIX}{key.upper().replace('.', '__')}` | {kind} | `{_default(info)}` | {info.description} |"


def _sample_lines(model: type[BaseModel], indent: int) -> list[str]:
    lines: list[str] = []
    space = " " * indent
    for name, info in model.model_fields.items():
        lines.append(f"{space}# {info.description}")
        if _is_group(info):
            lines.append(f"{space}{name}:")
            lines.extend(_sample_lines(_group(info), indent + 2))
        else:
            bounds = _bounds(info)
            lines.append(f"{space}{name}: {_default(info)}" + (f"  # {bounds}" if bounds else ""))
    return lines


def _is_group(info: FieldInfo) -> bool:
    return isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel)


def _group(info: FieldInfo) -> type[BaseModel]:
    assert isinstance(info.annotation, type)
    assert issubclass(info.annotation, BaseModel)
    return info.annotation


def _kind(annotation: Any) -> str:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Literal:
        return "one of " + ", ".join(f"`{value}`" for value in arguments)
    if origin is tuple:
        return f"list of {_kind(arguments[0])}s"
    if NoneType in arguments:
        return " or ".join(_kind(kind) for kind in arguments if kind is not NoneType) + " or null"
    return _TYPE_WORDS[annotation]


def _bounds(info: FieldInfo) -> str:
    words = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<"}
    found = [f"{sign} {getattr(item, name)}" for item in info.metadata for name, sign in words.items() if hasattr(item, name)]
    return ", ".join(found)


def _default(info: FieldInfo) -> str:
    value = info.get_default(call_default_factory=True)
    value = list(value) if isinstance(value, tuple) else str(value) if isinstance(value, Path) else value
    return yaml.safe_dump(value, default_flow_style=True, width=1000).removesuffix("\n...\n").strip()
