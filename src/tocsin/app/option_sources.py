"""
Where options come from: a YAML file, the environment, flags. The later wins.

    tocsin.yaml                            journal: {segment_bytes_max: 1000000}
    TOCSIN_JOURNAL__SEGMENT_BYTES_MAX      1000000        text is read as YAML would read it; lists and maps work too
    flags of the command                   {"server.http": ("--http", "127.0.0.1:0")}

`load` merges them, checks the whole against the tree and reports every mistake at once, each with its place (see `app.option_mistakes`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import yaml
from pydantic import ValidationError

from tocsin.app.option_mistakes import ConfigMistakes, Mistake, Place, explain
from tocsin.app.options import Options
from tocsin.model.spelling import did_you_mean

PREFIX = "TOCSIN_"
NOT_OPTIONS = {"TOCSIN_CONFIG", "TOCSIN_URL", "TOCSIN_AUTHOR", "TOCSIN_ZONE"}  # read by the command line itself
NOT_OPTION_PREFIX = "TOCSIN_TEST_"
DEPTH_MAX = 20  # the tree is four deep; a group that is an alias of itself has no end
CONTAINS_ITSELF = "(a value that contains itself)"

Path_: TypeAlias = tuple[str, ...]
Flag: TypeAlias = tuple[str, Any]


@dataclass(slots=True)
class Layers:
    """Values merged from all sources so far, where each came from, and what is wrong already."""

    values: dict[str, Any] = field(default_factory=dict)
    places: dict[Path_, Place] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)

    def put(self, path: Path_, value: Any, place: Place) -> None:
        """Set the value at a path, over what an earlier source said."""
        target = self.values
        for key in path[:-1]:
            inner = target.get(key)
            if not isinstance(inner, dict):
                inner = target[key] = {}
            target = inner
        if path:
            target[path[-1]] = value
        self.places[path] = place


def load(*, file: Path | None = None, environment: Mapping[str, str] | None = None, flags: Mapping[str, Flag] | None = None) -> Options:
    """
    The options of this start.

    Args:
        file: A YAML file; None reads none.
        environment: Variables; those that start with TOCSIN_ count.
        flags: Dotted path to the flag's name and its value.

    Raises:
        ConfigMistakes: Everything that is wrong, at once.
    """
    layers = Layers()
    if file is not None:
        _read_file(file, layers)
    for name, text in sorted((environment or {}).items()):
        if name.startswith(PREFIX) and name not in NOT_OPTIONS and not name.startswith(NOT_OPTION_PREFIX):
            _read_variable(name, text, layers)
    for key, (flag, value) in (flags or {}).items():
        layers.put(tuple(key.split(".")), value, Place(flag))
    try:
        options = Options.model_validate(layers.values)
    except ValidationError as error:
        raise ConfigMistakes([*layers.mistakes, *explain(error, layers.places)]) from None  # its text would print secrets
    if layers.mistakes:
        raise ConfigMistakes(layers.mistakes)
    return options


def _read_file(file: Path, layers: Layers) -> None:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        layers.mistakes.append(Mistake(Place(str(file)), "", f"the file can't be read: {reason}"))
        return
    node = _compose(text, Place(str(file)), layers)
    if node is not None:
        _read_node(node, (), _Source(str(file), layers), 0)


def _read_variable(name: str, text: str, layers: Layers) -> None:
    path = tuple(part.lower() for part in name.removeprefix(PREFIX).split("__"))
    place = Place(name)
    if path[0] not in Options.model_fields:
        known = [PREFIX + group.upper() for group in Options.model_fields]
        message = f"no option is called so; two underscores stand between group and option{did_you_mean(PREFIX + path[0].upper(), known)}"
        layers.mistakes.append(Mistake(place, ".".join(path), message))
        return
    node = _compose(text, place, layers)
    if isinstance(node, yaml.MappingNode):
        _read_node(node, path, _Source(name, layers, positions=False), 0)
    else:
        layers.put(path, None if node is None else _plain(node), place)


def _compose(text: str, place: Place, layers: Layers) -> yaml.Node | None:
    try:
        return yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = Place(place.source, mark.line + 1, mark.column + 1) if mark else place
        layers.mistakes.append(Mistake(where, "", f"this is not YAML: {error.problem or error.context}"))
    except yaml.YAMLError as error:
        layers.mistakes.append(Mistake(place, "", f"this is not YAML: {error}"))
    return None


@dataclass(frozen=True, slots=True)
class _Source:
    name: str
    layers: Layers
    positions: bool = True

    def place(self, node: yaml.Node) -> Place:
        mark = node.start_mark
        return Place(self.name, mark.line + 1, mark.column + 1) if self.positions else Place(self.name)


def _read_node(node: yaml.Node, path: Path_, source: _Source, depth: int) -> None:
    """Put a mapping's values in place, one by one, so that the next source can override each of them."""
    if not isinstance(node, yaml.MappingNode):
        message = f"expected options as `name: value`, found {_plain(node)!r}"
        source.layers.mistakes.append(Mistake(source.place(node), ".".join(path), message))
        return
    seen: set[str] = set()
    if path and not node.value:
        source.layers.put(path, {}, source.layers.places.get(path, source.place(node)))
    for key_node, value_node in node.value:
        key = str(key_node.value)
        inner = (*path, key)
        if key in seen:
            source.layers.mistakes.append(
                Mistake(source.place(key_node), ".".join(inner), "stands here a second time; remove one of the two")
            )
        seen.add(key)
        if isinstance(value_node, yaml.MappingNode) and depth < DEPTH_MAX:
            source.layers.places[inner] = source.place(key_node)
            _read_node(value_node, inner, source, depth + 1)
        elif not (len(inner) == 1 and _is_empty(value_node)):  # `journal:` with everything below it commented out
            source.layers.put(inner, _plain(value_node), source.place(key_node))
            _note_places(value_node, inner, source, depth + 1)


def _note_places(node: yaml.Node, path: Path_, source: _Source, depth: int) -> None:
    """Remember where everything inside a list stands: a list is one value, but its mistakes have places of their own."""
    if depth >= DEPTH_MAX:
        return
    if isinstance(node, yaml.SequenceNode):
        for place, item in enumerate(node.value):
            source.layers.places[*path, str(place)] = source.place(item)
            _note_places(item, (*path, str(place)), source, depth + 1)
    elif isinstance(node, yaml.MappingNode):
        for key_node, value_node in node.value:
            source.layers.places[*path, str(key_node.value)] = source.place(key_node)
            _note_places(value_node, (*path, str(key_node.value)), source, depth + 1)


def _plain(node: yaml.Node, around: tuple[int, ...] = ()) -> Any:
    """A node as plain values. Dates stay text, because what they mean is the option's business."""
    if id(node) in around:
        return CONTAINS_ITSELF
    around = (*around, id(node))
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, around) for item in node.value]
    if isinstance(node, yaml.MappingNode):
        return {str(key.value): _plain(value, around) for key, value in node.value}
    tag = node.tag.rpartition(":")[2]
    if tag == "null":
        return None
    if tag not in {"bool", "int", "float"} or ":" in node.value:  # YAML 1.1 reads 12:30 as the number 750
        return node.value
    try:
        return yaml.safe_load(node.value)
    except (yaml.YAMLError, ValueError):
        return node.value


def _is_empty(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag.endswith(":null")
