"""The project's own files as the style tests read them: parsed, with their names resolved."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src"
_NOT_OURS = {".git", ".venv", ".peers", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", "__pycache__", "__cache__"}
_NOT_OURS |= {"node_modules", "dist", "build", "data", "tocsin-data"}
_BINARY = {".png", ".ico", ".woff2", ".gz", ".zst", ".bin", ".pb", ".pyc"}

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """A Python file: `name` is its import name (`tocsin.store.sql`), `room` the part after `tocsin` (empty for the face itself)."""

    path: Path
    name: str
    text: str
    tree: ast.Module

    @property
    def room(self) -> str:
        """`store` for `tocsin.store.sql`, `errors` for `tocsin.errors`."""
        return self.name.split(".")[1] if "." in self.name else ""

    @property
    def shown(self) -> str:
        """The path as a reader of a message wants it."""
        return str(self.path.relative_to(ROOT))

    def functions(self) -> Iterator[FunctionNode]:
        """Every function in it, methods and nested ones too."""
        return (node for node in ast.walk(self.tree) if isinstance(node, FunctionNode))


@cache
def modules() -> tuple[Module, ...]:
    """Every module of the package."""
    return tuple(_parse(path, SOURCE) for path in sorted(SOURCE.rglob("*.py")))


@cache
def test_modules() -> tuple[Module, ...]:
    """Every Python file under tests/."""
    return tuple(_parse(path, ROOT) for path in sorted((ROOT / "tests").rglob("*.py")))


test_modules.__test__ = False  # type: ignore[attr-defined]  # its name begins like a test's, and other files import it


@cache
def repository_files() -> tuple[Path, ...]:
    """Every text file of the project, without what is installed or generated."""
    return tuple(sorted(_walk(ROOT)))


def text_constants(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and value of every text in the code, f-strings put together, docstrings left out."""
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    inside_fstrings = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield node.lineno, "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and not {id(node)} & (docstrings | inside_fstrings):
            yield node.lineno, node.value


def qualified_names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and full name of everything that is used from an imported module: `time.time` for `import time as t; t.time()`."""
    imported: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                whole = alias.name if alias.asname else alias.name.split(".")[0]
                imported[alias.asname or whole] = whole
        elif isinstance(node, ast.ImportFrom) and node.module:
            imported |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute) and (name := _dotted(node)):
            first, _, rest = name.partition(".")
            yield node.lineno, f"{imported.get(first, first)}.{rest}" if rest else imported.get(first, first)


def _dotted(node: ast.expr) -> str | None:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (value := _dotted(node.value)):
        return f"{value}.{node.attr}"
    return None


def _parse(path: Path, base: Path) -> Module:
    text = path.read_text(encoding="utf-8")
    parts = path.relative_to(base).with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    return Module(path=path, name=name, text=text, tree=ast.parse(text, filename=str(path)))


def _walk(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.name in _NOT_OURS or path.name.endswith(".egg-info") or path.is_symlink():
            continue
        if path.is_dir():
            yield from _walk(path)
        elif path.suffix not in _BINARY:
            yield path
