"""The tree of errors: every code is stable, documented in the drawing, and says whether the same may be sent again."""

from __future__ import annotations

import inspect
import re

import pytest

from tocsin import errors
from tocsin.errors import ConfigError, Overloaded, ParseError, TocsinError

# Programs match on these. A code that disappears, or changes its meaning, breaks them.
CODES = {
    "TocsinError": ("internal", False),
    "InvalidInput": ("invalid_input", False),
    "ParseError": ("parse_error", False),
    "LimitExceeded": ("limit_exceeded", False),
    "NotFound": ("not_found", False),
    "Conflict": ("conflict", False),
    "ConfigError": ("config_error", False),
    "Overloaded": ("overloaded", True),
    "Timeout": ("timeout", True),
    "StoreError": ("store_error", True),
    "JournalError": ("journal_error", True),
    "DeliveryError": ("delivery_error", True),
}
TREE = {name: kind for name, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, TocsinError)}


def test_codes_are_stable() -> None:
    """The list above is the whole tree."""
    assert {name: (kind.code, kind.retryable) for name, kind in TREE.items()} == CODES


def test_codes_are_unique() -> None:
    """One code, one meaning."""
    codes = [kind.code for kind in TREE.values()]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", code) for code in codes)


def test_the_drawing_is_the_tree() -> None:
    """The module's head draws every class, two spaces deeper than its parent."""
    drawn = re.findall(r"^ {4}( *)([A-Z]\w+) {2,}", errors.__doc__ or "", re.MULTILINE)
    assert {name for _, name in drawn} == set(TREE)
    path: list[str] = []
    for indent, name in drawn:
        del path[len(indent) // 2 :]
        if path:
            assert TREE[name].__base__ is TREE[path[-1]], f"{name} is drawn under {path[-1]}"
        path.append(name)


@pytest.mark.parametrize("kind", [kind for kind in TREE.values() if kind is not Overloaded], ids=lambda kind: kind.__name__)
def test_errors_say_what_they_were_told(kind: type[TocsinError]) -> None:
    """The message is the text, and catching the root catches all."""
    with pytest.raises(TocsinError, match="expected so, found this"):
        raise kind("expected so, found this")


def test_what_errors_carry() -> None:
    """Where a text went wrong, which option, when to come back."""
    assert ParseError("m", position=7).position == 7
    assert ParseError("m").position is None
    assert ConfigError("m", key="store.engine.url").key == "store.engine.url"
    assert ConfigError("m").key == ""
    assert Overloaded("m", retry_after_s=1.5).retry_after_s == 1.5
