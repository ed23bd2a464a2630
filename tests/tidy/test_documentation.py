"""What the code offers, the documentation mentions: commands, options, settings, routes, metrics, error codes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache

import pytest
from scripts.docs import FOLDER, PAGES
from tests.tidy.source import ROOT, Module, modules, text_constants

ROUTE_CALLS = {"get", "post", "put", "patch", "delete", "head", "route", "Route", "Mount", "add_route", "add_api_route", "api_route"}


@pytest.mark.parametrize("page", PAGES)
def test_reference_pages_are_current(page: str) -> None:
    """What `make docs` would write is what stands there."""
    path = FOLDER / page
    assert path.exists(), f"docs/reference/{page} is missing: run `make docs`"
    assert path.read_text(encoding="utf-8") == PAGES[page](), f"docs/reference/{page} is old: run `make docs`"


def test_error_codes_are_documented() -> None:
    """Programs match on error codes: each that a class declares is in the reference."""
    declared = {(module.shown, code) for module in modules() if module.room != "demo" for code in _error_codes(module)}
    missing = [f"{shown}: {code}" for shown, code in sorted(declared) if not _is_mentioned(code)]
    assert not missing, "\n".join([*missing, "the list is closed: take a code of tocsin.errors, or add one there and run `make docs`"])


def test_routes_are_documented() -> None:
    """Each path that answers is in the reference."""
    served = [module for module in modules() if module.room in {"api", "app"}]
    missing = [f"{module.shown}: {path}" for module in served for path in _routes(module) if not _is_mentioned(path, prefixed=True)]
    assert not missing, "\n".join([*missing, "write these paths into docs/; `make docs` does it for those in OpenAPI"])


def test_metrics_are_documented() -> None:
    """Each metric of our own is in the reference."""
    measured = [module for module in modules() if module.room not in {"demo", "testing"}]
    names = {text for module in measured for _, text in text_constants(module.tree) if _METRIC.fullmatch(text)}
    missing = sorted(name for name in names if not _is_mentioned(name))
    assert not missing, f"in no page under docs/: {', '.join(missing)}"


def test_environment_variables_are_documented() -> None:
    """Each environment variable of ours is in the reference."""
    names = {text for module in modules() for _, text in text_constants(module.tree) if _VARIABLE.fullmatch(text)}
    missing = sorted(name for name in names if not _is_mentioned(name))
    assert not missing, f"in no page under docs/: {', '.join(missing)}"


def test_command_line_options_are_documented() -> None:
    """Each long option that a command declares is in the reference."""
    commands = [module for module in modules() if module.room == "cli"]
    options = {(module.shown, text) for module in commands for _, text in text_constants(module.tree) if _FLAG.fullmatch(text)}
    missing = [f"{shown}: {text}" for shown, text in sorted(options) if not all(_is_mentioned(flag) for flag in text.split("/"))]
    assert not missing, "\n".join([*missing, "write these options into docs/"])


def test_settings_are_explained() -> None:
    """Each field of a settings model has a description; the reference page and the command line show it."""
    missing = [f"{module.shown}:{line}: {name}" for module in modules() for line, name in _settings_without_description(module.tree)]
    assert not missing, "\n".join([*missing, "use pydantic's Field(default, ge=, le=, description='one sentence with the unit')"])


_METRIC = re.compile(r"tocsin_[a-z0-9_]+_(total|seconds|bytes|ratio|count|info)")
_VARIABLE = re.compile(r"TOCSIN_[A-Z0-9_]+[A-Z0-9]")
_FLAG = re.compile(r"--[a-z][a-z0-9-]+(/--[a-z][a-z0-9-]+)?")


@cache
def _documentation() -> str:
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return "\n".join(page.read_text(encoding="utf-8") for page in pages if page.exists())


def _is_mentioned(word: str, *, prefixed: bool = False) -> bool:
    """Whether a page has the word; a route may stand behind its router's prefix (`/api/logs` for `/logs`)."""
    before = "" if prefixed else r"(?<![\w/-])"
    return re.search(rf"{before}{re.escape(word)}(?![\w-])", _documentation()) is not None


def _routes(module: Module) -> Iterator[str]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, str):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in ROUTE_CALLS and re.match(r"/\w", node.args[0].value):
                yield node.args[0].value.replace(":path}", "}")  # as OpenAPI writes it


def _error_codes(module: Module) -> Iterator[str]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(target, ast.Name) and target.id == "code" for target in targets):
                yield node.value.value


def _settings_without_description(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.ClassDef) or not re.fullmatch(r"\w*(Options|Settings)", node.name):
            continue
        if not any(ast.unparse(parent).endswith("BaseModel") for parent in node.bases):
            continue
        for field in node.body:
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and "description=" not in ast.unparse(field):
                yield field.lineno, f"{node.name}.{field.target.id}"
