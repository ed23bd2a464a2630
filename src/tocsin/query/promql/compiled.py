"""
How functions become machine code here: compiled on first use, kept on disk, and free of the interpreter's lock, so that two threads can
work on the halves of a selection.

Division by zero gives infinities and NaN as IEEE 754 has it, never an exception.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """The function as machine code, with its types kept for the type checker."""
    return cast("F", njit(cache=True, nogil=True, error_model="numpy")(function))
