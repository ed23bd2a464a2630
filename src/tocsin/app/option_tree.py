"""
The tree of options as data: which keys there are, which of them hold groups or lists of groups.

    server.http                                  an option
    scrape.jobs                                  a list of groups; its items' options are `scrape.jobs[].job_name`, ...
    usage.costs.prices                           names with groups; below each name are the group's options
    scrape.global.scrape_interval                a group whose key differs from its field's name, because Python reserves that word
"""

from __future__ import annotations

import typing
from collections.abc import Iterator, Mapping, Sequence
from types import NoneType
from typing import Any

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from tocsin.app.options import Options


def fields_of(model: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    """The keys of a group as a file has them, each with what is known of it."""
    for name, info in model.model_fields.items():
        yield info.alias or name, info


def group_of(info: FieldInfo) -> type[BaseModel] | None:
    """The group that stands at a key; None where a value does."""
    return _model(_alternatives(info.annotation))


def item_of(info: FieldInfo) -> type[BaseModel] | None:
    """The group that each item of a list is; None where items are values, or there is no list."""
    for kind in _alternatives(info.annotation):
        if typing.get_origin(kind) is tuple:
            return _model(_alternatives(typing.get_args(kind)[0]))
    return None


def entry_of(info: FieldInfo) -> type[BaseModel] | None:
    """The group that stands below each name of a mapping; None where values do, or there is no mapping."""
    for kind in _alternatives(info.annotation):
        if is_mapping(kind):
            return _model(_alternatives(typing.get_args(kind)[1]))
    return None


def leaves(model: type[BaseModel] = Options, path: Sequence[str] = ()) -> Iterator[tuple[tuple[str, ...], FieldInfo]]:
    """The path of every option in the tree, in its order; an item of a list is a part `[]`."""
    for name, info in fields_of(model):
        group, item = group_of(info), item_of(info)
        if group is not None:
            yield from leaves(group, (*path, name))
            continue
        yield (*path, name), info
        if item is not None:
            yield from leaves(item, (*path, name, "[]"))


def option_keys() -> list[str]:
    """The dotted path of every option, in the tree's order: `scrape.jobs[].job_name`."""
    return [dotted(path) for path, _ in leaves()]


def dotted(path: Sequence[str]) -> str:
    """A path as people write it."""
    return ".".join(path).replace(".[]", "[]")


def model_at(path: Sequence[str]) -> type[BaseModel] | None:
    """The group at a path, which may lead through places in lists and through names that people gave; None where there is none."""
    model: type[BaseModel] | None = Options
    of_list: type[BaseModel] | None = None
    of_names: type[BaseModel] | None = None
    for key in path:
        if of_names is not None or (of_list is not None and key.isdecimal()):
            model, of_list, of_names = of_names or of_list, None, None
            continue
        info = dict(fields_of(model)).get(key) if model is not None else None
        if info is None:
            return None
        model, of_list, of_names = group_of(info), item_of(info), entry_of(info)
    return model


def field_at(path: Sequence[str]) -> FieldInfo | None:
    """What is known of the option at a path; None where there is none."""
    group = model_at(path[:-1])
    return dict(fields_of(group)).get(path[-1]) if group is not None and path else None


def is_secret(info: FieldInfo) -> bool:
    """Whether the option itself, or anything in its values, must not be shown."""
    return _mentions_secret(info.annotation)


def _alternatives(annotation: Any) -> list[Any]:
    """What a value may be: the annotation itself, or the parts of a union but None."""
    if hasattr(annotation, "__metadata__"):
        return _alternatives(typing.get_args(annotation)[0])
    arguments = typing.get_args(annotation)
    if NoneType in arguments:
        return [kind for part in arguments if part is not NoneType for kind in _alternatives(part)]
    return [annotation]


def _model(kinds: Sequence[Any]) -> type[BaseModel] | None:
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)


def _mentions_secret(annotation: Any) -> bool:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return any(is_secret(info) for info in annotation.model_fields.values())
    return annotation is SecretStr or any(_mentions_secret(part) for part in typing.get_args(annotation))


def is_mapping(annotation: Any) -> bool:
    """Whether values are names with values."""
    return typing.get_origin(annotation) in {dict, Mapping, typing.get_origin(Mapping[str, str])}
