"""Imports go one way: the order of the rooms, no cycles, and no import hidden in a function."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter

import pytest
from tests.tidy.source import ROOT, FunctionNode, Module, modules

ORDER = (
    "errors, clock < model < {wire, journal, store, state} < {query, collect} < slo < alert < {oncall, incident} < replay < api < app < cli"
)
FLOOR = {"errors", "clock", "model"}
LEAVES = {"demo": {"cli", "app"}, "testing": {"cli", "app"}}  # room: the only rooms that may import it

PYDANTIC_ASKS = "records belong to the light core; pydantic comes with the server and asks for its schema itself"

# (module, what it imports): why this import waits until the function runs. Only what an extra brings may wait.
IMPORTS_IN_FUNCTIONS: dict[tuple[str, str], str] = {
    (
        "tocsin.model.instant",
        "pydantic_core",
    ): PYDANTIC_ASKS,
    ("tocsin.model.telemetry", "pydantic_core"): PYDANTIC_ASKS,
    ("tocsin", "tocsin.app.house"): "tocsin.open needs the server; `import tocsin` alone must not load it",
}


def test_the_plan_gives_this_order() -> None:
    """ARCHITECTURE.md draws the order that the tests below hold."""
    plan = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    assert ORDER in plan, f"ARCHITECTURE.md does not contain the line {ORDER!r}; change the plan and tests/tidy/test_layers.py together"


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.name)
def test_imports_go_one_way(module: Module) -> None:
    """A room imports only rooms below it; rooms of one brace don't import each other."""
    me = module.room or "tocsin"
    # What the face imports for types or within a function, a user's service never loads; the list above holds the latter.
    imported = _ours(module, at_run_time=not module.room)
    wrong = [f"{module.shown}:{line}: {me} may not import {name}" for line, name in imported if not _allowed(module, name)]
    assert not wrong, "\n".join([*wrong, f"the order is: {ORDER}; let app wire the two, or move what both need into model"])


def test_there_are_no_cycles() -> None:
    """No module needs, by any way round, itself to be imported first."""
    names = {module.name for module in modules()}
    graph = {module.name: {_existing(name, names) for _, name in _ours(module, at_run_time=True)} - {module.name} for module in modules()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"import cycle: {' -> '.join(error.args[1])}")


def test_imports_stand_at_the_top() -> None:
    """An import inside a function is on the list with its reason, and the list names none that is gone."""
    found = {(module.name, _brought(name)): f"{module.shown}:{line}: imports {name} inside a function" for module, line, name in _hidden()}
    unlisted = [place for key, place in found.items() if key not in IMPORTS_IN_FUNCTIONS]
    assert not unlisted, "\n".join([*unlisted, "move it to the top; if an extra brings it, list it in IMPORTS_IN_FUNCTIONS"])
    assert not IMPORTS_IN_FUNCTIONS.keys() - found.keys(), "these are gone: take them off the list"


def _brought(name: str) -> str:
    return name if name.startswith("tocsin") else name.split(".", maxsplit=1)[0]


def _layer(room: str) -> int:
    for height, names in enumerate(ORDER.split("<")):
        if room in re.findall(r"\w+", names):
            return height
    return -1


def _allowed(module: Module, name: str) -> bool:
    room, other = module.room, name.split(".")[1] if "." in name else ""
    if room == other or room in LEAVES:
        return True
    if room == "__main__":  # `python -m tocsin` is the command line
        return other == "cli"
    if other in LEAVES:
        return room in LEAVES[other]
    if not room:  # the face of the package: a user's service imports it, so nothing of the server comes along
        return other in FLOOR or (module.name, name) in IMPORTS_IN_FUNCTIONS
    if not other:  # nothing inside looks at the face
        return False
    assert _layer(room) >= 0, f"{module.shown}: the room {room!r} has no place in the order {ORDER!r}"
    return _layer(other) < _layer(room) or {room, other} <= {"errors", "clock"}


def _ours(module: Module, *, at_run_time: bool = False) -> Iterator[tuple[int, str]]:
    skipped = {id(inner) for node in ast.walk(module.tree) if at_run_time and _is_deferred(node) for inner in ast.walk(node)}
    names = {other.name for other in modules()}
    for node in ast.walk(module.tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names if alias.name.split(".")[0] == "tocsin")
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "tocsin":
            yield from ((node.lineno, _existing(f"{node.module}.{alias.name}", names)) for alias in node.names)


def _is_deferred(node: ast.AST) -> bool:
    return isinstance(node, FunctionNode) or (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test))


def _existing(name: str, names: set[str]) -> str:
    return name if name in names else name.rpartition(".")[0]


def _hidden() -> Iterator[tuple[Module, int, str]]:
    for module in modules():
        for function in module.functions():
            for node in ast.walk(function):
                if isinstance(node, ast.Import):
                    yield from ((module, node.lineno, alias.name) for alias in node.names)
                elif isinstance(node, ast.ImportFrom):
                    yield module, node.lineno, node.module or "."
