"""Files and functions stay small enough to be read at once; what does not is listed, and the list only shrinks."""

from __future__ import annotations

import json
from pathlib import Path

from tests.tidy.source import modules, test_modules

FILE_LINES_MAX = 600
FUNCTION_LINES_MAX = 70
EXCEPTIONS = Path(__file__).with_name("size_exceptions.json")


def test_files_stay_readable() -> None:
    """No file has more than 600 lines."""
    sizes = {module.shown: len(module.text.splitlines()) for module in (*modules(), *test_modules())}
    _hold(sizes, FILE_LINES_MAX, "files")


def test_functions_stay_readable() -> None:
    """No function has more than 70 lines, decorators not counted; of functions with one name in one file, the longest counts."""
    sizes: dict[str, int] = {}
    for module in (*modules(), *test_modules()):
        for function in module.functions():
            name = f"{module.shown}::{function.name}"
            sizes[name] = max(sizes.get(name, 0), (function.end_lineno or function.lineno) - function.lineno + 1)
    _hold(sizes, FUNCTION_LINES_MAX, "functions")


def _hold(sizes: dict[str, int], limit: int, kind: str) -> None:
    listed: dict[str, dict[str, int | str]] = json.loads(EXCEPTIONS.read_text(encoding="utf-8"))[kind]
    wrong = [f"{name} has {lines} lines, more than {limit}" for name, lines in sizes.items() if lines > limit and name not in listed]
    for name, entry in listed.items():
        allowed, lines = int(entry["lines"]), sizes.get(name, 0)
        if lines > allowed:
            wrong.append(f"{name} grew from {allowed} to {lines} lines")
        elif lines <= limit:
            wrong.append(f"{name} is short enough now, or gone: take it off the list")
        elif lines < allowed:
            wrong.append(f"{name} shrank from {allowed} to {lines} lines: write that down")
        if not entry.get("reason"):
            wrong.append(f"{name} is listed without a reason")
    assert not wrong, "\n".join([*wrong, f"the list is {EXCEPTIONS.name}; it may only shrink"])
