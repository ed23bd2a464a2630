"""Names and sentences: what must be there, and what must not."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest
from tests.tidy.source import ROOT, SOURCE, FunctionNode, Module, modules, repository_files, test_modules

FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "base", "misc", "tools", "shared", "core", "lib", "stuff"}

TESTED_BY_USE = {"testing"}  # fakes: the tests of every other room run on them

# Each pattern is written so that it does not match itself.
FORBIDDEN_TEXT = {
    r"(?<![\w.~-])/work[/](main|shared)": "the project must not know where it was written",
    r"\bf[a]rm\b": "the project must not know where it was written",
    r"\bC[E]O\b": "the project must not know where it was written",
    r"issues sho[w]\b": "the project must not know where it was written",
    r"pypi\.or[g]|pythonhosted\.or[g]|registry\.(npmj[s]|yarnpk[g])\.|npmjs\.co[m]|proxy\.golan[g]\.": "the installer knows where",
    r"\b(FIXM[E]|TOD[O]|XX[X]|HAC[K])\b": "do it, or open an issue and say why it waits",
}


@pytest.mark.parametrize("module", [*modules(), *test_modules()], ids=lambda module: module.shown)
def test_modules_say_what_they_are(module: Module) -> None:
    """Every file opens with a docstring; an empty file is the sign of a package that nobody explained."""
    assert ast.get_docstring(module.tree), f"{module.shown} has no docstring: what is it, why, what always holds?"


def test_public_names_are_documented() -> None:
    """Every public class, function and method of the package says what it is or does."""
    wrong = [
        f"{module.shown}:{node.lineno}: {node.name}" for module in modules() for node in _public(module.tree) if not ast.get_docstring(node)
    ]
    assert not wrong, "\n".join([*wrong, "one sentence; then arguments with unit and range, what returns, what raises"])


def test_tests_state_the_behaviour() -> None:
    """Every test has a docstring: one sentence that stays true if the code is written anew."""
    wrong = [
        f"{module.shown}:{function.lineno}: {function.name}"
        for module in test_modules()
        for function in module.functions()
        if function.name.startswith("test_") and not ast.get_docstring(function)
    ]
    assert not wrong, "\n".join(wrong)


def test_modules_are_named_for_what_they_are() -> None:
    """No drawer for things without a place."""
    wrong = [module.shown for module in (*modules(), *test_modules()) if FORBIDDEN_NAMES & set(module.name.split(".")[1:])]
    assert not wrong, "\n".join([*wrong, "name it for the noun of the trade that it holds"])


def test_every_room_has_its_tests() -> None:
    """tests/ mirrors the package: a room without a test of its own is a room that nobody looks after."""
    rooms = [folder.name for folder in sorted((SOURCE / "tocsin").iterdir()) if (folder / "__init__.py").exists()]
    missing = [room for room in rooms if room not in TESTED_BY_USE and not list((ROOT / "tests" / room).rglob("test_*.py"))]
    assert not missing, f"no tests under {', '.join(f'tests/{room}' for room in missing)}"


@pytest.mark.parametrize("pattern", FORBIDDEN_TEXT, ids=lambda pattern: pattern[:20])
def test_what_no_file_says(pattern: str) -> None:
    """Some words have no business in the project."""
    wanted = re.compile(pattern)
    wrong = [
        f"{path.relative_to(ROOT)}:{number}: {match[0]!r}"
        for path in repository_files()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if (match := wanted.search(line))
    ]
    assert not wrong, "\n".join([*wrong[:20], FORBIDDEN_TEXT[pattern]])


def test_locks_carry_hashes_and_no_addresses() -> None:
    """Every pinned package has a hash, and nothing says where it is fetched from."""
    locks = sorted((ROOT / "requirements").glob("*.lock"))
    assert locks
    for lock in locks:
        text = lock.read_text(encoding="utf-8")
        assert "://" not in text, f"{lock.name} names an address; scripts/lock writes it without"
        assert not re.search(r"^\s*-", text.replace("--hash=", ""), re.MULTILINE), f"{lock.name} carries an option of the installer"
        blocks = re.findall(r"^[A-Za-z0-9][^\n]*(?:\n    [^\n]*)*", text, re.MULTILINE)
        unhashed = [block.splitlines()[0] for block in blocks if "--hash=sha256:" not in block or "==" not in block]
        assert not unhashed, f"{lock.name}: {unhashed}"


def _public(tree: ast.Module | ast.ClassDef) -> Iterator[ast.ClassDef | FunctionNode]:
    for node in tree.body:
        if isinstance(node, ast.ClassDef | FunctionNode) and not node.name.startswith("_") and not _is_variant(node):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from _public(node)


def _is_variant(node: ast.ClassDef | FunctionNode) -> bool:
    decorators = {ast.unparse(decorator).rpartition(".")[2] for decorator in node.decorator_list}
    return bool(decorators & {"overload", "setter", "deleter", "override"})
